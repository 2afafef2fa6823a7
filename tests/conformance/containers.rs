//! Containers that are only told of: what the engine of [`super::docker`] holds,
//! and how each container fares. A word in the tag of its image decides, the
//! same words as in `evenkeel sandbox`; nothing is ever run.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::images::digest;

/// From the start of a container that fails to its end. ministack takes a task
/// for healthy that has run for a second.
const FAILS_AFTER: Duration = Duration::from_millis(100);

/// The log of a container that starts, and of one that then crashes.
const STARTED: &str = "> node dist/server.js\n";
const CRASHED: &str = "> node dist/server.js\nError: connect ECONNREFUSED 10.0.3.4:5432\n";

/// How the containers of an image fare.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    Runs,
    /// Writes an error to its log and exits with code 1.
    Crashes,
    /// Is killed for its memory.
    OutOfMemory,
    /// Runs, and fails its health check.
    Unhealthy,
    /// Has an image that cannot be pulled.
    Unpullable,
    /// Has an image that takes longer to pull than anybody waits.
    Slow,
}

impl Fate {
    pub fn of_tag(tag: &str) -> Self {
        let alone = |word: &str| {
            tag.split(|c: char| !c.is_ascii_alphanumeric())
                .any(|own| own == word)
        };
        match tag {
            _ if tag.contains("unpullable") => Self::Unpullable,
            _ if tag.contains("crash") => Self::Crashes,
            _ if tag.contains("unhealthy") => Self::Unhealthy,
            _ if tag.contains("slow") => Self::Slow,
            _ if alone("oom") => Self::OutOfMemory,
            _ => Self::Runs,
        }
    }
}

/// Everything that an engine knows.
#[derive(Default)]
pub struct Containers {
    /// The tags behind digests, which the registry would know.
    published: BTreeMap<String, String>,
    /// The images that were pulled, by reference and by id, with how they fare.
    held: BTreeMap<String, Fate>,
    created: BTreeMap<String, Container>,
    count: u64,
}

struct Container {
    name: String,
    image: String,
    labels: Value,
    fate: Fate,
    number: u64,
    started: Option<Instant>,
    stopped: bool,
}

/// Where a container is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Status {
    Created,
    Running,
    Exited { code: i64 },
}

impl Containers {
    /// Lets a digest be known, with its tag.
    pub fn publish(&mut self, digest: &str, tag: &str) {
        self.published.insert(digest.to_owned(), tag.to_owned());
    }

    /// How containers of `image` fare; nothing when no registry has it.
    pub fn fate(&self, image: &str) -> Option<Fate> {
        let fate = match split(image) {
            (_, reference) if reference.starts_with("sha256:") => {
                Fate::of_tag(self.published.get(reference)?)
            }
            (_, tag) => Fate::of_tag(tag),
        };
        (fate != Fate::Unpullable).then_some(fate)
    }

    /// What a registry answers for a reference: its digest.
    pub fn digest(&mut self, image: &str) -> Option<String> {
        self.fate(image)?;
        let (_, reference) = split(image);
        if reference.starts_with("sha256:") {
            return Some(reference.to_owned());
        }
        let digest = digest(image);
        self.publish(&digest, reference);
        Some(digest)
    }

    /// Keeps an image under a reference.
    pub fn hold(&mut self, image: &str, fate: Fate) {
        self.held.insert(image.to_owned(), fate);
        self.held.insert(image_id(image), fate);
    }

    pub fn held(&self, image: &str) -> Option<Fate> {
        self.held.get(image).copied()
    }

    /// The new container's id.
    pub fn create(&mut self, name: &str, image: &str, fate: Fate, labels: &Value) -> String {
        self.count += 1;
        let id = format!("{:064x}", self.count);
        let container = Container {
            name: name.to_owned(),
            image: image.to_owned(),
            labels: labels.clone(),
            fate,
            number: self.count,
            started: None,
            stopped: false,
        };
        self.created.insert(id.clone(), container);
        id
    }

    pub fn start(&mut self, id: &str) -> Option<()> {
        let container = self.created.get_mut(id)?;
        container.started.get_or_insert_with(Instant::now);
        Some(())
    }

    pub fn stop(&mut self, id: &str) -> Option<()> {
        self.created.get_mut(id)?.stopped = true;
        Some(())
    }

    pub fn remove(&mut self, id: &str) -> Option<()> {
        self.created.remove(id).map(drop)
    }

