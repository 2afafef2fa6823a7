//! A stand-in for the Docker Engine: as much of its API as ministack's
//! scheduler asks, so that a revision that fails really fails there. What an
//! image does is told by its tag; see [`super::containers`].
//!
//! A question that it has no answer for is refused, and remembered: it may mean
//! that ministack judges its containers in another way than is thought here.

use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::containers::{Containers, Fate, image_id};
use super::http::Message;
use super::listen::Listener;
use super::process::PAUSE;

/// The version of the API that is spoken.
const VERSION: &str = "1.44";

/// How long an answer is kept back that comes when a container exits: less
/// than ministack waits for any answer.
const FOLLOWED_FOR: Duration = Duration::from_secs(8);

/// Listens until it is dropped.
pub struct Engine {
    shared: Arc<Shared>,
    listener: Listener,
}

#[derive(Default)]
struct Shared {
    asked: AtomicBool,
    containers: Mutex<Containers>,
    refused: Mutex<Vec<String>>,
}

impl Engine {
    pub fn start() -> Self {
        let shared = Arc::<Shared>::default();
        let serving = shared.clone();
        let listener = Listener::start(move |client, stop| {
            // A client that hangs up does not want to know any more.
            let _ = serve(client, &serving, stop);
        });
        Self { shared, listener }
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Lets a digest be known, with its tag: ministack pulls by digest alone,
    /// and an engine would ask the registry what that is.
    pub fn publish(&self, digest: &str, tag: &str) {
        self.shared.containers().publish(digest, tag);
    }

    /// Whether anybody has asked anything.
    pub fn was_asked(&self) -> bool {
        self.shared.asked.load(Ordering::SeqCst)
    }

    /// The questions that it had no answer for.
    pub fn refused(&self) -> Vec<String> {
        let refused = self.shared.refused.lock();
        refused.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    fn containers(&self) -> MutexGuard<'_, Containers> {
        self.containers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn serve(client: &TcpStream, shared: &Shared, stop: &AtomicBool) -> std::io::Result<()> {
    let message = Message::read(client, true)?;
    shared.asked.store(true, Ordering::SeqCst);
    let mut words = message.start.split(' ');
    let (method, target) = (
        words.next().unwrap_or_default(),
        words.next().unwrap_or_default(),
    );
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query: Vec<(String, String)> = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(key, value)| (decoded(key), decoded(&value.replace('+', " "))))
        .collect();
    let path = decoded(path);
    let request = Request {
        method,
        path: unversioned(&path),
        query: &query,
        body: serde_json::from_slice(&message.body).unwrap_or_default(),
        stop,
    };
    let answer = request.answered(shared).unwrap_or_else(|| {
        let asked = format!("{method} {path}");
        let mut refused = shared
            .refused
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        refused.push(asked.clone());
        Answer::error(501, &format!("the stand-in has no answer to {asked}"))
    });
    answer.message().write(client)
}

struct Request<'a> {
    method: &'a str,
    path: &'a str,
    query: &'a [(String, String)],
    body: Value,
    stop: &'a AtomicBool,
}

struct Answer {
    status: u16,
    body: Vec<u8>,
}

impl Answer {
    fn json(status: u16, body: &Value) -> Self {
        let body = body.to_string().into_bytes();
        Self { status, body }
    }

    fn empty(status: u16) -> Self {
        let body = Vec::new();
        Self { status, body }
    }

    fn error(status: u16, message: &str) -> Self {
        Self::json(status, &json!({ "message": message }))
    }

    fn no_container(id: &str) -> Self {
        Self::error(404, &format!("No such container: {id}"))
    }

    fn message(self) -> Message {
        Message {
            start: format!("HTTP/1.1 {} -", self.status),
            headers: vec![("content-type".into(), "application/json".into())],
            body: self.body,
        }
    }
}

impl Request<'_> {
    fn asks(&self, key: &str) -> &str {
        let pair = self.query.iter().find(|(asked, _)| asked == key);
        pair.map_or("", |(_, value)| value)
    }

    /// Nothing when there is no answer to such a question.
    fn answered(&self, shared: &Shared) -> Option<Answer> {
        let parts: Vec<&str> = self.path.split('/').skip(1).collect();
        Some(match (self.method, parts.as_slice()) {
            ("GET", ["_ping"]) => Answer::json(200, &json!("OK")),
            ("GET", ["version"]) => Answer::json(
                200,
                &json!({"ApiVersion": VERSION, "MinAPIVersion": "1.24", "Version": "stand-in",
                    "Os": "linux", "Arch": "amd64"}),
            ),
            ("GET", ["info"]) => {
                Answer::json(200, &json!({"OSType": "linux", "Architecture": "x86_64"}))
            }
            ("POST", ["images", "create"]) => self.pull(shared),
            ("GET", ["images", name @ .., "json"]) => {
                let name = name.join("/");
                match shared.containers().held(&name) {
                    Some(_) => {
                        Answer::json(200, &json!({"Id": image_id(&name), "RepoTags": [name]}))
                    }
                    None => Answer::error(404, &format!("No such image: {name}")),
                }
            }
            ("POST", ["images", name @ .., "tag"]) => self.tag(shared, &name.join("/")),
            ("GET", ["distribution", name @ .., "json"]) => {
                let name = name.join("/");
                match shared.containers().digest(&name) {
                    Some(digest) => Answer::json(
                        200,
                        &json!({"Descriptor": {"digest": digest}, "Platforms": []}),
                    ),
                    None => unknown(&name),
                }
            }
            ("GET", ["containers", "json"]) => self.list(shared),
            ("POST", ["containers", "create"]) => self.create(shared),
            ("GET", ["containers", id, "json"]) => shared
                .containers()
                .inspect(id)
                .map_or_else(|| Answer::no_container(id), |seen| Answer::json(200, &seen)),
            ("POST", ["containers", id, "start"]) => done(id, shared.containers().start(id)),
            ("POST", ["containers", id, "stop"]) => done(id, shared.containers().stop(id)),
            ("DELETE", ["containers", id]) => done(id, shared.containers().remove(id)),
            ("POST", ["containers", id, "wait"]) => match self.exit(shared, id) {
                Some(code) => Answer::json(200, &json!({ "StatusCode": code })),
                None => Answer::no_container(id),
            },
            ("GET", ["containers", id, "logs"]) => self.logs(shared, id),
            _ => return None,
        })
    }

