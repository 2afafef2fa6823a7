use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::corpus::documents;
use crate::model::fields::{
    Context, Kind, ListKind, Path, Root, SERVICE, TASK_DEFINITION, Unit, canonical, canonical_shape,
};

fn form(document: &Map<String, Value>) -> Map<String, Value> {
    canonical_shape(&TASK_DEFINITION, document, Context::of(document))
}

#[track_caller]
fn same(a: Value, b: Value) {
    let form = |value: &Value| form(value.as_object().expect("an object"));
    assert_eq!(form(&a), form(&b));
}

#[track_caller]
fn different(a: Value, b: Value) {
    let form = |value: &Value| form(value.as_object().expect("an object"));
    assert_ne!(form(&a), form(&b));
}

#[test]
fn units_are_those_of_the_task_alone() {
    same(
        json!({"cpu": "1 vCPU", "memory": "2GB"}),
        json!({"cpu": "1024", "memory": 2048}),
    );
    different(json!({"cpu": "1 GB"}), json!({"cpu": "1024"}));
    different(json!({"cpu": "1024"}), json!({"memory": "1024"}));
    let app = |cpu: Value| json!({"containerDefinitions": [{"name": "app", "cpu": cpu}]});
    different(app(json!("512")), app(json!(512)));
    different(app(json!("1 vCPU")), app(json!(1024)));
}

#[test]
fn host_ports_follow_the_network_mode() {
    let with = |mode: &str, port: Value| json!({"networkMode": mode, "containerDefinitions": [{"portMappings": [port]}]});
    let bare = json!({"containerPort": 80});
    let mapped = json!({"containerPort": 80, "hostPort": 80});
    same(with("awsvpc", bare.clone()), with("awsvpc", mapped.clone()));
    different(with("bridge", bare.clone()), with("bridge", mapped));
    same(
        with("bridge", bare),
        with("bridge", json!({"containerPort": 80, "hostPort": 0})),
    );
}

#[test]
fn one_name_means_different_things_in_different_places() {
    // A volume's `name` list is keyed; what an unknown field holds is not.
    let list = json!([{"name": "b"}, {"name": "a"}]);
    let turned = json!([{"name": "a"}, {"name": "b"}]);
    same(json!({"volumes": list}), json!({"volumes": turned}));
    different(
        json!({"someday": {"volumes": list}}),
        json!({"someday": {"volumes": turned}}),
    );
    // As does a default of a container in an unknown field.
    different(
        json!({"someday": {"essential": true}}),
        json!({"someday": {}}),
    );
    same(json!({"someday": null}), json!({"someday": []}));
    different(json!({"someday": {}}), json!({}));
    same(
        json!({"volumes": [{"name": "a", "host": {}}]}),
        json!({"volumes": [{"name": "a"}]}),
    );
}

#[test]
fn keys_of_lists_count_with_their_defaults() {
    let ports = |list: Value| json!({"containerDefinitions": [{"portMappings": list}]});
    same(
        ports(json!([{"containerPort": 53, "protocol": "udp"}, {"containerPort": 53}])),
        ports(
            json!([{"containerPort": 53, "protocol": "tcp"}, {"protocol": "udp", "containerPort": 53}]),
        ),
    );
}

#[test]
fn a_service_is_compared_by_the_same_rules() {
    let form = |value: Value| {
        canonical_shape(
            &SERVICE,
            value.as_object().expect("an object"),
            Context::default(),
        )
    };
    let canary = |percent: Value| json!({"deploymentConfiguration": {"canaryConfiguration": {"canaryPercent": percent}}});
    assert_eq!(form(canary(json!(7))), form(canary(json!(7.0))));
    assert_ne!(form(canary(json!(7))), form(canary(json!(7.5))));
    let network = |subnets: Value, ip: Value| json!({"networkConfiguration": {"awsvpcConfiguration": {"subnets": subnets, "assignPublicIp": ip}}});
    assert_eq!(
        form(network(json!(["a", "b"]), json!("DISABLED"))),
        form(network(json!(["b", "a"]), json!(null)))
    );
    assert_ne!(
        form(network(json!(["a", "b"]), json!("ENABLED"))),
        form(network(json!(["b", "a"]), json!(null)))
    );
    let count = |count: u8| form(json!({"desiredCount": count}));
    assert_ne!(count(0), form(json!({})));
}

#[test]
fn a_single_value_has_the_form_of_its_field() {
    let kind = Path::new(Root::Task).field("cpu").kind().expect("a kind");
    let form = |value: Value| canonical(&kind, &value, Context::default());
    assert_eq!(kind, Kind::Units(Unit::Cpu));
    assert_eq!(form(json!("1 vCPU")), Some(json!("1024")));
    assert_eq!(form(json!(null)), None);
    assert_eq!(form(json!("lots")), Some(json!("lots")));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_ecs_makes_of_a_document_is_the_same(which in 0..276_usize, seed: u64) {
        let (_, document) = &documents()[which];
        let mut rng = fastrand::Rng::with_seed(seed);
        let awsvpc = Context::of(document).awsvpc;
        let other = said_otherwise(&Kind::Object(&TASK_DEFINITION), &document.clone().into(), awsvpc, &mut rng);
        let other = other.as_object().expect("an object");
        let (a, b) = (form(document), form(other));
        prop_assert_eq!(&a, &b);
        prop_assert_eq!(&form_again(&a, awsvpc), &a);
    }

    #[test]
    fn any_change_is_a_difference(which in 0..276_usize, seed: u64) {
        let (_, document) = &documents()[which];
        let mut rng = fastrand::Rng::with_seed(seed);
        let mut changed = Value::Object(document.clone());
        let count = leaves(&Kind::Object(&TASK_DEFINITION), &mut changed, usize::MAX, &mut rng);
        let chosen = rng.usize(..count);
        leaves(&Kind::Object(&TASK_DEFINITION), &mut changed, chosen, &mut rng);
        let changed = changed.as_object().expect("an object");
        prop_assert_ne!(document, changed);
        prop_assert_ne!(form(document), form(changed));
    }
}

