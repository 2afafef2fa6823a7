//! What can go wrong between here and AWS, in words for a person.

use std::error::Error as StdError;

use aws_config::imds::client::error::ImdsError;
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::display::DisplayErrorContext;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::model::{AccountId, ClusterName, Region};
use crate::observed::Unreadable;

/// A call, or everything before it, failed. `action` is the IAM action, such
/// as `ecs:DescribeServices`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("{why}")]
    Credentials { why: String, hint: String },
    #[error("these credentials belong to account {actual}, but {declared} is declared")]
    WrongAccount {
        declared: AccountId,
        actual: AccountId,
    },
    #[error("AWS answered from region {actual}, but {declared} is declared")]
    WrongRegion { declared: Region, actual: Region },
    #[error("AWS could not be reached for {action}: {why}")]
    Unreachable { action: &'static str, why: String },
    #[error("{action} had no answer in time: {why}")]
    TimedOut { action: &'static str, why: String },
    /// The call may have needed leave for another action as well; what is not
    /// allowed is the one that AWS names.
    #[error("{} is not allowed: {message}", denied(message).unwrap_or(action))]
    Denied {
        action: &'static str,
        message: String,
    },
    #[error("{action} was throttled: {message}")]
    Throttled {
        action: &'static str,
        message: String,
    },
    #[error("there is no cluster {cluster} in {region} of the account these credentials are for")]
    NoCluster {
        cluster: ClusterName,
        region: Region,
    },
    #[error("{action} was refused: {message} ({code})")]
    Refused {
        action: &'static str,
        code: String,
        message: String,
    },
    #[error("the answer to {action} could not be read: {why}")]
    Garbled { action: &'static str, why: String },
}

impl Error {
    /// What to do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Credentials { hint, .. } => Some(hint.clone()),
            Self::WrongAccount { .. } => Some(
                "check AWS_PROFILE or the role that CI assumes; `role` in the environment file is assumed before any call"
                    .into(),
            ),
            Self::WrongRegion { .. } => Some("check `region` in the environment file and AWS_ENDPOINT_URL".into()),
            Self::Unreachable { .. } => {
                Some("check the network, HTTPS_PROXY, and AWS_ENDPOINT_URL when it is set".into())
            }
            Self::Denied { action, message } => {
                let action = denied(message).unwrap_or(action);
                Some(format!("allow {action} for this role or user"))
            }
            Self::Throttled { .. } | Self::TimedOut { .. } => Some("nothing was changed by this call; try again".into()),
            Self::NoCluster { .. } => Some(
                "check `cluster` and `region` in the environment file, and whether these are the \
                 credentials of its account"
                    .into(),
            ),
            Self::Garbled { .. } => {
                Some("is a proxy or a sign-in page between here and AWS answering?".into())
            }
            Self::Refused { code, .. } if is_server_side(code) => {
                Some("AWS has trouble; try again, and see health.aws.amazon.com".into())
            }
            Self::Refused { .. } => None,
        }
    }

    /// Whether the call was refused because it needs leave for this action,
    /// too. AWS says so in its message alone.
    pub fn denies(&self, action: &str) -> bool {
        matches!(self, Self::Denied { message, .. } if message.contains(action))
    }

    /// Whether every other call would fail the same way, so that one message
    /// says it all.
    pub fn concerns_everything(&self) -> bool {
        match self {
            Self::Credentials { .. }
            | Self::WrongAccount { .. }
            | Self::WrongRegion { .. }
            | Self::NoCluster { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Throttled { .. } => true,
            Self::Denied { .. } | Self::Refused { .. } | Self::Garbled { .. } => false,
        }
    }

    /// Whether a later attempt may go through, so that waiting rides it out.
    pub fn may_pass(&self) -> bool {
        matches!(
            self,
            Self::Unreachable { .. }
                | Self::TimedOut { .. }
                | Self::Throttled { .. }
                | Self::Garbled { .. }
        ) || matches!(self, Self::Refused { code, .. } if is_server_side(code))
    }

    pub(super) fn from_sdk<E>(action: &'static str, error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + StdError + 'static,
    {
        match error {
            SdkError::ServiceError(service) => {
                let code = service.err().code().unwrap_or_default();
                let status = service.raw().status().as_u16();
                let message = service.err().message().unwrap_or("without a message");
                from_answer(action, code, status, message)
            }
            SdkError::TimeoutError(_) => Self::TimedOut {
                action,
                why: innermost(error),
            },
            _ => match credentials_in(error) {
                Some(found) => found,
                None => match error {
                    SdkError::DispatchFailure(_) | SdkError::ResponseError(_) => {
                        Self::Unreachable {
                            action,
                            why: innermost(error),
                        }
                    }
                    _ => Self::Garbled {
                        action,
                        why: innermost(error),
                    },
                },
            },
        }
    }
}

impl From<Error> for Unreadable {
    fn from(error: Error) -> Self {
        Self {
            why: error.to_string(),
            hint: error.hint(),
        }
    }
}

/// Codes of AWS's common errors (general reference, "Common error types", and
/// the API references of ECS, ECR and STS).
fn from_answer(action: &'static str, code: &str, status: u16, message: &str) -> Error {
    let message = message.trim_end_matches('.').to_owned();
    match code {
        "AccessDeniedException" | "AccessDenied" | "UnauthorizedOperation" | "NotAuthorized" => {
            Error::Denied { action, message }
        }
        "ExpiredTokenException" | "ExpiredToken" | "RequestExpired" => Error::Credentials {
            why: "the AWS credentials have expired".into(),
            hint: "sign in again (`aws sso login`, or a fresh session); in CI, let the job assume its role anew".into(),
        },
        "UnrecognizedClientException"
        | "InvalidClientTokenId"
        | "InvalidSignatureException"
        | "SignatureDoesNotMatch"
        | "IncompleteSignature"
        | "MissingAuthenticationToken"
        | "MissingAuthenticationTokenException"
        | "InvalidAccessKeyId" => Error::Credentials {
            why: format!("AWS does not accept these credentials: {message}"),
            hint: "check AWS_PROFILE, AWS_ACCESS_KEY_ID and AWS_SESSION_TOKEN, and this machine's clock".into(),
        },
        _ if is_throttling(code) || status == 429 => Error::Throttled { action, message },
        "" => Error::Refused { action, code: format!("HTTP {status}"), message },
        _ => Error::Refused { action, code: code.to_owned(), message },
    }
}

/// The action that IAM's message names: a call may need leave for several.
fn denied(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("not authorized to perform: ")?;
    let action = rest.split_whitespace().next()?;
    let plain = |c: char| c.is_ascii_alphanumeric() || c == ':' || c == '-';
    (action.contains(':') && action.chars().all(plain)).then_some(action)
}

fn is_throttling(code: &str) -> bool {
    [
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottled",
        "RequestThrottledException",
        "TooManyRequestsException",
        "RequestLimitExceeded",
        "SlowDown",
    ]
    .contains(&code)
}

fn is_server_side(code: &str) -> bool {
    [
        "ServerException",
        "InternalFailure",
        "InternalServerError",
        "ServiceUnavailable",
        "ServiceUnavailableException",
    ]
    .contains(&code)
        || code.starts_with("HTTP 5")
}

/// The SDK wraps a failure to get credentials several times over; what the
/// provider said is inside.
fn credentials_in(error: &(dyn StdError + 'static)) -> Option<Error> {
    let found = chain(error).find_map(|cause| cause.downcast_ref::<CredentialsError>())?;
    // The last place of all, the instance's metadata, is asked only when all
    // others had none. That it is not there, or is another cloud's, or
    // forbidden, says nothing but that.
    let nowhere = matches!(found, CredentialsError::CredentialsNotLoaded(_))
        || chain(error).any(|cause| cause.is::<ImdsError>());
    let set = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let credentials = |why: String, hint: &str| Error::Credentials {
        why,
        hint: hint.to_owned(),
    };
    if nowhere {
        return Some(match set("AWS_PROFILE") {
            Some(profile) => credentials(
                format!("no AWS credentials were found in profile {profile:?} (AWS_PROFILE)"),
                "check its name in ~/.aws/config and ~/.aws/credentials, and sign in",
            ),
            None => credentials(
                "no AWS credentials were found".into(),
                "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; in GitHub \
                 Actions give the job `id-token: write` and a role; to try evenkeel without an \
                 account, use --sandbox",
            ),
        });
    }
    if let Some(answer) = chain(found).find_map(|cause| cause.downcast_ref::<ErrorMetadata>()) {
        let code = answer.code().unwrap_or_default();
        let says = answer.message().unwrap_or(code).trim_end_matches('.');
        return Some(if code == "AccessDenied" {
            credentials(
                format!("the role may not be assumed: {says}"),
                "allow sts:AssumeRole for the caller, and in the role's trust policy (there, from \
                 CI, sts:AssumeRoleWithWebIdentity)",
            )
        } else {
            credentials(format!("AWS gave no credentials: {says} ({code})"), SIGN_IN)
        });
    }
    let missing = chain(found)
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::NotFound);
    if let Some(token) = set("AWS_WEB_IDENTITY_TOKEN_FILE").filter(|_| missing) {
        return Some(credentials(
            format!("the token file {token} (AWS_WEB_IDENTITY_TOKEN_FILE) is not there"),
            "let the job write it, or unset AWS_WEB_IDENTITY_TOKEN_FILE",
        ));
    }
    Some(credentials(
        format!("AWS credentials could not be had: {}", innermost(found)),
        SIGN_IN,
    ))
}

const SIGN_IN: &str =
    "sign in again (`aws sso login`), or check the profile, the role and its trust policy";

/// An error, its cause, the cause of that, and so on.
fn chain<'a>(
    error: &'a (dyn StdError + 'static),
) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&cause| cause.source())
}

