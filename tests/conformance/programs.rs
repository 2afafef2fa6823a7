//! Where programs are, and the environment in which they run: nothing of the
//! caller's but the path to the system's own programs.

use std::path::{Path, PathBuf};
use std::process::Command;

/// evenkeel itself, as this build made it.
pub fn evenkeel() -> Command {
    clean(Path::new(env!("CARGO_BIN_EXE_evenkeel")))
}

/// A program from `tests/requirements.txt`.
///
/// # Panics
/// It is not installed.
pub fn installed(name: &str) -> Command {
    let path = venv().join("bin").join(name);
    assert!(
        path.is_file(),
        "{} is missing: run ./tests/run, which installs what tests/conformance measures against \
         (for these tests alone: ./tests/run --test conformance)",
        path.display()
    );
    clean(&path)
}

fn venv() -> PathBuf {
    std::env::var_os("EVENKEEL_TEST_VENV").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("target/venv"),
        PathBuf::from,
    )
}

fn clean(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for name in ["PATH", "TMPDIR", "LANG", "LC_ALL"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
}
