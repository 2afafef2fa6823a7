//! Stands between a client and a world, passes everything on unchanged, and
//! writes down each call: what really went over the wire is no matter of
//! belief.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use serde_json::Value;

use super::http::{Message, exchange};

/// One call that was made.
#[derive(Debug, Clone)]
pub struct Call {
    /// `RegisterTaskDefinition`, say.
    pub operation: String,
    /// The request as it was sent.
    pub body: Value,
}

impl Call {
    pub fn writes(&self) -> bool {
        !["Describe", "List", "BatchGet", "Get"]
            .iter()
            .any(|reading| self.operation.starts_with(reading))
    }
}

/// Listens until it is dropped.
pub struct Witness {
    address: SocketAddr,
    calls: Arc<Mutex<Vec<Call>>>,
    stop: Arc<AtomicBool>,
    listener: Option<JoinHandle<()>>,
}

impl Witness {
    /// A witness of everything that goes to `world` through it.
    pub fn before(world: SocketAddr) -> Self {
        let listener =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port on loopback");
        let address = listener.local_addr().expect("the listener's address");
        let calls = Arc::<Mutex<Vec<Call>>>::default();
        let stop = Arc::<AtomicBool>::default();
        let (heard, stopped) = (calls.clone(), stop.clone());
        let listener = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let calls = heard.clone();
                if let Ok(stream) = stream {
                    std::thread::spawn(move || {
                        if let Err(error) = pass_on(&stream, world, &calls) {
                            // The client sees the connection break and says so.
                            eprintln!("the witness lost a call: {error}");
                        }
                    });
                }
            }
        });
        Self {
            address,
            calls,
            stop,
            listener: Some(listener),
        }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The calls since this was last asked.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees that it is to stop.
        let woken = TcpStream::connect(self.address).is_ok();
        if let Some(listener) = self.listener.take().filter(|_| woken) {
            let _ = listener.join();
        }
    }
}

fn pass_on(client: &TcpStream, world: SocketAddr, calls: &Mutex<Vec<Call>>) -> io::Result<()> {
    let request = Message::read(client, true)?;
    let target = request.header("x-amz-target").unwrap_or("?.?");
    let call = Call {
        operation: target.rsplit('.').next().unwrap_or("?").to_owned(),
        body: serde_json::from_slice(&request.body).unwrap_or_default(),
    };
    calls
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(call);
    exchange(world, &request)?.write(client)
}