/// The last cause of a chain: what really happened, without the wrapping.
fn innermost(error: &(dyn StdError + 'static)) -> String {
    let last = chain(error).last().unwrap_or(error);
    // Without the number that Rust puts behind the system's words.
    let text = match last
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::raw_os_error)
    {
        Some(number) => last
            .to_string()
            .replace(&format!(" (os error {number})"), ""),
        None => last.to_string(),
    };
    if text.is_empty() {
        DisplayErrorContext(error).to_string()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_told_apart_by_their_code() {
        let kind = |code, status| from_answer("ecs:UpdateService", code, status, "Because.");
        assert!(matches!(
            kind("AccessDeniedException", 400),
            Error::Denied { .. }
        ));
        assert!(matches!(
            kind("ExpiredTokenException", 400),
            Error::Credentials { .. }
        ));
        assert!(matches!(
            kind("UnrecognizedClientException", 400),
            Error::Credentials { .. }
        ));
        assert!(matches!(
            kind("ThrottlingException", 400),
            Error::Throttled { .. }
        ));
        assert!(matches!(
            kind("ClientException", 429),
            Error::Throttled { .. }
        ));
        assert!(kind("ServerException", 500).may_pass());
        assert!(kind("", 503).may_pass());
        assert!(!kind("ClientException", 400).may_pass());
        let role = "User: u is not authorized to perform: iam:PassRole on resource: r";
        let error = from_answer("ecs:UpdateService", "AccessDeniedException", 400, role);
        assert_eq!(
            error.hint().as_deref(),
            Some("allow iam:PassRole for this role or user")
        );
        assert!(
            error.to_string().starts_with("iam:PassRole is not allowed"),
            "{error}"
        );
        assert!(error.denies("iam:PassRole") && !error.denies("ecs:TagResource"));
        assert_eq!(
            kind("ClientException", 400).to_string(),
            "ecs:UpdateService was refused: Because (ClientException)"
        );
    }
}
