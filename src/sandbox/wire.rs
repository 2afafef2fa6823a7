//! The protocols: who calls what, and answers and errors in AWS's form.
//! Knows nothing of what the operations do.

use http::{HeaderMap, Request, Response, StatusCode};
use hyper::body::Bytes;
use serde_json::{Map, Value, json};

use super::state::Scope;
use crate::model::{AccountId, Region};

const ECS: &str = "AmazonEC2ContainerServiceV20141113.";
const ECR: &str = "AmazonEC2ContainerRegistry_V20150921.";
const LOGS: &str = "Logs_20140328.";

/// One call that was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// `ecs`, `ecr`, `logs` or `sts`.
    pub service: &'static str,
    pub operation: String,
    pub account: AccountId,
    pub region: Region,
    /// What it needs leave for: the operation itself, and what goes with it.
    pub asks: Vec<Leave>,
}

/// What IAM is asked: may the caller do this to that?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leave {
    /// Such as `ecs:DescribeServices`.
    pub action: String,
    /// An ARN, or `*` where the action knows no resources.
    pub resource: String,
}

/// Why AWS would refuse a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub status: u16,
    pub code: String,
    pub message: String,
}

pub(super) type Answer = Result<Value, Refusal>;

impl Refusal {
    pub(super) fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            status: 400,
            code: code.to_owned(),
            message: message.into(),
        }
    }

    /// ECS's general word for a request that makes no sense.
    pub(super) fn client(message: impl Into<String>) -> Self {
        Self::new("ClientException", message)
    }

    pub(super) fn parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }
}

/// A request taken apart: what is called, from where, with what.
pub(super) struct Parsed {
    pub service: &'static str,
    pub operation: String,
    pub credential: Option<Credential>,
    pub body: Map<String, Value>,
}

/// What the SigV4 scope says of the caller. The signature is not checked: the
/// sandbox has no secrets to protect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Credential {
    pub access_key: String,
    pub region: Option<Region>,
}

impl Credential {
    /// Whether the access key alone says which account calls.
    pub(super) fn names_account(&self) -> bool {
        self.access_key.parse::<AccountId>().is_ok()
    }
}

pub(super) fn parse(request: &Request<Bytes>) -> Result<Parsed, Refusal> {
    let credential = credential(request.headers());
    let target = request
        .headers()
        .get("x-amz-target")
        .and_then(|value| value.to_str().ok());
    let Some(target) = target else {
        let form: Map<String, Value> = form(request.body())
            .into_iter()
            .map(|(k, v)| (k, Value::from(v)))
            .collect();
        let operation = form
            .get("Action")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        if operation.is_empty() {
            let what = format!("{} {}", request.method(), request.uri().path());
            return Err(unknown(&format!(
                "{what} names no operation (no X-Amz-Target header, no Action)"
            )));
        }
        return Ok(Parsed {
            service: "sts",
            operation,
            credential,
            body: form,
        });
    };
    let (service, operation) = if let Some(operation) = target.strip_prefix(ECS) {
        ("ecs", operation)
    } else if let Some(operation) = target.strip_prefix(ECR) {
        ("ecr", operation)
    } else if let Some(operation) = target.strip_prefix(LOGS) {
        ("logs", operation)
    } else {
        return Err(unknown(&format!("the sandbox has no operation {target}")));
    };
    let body = if request.body().is_empty() {
        b"{}".as_slice()
    } else {
        request.body()
    };
    let body = serde_json::from_slice(body).map_err(|e| {
        Refusal::new(
            "SerializationException",
            format!("the request is no JSON object: {e}"),
        )
    })?;
    Ok(Parsed {
        service,
        operation: operation.to_owned(),
        credential,
        body,
    })
}

pub(super) fn unknown(message: &str) -> Refusal {
    Refusal::new("UnknownOperationException", message)
}

