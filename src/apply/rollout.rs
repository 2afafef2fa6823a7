//! The verdict on a rollout: a pure function of what was last seen.

use crate::event::{Running, Tasks};
use crate::model::{DeploymentId, RevisionArn};
use crate::observed::{Deployment, DeploymentStatus, RolloutState, Service, ServiceDeployment};

/// A rollout that is waited for.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// The revision that it brings.
    pub revision: RevisionArn,
    /// Its deployment, when the update's answer named it.
    pub deployment: Option<DeploymentId>,
    /// The deployment that was PRIMARY before.
    pub before: DeploymentId,
    /// Its revision, unless the rollout was found under way.
    pub from: Option<RevisionArn>,
    /// How many tasks must run, where that was changed.
    pub count: Option<i64>,
}

/// What one look at the service says of the rollout.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Not visible yet: what is described lags behind the update.
    Unseen,
    Going(Tasks),
    /// PRIMARY, of the declared revision, COMPLETED.
    Succeeded,
    Failed {
        reason: Option<String>,
    },
    RolledBack {
        to: RevisionArn,
        reason: Option<String>,
    },
    Superseded {
        by: RevisionArn,
    },
    Gone {
        status: String,
    },
}

/// Judges a rollout by the service as it was last described.
pub fn judge(watched: &Watched, service: &Service) -> State {
    if service.status != "ACTIVE" {
        return State::Gone {
            status: service.status.clone(),
        };
    }
    let ours = find(watched, service);
    let primary = service.primary();
    if let Some(ours) = ours
        && ours.rollout_state == Some(RolloutState::Failed)
    {
        let reason = ours.rollout_state_reason.clone();
        return match primary.filter(|primary| primary.id != ours.id) {
            Some(primary) => State::RolledBack {
                to: primary.task_definition.clone(),
                reason,
            },
            None => State::Failed { reason },
        };
    }
    let Some(primary) = primary else {
        return State::Unseen;
    };
    match ours {
        Some(ours) if ours.id == primary.id => {
            if ours.task_definition != watched.revision {
                return State::Superseded {
                    by: ours.task_definition.clone(),
                };
            }
            let counted = watched
                .count
                .is_none_or(|count| ours.running_count == count);
            if ours.is_complete(service.deployments.len() == 1) && counted {
                State::Succeeded
            } else if let Some(reason) = hopeless(ours, service) {
                State::Failed {
                    reason: Some(reason),
                }
            } else {
                State::Going(tasks(ours, service))
            }
        }
        // The update is not visible yet, or no longer: a later look tells.
        None if primary.id == watched.before => State::Unseen,
        _ if primary.rolls_back() => State::RolledBack {
            to: primary.task_definition.clone(),
            reason: primary.rollout_state_reason.clone(),
        },
        _ => State::Superseded {
            by: primary.task_definition.clone(),
        },
    }
}

/// Whether a rollout whose place another deployment has taken was rolled back
/// rather than replaced. A rollback can be over between two looks; then no
/// deployment tells of it any more, but the service's history does.
pub fn was_rolled_back(
    watched: &Watched,
    began: Option<f64>,
    by: &RevisionArn,
    history: Option<&[ServiceDeployment]>,
) -> Option<State> {
    let ours = ours_in(watched, began, history.unwrap_or_default());
    let (rolled_back, reason) = match ours {
        Some(ours) => (ours.failed(), ours.reason.clone()),
        // Nobody tells. Back on the revision from before, it most likely is.
        None => (
            watched.from.as_ref() == Some(by) && *by != watched.revision,
            None,
        ),
    };
    rolled_back.then(|| State::RolledBack {
        to: by.clone(),
        reason,
    })
}

/// What runs, PRIMARY first.
pub fn running(service: &Service) -> Vec<Running> {
    let mut deployments: Vec<&Deployment> = service
        .deployments
        .iter()
        .filter(|d| d.status == "PRIMARY" || d.running_count > 0)
        .collect();
    deployments.sort_by_key(|d| d.status != "PRIMARY");
    deployments
        .into_iter()
        .map(|d| Running {
            revision: d.task_definition.clone(),
            running: d.running_count,
            desired: d.desired_count,
        })
        .collect()
}

/// When ECS made the deployment that is waited for.
pub fn began(watched: &Watched, service: &Service) -> Option<f64> {
    find(watched, service)?.created_at
}

/// The deployment of this update in an answer of UpdateService: the PRIMARY
/// one, unless the answer still shows the one from before.
pub fn started(
    before: &DeploymentId,
    revision: &RevisionArn,
    service: &Service,
) -> Option<DeploymentId> {
    service
        .primary()
        .filter(|primary| primary.id != *before && primary.task_definition == *revision)
        .map(|primary| primary.id.clone())
}

