//! A directory with environment files, and the binary run in it.

use std::fmt;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::{Duration, Instant};

use regex_lite::Regex;
use tempfile::TempDir;

/// No run takes this long unless it hangs: the slowest waits out a time-out of
/// a few seconds and has the machine's other tests beside it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sandbox seconds a second, when a test does not say otherwise: a rollout of
/// ten seconds is over at the second look.
const SPEED: u32 = 30;

/// A service `web` on `shop/web:TAG`, in account 123456789012.
pub fn shop(tag: &str) -> String {
    format!(
        r#"account = "123456789012"
region = "us-west-1"
cluster = "shop"

[services.web]
name = "shop-web"
image = "{}"
"#,
        image(tag)
    )
}

pub fn image(tag: &str) -> String {
    format!("123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/web:{tag}")
}

/// Where somebody runs evenkeel: a directory of its own, with a home in it.
pub struct Checkout(TempDir);

impl Checkout {
    pub fn empty() -> Self {
        let directory = tempfile::tempdir().expect("a directory for the test");
        Self(directory)
    }

    /// With the shop's `environments/prod.toml`.
    pub fn shop(tag: &str) -> Self {
        Self::empty().file("environments/prod.toml", shop(tag))
    }

    #[must_use]
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.write(path, content);
        self
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().expect("a path in the directory")).expect("a folder");
        fs::write(path, content).expect("a file");
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Runs `evenkeel ARGS` to its end.
    pub fn run(&self, args: &str) -> Ran {
        self.evenkeel(args).run()
    }

    /// `evenkeel ARGS`, still to be started.
    pub fn evenkeel(&self, args: &str) -> Invocation {
        let mut command = Command::new(env!("CARGO_BIN_EXE_evenkeel"));
        command
            .args(args.split_whitespace())
            .current_dir(self.path())
            .env_clear();
        for (name, value) in self.environment() {
            command.env(name, value);
        }
        Invocation {
            command,
            directory: self.path().to_owned(),
        }
    }

    /// All that the binary gets to see of the environment.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        let inside = |path: &str| self.path().join(path).display().to_string();
        vec![
            ("HOME", inside("home")),
            ("XDG_CACHE_HOME", inside("home/cache")),
            ("AWS_EC2_METADATA_DISABLED", "true".into()),
            ("EVENKEEL_SANDBOX_SPEED", SPEED.to_string()),
        ]
    }

    /// The sandbox's state, byte by byte.
    pub fn sandbox_state(&self) -> Vec<u8> {
        fs::read(self.path().join(".evenkeel/sandbox.json")).expect("the sandbox's state")
    }
}

pub struct Invocation {
    command: Command,
    directory: PathBuf,
}

impl Invocation {
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<str>) -> Self {
        self.command.env(name, value.as_ref());
        self
    }

    #[must_use]
    pub fn arg(mut self, arg: impl AsRef<std::ffi::OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// In another directory.
    #[must_use]
    pub fn within(mut self, directory: &Path) -> Self {
        self.command.current_dir(directory);
        self
    }

    /// Sandbox seconds a second.
    #[must_use]
    pub fn speed(self, speed: u32) -> Self {
        self.env("EVENKEEL_SANDBOX_SPEED", speed.to_string())
    }

    pub fn run(self) -> Ran {
        self.start().finish()
    }

    pub fn start(mut self) -> Running {
        let mut child = self
            .command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("evenkeel starts");
        Running {
            stdout: Stream::of(child.stdout.take().expect("a pipe")),
            stderr: Stream::of(child.stderr.take().expect("a pipe")),
            child,
            directory: self.directory,
        }
    }
}

/// A run that is going on. Dropped before its end, it is ended.
pub struct Running {
    child: Child,
    stdout: Stream,
    stderr: Stream,
    directory: PathBuf,
}

impl Running {
    /// Waits until one of the streams has this in it.
    pub fn wait_for(&mut self, text: &str) {
        poll(&format!("{text:?} in the output"), || {
            let seen = self.stdout.so_far().contains(text) || self.stderr.so_far().contains(text);
            if !seen && let Some(status) = self.child.try_wait().expect("a child") {
                panic!(
                    "ended ({status}) without {text:?}:\n{}{}",
                    self.stdout.so_far(),
                    self.stderr.so_far()
                );
            }
            seen.then_some(())
        });
    }

    pub fn stdout_so_far(&self) -> String {
        self.stdout.so_far()
    }

    /// What a sandbox that serves prints for a shell; it serves by then.
    pub fn exports(&mut self) -> String {
        self.wait_for("Ctrl-C");
        // The two streams are read apart.
        self.wait_for("AWS_SECRET_ACCESS_KEY=sandbox\n");
        self.stdout_so_far()
    }

