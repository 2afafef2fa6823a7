//! The documents of task definition revisions on disk.
//!
//! A revision's document never changes, so an ARN is all the key that AWS
//! needs. An emulator may start again and give the same ARN to another
//! document; there an entry counts only when it was made after the deployment
//! that runs the revision. Status and tags can change and are never kept.
//!
//! An entry that is torn, or that somebody else wrote, is ignored; a cache that
//! cannot be written is no error. Documents can hold secrets in `environment`,
//! so files are for their owner alone.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use tracing::debug;

use crate::model::{RevisionArn, TaskDefinition};

/// The shape of an entry; entries of another are ignored.
const FORMAT: u32 = 1;

/// A folder of entries: `HOST/ACCOUNT/REGION/FAMILY/REVISION.json`.
#[derive(Debug, Clone)]
pub struct Cache {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    format: u32,
    arn: RevisionArn,
    /// Milliseconds since the epoch.
    made: u64,
    /// Of the document as it is written here.
    sha256: String,
    document: TaskDefinition,
}

impl Cache {
    /// A cache in this folder, which need not exist.
    pub fn at(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The cache in the user's own cache directory, when there is one.
    pub fn of_user() -> Option<Self> {
        dirs::cache_dir().map(|dir| Self::at(dir.join("evenkeel").join("task-definitions")))
    }

    /// The document of a revision, if a trusted entry has it. `host` is the
    /// endpoint that serves the revision; `deployed` is when the deployment
    /// that runs it was made, in seconds since the epoch.
    pub(super) fn get(
        &self,
        host: &str,
        arn: &RevisionArn,
        deployed: Option<f64>,
    ) -> Option<TaskDefinition> {
        let path = self.path(host, arn);
        let bytes = fs::read(&path).ok()?;
        let entry: Entry = match serde_json::from_slice(&bytes) {
            Ok(entry) => entry,
            Err(error) => {
                debug!(path = %path.display(), %error, "cache entry ignored: torn or foreign");
                return None;
            }
        };
        let sound = entry.format == FORMAT
            && entry.arn == *arn
            && checksum(&entry.document).is_some_and(|sum| sum == entry.sha256);
        if !sound {
            debug!(path = %path.display(), "cache entry ignored: not what its name says");
            return None;
        }
        if !is_aws(host) && deployed.is_none_or(|at| at * 1000.0 >= entry.made as f64) {
            return None;
        }
        Some(entry.document)
    }

    pub(super) fn put(&self, host: &str, arn: &RevisionArn, document: &TaskDefinition) {
        let path = self.path(host, arn);
        if let Err(error) = self.write(&path, arn, document) {
            debug!(path = %path.display(), %error, "cache entry not written");
        }
    }

    fn write(
        &self,
        path: &Path,
        arn: &RevisionArn,
        document: &TaskDefinition,
    ) -> std::io::Result<()> {
        let folder = path.parent().unwrap_or(&self.folder);
        private_folder(folder)?;
        let entry = Entry {
            format: FORMAT,
            arn: arn.clone(),
            made: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |d| u64::try_from(d.as_millis()).unwrap_or(u64::MAX)),
            sha256: checksum(document)
                .ok_or_else(|| std::io::Error::other("the document has no JSON form"))?,
            document: document.clone(),
        };
        // Written aside and moved into place: a reader sees a whole entry or none.
        let aside = path.with_extension(format!("{}.tmp", std::process::id()));
        let mut file = private_file(&aside)?;
        file.write_all(&serde_json::to_vec(&entry)?)?;
        fs::rename(&aside, path)
    }

    fn path(&self, host: &str, arn: &RevisionArn) -> PathBuf {
        // Every part is made harmless as a file name: a host has colons, and a
        // family could be anything an endpoint says.
        let safe = |text: &str| -> String {
            let kept: String = text
                .chars()
                .map(|c| {
                    if c.is_ascii_alphanumeric() || "-_.".contains(c) {
                        c
                    } else {
                        '_'
                    }
                })
                .collect();
            if kept.starts_with('.') {
                format!("_{kept}")
            } else {
                kept
            }
        };
        self.folder
            .join(safe(host))
            .join(arn.account().as_str())
            .join(arn.region().as_str())
            .join(safe(arn.family()))
            .join(format!("{}.json", arn.revision()))
    }
}

