//! Plans that are saved, or approved by their hash, and carried out later.

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::aws;
use crate::support::{Checkout, Ran, image, shop};

const PROVENANCE: [&str; 2] = [
    "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432",
    "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567",
];

/// The shop with fields of the container and of the service.
fn file(tag: &str) -> String {
    format!(
        "{}\n[services.web.service]\ndesiredCount = 5\n",
        shop(tag).replace(
            "image = ",
            "[services.web.containers.app]\nenvironment = { LOG_LEVEL = \"warn\" }\nimage = "
        )
    )
}

/// With a plan that was saved as `plan.json`, at the first commit.
fn planned() -> Checkout {
    let checkout = Checkout::empty().file("environments/prod.toml", file("1.2.0"));
    save(&checkout, "prod");
    checkout
}

fn save(checkout: &Checkout, environments: &str) {
    let ran = checkout
        .evenkeel(&format!("plan {environments} --sandbox --out plan.json"))
        .env("GITHUB_SHA", PROVENANCE[0])
        .run();
    assert_eq!(ran.code(), Some(0), "{ran}");
}

fn apply(checkout: &Checkout) -> Ran {
    checkout
        .evenkeel("apply --plan plan.json --sandbox")
        .env("GITHUB_SHA", PROVENANCE[0])
        .run()
}

/// All that a run could have written; a rollout that somebody else started goes
/// on meanwhile.
fn written(checkout: &Checkout) -> Value {
    let state: Value = serde_json::from_slice(&checkout.sandbox_state()).expect("JSON");
    let place = &state["places"]["123456789012/us-west-1"];
    let services: Vec<Value> = place["services"]
        .as_object()
        .expect("services")
        .values()
        .map(|service| {
            let deployments = service["history"].as_array().map(Vec::len);
            json!([service["settings"], service["desired"], deployments])
        })
        .collect();
    assert!(services[0][2].as_u64() > Some(0), "{services:?}");
    json!([place["families"], services])
}

/// Applies the plan, which must be refused and write nothing.
#[track_caller]
fn refused(checkout: &Checkout) -> Ran {
    let before = written(checkout);
    let ran = apply(checkout);
    assert_eq!(ran.code(), Some(5), "{ran}");
    assert_eq!(ran.stdout, "", "{ran}");
    assert_eq!(written(checkout), before, "{ran}");
    ran
}

/// What somebody does by hand while the plan waits.
fn by_hand(checkout: &Checkout, act: impl Fn(&dyn Fn(&str, Value) -> Value)) {
    let mut server = checkout.evenkeel("sandbox --port 0").start();
    let exports = server.exports();
    let (_, address) = exports.split_once("http://").expect("an address");
    let address = address.split_whitespace().next().expect("an address");
    act(&|operation, body| aws::call(address, operation, &body));
}

/// Registers what runs with this done to it, and deploys it.
fn deployed_by_hand(checkout: &Checkout, edit: impl Fn(&mut Value)) {
    by_hand(checkout, |call| {
        let described = call(
            "DescribeTaskDefinition",
            json!({"taskDefinition": "shop-web"}),
        );
        let mut document = described["taskDefinition"].clone();
        let fields = document.as_object_mut().expect("a document");
        for only_in_answers in [
            "taskDefinitionArn",
            "revision",
            "status",
            "requiresAttributes",
            "compatibilities",
            "registeredAt",
            "registeredBy",
        ] {
            fields.remove(only_in_answers);
        }
        edit(&mut document);
        let registered = call("RegisterTaskDefinition", document);
        let revision = &registered["taskDefinition"]["taskDefinitionArn"];
        call(
            "UpdateService",
            json!({"cluster": "shop", "service": "shop-web", "taskDefinition": revision}),
        );
    });
}

fn update_by_hand(checkout: &Checkout, fields: Value) {
    by_hand(checkout, |call| {
        let mut request = json!({"cluster": "shop", "service": "shop-web"});
        let with = request.as_object_mut().expect("an object");
        with.extend(fields.as_object().expect("an object").clone());
        call("UpdateService", request);
    });
}

