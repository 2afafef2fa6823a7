//! What a run tells GitHub Actions: annotations at the lines of the environment
//! files, the step's summary and outputs, and groups in its log.
//!
//! Only where the runner says that it is there. Nothing here changes what a
//! command does or how it ends.

use std::collections::hash_map::RandomState;
use std::fs::OpenOptions;
use std::hash::{BuildHasher as _, Hasher as _};
use std::io::Write as _;
use std::path::Path;

use serde_json::{Map, Value};

use crate::environment::{Desired, LoadError, Location};
use crate::event::Report;
use crate::plan::{Plan, Verdict};
use crate::promote::{Promotion, Remedy, State};
use crate::render::{
    Detail, END_OF_GROUP, Proposal, annotation, block_at, block_error, code, cut, ended_badly,
    fenced, group as group_command, not_ready_error, outcome_name, output, plan_text, plans_json,
    promotion_text, report_text,
};
use crate::ui;

use super::failure::Failure;

/// GitHub shows ten errors of a step, and drops the rest.
const ANNOTATIONS: usize = 10;
/// The runner takes 1 MiB for all summaries of a step.
const LONGEST_SUMMARY: usize = 200_000;

/// A group in the log, which ends with it.
pub(super) struct Group(());

impl Group {
    pub fn begin(title: &str) -> Option<Self> {
        ui::in_github_actions().then(|| {
            command(&group_command(title));
            Self(())
        })
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        command(END_OF_GROUP);
    }
}

/// What went wrong, at the lines where it did.
pub(super) fn failed(failure: &Failure) {
    if !ui::in_github_actions() {
        return;
    }
    match failure {
        Failure::Environment(errors) => {
            let reports = errors.iter().flat_map(LoadError::reports);
            for (at, message, hint) in reports.take(ANNOTATIONS) {
                annotate(at.as_ref(), "evenkeel", &message, hint.as_deref());
            }
        }
        Failure::Moved {
            what,
            differences,
            hint,
        } => {
            let message = [std::slice::from_ref(what), differences]
                .concat()
                .join("\n");
            annotate(None, "evenkeel", &message, Some(hint));
        }
        other => {
            let (message, hint) = (other.to_string(), other.hint());
            annotate(None, "evenkeel", &message, hint.as_deref());
        }
    }
    summarise("evenkeel could not do its work", &failure.text());
}

/// What a plan says of services that nothing can be done for.
pub(super) fn blocked(desired: &Desired, plan: &Plan) {
    if !ui::in_github_actions() {
        return;
    }
    let mut shown = 0;
    for service in plan.services() {
        let declared = desired.services.iter().find(|one| one.name == service.name);
        let at = declared.map(|declared| &declared.at);
        let title = format!("{}: {}", plan.environment(), service.name);
        match &service.verdict {
            Verdict::Blocked(blocks) => {
                for block in blocks.iter().take(ANNOTATIONS - shown.min(ANNOTATIONS)) {
                    let (message, hint) = block_error(block);
                    let at = block_at(block).or(at);
                    annotate(at, &title, &message, hint.as_deref());
                    shown += 1;
                }
            }
            Verdict::FailedBefore(_) if shown < ANNOTATIONS => {
                let message = "what is declared failed before, and is not tried again";
                let hint = "declare something else, or apply with --retry";
                annotate(at, &title, message, Some(hint));
                shown += 1;
            }
            _ => {}
        }
    }
}

/// What plans tell the steps after this one. `saved` is where they were written
/// for `apply --plan`: the one place where `plan-path` comes from.
pub(super) fn planned(plans: &[Plan], saved: Option<&Path>) {
    if !ui::in_github_actions() {
        return;
    }
    for plan in plans {
        let text = plan_text(plan, Detail::default());
        summarise(&format!("Plan: {}", plan.environment()), &text);
    }
    let documents = serde_json::from_str(&plans_json(plans)).unwrap_or_default();
    let mut outputs = of_plans(&documents);
    if let Some(saved) = saved {
        outputs.push(("plan-path", saved.display().to_string()));
    }
    tell(&outputs);
}

