//! From the name of an environment to its file.

use std::fs;
use std::io::{self, ErrorKind};
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
    let shown = show::whole(name);
    let file = show::whole(&path.to_string_lossy());
    if name.is_empty() {
        let error = Unreadable::plain("the environment's name is empty".to_owned());
        return Err(there_are(error, &names(root)?, None).into());
    }
    let is_folder = match fs::metadata(&path) {
        Ok(found) if !found.is_dir() => return Ok(path),
        Ok(_) => true,
        Err(error) if !is_absent(&error) => return Ok(path), // whoever reads it says why
        Err(_) => !is_path && Path::new(name).is_dir(),
    };
    if is_folder {
        let message = if file.ends_with(".toml") && path.is_dir() {
            format!("{file} is a folder, not a file")
        } else {
            format!("`{shown}` is a folder; name an environment or a file")
        };
        let error = Unreadable::plain(message);
        return Err(there_are(error, &names(root).unwrap_or_default(), None).into());
    }
    let error = Unreadable::plain(if is_path {
        format!("there is no file {shown}")
    } else {
        format!("there is no environment `{shown}`: {file} does not exist")
    });
    let names = names(root)?;
    let wanted = Path::new(name).file_stem().unwrap_or_default();
    let meant = nearest(&wanted.to_string_lossy(), names.iter().map(String::as_str));
    Err(there_are(error, &names, meant).into())
}

/// The names of the environments; a folder is none, whatever it is called.
///
/// # Errors
/// Like [`all`].
pub fn names(root: &Path) -> Result<Vec<String>, LoadError> {
    Ok(all(root)?
        .iter()
        .filter(|path| !path.is_dir())
        .filter_map(|path| path.file_stem())
        .map(|stem| stem.to_string_lossy().into_owned())
        .collect())
}

fn there_are(error: Unreadable, names: &[String], meant: Option<&str>) -> Unreadable {
    let listed = list(names);
    match meant {
        _ if names.is_empty() => error,
        Some(meant) => error.help(format!(
            "did you mean `{}`? There are: {listed}",
            show::whole(meant)
        )),
        None => error.help(format!("there are: {listed}")),
    }
}

fn create(root: &Path) -> String {
    format!(
        "create {}, or run evenkeel where `environments` is",
        show::whole(&folder(root).join("prod.toml").to_string_lossy())
    )
}

/// Nothing is there, or something on the way is no folder.
fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory)
}

/// Every environment file under the root, sorted by name. Hidden files, such
/// as an editor's, are left out.
///
/// # Errors
/// The folder is missing, cannot be read, or has no environment file in it.
pub fn all(root: &Path) -> Result<Vec<PathBuf>, LoadError> {
    let folder = folder(root);
    let shown = folder.to_string_lossy();
    let entries = match fs::read_dir(&folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            return Err(
                Unreadable::plain(format!("there is no folder {}", show::whole(&shown)))
                    .help(create(root))
                    .into(),
            );
        }
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            return Err(Unreadable::new(&shown, "is a file, not a folder")
                .help(create(root))
                .into());
        }
        entries => entries.map_err(|error| Unreadable::io(&shown, &error))?,
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| Unreadable::io(&shown, &error))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.ends_with(".toml") && !name.starts_with('.') {
            files.push(folder.join(entry.file_name()));
        }
    }
    if files.is_empty() {
        return Err(
            Unreadable::new(&shown, "has no environment in it (no .toml file)")
                .help(create(root))
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
