//! STS, as far as credentials need it: whoever asks for a role gets it.

use serde_json::{Map, Value};

use super::clock::{Millis, iso};
use super::ids;
use super::state::Scope;
use super::wire::{Refusal, unknown, xml};

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";

/// Answers one operation of STS in XML. `expires` is when credentials end.
pub(super) fn answer(
    operation: &str,
    form: &Map<String, Value>,
    scope: &Scope,
    expires: Millis,
    request_id: &str,
) -> Result<String, Refusal> {
    let result = match operation {
        "GetCallerIdentity" => format!(
            "<Arn>{}</Arn><UserId>AIDA{}</UserId><Account>{}</Account>",
            identity(scope),
            &ids::hex(scope.account.as_str())[..17].to_uppercase(),
            scope.account
        ),
        "AssumeRole" | "AssumeRoleWithWebIdentity" => assume(form, scope, expires)?,
        _ => {
            return Err(unknown(&format!(
                "the sandbox's STS has no operation {operation}"
            )));
        }
    };
    Ok(format!(
        "<{operation}Response xmlns=\"{NAMESPACE}\"><{operation}Result>{result}</{operation}Result>\
         <ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    ))
}

/// Who the callers of an account are.
pub(super) fn identity(scope: &Scope) -> String {
    format!("arn:aws:iam::{}:user/sandbox", scope.account)
}

/// The access key is the role's account, which is how later calls are known
/// to come from there.
fn assume(form: &Map<String, Value>, scope: &Scope, expires: Millis) -> Result<String, Refusal> {
    let text = |key: &str| form.get(key).and_then(Value::as_str).unwrap_or_default();
    let role = text("RoleArn");
    let parts: Vec<&str> = role.splitn(6, ':').collect();
    let [_, _, "iam", _, account, resource] = parts.as_slice() else {
        return Err(Refusal::new(
            "ValidationError",
            format!("{role} is invalid"),
        ));
    };
    let (Some(name), Ok(account)) = (
        resource.strip_prefix("role/"),
        account.parse::<crate::model::AccountId>(),
    ) else {
        return Err(Refusal::new(
            "ValidationError",
            format!("{role} is invalid"),
        ));
    };
    let session = if text("RoleSessionName").is_empty() {
        "sandbox"
    } else {
        text("RoleSessionName")
    };
    let name = name.rsplit('/').next().unwrap_or(name);
    let partition = parts[1];
    Ok(format!(
        "<AssumedRoleUser><Arn>arn:{}:sts::{account}:assumed-role/{}/{}</Arn>\
         <AssumedRoleId>AROA{}:{}</AssumedRoleId></AssumedRoleUser>\
         <Credentials><AccessKeyId>{account}</AccessKeyId><SecretAccessKey>{}</SecretAccessKey>\
         <SessionToken>sandbox-{}</SessionToken><Expiration>{}</Expiration></Credentials>",
        xml(partition),
        xml(name),
        xml(session),
        &ids::hex(role)[..17].to_uppercase(),
        xml(session),
        ids::sha256_hex(role.as_bytes()),
        ids::hex(&format!("{} {role}", scope.account)),
        iso(expires),
    ))
}
