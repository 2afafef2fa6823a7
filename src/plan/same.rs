//! Whether ECS would treat two documents as the same.
//!
//! Errs on one side only: documents that are called the same are the same to
//! ECS. Two that merely might be are called different, which costs a revision,
//! never a wrong one.

use serde_json::{Map, Value};

use crate::model::fields::{ListKind, default_value, list_kind};
use crate::model::{RESPONSE_ONLY, TaskDefinition, without_provenance};

/// Compares what would be registered: what responses add is left out; null,
/// absent and empty lists are equal; lists without order have none; what ECS
/// fills in is equal to what was left out.
pub(super) fn same(a: &TaskDefinition, b: &TaskDefinition) -> bool {
    canonical_document(a) == canonical_document(b)
}

/// Compares tags in any order, but for those that say where a revision comes
/// from.
pub(super) fn same_tags(a: &[Value], b: &[Value]) -> bool {
    let list = |tags: &[Value]| canonical_list("tags", &without_provenance(tags), false);
    list(a) == list(b)
}

fn canonical_document(document: &TaskDefinition) -> Map<String, Value> {
    // With awsvpc, ECS sets every hostPort to its containerPort.
    let awsvpc = document.text("networkMode") == Some("awsvpc");
    let mut request = document.as_map().clone();
    request.retain(|key, _| !RESPONSE_ONLY.contains(&key.as_str()));
    canonical_object("", &request, awsvpc)
}

fn canonical_object(parent: &str, object: &Map<String, Value>, awsvpc: bool) -> Map<String, Value> {
    let is_mapped_port = |key: &str, value: &Value| {
        awsvpc
            && parent == "portMappings"
            && key == "hostPort"
            && object.get("containerPort") == Some(value)
    };
    object
        .iter()
        .filter(|(key, value)| !is_mapped_port(key, value))
        .filter_map(|(key, value)| Some((key.clone(), canonical(parent, key, value, awsvpc)?)))
        .collect()
}

/// The value without what means nothing, or `None` when that is all of it.
fn canonical(parent: &str, field: &str, value: &Value, awsvpc: bool) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(list) if list.is_empty() => None,
        Value::Array(list) => Some(Value::Array(canonical_list(field, list, awsvpc))),
        Value::Object(object) => Some(Value::Object(canonical_object(field, object, awsvpc))),
        plain => (default_value(parent, field) != Some(plain.to_string().as_str()))
            .then(|| plain.clone()),
    }
}

fn canonical_list(field: &str, list: &[Value], awsvpc: bool) -> Vec<Value> {
    let mut elements: Vec<Value> = list
        .iter()
        .map(|element| match element {
            Value::Object(object) => Value::Object(canonical_object(field, object, awsvpc)),
            other => other.clone(),
        })
        .collect();
    match list_kind(field) {
        ListKind::Sequence => {}
        ListKind::Set => elements.sort_by_cached_key(Value::to_string),
        // The key first; then the whole element, for lists with duplicates.
        ListKind::Keyed(keys) => elements.sort_by_cached_key(|element| {
            let key: Vec<String> = keys
                .iter()
                .map(|key| element.get(key).map_or_else(String::new, Value::to_string))
                .collect();
            (key, element.to_string())
        }),
    }
    elements
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
