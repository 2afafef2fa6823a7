//! Plans, events and reports as text, JSON and Markdown.
//!
//! Pure: everything returns a `String`; text carries ANSI styles, which the
//! streams of [`crate::ui`] take out where nobody sees them. Nothing here is
//! needed to understand the output but the words.

mod block;
mod edit;
mod fields;
mod history;
mod image;
mod json;
mod lines;
mod outcome;
mod pause;
mod plan;
mod progress;
mod reconciled;
mod status;
mod style;
mod words;

pub use block::block_error;
pub use edit::{edits_json, edits_text};
pub use history::{history_json, history_text};
pub use json::{blocked_json, error_json, event_json, planned_json, plans_json, report_json};
pub use outcome::report_text;
pub use plan::{Detail, plan_text};
pub use progress::{adopted_or_started, before, event_line, paused, stage_line, tags_amiss};
pub use reconciled::{reconciled_json, reconciled_markdown, reconciled_text};
pub use status::{problem_error, status_text, statuses_json};
pub use style::{BAD, BOLD, DIM, GOOD, HINT, Styled};
pub use words::{defuse, duration, paragraph, tasks};