/// Without a circuit breaker, ECS starts tasks anew for ever. They are given as
/// many failures as the breaker would give them by default: half of the desired
/// count, at least 3, at most 200.
fn hopeless(ours: &Deployment, service: &Service) -> Option<String> {
    let breaker = service.deployment_configuration.deployment_circuit_breaker;
    if breaker.enable {
        return None;
    }
    let bound = (ours.desired_count + 1).div_euclid(2).clamp(3, 200);
    (ours.failed_tasks >= bound).then(|| {
        format!(
            "{} tasks have failed; the service has no circuit breaker to stop that",
            ours.failed_tasks
        )
    })
}

/// What the history says of a rollout that DescribeServices shows as going on:
/// ECS may have given it up already. It goes back to what ran before; of a
/// rollout that was found under way, that is what ran `healthy` last.
pub fn by_history(
    watched: &Watched,
    began: Option<f64>,
    healthy: Option<&RevisionArn>,
    history: &[ServiceDeployment],
) -> Option<State> {
    let ours = ours_in(watched, began, history)?;
    if !ours.failed() {
        return None;
    }
    let reason = ours.reason.clone();
    Some(match (&ours.status, watched.from.as_ref().or(healthy)) {
        (DeploymentStatus::Stopped | DeploymentStatus::StopRequested, _) | (_, None) => {
            State::Failed { reason }
        }
        (_, Some(from)) => State::RolledBack {
            to: from.clone(),
            reason,
        },
    })
}

/// The service deployment of this rollout. The same revision may have been
/// deployed before, and the list may lag; so one that is older is another.
pub(super) fn ours_in<'a>(
    watched: &Watched,
    began: Option<f64>,
    history: &'a [ServiceDeployment],
) -> Option<&'a ServiceDeployment> {
    // The history tells whole seconds.
    let began = began?.floor();
    history.iter().find(|deployment| {
        deployment.revision.as_ref() == Some(&watched.revision)
            && deployment.created_at as f64 >= began
    })
}

fn find<'a>(watched: &Watched, service: &'a Service) -> Option<&'a Deployment> {
    match &watched.deployment {
        Some(id) => service.deployments.iter().find(|d| d.id == *id),
        // The newest comes first in DescribeServices.
        None => service
            .deployments
            .iter()
            .find(|d| d.id != watched.before && d.task_definition == watched.revision),
    }
}

