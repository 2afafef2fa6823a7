//! `evenkeel plan`.

use insta::assert_snapshot;
use serde_json::json;

use crate::aws;
use crate::support::{Checkout, image, shop};

/// A service of two containers and one of the registry that ECR is not.
const TWO_SERVICES: &str = r#"account = "123456789012"
region = "us-west-1"
cluster = "shop"

[services.web]
name = "shop-web"

[services.web.containers.app]
image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/web:1.2.0"

[services.web.containers.proxy]
image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/proxy:2.0.0"

[services.mail]
name = "shop-mailer"
image = "public.ecr.aws/docker/library/nginx:1.27"
"#;

#[test]
fn shows_what_differs() {
    let checkout = Checkout::shop("1.2.0");
    assert_snapshot!(checkout.run("plan prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 68 → new
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735

    1 to change.
    [exit 0]
    ");
}

#[test]
fn lines_services_and_containers_up() {
    let checkout = Checkout::empty().file("environments/prod.toml", TWO_SERVICES);
    assert_snapshot!(checkout.run("plan prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    ~ web    shop-web      revision 68 → new
        app     image  shop/web
                1.1.9  sha256:f26a773d
              → 1.2.0  sha256:358d4735
        proxy   image  shop/proxy
                1.9.9  sha256:02911e4f
              → 2.0.0  sha256:b5c0e880
    ~ mail   shop-mailer   revision 80 → new
        app   image  public.ecr.aws/docker/library/nginx
              1.27-previous
            → 1.27

    2 to change.
    [exit 0]
    ");
}

#[test]
fn says_that_nothing_differs() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("apply prod --sandbox");
    assert_snapshot!(checkout.run("plan prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    = web   shop-web   revision 69

    Nothing differs: 1 service in sync.
    [exit 0]
    ");
}

#[test]
fn shows_a_tag_that_moved() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("apply prod --sandbox");
    checkout.evenkeel("sandbox push").arg(image("1.2.0")).run();
    assert_snapshot!(checkout.run("plan prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 69 → new
        app   image  shop/web
              1.2.0  sha256:358d4735
            → 1.2.0  sha256:b405147f

    1 to change.
    [exit 0]
    ");
}

#[test]
fn as_json_is_one_document_on_stdout() {
    let checkout = Checkout::shop("1.2.0");
    let ran = checkout.run("plan prod --sandbox --format json");
    assert_eq!(ran.code(), Some(0));
    let document = ran.json();
    assert_eq!(document["format_version"], 1);
    let environment = &document["environments"][0];
    assert_eq!(environment["environment"], "prod");
    assert_eq!(environment["account"], "123456789012");
    assert_eq!(
        environment["counts"],
        json!({"change": 1, "restart": 0, "rolling_out": 0, "failed_before": 0, "blocked": 0, "suspended": 0, "in_sync": 0})
    );
    let service = &environment["services"][0];
    assert_eq!(service["name"], "web");
    assert_eq!(service["ecs_service"], "shop-web");
    assert_eq!(service["verdict"], "change");
    assert_eq!(service["to"], json!({"revision": null, "register": true}));
    let change = &service["changes"][0];
    assert_eq!(change["container"], "app");
    assert_eq!(change["field"], "image");
    assert_eq!(change["declared_at"], "environments/prod.toml:7:9");
    let to = change["to"].as_str().unwrap();
    assert!(
        to.starts_with(&format!("{}@sha256:", image("1.2.0"))),
        "{to}"
    );
}

#[test]
fn a_block_in_json_is_a_sentence() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("plan prod --sandbox");
    checkout.write("environments/prod.toml", shop("9.9.9"));
    let ran = checkout.run("plan prod --sandbox --format json");
    assert_eq!(ran.code(), Some(1));
    let reason = ran.json()["environments"][0]["services"][0]["reasons"][0].clone();
    assert_eq!(reason["reason"], "image-missing");
    assert_eq!(reason["at"], "environments/prod.toml:7:9");
    let message = reason["message"].as_str().unwrap();
    // The place has a field of its own, and a sentence has no label in it.
    assert!(!message.contains("environments/prod.toml"), "{message}");
    assert!(!message.contains(" hint "), "{message}");
}

#[test]
fn detailed_exit_codes_tell_changes_from_none_and_from_blocks() {
    let checkout = Checkout::shop("1.2.0");
    let code = |args| checkout.run(args).code();
    assert_eq!(code("plan prod --sandbox"), Some(0));
    assert_eq!(code("plan prod --sandbox --detailed-exitcode"), Some(2));
    checkout.run("apply prod --sandbox");
    assert_eq!(code("plan prod --sandbox --detailed-exitcode"), Some(0));
    checkout.write("environments/prod.toml", shop("9.9.9"));
    assert_eq!(code("plan prod --sandbox --detailed-exitcode"), Some(1));
    assert_eq!(code("plan prod --sandbox"), Some(1));
}

#[test]
fn service_narrows_to_one() {
    let checkout = Checkout::empty().file("environments/prod.toml", TWO_SERVICES);
    assert_snapshot!(checkout.run("plan prod --sandbox --service mail"), @r#"
    prod   shop · us-west-1 · 123456789012

    ~ mail   shop-mailer   revision 80 → new
        app   image  public.ecr.aws/docker/library/nginx
              1.27-previous
            → 1.27

    1 to change.
    [exit 0]
    "#);
}

#[test]
fn an_unknown_service_is_told_what_there_is() {
    let checkout = Checkout::empty().file("environments/prod.toml", TWO_SERVICES);
    assert_snapshot!(checkout.run("plan prod --sandbox --service mial"), @r#"
    ------- stderr -------
    error: environments/prod.toml declares no service "mial"
     hint: its services: web, mail
    [exit 1]
    "#);
}

#[test]
fn several_environments_come_in_the_order_they_are_named() {
    let checkout = Checkout::shop("1.2.0").file(
        "environments/staging.toml",
        shop("1.3.0").replace("\"shop", "\"staging"),
    );
    assert_snapshot!(checkout.run("plan staging prod --sandbox"), @"
    staging   staging · us-west-1 · 123456789012

    ~ web   staging-web   revision 43 → new
        app   image  shop/web
              1.2.9  sha256:c54da66d
            → 1.3.0  sha256:a772a9f4

    1 to change.

    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 68 → new
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735

    1 to change.
    [exit 0]
    ");
}

#[test]
fn no_environment_means_all_of_them() {
    let checkout = Checkout::shop("1.2.0").file(
        "environments/staging.toml",
        shop("1.3.0").replace("\"shop", "\"staging"),
    );
    let document = checkout.run("plan --sandbox --format json").json();
    let names: Vec<_> = document["environments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|environment| environment["environment"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["prod", "staging"]);
}

#[test]
fn a_file_named_by_its_path_is_the_same_environment() {
    let checkout = Checkout::shop("1.2.0");
    let by_name = checkout.run("plan prod --sandbox");
    let by_path = checkout.run("plan environments/prod.toml --sandbox");
    assert_eq!(by_path.stdout, by_name.stdout);
    assert_eq!(by_path.code(), Some(0));
}

#[test]
fn an_environment_named_twice_is_planned_once() {
    let checkout = Checkout::shop("1.2.0");
    let once = checkout.run("plan prod --sandbox");
    let twice = checkout.run("plan prod prod --sandbox");
    assert_eq!(twice.stdout, once.stdout);
}

#[test]
fn never_writes() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("plan prod --sandbox");
    let before = checkout.sandbox_state();
    for args in [
        "plan prod --sandbox",
        "plan --sandbox --format json",
        "plan prod --sandbox --no-cache --detailed-exitcode -v --show-values",
    ] {
        checkout.run(args);
        assert!(checkout.sandbox_state() == before, "{args}");
    }
}

#[test]
fn verbose_shows_documents_with_values_only_on_demand() {
    let checkout = Checkout::shop("1.2.0");
    let mut server = checkout.evenkeel("sandbox --port 0").start();
    server.wait_for("export ");
    let exports = server.stdout_so_far();
    let address = exports
        .split_whitespace()
        .find_map(|word| word.strip_prefix("AWS_ENDPOINT_URL=http://"))
        .unwrap();
    // The value stands next to the image, so that it is in the difference.
    let registered = aws::call(
        address,
        "RegisterTaskDefinition",
        &json!({
            "family": "shop-web",
            "containerDefinitions": [{
                "environment": [{"name": "PASSWORD", "value": "hunter2"}],
                "image": image("1.1.9"),
                "name": "app",
                "memory": 256,
            }],
        }),
    );
    let revision = &registered["taskDefinition"]["taskDefinitionArn"];
    aws::call(
        address,
        "UpdateService",
        &json!({"cluster": "shop", "service": "shop-web", "taskDefinition": revision}),
    );
    drop(server);

    let masked = checkout.run("plan prod --sandbox -v");
    assert_snapshot!(masked.stdout, @r#"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 69 → new
        app   image  shop/web
              1.1.9  sha256:f26a773d (what runs)
            → 1.2.0  sha256:358d4735
        note  this ends the rollout of revision 69 that is under way, 0 of 3 tasks
        ⋯
                    "value": "(masked)"
                  }
                ],
        -       "image": "123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/web:1.1.9",
        +       "image": "123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/web:1.2.0@sha256:358d4735dbd669d15e257e5fa6cb4e7fe87b678787dc7810aa0aa8eed4e6795b",
                "name": "app",
                "memory": 256,
                "cpu": 0,
        ⋯
            ],
            "networkMode": "bridge",
            "volumes": [],
        -   "placementConstraints": []
        +   "placementConstraints": [],
        +   "tags": [
        +     {
        +       "key": "evenkeel:environment",
        +       "value": "prod"
        +     },
        +     {
        +       "key": "evenkeel:fingerprint",
        +       "value": "67019a4ab0899a3a"
        +     }
        +   ]
          }

    1 to change.
    "#);
    assert!(!masked.stderr.contains("hunter2"), "{}", masked.stderr);
    let shown = checkout.run("plan prod --sandbox -v --show-values");
    assert!(shown.stdout.contains("hunter2"), "{shown}");
    assert!(!shown.stderr.contains("hunter2"), "{}", shown.stderr);
}

#[test]
fn a_missing_service_is_told_which_there_are() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("plan prod --sandbox");
    let file = shop("1.2.0").replace("\"shop-web\"", "\"shop-wbe\"");
    checkout.write("environments/prod.toml", file);
    assert_snapshot!(checkout.run("plan prod --sandbox"), @r#"
    prod   shop · us-west-1 · 123456789012

    ✗ web   shop-wbe   blocked
        the cluster has no service of this name
        at    environments/prod.toml:6:8
        has   shop-web
        hint  did you mean "shop-web"?

    1 blocked.
    ------- stderr -------
    the sandbox has the services of its first run; `evenkeel sandbox reset` starts anew
    [exit 1]
    "#);
}

#[test]
fn a_missing_container_is_told_which_there_are() {
    let checkout = Checkout::empty().file("environments/prod.toml", TWO_SERVICES);
    checkout.run("plan prod --sandbox");
    checkout.write(
        "environments/prod.toml",
        TWO_SERVICES.replace("containers.app", "containers.ap"),
    );
    assert_snapshot!(checkout.run("plan prod --sandbox --service web"), @r#"
    prod   shop · us-west-1 · 123456789012

    ✗ web   shop-web   blocked
        revision 68 has no container "ap"
        at    environments/prod.toml:8:26
        has   app and proxy
        hint  did you mean "app"?

    1 blocked.
    [exit 1]
    "#);
}

#[test]
fn one_image_for_several_containers_is_asked_which() {
    let checkout = Checkout::empty().file("environments/prod.toml", TWO_SERVICES);
    checkout.run("plan prod --sandbox");
    checkout.write("environments/prod.toml", shop("1.2.0"));
    assert_snapshot!(checkout.run("plan prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    ✗ web   shop-web   blocked
        this image could be for any of several containers
        at    environments/prod.toml:7:9
        has   app and proxy
        hint  name the container: [services.web.containers.app]

    1 blocked.
    [exit 1]
    ");
}

#[test]
fn a_missing_cluster_is_said_once_for_all_services() {
    let checkout = Checkout::empty().file("environments/prod.toml", TWO_SERVICES);
    checkout.run("plan prod --sandbox");
    checkout.write(
        "environments/prod.toml",
        TWO_SERVICES.replace("cluster = \"shop\"", "cluster = \"shap\""),
    );
    let ran = checkout.run("plan prod --sandbox");
    assert_eq!(ran.code(), Some(1));
    assert!(ran.stderr.contains("there is no cluster shap"), "{ran}");
    assert_eq!(ran.stderr.matches("check `cluster`").count(), 1, "{ran}");
}
