//! Stands between a client and a world, passes everything on, and writes down
//! each call: what really went over the wire is no matter of belief.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value;

use super::http::{Message, exchange};
use super::listen::Listener;

/// One call that was made.
#[derive(Debug, Clone)]
pub struct Call {
    /// `RegisterTaskDefinition`, say.
    pub operation: String,
    /// The request as it was sent.
    pub body: Value,
    answer: Arc<OnceLock<Value>>,
}

impl Call {
    /// What came back, as the client saw it; null when nothing has.
    pub fn answer(&self) -> &Value {
        self.answer.get().unwrap_or(&Value::Null)
    }

    pub fn writes(&self) -> bool {
        !["Describe", "List", "BatchGet", "Get"]
            .iter()
            .any(|reading| self.operation.starts_with(reading))
    }
}

/// Listens until it is dropped.
pub struct Witness {
    calls: Arc<Mutex<Vec<Call>>>,
    listener: Listener,
}

impl Witness {
    /// A witness of everything that goes to `world` through it.
    pub fn before(world: SocketAddr) -> Self {
        Self::amending(world, |_, _| ())
    }

    /// One that amends answers, by the operation, where a world is known not
    /// to say what ECS would.
    pub fn amending(
        world: SocketAddr,
        amend: impl Fn(&str, &mut Value) + Send + Sync + 'static,
    ) -> Self {
        let calls = Arc::<Mutex<Vec<Call>>>::default();
        let heard = calls.clone();
        let listener = Listener::start(move |client, _| {
            if let Err(error) = pass_on(client, world, &amend, &heard) {
                // The client sees the connection break and says so.
                eprintln!("the witness lost a call: {error}");
            }
        });
        Self { calls, listener }
    }

    pub fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// The calls since this was last asked.
    pub fn take(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn pass_on(
    client: &TcpStream,
    world: SocketAddr,
    amend: &dyn Fn(&str, &mut Value),
    calls: &Mutex<Vec<Call>>,
) -> io::Result<()> {
    let request = Message::read(client, true)?;
    let target = request.header("x-amz-target").unwrap_or("?.?");
    let call = Call {
        operation: target.rsplit('.').next().unwrap_or("?").to_owned(),
        body: serde_json::from_slice(&request.body).unwrap_or_default(),
        answer: Arc::default(),
    };
    // Before it is answered: the client may not wait for that.
    calls
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(call.clone());
    let mut answer = exchange(world, &request)?;
    let said: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let mut amended = said.clone();
    amend(&call.operation, &mut amended);
    // Byte for byte as it came, unless it was amended.
    if amended != said {
        answer.body = amended.to_string().into_bytes();
    }
    call.answer.get_or_init(|| amended);
    answer.write(client)
}
