//! What runs, as text for 80 columns and as JSON.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::image::{Shown, images_json, images_text};
use super::json::FORMAT_VERSION;
use super::lines::{Columns, title};
use super::style::{BAD, BUSY, CHANGE, GOOD, Styled};
use super::words::{defuse, paragraph, tasks, time};
use crate::live::{Deployed, Image, Phase, Problem, Running, Service, Status};
use crate::observed::Unreadable;

/// One block for each service, ending in a line that counts.
pub fn status_text(status: &Status) -> String {
    let mut text = title(
        &status.environment,
        &status.cluster,
        &status.region,
        &status.account,
    );
    text.push('\n');
    let services = status.services.iter();
    let columns = Columns::of(
        services.map(|service| (service.name.as_str(), &service.key)),
        &status.cluster,
    );
    for service in &status.services {
        service_text(&mut text, service, &columns);
    }
    text.push('\n');
    text += &count_text(status);
    text
}

fn service_text(text: &mut String, service: &Service, columns: &Columns) {
    let mut row = |mark, says: &str| *text += &columns.row(mark, &service.name, &service.key, says);
    let running = match &service.state {
        Ok(running) => running,
        Err(problem) => {
            row(Styled(BAD, "✗"), problem_name(problem).1);
            problem_text(text, problem);
            return;
        }
    };
    let (mark, says) = headline(running);
    row(mark, &says);
    deployed_text(text, &running.primary);
    if let Phase::Failed { reason: Some(why) } = &running.phase {
        line(text, "reason ", &defuse(why));
    }
    for other in &running.beside {
        let number = other.revision.revision();
        let says = format!(
            "revision {number}, {}{}",
            count(other),
            match &other.details {
                Ok(details) => format!(": {}", versions(&details.images)),
                Err(_) => String::new(),
            }
        );
        line(text, "beside ", &says);
        if let Err(why) = &other.details {
            gap(text, &format!("revision {number}"), why);
        }
    }
}

fn headline(running: &Running) -> (Styled<&'static str>, String) {
    let primary = &running.primary;
    let number = primary.revision.revision();
    let count = count(primary);
    match &running.phase {
        Phase::Complete if primary.running < primary.desired => (
            Styled(CHANGE, "!"),
            format!("revision {number}, only {count}"),
        ),
        Phase::Complete => (Styled(GOOD, "✓"), format!("revision {number}, {count}")),
        Phase::GoesOn => (
            Styled(BUSY, "…"),
            format!("revision {number} is rolling out, {count}"),
        ),
        Phase::GoesBack => (
            Styled(BUSY, "…"),
            format!("going back to revision {number}, {count}"),
        ),
        Phase::Failed { .. } => (
            Styled(BAD, "✗"),
            format!("the rollout of revision {number} failed, {count}"),
        ),
    }
}

fn count(deployed: &Deployed) -> String {
    // What is left of an old deployment may be more than is still wanted.
    if deployed.running > deployed.desired {
        let plural = if deployed.running == 1 { "" } else { "s" };
        return format!("{} task{plural}", deployed.running);
    }
    tasks(deployed.running, deployed.desired)
}

fn deployed_text(text: &mut String, deployed: &Deployed) {
    let details = match &deployed.details {
        Ok(details) => details,
        Err(why) => {
            gap(
                text,
                &format!("revision {}", deployed.revision.revision()),
                why,
            );
            since(text, deployed, None);
            return;
        }
    };
    images_text(text, &details.images);
    let commit = details.commit.as_ref().map(|commit| commit.short());
    since(text, deployed, commit);
    if let Some(why) = &details.gap {
        gap(text, "the digests that run", why);
    }
}

fn since(text: &mut String, deployed: &Deployed, commit: Option<&str>) {
    let parts: Vec<String> = [
        deployed.since.map(|at| format!("since {}", time(at))),
        commit.map(|commit| format!("commit {commit}")),
    ]
    .into_iter()
    .flatten()
    .collect();
    if !parts.is_empty() {
        line(text, "", &parts.join(", "));
    }
}

/// Tags and digests of all containers, for one line.
fn versions(images: &[Image]) -> String {
    let shown: Vec<String> = images
        .iter()
        .map(|image| {
            let shown = Shown::live(&image.image, image.running.as_ref());
            let version = shown.version(0);
            format!("{} {version}", defuse(&image.container))
        })
        .collect();
    shown.join(", ")
}

/// Why nothing is told of a service, and what to do about it.
pub fn problem_error(problem: &Problem) -> (String, Option<String>) {
    match problem {
        Problem::Missing => (problem_name(problem).1.to_owned(), None),
        Problem::NotActive { status } => (format!("the service is {}", defuse(status)), None),
        Problem::NoDeployment { controller } => (controller_says(controller), None),
        Problem::Unreadable(why) => (defuse(&why.why), why.hint.clone()),
    }
}

