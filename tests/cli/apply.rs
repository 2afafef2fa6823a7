//! `evenkeel apply`.

use insta::assert_snapshot;
use regex_lite::Regex;
use serde_json::{Value, json};

use crate::aws;
use crate::support::{Checkout, PROGRESS, Ran, Running, image, shop};

/// The shop, waiting for this long; ten seconds are the least there is.
fn patient(tag: &str, timeout: &str) -> String {
    format!(
        "{}\n[services.web.rollout]\ntimeout = \"{timeout}\"\n",
        shop(tag)
    )
}

/// A run that waits for a rollout which takes its time.
fn waiting(checkout: &Checkout) -> Running {
    let mut run = checkout.evenkeel("apply prod --sandbox").speed(1).start();
    run.wait_for("of 3 new tasks run");
    run
}

fn events(ran: &Ran) -> Vec<Value> {
    let lines = ran.json_lines();
    for line in &lines {
        assert_eq!(line["format_version"], 1, "{line}");
        assert_eq!(line["environment"], "prod", "{line}");
    }
    lines
}

/// What is still on the screen of somebody who comes back.
fn end_of(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(3)..].join("\n")
}

#[test]
fn deploys_what_is_declared() {
    let checkout = Checkout::shop("1.2.0");
    let ran = checkout.run("apply prod --sandbox");
    assert_snapshot!(ran, @"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 68 → new
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735

    1 to change.

    ✓ web   revision 69 runs, 3 of 3 tasks   [time]

    1 deployed.
    ------- stderr -------
    web: registered revision 69 of shop-web
    web: rollout of revision 69 started
    [progress]
    [exit 0]
    ");
    let progress = Regex::new(PROGRESS).unwrap();
    assert!(ran.stderr.lines().any(|line| progress.is_match(line)));
}

#[test]
fn writes_nothing_when_nothing_differs() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("apply prod --sandbox");
    let before = checkout.sandbox_state();
    assert_snapshot!(checkout.run("apply prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    = web   shop-web   revision 69

    Nothing differs: 1 service in sync.
    [exit 0]
    ");
    assert!(checkout.sandbox_state() == before);
}

#[test]
fn services_roll_out_side_by_side() {
    let second = format!(
        "\n[services.worker]\nname = \"shop-worker\"\nimage = \"{}\"\n",
        image("1.2.0")
    );
    let checkout = Checkout::empty().file("environments/prod.toml", shop("1.2.0") + &second);
    assert_snapshot!(checkout.run("apply prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    ~ web      shop-web      revision 68 → new
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735
    ~ worker   shop-worker   revision 12 → new
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735

    2 to change.

    ✓ web      revision 69 runs, 3 of 3 tasks   [time]
    ✓ worker   revision 13 runs, 2 of 2 tasks   [time]

    2 deployed.
    ------- stderr -------
    web: registered revision 69 of shop-web
    worker: registered revision 13 of shop-worker
    web: rollout of revision 69 started
    worker: rollout of revision 13 started
    [progress]
    [exit 0]
    ");
}

#[test]
fn as_json_is_a_stream_of_events() {
    let checkout = Checkout::shop("1.2.0");
    let ran = checkout.run("apply prod --sandbox --format json");
    assert_eq!(ran.code(), Some(0));
    let events = events(&ran);
    let mut names: Vec<&str> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    names.dedup();
    assert_eq!(
        names,
        [
            "planned",
            "registered",
            "started",
            "progress",
            "ended",
            "finished"
        ]
    );
    let last = events.last().unwrap();
    assert_eq!(last["exit_code"], 0);
    assert_eq!(last["services"][0]["outcome"], "deployed");
    assert_eq!(last["services"][0]["now"][0]["running"], 3);
}

#[test]
fn a_json_stream_of_nothing_to_do_has_a_plan_and_an_end() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("apply prod --sandbox");
    let ran = checkout.run("apply prod --sandbox --format json");
    let events = events(&ran);
    let names: Vec<&str> = events
        .iter()
        .map(|event| event["event"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["planned", "ended", "finished"], "{ran}");
    let last = &events[2];
    assert_eq!(last["exit_code"], 0);
    assert_eq!(last["services"][0]["outcome"], "unchanged");
}

#[test]
fn a_json_stream_of_a_blocked_run_is_one_too() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("plan prod --sandbox");
    checkout.write("environments/prod.toml", shop("9.9.9"));
    let ran = checkout.run("apply prod --sandbox --format json");
    assert_eq!(ran.code(), Some(1));
    let events = events(&ran);
    let last = events.last().unwrap();
    assert_eq!(last["event"], "finished");
    assert_eq!(last["exit_code"], 1);
}

#[test]
fn a_failed_rollout_is_the_exit_code_in_json_too() {
    let checkout = Checkout::shop("1.2.0-crash");
    let ran = checkout
        .evenkeel("apply prod --sandbox --format json")
        .speed(2)
        .run();
    assert_eq!(ran.code(), Some(3));
    let events = events(&ran);
    let last = events.last().unwrap();
    assert_eq!(last["event"], "finished");
    assert_eq!(last["exit_code"], 3);
    assert_eq!(last["services"][0]["outcome"], "rolled-back");
}

#[test]
fn a_failure_that_is_remembered_has_its_time_as_text() {
    let checkout = Checkout::shop("1.2.0-crash");
    checkout.evenkeel("apply prod --sandbox").speed(60).run();
    let plan = checkout.run("plan prod --sandbox --format json");
    let planned = &plan.json()["environments"][0]["services"][0];
    assert_eq!(planned["verdict"], "failed-before", "{plan}");
    let time = Regex::new(r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$").unwrap();
    let failed_at = planned["failed_at"].as_str().unwrap_or_default();
    assert!(time.is_match(failed_at), "{plan}");
    let ran = checkout.run("apply prod --sandbox --format json");
    let events = events(&ran);
    let outcome = &events.last().unwrap()["services"][0];
    assert_eq!(outcome["outcome"], "failed-before", "{ran}");
    assert_eq!(outcome["at"], failed_at, "{ran}");
}

#[test]
fn force_new_deployment_restarts_the_revision_that_runs() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("apply prod --sandbox");
    let ran = checkout.run("apply prod --sandbox --force-new-deployment");
    assert_snapshot!(ran, @"
    prod   shop · us-west-1 · 123456789012

    ↻ web   shop-web   restart of revision 69

    1 to restart.

    ✓ web   revision 69 runs, 3 of 3 tasks   [time]

    1 restarted.
    ------- stderr -------
    web: rollout of revision 69 started
    [progress]
    [exit 0]
    ");
    let again = checkout.run("apply prod --sandbox --force-new-deployment --format json");
    let events = events(&again);
    assert!(
        events.iter().all(|event| event["event"] != "registered"),
        "{again}"
    );
    let started = events
        .iter()
        .find(|event| event["event"] == "started")
        .unwrap();
    let revision = started["revision"].as_str().unwrap();
    assert!(revision.ends_with(":69"), "{revision}");
    assert!(started["deployment"].is_string(), "{started}");
}

#[test]
fn a_tag_that_the_registry_does_not_have_blocks_everything() {
    let second = format!(
        "\n[services.worker]\nname = \"shop-worker\"\nimage = \"{}\"\n",
        image("1.2.0")
    );
    let checkout = Checkout::empty().file("environments/prod.toml", shop("1.2.0") + &second);
    checkout.run("plan prod --sandbox");
    let before = checkout.sandbox_state();
    checkout.write("environments/prod.toml", shop("1.2.8") + &second);
    assert_snapshot!(checkout.run("apply prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    ✗ web      shop-web      blocked
        shop/web (ECR 123456789012, us-west-1) has no tag 1.2.8
        at    environments/prod.toml:7:9
        hint  the nearest tags there are: 1.2.1, 1.2.0 and 1.1.8
    ~ worker   shop-worker   revision 12 → new
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735

    1 to change, 1 blocked.
    ------- stderr -------
    error: nothing was changed, because of web
     hint: --service worker applies without it
    [exit 1]
    ");
    assert!(checkout.sandbox_state() == before);
}

#[test]
fn a_crashing_image_fails_and_says_what_runs_now() {
    let checkout = Checkout::shop("1.2.0-crash");
    let ran = checkout.evenkeel("apply prod --sandbox").speed(2).run();
    assert_snapshot!(ran, @"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 68 → new
        app   image  shop/web
              1.1.9        sha256:f26a773d
            → 1.2.0-crash  sha256:9b9ce768

    1 to change.

    ✗ web   the rollout of revision 69 failed; ECS went back to revision 68 ([time])
        cause   app exited with code 1 (3 tasks)
        log     Error: connect ECONNREFUSED 10.0.3.4:5432
        log         at TCPConnectWrap.afterConnect [as oncomplete]
                (node:net:1611:16)
        log         at async connect (/app/dist/db.js:24:5)
        log         at async main (/app/dist/server.js:11:3) {
        log       errno: -111,
        log       code: 'ECONNREFUSED',
        next    the log says what it stopped of; the same image with the same
                environment should show it elsewhere, too
        reason  ECS deployment circuit breaker: tasks failed to start.
        event   (deployment ecs-svc/[id]) deployment failed: tasks
                failed to start.
        now     revision 68 runs, 3 of 3 tasks

    1 failed.
    ------- stderr -------
    web: registered revision 69 of shop-web
    web: rollout of revision 69 started
    [progress]
    web: it failed; ECS goes back to revision 68
    [progress]
    [exit 3]
    ");
}

#[test]
fn an_image_that_cannot_be_pulled_fails() {
    let checkout = Checkout::shop("1.2.0-unpullable");
    let ran = checkout.evenkeel("apply prod --sandbox").speed(2).run();
    assert_snapshot!(ran, @"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 68 → new
        app   image  shop/web
              1.1.9             sha256:f26a773d
            → 1.2.0-unpullable  sha256:07ca1439

    1 to change.

    ✗ web   the rollout of revision 69 failed; ECS went back to revision 68 ([time])
        cause   the image of app cannot be pulled: pull image manifest has been
                retried 7 time(s): failed to resolve ref
                123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/web:1.2.0-unpullab
                le@sha256:07ca1439: … (3 tasks)
        next    check that the image is there, that the execution role may pull it,
                and that the subnets reach the registry
        reason  ECS deployment circuit breaker: tasks failed to start.
        event   (deployment ecs-svc/[id]) deployment failed: tasks
                failed to start.
        now     revision 68 runs, 3 of 3 tasks

    1 failed.
    ------- stderr -------
    web: registered revision 69 of shop-web
    web: rollout of revision 69 started
    [progress]
    web: it failed; ECS goes back to revision 68
    [progress]
    [exit 3]
    ");
}

/// ECS can be done with going back before the next look.
#[test]
fn a_rollback_that_ended_between_two_looks_is_a_failed_rollout() {
    for tag in ["1.2.0-crash", "1.2.0-unpullable"] {
        let checkout = Checkout::shop(tag);
        let ran = checkout.evenkeel("apply prod --sandbox").speed(60).run();
        assert_eq!(ran.code(), Some(3), "{ran}");
        assert!(
            ran.stdout.contains("the rollout of revision 69 failed"),
            "{ran}"
        );
        assert!(
            ran.stdout.contains("revision 68 runs, 3 of 3 tasks"),
            "{ran}"
        );
    }
}

#[test]
fn a_rollout_that_is_not_over_in_time_goes_on_without_us() {
    let checkout = Checkout::empty().file("environments/prod.toml", patient("1.2.0-slow", "10s"));
    assert_snapshot!(checkout.run("apply prod --sandbox"), @"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 68 → new
        app   image  shop/web
              1.1.9       sha256:f26a773d
            → 1.2.0-slow  sha256:e0fef52c

    1 to change.

    ✗ web   the rollout of revision 69 was not finished within 10 s; it goes on
        now     revision 69, 0 of 3 tasks; revision 68, 3 of 3 tasks
        next    `evenkeel wait prod` waits for it again

    1 still rolling out.
    ------- stderr -------
    web: registered revision 69 of shop-web
    web: rollout of revision 69 started
    [progress]
    [exit 4]
    ");
}

#[test]
fn an_interrupted_run_says_what_goes_on_and_the_next_one_adopts_it() {
    let checkout = Checkout::shop("1.2.0-slow");
    for signal in ["INT", "TERM"] {
        let run = waiting(&checkout);
        run.signal(signal);
        let ran = run.finish();
        assert_eq!(ran.code(), Some(130), "{signal}: {ran}");
        if signal == "INT" {
            assert_snapshot!(ran, @"
            prod   shop · us-west-1 · 123456789012

            ~ web   shop-web   revision 68 → new
                app   image  shop/web
                      1.1.9       sha256:f26a773d
                    → 1.2.0-slow  sha256:e0fef52c

            1 to change.

            … web   interrupted; the rollout of revision 69 goes on
                now     revision 69, 0 of 3 tasks; revision 68, 3 of 3 tasks
                next    `evenkeel wait prod` waits for it again

            1 still rolling out.
            ------- stderr -------
            web: registered revision 69 of shop-web
            web: rollout of revision 69 started
            [progress]
            [exit 130]
            ");
        }
    }
    let ran = checkout.evenkeel("apply prod --sandbox").speed(6000).run();
    assert_snapshot!(ran, @"
    prod   shop · us-west-1 · 123456789012

    … web   shop-web   revision 69 is rolling out
        0 of 3 tasks run so far

    1 rolling out.

    ✓ web   revision 69 runs (its rollout was under way already), 3 of 3 tasks   [time]

    1 deployed.
    ------- stderr -------
    web: revision 69 is rolling out already; waiting for it
    [progress]
    [exit 0]
    ");
}

/// What a printed command of the AWS CLI sends.
fn request_of(command: &str) -> Value {
    let words: Vec<&str> = command.split_whitespace().collect();
    assert_eq!(words[..3], ["aws", "ecs", "continue-service-deployment"]);
    let after = |option: &str| {
        let at = words.iter().position(|word| *word == option);
        words[at.unwrap_or_else(|| panic!("no {option} in {command}")) + 1]
    };
    assert_eq!(after("--region"), "us-west-1");
    json!({
        "serviceDeploymentArn": after("--service-deployment-arn"),
        "hookId": after("--hook-id"),
        "action": after("--action"),
    })
}

/// Blue/green, with somebody who is to look before traffic shifts.
#[test]
fn a_paused_rollout_says_how_to_go_on() {
    let checkout = Checkout::shop("1.2.0");
    let mut server = checkout.evenkeel("sandbox --port 0").speed(10).start();
    server.wait_for("export AWS_ACCESS_KEY_ID");
    let exports = server.exports();
    let over_the_network = |args: &str| {
        let mut run = checkout.evenkeel(args);
        for pair in exports.split_whitespace().filter(|word| *word != "export") {
            let (name, value) = pair.split_once('=').expect("NAME=VALUE");
            run = run.env(name, value);
        }
        run
    };
    let (_, address) = exports.split_once("http://").expect("an address");
    let address = address.split_whitespace().next().expect("an address");
    let hook = json!({"targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"]});
    let configuration = json!({"strategy": "BLUE_GREEN", "lifecycleHooks": [hook]});
    aws::call(
        address,
        "UpdateService",
        &json!({"cluster": "shop", "service": "shop-web", "deploymentConfiguration": configuration}),
    );
    let mut run = over_the_network("apply prod").start();
    run.wait_for("web: to go back: ");
    run.signal("INT");
    let ran = run.finish();
    let mut steady = ran.to_string();
    for (pattern, word) in [
        (
            r"service-deployment/shop/shop-web/\S+",
            "service-deployment/shop/shop-web/[id]",
        ),
        (r"ecs-pause-\S+", "ecs-pause-[id]"),
        (
            r"(?s)ECS itself goes\s+back\s+at \S+\s+\S+\s+UTC",
            "ECS itself goes back at [time]",
        ),
    ] {
        let pattern = Regex::new(pattern).unwrap();
        steady = pattern.replace_all(&steady, word).into_owned();
    }
    assert_snapshot!(steady, @"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 68 → new
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735

    1 to change.

    … web   interrupted; the rollout of revision 69 waits for somebody
        paused  at post test traffic shift, until somebody lets it go on or back;
                ECS itself goes back at [moment] UTC
        go on   aws ecs continue-service-deployment --region us-west-1 --service-deployment-arn arn:aws:ecs:us-west-1:123456789012:service-deployment/shop/shop-web/[id] --hook-id ecs-pause-[id] --action CONTINUE
        go back aws ecs continue-service-deployment --region us-west-1 --service-deployment-arn arn:aws:ecs:us-west-1:123456789012:service-deployment/shop/shop-web/[id] --hook-id ecs-pause-[id] --action ROLLBACK
        now     revision 69 runs, 3 of 3 tasks; revision 68, 3 of 3 tasks
        next    `evenkeel wait prod` waits for it again

    1 still rolling out.
    ------- stderr -------
    web: registered revision 69 of shop-web
    web: rollout of revision 69 started
    [progress]
    web: paused at post test traffic shift, until somebody lets it go on or back; ECS itself goes back at [moment] UTC
    web: to go on: aws ecs continue-service-deployment --region us-west-1 --service-deployment-arn arn:aws:ecs:us-west-1:123456789012:service-deployment/shop/shop-web/[id] --hook-id ecs-pause-[id] --action CONTINUE
    web: to go back: aws ecs continue-service-deployment --region us-west-1 --service-deployment-arn arn:aws:ecs:us-west-1:123456789012:service-deployment/shop/shop-web/[id] --hook-id ecs-pause-[id] --action ROLLBACK
    [exit 130]
    ");
    let command = ran
        .stdout
        .lines()
        .find(|line| line.contains("--action CONTINUE"));
    let (_, command) = command.unwrap().split_once("go on").unwrap();
    aws::call(address, "ContinueServiceDeployment", &request_of(command));
    let ran = over_the_network("wait prod").run();
    assert_eq!(ran.code(), Some(0), "{ran}");
}

#[test]
fn a_run_whose_rollout_was_replaced_is_not_green() {
    let checkout = Checkout::shop("1.2.0-slow").file("environments/hotfix.toml", shop("1.2.1"));
    let first = waiting(&checkout);
    checkout.evenkeel("sandbox push").arg(image("1.2.1")).run();
    let second = checkout.run("apply hotfix --sandbox");
    assert_snapshot!(second, @"
    hotfix   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 69 → new
        app   image  shop/web
              1.2.0-slow  sha256:e0fef52c
            → 1.2.1       sha256:3a0cc4e7
        note  this ends the rollout of revision 69 that is under way, 0 of 3 tasks

    1 to change.

    ✓ web   revision 70 runs, 3 of 3 tasks   [time]

    1 deployed.
    ------- stderr -------
    web: registered revision 70 of shop-web
    web: rollout of revision 70 started, ending that of revision 69
    [progress]
    [exit 0]
    ");
    let first = first.finish();
    assert_eq!(first.code(), Some(5), "{first}");
    let says = "✗ web   the rollout of revision 69 was replaced by one of revision 70 after";
    assert!(first.stdout.contains(says), "{first}");
    // How far the other one was when this was seen is a matter of luck.
    assert!(first.stdout.contains("now     revision 70"), "{first}");
}

#[test]
fn goes_back_to_a_revision_that_is_there_already() {
    let checkout = Checkout::shop("1.2.0");
    checkout.run("apply prod --sandbox");
    checkout.write("environments/prod.toml", shop("1.1.9"));
    let ran = checkout.run("apply prod --sandbox");
    assert_snapshot!(ran, @"
    prod   shop · us-west-1 · 123456789012

    ~ web   shop-web   revision 69 → 68
        app   image  shop/web
              1.2.0  sha256:358d4735
            → 1.1.9  sha256:f26a773d
        note  revision 68 already is what is declared; no new one is needed

    1 to change.

    ✓ web   revision 68 runs, 3 of 3 tasks   [time]

    1 deployed.
    ------- stderr -------
    web: revision 68 already is what is declared
    web: rollout of revision 68 started
    [progress]
    [exit 0]
    ");
}

#[test]
fn several_environments_are_applied_in_order() {
    let checkout = Checkout::shop("1.2.0").file(
        "environments/staging.toml",
        shop("1.3.0").replace("\"shop", "\"staging"),
    );
    assert_snapshot!(checkout.run("apply staging prod --sandbox"), @"
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

    staging
    ✓ web   revision 44 runs, 3 of 3 tasks   [time]

    1 deployed.

    prod
    ✓ web   revision 69 runs, 3 of 3 tasks   [time]

    1 deployed.
    ------- stderr -------
    staging/web: registered revision 44 of staging-web
    staging/web: rollout of revision 44 started
    [progress]
    prod/web: registered revision 69 of shop-web
    prod/web: rollout of revision 69 started
    [progress]
    [exit 0]
    ");
}

#[test]
fn an_environment_that_fails_ends_the_run() {
    let checkout = Checkout::shop("1.2.0").file(
        "environments/staging.toml",
        shop("1.3.0-crash").replace("\"shop", "\"staging"),
    );
    let ran = checkout
        .evenkeel("apply staging prod --sandbox")
        .speed(2)
        .run();
    assert_eq!(ran.code(), Some(3), "{ran}");
    // Whoever reads the end of the log must learn that prod was left out.
    let end = format!("{}\n{}", end_of(&ran.stdout), end_of(&ran.stderr));
    assert!(end.contains("prod"), "{ran}");
    let plan = checkout.run("plan prod --sandbox --detailed-exitcode");
    assert_eq!(plan.code(), Some(2), "{plan}");
}

#[test]
fn an_environment_named_twice_is_applied_once() {
    let checkout = Checkout::shop("1.2.0");
    let ran = checkout.run("apply prod prod --sandbox");
    assert_eq!(ran.code(), Some(0), "{ran}");
}
