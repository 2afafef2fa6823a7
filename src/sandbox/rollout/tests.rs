//! The scheduler on literals: no requests, no clock.

use serde_json::{Value, json};

use super::super::state::{Behaviour, DeployedContainer, Scope};
use super::*;

pub(super) fn service(desired: u32, configuration: Value) -> Service {
    let Value::Object(settings) = json!({"deploymentConfiguration": configuration}) else {
        panic!("an object")
    };
    let scope = Scope {
        account: "123456789012".parse().unwrap(),
        region: "us-west-1".parse().unwrap(),
    };
    Service {
        settings,
        desired,
        ..Service::new(scope, "prod", "api", 0)
    }
}

fn wanted(behaviour: Behaviour) -> Wanted {
    let container = DeployedContainer {
        name: "app".to_owned(),
        image: "app:1".to_owned(),
        digest: None,
        essential: true,
        behaviour,
        secret: None,
        log: None,
    };
    Wanted {
        task_definition: "api:1".to_owned(),
        containers: vec![container],
    }
}

pub(super) fn deploy(service: &mut Service, behaviour: Behaviour, now: Millis) {
    begin(service, wanted(behaviour), now);
    changed(service, now);
}

fn running(service: &Service) -> usize {
    service.tasks.iter().filter(|task| task.runs()).count()
}

#[test]
fn a_service_at_rest_has_nothing_due() {
    let mut service = service(2, json!({}));
    deploy(&mut service, Behaviour::Healthy, 0);
    advance(&mut service, 20_000);
    assert_eq!(service.deployments[0].rollout, Rollout::Completed);
    assert_eq!(next_moment(&service), None);
    let before = serde_json::to_string(&service).unwrap();
    advance(&mut service, 1_000_000_000);
    assert_eq!(serde_json::to_string(&service).unwrap(), before);
}

#[test]
fn many_small_steps_and_one_big_step_end_alike() {
    let run = |step: usize| {
        let mut service = service(
            3,
            json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}}),
        );
        deploy(&mut service, Behaviour::Healthy, 0);
        advance(&mut service, 20_000);
        deploy(&mut service, Behaviour::Crash, 20_000);
        for now in (20_000..=60_000).step_by(step) {
            advance(&mut service, now);
        }
        serde_json::to_string(&service).unwrap()
    };
    assert_eq!(run(40), run(40_000));
}

#[test]
fn stages_end_alike_in_many_small_steps_and_one_big_one() {
    let hook = json!({"targetType": "PAUSE", "lifecycleStages": ["POST_SCALE_UP", "PRODUCTION_TRAFFIC_SHIFT"],
        "timeoutConfiguration": {"timeoutInMinutes": 1, "action": "CONTINUE"}});
    let configuration = json!({
        "strategy": "LINEAR", "bakeTimeInMinutes": 3, "lifecycleHooks": [hook],
        "linearConfiguration": {"stepPercent": 25, "stepBakeTimeInMinutes": 1},
        "alarms": {"enable": true, "rollback": true, "alarmNames": ["a"]},
    });
    for behaviour in [Behaviour::Healthy, Behaviour::Alarm] {
        let run = |step: usize| {
            let mut service = service(3, configuration.clone());
            deploy(&mut service, Behaviour::Healthy, 0);
            advance(&mut service, 1_000_000);
            deploy(&mut service, behaviour, 1_000_000);
            for now in (1_000_000..=2_000_000).step_by(step) {
                advance(&mut service, now);
            }
            assert_eq!(service.deployments[0].rollout, Rollout::Completed);
            assert_eq!(next_moment(&service), None);
            serde_json::to_string(&service).unwrap()
        };
        assert_eq!(run(50), run(1_000_000));
    }
}

#[test]
fn running_tasks_stay_between_minimum_and_maximum() {
    for (least, most) in [(100, 200), (50, 100), (0, 100), (100, 150), (50, 150)] {
        let mut service = service(
            4,
            json!({"minimumHealthyPercent": least, "maximumPercent": most}),
        );
        deploy(&mut service, Behaviour::Healthy, 0);
        advance(&mut service, 60_000);
        deploy(&mut service, Behaviour::Healthy, 60_000);
        for now in (60_000..180_000).step_by(50) {
            advance(&mut service, now);
            assert!(
                healthy(&service) >= minimum(&service),
                "{least}/{most} at {now}"
            );
            assert!(
                living(&service) <= maximum(&service),
                "{least}/{most} at {now}"
            );
        }
        assert_eq!(service.deployments.len(), 1, "{least}/{most}");
        assert_eq!(
            service.deployments[0].rollout,
            Rollout::Completed,
            "{least}/{most}"
        );
    }
}

#[test]
fn with_no_room_at_all_a_rollout_is_stuck_as_it_is_on_ecs() {
    let mut service = service(
        2,
        json!({"minimumHealthyPercent": 100, "maximumPercent": 100}),
    );
    deploy(&mut service, Behaviour::Healthy, 0);
    advance(&mut service, 20_000);
    deploy(&mut service, Behaviour::Healthy, 20_000);
    advance(&mut service, 86_400_000);
    assert_eq!((service.deployments.len(), running(&service)), (2, 2));
}

#[test]
fn the_threshold_is_half_of_the_desired_count_within_bounds() {
    let with = |desired, configuration: Value| {
        let breaker = json!({"deploymentCircuitBreaker": {"enable": true, "thresholdConfiguration": configuration}});
        breaker::threshold(&service(desired, breaker))
    };
    assert_eq!(
        [1, 6, 7, 1_000].map(|desired| with(desired, Value::Null)),
        [3, 3, 4, 200]
    );
    assert_eq!(with(10, json!({"type": "COUNT", "value": 1})), 1);
    assert_eq!(
        with(1_000, json!({"type": "UNBOUNDED_PERCENT", "value": 30})),
        300
    );
    assert_eq!(with(10, json!({"type": "BOUNDED_PERCENT", "value": 80})), 8);
}

#[test]
fn a_first_deployment_that_fails_has_nothing_to_go_back_to() {
    let mut service = service(
        1,
        json!({"deploymentCircuitBreaker": {"enable": true, "rollback": true}}),
    );
    deploy(&mut service, Behaviour::Unpullable, 0);
    advance(&mut service, 3_600_000);
    assert_eq!(service.deployments[0].rollout, Rollout::Failed);
    assert_eq!(service.history[0].status, "STOPPED");
    assert_eq!(next_moment(&service), None);
}

#[test]
fn no_desired_task_is_a_steady_state_too() {
    let mut service = service(0, json!({}));
    deploy(&mut service, Behaviour::Crash, 0);
    advance(&mut service, 5_000);
    assert_eq!(service.deployments[0].rollout, Rollout::Completed);
}