fn checksum(document: &TaskDefinition) -> Option<String> {
    let text = serde_json::to_vec(document).ok()?;
    Some(
        Sha256::digest(text)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect(),
    )
}

/// Whether ARNs at this endpoint are AWS's own, each used once and for ever.
fn is_aws(host: &str) -> bool {
    [".amazonaws.com", ".amazonaws.com.cn", ".aws"]
        .iter()
        .any(|domain| host.ends_with(domain))
}

#[cfg(unix)]
fn private_folder(folder: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
}

#[cfg(not(unix))]
fn private_folder(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)
}

#[cfg(unix)]
fn private_file(path: &Path) -> std::io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
}

#[cfg(not(unix))]
fn private_file(path: &Path) -> std::io::Result<fs::File> {
    fs::File::create(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AWS: &str = "ecs.us-west-1.amazonaws.com";

    fn arn(revision: u64) -> RevisionArn {
        format!("arn:aws:ecs:us-west-1:123456789012:task-definition/web:{revision}")
            .parse()
            .unwrap()
    }

    fn document(image: &str) -> TaskDefinition {
        serde_json::from_str(&format!(r#"{{"b":1.50,"a":{{"image":"{image}"}}}}"#)).unwrap()
    }

    fn cached() -> (tempfile::TempDir, Cache) {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path().join("deep").join("er"));
        cache.put(AWS, &arn(1), &document("a:1"));
        (folder, cache)
    }

    #[test]
    fn what_was_put_comes_back_to_the_letter() {
        let (_folder, cache) = cached();
        let back = cache.get(AWS, &arn(1), None).unwrap();
        assert_eq!(
            serde_json::to_string(&back).unwrap(),
            r#"{"b":1.50,"a":{"image":"a:1"}}"#
        );
        assert_eq!(cache.get(AWS, &arn(2), None), None);
        assert_eq!(
            cache.get("ecs.eu-west-1.amazonaws.com", &arn(1), None),
            None
        );
    }

    #[test]
    fn a_torn_or_foreign_entry_is_ignored() {
        let (_folder, cache) = cached();
        let path = cache.path(AWS, &arn(1));
        let whole = fs::read(&path).unwrap();
        for cut in 0..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(cache.get(AWS, &arn(1), None), None, "cut at {cut}");
        }
        let text = String::from_utf8(whole).unwrap();
        for foreign in [
            text.replace("a:1", "a:2"),
            text.replace("\"format\":1", "\"format\":2"),
            text.replace("web:1", "web:2"),
        ] {
            assert_ne!(foreign, text);
            fs::write(&path, foreign).unwrap();
            assert_eq!(cache.get(AWS, &arn(1), None), None);
        }
    }

    #[test]
    fn at_an_emulator_an_entry_older_than_the_deployment_is_ignored() {
        let folder = tempfile::tempdir().unwrap();
        let cache = Cache::at(folder.path());
        cache.put("127.0.0.1:4566", &arn(1), &document("a:1"));
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap()
            .as_secs_f64();
        assert!(
            cache
                .get("127.0.0.1:4566", &arn(1), Some(now - 60.0))
                .is_some()
        );
        assert!(
            cache
                .get("127.0.0.1:4566", &arn(1), Some(now + 60.0))
                .is_none()
        );
        assert!(cache.get("127.0.0.1:4566", &arn(1), None).is_none());
    }

    #[test]
    fn a_cache_that_cannot_be_written_is_no_error() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let cache = Cache::at(file.path());
        cache.put(AWS, &arn(1), &document("a:1"));
        assert_eq!(cache.get(AWS, &arn(1), None), None);
    }

    #[cfg(unix)]
    #[test]
    fn entries_are_for_their_owner_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let (_folder, cache) = cached();
        let mode = fs::metadata(cache.path(AWS, &arn(1)))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
