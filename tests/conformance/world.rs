//! The two worlds: the sandbox behind its loopback server, and ministack.

use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::docker::Engine;
use super::http::{Message, exchange};
use super::process::{Ended, PAUSE, Server, contents, handle, run};
use super::programs;

/// Both take a 12-digit access key for the caller's account.
pub const ACCOUNT: &str = "123456789012";
pub const REGION: &str = "us-west-1";
const SECRET: &str = "none";

/// Sandbox seconds for each real one: a rollout of nine seconds is over before
/// the AWS CLI, which needs longer to start, first looks.
const SPEED: &str = "50";

/// Both start in a second or two; a busy machine is allowed a lot more.
const STARTS_WITHIN: Duration = Duration::from_secs(90);

/// A port that was free may be taken by the time it is used.
const ATTEMPTS: u32 = 5;

/// A rollout takes seconds in either world.
const EVENKEEL_WITHIN: Duration = Duration::from_secs(120);

/// The rest of a rollout when its tasks run already.
const SETTLES_WITHIN: Duration = Duration::from_secs(60);

/// A running emulator with a folder of its own; gone when dropped.
pub struct World {
    pub name: &'static str,
    pub address: SocketAddr,
    // Before the folder, so that it ends before its folder goes.
    _server: Server,
    folder: TempDir,
    /// Where its tasks' containers are, when they are anywhere.
    engine: Option<Engine>,
}

impl World {
    /// `evenkeel sandbox`, started where the repository's example environments
    /// are: it has their services, and whatever else is made in it.
    pub fn sandbox() -> Self {
        let folder = folder();
        let root = folder.path().join("server");
        let environments = root.join("environments");
        std::fs::create_dir_all(&environments).expect("a folder for environments");
        let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("environments");
        for file in ["prod.toml", "staging.toml"] {
            std::fs::copy(examples.join(file), environments.join(file))
                .unwrap_or_else(|error| panic!("environments/{file} cannot be copied: {error}"));
        }
        let mut log = log();
        let mut command = programs::evenkeel();
        command
            .args(["sandbox", "--port", "0"])
            .env("EVENKEEL_SANDBOX_SPEED", SPEED)
            .env("HOME", folder.path())
            .current_dir(&root)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(handle(&log));
        let (server, line) = Server::first_line(&mut command, STARTS_WITHIN);
        let address = line.as_deref().and_then(|line| {
            let (_, rest) = line.split_once("AWS_ENDPOINT_URL=http://")?;
            rest.split_whitespace().next()?.parse().ok()
        });
        let Some(address) = address else {
            panic!(
                "evenkeel sandbox printed no endpoint but {line:?}\n{}",
                contents(&mut log)
            );
        };
        Self {
            name: "sandbox",
            address,
            _server: server,
            folder,
            engine: None,
        }
    }

    /// ministack, of the version in `tests/requirements.txt`. Without an engine
    /// its tasks run as soon as they are asked for, and its rollouts are over
    /// at once.
    pub fn ministack() -> Self {
        Self::ministack_on(None, false)
    }

    /// ministack with an engine for its containers: its own scheduler starts
    /// and judges tasks.
    pub fn ministack_with_engine() -> Self {
        let world = Self::ministack_on(Some(Engine::start()), false);
        world.has_asked_its_engine();
        world
    }

    /// The same, where callers may do what IAM's policies say, and no more. The
    /// inhabitants are the account's root; see [`World::evenkeel_as`].
    pub fn ministack_that_asks_iam() -> Self {
        let world = Self::ministack_on(Some(Engine::start()), true);
        world.has_asked_its_engine();
        world
    }

    fn has_asked_its_engine(&self) {
        assert!(
            self.engine().is_some_and(Engine::was_asked),
            "ministack does not use its engine: is docker of tests/requirements.txt installed? \
             ./tests/run installs it"
        );
    }

    fn ministack_on(engine: Option<Engine>, asks_iam: bool) -> Self {
        let folder = folder();
        // Never the engine of this machine, should it have one.
        let host = engine.as_ref().map_or_else(
            || format!("unix://{}", folder.path().join("no-engine").display()),
            |engine| format!("tcp://{}", engine.address()),
        );
        let mut told = String::new();
        for _ in 0..ATTEMPTS {
            match start_ministack(folder.path(), &host, asks_iam) {
                Ok((server, address)) => {
                    return Self {
                        name: "ministack",
                        address,
                        _server: server,
                        folder,
                        engine,
                    };
                }
                Err(log) => {
                    let _ = writeln!(told, "{log}");
                }
            }
        }
        panic!(
            "ministack does not start; ./tests/run installs it anew when target/venv is removed\n{told}"
        );
    }

    /// Where the environment files of this world are kept.
    pub fn team(&self) -> PathBuf {
        self.folder.path().join("team")
    }

    /// The engine, for what it must know.
    pub fn engine(&self) -> Option<&Engine> {
        self.engine.as_ref()
    }

    pub fn endpoint(address: SocketAddr) -> String {
        format!("http://{address}")
    }

    /// A program of `tests/requirements.txt` with this world for its AWS.
    pub fn installed(&self, name: &str) -> Command {
        self.inhabitant(programs::installed(name), self.address)
    }

    /// Runs evenkeel where the environment files are, with `through` for AWS.
    pub fn evenkeel(&self, through: SocketAddr, arguments: &[&str]) -> Ended {
        let mut command = self.inhabitant(programs::evenkeel(), through);
        command.args(arguments).current_dir(self.team());
        run(command, EVENKEEL_WITHIN)
    }

