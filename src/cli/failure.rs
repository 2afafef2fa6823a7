//! Why a command could not do its work.

use crate::cloud;
use crate::environment::LoadError;
use crate::render::{BAD, HINT, Styled, defuse, paragraph};
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
    #[error("{environment} has no service {name:?}")]
    NoSuchService {
        environment: String,
        name: String,
        there_are: Vec<String>,
    },
    #[error("{0}")]
    Sandbox(#[from] sandbox::Error),
    #[error("{doing}: {source}")]
    Io {
        doing: String,
        source: std::io::Error,
    },
    #[error("{path} is not an image of a private ECR registry: {why}")]
    NotAnImage { path: String, why: String },
    #[error("RUST_LOG cannot be understood: {0}")]
    LogFilter(String),
    #[error("nothing was changed")]
    Declined,
}

impl Failure {
    pub fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    pub fn exit_code(&self) -> u8 {
        exit::ERROR
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Cloud { error, .. } => error.hint(),
            Self::NoSuchService { there_are, .. } => {
                Some(format!("its services: {}", there_are.join(", ")))
            }
            Self::LogFilter(_) => {
                Some("it is a list such as evenkeel=debug,aws_config=info".into())
            }
            Self::Environment(_)
            | Self::Sandbox(_)
            | Self::Io { .. }
            | Self::NotAnImage { .. }
            | Self::Declined => None,
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
            Self::Declined => "nothing was changed\n".into(),
            other => {
                let label = |style, text: &str| Styled(style, text).to_string();
                let mut text = paragraph(0, &label(BAD, "error:"), &defuse(&other.to_string()));
                if let Some(hint) = other.hint() {
                    text += "\n";
                    text += &paragraph(1, &label(HINT, "hint:"), &defuse(&hint));
                }
                text += "\n";
                text
            }
        }
    }
}