/// The outputs of plans, from their JSON: how many services differ, each one's
/// verdict, and the plan's hash. Of several plans the hashes are a JSON object.
fn of_plans(documents: &Value) -> Vec<(&'static str, String)> {
    let environments = || documents["environments"].as_array().into_iter().flatten();
    let count = |name: &str| -> u64 {
        let counts = environments().filter_map(|plan| plan["counts"][name].as_u64());
        counts.sum()
    };
    let by_name = |of: &dyn Fn(&Value) -> Value| -> Map<String, Value> {
        environments()
            .filter_map(|plan| Some((plan["environment"].as_str()?.to_owned(), of(plan))))
            .collect()
    };
    let verdicts = by_name(&|plan| {
        let services = plan["services"].as_array().into_iter().flatten();
        services
            .filter_map(|one| Some((one["name"].as_str()?.to_owned(), one["verdict"].clone())))
            .collect()
    });
    let mut outputs = vec![
        ("changes", (count("change") + count("restart")).to_string()),
        ("verdicts", Value::from(verdicts).to_string()),
    ];
    let hashes = by_name(&|plan| plan["hash"].clone());
    let known: Vec<&str> = hashes.values().filter_map(Value::as_str).collect();
    match known[..] {
        [] => {}
        [only] if hashes.len() == 1 => outputs.push(("plan-hash", only.to_owned())),
        _ => outputs.push(("plan-hash", Value::from(hashes).to_string())),
    }
    outputs
}

/// How the services of one environment ended.
pub(super) fn ended(desired: &Desired, report: &Report) {
    if !ui::in_github_actions() {
        return;
    }
    let bad = report.services.iter().filter_map(|ended| {
        let (message, hint) = ended_badly(ended)?;
        Some((&ended.service, message, hint))
    });
    for (service, message, hint) in bad.take(ANNOTATIONS) {
        let declared = desired.services.iter().find(|one| one.name == *service);
        let at = declared.map(|declared| &declared.at);
        let title = format!("{}: {service}", desired.environment);
        annotate(at, &title, &message, hint.as_deref());
    }
    let text = report_text(&desired.environment, false, report);
    summarise(&format!("Rollout: {}", desired.environment), &text);
}

/// The outcome of every service of every environment so far. Said again, an
/// output is what was said last.
pub(super) fn outcomes(reports: &[(&str, Report)]) {
    if !ui::in_github_actions() {
        return;
    }
    let outcomes: Map<String, Value> = reports
        .iter()
        .map(|(environment, report)| {
            let services: Map<String, Value> = report
                .services
                .iter()
                .map(|ended| {
                    let outcome = serde_json::to_value(&ended.outcome).unwrap_or_default();
                    (ended.service.clone(), outcome["outcome"].clone())
                })
                .collect();
            ((*environment).to_owned(), services.into())
        })
        .collect();
    tell(&[("outcomes", Value::from(outcomes).to_string())]);
}

/// What a promotion tells the steps that open a pull request.
pub(super) fn promoted(
    to: &Desired,
    promotion: &Promotion,
    proposal: Option<&Proposal>,
    body: Option<&Path>,
) {
    if !ui::in_github_actions() {
        return;
    }
    for service in &promotion.services {
        // What comes right by itself is no error.
        let State::NotReady(why) = &service.state else {
            continue;
        };
        if why.remedy() == Remedy::Wait {
            continue;
        }
        let declared = to.services.iter().find(|one| one.name == service.name);
        let (message, hint) = not_ready_error(why);
        let title = format!("{}: {} is not ready", promotion.to, service.name);
        let at = declared.map(|declared| &declared.at);
        annotate(at, &title, &message, hint.as_deref());
    }
    let mut outputs = vec![("changes", promotion.edits().count().to_string())];
    match proposal {
        Some(proposal) => {
            let outcome = if proposal.was_there {
                "proposed"
            } else {
                "promoted"
            };
            outputs.extend([
                ("outcome", outcome.to_owned()),
                ("title", proposal.request.title.clone()),
                ("branch", proposal.branch.clone()),
            ]);
            outputs.extend(proposal.commit.clone().map(|commit| ("commit", commit)));
            outputs.extend(body.map(|body| ("body-file", body.display().to_string())));
            add_to_summary(&format!(
                "### {}\n\n{}\n",
                code(&proposal.request.title),
                proposal.request.body
            ));
        }
        None => {
            outputs.push(("outcome", outcome_name(promotion.outcome()).to_owned()));
            let title = format!("Promote: {} to {}", promotion.from, promotion.to);
            summarise(&title, &promotion_text(promotion));
        }
    }
    tell(&outputs);
}

