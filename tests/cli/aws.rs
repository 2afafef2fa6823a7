//! Something on a loopback port that answers as AWS would when all goes wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use serde_json::{Value, json};

use crate::support::{Checkout, Invocation};

/// An operation's answer: the status and the body.
type Answer = (u16, String);

/// A stand-in for AWS's endpoints that remembers what it was asked.
pub struct Aws {
    pub url: String,
    calls: Arc<Mutex<Vec<String>>>,
}

impl Aws {
    /// Answers every operation by its name.
    pub fn answering(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port");
        let url = format!("http://{}", listener.local_addr().expect("its address"));
        let calls = Arc::new(Mutex::new(Vec::new()));
        let (answer, seen) = (Arc::new(answer), calls.clone());
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, seen) = (answer.clone(), seen.clone());
                // A client that goes away is the test's business.
                thread::spawn(move || serve(stream, &*answer, &seen));
            }
        });
        Self { url, calls }
    }

    /// Refuses everything with an error of the JSON protocols.
    pub fn refusing(status: u16, code: &str, message: &str) -> Self {
        let body = json!({ "__type": code, "message": message }).to_string();
        Self::answering(move |_| (status, body.clone()))
    }

    /// Every operation that was called, in order.
    pub fn calls(&self) -> Vec<String> {
        self.calls.lock().unwrap().clone()
    }
}

fn serve(
    mut stream: TcpStream,
    answer: &dyn Fn(&str) -> Answer,
    calls: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut operation, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let lower = line.to_ascii_lowercase();
        if lower.starts_with("x-amz-target:") {
            operation = line
                .trim()
                .rsplit('.')
                .next()
                .unwrap_or_default()
                .to_owned();
        } else if let Some(value) = lower.strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    if operation.is_empty() {
        // The query protocol names it in the body: Action=AssumeRole&…
        operation = String::from_utf8_lossy(&body)
            .split('&')
            .find_map(|pair| pair.strip_prefix("Action=").map(str::to_owned))
            .unwrap_or_default();
    }
    calls.lock().unwrap().push(operation.clone());
    let (status, text) = answer(&operation);
    write!(
        stream,
        "HTTP/1.1 {status} \r\ncontent-type: application/x-amz-json-1.1\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{text}",
        text.len()
    )
}

/// One call to the sandbox's server, which reads the account and the region of
/// a signature and checks no more of it.
pub fn call(address: &str, operation: &str, body: &Value) -> Value {
    let body = body.to_string();
    let mut stream = TcpStream::connect(address).expect("the sandbox listens");
    write!(
        stream,
        "POST / HTTP/1.1\r\nhost: {address}\r\nx-amz-target: AmazonEC2ContainerServiceV20141113.{operation}\r\ncontent-type: application/x-amz-json-1.1\r\nauthorization: AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-west-1/ecs/aws4_request\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
    .expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
    assert!(head.starts_with("HTTP/1.1 200"), "{answer}");
    serde_json::from_str(body).expect("JSON")
}

const ACCESS_KEY: &str = "AKIAEVENKEELEXAMPLE1";
pub const SECRET_KEY: &str = "wJalrXUtnFEMIsecretEXAMPLEKEY";
pub const SESSION_TOKEN: &str = "IQoJb3JpZ2luX2VjEXAMPLEtoken";

/// `evenkeel ARGS` with credentials, and with AWS at this address.
pub fn at(checkout: &Checkout, url: &str, args: &str) -> Invocation {
    checkout
        .evenkeel(args)
        .env("AWS_ENDPOINT_URL", url)
        .env("AWS_ACCESS_KEY_ID", ACCESS_KEY)
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .env("AWS_SESSION_TOKEN", SESSION_TOKEN)
}
