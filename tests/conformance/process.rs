//! Programs that end by themselves within a deadline, and servers that end
//! when they are dropped, also by a panic.

use std::fs::File;
use std::io::{Read as _, Seek as _};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

/// Between two looks at something that is waited for.
pub const PAUSE: Duration = Duration::from_millis(20);

/// How a program ended.
#[derive(Debug)]
pub struct Ended {
    /// Nothing when a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    /// What it printed, when it ended well.
    ///
    /// # Panics
    /// It did not.
    #[track_caller]
    pub fn well(self, what: &str) -> String {
        assert_eq!(
            self.code,
            Some(0),
            "{what}\nstdout: {}\nstderr: {}",
            self.stdout,
            self.stderr
        );
        self.stdout
    }
}

/// Runs a program to its end.
///
/// # Panics
/// It cannot be started, or has not ended by the deadline.
pub fn run(mut command: Command, deadline: Duration) -> Ended {
    let mut stdout = tempfile::tempfile().expect("a temporary file for stdout");
    let mut stderr = tempfile::tempfile().expect("a temporary file for stderr");
    let program = format!("{command:?}");
    let started = Instant::now();
    let mut child = Server::start(
        command
            .stdin(Stdio::null())
            .stdout(handle(&stdout))
            .stderr(handle(&stderr)),
    );
    let code = loop {
        if let Some(status) = child.ended() {
            break Some(status);
        }
        if started.elapsed() > deadline {
            break None;
        }
        std::thread::sleep(PAUSE);
    };
    drop(child);
    let (stdout, stderr) = (contents(&mut stdout), contents(&mut stderr));
    let Some(code) = code else {
        panic!("{program} did not end within {deadline:?}\nstdout: {stdout}\nstderr: {stderr}");
    };
    Ended {
        code,
        stdout,
        stderr,
    }
}

/// A second handle to a file, for a child to write to.
pub fn handle(file: &File) -> Stdio {
    file.try_clone().expect("a second handle to a file").into()
}

/// All that was written to a file so far.
pub fn contents(file: &mut File) -> String {
    let mut bytes = Vec::new();
    file.rewind().expect("the beginning of a file");
    file.read_to_end(&mut bytes)
        .expect("a readable temporary file");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// A program that goes on until this is dropped.
pub struct Server(Child);

impl Server {
    /// # Panics
    /// The program cannot be started.
    pub fn start(command: &mut Command) -> Self {
        match command.spawn() {
            Ok(child) => Self(child),
            Err(error) => panic!("{command:?} cannot be started: {error}"),
        }
    }

    /// What it prints.
    ///
    /// # Panics
    /// It was not started with a pipe, or this was asked before.
    pub fn stdout(&mut self) -> ChildStdout {
        self.0.stdout.take().expect("a pipe from the server")
    }

    /// The exit code, once it has ended; a signal leaves none.
    pub fn ended(&mut self) -> Option<Option<i32>> {
        let status = self.0.try_wait().expect("a child's status");
        status.map(|status| status.code())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
