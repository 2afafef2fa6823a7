//! Where the declared state comes from, as CI and git tell it.
//!
//! Neither must be there: what they do not tell is not known, which is no
//! error. git is only asked, never let to write, to fetch or to prompt.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;
use tracing::{debug, info};

use crate::environment::Desired;
use crate::model::{Commit, Provenance};

/// git answers in milliseconds; on a cold disk, with a large repository, in a
/// second or two. A deployment waits no longer for what it can do without.
const PATIENCE: Duration = Duration::from_secs(5);

/// Where an environment comes from; `None` when it does not want to know.
pub(super) async fn of(desired: &Desired) -> Option<Provenance> {
    if !desired.provenance {
        return None;
    }
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let commit = match set("GITHUB_SHA").and_then(|commit| commit.parse().ok()) {
        Some(commit) => Some(commit),
        None => commit_of(Path::new(&desired.file)).await,
    };
    Some(Provenance {
        environment: desired.environment.clone(),
        commit,
        run: run(set),
    })
}

/// The page of the run in GitHub Actions.
fn run(set: impl Fn(&str) -> Option<String>) -> Option<String> {
    let server = set("GITHUB_SERVER_URL")?;
    let repository = set("GITHUB_REPOSITORY")?;
    let id = set("GITHUB_RUN_ID")?;
    Some(format!("{server}/{repository}/actions/runs/{id}"))
}

/// The commit that holds this very file.
async fn commit_of(file: &Path) -> Option<Commit> {
    let file = resolved(file);
    let name = file.file_name()?;
    let mut args: Vec<&OsStr> = [
        "status",
        "--porcelain=v2",
        "--branch",
        "--no-ahead-behind",
        "--untracked-files=normal",
        "--ignored",
        "--",
    ]
    .map(OsStr::new)
    .to_vec();
    args.push(name);
    let output = git(folder(&file), args).await?;
    if !output.status.success() {
        debug!("git knows nothing of {}", file.display());
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let commit = text
        .lines()
        .find_map(|line| line.strip_prefix("# branch.oid "))?
        .parse()
        .ok()?;
    if text.lines().any(|line| !line.starts_with('#')) {
        info!(
            "{} is not as it is in commit {commit}, so no commit is named",
            file.display()
        );
        return None;
    }
    Some(commit)
}

/// Which of these commits come after ours. Where that cannot be told, a commit
/// is left out.
pub(super) async fn newer(
    desired: &Desired,
    ours: &Commit,
    live: BTreeSet<Commit>,
) -> BTreeSet<Commit> {
    let file = resolved(Path::new(&desired.file));
    let mut newer = BTreeSet::new();
    for live in live.into_iter().filter(|live| live != ours) {
        match is_ancestor(folder(&file), ours, &live).await {
            Some(true) => {
                newer.insert(live);
            }
            Some(false) => {}
            None => info!(
                "whether commit {live}, which runs, is newer than {ours} cannot be told from \
                 this clone; taken not to be"
            ),
        }
    }
    newer
}

/// Whether one commit is among those that another is built on; `None` when
/// this clone does not have all that it takes to tell.
async fn is_ancestor(folder: &Path, of: &Commit, later: &Commit) -> Option<bool> {
    let args = ["merge-base", "--is-ancestor", of.as_str(), later.as_str()];
    match git(folder, args).await?.status.code() {
        Some(0) => Some(true),
        Some(1) => {
            // Where history is cut off, a way may lead through what is missing.
            let shallow = git(folder, ["rev-parse", "--is-shallow-repository"]).await?;
            (shallow.stdout.trim_ascii() == b"false").then_some(false)
        }
        _ => None,
    }
}

/// Where a link leads: git tells of the link alone.
pub(super) fn resolved(file: &Path) -> PathBuf {
    let resolved = file.is_symlink().then(|| file.canonicalize().ok());
    resolved.flatten().unwrap_or_else(|| file.to_owned())
}

pub(super) fn folder(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

async fn git<A: AsRef<OsStr>>(folder: &Path, args: impl IntoIterator<Item = A>) -> Option<Output> {
    let output = Command::new("git")
        .arg("--literal-pathspecs")
        // A program of the repository's choice.
        .args(["-c", "core.fsmonitor=false"])
        .arg("-C")
        .arg(folder)
        .args(args)
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("GIT_TERMINAL_PROMPT", "0")
        // Clones that lack objects fetch them when they are looked at.
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_ALLOW_PROTOCOL", "none")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    match timeout(PATIENCE, output).await {
        Ok(Ok(output)) => Some(output),
        Ok(Err(error)) => {
            debug!("git cannot be asked: {error}");
            None
        }
        Err(_) => {
            info!("git did not answer in {} s", PATIENCE.as_secs());
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_has_an_address_only_when_all_of_it_is_known() {
        let all = |name: &str| {
            Some(match name {
                "GITHUB_SERVER_URL" => "https://github.com".to_owned(),
                "GITHUB_REPOSITORY" => "shop/deploy".to_owned(),
                "GITHUB_RUN_ID" => "42".to_owned(),
                other => panic!("{other}"),
            })
        };
        assert_eq!(
            run(all).as_deref(),
            Some("https://github.com/shop/deploy/actions/runs/42")
        );
        assert_eq!(
            run(|name| all(name).filter(|_| name != "GITHUB_RUN_ID")),
            None
        );
    }
}
