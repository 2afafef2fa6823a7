//! Events as plain lines.

use super::pause::{Said, said, stage_name};
use super::words::{command, defuse, duration, tasks};
use crate::event::{By, Event, Pause, Stage, Tasks};

/// The line that an event prints where nobody watches a terminal; `None` when
/// it is left to the report at the end.
pub fn event_line(event: &Event) -> Option<String> {
    Some(match event {
        Event::Registered { service, revision } => {
            format!(
                "{service}: registered revision {} of {}",
                revision.revision(),
                defuse(revision.family())
            )
        }
        Event::Untagged { service, .. } | Event::StillMarked { service, .. } => {
            format!("{service}: {}", tags_amiss(event)?)
        }
        Event::Reused { service, revision } => {
            format!(
                "{service}: revision {} already is what is declared",
                revision.revision()
            )
        }
        Event::Started { service, .. } | Event::Adopted { service, .. } => {
            format!("{service}: {}", adopted_or_started(event)?)
        }
        Event::Progress {
            service,
            tasks,
            stage,
            elapsed,
        } => {
            let stage = stage
                .as_ref()
                .map_or_else(String::new, |stage| stage_line(stage) + ", ");
            format!(
                "{service}: {stage}{} ({})",
                tasks_line(*tasks),
                duration(*elapsed)
            )
        }
        Event::Paused { service, pause } => paused(service, pause),
        Event::GoingBack { service, to, by } => match by {
            By::Ecs => format!(
                "{service}: it failed; ECS goes back to revision {}",
                to.revision()
            ),
            By::Evenkeel => format!(
                "{service}: it failed; going back to revision {}",
                to.revision()
            ),
        },
        Event::Trouble { services, why } => {
            format!(
                "{}: {}; trying again, the rollout goes on",
                services.join(", "),
                defuse(why)
            )
        }
        Event::Updated { service, fields } => {
            format!("{service}: changed {}", defuse(&fields.join(", ")))
        }
        Event::BeforeStarted { service, .. } => format!("{service}: {}", before(event)?),
        Event::BeforeLingers { service, .. } => format!("{service}: {}", before(event)?),
        Event::BeforeDone { service, log, .. } => {
            let mut text = format!("{service}: {}", before(event)?);
            for line in log {
                text += &format!("\n{service}: | {}", defuse(line));
            }
            text
        }
        Event::Ended { .. } => return None,
    })
}

/// What comes before a rollout, in words.
pub fn before(event: &Event) -> Option<String> {
    Some(match event {
        Event::BeforeStarted { run, adopted, .. } => {
            let (command, container) = (command(&run.command), defuse(&run.container));
            match (adopted, &run.task) {
                (true, Some(task)) => format!(
                    "before the rollout: {command} in {container} was started by an earlier run; \
                     waiting for task {}",
                    defuse(task)
                ),
                _ => format!("before the rollout: running {command} in {container}"),
            }
        }
        Event::BeforeLingers { run, why, hint, .. } => format!(
            "{} has exited, but the rest of its task could not be stopped and is waited for: {}{}",
            command(&run.command),
            defuse(why),
            hint.as_ref()
                .map_or_else(String::new, |hint| format!(" ({hint})"))
        ),
        Event::BeforeDone { run, elapsed, .. } => format!(
            "{} exited with code 0 ({})",
            command(&run.command),
            duration(*elapsed)
        ),
        _ => return None,
    })
}

/// What tags a revision lacks, or has too many, in words.
pub fn tags_amiss(event: &Event) -> Option<String> {
    match event {
        Event::Untagged { revision, why, .. } => Some(format!(
            "revision {} carries no provenance tags: {}",
            revision.revision(),
            defuse(why)
        )),
        Event::StillMarked {
            revision,
            why,
            hint,
            ..
        } => Some(format!(
            "revision {} runs, but keeps its tag evenkeel:failed: {}{}",
            revision.revision(),
            defuse(why),
            hint.as_ref()
                .map_or_else(String::new, |hint| format!(" ({hint})"))
        )),
        _ => None,
    }
}

/// How a rollout began, in words.
pub fn adopted_or_started(event: &Event) -> Option<String> {
    Some(match event {
        Event::Started {
            revision,
            supersedes,
            ..
        } => {
            let ended = supersedes.as_ref().map_or_else(String::new, |ended| {
                format!(", ending that of revision {}", ended.revision())
            });
            format!("rollout of revision {} started{ended}", revision.revision())
        }
        Event::Adopted { revision, .. } => {
            format!(
                "revision {} is rolling out already; waiting for it",
                revision.revision()
            )
        }
        _ => return None,
    })
}