fn annotate(at: Option<&Location>, title: &str, message: &str, hint: Option<&str>) {
    let at = at.map(in_workspace);
    let message = match hint {
        Some(hint) => format!("{message}\n{hint}"),
        None => message.to_owned(),
    };
    command(&annotation(at.as_ref(), title, &message));
}

/// The file as GitHub knows it: from the top of the repository.
fn in_workspace(at: &Location) -> Location {
    let below = || {
        let workspace = std::env::var_os("GITHUB_WORKSPACE")?;
        let workspace = Path::new(&workspace).canonicalize().ok()?;
        let file = Path::new(&at.file).canonicalize().ok()?;
        Some(file.strip_prefix(workspace).ok()?.to_str()?.to_owned())
    };
    Location {
        file: below().unwrap_or_else(|| at.file.clone()),
        ..at.clone()
    }
}

/// stdout is the result, so commands go to the other stream; the runner reads
/// both.
fn command(text: &str) {
    // A runner that does not listen misses an annotation, and nothing else.
    let _ = ui::command(text);
}

/// A section of the step's summary, with the text as it is.
fn summarise(title: &str, text: &str) {
    let text = anstream::adapter::strip_str(text).to_string();
    let text = cut(&text, LONGEST_SUMMARY);
    let title = code(title);
    add_to_summary(&format!("### {title}\n\n{}\n", fenced(&text)));
}

fn add_to_summary(markdown: &str) {
    append("GITHUB_STEP_SUMMARY", markdown);
}

fn tell(outputs: &[(&str, String)]) {
    let blocks = outputs
        .iter()
        .filter_map(|(name, value)| output(name, value, &delimiter()));
    append("GITHUB_OUTPUT", &blocks.collect::<String>());
}

/// Nobody who chooses a value can know this: each hasher is seeded by the
/// operating system's randomness.
fn delimiter() -> String {
    let draw = || RandomState::new().build_hasher().finish();
    format!("evenkeel-{:016x}{:016x}", draw(), draw())
}

/// Appends to a file that the runner names. One that it does not name, it does
/// not want.
fn append(variable: &str, text: &str) {
    let Some(file) = std::env::var_os(variable).filter(|file| !file.is_empty()) else {
        return;
    };
    let opened = OpenOptions::new().create(true).append(true).open(&file);
    if let Err(error) = opened.and_then(|mut file| file.write_all(text.as_bytes())) {
        // What the command did is done all the same.
        let _ = ui::message(&format!(
            "warning: {variable} could not be written: {error}\n"
        ));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn plans(hashes: &[Option<&str>]) -> Value {
        let environments: Vec<Value> = hashes
            .iter()
            .enumerate()
            .map(|(index, hash)| {
                json!({
                    "environment": format!("e{index}"),
                    "hash": hash,
                    "services": [
                        {"name": "api", "verdict": "change"},
                        {"name": "web", "verdict": "in-sync"},
                    ],
                    "counts": {"change": 1, "restart": 2},
                })
            })
            .collect();
        json!({ "environments": environments })
    }

    fn told(hashes: &[Option<&str>], name: &str) -> Option<String> {
        let outputs = of_plans(&plans(hashes));
        let found = outputs.into_iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value)
    }

    #[test]
    fn the_outputs_of_plans() {
        assert_eq!(told(&[None], "changes").as_deref(), Some("3"));
        assert_eq!(told(&[None, None], "changes").as_deref(), Some("6"));
        assert_eq!(
            told(&[None], "verdicts").as_deref(),
            Some(r#"{"e0":{"api":"change","web":"in-sync"}}"#)
        );
        assert_eq!(told(&[None], "plan-hash"), None);
        assert_eq!(told(&[Some("3f2a")], "plan-hash").as_deref(), Some("3f2a"));
        assert_eq!(
            told(&[Some("3f2a"), None], "plan-hash").as_deref(),
            Some(r#"{"e0":"3f2a","e1":null}"#)
        );
    }

    #[test]
    fn delimiters_differ() {
        assert_ne!(delimiter(), delimiter());
        assert_eq!(delimiter().len(), "evenkeel-".len() + 32);
    }
}
