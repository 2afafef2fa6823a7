//! Why an environment could not be loaded.

use std::io;

use super::desired::Location;
use super::mistakes::Mistakes;
use super::plain;
use super::show;

/// Why an environment could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file could be read, but is wrong.
    #[error(transparent)]
    Mistakes(#[from] Mistakes),
    /// The file could not be found or read at all.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

impl LoadError {
    /// The error for a person; ends in a newline.
    pub fn render(&self, styled: bool, width: usize) -> String {
        match self {
            LoadError::Mistakes(mistakes) => mistakes.render(styled, width),
            LoadError::Unreadable(unreadable) => unreadable.render(styled, width.max(40)),
        }
    }

    /// The file, where one could be read.
    pub fn file(&self) -> Option<&str> {
        match self {
            LoadError::Mistakes(mistakes) => Some(mistakes.file()),
            LoadError::Unreadable(_) => None,
        }
    }

    /// Everything that is wrong, for annotations and JSON: where (as far as it
    /// is known), what, and what to do.
    pub fn reports(&self) -> Vec<(Option<Location>, String, Option<String>)> {
        match self {
            LoadError::Mistakes(mistakes) => mistakes
                .iter()
                .map(|(at, message, help)| (Some(at), message.to_owned(), help.map(str::to_owned)))
                .collect(),
            LoadError::Unreadable(unreadable) => {
                vec![(
                    unreadable.at.clone(),
                    unreadable.to_string(),
                    unreadable.help.clone(),
                )]
            }
        }
    }
}

/// A file or folder that could not be found or read.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Unreadable {
    message: String,
    at: Option<Location>,
    help: Option<String>,
}

impl Unreadable {
    /// `what` follows the file's name.
    pub(super) fn new(file: &str, what: &str) -> Self {
        Self::plain(format!("{} {what}", show::whole(file)))
    }

    pub(super) fn plain(message: String) -> Self {
        Self {
            message,
            at: None,
            help: None,
        }
    }

    pub(super) fn io(file: &str, error: &io::Error) -> Self {
        let file = show::whole(file);
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
                Self::plain(format!("there is no file {file}"))
                    .help("check the path; it starts where evenkeel runs")
            }
            _ => Self::plain(format!("cannot read {file}: {}", why(error))),
        }
    }

    #[must_use]
    pub(super) fn at(mut self, at: Location) -> Self {
        self.at = Some(at);
        self
    }

    #[must_use]
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    fn render(&self, styled: bool, width: usize) -> String {
        plain::render(
            &self.message,
            self.at.as_ref(),
            self.help.as_deref(),
            styled,
            width,
        )
    }
}

/// Why the system refused, without its number for that.
pub(super) fn why(error: &io::Error) -> String {
    let text = error.to_string();
    match (text.rfind(" (os error "), error.raw_os_error()) {
        (Some(number), Some(_)) => text[..number].to_owned(),
        _ => text,
    }
}
