//! What becomes of a plan for a service of which nothing may be written.

use super::*;
use crate::environment::Suspension;

/// Whether a suspension is in force. A run that does not know the time takes it
/// to be.
fn in_force(suspension: &Suspension, now: Option<i64>) -> bool {
    match (suspension.until, now) {
        (Some(until), Some(now)) => now < until,
        _ => true,
    }
}

/// A change stays to be seen, and cannot be carried out. What runs or is under
/// way is left alone, also where the rollout fails.
pub(super) fn suspend(
    service: &mut ServicePlan,
    suspension: Option<&Suspension>,
    now: Option<i64>,
) {
    let Some(suspension) = suspension else {
        return;
    };
    if !in_force(suspension, now) {
        service.notes.push(Note::SuspensionOver {
            until: suspension.until,
            at: suspension.at.clone(),
        });
        return;
    }
    service.watch_only = true;
    match &mut service.verdict {
        Verdict::Change(change) => {
            service.verdict = Verdict::Suspended(Box::new(Suspended {
                change: (**change).clone(),
                why: suspension.clone(),
            }));
            service.healthy = None;
            service.marked = false;
        }
        Verdict::InSync { .. } | Verdict::RollingOut(_) => {
            service.notes.push(Note::Suspended(suspension.clone()));
        }
        Verdict::FailedBefore(_) | Verdict::Blocked(_) | Verdict::Suspended(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::Location;

    fn until(until: Option<i64>) -> Suspension {
        Suspension {
            reason: "frozen".into(),
            until,
            at: Location {
                file: "prod.toml".into(),
                line: 1,
                column: 1,
            },
        }
    }

    fn planned(verdict: Verdict) -> ServicePlan {
        ServicePlan {
            name: "web".into(),
            key: ServiceKey {
                cluster: "prod".parse().unwrap(),
                service: "web".parse().unwrap(),
            },
            timeout: Duration::from_secs(60),
            on_failure: OnFailure::Rollback,
            watch_only: false,
            healthy: None,
            marked: false,
            live: None,
            verdict,
            notes: vec![],
        }
    }

    fn in_sync() -> Verdict {
        Verdict::InSync {
            revision: "arn:aws:ecs:us-west-1:123456789012:task-definition/web:7"
                .parse()
                .unwrap(),
        }
    }

    #[test]
    fn it_is_over_with_the_moment_that_it_names() {
        assert!(in_force(&until(None), Some(i64::MAX)));
        assert!(in_force(&until(Some(10)), Some(9)));
        assert!(!in_force(&until(Some(10)), Some(10)));
        assert!(in_force(&until(Some(10)), None));
    }

    #[test]
    fn what_runs_stays_what_it_is_and_is_not_touched() {
        let mut plan = planned(in_sync());
        suspend(&mut plan, Some(&until(None)), Some(0));
        assert_eq!(plan.verdict, in_sync());
        assert_eq!(plan.notes, [Note::Suspended(until(None))]);
        assert!(plan.watch_only);
    }

    #[test]
    fn one_that_is_over_is_a_note() {
        let mut plan = planned(in_sync());
        suspend(&mut plan, Some(&until(Some(10))), Some(11));
        assert!(!plan.watch_only);
        assert_eq!(
            plan.notes,
            [Note::SuspensionOver {
                until: Some(10),
                at: until(None).at
            }]
        );
        let mut plan = planned(in_sync());
        suspend(&mut plan, None, Some(11));
        assert_eq!(plan, planned(in_sync()));
    }
}
