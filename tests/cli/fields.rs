//! How declared fields read in a plan of 80 columns, and that no live value of
//! an environment variable is ever seen.

use insta::assert_snapshot;

use crate::support::{Checkout, image};

/// `shop-web`, whose container `app` declares this.
fn app(fields: &str) -> String {
    format!(
        r#"account = "123456789012"
region = "us-west-1"
cluster = "shop"

[services.web]
name = "shop-web"

[services.web.containers.app]
image = "{}"
{fields}
"#,
        image("1.2.0")
    )
}

/// Where this is what runs.
fn running(fields: &str) -> Checkout {
    let checkout = Checkout::empty().file("environments/prod.toml", app(fields));
    let ran = checkout.run("apply prod --sandbox");
    assert_eq!(ran.code(), Some(0), "{ran}");
    checkout
}

fn plan(checkout: &Checkout, fields: &str, args: &str) -> String {
    checkout.write("environments/prod.toml", app(fields));
    let ran = checkout.run(&format!("plan prod --sandbox {args}"));
    for line in ran.stdout.lines().filter(|_| !args.contains("json")) {
        assert!(line.chars().count() <= 80, "wider than 80 columns: {line}");
    }
    // Of -v only the difference, not the log.
    match args {
        "-v" => ran.stdout,
        _ => ran.to_string(),
    }
}