pub(super) fn problem_name(problem: &Problem) -> (&'static str, &'static str) {
    match problem {
        Problem::Missing => ("missing", "the cluster has no service of this name"),
        Problem::NotActive { .. } => ("not-active", "not ACTIVE"),
        Problem::NoDeployment { .. } => ("no-deployment", "ECS tells no PRIMARY deployment"),
        Problem::Unreadable(_) => ("unreadable", "could not be read"),
    }
}

fn problem_text(text: &mut String, problem: &Problem) {
    match problem {
        Problem::Missing => {}
        Problem::NotActive { status } => line(text, "status ", &defuse(status)),
        Problem::NoDeployment { controller } => {
            line(text, "", &controller_says(controller));
        }
        Problem::Unreadable(why) => {
            line(text, "why  ", &defuse(&why.why));
            hint(text, why);
        }
    }
}

fn controller_says(controller: &str) -> String {
    format!(
        "its deployment controller is {}; evenkeel reads the deployments of ECS's own",
        defuse(controller)
    )
}

fn gap(text: &mut String, what: &str, why: &Unreadable) {
    line(text, "note ", &unreadable(what, why));
    hint(text, why);
}

fn hint(text: &mut String, why: &Unreadable) {
    if let Some(hint) = &why.hint {
        line(text, "hint ", &defuse(hint));
    }
}

fn unreadable(what: &str, why: &Unreadable) -> String {
    format!("{what} could not be read: {}", defuse(&why.why))
}

fn line(text: &mut String, label: &str, says: &str) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{}", paragraph(4, label, says));
}

fn count_text(status: &Status) -> String {
    let of = |wanted: &[&str]| {
        let services = status.services.iter();
        services
            .filter(|service| wanted.contains(&state_name(service)))
            .count()
    };
    let parts: Vec<String> = [
        (of(&["running"]), "running"),
        (of(&["rolling-out"]), "rolling out"),
        (of(&["going-back"]), "going back"),
        (of(&["failed"]), "failed"),
        (of(&["missing"]), "missing"),
        (
            of(&["not-active", "no-deployment", "unreadable"]),
            "not known",
        ),
    ]
    .into_iter()
    .filter(|(n, _)| *n > 0)
    .map(|(n, what)| format!("{n} {what}"))
    .collect();
    format!("{}.\n", parts.join(", "))
}

/// One word for how a service is, for programs.
fn state_name(service: &Service) -> &'static str {
    match &service.state {
        Ok(running) => match running.phase {
            Phase::Complete => "running",
            Phase::GoesOn => "rolling-out",
            Phase::GoesBack => "going-back",
            Phase::Failed { .. } => "failed",
        },
        Err(problem) => problem_name(problem).0,
    }
}

/// An environment of which nothing at all could be read, with why and a hint.
pub type Failed = (String, String, Option<String>);

/// All environments of a run, as one document.
pub fn statuses_json(statuses: &[Result<Status, Failed>]) -> String {
    let environments: Vec<Value> = statuses
        .iter()
        .map(|status| match status {
            Ok(status) => json!({
                "environment": status.environment,
                "account": status.account,
                "region": status.region,
                "cluster": status.cluster,
                "error": null,
                "services": status.services.iter().map(service_json).collect::<Vec<_>>(),
            }),
            Err((environment, message, hint)) => json!({
                "environment": environment,
                "error": { "message": message, "hint": hint },
                "services": [],
            }),
        })
        .collect();
    let document = json!({ "format_version": FORMAT_VERSION, "environments": environments });
    format!("{document:#}\n")
}

fn service_json(service: &Service) -> Value {
    let mut entry = json!({
        "name": service.name,
        "cluster": service.key.cluster,
        "ecs_service": service.key.service,
        "state": state_name(service),
    });
    let details = match &service.state {
        Ok(running) => {
            let mut details = deployed_json(&running.primary);
            details["reason"] = match &running.phase {
                Phase::Failed { reason } => json!(reason),
                _ => Value::Null,
            };
            details["beside"] = running.beside.iter().map(deployed_json).collect();
            details
        }
        Err(problem) => {
            let (why, hint) = problem_error(problem);
            json!({ "why": why, "hint": hint })
        }
    };
    if let (Value::Object(entry), Value::Object(details)) = (&mut entry, details) {
        entry.extend(details);
    }
    entry
}

fn deployed_json(deployed: &Deployed) -> Value {
    let details = deployed.details.as_ref();
    let mut notes = Vec::new();
    match details {
        Ok(details) => {
            notes.extend(
                details
                    .gap
                    .as_ref()
                    .map(|why| unreadable("the digests that run", why)),
            );
        }
        Err(why) => notes.push(unreadable("the revision", why)),
    }
    json!({
        "revision": deployed.revision,
        "since": deployed.since,
        "tasks": {
            "desired": deployed.desired,
            "pending": deployed.pending,
            "running": deployed.running,
        },
        "commit": details.ok().and_then(|details| details.commit.as_ref()),
        "images": details.map_or_else(|_| json!([]), |details| images_json(&details.images)),
        "notes": notes,
    })
}
