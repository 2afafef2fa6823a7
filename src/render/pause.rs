//! A deployment that waits for a person: what for, and the commands that let
//! it go on or back.

use super::words::{defuse, time};
use crate::event::Pause;

/// A pause, said: for progress and for the summary alike.
pub(super) struct Said {
    /// `at post test traffic shift, until somebody …`.
    pub waits: String,
    /// What to do about it, with what it does; one line each, to be copied
    /// whole.
    pub commands: [(&'static str, String); 2],
}

pub(super) fn said(pause: &Pause) -> Said {
    let until = match (pause.until, pause.then.as_deref()) {
        (Some(until), Some("CONTINUE")) => format!("; ECS itself continues at {}", time(until)),
        (Some(until), Some("ROLLBACK")) => format!("; ECS itself goes back at {}", time(until)),
        (Some(until), _) => format!("; ECS waits until {}", time(until)),
        (None, _) => String::new(),
    };
    Said {
        waits: format!(
            "at {}, until somebody lets it go on or back{until}",
            stage_name(&pause.stage)
        ),
        commands: [
            ("go on", command(pause, "CONTINUE")),
            ("go back", command(pause, "ROLLBACK")),
        ],
    }
}

/// `POST_TEST_TRAFFIC_SHIFT` as words.
pub(super) fn stage_name(stage: &str) -> String {
    defuse(stage).to_lowercase().replace('_', " ")
}

/// The AWS CLI's call of ContinueServiceDeployment (API model of ECS,
/// 2014-11-13: `serviceDeploymentArn`, `hookId`, `action`).
fn command(pause: &Pause, action: &str) -> String {
    format!(
        "aws ecs continue-service-deployment --region {} --service-deployment-arn {} --hook-id {} --action {action}",
        pause.region,
        word(&pause.deployment),
        word(&pause.hook),
    )
}

/// One word of a shell's command line, whatever AWS put into it.
fn word(text: &str) -> String {
    let text = defuse(text);
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) && !text.starts_with('-') {
        return text;
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause() -> Pause {
        Pause {
            stage: "POST_TEST_TRAFFIC_SHIFT".into(),
            deployment: "arn:aws:ecs:us-west-1:123456789012:service-deployment/prod/web/Zk9".into(),
            hook: "ecs-pause-1a2b".into(),
            region: "us-west-1".parse().unwrap(),
            until: Some(1_795_403_564),
            then: Some("ROLLBACK".into()),
        }
    }

    #[test]
    fn the_commands_have_all_arguments() {
        let Said { waits, commands } = said(&pause());
        assert_eq!(
            waits,
            "at post test traffic shift, until somebody lets it go on or back; \
             ECS itself goes back at 2026-11-23 03:12 UTC"
        );
        assert_eq!(
            commands.map(|(what, command)| format!("{what}: {command}")),
            [
                "go on: aws ecs continue-service-deployment --region us-west-1 \
                 --service-deployment-arn arn:aws:ecs:us-west-1:123456789012:service-deployment/prod/web/Zk9 \
                 --hook-id ecs-pause-1a2b --action CONTINUE",
                "go back: aws ecs continue-service-deployment --region us-west-1 \
                 --service-deployment-arn arn:aws:ecs:us-west-1:123456789012:service-deployment/prod/web/Zk9 \
                 --hook-id ecs-pause-1a2b --action ROLLBACK",
            ]
        );
    }

    #[test]
    fn what_ecs_does_by_itself_is_said_where_it_is_known() {
        let end = |until, then: Option<&str>| {
            let then = then.map(str::to_owned);
            let Said { waits, .. } = said(&Pause {
                until,
                then,
                ..pause()
            });
            waits.split_once("go on or back").unwrap().1.to_owned()
        };
        assert_eq!(
            end(Some(0), Some("CONTINUE")),
            "; ECS itself continues at 1970-01-01 00:00 UTC"
        );
        assert_eq!(
            end(Some(0), Some("NEW")),
            "; ECS waits until 1970-01-01 00:00 UTC"
        );
        assert_eq!(end(None, Some("ROLLBACK")), "");
    }

    /// Who copies the line must run nothing else.
    #[test]
    fn what_aws_sends_stays_one_word() {
        assert_eq!(word("a:b/c-1"), "a:b/c-1");
        assert_eq!(word("x; rm -rf ~"), "'x; rm -rf ~'");
        assert_eq!(word("$(x)'y"), r"'$(x)'\''y'");
        assert_eq!(word("--profile"), "'--profile'");
        assert_eq!(word("a\n\u{1b}[2Kb"), r"'a \u{1b}[2Kb'");
        assert_eq!(word(""), "''");
    }
}
