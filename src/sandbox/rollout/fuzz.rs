//! Whatever is done to a service, and whenever: the scheduler comes to an end,
//! and how often it is looked at makes no difference.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::super::state::Behaviour;
use super::tests::{deploy, service};
use super::*;

#[derive(Debug, Clone)]
enum Act {
    Deploy(Behaviour, &'static str),
    Scale(u32),
    RollBack,
    Abort,
    Answer(bool),
}

fn act() -> impl Strategy<Value = Act> {
    let behaviours = prop::sample::select(vec![
        Behaviour::Healthy,
        Behaviour::Slow,
        Behaviour::Unpullable,
        Behaviour::Crash,
        Behaviour::Unhealthy,
        Behaviour::FailsElb,
        Behaviour::NoCapacity,
        Behaviour::Alarm,
    ]);
    let strategies = prop::sample::select(vec!["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"]);
    prop_oneof![
        4 => (behaviours, strategies).prop_map(|(behaviour, strategy)| Act::Deploy(behaviour, strategy)),
        1 => (0..5u32).prop_map(Act::Scale),
        1 => Just(Act::RollBack),
        1 => Just(Act::Abort),
        2 => any::<bool>().prop_map(Act::Answer),
    ]
}

fn configuration(strategy: &str, breaker: bool) -> Value {
    json!({
        "strategy": strategy, "bakeTimeInMinutes": 1,
        "deploymentCircuitBreaker": {"enable": breaker, "rollback": true},
        "lifecycleHooks": [{"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP", "PRE_PRODUCTION_TRAFFIC_SHIFT"],
            "timeoutConfiguration": {"timeoutInMinutes": 2}}],
        "linearConfiguration": {"stepPercent": 30, "stepBakeTimeInMinutes": 1},
        "canaryConfiguration": {"canaryBakeTimeInMinutes": 1},
        "alarms": {"enable": true, "rollback": breaker, "alarmNames": ["a"]},
    })
}

fn perform(service: &mut Service, act: &Act, breaker: bool, now: Millis) {
    let goes_on = |service: &Service| {
        let current = service.current();
        current.is_some_and(|r| matches!(r.status.as_str(), "PENDING" | "IN_PROGRESS"))
    };
    match act {
        Act::Deploy(behaviour, strategy) => {
            let settings = configuration(strategy, breaker);
            service
                .settings
                .insert("deploymentConfiguration".to_owned(), settings);
            deploy(service, *behaviour, now);
            return;
        }
        Act::Scale(desired) => service.desired = *desired,
        Act::RollBack if goes_on(service) && can_roll_back(service) => {
            request_rollback(service, now);
        }
        Act::Abort if goes_on(service) => stop_here(service, now),
        Act::Answer(go_on) if goes_on(service) && (*go_on || can_roll_back(service)) => {
            let staged = service.current().and_then(|r| r.staged.as_ref());
            let hook = staged.and_then(|staged| staged.hooks.first());
            let id = hook.map(|hook| hook.id.clone()).unwrap_or_default();
            if resume(service, &id, *go_on, now) && !go_on {
                request_rollback(service, now);
            }
        }
        _ => return,
    }
    changed(service, now);
}

/// The service after all that, looked at every so often.
fn run(acts: &[(Millis, Act)], breaker: bool, step: usize) -> Service {
    let mut service = service(3, configuration("ROLLING", breaker));
    deploy(&mut service, Behaviour::Healthy, 0);
    let mut now = 0;
    for (gap, act) in acts {
        let next = now + gap;
        for moment in (now..next).step_by(step) {
            advance(&mut service, moment);
        }
        now = next;
        advance(&mut service, now);
        perform(&mut service, act, breaker, now);
    }
    for moment in (now..now + 1_000_000).step_by(step) {
        advance(&mut service, moment);
    }
    advance(&mut service, now + 1_000_000);
    service
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn how_often_one_looks_makes_no_difference(
        acts in prop::collection::vec((1..120_000i64, act()), 1..6),
        breaker in any::<bool>(),
    ) {
        let often = run(&acts, breaker, 977);
        let seldom = run(&acts, breaker, 1_000_000);
        prop_assert_eq!(
            serde_json::to_string(&often).unwrap(),
            serde_json::to_string(&seldom).unwrap()
        );
        let ended = often.history.iter().skip(1).all(|record| record.finished_at.is_some());
        prop_assert!(ended, "only the newest service deployment may still go on");
        let going_on = ["PENDING", "ROLLBACK_REQUESTED", "STOP_REQUESTED"];
        prop_assert!(often.history.iter().all(|r| !going_on.contains(&r.status.as_str())));
    }
}
