//! The state in a file.

use super::*;

#[tokio::test(start_paused = true)]
async fn handles_on_one_file_see_one_another() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new").join("sandbox.json");
    let one = Sandbox::open(&path).unwrap();
    one.seed(&seed("1.4.2")).unwrap();
    let two = Sandbox::open(&path).unwrap();
    assert_eq!(two.seed(&seed("1.4.2")).unwrap(), Seeded::Before);
    let arn = register(&one, "1.4.2").await;
    update(&two, json!({"taskDefinition": arn})).await;
    after(20.0).await;
    let done = service(&one).await;
    assert_eq!(
        (&done["taskDefinition"], deployments(&done).len()),
        (&Value::from(arn), 1)
    );
    let text = std::fs::read_to_string(&path).unwrap();
    service(&two).await;
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        text,
        "reading changes nothing"
    );
    assert!(reset(&path).unwrap());
    assert!(!reset(&path).unwrap());
}

#[test]
fn a_torn_or_foreign_file_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sandbox.json");
    for text in ["{\"evenkeel_sandbox\":1,\"now\":", "{}", "\u{0}"] {
        std::fs::write(&path, text).unwrap();
        let error = Sandbox::open(&path).err().unwrap().to_string();
        assert!(
            error.contains("sandbox.json") && error.contains("evenkeel sandbox reset"),
            "{error}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}

/// What a state has that states from before do not have.
fn without_new_fields(value: &mut Value) {
    match value {
        Value::Object(object) => {
            for key in ["secret", "log"] {
                object.remove(key);
            }
            object.values_mut().for_each(without_new_fields);
        }
        Value::Array(list) => list.iter_mut().for_each(without_new_fields),
        _ => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_state_from_before_is_read_and_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sandbox.json");
    let sandbox = Sandbox::open(&path).unwrap();
    sandbox.seed(&seed("1.4.2")).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let mut state: Value = serde_json::from_str(&text).unwrap();
    without_new_fields(&mut state);
    let old = state.to_string();
    for key in [
        "stale", "staged", "alarms", "one_off", "run", "secret", "log",
    ] {
        assert!(!old.contains(&format!("\"{key}\":")), "{key}");
    }
    std::fs::write(&path, old).unwrap();
    let sandbox = Sandbox::open(&path).unwrap();
    let arn = register(&sandbox, "crash").await;
    update(&sandbox, json!({"taskDefinition": arn})).await;
    after(30.0).await;
    assert_eq!(
        last_service_deployment(&sandbox).await["status"],
        "ROLLBACK_SUCCESSFUL"
    );
}
