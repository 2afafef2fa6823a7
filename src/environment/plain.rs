//! An error that has no line to show: what is wrong, where, and what to do, in
//! plain lines.

use annotate_snippets::renderer::DEFAULT_HELP_STYLE;
use annotate_snippets::{Group, Level, Renderer};

use super::desired::Location;
use super::show;

/// The label of what to do; the same in excerpts.
pub(super) const HINT: &str = "hint";

/// The labels `error: ` and ` hint: ` are equally wide; text goes on below text.
const LABEL: usize = " hint: ".len();

/// `width` must be wider than the labels. Ends in a newline.
pub(super) fn render(
    message: &str,
    at: Option<&Location>,
    hint: Option<&str>,
    styled: bool,
    width: usize,
) -> String {
    let renderer = if styled {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let folded = |text: &str| show::fold(text, width.saturating_sub(LABEL));
    // A title alone is drawn without any frame, in the style of all titles.
    let title = Level::ERROR.primary_title(folded(message));
    let mut text = renderer.render(&[Group::with_title(title)]);
    if let Some(at) = at {
        let file = show::whole(&at.file);
        text += &format!("\n --> {file}:{}:{}", at.line, at.column);
    }
    if let Some(hint) = hint {
        let label = if styled {
            format!("{DEFAULT_HELP_STYLE}{HINT}{DEFAULT_HELP_STYLE:#}")
        } else {
            HINT.to_owned()
        };
        let under = format!("\n{:LABEL$}", "");
        text += &format!("\n {label}: {}", folded(hint).replace('\n', &under));
    }
    show::trimmed(&text)
}