    /// Runs evenkeel in a folder, as whoever has this access key.
    pub fn evenkeel_as(&self, key: &[String; 2], folder: &Path, arguments: &[&str]) -> Ended {
        let mut command = self.inhabitant(programs::evenkeel(), self.address);
        command
            .env("AWS_ACCESS_KEY_ID", &key[0])
            .env("AWS_SECRET_ACCESS_KEY", &key[1])
            .args(arguments)
            .current_dir(folder);
        run(command, EVENKEEL_WITHIN)
    }

    fn inhabitant(&self, mut command: Command, endpoint: SocketAddr) -> Command {
        let home = self.folder.path();
        command
            .env("HOME", home)
            .env("XDG_CACHE_HOME", home.join("cache"))
            .env("AWS_ENDPOINT_URL", Self::endpoint(endpoint))
            .env("AWS_ACCESS_KEY_ID", ACCOUNT)
            .env("AWS_SECRET_ACCESS_KEY", SECRET)
            .env("AWS_REGION", REGION)
            .env("AWS_DEFAULT_REGION", REGION)
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_PAGER", "")
            .env("NO_PROXY", "127.0.0.1")
            .current_dir(home);
        command
    }

    /// Waits until a service has one deployment, completed, and returns it. The
    /// waiters of AWS's clients are content before that: their service runs as
    /// many tasks as it should, but its rollout may still be IN_PROGRESS.
    ///
    /// # Panics
    /// It does not come to that.
    #[track_caller]
    pub fn settled(&self, cluster: &str, service: &str) -> Value {
        let request = json!({ "cluster": cluster, "services": [service] });
        let started = Instant::now();
        loop {
            let seen = self.ecs("DescribeServices", &request)["services"][0].clone();
            let deployments = seen["deployments"]
                .as_array()
                .map_or(&[][..], Vec::as_slice);
            if let [only] = deployments
                && only["rolloutState"] == "COMPLETED"
                && only["taskDefinition"] == seen["taskDefinition"]
                && seen["runningCount"] == seen["desiredCount"]
            {
                return seen;
            }
            assert!(
                started.elapsed() < SETTLES_WITHIN,
                "{}: {service} does not settle: {seen:#}",
                self.name
            );
            std::thread::sleep(PAUSE);
        }
    }

    /// Calls ECS with nothing in between: what is sent and what comes back is
    /// the document itself, fields included that no client knows.
    ///
    /// # Panics
    /// It is refused.
    #[track_caller]
    pub fn ecs(&self, operation: &str, request: &Value) -> Value {
        ecs(self.address, operation, request)
    }
}

/// Calls the ECS that is behind an address; see [`World::ecs`].
///
/// # Panics
/// It is refused.
#[track_caller]
pub fn ecs(address: SocketAddr, operation: &str, request: &Value) -> Value {
    let header = |key: &str, value: String| (key.to_owned(), value);
    let message = Message {
        start: "POST / HTTP/1.1".into(),
        headers: vec![
            header("host", address.to_string()),
            header("content-type", "application/x-amz-json-1.1".into()),
            header(
                "x-amz-target",
                format!("AmazonEC2ContainerServiceV20141113.{operation}"),
            ),
            header(
                "authorization",
                format!(
                    "AWS4-HMAC-SHA256 Credential={ACCOUNT}/20260101/{REGION}/ecs/aws4_request, \
                         SignedHeaders=host, Signature=0"
                ),
            ),
        ],
        body: request.to_string().into_bytes(),
    };
    let answer = exchange(address, &message)
        .unwrap_or_else(|error| panic!("{address}: {operation}: {error}"));
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status(), Some(200), "{address}: {operation}: {text}");
    serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{address}: {operation}: {error}: {text}"))
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::create_dir_all(folder.path().join("team/environments"))
        .expect("a folder for environments");
    folder
}

fn log() -> std::fs::File {
    tempfile::tempfile().expect("a temporary file for a log")
}

/// Starts ministack on a port that was free; its log when it does not start.
fn start_ministack(
    folder: &Path,
    engine: &str,
    asks_iam: bool,
) -> Result<(Server, SocketAddr), String> {
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
        .and_then(|listener| listener.local_addr())
        .expect("a free port on loopback");
    let mut log = log();
    let mut command = programs::installed("ministack");
    command
        .env("GATEWAY_PORT", address.port().to_string())
        .env("BIND_HOST", Ipv4Addr::LOCALHOST.to_string())
        .env("DOCKER_HOST", engine)
        .env("AUTH", asks_iam.to_string())
        // Root's, by which it checks signatures when it does.
        .env("AWS_SECRET_ACCESS_KEY", SECRET)
        .env("HOME", folder)
        .env("TMPDIR", folder)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(handle(&log))
        .stderr(handle(&log));
    let mut server = Server::start(&mut command);
    let started = Instant::now();
    let health = Message {
        start: "GET /_ministack/health HTTP/1.1".into(),
        headers: vec![("host".into(), address.to_string())],
        body: Vec::new(),
    };
    while started.elapsed() < STARTS_WITHIN && server.ended().is_none() {
        // An answer counts only from our own ministack.
        if exchange(address, &health).is_ok_and(|answer| answer.status() == Some(200))
            && server.ended().is_none()
        {
            return Ok((server, address));
        }
        std::thread::sleep(PAUSE);
    }
    drop(server);
    Err(contents(&mut log))
}

impl Server {
    /// Starts a server and waits for the first line that it prints.
    fn first_line(command: &mut Command, within: Duration) -> (Self, Option<String>) {
        let mut server = Self::start(command);
        let stdout = server.stdout();
        let (tell, told) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                // Reads on when nobody listens, so that the server never blocks.
                let _ = tell.send(line);
            }
        });
        let line = told.recv_timeout(within).ok();
        (server, line)
    }
}
