//! The mistakes of one file: collected, then shown all at once.

use std::fmt;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer};

use super::desired::Location;
use super::excerpt::{self, Mark};
use super::plain::{self, HINT};
use super::show;
use super::source::Source;

/// How many mistakes are shown in full. More than a screen or two is not read;
/// most of hundreds come from one cause.
const SHOWN: usize = 20;

/// One mistake: what is wrong, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) span: Range<usize>,
    message: String,
    help: Option<String>,
    also: Option<(Range<usize>, &'static str)>,
    hidden: bool,
}

impl Mistake {
    pub(super) fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self {
            span,
            message: message.into(),
            help: None,
            also: None,
            hidden: false,
        }
    }

    #[must_use]
    pub(super) fn help(mut self, help: impl Into<Option<String>>) -> Self {
        self.help = help.into();
        self
    }

    /// Its line is never shown: it holds a secret, and what is shown may end up
    /// in a log that more people can read than the file.
    #[must_use]
    pub(super) fn hidden(mut self) -> Self {
        self.hidden = true;
        self
    }

    /// Another place that belongs to the mistake, with a few words about it.
    #[must_use]
    pub(super) fn also(mut self, span: Range<usize>, label: &'static str) -> Self {
        self.also = Some((span, label));
        self
    }
}

/// Every mistake of one file, in the file's order. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes {
    source: Source,
    list: Vec<Mistake>,
}

impl Mistakes {
    pub(super) fn new(source: Source, mut list: Vec<Mistake>) -> Self {
        list.sort_by_key(|mistake| mistake.span.start);
        Self { source, list }
    }

    /// The file, as it was named by the caller.
    pub fn file(&self) -> &str {
        &self.source.file
    }

    pub fn count(&self) -> usize {
        self.list.len()
    }

    /// Where each mistake is, what it is, and what to do about it. Control
    /// characters of the file are already made harmless.
    pub fn iter(&self) -> impl Iterator<Item = (Location, &str, Option<&str>)> {
        self.list.iter().map(|m| {
            (
                self.source.location(m.span.start),
                m.message.as_str(),
                m.help.as_deref(),
            )
        })
    }

    /// The mistakes for a person, each with the offending line; ends in a
    /// newline. At most the first twenty are shown, the rest counted.
    pub fn render(&self, styled: bool, width: usize) -> String {
        // Below 40 columns nothing useful can be shown; let the terminal wrap.
        let width = width.max(40);
        let renderer = if styled {
            Renderer::styled()
        } else {
            Renderer::plain()
        }
        .term_width(width);
        let mut shown: Vec<String> = self
            .list
            .iter()
            .take(SHOWN)
            .map(|mistake| {
                if self.source.text.trim().is_empty() || self.is_hidden(mistake) {
                    // There is no line to show, or none that may be shown.
                    let at = self.source.location(mistake.span.start);
                    let hint = mistake.help.as_deref();
                    return plain::render(&mistake.message, Some(&at), hint, styled, width);
                }
                show::trimmed(&renderer.render(&[self.group(mistake, width)]))
            })
            .collect();
        if self.list.len() > SHOWN {
            let file = show::whole(&self.source.file);
            shown.push(format!(
                "… and {} more in {file}\n",
                self.list.len() - SHOWN
            ));
        }
        shown.join("\n")
    }

    /// Whether a line of this mistake, or one between its two places, has one
    /// that is hidden.
    fn is_hidden(&self, mistake: &Mistake) -> bool {
        let line = |span: &Range<usize>| self.source.line_of(span.start);
        let own = line(&mistake.span);
        let other = mistake.also.as_ref().map_or(own, |(span, _)| line(span));
        let lines = own.min(other)..=own.max(other);
        self.list
            .iter()
            .filter(|other| other.hidden)
            .any(|hidden| lines.contains(&line(&hidden.span)))
    }

    fn group<'a>(&'a self, mistake: &'a Mistake, width: usize) -> Group<'a> {
        let title = show::fold(&mistake.message, width - "error: ".len());
        let mut marks = vec![Mark {
            span: mistake.span.clone(),
            kind: AnnotationKind::Primary,
            label: None,
        }];
        if let Some((span, label)) = &mistake.also {
            marks.push(Mark {
                span: span.clone(),
                kind: AnnotationKind::Context,
                label: Some(label),
            });
        }
        let group = excerpt::add(
            Group::with_title(Level::ERROR.primary_title(title)),
            &self.source,
            marks,
            width,
        );
        let lowest = mistake
            .also
            .iter()
            .map(|(span, _)| span.start)
            .fold(mistake.span.start, usize::max);
        let indent = self.source.line_of(lowest).to_string().len() + "  = hint: ".len();
        match &mistake.help {
            Some(help) => group.element(
                Level::HELP
                    .with_name(HINT)
                    .message(show::fold(help, width - indent)),
            ),
            None => group,
        }
    }
}

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = show::whole(&self.source.file);
        match self.list.len() {
            1 => write!(f, "{file} has a mistake"),
            many => write!(f, "{file} has {many} mistakes"),
        }
    }
}

impl std::error::Error for Mistakes {}