/// The canonical form has lost its network mode only where that is bridge.
fn form_again(form: &Map<String, Value>, awsvpc: bool) -> Map<String, Value> {
    canonical_shape(&TASK_DEFINITION, form, Context { awsvpc })
}

/// The value, written in another way that ECS takes for the same.
fn said_otherwise(kind: &Kind, value: &Value, awsvpc: bool, rng: &mut fastrand::Rng) -> Value {
    match (kind, value) {
        (Kind::Object(shape), Value::Object(object)) => {
            let mut fields: Vec<(String, Value)> = object
                .iter()
                .map(|(name, value)| {
                    let value = match shape.field(name) {
                        Some(field) => said_otherwise(&field.kind, value, awsvpc, rng),
                        None => value.clone(),
                    };
                    (name.clone(), value)
                })
                .collect();
            for field in shape.fields.iter().filter(|_| rng.bool()) {
                let is = |(name, _): &(String, Value)| name == field.name;
                let position = fields.iter().position(is);
                let default = field
                    .default
                    .map(|text| serde_json::from_str::<Value>(text).expect("JSON"));
                match (position, default) {
                    (Some(position), Some(default)) if fields[position].1 == default => {
                        fields.remove(position);
                    }
                    (None, Some(default)) => fields.push((field.name.to_owned(), default)),
                    (None, None) if matches!(field.kind, Kind::List(..)) => {
                        fields.push((field.name.to_owned(), json!([])));
                    }
                    (None, None) => fields.push((field.name.to_owned(), Value::Null)),
                    _ => {}
                }
            }
            if awsvpc
                && let Some(port) = object.get("containerPort")
                && shape.field("hostPort").is_some()
                && let Some(host) = fields.iter_mut().find(|(name, _)| name == "hostPort")
                && host.1 == 0
            {
                host.1 = port.clone();
            }
            rng.shuffle(&mut fields);
            fields.into_iter().collect::<Map<_, _>>().into()
        }
        (Kind::List(element, list_kind), Value::Array(list)) => {
            let mut list: Vec<Value> = list
                .iter()
                .map(|value| said_otherwise(element, value, awsvpc, rng))
                .collect();
            if *list_kind != ListKind::Sequence {
                rng.shuffle(&mut list);
            }
            list.into()
        }
        (Kind::Units(unit), value) => {
            let Some(number) = unit.normal(value) else {
                return value.clone();
            };
            let word = if *unit == Unit::Cpu { "vCPU" } else { "GB" };
            let thousand: f64 = number.parse::<f64>().expect("a number") / 1024.0;
            match rng.u8(..4) {
                0 => number.into(),
                1 => format!("{thousand} {word}").into(),
                2 => format!("{thousand}{}", word.to_lowercase()).into(),
                _ => value.clone(),
            }
        }
        _ => value.clone(),
    }
}

/// Counts the places where one change can be made, and makes that at one.
fn leaves(kind: &Kind, value: &mut Value, chosen: usize, rng: &mut fastrand::Rng) -> usize {
    let mut count = 0;
    let mut here = |change: &mut dyn FnMut()| {
        if count == chosen {
            change();
        }
        count += 1;
    };
    match value {
        Value::Null => 0,
        Value::Bool(truth) => {
            here(&mut || *truth = !*truth);
            count
        }
        Value::Number(number) => {
            let next = number.as_f64().expect("a number") as i64 + 1;
            here(&mut || *number = next.into());
            count
        }
        Value::String(text) => {
            here(&mut || text.push('x'));
            count
        }
        Value::Array(list) => {
            let sequence = !matches!(kind, Kind::List(_, ListKind::Keyed(_) | ListKind::Set));
            if !list.is_empty() {
                let last = rng.usize(..list.len());
                here(&mut || {
                    list.remove(last);
                });
            }
            if sequence && list.len() > 1 && list[0] != list[1] {
                here(&mut || list.swap(0, 1));
            }
            let element = match kind {
                Kind::List(element, _) => *element,
                _ => &Kind::Any,
            };
            for value in list {
                count += leaves(element, value, chosen.wrapping_sub(count), rng);
            }
            count
        }
        Value::Object(object) => {
            for (name, value) in object {
                let field = kind.shape().and_then(|shape| shape.field(name));
                let kind = field.map_or(Kind::Any, |field| field.kind);
                count += leaves(&kind, value, chosen.wrapping_sub(count), rng);
            }
            count
        }
    }
}