#[test]
fn a_saved_plan_is_carried_out() {
    let checkout = planned();
    assert_snapshot!(apply(&checkout), @r#"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 68 → new
        app       image  shop/web
                  1.1.9  sha256:f26a773d
                → 1.2.0  sha256:358d4735
                  environment.LOG_LEVEL  (masked) → "warn"
        service   desiredCount  3 → 5   (no new tasks)

    1 to change.

    ✓ web   revision 69 runs, 5 of 5 tasks   [time]

    1 deployed.
    ------- stderr -------
    web: registered revision 69 of shop-web
    web: rollout of revision 69 started
    [progress]
    [exit 0]
    "#);
    // Again: a job that is run anew.
    let before = checkout.sandbox_state();
    assert_snapshot!(apply(&checkout), @"
    prod   shop · us-west-1 · 123456789012

    = web   shop-web   revision 69

    Nothing differs: 1 service in sync.
    ------- stderr -------
    this plan was carried out already
    [exit 0]
    ");
    assert!(checkout.sandbox_state() == before);
}

#[test]
fn saving_says_how_to_go_on() {
    let checkout = Checkout::shop("1.2.0");
    assert_snapshot!(checkout.run("plan prod --sandbox --out plan.json"), @"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 68 → new
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735

    1 to change.
    plan [hash]
    ------- stderr -------
    saved as plan.json; `evenkeel apply --plan plan.json` carries it out
    [exit 0]
    ");
}

#[test]
fn a_saved_plan_has_no_live_value_of_the_environment() {
    let checkout = Checkout::empty().file("environments/prod.toml", file("1.2.0"));
    checkout.run("plan prod --sandbox");
    deployed_by_hand(&checkout, |document| {
        let environment = &mut document["containerDefinitions"][0]["environment"];
        *environment = json!([{"name": "LOG_LEVEL", "value": "hunter2"}]);
        let mut other = document["containerDefinitions"][0].clone();
        other["name"] = json!("sidecar");
        other["essential"] = json!(false);
        document["containerDefinitions"]
            .as_array_mut()
            .expect("containers")
            .push(other);
    });
    checkout.write(
        "environments/prod.toml",
        file("1.2.0").replace(
            "name = \"shop-web\"\n",
            "name = \"shop-web\"\nremove = [\"containers.sidecar\"]\n",
        ),
    );
    save(&checkout, "prod --show-values -v");
    let text = std::fs::read_to_string(checkout.path().join("plan.json")).expect("the plan");
    assert!(text.contains("containers.sidecar"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
    assert!(text.contains("\"warn\""), "{text}");
}

#[test]
fn the_hash_is_the_same_in_every_run_and_format() {
    let checkout = planned();
    let json = checkout.run("plan prod --sandbox --format json").json();
    let hash = json["environments"][0]["hash"].as_str().expect("a hash");
    assert_eq!(hash.len(), 64);
    let line = format!("\nplan {}\n", &hash[..12]);
    for args in ["", "-v --show-values", "--no-cache --service web"] {
        let text = checkout.run(&format!("plan prod --sandbox {args}")).stdout;
        assert!(text.ends_with(&line), "{args}: {text}");
    }
    let coloured = checkout.run("plan prod --sandbox --color always").stdout;
    assert!(
        coloured.contains(&format!("plan {}", &hash[..12])),
        "{coloured}"
    );
    let saved = std::fs::read(checkout.path().join("plan.json")).expect("the plan");
    let saved: Value = serde_json::from_slice(&saved).expect("JSON");
    assert_eq!(saved["environments"][0]["hash"], hash);
}

// Ways in which the world moves on between plan and apply.

#[test]
fn moved_the_tag_of_an_image() {
    let checkout = planned();
    checkout.evenkeel("sandbox push").arg(image("1.2.0")).run();
    assert_snapshot!(refused(&checkout), @"
    ------- stderr -------
    error: plan.json was not carried out: not all is as it was when it was saved
         - web: containers.app.image would become shop/web:1.2.0@sha256:b405147f;
           shop/web:1.2.0@sha256:358d4735 was planned
     hint: `evenkeel plan prod --out FILE` plans anew; have that reviewed
    [exit 5]
    ");
}

#[test]
fn moved_the_file() {
    let checkout = planned();
    checkout.write("environments/prod.toml", file("1.2.0") + "# why\n");
    assert_snapshot!(refused(&checkout), @"
    ------- stderr -------
    error: plan.json was not carried out: not all is as it was when it was saved
         - environments/prod.toml was edited
     hint: `evenkeel plan prod --out FILE` plans anew; have that reviewed
    [exit 5]
    ");
    checkout.write("environments/prod.toml", "account = ");
    assert_snapshot!(refused(&checkout), @"
    ------- stderr -------
    error: plan.json was not carried out: not all is as it was when it was saved
         - environments/prod.toml was edited
     hint: `evenkeel plan prod --out FILE` plans anew; have that reviewed
    [exit 5]
    ");
    std::fs::remove_file(checkout.path().join("environments/prod.toml")).expect("a file");
    assert_snapshot!(refused(&checkout), @"
    ------- stderr -------
    error: plan.json was not carried out: not all is as it was when it was saved
         - environments/prod.toml is not there any more
     hint: `evenkeel plan prod --out FILE` plans anew; have that reviewed
    [exit 5]
    ");
}

#[test]
fn moved_the_commit() {
    let checkout = planned();
    let ran = checkout
        .evenkeel("apply --plan plan.json --sandbox")
        .env("GITHUB_SHA", PROVENANCE[1])
        .run();
    assert_eq!(ran.code(), Some(5));
    assert_snapshot!(ran, @"
    ------- stderr -------
    error: plan.json was not carried out: not all is as it was when it was saved
         - it was made at commit 9f8e7d6; this is 0a1b2c3
     hint: `evenkeel plan prod --out FILE` plans anew; have that reviewed
    [exit 5]
    ");
    let unknown = checkout.run("apply --plan plan.json --sandbox");
    assert_eq!(unknown.code(), Some(5));
    assert_snapshot!(unknown, @"
    ------- stderr -------
    error: plan.json was not carried out: not all is as it was when it was saved
         - it was made at commit 9f8e7d6; which one this is cannot be told
     hint: `evenkeel plan prod --out FILE` plans anew; have that reviewed
    [exit 5]
    ");
}

#[test]
fn moved_the_revision() {
    let checkout = planned();
    deployed_by_hand(&checkout, |document| document["memory"] = json!("2048"));
    assert_snapshot!(refused(&checkout), @"
    ------- stderr -------
    error: plan.json was not carried out: not all is as it was when it was saved
         - web: revision 69 was deployed in the place of 68; they differ in
           task.memory
     hint: `evenkeel plan prod --out FILE` plans anew; have that reviewed
    [exit 5]
    ");
}

#[test]
fn moved_the_deployment_of_the_same_revision() {
    let checkout = planned();
    update_by_hand(&checkout, json!({"forceNewDeployment": true}));
    assert_snapshot!(refused(&checkout), @"
    ------- stderr -------
    error: plan.json was not carried out: not all is as it was when it was saved
         - web: revision 68 was deployed anew: ecs-svc/[id] took the
           place of ecs-svc/[id]
     hint: `evenkeel plan prod --out FILE` plans anew; have that reviewed
    [exit 5]
    ");
}

#[test]
fn moved_a_field_of_the_service() {
    let checkout = planned();
    update_by_hand(&checkout, json!({"desiredCount": 4}));
    assert_snapshot!(refused(&checkout), @"
    ------- stderr -------
    error: plan.json was not carried out: not all is as it was when it was saved
         - web: service.desiredCount is 4 now; it was 3
     hint: `evenkeel plan prod --out FILE` plans anew; have that reviewed
    [exit 5]
    ");
    update_by_hand(&checkout, json!({"desiredCount": 5}));
    assert_snapshot!(refused(&checkout), @"
    ------- stderr -------
    error: plan.json was not carried out: not all is as it was when it was saved
         - web: service.desiredCount would not change any more: it already is what
           was planned
     hint: `evenkeel plan prod --out FILE` plans anew; have that reviewed
    [exit 5]
    ");
}

#[test]
fn moved_the_service_away() {
    let checkout = planned();
    by_hand(&checkout, |call| {
        call(
            "DeleteService",
            json!({"cluster": "shop", "service": "shop-web", "force": true}),
        );
    });
    assert_snapshot!(refused(&checkout), @"
    ------- stderr -------
    error: plan.json was not carried out: not all is as it was when it was saved
         - web: it is blocked now: the service is DRAINING, not ACTIVE
     hint: `evenkeel plan prod --out FILE` plans anew; have that reviewed
    [exit 5]
    ");
}

#[test]
fn moved_in_a_container() {
    let checkout = planned();
    deployed_by_hand(&checkout, |document| {
        document["containerDefinitions"]
            .as_array_mut()
            .expect("containers")
            .push(json!({"name": "debug", "image": "busybox", "essential": false}));
    });
    assert_snapshot!(refused(&checkout), @"
    ------- stderr -------
    error: plan.json was not carried out: not all is as it was when it was saved
         - web: revision 69 was deployed in the place of 68; they differ in
           containers.debug
     hint: `evenkeel plan prod --out FILE` plans anew; have that reviewed
    [exit 5]
    ");
}

#[test]
fn moved_a_variable() {
    let checkout = planned();
    deployed_by_hand(&checkout, |document| {
        document["containerDefinitions"][0]["environment"]
            .as_array_mut()
            .expect("variables")
            .push(json!({"name": "PASSWORD", "value": "hunter2"}));
    });
    let ran = refused(&checkout);
    assert!(!ran.to_string().contains("hunter2"), "{ran}");
    assert_snapshot!(ran, @"
    ------- stderr -------
    error: plan.json was not carried out: not all is as it was when it was saved
         - web: revision 69 was deployed in the place of 68; they differ in
           containers.app.environment.PASSWORD
     hint: `evenkeel plan prod --out FILE` plans anew; have that reviewed
    [exit 5]
    ");
}

#[test]
fn moved_the_definition() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("plan prod --sandbox");
    let definition = |cpu: &str| {
        json!({"family": "shop-web", "networkMode": "bridge", "cpu": cpu, "memory": "1024",
            "containerDefinitions": [{"name": "app", "image": image("1.2.0")}]})
        .to_string()
    };
    let file = shop("1.2.0");
    let (file, _) = file.split_once("image").expect("an image");
    checkout.write(
        "environments/prod.toml",
        format!("{file}definition = \"web.json\"\n"),
    );
    checkout.write("environments/web.json", definition("512"));
    save(&checkout, "prod");
    checkout.write("environments/web.json", definition("256"));
    assert_snapshot!(refused(&checkout), @"
    ------- stderr -------
    error: plan.json was not carried out: not all is as it was when it was saved
         - environments/web.json was edited
     hint: `evenkeel plan prod --out FILE` plans anew; have that reviewed
    [exit 5]
    ");
    checkout.write("environments/web.json", definition("512"));
    assert_eq!(apply(&checkout).code(), Some(0));
}

#[test]
fn moved_to_another_account_and_region() {
    let checkout = planned();
    let elsewhere = file("1.2.0")
        .replace("account = \"123456789012\"", "account = \"210987654321\"")
        .replace("region = \"us-west-1\"", "region = \"eu-west-1\"");
    checkout.write("environments/prod.toml", elsewhere);
    assert_snapshot!(refused(&checkout), @"
    ------- stderr -------
    error: plan.json was not carried out: not all is as it was when it was saved
         - environments/prod.toml was edited
         - the environment file names account 210987654321; it named 123456789012
         - the environment file names region eu-west-1; it named us-west-1
     hint: `evenkeel plan prod --out FILE` plans anew; have that reviewed
    [exit 5]
    ");
}

#[test]
fn moved_on_and_failed() {
    let checkout = Checkout::shop("1.2.0-crash");
    save(&checkout, "prod");
    let ran = checkout
        .evenkeel("apply --plan plan.json --sandbox")
        .env("GITHUB_SHA", PROVENANCE[0])
        .speed(60)
        .run();
    assert_eq!(ran.code(), Some(3), "{ran}");
    assert_snapshot!(refused(&checkout), @"
    ------- stderr -------
    error: plan.json was not carried out: not all is as it was when it was saved
         - web: this was tried as revision 69, and failed at [moment] UTC:
           Service deployment rolled back because the circuit breaker threshold was
           exceeded.
     hint: `evenkeel plan prod --out FILE` plans anew; have that reviewed
    [exit 5]
    ");
}

#[test]
fn all_that_moved_is_named_also_to_scripts() {
    let checkout = planned();
    update_by_hand(&checkout, json!({"forceNewDeployment": true}));
    checkout.write("environments/prod.toml", file("1.2.1"));
    let ran = checkout
        .evenkeel("apply --plan plan.json --sandbox --format json")
        .env("GITHUB_SHA", PROVENANCE[1])
        .run();
    assert_eq!(ran.code(), Some(5), "{ran}");
    let lines = ran.json_lines();
    let [error] = lines.as_slice() else {
        panic!("{ran}");
    };
    assert_eq!(error["event"], "error");
    assert_eq!(error["exit_code"], 5);
    let differences = error["differences"].as_array().expect("a list");
    assert_eq!(differences.len(), 3, "{ran}");
    assert_eq!(differences[0], "environments/prod.toml was edited");
}

#[test]
fn a_service_in_which_nothing_is_to_be_done_may_move() {
    let two = |tag: &str| {
        format!(
            "{}\n[services.worker]\nname = \"shop-worker\"\nimage = \"{}\"\n",
            shop(tag),
            image("1.2.0")
        )
    };
    let checkout = Checkout::empty().file("environments/prod.toml", two("1.2.0"));
    checkout.run("apply prod --sandbox");
    checkout.evenkeel("sandbox push").arg(image("1.3.0")).run();
    checkout.write("environments/prod.toml", two("1.3.0"));
    save(&checkout, "prod");
    by_hand(&checkout, |call| {
        call(
            "UpdateService",
            json!({"cluster": "shop", "service": "shop-worker", "forceNewDeployment": true}),
        );
    });
    assert_eq!(apply(&checkout).code(), Some(0));
}

#[test]
fn a_plan_of_one_service_changes_no_other() {
    let file = format!(
        "{}\n[services.worker]\nname = \"shop-worker\"\nimage = \"{}\"\n",
        shop("1.2.0"),
        image("1.2.0")
    );
    let checkout = Checkout::empty().file("environments/prod.toml", file);
    save(&checkout, "prod --service worker");
    assert_eq!(apply(&checkout).code(), Some(0));
    let plan = checkout.run("plan prod --sandbox").stdout;
    assert!(plan.contains("1 to change, 1 in sync."), "{plan}");
}

#[test]
fn several_environments_are_saved_together() {
    let checkout = Checkout::shop("1.2.0").file(
        "environments/staging.toml",
        shop("1.3.0").replace("\"shop", "\"staging"),
    );
    save(&checkout, "staging prod");
    checkout.write("environments/prod.toml", shop("1.2.1"));
    assert_snapshot!(refused(&checkout), @"
    ------- stderr -------
    error: plan.json was not carried out: not all is as it was when it was saved
         - prod: environments/prod.toml was edited
     hint: `evenkeel plan staging prod --out FILE` plans anew; have that reviewed
    [exit 5]
    ");
    checkout.write("environments/prod.toml", shop("1.2.0"));
    let ran = apply(&checkout);
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert!(ran.stdout.contains("revision 44 runs"), "{ran}");
    assert!(ran.stdout.contains("revision 69 runs"), "{ran}");
}

#[test]
fn what_is_no_saved_plan_is_told_apart() {
    let checkout = planned();
    let path = checkout.path().join("plan.json");
    let whole = std::fs::read_to_string(&path).expect("the plan");
    let says = |text: &str| {
        checkout.write("plan.json", text);
        let ran = apply(&checkout);
        assert_eq!(ran.code(), Some(1), "{ran}");
        assert_eq!(ran.stdout, "");
        ran.to_string()
    };
    assert_snapshot!(says(""), @"
    ------- stderr -------
    error: plan.json cannot be carried out: it is empty
     hint: `evenkeel plan ENV --out FILE` saves a plan
    [exit 1]
    ");
    assert_snapshot!(says(&whole[..whole.len() / 2]), @"
    ------- stderr -------
    error: plan.json cannot be carried out: it is cut off in line 30: a plan that
           was saved whole is longer
     hint: `evenkeel plan ENV --out FILE` saves a plan
    [exit 1]
    ");
    assert_snapshot!(says("account = 1"), @"
    ------- stderr -------
    error: plan.json cannot be carried out: it is not JSON: line 1, column 1
     hint: `evenkeel plan ENV --out FILE` saves a plan
    [exit 1]
    ");
    assert_snapshot!(says("{\"services\": []}"), @"
    ------- stderr -------
    error: plan.json cannot be carried out: it is no plan that evenkeel has saved
     hint: `evenkeel plan ENV --out FILE` saves a plan
    [exit 1]
    ");
    let printed = checkout.run("plan prod --sandbox --format json").stdout;
    assert_snapshot!(says(&printed), @"
    ------- stderr -------
    error: plan.json cannot be carried out: it is what `evenkeel plan --format json`
           prints, which cannot be carried out
     hint: `evenkeel plan ENV --out FILE` saves a plan
    [exit 1]
    ");
    let newer = whole
        .replace("\"format_version\": 1,", "\"format_version\": 2,")
        .replace("\"evenkeel\": \"0.1.0\"", "\"evenkeel\": \"0.9.0\"");
    assert_snapshot!(says(&newer), @"
    ------- stderr -------
    error: plan.json cannot be carried out: it was saved by evenkeel 0.9.0, in
           format 2; this version knows format 1
     hint: use that version, or plan anew with this one
    [exit 1]
    ");
    assert_snapshot!(says(&whole.replace("\"prod\"", "\"prd\"")), @"
    ------- stderr -------
    error: plan.json cannot be carried out: it is not as it was saved: its checksum
           is that of something else
     hint: `evenkeel plan ENV --out FILE` saves a plan
    [exit 1]
    ");
    checkout.write("plan.json", [0xff, 0xfe, 0, 1]);
    assert_eq!(apply(&checkout).code(), Some(1));
    std::fs::remove_file(&path).expect("a file");
    assert_snapshot!(apply(&checkout), @"
    ------- stderr -------
    error: plan.json could not be read: No such file or directory (os error 2)
    [exit 1]
    ");
    // As it was saved, it is carried out, however it is laid out.
    let value: Value = serde_json::from_str(&whole).expect("JSON");
    checkout.write("plan.json", value.to_string());
    assert_eq!(apply(&checkout).code(), Some(0));
}

#[test]
fn a_plan_that_cannot_be_saved_is_an_error() {
    let checkout = Checkout::shop("1.2.0");
    let ran = checkout.run("plan prod --sandbox --out nowhere/plan.json");
    assert_eq!(ran.code(), Some(1), "{ran}");
    assert!(ran.stderr.contains("nowhere/plan.json"), "{ran}");
}

/// The hash that `plan` prints.
fn hash_of(checkout: &Checkout) -> String {
    let text = checkout.run("plan prod --sandbox").stdout;
    let (_, hash) = text.trim_end().rsplit_once("\nplan ").expect("a hash");
    hash.to_owned()
}

#[test]
fn what_was_approved_is_carried_out_and_nothing_else() {
    let checkout = Checkout::shop("1.2.0");
    let hash = hash_of(&checkout);
    let apply = |hash: &str| checkout.run(&format!("apply prod --sandbox --expect {hash}"));
    checkout.evenkeel("sandbox push").arg(image("1.2.0")).run();
    let before = checkout.sandbox_state();
    let ran = apply(&hash);
    assert_eq!(ran.code(), Some(5));
    assert!(checkout.sandbox_state() == before);
    let shown = ran.to_string().replace(&hash, "[approved]");
    assert_snapshot!(shown.replace(&hash_of(&checkout), "[now]"), @"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 68 → new
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:b405147f

    1 to change.
    ------- stderr -------
    error: nothing was changed: this plan is [now], not [approved], which
           was approved
     hint: the plan above is what would be done now; have that reviewed
    [exit 5]
    ");

    let hash = hash_of(&checkout);
    assert_eq!(apply(&hash).code(), Some(0));
    // Nothing is left to approve: the same job, run again, ends well.
    let again = apply(&hash);
    assert_eq!(again.code(), Some(0), "{again}");
}

#[test]
fn a_saved_plan_can_be_expected_to_have_a_hash() {
    let checkout = planned();
    let apply = |hash: &str| {
        checkout
            .evenkeel(&format!("apply --plan plan.json --expect {hash} --sandbox"))
            .env("GITHUB_SHA", PROVENANCE[0])
            .run()
    };
    assert_eq!(apply("000000000000").code(), Some(5));
    assert_eq!(apply(&hash_of(&checkout)).code(), Some(0));
}
