//! Writing an environment file that was edited: all of it or nothing, and only
//! in the place of what was read.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::environment::{Draft, Edit};

use super::failure::Failure;

/// Puts these images into the file of the draft. Nothing is written when none
/// of them changes anything.
pub(super) fn write(draft: &Draft, edits: &[Edit]) -> Result<(), Failure> {
    let text = draft
        .with(edits)
        .map_err(|error| Failure::Environment(vec![error]))?;
    if text == draft.text() {
        return Ok(());
    }
    let file = &draft.desired().file;
    match replace(Path::new(file), draft.text(), &text) {
        Ok(true) => Ok(()),
        Ok(false) => Err(Failure::FileChanged { file: file.clone() }),
        Err(error) => Err(Failure::io(format!("{file} could not be written"))(error)),
    }
}

/// Replaces a file by moving a new one into its place, so that nobody ever sees
/// half of it. A link stays a link, and the file keeps its permissions. Answers
/// false, and writes nothing, when the file is not what it was before.
fn replace(path: &Path, before: &str, after: &str) -> io::Result<bool> {
    let path = path.canonicalize()?;
    // A new file in its place would pass over its write protection.
    let permissions = fs::metadata(&path)?.permissions();
    if permissions.readonly() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    OpenOptions::new().write(true).open(&path)?;
    let aside = Aside::of(&path);
    let mut file = File::create_new(&aside.0)?;
    file.set_permissions(permissions)?;
    file.write_all(after.as_bytes())?;
    file.sync_all()?;
    if fs::read(&path)? != before.as_bytes() {
        return Ok(false);
    }
    fs::rename(&aside.0, &path)?;
    Ok(true)
}

/// A file beside another. Hidden, so that it is no environment; removed when it
/// was not moved away.
pub(super) struct Aside(PathBuf);

impl Aside {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn of(path: &Path) -> Self {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Self(path.with_file_name(format!(".{name}.{}.tmp", std::process::id())))
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // After the move there is nothing to remove.
        let _ = fs::remove_file(&self.0);
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    use super::*;

    fn folder() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("prod.toml");
        fs::write(&file, "before").unwrap();
        (folder, file)
    }

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn the_new_file_has_the_old_ones_permissions() {
        let (folder, file) = folder();
        for mode in [0o644, 0o600, 0o755] {
            fs::write(&file, "before").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
            assert!(replace(&file, "before", "after").unwrap());
            assert_eq!(fs::read_to_string(&file).unwrap(), "after");
            let now = fs::metadata(&file).unwrap().permissions().mode() & 0o777;
            assert_eq!(now, mode);
        }
        assert_eq!(names(folder.path()), 1);
    }

    #[test]
    fn a_link_stays_and_its_file_changes() {
        let (folder, file) = folder();
        let other = tempfile::tempdir().unwrap();
        let link = other.path().join("link.toml");
        symlink(&file, &link).unwrap();
        assert!(replace(&link, "before", "after").unwrap());
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "after");
        assert_eq!((names(folder.path()), names(other.path())), (1, 1));
    }

    #[test]
    fn what_somebody_else_wrote_meanwhile_stays() {
        let (folder, file) = folder();
        assert!(!replace(&file, "what was read", "after").unwrap());
        assert_eq!(fs::read_to_string(&file).unwrap(), "before");
        assert_eq!(names(folder.path()), 1);
    }

    #[test]
    fn a_file_that_must_not_be_written_is_not() {
        let (folder, file) = folder();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o444)).unwrap();
        let error = replace(&file, "before", "after").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
        assert_eq!(fs::read_to_string(&file).unwrap(), "before");
        assert_eq!(names(folder.path()), 1);
    }
}
