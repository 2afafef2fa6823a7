//! Where a deployment that shifts traffic is, and how much of its time there is
//! left: pure functions of what was last seen.

use std::time::Duration;

use super::rollout::{Watched, ours_in};
use crate::event::{Pause, Stage};
use crate::observed::{PauseHook, ServiceDeployment};

/// Since when a deployment has been where it is. ECS does not tell that, but
/// when it last changed anything, and what it showed before.
#[derive(Debug, Clone, PartialEq)]
pub struct Since {
    stage: String,
    traffic: Option<f64>,
    /// When it came there, by AWS's clock.
    at: i64,
    /// When it was last seen there, by the same clock.
    seen: i64,
    /// It waited for somebody there. Whether it bakes meanwhile is not
    /// documented.
    paused: bool,
}

/// Where the rollout is, and since when; `before` is what the last look said.
pub fn stage(
    watched: &Watched,
    began: Option<f64>,
    before: Option<&Since>,
    history: &[ServiceDeployment],
) -> Option<(Stage, Option<Since>)> {
    let ours = ours_in(watched, began, history)?;
    let name = ours.stage.clone()?;
    let pause = |hook: &PauseHook| Pause {
        stage: name.clone(),
        deployment: ours.arn.clone(),
        hook: hook.id.clone(),
        region: watched.revision.region().clone(),
        until: hook.expires_at,
        then: hook.timeout_action.clone(),
    };
    let pauses: Vec<Pause> = ours.pauses.iter().map(pause).collect();
    let since = since(&name, before, ours);
    let bake_left = since.as_ref().and_then(|since| left(since, ours));
    let stage = Stage {
        name,
        traffic: ours.traffic,
        bake_left,
        paused: !pauses.is_empty(),
        pauses,
    };
    Some((stage, since))
}

/// A deployment that is where it was has been there since; for one that has
/// moved on, its last change is when. That cannot have been before the last
/// look, which saw it elsewhere, nor is it yet to come.
fn since(stage: &str, before: Option<&Since>, ours: &ServiceDeployment) -> Option<Since> {
    let seen = ours.seen_at?;
    let same = before.filter(|before| before.stage == stage && before.traffic == ours.traffic);
    let at = match before {
        Some(before) if same.is_some() => before.at,
        Some(before) => ours.updated_at.unwrap_or(seen).max(before.seen).min(seen),
        None => ours.updated_at?.min(seen),
    };
    Some(Since {
        stage: stage.to_owned(),
        traffic: ours.traffic,
        at,
        seen,
        paused: !ours.pauses.is_empty() || same.is_some_and(|before| before.paused),
    })
}

