//! Interceptors that let whole JSON documents through the typed SDK.
//!
//! The SDK's structs know the fields of one API version and drop every other.
//! So the response's body is kept as it came, and the request's body is
//! replaced before it is signed; the SDK still does credentials, signing,
//! retries and errors.

use std::sync::{Arc, Mutex, PoisonError};

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    AfterDeserializationInterceptorContextRef, BeforeSerializationInterceptorContextRef,
    BeforeTransmitInterceptorContextMut, BeforeTransmitInterceptorContextRef,
};
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use aws_smithy_types::config_bag::ConfigBag;
use serde_json::{Map, Value};

/// Keeps the body of the last response and the host that sent it.
#[derive(Debug, Clone, Default)]
pub(super) struct KeepResponse(Arc<Mutex<Kept>>);

#[derive(Debug, Clone, Default)]
pub(super) struct Kept {
    pub body: Vec<u8>,
    /// Host and port of the endpoint.
    pub host: String,
}

impl KeepResponse {
    /// What was kept; empty when nothing came.
    pub fn take(&self) -> Kept {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Intercept for KeepResponse {
    fn name(&self) -> &'static str {
        "KeepResponse"
    }

    fn read_before_transmit(
        &self,
        context: &BeforeTransmitInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let uri = context.request().uri().parse::<http::Uri>()?;
        let host = uri.authority().map(ToString::to_string).unwrap_or_default();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).host = host;
        Ok(())
    }

    fn read_after_deserialization(
        &self,
        context: &AfterDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let body = context
            .response()
            .body()
            .bytes()
            .unwrap_or_default()
            .to_vec();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).body = body;
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
pub(super) const READS: [&str; 7] = [
    "DescribeServices",
    "DescribeTaskDefinition",
    "DescribeServiceRevisions",
    "ListTaskDefinitions",
    "ListServices",
    "BatchGetImage",
    "ListImages",
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