    fn pull(&self, shared: &Shared) -> Answer {
        let tag = self.asks("tag");
        let between = if tag.starts_with("sha256:") { '@' } else { ':' };
        let image = format!("{}{between}{tag}", self.asks("fromImage"));
        let fate = shared.containers().fate(&image);
        match fate {
            None => unknown(&image),
            Some(Fate::Slow) => {
                while !self.stop.load(Ordering::SeqCst) {
                    std::thread::sleep(PAUSE);
                }
                Answer::error(500, "the engine is going down")
            }
            Some(fate) => {
                shared.containers().hold(&image, fate);
                Answer::json(200, &json!({"status": "Download complete"}))
            }
        }
    }

    fn tag(&self, shared: &Shared, image: &str) -> Answer {
        let mut containers = shared.containers();
        match containers.held(image) {
            Some(fate) => {
                let name = format!("{}:{}", self.asks("repo"), self.asks("tag"));
                containers.hold(&name, fate);
                Answer::empty(201)
            }
            None => Answer::error(404, &format!("No such image: {image}")),
        }
    }

    fn list(&self, shared: &Shared) -> Answer {
        let filters: Value = serde_json::from_str(self.asks("filters")).unwrap_or_default();
        let labels: Vec<String> = filters["label"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|label| label.as_str().map(str::to_owned))
            .collect();
        let listed = shared.containers().with_labels(&labels);
        Answer::json(200, &Value::Array(listed))
    }

    fn create(&self, shared: &Shared) -> Answer {
        let image = self.body["Image"].as_str().unwrap_or_default();
        let mut containers = shared.containers();
        let Some(fate) = containers.held(image) else {
            return Answer::error(404, &format!("No such image: {image}"));
        };
        let id = containers.create(self.asks("name"), image, fate, &self.body["Labels"]);
        Answer::json(201, &json!({"Id": id, "Warnings": []}))
    }

    /// The exit code of a container, once it has exited; zero when it goes on
    /// for too long, and nothing when it is not there.
    fn exit(&self, shared: &Shared, id: &str) -> Option<i64> {
        let asked = Instant::now();
        loop {
            let code = shared.containers().exit_code(id)?;
            if code.is_some() || asked.elapsed() > FOLLOWED_FOR || self.stop.load(Ordering::SeqCst)
            {
                return Some(code.unwrap_or_default());
            }
            std::thread::sleep(PAUSE);
        }
    }

    fn logs(&self, shared: &Shared, id: &str) -> Answer {
        let so_far = shared.containers().log(id);
        let at_its_end = || {
            if self.asks("follow") == "1" {
                // What it wrote stays known when it is removed meanwhile.
                self.exit(shared, id)?;
            }
            shared.containers().log(id)
        };
        let Some(text) = at_its_end().or(so_far) else {
            return Answer::no_container(id);
        };
        let mut body = Vec::new();
        if let Ok(length @ 1..) = u32::try_from(text.len()) {
            // A frame of stderr, as containers without a terminal have them.
            body.extend([2, 0, 0, 0]);
            body.extend(length.to_be_bytes());
            body.extend(text.bytes());
        }
        Answer { status: 200, body }
    }
}

fn done(id: &str, done: Option<()>) -> Answer {
    done.map_or_else(|| Answer::no_container(id), |()| Answer::empty(204))
}

fn unknown(image: &str) -> Answer {
    Answer::error(
        404,
        &format!("manifest for {image} not found: manifest unknown"),
    )
}

/// Without `/v1.44` before it.
fn unversioned(path: &str) -> &str {
    path.strip_prefix("/v1.")
        .and_then(|rest| rest.find('/').map(|at| &rest[at..]))
        .unwrap_or(path)
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, others @ ..] = rest {
        let hex = others
            .get(..2)
            .filter(|_| *first == b'%')
            .and_then(|hex| std::str::from_utf8(hex).ok())
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(hex.unwrap_or(*first));
        rest = if hex.is_some() { &others[2..] } else { others };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_as_they_are_meant() {
        assert_eq!(decoded("repo%40sha256%3A1%zz"), "repo@sha256:1%zz");
        assert_eq!(unversioned("/v1.44/containers/json"), "/containers/json");
        assert_eq!(unversioned("/version"), "/version");
    }
}
