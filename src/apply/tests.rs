//! What a look right before a write says, on literal services.

use serde_json::json;

use super::*;
use crate::model::fields::{Path, Root};
use crate::plan::{Basis, Change, FieldChange, Target};

fn arn(revision: u64) -> RevisionArn {
    format!("arn:aws:ecs:us-west-1:123456789012:task-definition/web:{revision}")
        .parse()
        .unwrap()
}

/// Made against deployment `ecs-svc/now` of revision 41, from second 100.
fn to(target: Target) -> Change {
    let document: crate::model::TaskDefinition =
        serde_json::from_value(json!({"family": "web", "containerDefinitions": []})).unwrap();
    Change {
        basis: Basis {
            revision: arn(41),
            deployment: "ecs-svc/now".parse().unwrap(),
            made: Some(Moment::of(100.0)),
        },
        to: target,
        images: Vec::new(),
        fields: Vec::new(),
        service: crate::plan::ServiceChange::default(),
        restart: false,
        first: Vec::new(),
        supersedes: None,
        before: document.clone(),
        after: document,
        tags: Vec::new(),
        wanted_tags: Vec::new(),
        provenance: Vec::new(),
    }
}

/// With this PRIMARY deployment: id, revision, when it was made, state.
fn service(id: &str, revision: u64, made: Option<f64>, state: &str) -> Service {
    serde_json::from_value(json!({
        "serviceArn": "arn:aws:ecs:us-west-1:123456789012:service/prod/web",
        "status": "ACTIVE",
        "deployments": [{
            "id": format!("ecs-svc/{id}"), "status": "PRIMARY", "taskDefinition": arn(revision),
            "rolloutState": state, "createdAt": made,
        }],
    }))
    .unwrap()
}

fn says(change: &Change, service: &Service) -> &'static str {
    match still(change, service) {
        Still::Planned => "planned",
        Still::Done(_) => "done",
        Still::Moved(_) => "moved",
    }
}

#[test]
fn what_was_planned_against_is_still_there() {
    let change = to(Target::Existing(arn(42)));
    let seen = service("now", 41, Some(100.0), "COMPLETED");
    assert_eq!(says(&change, &seen), "planned");
}

/// Revision 42 ran before, as deployment `then`; a look that lags shows that
/// again. Nobody has done now what is planned.
#[test]
fn an_older_deployment_seen_again_is_not_the_planned_one() {
    let change = to(Target::Existing(arn(42)));
    for made in [Some(50.0), Some(99.999), Some(100.0), None] {
        for state in ["COMPLETED", "IN_PROGRESS"] {
            let seen = service("then", 42, made, state);
            assert_eq!(says(&change, &seen), "moved", "{made:?} {state}");
        }
    }
}

#[test]
fn a_newer_deployment_of_the_planned_revision_is() {
    let change = to(Target::Existing(arn(42)));
    for state in ["COMPLETED", "IN_PROGRESS"] {
        let seen = service("next", 42, Some(100.001), state);
        let Still::Done(waiting) = still(&change, &seen) else {
            panic!("{state}");
        };
        assert_eq!(waiting.how, How::AlreadyDone);
        assert_eq!(
            waiting.watched.deployment,
            Some("ecs-svc/next".parse().unwrap())
        );
    }
}

#[test]
fn any_other_newer_deployment_is_not() {
    let existing = to(Target::Existing(arn(42)));
    let next = |revision, state| service("next", revision, Some(200.0), state);
    // Another revision; one that failed; one that goes back.
    assert_eq!(says(&existing, &next(43, "COMPLETED")), "moved");
    assert_eq!(says(&existing, &next(42, "FAILED")), "moved");
    let mut back = next(42, "IN_PROGRESS");
    back.deployments[0].rollout_state_reason =
        Some("rolling back to deploymentId ecs-svc/1".into());
    assert_eq!(says(&existing, &back), "moved");
    // Whatever is to be registered, or restarted, nobody else can have done.
    let new = to(Target::New(serde_json::Map::new()));
    assert_eq!(says(&new, &next(42, "COMPLETED")), "moved");
    let restart = Change {
        restart: true,
        ..to(Target::Existing(arn(41)))
    };
    assert_eq!(says(&restart, &next(41, "COMPLETED")), "moved");
    // Nor is a change of the service's own fields done by a mere deployment.
    for revision in [41, 42] {
        let mut fields = to(Target::Existing(arn(revision)));
        fields.service.fields.push(FieldChange {
            path: Path::new(Root::Service).field("desiredCount"),
            from: Some(json!(3)),
            to: Some(json!(4)),
            at: None,
        });
        assert_eq!(says(&fields, &next(revision, "COMPLETED")), "moved");
    }
}

/// Somebody restarted the service; nobody has changed its network.
#[test]
fn a_newer_deployment_tells_nothing_of_the_services_other_fields() {
    for (revision, target) in [(41, arn(41)), (42, arn(42))] {
        let mut change = to(Target::Existing(target));
        change.service.update = serde_json::Map::from_iter([("desiredCount".into(), json!(3))]);
        change.service.fields = vec![crate::plan::FieldChange {
            path: crate::model::fields::Path::new(crate::model::fields::Root::Service)
                .field("desiredCount"),
            from: Some(json!(2)),
            to: Some(json!(3)),
            at: None,
        }];
        let seen = service("next", revision, Some(200.0), "COMPLETED");
        assert_eq!(says(&change, &seen), "moved", "{revision}");
    }
}

#[test]
fn a_service_that_is_drained_is_not_written_to() {
    let mut seen = service("now", 41, Some(100.0), "COMPLETED");
    seen.status = "DRAINING".into();
    assert_eq!(says(&to(Target::Existing(arn(42))), &seen), "moved");
}