#[test]
fn variables_are_changed_and_added_with_the_live_value_masked() {
    let checkout = running("environment.LOG_LEVEL = \"hunter2\"");
    let fields = "environment = { LOG_LEVEL = \"debug\", CACHE = \"on\" }";
    assert_snapshot!(plan(&checkout, fields, ""), @r#"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 69 → new
        app   environment.LOG_LEVEL  (masked) → "debug"
              environment.CACHE  (none) → "on"

    1 to change.
    plan [hash]
    [exit 0]
    "#);
    assert_snapshot!(plan(&checkout, fields, "--show-values"), @r#"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 69 → new
        app   environment.LOG_LEVEL  "hunter2" → "debug"
              environment.CACHE  (none) → "on"

    1 to change.
    plan [hash]
    [exit 0]
    "#);
}

#[test]
fn what_is_removed_is_shown_as_gone() {
    let checkout = running("environment.OLD = \"hunter2\"\nstopTimeout = 40");
    let remove = app("stopTimeout = 45").replace(
        "name = \"shop-web\"",
        "name = \"shop-web\"\nremove = [\"containers.app.environment.OLD\", \"containers.app.healthCheck\"]",
    );
    checkout.write("environments/prod.toml", remove);
    assert_snapshot!(checkout.run("plan prod --sandbox"), @r#"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 69 → new
        app   environment.OLD  (masked) → (none)
              healthCheck.command
              ["CMD-SHELL", "curl -fsS http://localhost:8080/health || exit 1"]
            → (none)
              healthCheck.interval  10 → (none)
              healthCheck.startPeriod  10 → (none)
              stopTimeout  40 → 45

    1 to change.
    plan [hash]
    [exit 0]
    "#);
}

#[test]
fn long_texts_are_shown_by_what_differs_in_them() {
    let labels = |words: &str, url: &str, policy: &str| {
        format!(
            "dockerLabels.words = \"{words}\"\ndockerLabels.url = \"{url}\"\ndockerLabels.policy = '{policy}'"
        )
    };
    let checkout = running(&labels(
        "one two three four five six seven eight nine ten eleven twelve thirteen",
        "https://example.com/a/very/long/path/of/many/parts/that/never/ends/v1/and/goes/on/and/on",
        r#"{"sampling": {"rate": 0.1, "keep": ["errors", "slow"]}, "exporter": "otlp", "endpoint": "http://localhost:4317"}"#,
    ));
    let fields = labels(
        "one two three four five six 7 eight nine ten eleven twelve thirteen",
        "https://example.com/a/very/long/path/of/many/parts/that/never/ends/v2/and/goes/on/and/on",
        r#"{"sampling": {"rate": 0.5, "keep": ["errors", "slow"]}, "exporter": "otlp", "endpoint": "http://localhost:4317"}"#,
    );
    assert_snapshot!(plan(&checkout, &fields, ""), @r#"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 69 → new
        app   dockerLabels.words
              - … six seven eight …
              + … six 7 eight …
              dockerLabels.url
              - …ts/that/never/ends/v1/and/goes/on/and/on
              + …ts/that/never/ends/v2/and/goes/on/and/on
              dockerLabels.policy
                  "sampling": {
              -     "rate": 0.1,
              +     "rate": 0.5,
                    "keep": [

    1 to change.
    plan [hash]
    [exit 0]
    "#);
}

#[test]
fn lists_ports_secrets_and_sizes() {
    let checkout = running("command = [\"npm\", \"start\"]");
    let fields = r#"command = ["npm", "run", "start"]
entryPoint = ["/usr/local/bin/docker-entrypoint.sh", "--verbose", "--with", "--many", "--words"]
portMappings.8080.appProtocol = "http2"
portMappings."53/udp" = { name = "dns" }
portMappings.9090 = {}
secrets.API_KEY = "arn:aws:secretsmanager:us-west-1:123456789012:secret:shop/web/api-key-AbCdEf"
linuxParameters.capabilities.add = ["SYS_PTRACE"]
[services.web.task]
cpu = "1 vCPU"
memory = "2 GB"
tags.team = "web"
"#;
    assert_snapshot!(plan(&checkout, fields, ""), @r#"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 69 → new
        app    secrets.API_KEY
             → "arn:aws:secretsmanager:us-west-1:123456789012:secret:shop/web/api-ke
               y-AbCdEf"
               portMappings.8080/tcp.appProtocol  "http" → "http2"
               portMappings.53/udp  (none) → { name = "dns" }
               portMappings.9090/tcp  (none) → {}
               command  ["npm", "start"] → ["npm", "run", "start"]
               entryPoint
             → ["/usr/local/bin/docker-entrypoint.sh", "--verbose", "--with",
               "--many", "--words"]
               linuxParameters.capabilities.add  (none) → ["SYS_PTRACE"]
        task   cpu  "512" → "1 vCPU"
               memory  "1024" → "2 GB"
               tags.team  "platform" → "web"

    1 to change.
    plan [hash]
    [exit 0]
    "#);
    let longer =
        r#"command = ["npm", "run", "start", "--", "--port", "8080", "--host", "0.0.0.0"]"#;
    assert_snapshot!(plan(&checkout, longer, ""), @r#"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 69 → new
        app   command
                  "npm",
              -   "start"
              +   "run",
              +   "start",
              +   "--",
              +   "--port",
              +   "8080",
              +   "--host",
              +   "0.0.0.0"
                ]

    1 to change.
    plan [hash]
    [exit 0]
    "#);
}

const SIDECAR: &str = r#"
[services.web.containers.sidecar]
image = "public.ecr.aws/aws-observability/aws-otel-collector:v0.43.0"
essential = false
memory = 128
environment = { AOT_CONFIG = "/etc/ecs/config.yaml", LEVEL = "hunter3" }
dependsOn.app = "HEALTHY"
logConfiguration = { logDriver = "awslogs", options = { awslogs-group = "/ecs/otel", awslogs-region = "us-west-1", awslogs-stream-prefix = "otel" } }
"#;

#[test]
fn a_container_comes_field_by_field_and_goes_by_its_image() {
    let checkout = running("");
    assert_snapshot!(plan(&checkout, SIDECAR, ""), @r#"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 69 → new
        sidecar   (container)  (none) → new
                  image
                  "public.ecr.aws/aws-observability/aws-otel-collector:v0.43.0"
                  essential  false
                  memory  128
                  environment.AOT_CONFIG  "/etc/ecs/config.yaml"
                  environment.LEVEL  "hunter3"
                  dependsOn.app  "HEALTHY"
                  logConfiguration.logDriver  "awslogs"
                  logConfiguration.options.awslogs-group  "/ecs/otel"
                  logConfiguration.options.awslogs-region  "us-west-1"
                  logConfiguration.options.awslogs-stream-prefix  "otel"

    1 to change.
    plan [hash]
    [exit 0]
    "#);
    checkout.run("apply prod --sandbox");
    let remove = app("").replace(
        "name = \"shop-web\"",
        "name = \"shop-web\"\nremove = [\"containers.sidecar\"]",
    );
    checkout.write("environments/prod.toml", remove);
    let ran = checkout.run("plan prod --sandbox");
    assert_snapshot!(ran, @"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 70 → 69
        sidecar   (container)
                  public.ecr.aws/aws-observability/aws-otel-collector:v0.43.0
                → (none)
        note  revision 69 already is what is declared; no new one is needed

    1 to change.
    plan [hash]
    [exit 0]
    ");
    for args in ["", "-v", "--format json"] {
        let shown = checkout.run(&format!("plan prod --sandbox {args}"));
        let shown = format!("{}{}", shown.stdout, shown.stderr);
        assert!(!shown.contains("hunter3"), "{shown}");
    }
}

#[test]
fn fields_of_the_service_say_what_they_do_to_the_tasks() {
    let checkout = running("");
    let in_place = "[services.web.service]\ndesiredCount = 4\ntags.team = \"web\"";
    assert_snapshot!(plan(&checkout, in_place, ""), @r#"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 69 stays, no new tasks
        service   desiredCount  3 → 4   (no new tasks)
                  tags.team  "platform" → "web"   (no new tasks)

    1 to change.
    plan [hash]
    [exit 0]
    "#);
    let rollout = r#"[services.web.service]
desiredCount = 4
networkConfiguration.awsvpcConfiguration.securityGroups = ["sg-0123456789abcdef0", "sg-0123456789abcdef1"]
capacityProviderStrategy = { FARGATE = { base = 1, weight = 1 }, FARGATE_SPOT = 3 }
deploymentConfiguration.deploymentCircuitBreaker.rollback = false
"#;
    assert_snapshot!(plan(&checkout, rollout, ""), @r#"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 69 stays, new rollout
        service   deploymentConfiguration.deploymentCircuitBreaker.rollback
                  (no new tasks)
                  true
                → false
                  desiredCount  3 → 4   (no new tasks)
                  networkConfiguration.awsvpcConfiguration.securityGroups
                  (new rollout)
                    [
                  -   "sg-0ae91aa83934eec5f"
                  +   "sg-0123456789abcdef0",
                  +   "sg-0123456789abcdef1"
                    ]
                  capacityProviderStrategy.FARGATE   (new rollout)
                → { base = 1, weight = 1 }
                  capacityProviderStrategy.FARGATE_SPOT  (none) → 3   (new rollout)

    1 to change.
    plan [hash]
    [exit 0]
    "#);
    assert_snapshot!(plan(&checkout, &format!("stopTimeout = 40\n{in_place}"), ""), @r#"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 69 → new
        app       stopTimeout  30 → 40
        service   desiredCount  3 → 4   (no new tasks)
                  tags.team  "platform" → "web"   (no new tasks)

    1 to change.
    plan [hash]
    [exit 0]
    "#);
    checkout.write("environments/prod.toml", app(in_place));
    assert_snapshot!(checkout.run("apply prod --sandbox"), @r#"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 69 stays, no new tasks
        service   desiredCount  3 → 4   (no new tasks)
                  tags.team  "platform" → "web"   (no new tasks)

    1 to change.

    ✓ web   updated; revision 69 runs on, 4 of 4 tasks   [time]

    1 deployed.
    ------- stderr -------
    web: changed service.desiredCount, service.tags.team
    [progress]
    [exit 0]
    "#);
}

#[test]
fn what_does_not_fit_blocks_with_its_place() {
    let checkout = running("");
    let incomplete = "[services.web.containers.sidecra]\nessential = false";
    assert_snapshot!(plan(&checkout, incomplete, ""), @r#"
    prod   shop · us-west-1 · 123456789012

    ✗ web   shop-web   blocked
        there is no container "sidecra", and not enough is declared to add it
        at    environments/prod.toml:11:1
        hint  to add it, declare `image` as well

    1 blocked.
    [exit 1]
    "#);
}

#[test]
fn another_shape_than_the_files_blocks_with_its_place() {
    let checkout = running("");
    let odd = r#"{"containerDefinitions": [{"name": "app", "image": "IMAGE", "environment": {"A": "1"}}],
        "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "512", "memory": "1024"}"#;
    checkout.write(
        "environments/task.json",
        odd.replace("IMAGE", &image("1.2.0")),
    );
    let file = app("environment.A = \"2\"").replace(
        "name = \"shop-web\"",
        "name = \"shop-web\"\ndefinition = \"task.json\"",
    );
    checkout.write("environments/prod.toml", file);
    assert_snapshot!(checkout.run("plan prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    ✗ web   shop-web   blocked
        containers.app.environment is an object, not a list
        at    environments/prod.toml:11:13

    1 blocked.
    [exit 1]
    ");
}

/// The live document has these values; the file says others, or none.
#[test]
fn no_output_has_a_live_value_of_a_variable() {
    let checkout = running("environment = { A = \"hunter2\", B = \"hunter3\", C = \"hunter4\" }");
    let fields = "environment = { A = \"new-a\" }\nstopTimeout = 99";
    let file = app(fields).replace(
        "name = \"shop-web\"",
        "name = \"shop-web\"\nremove = [\"containers.app.environment.B\"]",
    );
    checkout.write("environments/prod.toml", file);
    for args in [
        "plan prod --sandbox",
        "plan prod --sandbox -v",
        "plan prod --sandbox -vv",
        "plan prod --sandbox --format json",
        "apply prod --sandbox -v",
        "apply prod --sandbox --force-new-deployment -v --format json",
        "status prod --sandbox",
        "history prod web --sandbox",
    ] {
        let ran = checkout.run(args);
        let shown = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!shown.contains("hunter"), "{args}: {shown}");
        let declared = args.starts_with("plan");
        assert_eq!(
            shown.contains("new-a"),
            declared || args.starts_with("apply prod --sandbox -v"),
            "{args}: {shown}"
        );
    }
}

/// A list whose elements cannot be told apart is shown whole, on both sides.
#[test]
fn a_variable_that_is_there_twice_is_masked_all_the_same() {
    let checkout = running("");
    let definition = r#"{"family": "shop-web", "containerDefinitions": [{"name": "app", "image": "IMAGE", "essential": true,
        "environment": [{"name": "A", "value": "hunter2"}, {"name": "A", "value": "hunter3"}]}],
        "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"], "cpu": "512", "memory": "1024"}"#;
    checkout.write(
        "environments/task.json",
        definition.replace("IMAGE", &image("1.2.0")),
    );
    let file = app("").replace(
        "name = \"shop-web\"",
        "name = \"shop-web\"\ndefinition = \"task.json\"",
    );
    checkout.write("environments/prod.toml", file);
    let ran = checkout.run("apply prod --sandbox");
    assert_eq!(ran.code(), Some(0), "{ran}");
    for args in ["", "-v", "--format json"] {
        let shown = plan(&checkout, "environment.NEW = \"1\"", args);
        assert!(!shown.contains("hunter"), "{shown}");
    }
    assert_snapshot!(plan(&checkout, "environment.NEW = \"1\"", ""), @r#"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 70 → new
        app   environment
              [{ name = "A", value = (masked) }, { name = "A", value = (masked) }]
            → [{ name = "A", value = (masked) }, { name = "A", value = (masked) }, {
              name = "NEW", value = "1" }]

    1 to change.
    plan [hash]
    [exit 0]
    "#);
}

#[test]
fn the_whole_documents_show_what_is_declared_and_mask_what_is_not() {
    let checkout = running("environment = { A = \"hunter2\", B = \"hunter3\" }");
    assert_snapshot!(plan(&checkout, "environment.A = \"new\"", "-v"), @r#"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 69 → new
        app   environment.A  (masked) → "new"
        ⋯
                  },
                  {
                    "name": "A",
        -           "value": "(masked)"
        +           "value": "new"
                  },
                  {
                    "name": "B",
        ⋯
              },
              {
                "key": "evenkeel:fingerprint",
        -       "value": "68cfb6f672955357"
        +       "value": "abd86c904ce5f0a9"
              }
            ]
          }

    1 to change.
    plan ddaef39e4d44
    "#);
}

#[test]
fn a_count_below_autoscalings_minimum_is_a_warning() {
    let checkout = running("");
    let mut state: serde_json::Value =
        serde_json::from_slice(&checkout.sandbox_state()).expect("JSON");
    state["places"]["123456789012/us-west-1"]["scalable"] = serde_json::json!({
        "service/shop/shop-web": {
            "ServiceNamespace": "ecs", "ResourceId": "service/shop/shop-web",
            "ScalableDimension": "ecs:service:DesiredCount", "MinCapacity": 2, "MaxCapacity": 10,
        },
    });
    checkout.write(".evenkeel/sandbox.json", state.to_string());
    let count = |count: u8| format!("[services.web.service]\ndesiredCount = {count}");
    assert_snapshot!(plan(&checkout, &count(1), ""), @"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 69 stays, no new tasks
        service   desiredCount  3 → 1   (no new tasks)
        warning desiredCount 1 is below autoscaling's minimum of 2, and autoscaling
                will change it back; declare a count between 2 and 10, or none

    1 to change.
    plan [hash]
    [exit 0]
    ");
    assert_snapshot!(plan(&checkout, &count(4), ""), @"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 69 stays, no new tasks
        service   desiredCount  3 → 4   (no new tasks)
        note  autoscaling sets desiredCount as well, between 2 and 10; without
              desiredCount in the file the count is left to it

    1 to change.
    plan [hash]
    [exit 0]
    ");
}
