//! A branch with one commit that changes an environment file, for a pull
//! request. Nothing is fetched and nothing is pushed.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use tokio::process::Command;

use super::failure::Failure;
use super::provenance::{folder, resolved};

/// The git repository that holds an environment file, which is there as it was
/// committed.
pub(super) struct Repository {
    folder: PathBuf,
    /// The file's name in the folder.
    name: OsString,
    /// The file as the user named it.
    shown: String,
}

/// Whether a branch can be made.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Branch {
    Free,
    /// It is there, and has the file just as it is to be.
    Same,
}

impl Repository {
    /// Finds it, and refuses what a commit could not be made of.
    pub async fn of(file: &str) -> Result<Self, Failure> {
        let path = resolved(Path::new(file));
        let repository = Self {
            folder: folder(&path).to_owned(),
            name: path.file_name().unwrap_or_default().to_owned(),
            shown: file.to_owned(),
        };
        repository.check().await?;
        Ok(repository)
    }

    async fn check(&self) -> Result<(), Failure> {
        let inside = self.git(["rev-parse", "--is-inside-work-tree"]).await?;
        if inside.stdout.trim_ascii() != b"true" {
            return Err(Failure::Git {
                why: format!("{} is in no git repository", self.shown),
                hint: Some("run it in a clone, or leave --commit out".to_owned()),
            });
        }
        let status = ["status", "--porcelain", "--ignored", "--"].map(OsStr::new);
        let status = self.git(status.into_iter().chain([&*self.name])).await?;
        let status = succeeded("status", status)?;
        if !status.trim_ascii().is_empty() {
            let why = match status.get(..2) {
                Some(b"??" | b"!!") => "is not in git",
                _ => "has changes that are not committed",
            };
            return Err(Failure::Git {
                why: format!("{} {why}", self.shown),
                hint: Some("commit it first, or take the changes back".to_owned()),
            });
        }
        for who in ["GIT_AUTHOR_IDENT", "GIT_COMMITTER_IDENT"] {
            if !self.git(["var", who]).await?.status.success() {
                return Err(Failure::Git {
                    why: "git does not know who makes the commit".to_owned(),
                    hint: Some("set user.name and user.email with `git config`".to_owned()),
                });
            }
        }
        Ok(())
    }

    /// Looks whether the branch is there, here or at a remote as it was last
    /// fetched. `text` is what the file is to be.
    pub async fn look(&self, branch: &str, text: &str) -> Result<Branch, Failure> {
        let valid = self.git(["check-ref-format", "--branch", branch]).await?;
        if !valid.status.success() || branch.starts_with('-') {
            return Err(Failure::Git {
                why: format!("{branch:?} is no name for a branch"),
                hint: Some("name one with --branch".to_owned()),
            });
        }
        let (here, there) = (
            format!("refs/heads/{branch}"),
            format!("refs/remotes/*/{branch}"),
        );
        let refs = ["for-each-ref", "--format=%(refname)", &here, &there];
        let refs = succeeded("for-each-ref", self.git(refs).await?)?;
        let refs = String::from_utf8_lossy(&refs).into_owned();
        // A pattern also matches what is below a branch's name.
        let Some(found) = refs
            .lines()
            .find(|name| name.ends_with(&format!("/{branch}")))
        else {
            return Ok(Branch::Free);
        };
        let mut blob = OsString::from(format!("{found}:./"));
        blob.push(&self.name);
        let shown = self
            .git([OsStr::new("cat-file"), OsStr::new("blob"), &blob])
            .await?;
        if shown.status.success() && shown.stdout == text.as_bytes() {
            return Ok(Branch::Same);
        }
        Err(Failure::Git {
            why: format!(
                "branch {branch} exists already, with another {}",
                self.shown
            ),
            hint: Some("delete it, or name another one with --branch".to_owned()),
        })
    }

    /// Makes the branch from what is checked out, checks it out, and commits
    /// the file as it is now; nothing else, whatever is staged.
    pub async fn commit(
        &self,
        branch: &str,
        title: &str,
        summary: &str,
    ) -> Result<String, Failure> {
        let made = self.git(["switch", "--quiet", "--create", branch]).await?;
        self.left_behind(succeeded("switch", made), "it is edited all the same")?;
        let commit = [
            "commit",
            "--quiet",
            "--only",
            "--message",
            title,
            "--message",
            summary,
            "--",
        ];
        let commit = commit.map(OsStr::new);
        let made = self.git(commit.into_iter().chain([&*self.name])).await?;
        let left = format!("it is edited, on the new branch {branch}");
        self.left_behind(succeeded("commit", made), &left)?;
        let head = succeeded("rev-parse", self.git(["rev-parse", "HEAD"]).await?)?;
        Ok(String::from_utf8_lossy(&head).trim().to_owned())
    }

    /// Says how the file is left when git fails in the middle.
    fn left_behind(&self, done: Result<Vec<u8>, Failure>, left: &str) -> Result<(), Failure> {
        match done {
            Ok(_) => Ok(()),
            Err(Failure::Git { why, .. }) => Err(Failure::Git {
                why,
                hint: Some(format!("look at {}: {left}", self.shown)),
            }),
            Err(other) => Err(other),
        }
    }

    /// Hooks take as long as they take, so there is no time-out.
    async fn git<A: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = A>,
    ) -> Result<Output, Failure> {
        Command::new("git")
            .arg("--literal-pathspecs")
            .arg("-C")
            .arg(&self.folder)
            .args(args)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_NO_LAZY_FETCH", "1")
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .map_err(Failure::io("git could not be started"))
    }
}

fn succeeded(what: &str, output: Output) -> Result<Vec<u8>, Failure> {
    if output.status.success() {
        return Ok(output.stdout);
    }
    let says = String::from_utf8_lossy(&output.stderr);
    let says = says.lines().next().unwrap_or("it does not say why");
    Err(Failure::Git {
        why: format!("git {what} failed: {}", says.trim()),
        hint: None,
    })
}