    /// The exit code: nothing for a container that is not there, and nothing
    /// yet for one that runs.
    pub fn exit_code(&self, id: &str) -> Option<Option<i64>> {
        Some(match self.created.get(id)?.status() {
            Status::Exited { code } => Some(code),
            Status::Created | Status::Running => None,
        })
    }

    /// What a container has written to its log.
    pub fn log(&self, id: &str) -> Option<&'static str> {
        let container = self.created.get(id)?;
        Some(match (container.started, container.fate) {
            (None, _) => "",
            (Some(_), Fate::Crashes) => CRASHED,
            (Some(_), _) => STARTED,
        })
    }

    pub fn inspect(&self, id: &str) -> Option<Value> {
        let container = self.created.get(id)?;
        Some(container.inspected(id))
    }

    /// Those with all of these labels: `key` or `key=value`.
    pub fn with_labels(&self, wanted: &[String]) -> Vec<Value> {
        self.created
            .iter()
            .filter(|(_, container)| wanted.iter().all(|label| container.has(label)))
            .map(|(id, container)| container.listed(id))
            .collect()
    }
}

impl Container {
    fn status(&self) -> Status {
        let Some(started) = self.started else {
            return Status::Created;
        };
        let failed = started.elapsed() >= FAILS_AFTER;
        match self.fate {
            Fate::Crashes if failed => Status::Exited { code: 1 },
            Fate::OutOfMemory if failed => Status::Exited { code: 137 },
            _ if self.stopped => Status::Exited { code: 143 },
            _ => Status::Running,
        }
    }

    fn has(&self, label: &str) -> bool {
        match label.split_once('=') {
            Some((key, value)) => self.labels[key] == value,
            None => !self.labels[label].is_null(),
        }
    }

    fn listed(&self, id: &str) -> Value {
        json!({
            "Id": id, "Names": [format!("/{}", self.name)], "Image": self.image,
            "Labels": self.labels, "State": self.status().word(),
        })
    }

    fn inspected(&self, id: &str) -> Value {
        let status = self.status();
        let code = match status {
            Status::Exited { code } => code,
            Status::Created | Status::Running => 0,
        };
        let mut state = json!({
            "Status": status.word(), "Running": status == Status::Running, "ExitCode": code,
            "OOMKilled": self.fate == Fate::OutOfMemory && code == 137,
            "StartedAt": "2026-01-01T00:00:00Z", "FinishedAt": "0001-01-01T00:00:00Z",
        });
        if self.fate == Fate::Unhealthy {
            state["Health"] = json!({"Status": "unhealthy", "FailingStreak": 3, "Log": []});
        }
        let address = format!("172.17.{}.{}", self.number / 250, self.number % 250 + 2);
        json!({
            "Id": id, "Name": format!("/{}", self.name), "State": state,
            "Image": image_id(&self.image),
            "Config": {"Image": self.image, "Labels": self.labels, "Tty": false},
            "HostConfig": {"LogConfig": {"Type": "json-file", "Config": {}}},
            "NetworkSettings": {"Networks": {"bridge": {"IPAddress": address}}},
        })
    }
}

impl Status {
    fn word(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Exited { .. } => "exited",
        }
    }
}

/// The id that an image has in the engine.
pub fn image_id(image: &str) -> String {
    digest(&format!("{image} here"))
}

/// The repository, and the digest or tag behind it.
fn split(image: &str) -> (&str, &str) {
    image
        .split_once('@')
        .or_else(|| {
            let (repository, tag) = image.rsplit_once(':')?;
            (!tag.contains('/')).then_some((repository, tag))
        })
        .unwrap_or((image, "latest"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_in_the_tag_decides() {
        for (tag, fate) in [
            ("1.4.2", Fate::Runs),
            ("1.4.2-crash", Fate::Crashes),
            ("bloom", Fate::Runs),
            ("1.4.2-oom", Fate::OutOfMemory),
        ] {
            assert_eq!(Fate::of_tag(tag), fate, "{tag}");
        }
    }

    #[test]
    fn a_digest_fares_as_its_tag_does() {
        let mut containers = Containers::default();
        assert_eq!(containers.fate("repo@sha256:1"), None);
        containers.publish("sha256:1", "2-crash");
        assert_eq!(containers.fate("repo@sha256:1"), Some(Fate::Crashes));
        let digest = containers.digest("host:5000/repo:3-oom").expect("a digest");
        let fate = containers.fate(&format!("host:5000/repo@{digest}"));
        assert_eq!(fate, Some(Fate::OutOfMemory));
        assert_eq!(containers.fate("host:5000/repo"), Some(Fate::Runs));
        assert_eq!(containers.digest("repo:4-unpullable"), None);
    }
}
