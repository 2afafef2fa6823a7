//! Writing a file that is new: all of it or nothing, and never over another.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write as _};
use std::path::Path;

use super::edit::Aside;
use super::failure::Failure;

/// Refuses a path where something is, be it a link that leads nowhere.
pub(super) fn refuse_existing(path: &Path) -> Result<(), Failure> {
    match fs::symlink_metadata(path) {
        Ok(_) => Err(exists(path)),
        Err(_) => Ok(()),
    }
}

/// Writes a file that nobody ever sees half of. The folder `environments` is
/// made; others must be there.
pub(super) fn create(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: io::Error| match error.kind() {
        ErrorKind::AlreadyExists => exists(path),
        ErrorKind::NotFound => Failure::Init {
            why: format!(
                "{} could not be written: its folder is missing",
                path.display()
            ),
            hint: Some("make the folder first".into()),
        },
        _ => Failure::io(format!("{} could not be written", path.display()))(error),
    };
    let folder = path
        .parent()
        .filter(|folder| **folder == *Path::new("environments"));
    if let Some(folder) = folder {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    put(path, text).map_err(failed)
}

fn put(path: &Path, text: &str) -> io::Result<()> {
    let aside = Aside::of(path);
    let mut file = File::create_new(aside.path())?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    // Unlike a move, a link never replaces what is there.
    match fs::hard_link(aside.path(), path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => {
            // Not every file system has links.
            File::create_new(path)?.write_all(text.as_bytes())
        }
        linked => linked,
    }
}

fn exists(path: &Path) -> Failure {
    Failure::Init {
        why: format!("{} is there already; nothing was written", path.display()),
        hint: Some("name another with --env or --out; --out - prints the text".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prod.toml");
        put(&file, "first").unwrap();
        assert_eq!(
            put(&file, "second").unwrap_err().kind(),
            ErrorKind::AlreadyExists
        );
        assert_eq!(fs::read_to_string(&file).unwrap(), "first");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
