//! Whole JSON documents through the typed SDK.
//!
//! The SDK's structs know the fields of one API version, drop every other, and
//! refuse a document with a field of another type. So the body of a successful
//! answer is kept as it came, and the SDK is given an empty document instead;
//! and a request's body is replaced before it is signed. The SDK still does
//! endpoints, credentials, signing, time-outs, retries and errors.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpClient,
    SharedHttpConnector,
};
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextRef,
    BeforeTransmitInterceptorContextMut,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, Metadata};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;
use aws_smithy_types::config_bag::ConfigBag;
use aws_smithy_types::date_time::{DateTime, Format};
use serde_json::{Map, Value};

/// Keeps the body of a call's successful answer, and the host that sent it.
/// Needs a client wrapped in [`Keeping`].
#[derive(Debug, Clone, Default)]
pub(super) struct KeepResponse(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
pub(super) struct Kept {
    pub body: Vec<u8>,
    /// Host and port of the endpoint.
    pub host: String,
}

impl KeepResponse {
    /// What was kept; empty when nothing came.
    pub fn take(&self) -> Kept {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for KeepResponse {
    fn name(&self) -> &'static str {
        "KeepResponse"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        let uri = request.uri().parse::<http::Uri>()?;
        self.lock().host = uri.authority().map(ToString::to_string).unwrap_or_default();
        request.add_extension(self.clone());
        Ok(())
    }
}

/// An HTTP client that hands answers to the [`KeepResponse`] of their request.
#[derive(Debug)]
pub(super) struct Keeping(pub SharedHttpClient);

impl HttpClient for Keeping {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(KeepingConnector(
            self.0.http_connector(settings, components),
        ))
    }
}

#[derive(Debug)]
struct KeepingConnector(SharedHttpConnector);

impl HttpConnector for KeepingConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let Some(keep) = request.extension::<KeepResponse>().cloned() else {
            return self.0.call(request);
        };
        let answer = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let mut response = answer.await?;
            if response.status().is_success() {
                let body = ByteStream::new(response.take_body())
                    .collect()
                    .await
                    .map_err(|error| ConnectorError::io(error.into()))?;
                keep.lock().body = body.to_vec();
                *response.body_mut() = SdkBody::from("{}");
            }
            Ok(response)
        })
    }
}

/// Keeps the time at which a call was answered, by AWS's own clock: what it
/// tells of times is compared with that, not with the clock of this machine.
#[derive(Debug, Clone, Default)]
pub(super) struct KeepTime(Arc<Mutex<Option<i64>>>);

impl KeepTime {
    /// In seconds since the epoch; `None` when the answer did not say.
    pub fn told(&self) -> Option<i64> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for KeepTime {
    fn name(&self) -> &'static str {
        "KeepTime"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date");
        let told = date.and_then(|date| DateTime::from_str(date, Format::HttpDate).ok());
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = told.map(|at| at.secs());
        Ok(())
    }
}

/// Sends this document instead of the one that the SDK serialized.
#[derive(Debug)]
pub(super) struct SendBody(Vec<u8>);

impl SendBody {
    pub fn new(document: &Map<String, Value>) -> Result<Self, serde_json::Error> {
        serde_json::to_vec(document).map(Self)
    }
}

impl Intercept for SendBody {
    fn name(&self) -> &'static str {
        "SendBody"
    }

    fn modify_before_retry_loop(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        // The header was set for the SDK's own body, is signed, and is not
        // computed again.
        request
            .headers_mut()
            .insert("content-length", self.0.len().to_string());
        *request.body_mut() = SdkBody::from(self.0.clone());
        Ok(())
    }
}

/// Refuses every operation that is not on the list of reads, before anything
/// is serialized. What plans hold can therefore not write, whatever is called.
#[derive(Debug)]
pub(super) struct ReadsOnly;

/// Every operation that reading uses.
pub(super) const READS: [&str; 18] = [
    "DescribeServices",
    "DescribeTaskDefinition",
    "DescribeServiceRevisions",
    "ListServiceDeployments",
    "DescribeServiceDeployments",
    "ListTasks",
    "DescribeTasks",
    "GetLogEvents",
    "DescribeScalableTargets",
    "ListTaskDefinitions",
    "ListServices",
    "ListClusters",
    "ListTagsForResource",
    "BatchGetImage",
    "ListImages",
    "DescribeSecret",
    "DescribeTargetGroups",
    "DescribeLogGroups",
];

impl Intercept for ReadsOnly {
    fn name(&self) -> &'static str {
        "ReadsOnly"
    }

    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let operation = config.load::<Metadata>().map_or("?", Metadata::name);
        if READS.contains(&operation) {
            return Ok(());
        }
        Err(format!("{operation} is not a reading call").into())
    }
}
