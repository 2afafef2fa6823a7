//! The same sandbox behind a loopback socket, for clients of other programs.
//! It never listens to the network.

use std::future::Future;
use std::io;

use http::Response;
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::Sandbox;

/// Serves the sandbox until `shutdown` is done.
///
/// # Errors
/// The listener is not on a loopback address: the sandbox checks no
/// signatures, so it must not be reached from elsewhere. Or accepting fails.
pub async fn serve(
    sandbox: Sandbox,
    listener: TcpListener,
    shutdown: impl Future<Output = ()>,
) -> io::Result<()> {
    let address = listener.local_addr()?;
    if !address.ip().is_loopback() {
        let message = format!("the sandbox serves only on a loopback address, not on {address}");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let mut connections = JoinSet::new();
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => return Ok(()),
            accepted = listener.accept() => {
                let (stream, _) = accepted?;
                connections.spawn(connection(sandbox.clone(), stream));
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Serves one connection. That it ends in an error (the client went away, or a
/// fault cut it) concerns the client alone.
async fn connection(sandbox: Sandbox, stream: TcpStream) {
    let service = service_fn(move |request: http::Request<Incoming>| {
        let sandbox = sandbox.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
            let response = sandbox
                .exchange(http::Request::from_parts(head, body))
                .await
                .ok_or(io::ErrorKind::ConnectionAborted)?;
            Ok::<Response<Full<Bytes>>, io::Error>(response.map(Full::new))
        }
    });
    let served = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
    if let Err(error) = served {
        tracing::debug!(%error, "a connection to the sandbox ended early");
    }
}
