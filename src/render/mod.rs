//! Plans, events and reports as text, JSON and Markdown.
//!
//! Pure: everything returns a `String`; text carries ANSI styles, which the
//! streams of [`crate::ui`] take out where nobody sees them. Nothing here is
//! needed to understand the output but the words.

mod block;
mod check;
mod comment;
mod edit;
mod fields;
mod history;
mod image;
mod init;
mod json;
mod lines;
mod markdown;
mod not_ready;
mod outcome;
mod pause;
mod plan;
mod progress;
mod promotion;
mod pull_request;
mod reconciled;
mod rows;
mod stale;
mod status;
mod style;
mod words;
mod workflow;

pub use block::{block_at, block_error};
pub use check::{Checked, absent_error, checked_json, checked_text, unknown_text};
pub use comment::{Reviewed, plans_markdown};
pub use edit::{edits_json, edits_text};
pub use history::{history_json, history_text};
pub use init::{Planned, init_json, init_text, left_out_text, not_adopted_error};
pub use json::{
    blocked_json, error_json, event_json, moved_json, planned_json, plans_json, report_json,
};
pub use markdown::{code, fenced};
pub use not_ready::not_ready_error;
pub use outcome::{ended_badly, report_text};
pub use plan::{Detail, hash_text, plan_text};
pub use progress::{adopted_or_started, before, event_line, paused, stage_line, tags_amiss};
pub use promotion::{Proposal, outcome_name, promotion_json, promotion_text, why_not_ready};
pub use pull_request::{PullRequest, cut, pull_request};
pub use reconciled::{reconciled_json, reconciled_markdown, reconciled_text};
pub use stale::moved_text;
pub use status::{problem_error, status_text, statuses_json};
pub use style::{BAD, BOLD, DIM, GOOD, HINT, Styled};
pub use words::{defuse, duration, paragraph, tasks};
pub use workflow::{END_OF_GROUP, annotation, group, harmless, output};