/// What a rollout waits for, and a line for each way on.
pub fn paused(service: &str, pause: &Pause) -> String {
    let Said { waits, commands } = said(pause);
    let mut text = format!("{service}: paused {waits}");
    for (what, command) in commands {
        text += &format!("\n{service}: to {what}: {command}");
    }
    text
}

/// `baking, 4 min left, 100 % of traffic`; a pause says that it waits.
pub fn stage_line(stage: &Stage) -> String {
    let left = stage
        .bake_minutes_left()
        .map_or_else(String::new, |minutes| format!(", {minutes} min left"));
    let traffic = stage
        .traffic
        .map_or_else(String::new, |traffic| format!(", {traffic} % of traffic"));
    let mut line = match (stage.name.as_str(), left.as_str()) {
        ("BAKE_TIME", _) => format!("baking{left}{traffic}"),
        (name, "") => format!("{}{traffic}", stage_name(name)),
        // A share of the traffic bakes before the next one shifts.
        (name, _) => format!("{}{traffic}, baking{left}", stage_name(name)),
    };
    if stage.paused {
        line += ", waiting for somebody to continue it";
    }
    line
}

/// `2 of 3 new tasks run, 1 starting, 3 old`.
fn tasks_line(counts: Tasks) -> String {
    let mut line = format!(
        "{} run",
        tasks(counts.running, counts.desired).replace("task", "new task")
    );
    for (n, what) in [
        (counts.pending, "starting"),
        (counts.failed, "failed"),
        (counts.old, "old"),
    ] {
        if n > 0 {
            line += &format!(", {n} {what}");
        }
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_without_its_tags_is_worth_a_line() {
        let event = Event::Untagged {
            service: "web".into(),
            revision: "arn:aws:ecs:us-west-1:123456789012:task-definition/web:8"
                .parse()
                .unwrap(),
            why: "ecs:TagResource is not allowed".into(),
        };
        assert_eq!(
            event_line(&event).unwrap(),
            "web: revision 8 carries no provenance tags: ecs:TagResource is not allowed"
        );
    }

    #[test]
    fn a_stage_says_how_long_it_bakes() {
        let line = |name: &str, traffic, left: Option<u64>| {
            stage_line(&Stage {
                name: name.into(),
                traffic: Some(traffic),
                bake_left: left.map(std::time::Duration::from_secs),
                paused: false,
                pauses: Vec::new(),
            })
        };
        assert_eq!(
            line("BAKE_TIME", 100.0, Some(240)),
            "baking, 4 min left, 100 % of traffic"
        );
        assert_eq!(
            line("BAKE_TIME", 100.0, Some(1)),
            "baking, 1 min left, 100 % of traffic"
        );
        assert_eq!(line("BAKE_TIME", 100.0, None), "baking, 100 % of traffic");
        assert_eq!(
            line("PRODUCTION_TRAFFIC_SHIFT", 33.3, Some(61)),
            "production traffic shift, 33.3 % of traffic, baking, 2 min left"
        );
        assert_eq!(line("SCALE_UP", 0.0, None), "scale up, 0 % of traffic");
    }

    #[test]
    fn a_mark_that_stays_is_worth_a_line() {
        let event = Event::StillMarked {
            service: "web".into(),
            revision: "arn:aws:ecs:us-west-1:123456789012:task-definition/web:8"
                .parse()
                .unwrap(),
            why: "ecs:UntagResource is not allowed".into(),
            hint: Some("allow it".into()),
        };
        assert_eq!(
            event_line(&event).unwrap(),
            "web: revision 8 runs, but keeps its tag evenkeel:failed: \
             ecs:UntagResource is not allowed (allow it)"
        );
    }

    #[test]
    fn counts_are_named_only_where_there_are_some() {
        let counts = Tasks {
            desired: 3,
            pending: 1,
            running: 2,
            failed: 0,
            old: 3,
        };
        assert_eq!(
            tasks_line(counts),
            "2 of 3 new tasks run, 1 starting, 3 old"
        );
        let counts = Tasks {
            desired: 1,
            running: 0,
            failed: 2,
            ..Tasks::default()
        };
        assert_eq!(tasks_line(counts), "0 of 1 new task run, 2 failed");
    }
}
