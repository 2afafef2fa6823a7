//! Why a command could not do its work.

use serde_json::{Value, json};

use crate::cloud;
use crate::environment::LoadError;
use crate::plan::NoPlan;
use crate::render::{BAD, HINT, Styled, defuse, error_json, moved_json, paragraph};
use crate::{sandbox, ui};

use super::exit;

#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// One environment file or several; all of their mistakes.
    #[error("the environment files have mistakes")]
    Environment(Vec<LoadError>),
    #[error("{environment}: {error}")]
    Cloud {
        environment: String,
        error: cloud::Error,
    },
    #[error("{file} declares no service {name:?}")]
    NoSuchService {
        file: String,
        name: String,
        there_are: Vec<String>,
    },
    #[error("{service}: {why}")]
    Service {
        service: String,
        why: String,
        hint: Option<String>,
    },
    #[error("{why}")]
    Init { why: String, hint: Option<String> },
    /// Services that no file can be written from: why, and what to do.
    #[error("nothing was written")]
    NotWritten(Vec<(String, Option<String>)>),
    #[error("{file} was changed by somebody else meanwhile; nothing was written")]
    FileChanged { file: String },
    #[error("it is not said which environment {file} is promoted from")]
    NoUpstream { file: String },
    #[error("{environment} cannot be promoted to itself")]
    PromotedToItself { environment: String },
    /// The repository, or the git that looks after it.
    #[error("{why}")]
    Git { why: String, hint: Option<String> },
    #[error("{0}")]
    Sandbox(#[from] sandbox::Error),
    #[error("EVENKEEL_SANDBOX_SPEED is {0:?}, not a number above zero")]
    SandboxSpeed(String),
    #[error("{doing}: {source}")]
    Io {
        doing: String,
        source: std::io::Error,
    },
    #[error("{image:?} is not an image of a private ECR registry: {why}")]
    NotAnImage { image: String, why: String },
    #[error("RUST_LOG cannot be understood: {0}")]
    LogFilter(String),
    #[error("{file} cannot be carried out: {why}")]
    NoPlan { file: String, why: NoPlan },
    /// What was planned or approved is not what would be done now.
    #[error("{what}")]
    Moved {
        what: String,
        /// Sentences.
        differences: Vec<String>,
        hint: String,
    },
    #[error("{0}")]
    Usage(String),
    #[error("nothing was changed")]
    Declined,
    #[error("interrupted; nothing was changed")]
    Interrupted,
}

impl Failure {
    pub fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Interrupted => exit::INTERRUPTED,
            Self::Moved { .. } => exit::STALE,
            Self::Usage(_) => exit::USAGE,
            _ => exit::ERROR,
        }
    }

    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Cloud { error, .. } => error.hint(),
            Self::NoSuchService { there_are, .. } => {
                Some(format!("its services: {}", there_are.join(", ")))
            }
            Self::Service { hint, .. } | Self::Git { hint, .. } | Self::Init { hint, .. } => {
                hint.clone()
            }
            Self::NoUpstream { .. } => Some(
                "name it with --from, or declare it: [promotion] and under it from = \"staging\""
                    .into(),
            ),
            Self::FileChanged { .. } => Some("look at it, and run this again".into()),
            Self::LogFilter(_) => {
                Some("it is a list such as evenkeel=debug,aws_config=info".into())
            }
            Self::SandboxSpeed(_) => Some("2 lets the sandbox run twice as fast".into()),
            Self::NotAnImage { .. } => {
                Some("write ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG".into())
            }
            Self::NoPlan { why, .. } => Some(
                match why {
                    NoPlan::OtherVersion { .. } => "use that version, or plan anew with this one",
                    _ => "`evenkeel plan ENV --out FILE` saves a plan",
                }
                .into(),
            ),
            Self::Moved { hint, .. } => Some(hint.clone()),
            Self::Usage(_) => Some("for more information, try --help".into()),
            Self::Environment(_)
            | Self::PromotedToItself { .. }
            | Self::NotWritten(_)
            | Self::Sandbox(_)
            | Self::Io { .. }
            | Self::Declined
            | Self::Interrupted => None,
        }
    }

    /// What to print on stderr.
    pub fn text(&self) -> String {
        match self {
            Self::Environment(errors) => errors
                .iter()
                .map(|error| error.render(ui::styled_messages(), ui::width()))
                .collect::<Vec<_>>()
                .join("\n"),
            Self::NotWritten(services) => services
                .iter()
                .map(|(why, hint)| message(why, hint.as_deref()))
                .collect::<Vec<_>>()
                .join("\n"),
            Self::Declined | Self::Interrupted => format!("{self}\n"),
            Self::Moved {
                what,
                differences,
                hint,
            } => listing(what, differences, Some(hint)),
            other => message(&other.to_string(), other.hint().as_deref()),
        }
    }

    /// The same on one line, for `--format json`.
    pub fn json(&self) -> String {
        if let Self::Moved {
            what,
            differences,
            hint,
        } = self
        {
            return moved_json(what, hint, differences, self.exit_code());
        }
        let mistakes: Vec<Value> = match self {
            Self::Environment(errors) => errors
                .iter()
                .flat_map(LoadError::reports)
                .map(|(at, message, hint)| {
                    let at = at.map(|at| at.to_string());
                    json!({ "at": at, "message": message, "hint": hint })
                })
                .collect(),
            Self::NotWritten(services) => services
                .iter()
                .map(|(why, hint)| json!({ "at": null, "message": why, "hint": hint }))
                .collect(),
            _ => Vec::new(),
        };
        error_json(
            &self.to_string(),
            self.hint().as_deref(),
            &mistakes,
            self.exit_code(),
        )
    }
}

/// An error with its hint, wrapped.
pub fn message(error: &str, hint: Option<&str>) -> String {
    listing(error, &[], hint)
}

/// The same with a list between the two.
fn listing(error: &str, items: &[String], hint: Option<&str>) -> String {
    let label = |style, text: &str| Styled(style, text).to_string();
    let mut text = paragraph(0, &label(BAD, "error:"), &defuse(error));
    for item in items {
        text += "\n";
        text += &paragraph(5, "-", item);
    }
    if let Some(hint) = hint {
        text += "\n";
        text += &paragraph(1, &label(HINT, "hint:"), &defuse(hint));
    }
    text + "\n"
}
