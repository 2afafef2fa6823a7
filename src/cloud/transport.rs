//! How requests reach AWS: over the network, or answered in memory.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use aws_smithy_http_client::{Builder, Connector, proxy::ProxyConfig, tls};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use hyper::body::Bytes;

use super::raw::Keeping;

/// Answers a signed AWS request, as a server would.
pub type Handler =
    Arc<dyn Fn(http::Request<Bytes>) -> Pin<Box<dyn Future<Output = Answer> + Send>> + Send + Sync>;

/// What comes back; `None` when the connection is cut.
pub type Answer = Option<http::Response<Bytes>>;

/// Where requests go. Everything above, the SDK's signing, retries and
/// time-outs included, is the same for both.
#[derive(Clone)]
pub enum Transport {
    Network,
    InMemory(Handler),
}

impl Transport {
    pub(super) fn client(&self) -> SharedHttpClient {
        SharedHttpClient::new(Keeping(match self {
            Self::Network => network(),
            Self::InMemory(handler) => SharedHttpClient::new(InMemory(handler.clone())),
        }))
    }
}

/// HTTPS with rustls and the machine's trusted certificates; HTTP for
/// emulators; `HTTPS_PROXY` and `NO_PROXY` honoured, as self-hosted runners
/// need it.
fn network() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = Connector::builder()
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(tls::Provider::Rustls(
                tls::rustls_provider::CryptoMode::Ring,
            ));
        if let Some(settings) = settings {
            connector = connector.connector_settings(settings.clone());
        }
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    })
}

#[derive(Clone)]
struct InMemory(Handler);

impl fmt::Debug for InMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InMemory")
    }
}

impl HttpClient for InMemory {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(self.clone())
    }
}

impl HttpConnector for InMemory {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let handler = self.0.clone();
        HttpConnectorFuture::new(async move {
            let request = request
                .try_into_http1x()
                .map_err(|e| ConnectorError::user(e.into()))?;
            let (parts, body) = request.into_parts();
            let bytes = body
                .bytes()
                .map(Bytes::copy_from_slice)
                .ok_or_else(|| ConnectorError::user("a streaming request body".into()))?;
            let response = handler(http::Request::from_parts(parts, bytes))
                .await
                .ok_or_else(|| ConnectorError::io("the connection was cut".into()))?;
            HttpResponse::try_from(response.map(SdkBody::from))
                .map_err(|e| ConnectorError::other(e.into(), None))
        })
    }
}
