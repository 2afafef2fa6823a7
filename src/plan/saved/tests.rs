use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::plan::scene::{REGISTRY, Scene, declared};

/// One service that changes, with a live secret, and one that does not.
fn saved() -> Saved {
    let app = json!([{"name": "app", "image": format!("{REGISTRY}/web:1"), "environment": [
        {"name": "LEVEL", "value": "hunter2"}, {"name": "GONE", "value": "hunter3"}]}]);
    let scene = Scene::default()
        .service("web", app.clone())
        .service("worker", app);
    let desired = declared(&format!(
        "[services.web]\nremove = [\"containers.app.environment.GONE\"]\n\
         containers.app = {{ image = \"{REGISTRY}/web:2\", environment = {{ LEVEL = \"new\" }} }}\n\
         service.desiredCount = 3\n[services.worker]\nimage = \"{REGISTRY}/web:1\"\n"
    ));
    Saved::new(vec![scene.plan(&desired).saved(MadeFrom {
        desired: &desired,
        commit: Some(&"0a1b2c3d4e5f60718293a4b5c6d7e8f901234567".parse().unwrap()),
        only: &[],
        allow_older: false,
    })])
}

#[test]
fn what_is_saved_is_read_as_it_was() {
    let saved = saved();
    let text = saved.text().unwrap();
    assert_eq!(Saved::read(&text).as_ref(), Ok(&saved));
    let fields: Vec<&str> = saved.environments[0].services[0]
        .changes
        .iter()
        .map(|change| change.field.as_str())
        .collect();
    assert_eq!(
        fields,
        [
            "containers.app.image",
            "containers.app.environment.GONE",
            "containers.app.environment.LEVEL",
            "service.desiredCount"
        ]
    );
    assert_eq!(saved.environments[0].services[1].verdict, Kind::InSync);
    assert_eq!(saved.environments[0].services[1].hash, None);
}

#[test]
fn no_live_value_of_the_environment_is_saved() {
    let text = saved().text().unwrap();
    assert!(!text.contains("hunter"), "{text}");
    assert!(text.contains("(masked)"), "{text}");
}

/// Later versions may save more without another meaning.
#[test]
fn what_is_not_known_is_no_mistake() {
    let mut document = serde_json::to_value(saved()).unwrap();
    document["someday"] = json!(1);
    document["environments"][0]["services"][0]["someday"] = json!({});
    document["checksum"] = json!(checksum(&document));
    assert_eq!(Saved::read(&document.to_string()), Ok(saved()));
    document["environments"][0]["account"] = json!("1");
    let with = |mut document: Value| {
        document.as_object_mut().unwrap().shift_remove("checksum");
        document["checksum"] = json!(checksum(&document));
        Saved::read(&document.to_string())
    };
    assert!(matches!(with(document.clone()), Err(NoPlan::Incomplete(_))));
    document["environments"] = json!(null);
    assert!(matches!(with(document), Err(NoPlan::Incomplete(_))));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens to the file: it is refused, or means what it meant.
    #[test]
    fn damage_is_noticed(cut in 0usize..4000, at in 0usize..4000, byte in 0u8..128) {
        let saved = saved();
        let text = saved.text().unwrap();
        let cut = text.floor_char_boundary(cut.min(text.len() - 2));
        prop_assert!(Saved::read(&text[..cut]).is_err());
        let mut bytes = text.into_bytes();
        let at = at % bytes.len();
        bytes[at] = byte;
        if let Ok(text) = String::from_utf8(bytes)
            && let Ok(read) = Saved::read(&text)
        {
            prop_assert_eq!(read, saved);
        }
    }
}