/// Reads `Credential=KEY/DATE/REGION/SERVICE/aws4_request` from `Authorization`.
fn credential(headers: &HeaderMap) -> Option<Credential> {
    let header = headers.get("authorization")?.to_str().ok()?;
    let scope = header
        .split("Credential=")
        .nth(1)?
        .split([',', ' '])
        .next()?;
    let mut parts = scope.split('/');
    let access_key = parts.next()?.to_owned();
    let region = parts.nth(1).and_then(|region| region.parse().ok());
    Some(Credential { access_key, region })
}

/// The caller's account and region: a 12-digit access key is the account.
pub(super) fn scope(credential: Option<&Credential>, fallback: Option<&AccountId>) -> Scope {
    let account = credential
        .and_then(|c| c.access_key.parse().ok())
        .or_else(|| fallback.cloned())
        .unwrap_or_else(|| known("123456789012"));
    let region = credential
        .and_then(|c| c.region.clone())
        .unwrap_or_else(|| known("us-east-1"));
    Scope { account, region }
}

/// Parses a text that is written in this file and is right.
fn known<T: std::str::FromStr<Err = crate::model::Invalid>>(text: &str) -> T {
    text.parse().expect("a literal of the right form")
}

fn form(body: &[u8]) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(body);
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(k, v)| (decoded(k), decoded(v)))
        .collect()
}

fn decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let hex = bytes
            .get(at + 1..at + 3)
            .and_then(|pair| std::str::from_utf8(pair).ok());
        match (
            bytes[at],
            hex.and_then(|pair| u8::from_str_radix(pair, 16).ok()),
        ) {
            (b'%', Some(byte)) => {
                out.push(byte);
                at += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

pub(super) fn json_response(body: &Value, request_id: &str) -> Response<Bytes> {
    respond(
        StatusCode::OK,
        "application/x-amz-json-1.1",
        body.to_string(),
        request_id,
    )
}

pub(super) fn xml_response(body: String, request_id: &str) -> Response<Bytes> {
    respond(StatusCode::OK, "text/xml", body, request_id)
}

/// An error as the caller's protocol writes it.
pub(super) fn error_response(query: bool, refusal: &Refusal, request_id: &str) -> Response<Bytes> {
    let status = StatusCode::from_u16(refusal.status).unwrap_or(StatusCode::BAD_REQUEST);
    let (code, message) = (&refusal.code, &refusal.message);
    if query {
        let body = format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error><Type>Sender</Type>\
             <Code>{}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>",
            xml(code),
            xml(message)
        );
        return respond(status, "text/xml", body, request_id);
    }
    let body = json!({"__type": code, "message": message}).to_string();
    let mut response = respond(status, "application/x-amz-json-1.1", body, request_id);
    if let Ok(value) = code.parse() {
        response.headers_mut().insert("x-amzn-errortype", value);
    }
    response
}

fn respond(
    status: StatusCode,
    content_type: &'static str,
    body: String,
    request_id: &str,
) -> Response<Bytes> {
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert("content-type", http::HeaderValue::from_static(content_type));
    if let Ok(value) = request_id.parse() {
        response.headers_mut().insert("x-amzn-requestid", value);
    }
    response
}

/// Text inside an XML element.
pub(super) fn xml(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scope_is_read_from_the_signature() {
        let mut headers = HeaderMap::new();
        let value = "AWS4-HMAC-SHA256 Credential=210987654321/20260101/eu-west-1/ecs/aws4_request, SignedHeaders=host, Signature=0";
        headers.insert("authorization", value.parse().unwrap());
        let found = credential(&headers).unwrap();
        let scope = super::scope(Some(&found), None);
        assert_eq!(scope.key(), "210987654321/eu-west-1");
        assert_eq!(super::scope(None, None).key(), "123456789012/us-east-1");
    }

    #[test]
    fn forms_are_decoded() {
        let pairs = form(b"Action=AssumeRole&RoleArn=arn%3Aaws&x=a+b%2");
        assert_eq!(pairs[1], ("RoleArn".to_owned(), "arn:aws".to_owned()));
        assert_eq!(pairs[2].1, "a b%2");
    }
}
