//! Where the state is kept: in memory, or in a JSON file that several
//! processes share under a lock. A torn or foreign file is refused, never
//! overwritten.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::clock::Millis;
use super::state::{State, VERSION};

/// Why the sandbox cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("cannot {what} the sandbox's state {}", path.display())]
    File {
        what: &'static str,
        path: PathBuf,
        source: io::Error,
    },
    #[error("{} is no state of this sandbox; `evenkeel sandbox reset` starts anew", path.display())]
    Foreign {
        path: PathBuf,
        source: Option<serde_json::Error>,
    },
    #[error("{image} is not in a private ECR registry, so it cannot be pushed to the sandbox")]
    NotEcr { image: String },
}

pub(super) enum Store {
    Memory(Mutex<State>),
    File(PathBuf),
}

impl Store {
    pub(super) fn in_memory(state: State) -> Self {
        Self::Memory(Mutex::new(state))
    }

    /// Opens the file, or makes it with the given state.
    pub(super) fn open(path: &Path, fresh: State) -> Result<(Self, Millis), Error> {
        if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            fs::create_dir_all(parent).map_err(failed("make the directory of", path))?;
        }
        let _lock = lock(path)?;
        let last = match read(path)? {
            Some((state, _)) => state.now,
            None => {
                let now = fresh.now;
                write(path, &serialized(&fresh, path)?)?;
                now
            }
        };
        Ok((Self::File(path.to_owned()), last))
    }

    /// Runs `act` on the state, alone; keeps what it changed.
    pub(super) fn with<T>(
        &self,
        now: Millis,
        act: impl FnOnce(&mut State, Millis) -> T,
    ) -> Result<T, Error> {
        match self {
            Self::Memory(state) => {
                let mut state = guard(state);
                let now = now.max(state.now);
                let result = act(&mut state, now);
                state.now = now;
                Ok(result)
            }
            Self::File(path) => {
                let _lock = lock(path)?;
                let (mut state, before) = match read(path)? {
                    Some(found) => found,
                    // Reset by another process meanwhile: begin anew.
                    None => (State::new(now), String::new()),
                };
                let now = now.max(state.now);
                let result = act(&mut state, now);
                if serialized(&state, path)? != before {
                    state.now = now;
                    write(path, &serialized(&state, path)?)?;
                }
                Ok(result)
            }
        }
    }
}

/// Poisoning means that another thread's assertion failed; the state itself
/// is only ever replaced whole fields at a time.
fn guard(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

fn failed(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { what, path, source }
}

/// A file of its own holds the lock, since the state file itself is replaced.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn lock(path: &Path) -> Result<File, Error> {
    let lock = beside(path, ".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&lock);
    let file = file.map_err(failed("open the lock of", path))?;
    file.lock().map_err(failed("lock", path))?;
    Ok(file)
}

/// The state and its text; `None` when there is no file.
fn read(path: &Path) -> Result<Option<(State, String)>, Error> {
    let text = match fs::read_to_string(path) {
        Ok(text) => text,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) if e.kind() == io::ErrorKind::InvalidData => {
            return Err(Error::Foreign {
                path: path.to_owned(),
                source: None,
            });
        }
        Err(e) => return Err(failed("read", path)(e)),
    };
    let state: State = serde_json::from_str(&text).map_err(|e| Error::Foreign {
        path: path.to_owned(),
        source: Some(e),
    })?;
    if state.evenkeel_sandbox != VERSION {
        return Err(Error::Foreign {
            path: path.to_owned(),
            source: None,
        });
    }
    Ok(Some((state, text)))
}

fn serialized(state: &State, path: &Path) -> Result<String, Error> {
    serde_json::to_string(state).map_err(|e| failed("write", path)(io::Error::other(e)))
}

/// Another file takes the place of the old one, so that a reader sees the
/// state from before or from after, never half of it.
fn write(path: &Path, text: &str) -> Result<(), Error> {
    let temporary = beside(path, ".new");
    let mut file = File::create(&temporary).map_err(failed("write", path))?;
    file.write_all(text.as_bytes())
        .map_err(failed("write", path))?;
    drop(file);
    fs::rename(&temporary, path).map_err(failed("replace", path))
}

/// Forgets the state; `false` when there was none.
pub(super) fn reset(path: &Path) -> Result<bool, Error> {
    if !path.exists() {
        return Ok(false);
    }
    let held = lock(path)?;
    let removed = match fs::remove_file(path) {
        Ok(()) => true,
        Err(e) if e.kind() == io::ErrorKind::NotFound => false,
        Err(e) => return Err(failed("remove", path)(e)),
    };
    drop(held);
    Ok(removed)
}
