//! What is promoted, or why nothing is, as text and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::edit::{edits_text, image_json};
use super::image::Shown;
use super::json::{FORMAT_VERSION, plan as plan_json};
use super::not_ready::said;
use super::pull_request::PullRequest;
use super::style::{BAD, BOLD, BUSY, Styled};
use super::words::{duration, list, paragraph, time};
use crate::event::rfc3339;
use crate::plan::Plan;
use crate::promote::{LeftOut, NotReady, Outcome, Promotion, Remedy, Running, Service, State, Why};

/// Each service with what became of it, ending in a line that counts.
pub fn promotion_text(promotion: &Promotion) -> String {
    let mut text = format!(
        "{} → {}\n\n",
        Styled(BOLD, &promotion.from),
        Styled(BOLD, &promotion.to)
    );
    for service in &promotion.services {
        service_text(&mut text, service, promotion);
    }
    for left in &promotion.left_out {
        let line = format!("{}, {}", left.service, why_left_out(left, promotion));
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(text, "{}", paragraph(0, "- left out:", &line));
    }
    let _ = writeln!(text, "\n{}", count_text(promotion));
    text
}

fn service_text(text: &mut String, service: &Service, promotion: &Promotion) {
    match &service.state {
        State::Ready | State::Same => *text += &edits_text(&service.edits),
        State::NotReady(why) => {
            let said = said(why);
            let mark = match why.remedy() {
                Remedy::Wait => Styled(BUSY, "…"),
                Remedy::Mend | Remedy::Provide => Styled(BAD, "✗"),
            };
            let label = format!("{mark} {}   not ready:", service.name);
            let _ = writeln!(text, "{}", paragraph(0, &label, &said.says));
            if let Some(at) = &said.at {
                let _ = writeln!(text, "{}", paragraph(4, "at   ", at));
            }
            if let Some(hint) = &said.hint {
                let _ = writeln!(text, "{}", paragraph(4, "hint ", hint));
            }
        }
    }
    if let (State::Ready | State::NotReady(_), Some(running)) = (&service.state, &service.running) {
        let line = format!("{}: {}", promotion.from, origin(running));
        let _ = writeln!(text, "{}", paragraph(4, "", &line));
        for note in notes(service, promotion) {
            let _ = writeln!(text, "{}", paragraph(4, "note ", &note));
        }
    }
}

/// What is worth knowing, and changes nothing.
pub(super) fn notes(service: &Service, promotion: &Promotion) -> Vec<String> {
    let declared = service.declared_otherwise.iter();
    declared
        .map(|image| {
            let version = Shown::of(image).version(0);
            format!(
                "{} declares {version}, which does not run there",
                promotion.from
            )
        })
        .collect()
}

/// Which revision that is, from where and since when.
fn origin(running: &Running) -> String {
    let mut parts = vec![format!("revision {}", running.revision.revision())];
    if let Some(commit) = &running.commit {
        parts.push(format!("commit {}", commit.short()));
    }
    let versions: Vec<String> = running
        .images
        .iter()
        .map(|image| Shown::live(&image.image, image.running.as_ref()).version(0))
        .collect();
    match &running.healthy {
        Ok(soak) => parts.push(format!(
            "runs since {}, for {}",
            time(soak.since),
            duration(soak.so_far)
        )),
        // What moves shows its versions already.
        Err(_) => parts.push(list(&versions, 4)),
    }
    parts.join(", ")
}

fn why_left_out(left: &LeftOut, promotion: &Promotion) -> String {
    match left.why {
        Why::OnlyThere => format!("which only {} has", promotion.from),
        Why::OnlyHere => format!("which {} does not have", promotion.from),
        Why::NoImageThere => format!("of which {} declares no image", promotion.from),
    }
}