fn tasks(ours: &Deployment, service: &Service) -> Tasks {
    Tasks {
        desired: ours.desired_count,
        pending: ours.pending_count,
        running: ours.running_count,
        failed: ours.failed_tasks,
        old: service
            .deployments
            .iter()
            .filter(|d| d.id != ours.id)
            .map(|d| d.running_count)
            .sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arn(revision: u64) -> RevisionArn {
        format!("arn:aws:ecs:us-west-1:123456789012:task-definition/web:{revision}")
            .parse()
            .unwrap()
    }

    /// Id, status, revision, state, running, desired, reason.
    type Line<'a> = (
        &'a str,
        &'a str,
        u64,
        Option<&'a str>,
        i64,
        i64,
        Option<&'a str>,
    );

    fn service(lines: &[Line<'_>]) -> Service {
        let deployments: Vec<_> = lines
            .iter()
            .map(|(id, status, revision, state, running, desired, reason)| {
                serde_json::json!({
                    "id": format!("ecs-svc/{id}"), "status": status, "taskDefinition": arn(*revision),
                    "rolloutState": state, "rolloutStateReason": reason,
                    "runningCount": running, "desiredCount": desired, "pendingCount": 0, "failedTasks": 0,
                })
            })
            .collect();
        serde_json::from_value(serde_json::json!({
            "serviceArn": "arn:aws:ecs:us-west-1:123456789012:service/prod/web",
            "status": "ACTIVE", "deployments": deployments,
        }))
        .unwrap()
    }

    fn watched() -> Watched {
        Watched {
            revision: arn(42),
            deployment: Some("ecs-svc/new".parse().unwrap()),
            before: "ecs-svc/old".parse().unwrap(),
            from: Some(arn(41)),
            count: None,
        }
    }

    const GOING: Option<&str> = Some("IN_PROGRESS");
    const DONE: Option<&str> = Some("COMPLETED");
    const FAILED: Option<&str> = Some("FAILED");

    #[test]
    fn success_is_ours_primary_declared_and_completed() {
        let seen = service(&[("new", "PRIMARY", 42, DONE, 3, 3, None)]);
        assert_eq!(judge(&watched(), &seen), State::Succeeded);
        // Scaled to zero is complete when ECS says so.
        let seen = service(&[("new", "PRIMARY", 42, DONE, 0, 0, None)]);
        assert_eq!(judge(&watched(), &seen), State::Succeeded);
    }

    #[test]
    fn all_tasks_running_is_not_yet_success() {
        let seen = service(&[
            ("new", "PRIMARY", 42, GOING, 3, 3, None),
            ("old", "ACTIVE", 41, DONE, 1, 0, None),
        ]);
        let tasks = Tasks {
            desired: 3,
            running: 3,
            old: 1,
            ..Tasks::default()
        };
        assert_eq!(judge(&watched(), &seen), State::Going(tasks));
    }

    #[test]
    fn a_state_that_is_new_to_us_is_not_success() {
        let seen = service(&[("new", "PRIMARY", 42, Some("BAKING"), 3, 3, None)]);
        assert!(matches!(judge(&watched(), &seen), State::Going(_)));
    }

    #[test]
    fn the_steady_state_after_a_rollback_is_not_success() {
        let back =
            Some("ECS deployment circuit breaker: rolling back to deploymentId ecs-svc/old.");
        let seen = service(&[("back", "PRIMARY", 41, DONE, 3, 3, back)]);
        assert_eq!(
            judge(&watched(), &seen),
            State::RolledBack {
                to: arn(41),
                reason: back.map(str::to_owned)
            }
        );
        let why = Some("ECS deployment circuit breaker: tasks failed to start.");
        let seen = service(&[
            ("back", "PRIMARY", 41, GOING, 3, 3, back),
            ("new", "ACTIVE", 42, FAILED, 0, 0, why),
        ]);
        assert_eq!(
            judge(&watched(), &seen),
            State::RolledBack {
                to: arn(41),
                reason: why.map(str::to_owned)
            }
        );
        // Some emulators go back under the old deployment's id.
        let seen = service(&[
            ("old", "PRIMARY", 41, DONE, 3, 3, None),
            ("new", "ACTIVE", 42, FAILED, 0, 0, why),
        ]);
        assert_eq!(
            judge(&watched(), &seen),
            State::RolledBack {
                to: arn(41),
                reason: why.map(str::to_owned)
            }
        );
    }

    #[test]
    fn a_breaker_without_rollback_fails() {
        let seen = service(&[
            ("new", "PRIMARY", 42, FAILED, 0, 3, Some("why")),
            ("old", "ACTIVE", 41, DONE, 3, 0, None),
        ]);
        assert_eq!(
            judge(&watched(), &seen),
            State::Failed {
                reason: Some("why".into())
            }
        );
    }

    #[test]
    fn a_newer_deployment_is_not_ours() {
        let seen = service(&[("third", "PRIMARY", 43, DONE, 3, 3, None)]);
        assert_eq!(judge(&watched(), &seen), State::Superseded { by: arn(43) });
        // Even of the very same revision: it is not the one that we started.
        let seen = service(&[("third", "PRIMARY", 42, DONE, 3, 3, None)]);
        assert_eq!(judge(&watched(), &seen), State::Superseded { by: arn(42) });
        let seen = service(&[
            ("third", "PRIMARY", 43, GOING, 0, 3, None),
            ("new", "ACTIVE", 42, GOING, 2, 3, None),
        ]);
        assert_eq!(judge(&watched(), &seen), State::Superseded { by: arn(43) });
    }

    #[test]
    fn a_description_that_lags_is_waited_for() {
        let seen = service(&[("old", "PRIMARY", 41, DONE, 3, 3, None)]);
        assert_eq!(judge(&watched(), &seen), State::Unseen);
        assert_eq!(judge(&watched(), &service(&[])), State::Unseen);
    }

    #[test]
    fn an_unnamed_deployment_is_found_by_its_revision() {
        let unnamed = Watched {
            deployment: None,
            ..watched()
        };
        let seen = service(&[("any", "PRIMARY", 42, DONE, 3, 3, None)]);
        assert_eq!(judge(&unnamed, &seen), State::Succeeded);
        // A restart's revision ran before: the deployment from before is not it.
        let restart = Watched {
            revision: arn(41),
            ..unnamed
        };
        let seen = service(&[("old", "PRIMARY", 41, DONE, 3, 3, None)]);
        assert_eq!(judge(&restart, &seen), State::Unseen);
    }

    #[test]
    fn without_a_rollout_state_the_counts_decide() {
        let seen = service(&[
            ("new", "PRIMARY", 42, None, 3, 3, None),
            ("old", "ACTIVE", 41, None, 1, 3, None),
        ]);
        assert!(matches!(judge(&watched(), &seen), State::Going(_)));
        let seen = service(&[("new", "PRIMARY", 42, None, 3, 3, None)]);
        assert_eq!(judge(&watched(), &seen), State::Succeeded);
    }

    #[test]
    fn a_service_that_is_drained_is_gone() {
        let mut seen = service(&[("new", "PRIMARY", 42, GOING, 1, 3, None)]);
        seen.status = "DRAINING".into();
        assert_eq!(
            judge(&watched(), &seen),
            State::Gone {
                status: "DRAINING".into()
            }
        );
    }

    fn history(status: DeploymentStatus, triggered: bool) -> Vec<ServiceDeployment> {
        vec![ServiceDeployment {
            arn: "a".into(),
            status,
            reason: Some("why".into()),
            revision: Some(arn(42)),
            service: serde_json::Map::new(),
            images: vec![],
            created_at: 1,
            updated_at: None,
            seen_at: None,
            finished_at: None,
            configuration: crate::observed::DeploymentConfiguration::default(),
            stage: None,
            traffic: None,
            pauses: Vec::new(),
            triggered,
        }]
    }

    #[test]
    fn a_rollback_that_nobody_saw_is_in_the_history() {
        let back = State::RolledBack {
            to: arn(41),
            reason: Some("why".into()),
        };
        let verdict = |status, triggered| {
            was_rolled_back(
                &watched(),
                Some(1.5),
                &arn(41),
                Some(&history(status, triggered)),
            )
        };
        assert_eq!(
            verdict(DeploymentStatus::RollbackSuccessful, false),
            Some(back.clone())
        );
        assert_eq!(
            verdict(DeploymentStatus::RollbackInProgress, false),
            Some(back.clone())
        );
        assert_eq!(verdict(DeploymentStatus::Stopped, true), Some(back));
        // Stopped by a newer deployment, even one that goes back by hand.
        assert_eq!(verdict(DeploymentStatus::Stopped, false), None);
    }

    #[test]
    fn an_earlier_deployment_of_the_same_revision_is_not_ours() {
        let failed = history(DeploymentStatus::RollbackSuccessful, true);
        // The history's is from second 1, ours from second 2.
        let verdict = was_rolled_back(&watched(), Some(2.0), &arn(43), Some(&failed));
        assert_eq!(verdict, None);
        assert_eq!(by_history(&watched(), Some(2.0), None, &failed), None);
    }

    #[test]
    fn without_a_history_going_back_is_a_rollback() {
        let back = State::RolledBack {
            to: arn(41),
            reason: None,
        };
        assert_eq!(
            was_rolled_back(&watched(), Some(1.5), &arn(41), None),
            Some(back)
        );
        assert_eq!(was_rolled_back(&watched(), Some(1.5), &arn(43), None), None);
        assert_eq!(was_rolled_back(&watched(), Some(1.5), &arn(42), None), None);
    }

    #[test]
    fn without_a_breaker_failing_tasks_have_a_bound() {
        let failing = |failed: i64, breaker: bool| {
            let mut seen = service(&[("new", "PRIMARY", 42, GOING, 0, 4, None)]);
            seen.deployments[0].failed_tasks = failed;
            seen.deployment_configuration
                .deployment_circuit_breaker
                .enable = breaker;
            judge(&watched(), &seen)
        };
        assert!(matches!(failing(2, false), State::Going(_)));
        assert!(matches!(
            failing(3, false),
            State::Failed { reason: Some(_) }
        ));
        assert!(matches!(failing(3, true), State::Going(_)));
    }

    #[test]
    fn the_history_knows_of_a_failure_first() {
        let verdict = |status| by_history(&watched(), Some(1.5), None, &history(status, true));
        let reason = Some("why".to_owned());
        assert_eq!(
            verdict(DeploymentStatus::RollbackRequested),
            Some(State::RolledBack {
                to: arn(41),
                reason: reason.clone()
            })
        );
        assert_eq!(
            verdict(DeploymentStatus::Stopped),
            Some(State::Failed { reason })
        );
        for going in [
            DeploymentStatus::Pending,
            DeploymentStatus::InProgress,
            DeploymentStatus::Successful,
        ] {
            assert_eq!(verdict(going), None);
        }
    }

    #[test]
    fn a_rollout_found_under_way_goes_back_to_what_ran_healthily() {
        let found = Watched {
            from: None,
            ..watched()
        };
        let seen = history(DeploymentStatus::RollbackRequested, false);
        let reason = Some("why".to_owned());
        let verdict =
            |healthy: Option<&RevisionArn>| by_history(&found, Some(1.5), healthy, &seen).unwrap();
        assert_eq!(
            verdict(Some(&arn(40))),
            State::RolledBack {
                to: arn(40),
                reason: reason.clone()
            }
        );
        assert_eq!(verdict(None), State::Failed { reason });
    }
}