/// How long it still bakes there; `None` also when that should be over.
fn left(since: &Since, ours: &ServiceDeployment) -> Option<Duration> {
    let bakes = ours
        .configuration
        .bakes_at(&since.stage, since.traffic)
        .filter(|bakes| !bakes.is_zero() && !since.paused)?;
    let passed = u64::try_from(since.seen - since.at).ok()?;
    bakes
        .checked_sub(Duration::from_secs(passed))
        .filter(|left| !left.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observed::{Canary, DeploymentConfiguration, DeploymentStatus};

    fn watched() -> Watched {
        Watched {
            revision: "arn:aws:ecs:us-west-1:123456789012:task-definition/web:42"
                .parse()
                .unwrap(),
            deployment: None,
            before: "ecs-svc/old".parse().unwrap(),
            from: None,
            count: None,
        }
    }

    /// A canary of 5 % for ten minutes that bakes for five after that.
    fn seen(
        stage: &str,
        traffic: f64,
        updated: Option<i64>,
        seen: Option<i64>,
    ) -> ServiceDeployment {
        ServiceDeployment {
            arn: "a".into(),
            status: DeploymentStatus::InProgress,
            reason: None,
            revision: Some(watched().revision),
            service: serde_json::Map::new(),
            images: Vec::new(),
            created_at: 1,
            updated_at: updated,
            seen_at: seen,
            finished_at: None,
            configuration: DeploymentConfiguration {
                strategy: Some("CANARY".into()),
                bake_time_in_minutes: Some(5.0),
                canary_configuration: Some(Canary {
                    canary_percent: Some(5.0),
                    canary_bake_time_in_minutes: Some(10.0),
                }),
                ..DeploymentConfiguration::default()
            },
            stage: Some(stage.into()),
            traffic: Some(traffic),
            pauses: Vec::new(),
            triggered: false,
        }
    }

    /// The seconds left after each look.
    fn lefts(looks: &[ServiceDeployment]) -> Vec<Option<u64>> {
        let mut before = None;
        looks
            .iter()
            .map(|look| {
                let (stage, since) = stage(
                    &watched(),
                    Some(1.5),
                    before.as_ref(),
                    std::slice::from_ref(look),
                )
                .unwrap();
                before = since;
                stage.bake_left.map(|left| left.as_secs())
            })
            .collect()
    }

    #[test]
    fn what_is_left_counts_from_the_last_change() {
        let bakes = |updated, at| lefts(&[seen("BAKE_TIME", 100.0, Some(updated), Some(at))]);
        assert_eq!(bakes(1000, 1000), [Some(300)]);
        assert_eq!(bakes(1000, 1060), [Some(240)]);
        assert_eq!(bakes(1000, 1299), [Some(1)]);
        // It should be over: nobody knows what is left.
        assert_eq!(bakes(1000, 1300), [None]);
        assert_eq!(bakes(1000, 9999), [None]);
        // A change that is yet to come is now.
        assert_eq!(bakes(1005, 1000), [Some(300)]);
        let canary = seen("PRODUCTION_TRAFFIC_SHIFT", 5.0, Some(1000), Some(1090));
        assert_eq!(lefts(&[canary]), [Some(510)]);
    }

    #[test]
    fn a_later_change_does_not_begin_the_time_anew() {
        let looks = [
            seen("BAKE_TIME", 100.0, Some(1000), Some(1010)),
            seen("BAKE_TIME", 100.0, Some(1100), Some(1110)),
        ];
        assert_eq!(lefts(&looks), [Some(290), Some(190)]);
    }

    #[test]
    fn another_stage_or_share_does() {
        let shift = "PRODUCTION_TRAFFIC_SHIFT";
        let looks = [
            seen(shift, 0.0, Some(990), Some(995)),
            seen(shift, 5.0, Some(998), Some(1000)),
            seen(shift, 5.0, Some(998), Some(1005)),
            seen("BAKE_TIME", 100.0, Some(1600), Some(1605)),
        ];
        assert_eq!(lefts(&looks), [None, Some(598), Some(593), Some(295)]);
    }

    /// Where the last change is older than the stage, the look that saw it
    /// elsewhere is the better witness; and where none is told.
    #[test]
    fn it_cannot_have_come_before_it_was_elsewhere() {
        let looks = [
            seen(
                "POST_PRODUCTION_TRAFFIC_SHIFT",
                100.0,
                Some(500),
                Some(1000),
            ),
            seen("BAKE_TIME", 100.0, Some(500), Some(1005)),
        ];
        assert_eq!(lefts(&looks), [None, Some(295)]);
        let looks = [
            seen(
                "POST_PRODUCTION_TRAFFIC_SHIFT",
                100.0,
                Some(500),
                Some(1000),
            ),
            seen("BAKE_TIME", 100.0, None, Some(1005)),
        ];
        assert_eq!(lefts(&looks), [None, Some(300)]);
    }

    #[test]
    fn a_pause_at_the_stage_leaves_it_unknown() {
        let shift = |seen_at| seen("PRODUCTION_TRAFFIC_SHIFT", 5.0, Some(1000), Some(seen_at));
        let mut paused = shift(1005);
        paused.pauses = vec![PauseHook {
            id: "hook".into(),
            expires_at: None,
            timeout_action: None,
        }];
        let baking = seen("BAKE_TIME", 100.0, Some(1100), Some(1105));
        let looks = [shift(1000), paused, shift(1010), baking];
        assert_eq!(lefts(&looks), [Some(600), None, None, Some(295)]);
    }

    #[test]
    fn without_a_clock_or_a_change_nothing_is_known() {
        assert_eq!(lefts(&[seen("BAKE_TIME", 100.0, None, Some(1000))]), [None]);
        assert_eq!(lefts(&[seen("BAKE_TIME", 100.0, Some(1000), None)]), [None]);
        let mut unknown = seen("BAKE_TIME", 100.0, Some(1000), Some(1000));
        unknown.configuration = DeploymentConfiguration::default();
        assert_eq!(lefts(&[unknown]), [None]);
    }

    #[test]
    fn a_pause_has_what_it_takes_to_continue() {
        let mut deployment = seen("POST_TEST_TRAFFIC_SHIFT", 0.0, None, None);
        let at = |began, deployment: &ServiceDeployment| {
            stage(
                &watched(),
                Some(began),
                None,
                std::slice::from_ref(deployment),
            )
            .map(|(stage, _)| stage)
        };
        let plain = at(1.5, &deployment).unwrap();
        assert!(!plain.paused && plain.pauses.is_empty());
        deployment.pauses = vec![PauseHook {
            id: "hook".into(),
            expires_at: Some(9),
            timeout_action: Some("ROLLBACK".into()),
        }];
        let paused = at(1.5, &deployment).unwrap();
        assert!(paused.paused);
        assert_eq!(
            paused.pauses,
            [Pause {
                stage: "POST_TEST_TRAFFIC_SHIFT".into(),
                deployment: "a".into(),
                hook: "hook".into(),
                region: "us-west-1".parse().unwrap(),
                until: Some(9),
                then: Some("ROLLBACK".into()),
            }]
        );
        // Another deployment's pause is not ours.
        assert_eq!(at(2.0, &deployment), None);
    }
}