    /// Sends a signal, by its name for kill(1).
    pub fn signal(&self, name: &str) {
        let sent = Command::new("kill")
            .args(["-s", name, &self.child.id().to_string()])
            .status()
            .expect("kill runs");
        assert!(sent.success());
    }

    pub fn finish(mut self) -> Ran {
        let status = poll("the end of the run", || {
            self.child.try_wait().expect("a child")
        });
        let ran = Ran {
            stdout: self.stdout.whole(),
            stderr: self.stderr.whole(),
            status,
            directory: self.directory.clone(),
        };
        assert!(!ran.stderr.contains("panicked at"), "{}", ran.stderr);
        ran
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A pipe that is read as it fills.
struct Stream {
    read: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
}

impl Stream {
    fn of(mut pipe: impl Read + Send + 'static) -> Self {
        let read = Arc::new(Mutex::new(Vec::new()));
        let into = read.clone();
        let reader = std::thread::spawn(move || {
            let mut piece = [0; 4096];
            while let Ok(length @ 1..) = pipe.read(&mut piece) {
                into.lock().unwrap().extend(&piece[..length]);
            }
        });
        Self {
            read,
            reader: Some(reader),
        }
    }

    fn so_far(&self) -> String {
        String::from_utf8_lossy(&self.read.lock().unwrap()).into_owned()
    }

    fn whole(&mut self) -> String {
        if let Some(reader) = self.reader.take() {
            reader.join().expect("the reader");
        }
        String::from_utf8(self.read.lock().unwrap().clone()).expect("the output is UTF-8")
    }
}

/// Asks again and again until there is an answer.
pub fn poll<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(since.elapsed() < PATIENCE, "no {what} in {PATIENCE:?}");
        sleep(Duration::from_millis(5));
    }
}

/// What a run printed, and how it ended. Displayed, it has the three together,
/// with what differs from run to run taken out.
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    status: ExitStatus,
    directory: PathBuf,
}

impl Ran {
    /// The exit code; a run that was killed by a signal has none.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// stdout as one JSON document.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("stdout is not JSON: {error}\n{self}"))
    }

    /// stdout as a JSON document a line.
    pub fn json_lines(&self) -> Vec<serde_json::Value> {
        self.stdout
            .lines()
            .map(|line| {
                serde_json::from_str(line)
                    .unwrap_or_else(|error| panic!("not JSON: {error}: {line}\nin {self}"))
            })
            .collect()
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", steady(&self.stdout, &self.directory))?;
        let messages = steady(&self.stderr, &self.directory);
        if !messages.is_empty() {
            write!(f, "------- stderr -------\n{messages}")?;
        }
        match self.status.code() {
            Some(code) => write!(f, "[exit {code}]"),
            None => write!(f, "[{}]", self.status),
        }
    }
}

/// Said by every run in the sandbox; one test looks at it.
pub const ANNOUNCEMENT: &str =
    "sandbox: nothing here reaches AWS (state in .evenkeel/sandbox.json)\n";

/// How a progress line looks: `web: 1 of 3 new tasks run, 2 starting (4 s)`,
/// with the stage in front where there is one.
pub const PROGRESS: &str = r"^([\w-]+/)?[\w-]+: ([a-z].*, )?\d+ of \d+ new tasks? run(, \d+ (starting|failed|old))* \(\d+ (s|min)\)$";

/// Without what differs from run to run: times, ports, ids of deployments, the
/// directory, and how many progress lines there were.
pub fn steady(text: &str, directory: &Path) -> String {
    let progress = Regex::new(PROGRESS).unwrap();
    let mut lines: Vec<&str> = text
        .strip_prefix(ANNOUNCEMENT)
        .unwrap_or(text)
        .split_inclusive('\n')
        .map(|line| match progress.is_match(line.trim_end()) {
            true => "[progress]\n",
            false => line,
        })
        .collect();
    lines.dedup_by(|line, before| line == before && *line == "[progress]\n");
    let text = lines
        .concat()
        .replace(&directory.display().to_string(), "[directory]");
    let text = Regex::new(r"127\.0\.0\.1:\d+")
        .unwrap()
        .replace_all(&text, "127.0.0.1:[port]");
    // Drawn from the sandbox's time, which goes on.
    let text = Regex::new(r"ecs-svc/\d{19}")
        .unwrap()
        .replace_all(&text, "ecs-svc/[id]");
    let text = Regex::new(r"(?m)^plan [0-9a-f]{12}$")
        .unwrap()
        .replace_all(&text, "plan [hash]");
    let text = Regex::new(r"\d{4}-\d\d-\d\d\s+\d\d:\d\d\s+UTC")
        .unwrap()
        .replace_all(&text, "[moment] UTC");
    Regex::new(r"(after |   |code 0 \(|for |\| |, |went back to revision \d+ \()(\d+ min )?\d+ s\b")
        .unwrap()
        .replace_all(&text, "${1}[time]")
        .into_owned()
}
