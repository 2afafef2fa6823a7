//! From the name of an environment to its file.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::keys::nearest;
use super::load_error::{LoadError, Unreadable};
use super::show;

/// The folder of environment files, under the root.
const FOLDER: &str = "environments";

/// How many names a message lists.
const LISTED: usize = 10;

/// The file of an environment: `prod` is `environments/prod.toml` under the
/// root; what has a `/` in it or ends in `.toml` is a path, taken as it is.
///
/// # Errors
/// There is no such file; the error lists the environments that there are.
pub fn find(name: &str, root: &Path) -> Result<PathBuf, LoadError> {
    let is_path = name.contains('/') || name.ends_with(".toml");
    let path = if is_path {
        PathBuf::from(name)
    } else {
        folder(root).join(format!("{name}.toml"))
    };
    if !name.is_empty() && path.try_exists().unwrap_or(true) {
        return Ok(path);
    }
    let shown = show::whole(name);
    let message = if is_path {
        format!("there is no file {shown}")
    } else if name.is_empty() {
        "the environment's name is empty".to_owned()
    } else {
        format!(
            "there is no environment `{shown}`: {} does not exist",
            show::whole(&path.to_string_lossy())
        )
    };
    let names: Vec<String> = all(root)?
        .iter()
        .filter_map(|path| path.file_stem())
        .map(|stem| stem.to_string_lossy().into_owned())
        .collect();
    let wanted = Path::new(name)
        .file_stem()
        .map(|stem| stem.to_string_lossy().into_owned());
    let meant = wanted
        .filter(|wanted| !wanted.is_empty())
        .and_then(|wanted| nearest(&wanted, names.iter().map(String::as_str)).map(str::to_owned));
    let listed = list(&names);
    let help = match meant {
        Some(meant) => format!(
            "did you mean `{}`? There are: {listed}",
            show::whole(&meant)
        ),
        None => format!("there are: {listed}"),
    };
    Err(Unreadable::plain(message).help(help).into())
}

/// Every environment file under the root, sorted by name. Hidden files, such
/// as an editor's, are left out.
///
/// # Errors
/// The folder is missing, cannot be read, or has no environment file in it.
pub fn all(root: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let folder = folder(root);
    let shown = folder.to_string_lossy();
    let create = format!(
        "create {}, or run evenkeel where `environments` is",
        show::whole(&folder.join("prod.toml").to_string_lossy())
    );
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(
                Unreadable::plain(format!("there is no folder {}", show::whole(&shown)))
                    .help(create)
                    .into(),
            );
        }
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return Err(Unreadable::new(&shown, "is a file, not a folder")
                .help(create)
                .into());
        }
        entries => entries.map_err(|error| Unreadable::io(&shown, error))?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Unreadable::io(&shown, error))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".toml") && !name.starts_with('.') {
            files.push(folder.join(entry.file_name()));
        }
    }
    if files.is_empty() {
        return Err(
            Unreadable::new(&shown, "has no environment in it (no .toml file)")
                .help(create)
                .into(),
        );
    }
    files.sort();
    Ok(files)
}

/// Without a leading `./`, so that files are named as people name them.
fn folder(root: &Path) -> PathBuf {
    if root == Path::new(".") {
        PathBuf::from(FOLDER)
    } else {
        root.join(FOLDER)
    }
}

fn list(names: &[String]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(LISTED)
        .map(|name| show::whole(name))
        .collect();
    match names.len().saturating_sub(LISTED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}
