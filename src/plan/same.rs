//! Whether ECS would treat two documents as the same.
//!
//! Errs on one side only: documents that are called the same are the same to
//! ECS. Two that merely might be are called different, which costs a revision,
//! never a wrong one.

use serde_json::{Map, Value};

use crate::model::fields::{Context, Path, Root, TASK_DEFINITION, canonical, canonical_shape};
use crate::model::{RESPONSE_ONLY, TaskDefinition, without_provenance};

/// Compares what would be registered, without what responses add to it.
pub(super) fn same(a: &TaskDefinition, b: &TaskDefinition) -> bool {
    canonical_document(a) == canonical_document(b)
}

/// Compares tags in any order, but for those that say where a revision comes
/// from.
pub(super) fn same_tags(a: &[Value], b: &[Value]) -> bool {
    let kind = Path::new(Root::Task).field("tags").kind();
    let list = |tags: &[Value]| {
        let tags = Value::from(without_provenance(tags));
        kind.and_then(|kind| canonical(&kind, &tags, Context::default()))
    };
    list(a) == list(b)
}

fn canonical_document(document: &TaskDefinition) -> Map<String, Value> {
    let mut request = document.as_map().clone();
    request.retain(|key, _| !RESPONSE_ONLY.contains(&key.as_str()));
    canonical_shape(&TASK_DEFINITION, &request, Context::of(&request))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> TaskDefinition {
        serde_json::from_str(text).unwrap()
    }

    #[track_caller]
    fn equal(a: &str, b: &str) {
        assert!(same(&document(a), &document(b)), "{a}\n{b}");
    }

    #[track_caller]
    fn differ(a: &str, b: &str) {
        assert!(!same(&document(a), &document(b)), "{a}\n{b}");
    }

    #[test]
    fn what_ecs_adds_makes_no_difference() {
        equal(
            r#"{"family":"f","networkMode":"awsvpc","containerDefinitions":[{"name":"a","image":"i","portMappings":[{"containerPort":80}]}]}"#,
            r#"{"taskDefinitionArn":"x","revision":3,"status":"ACTIVE","volumes":[],"placementConstraints":[],
                "containerDefinitions":[{"portMappings":[{"hostPort":80,"containerPort":80,"protocol":"tcp"}],"environment":[],"cpu":0,"image":"i","name":"a","essential":true,"mountPoints":null}],
                "networkMode":"awsvpc","family":"f"}"#,
        );
        equal(r#"{"networkMode":"bridge"}"#, "{}");
    }

    #[test]
    fn lists_without_order_have_none() {
        equal(
            r#"{"containerDefinitions":[{"name":"a","environment":[{"name":"X","value":"1"},{"name":"Y","value":"2"}]},{"name":"b"}]}"#,
            r#"{"containerDefinitions":[{"name":"b"},{"name":"a","environment":[{"value":"2","name":"Y"},{"name":"X","value":"1"}]}]}"#,
        );
        equal(
            r#"{"requiresCompatibilities":["EC2","FARGATE"]}"#,
            r#"{"requiresCompatibilities":["FARGATE","EC2"]}"#,
        );
    }

    #[test]
    fn what_differs_is_never_called_the_same() {
        let app = |field: &str| format!(r#"{{"containerDefinitions":[{{"name":"a",{field}}}]}}"#);
        for (a, b) in [
            (r#""command":["a","b"]"#, r#""command":["b","a"]"#),
            (r#""cpu":1"#, r#""cpu":0"#),
            (r#""essential":false"#, r#""essential":true"#),
            (r#""image":"i:1""#, r#""image":"i:2""#),
            (
                r#""portMappings":[{"containerPort":80,"protocol":"udp"}]"#,
                r#""portMappings":[{"containerPort":80}]"#,
            ),
            (
                r#""portMappings":[{"containerPort":80,"hostPort":8080}]"#,
                r#""portMappings":[{"containerPort":80}]"#,
            ),
            (
                r#""environment":[{"name":"A","value":""}]"#,
                r#""environment":[{"name":"A"}]"#,
            ),
            (r#""someday":{}"#, r#""x":{}"#),
            (r#""someday":1"#, r#""someday":1.0"#),
        ] {
            differ(&app(a), &app(b));
        }
        differ(r#"{"cpu":"256"}"#, r#"{"cpu":"512"}"#);
        differ(r#"{"family":"a"}"#, r#"{"family":"b"}"#);
    }

    #[test]
    fn where_a_revision_comes_from_makes_no_difference() {
        let tag = |key: &str| serde_json::json!({"key": key, "value": "1"});
        let of = |commit: &str| [tag("team"), tag(commit)];
        assert!(same_tags(&of("evenkeel:commit"), &of("evenkeel:run")));
        assert!(same_tags(&of("evenkeel:commit"), &[tag("team")]));
        assert!(!same_tags(&of("evenkeel:commit"), &[]));
    }

    #[test]
    fn tags_are_compared_in_any_order() {
        let tag = |key: &str| serde_json::json!({"key": key, "value": "v"});
        assert!(same_tags(&[tag("a"), tag("b")], &[tag("b"), tag("a")]));
        assert!(!same_tags(&[tag("a")], &[tag("a"), tag("b")]));
    }
}