fn count_text(promotion: &Promotion) -> String {
    let of = |wanted: &[&str]| {
        let services = promotion.services.iter();
        services
            .filter(|service| wanted.contains(&state_name(&service.state)))
            .count()
    };
    let (ready, not_ready, same) = (of(&["ready"]), of(&["not-ready"]), of(&["same"]));
    let more = |count: usize, what: &str| match count {
        0 => String::new(),
        count => format!(", {count} {what}"),
    };
    match promotion.outcome() {
        Outcome::Promoted => format!("{ready} promoted{}.", more(same, "the same")),
        Outcome::Nothing => format!(
            "Nothing to promote: {} declares what runs in {}.",
            promotion.to, promotion.from
        ),
        Outcome::NotReady(_) => format!(
            "Nothing was promoted: {not_ready} not ready{}{}.",
            more(ready, "ready"),
            more(same, "the same")
        ),
    }
}

fn state_name(state: &State) -> &'static str {
    match state {
        State::Same => "same",
        State::Ready => "ready",
        State::NotReady(_) => "not-ready",
    }
}

/// One word for what came of it, for programs.
pub fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Promoted => "promoted",
        Outcome::Nothing => "nothing",
        Outcome::NotReady(_) => "not-ready",
    }
}

/// Why it is not ready, a line for each such service.
pub fn why_not_ready(promotion: &Promotion) -> Vec<String> {
    promotion
        .services
        .iter()
        .filter_map(|service| match &service.state {
            State::NotReady(why) => Some(format!("{}: {}", service.name, said(why).says)),
            State::Same | State::Ready => None,
        })
        .collect()
}

/// What came of a promotion for which everything is ready.
#[derive(Debug, Clone)]
pub struct Proposal {
    pub plan: Plan,
    pub request: PullRequest,
    /// The branch that it is for.
    pub branch: String,
    /// The commit that was made on it.
    pub commit: Option<String>,
    /// Such a branch has the very same file already, so nothing was written.
    pub was_there: bool,
}

/// The same on one line, for programs.
pub fn promotion_json(promotion: &Promotion, proposal: Option<&Proposal>, exit_code: u8) -> String {
    let was_there = proposal.is_some_and(|proposal| proposal.was_there);
    let outcome = if was_there {
        "proposed"
    } else {
        outcome_name(promotion.outcome())
    };
    let line = json!({
        "format_version": FORMAT_VERSION,
        "environment": promotion.to,
        "event": "promotion",
        "from": promotion.from,
        "outcome": outcome,
        "file": promotion.file,
        "written": proposal.is_some() && !was_there,
        "soak_seconds": promotion.soak.as_secs(),
        "services": promotion.services.iter().map(|service| service_json(service, promotion)).collect::<Vec<_>>(),
        "left_out": promotion.left_out.iter().map(|left| json!({
            "service": left.service,
            "reason": match left.why {
                Why::OnlyThere => "only-there",
                Why::OnlyHere => "only-here",
                Why::NoImageThere => "no-image-there",
            },
        })).collect::<Vec<_>>(),
        "commit": proposal.and_then(|proposal| proposal.commit.as_ref()),
        "pull_request": proposal.map(|proposal| json!({
            "title": proposal.request.title,
            "branch": proposal.branch,
            "body": proposal.request.body,
        })),
        "plan": proposal.map(|proposal| plan_json(&proposal.plan)),
        "exit_code": exit_code,
    });
    format!("{line}\n")
}

fn service_json(service: &Service, promotion: &Promotion) -> Value {
    let said = match &service.state {
        State::NotReady(why) => Some(said(why)),
        State::Same | State::Ready => None,
    };
    let running = service.running.as_ref();
    let soak = running.and_then(|running| running.healthy.as_ref().ok());
    json!({
        "service": service.name,
        "state": state_name(&service.state),
        "reason": said.as_ref().map(|said| said.name),
        "message": said.as_ref().map(|said| &said.says),
        "at": said.as_ref().and_then(|said| said.at.as_ref()),
        "hint": said.as_ref().and_then(|said| said.hint.as_ref()),
        "soak_left_seconds": match &service.state {
            State::NotReady(NotReady::Soaking { left, .. }) => Some(left.as_secs()),
            _ => None,
        },
        "revision": running.map(|running| &running.revision),
        "commit": running.and_then(|running| running.commit.as_ref()),
        "since": soak.and_then(|soak| rfc3339(soak.since)),
        "changes": service.edits.iter().map(image_json).collect::<Vec<_>>(),
        "notes": notes(service, promotion),
    })
}
