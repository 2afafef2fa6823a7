use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::corpus::documents;
use crate::model::fields::{Identity, Kind, Path, Root, Step, join, split};

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        other => panic!("{other}"),
    }
}

fn by(field: &str, value: &str) -> Identity {
    vec![(field.to_owned(), value.into())]
}

fn variable(name: &str) -> Path {
    let list = Path::container("app").field("environment");
    list.element(by("name", name)).field("value")
}

fn port(written: &str) -> Path {
    let list = Path::container("app").field("portMappings");
    let key = list.kind().and_then(|kind| kind.key()).expect("a key");
    list.element(key.read(written).expect("a port"))
}

#[test]
fn paths_read_as_the_file_spells_them() {
    let labels = Path::container("app").field("dockerLabels");
    let tag = Path::new(Root::Service)
        .field("tags")
        .element(by("key", "team"));
    let volume = Path::new(Root::Task)
        .field("volumes")
        .element(by("name", "data"));
    for (path, text) in [
        (
            variable("LOG_LEVEL"),
            "containers.app.environment.LOG_LEVEL",
        ),
        (variable("a.b"), r#"containers.app.environment."a.b""#),
        (port("8080"), "containers.app.portMappings.8080/tcp"),
        (
            port("53/udp").field("hostPort"),
            "containers.app.portMappings.53/udp.hostPort",
        ),
        (
            port("8000-8010"),
            "containers.app.portMappings.8000-8010/tcp",
        ),
        (
            labels.field("traefik.enable"),
            r#"containers.app.dockerLabels."traefik.enable""#,
        ),
        (
            volume.clone().field("host").field("sourcePath"),
            "task.volumes.data.host.sourcePath",
        ),
        (volume, "task.volumes.data"),
        (tag.field("value"), "service.tags.team"),
        (
            Path::new(Root::Service).field("desiredCount"),
            "service.desiredCount",
        ),
        (Path::new(Root::Task).field("cpu"), "task.cpu"),
        (Path::new(Root::Task), "task"),
    ] {
        assert_eq!(path.to_string(), text);
    }
}

#[test]
fn ports_are_written_in_more_than_one_way() {
    let list = Path::container("app").field("portMappings");
    let key = list.kind().and_then(|kind| kind.key()).expect("a key");
    assert_eq!(key.read("80"), key.read("80/tcp"));
    for wrong in [
        "",
        "http",
        "0",
        "080",
        "70000",
        "80-",
        "90-80",
        "80/sctp",
        "80/TCP",
        "-1",
        "80/tcp/udp",
    ] {
        assert!(key.read(wrong).is_err(), "{wrong}");
    }
    let element = json!({"containerPort": 80, "hostPort": 80});
    let shape = list.kind().and_then(|kind| kind.shape()).expect("a shape");
    assert_eq!(key.identity_of(shape, &element), key.read("80").ok());
    assert_eq!(key.identity_of(shape, &json!({"name": "web"})), None);
}

#[test]
fn what_is_missing_on_the_way_is_made() {
    let mut document = object(json!({"family": "f", "containerDefinitions": null}));
    variable("A").set(&mut document, "1".into()).unwrap();
    variable("B").set(&mut document, "2".into()).unwrap();
    port("8080")
        .field("appProtocol")
        .set(&mut document, "http".into())
        .unwrap();
    port("53/udp").set(&mut document, json!({})).unwrap();
    let options = Path::container("app")
        .field("logConfiguration")
        .field("options");
    options
        .field("awslogs-group")
        .set(&mut document, "g".into())
        .unwrap();
    assert_eq!(
        Value::Object(document).to_string(),
        r#"{"family":"f","containerDefinitions":[{"name":"app","environment":[{"name":"A","value":"1"},{"name":"B","value":"2"}],"portMappings":[{"containerPort":8080,"appProtocol":"http"},{"containerPort":53,"protocol":"udp"}],"logConfiguration":{"options":{"awslogs-group":"g"}}}]}"#
    );
}

#[test]
fn an_element_is_found_by_what_it_means() {
    let text = r#"{"containerDefinitions":[{"someday":1.50,"portMappings":[{"hostPort":1,"containerPort":53,"protocol":"udp"},{"protocol":null,"containerPort":53}],"name":"app"}]}"#;
    let mut document: Map<String, Value> = serde_json::from_str(text).unwrap();
    assert_eq!(
        port("53").get(&document),
        Ok(Some(&json!({"protocol": null, "containerPort": 53})))
    );
    port("53")
        .field("name")
        .set(&mut document, "dns".into())
        .unwrap();
    port("53/udp")
        .field("hostPort")
        .set(&mut document, 2.into())
        .unwrap();
    // An element that is there already is only asked for.
    port("53/udp").set(&mut document, json!({})).unwrap();
    let changed = text
        .replace(r#""hostPort":1"#, r#""hostPort":2"#)
        .replace("}],\"name\"", ",\"name\":\"dns\"}],\"name\"");
    assert_eq!(Value::Object(document.clone()).to_string(), changed);
    assert_eq!(
        port("53").remove(&mut document),
        Ok(Some(
            json!({"protocol": null, "containerPort": 53, "name": "dns"})
        ))
    );
    assert_eq!(port("53").remove(&mut document), Ok(None));
    assert_eq!(port("53").get(&document), Ok(None));
    assert_eq!(port("53").field("name").get(&document), Ok(None));
}

#[test]
fn lists_and_maps_are_replaced_or_merged() {
    let mut document = object(
        json!({"containerDefinitions": [{"name": "app", "command": ["a"], "dockerLabels": {"a": "1"}}]}),
    );
    let app = Path::container("app");
    app.clone()
        .field("command")
        .set(&mut document, json!(["b", "c"]))
        .unwrap();
    app.clone()
        .field("dockerLabels")
        .set(&mut document, json!({}))
        .unwrap();
    app.clone()
        .field("dockerLabels")
        .field("b")
        .set(&mut document, "2".into())
        .unwrap();
    app.clone()
        .field("linuxParameters")
        .set(&mut document, json!({}))
        .unwrap();
    app.clone()
        .field("someday")
        .set(&mut document, json!({"x": 1}))
        .unwrap();
    app.field("someday")
        .set(&mut document, json!({"y": 1}))
        .unwrap();
    assert_eq!(
        Value::Object(document),
        json!({"containerDefinitions": [{"name": "app", "command": ["b", "c"], "dockerLabels": {"a": "1", "b": "2"}, "linuxParameters": {}, "someday": {"y": 1}}]})
    );
}

#[test]
fn a_document_of_another_shape_is_said_and_left_alone() {
    let doubled = json!([{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]);
    for (environment, why) in [
        (
            json!({"A": "1"}),
            "containers.app.environment is an object, not a list",
        ),
        (
            json!("A=1"),
            "containers.app.environment is a string, not a list",
        ),
        (
            doubled,
            "containers.app.environment.A is there more than once, not one element",
        ),
    ] {
        let mut document =
            object(json!({"containerDefinitions": [{"name": "app", "environment": environment}]}));
        let before = document.clone();
        let path = variable("A");
        assert_eq!(path.get(&document).unwrap_err().to_string(), why);
        assert_eq!(
            path.set(&mut document, "3".into()).unwrap_err().to_string(),
            why
        );
        assert_eq!(path.remove(&mut document).unwrap_err().to_string(), why);
        assert_eq!(document, before);
    }
    let mut document = object(json!({"runtimePlatform": 5}));
    let path = Path::new(Root::Task)
        .field("runtimePlatform")
        .field("cpuArchitecture");
    assert_eq!(
        path.set(&mut document, "ARM64".into())
            .unwrap_err()
            .to_string(),
        "task.runtimePlatform is a number, not an object"
    );
}

/// The path of every value in a document that has one, with its value.
pub(super) fn places(document: &Map<String, Value>) -> Vec<(Path, Value)> {
    fn below(path: &Path, value: &Value, places: &mut Vec<(Path, Value)>) {
        if !path.steps.is_empty() {
            places.push((path.clone(), value.clone()));
        }
        let kind = path.kind();
        match value {
            Value::Object(object) => {
                for (name, value) in object {
                    below(&path.clone().field(name), value, places);
                }
            }
            Value::Array(list) => {
                let (Some(key), Some(shape)) = (
                    kind.and_then(|kind| kind.key()),
                    kind.and_then(|kind| kind.shape()),
                ) else {
                    return;
                };
                for element in list {
                    if let Some(identity) = key.identity_of(shape, element) {
                        below(&path.clone().element(identity), element, places);
                    }
                }
            }
            _ => {}
        }
    }
    let mut places = Vec::new();
    below(
        &Path::new(Root::Task),
        &Value::Object(document.clone()),
        &mut places,
    );
    places
}

#[test]
fn every_value_of_the_corpus_has_a_path() {
    let mut doubled = Vec::new();
    for (name, document) in documents() {
        for (path, value) in places(document) {
            match path.get(document) {
                Ok(found) => assert_eq!(found, Some(&value), "{name}: {path}"),
                Err(error) => {
                    assert!(
                        error
                            .to_string()
                            .ends_with("is there more than once, not one element"),
                        "{name}: {error}"
                    );
                    doubled.push(name.clone());
                }
            }
        }
    }
    doubled.dedup();
    // Containers, variables or hosts of one name; a port without a number.
    assert_eq!(doubled.join(" "), "118 119 152");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn names_come_back_from_their_path(names in prop::collection::vec(".*", 1..5)) {
        let text = join(names.iter().map(String::as_str));
        prop_assert_eq!(split(&text).unwrap(), names);
    }

    #[test]
    fn splitting_never_fails_but_in_words(text in ".*") {
        if let Err(bad) = split(&text) {
            prop_assert!(text.is_char_boundary(bad.at));
        }
    }

    /// Setting changes nothing but its place, and removing takes nothing else.
    #[test]
    fn only_the_place_is_touched(which in 0..276_usize, seed: u64) {
        let (_, document) = &documents()[which];
        let mut rng = fastrand::Rng::with_seed(seed);
        let places = places(document);
        let (path, value) = &places[rng.usize(..places.len())];
        if path.get(document).is_err() {
            return Ok(());
        }
        let mut changed = document.clone();
        path.set(&mut changed, value.clone()).unwrap();
        prop_assert_eq!(text(&changed), text(document));
        let merged = matches!(path.kind(), Some(Kind::Object(_) | Kind::Map)) && value.is_object();
        if merged {
            path.set(&mut changed, json!({"made up": [1]})).unwrap();
            let added = path.clone().field("made up").remove(&mut changed);
            prop_assert_eq!(added, Ok(Some(json!([1]))));
        } else if !is_identity(path) {
            let other = json!({"made up": [1]});
            path.set(&mut changed, other.clone()).unwrap();
            prop_assert_eq!(path.get(&changed), Ok(Some(&other)));
            path.set(&mut changed, Value::Null).unwrap();
            path.set(&mut changed, value.clone()).unwrap();
        }
        prop_assert_eq!(text(&changed), text(document));

        let mut removed = document.clone();
        let taken = path.remove(&mut removed).unwrap();
        prop_assert_eq!(taken.as_ref(), Some(value));
        let left = self::places(&removed);
        let gone: Vec<&(Path, Value)> = places.iter().filter(|place| !left.contains(place)).collect();
        prop_assert!(gone.iter().all(|(place, _)| path.contains(place) || place.contains(path) || is_identity(path)));
    }
}

/// Whether the value tells an element from others: changing it is to name
/// another element.
fn is_identity(path: &Path) -> bool {
    match path.steps.as_slice() {
        [.., Step::Element(identity), Step::Field(name)] => {
            identity.iter().any(|(field, _)| field == name)
        }
        _ => false,
    }
}

fn text(document: &Map<String, Value>) -> String {
    Value::Object(document.clone()).to_string()
}
