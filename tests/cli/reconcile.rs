//! `evenkeel reconcile`: many environments, one report.

use std::fs;

use insta::assert_snapshot;
use serde_json::{Value, json};

use crate::aws;
use crate::support::{Checkout, Ran, image, shop};

/// Another shop, in a cluster of its own, with a family of its own.
fn other(cluster: &str, tag: &str) -> String {
    shop(tag)
        .replace("\"shop\"", &format!("\"{cluster}\""))
        .replace("\"shop-web\"", &format!("\"{cluster}-web\""))
}

fn report(ran: &Ran, environment: &str) -> Value {
    ran.json_lines()
        .into_iter()
        .find(|line| line["event"] == "reconciled" && line["environment"] == environment)
        .unwrap_or_else(|| panic!("no report on {environment} in {ran}"))
}

/// The report and the exit code. What environments tell meanwhile comes in no
/// order.
fn stdout(ran: &Ran) -> String {
    let text = crate::support::steady(&ran.stdout, std::path::Path::new("/nowhere"));
    format!("{text}[exit {:?}]", ran.code())
}

/// Somebody registers what runs with another image, and deploys it.
fn change_by_hand(checkout: &Checkout, cluster: &str, tag: &str) {
    // The server wants every file to be right.
    let wrong = checkout.path().join("environments/wrong.toml");
    let aside = checkout.path().join("wrong");
    let moved = fs::rename(&wrong, &aside).is_ok();
    let mut server = checkout.evenkeel("sandbox --port 0").start();
    server.wait_for("export ");
    let out = server.stdout_so_far();
    let address = out
        .split_whitespace()
        .find_map(|word| word.strip_prefix("AWS_ENDPOINT_URL=http://"))
        .expect("an address")
        .to_owned();
    let name = format!("{cluster}-web");
    let services = json!({"cluster": cluster, "services": [name]});
    let described = aws::call(&address, "DescribeServices", &services);
    let live = &described["services"][0]["taskDefinition"];
    let body = json!({"taskDefinition": live});
    let described = aws::call(&address, "DescribeTaskDefinition", &body);
    let mut request = described["taskDefinition"].clone();
    let kept = [
        "family",
        "containerDefinitions",
        "networkMode",
        "requiresCompatibilities",
        "cpu",
        "memory",
        "executionRoleArn",
        "taskRoleArn",
        "runtimePlatform",
    ];
    let map = request.as_object_mut().expect("an object");
    map.retain(|key, _| kept.contains(&key.as_str()));
    request["containerDefinitions"][0]["image"] = json!(image(tag));
    let registered = aws::call(&address, "RegisterTaskDefinition", &request);
    let revision = &registered["taskDefinition"]["taskDefinitionArn"];
    let update = json!({"cluster": cluster, "service": name, "taskDefinition": revision});
    aws::call(&address, "UpdateService", &update);
    // At thirty seconds a second.
    crate::support::poll("the end of its rollout", || {
        let described = aws::call(&address, "DescribeServices", &services);
        let deployments = described["services"][0]["deployments"]
            .as_array()
            .cloned()?;
        (deployments.len() == 1 && deployments[0]["rolloutState"] == "COMPLETED").then_some(())
    });
    if moved {
        fs::rename(aside, wrong).expect("it is put back");
    }
}

#[test]
fn environments_are_made_what_their_files_say_and_then_nothing() {
    let checkout = Checkout::shop("1.2.0").file("environments/test.toml", other("test", "1.2.0"));
    assert_snapshot!(stdout(&checkout.run("reconcile --sandbox")), @"
    prod   shop · us-west-1 · 123456789012

    ✓ web   revision 69 runs, 3 of 3 tasks   [time]
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735

    test   test · us-west-1 · 123456789012

    ✓ web   revision 23 runs, 3 of 3 tasks   [time]
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735

    2 corrected.
    [exit Some(0)]
    ");
    assert_snapshot!(stdout(&checkout.run("reconcile --sandbox")), @"
    prod   shop · us-west-1 · 123456789012

    = 1 service in sync

    test   test · us-west-1 · 123456789012

    = 1 service in sync

    2 in sync.
    [exit Some(0)]
    ");
    assert_snapshot!(checkout.run("reconcile test --sandbox -v --log-format json").stdout, @"
    test   test · us-west-1 · 123456789012

    = web   revision 23 runs

    1 in sync.
    ");
    let ran = checkout.run("reconcile --sandbox --format json");
    let lines = ran.json_lines();
    assert_eq!(lines.len(), 3, "{ran}");
    assert_eq!(lines[2]["event"], "report");
    assert_eq!(lines[2]["counts"]["in_sync"], 2);
    assert_eq!(report(&ran, "test")["services"][0]["state"], "in-sync");
}

/// One of each.
fn of_every_kind() -> Checkout {
    let checkout = Checkout::shop("1.2.0")
        .file("environments/held.toml", other("held", "1.2.0"))
        .file("environments/hand.toml", other("hand", "1.2.0"))
        .file("environments/fixed.toml", other("fixed", "1.2.0"))
        .file("environments/crash.toml", other("crash", "1.2.0-crash"))
        .file("environments/gone.toml", other("gone", "1.2.0"));
    checkout.run("reconcile --sandbox");
    change_by_hand(&checkout, "hand", "1.1.9");
    change_by_hand(&checkout, "fixed", "1.1.9");
    checkout.write(
        "environments/hand.toml",
        format!("drift = \"report\"\n{}", other("hand", "1.2.0")),
    );
    checkout.write(
        "environments/held.toml",
        format!(
            "suspend.reason = \"the sale is on\"\n{}",
            other("held", "1.1.9")
        ),
    );
    checkout.write("environments/gone.toml", other("gone", "9.9.9"));
    checkout.write("environments/wrong.toml", "acount = \"123456789012\"\n");
    checkout
}

#[test]
fn every_state_is_told_in_every_format() {
    let checkout = of_every_kind();
    let summary = checkout.path().join("summary.md");
    fs::write(&summary, "before\n").expect("a file");
    let ran = checkout
        .evenkeel("reconcile --sandbox")
        .env("GITHUB_STEP_SUMMARY", summary.display().to_string())
        .run();
    assert_snapshot!(stdout(&ran), @r#"
    crash   crash · us-west-1 · 123456789012

    ✗ web   not deployed: the rollout of revision 57 failed before, at [moment] UTC; revision 56 runs
        reason  Service deployment rolled back because the circuit breaker threshold
                was exceeded.
        next    declare another image, or try this one again with `evenkeel apply
                crash --retry`

    fixed   fixed · us-west-1 · 123456789012

    ✓ web   revision 65 runs, 3 of 3 tasks   [time]
        drift   revision 64 was not registered by evenkeel; revision 63 before it
                was
        by      sandbox registered revision 64 at [moment] UTC
        app   image  shop/web
              1.1.9  sha256:f26a773d (what runs)
            → 1.2.0  sha256:358d4735

    gone   gone · us-west-1 · 123456789012

    ✗ web   blocked
        shop/web (ECR 123456789012, us-west-1) has no tag 9.9.9
        at    environments/gone.toml:7:9
        hint  the nearest tags there are: 1.1.9, 1.3.0 and 1.2.1

    hand   hand · us-west-1 · 123456789012

    ~ web   drifted; left as it is (drift = "report")
        drift   revision 32 was not registered by evenkeel; revision 31 before it
                was
        by      sandbox registered revision 32 at [moment] UTC
        app   image  shop/web
              1.1.9  sha256:f26a773d (what runs)
            → 1.2.0  sha256:358d4735

    held   held · us-west-1 · 123456789012

    ‖ web   suspended; this would change:
        app   image  shop/web
              1.2.0  sha256:358d4735
            → 1.1.9  sha256:f26a773d
        note  revision 34 already is what is declared; no new one is needed
        suspended: the sale is on
        at    environments/held.toml:1:1
        hint  take `suspend` out of the file to let it go on

    prod   shop · us-west-1 · 123456789012

    = 1 service in sync

    wrong

    ✗ its file has 3 mistakes
        environments/wrong.toml:1:1: unknown key `acount`
          hint  did you mean `account`?
        environments/wrong.toml:1:1: `region` and `cluster` are missing
          hint  add above the first [table], with your values: region = "us-west-1"
                cluster = "wage-prod"
        environments/wrong.toml:1:24: no service is declared
          hint  add one: [services.api] image =
                "123456789012.dkr.ecr.us-west-1.amazonaws.com/api:1.4.2"

    1 environment could not be reconciled, 1 failed before, 1 blocked, 1 drifted, 1
    suspended, 1 corrected, 1 in sync.
    [exit Some(3)]
    "#);
    for line in [
        "fixed/web: registered revision",
        "hint: did you mean `account`?",
    ] {
        assert!(ran.stderr.contains(line), "{ran}");
    }
    let summary = fs::read_to_string(&summary).expect("the summary");
    assert!(summary.starts_with("before\n## Evenkeel"), "{summary}");

    change_by_hand(&checkout, "fixed", "1.1.8");
    let markdown = checkout.run("reconcile --sandbox --format markdown");
    // Times are only known by their colons.
    let readable = markdown.stdout.replace("&#58;", ":");
    assert_snapshot!(crate::support::steady(&readable, checkout.path()), @r#"
    ## Evenkeel: reconcile

    **1 environment could not be reconciled, 1 failed before, 1 blocked, 1 drifted, 1 suspended, 1 corrected, 1 in sync**

    | | environment | service | |
    |---|---|---|---|
    | ✗ | <code>crash</code> | <code>web</code> | **failed before**: not deployed: the rollout of revision 57 failed before, at [moment] UTC&#59; revision 56 runs |
    | ✓ | <code>fixed</code> | <code>web</code> | **corrected**: drift corrected: revision 65 runs |
    | ✗ | <code>gone</code> | <code>web</code> | **blocked**: shop&#47;web &#40;ECR 123456789012, us-west-1&#41; has no tag 9&#46;9&#46;9 |
    | ~ | <code>hand</code> | <code>web</code> | **drifted**: left as it is &#40;drift &#61; &#34;report&#34;&#41; |
    | ‖ | <code>held</code> | <code>web</code> | **suspended**: the sale is on |
    | ✗ | <code>wrong</code> |  | **not reconciled**: its file has 3 mistakes |

    <details><summary><code>crash</code> <code>web</code></summary>

    <pre>
    ✗ web   not deployed: the rollout of revision 57 failed before, at [moment] UTC; revision 56 runs
        reason  Service deployment rolled back because the circuit breaker threshold
                was exceeded.
        next    declare another image, or try this one again with &#96;evenkeel apply
                crash --retry&#96;
    </pre>

    </details>

    <details><summary><code>fixed</code> <code>web</code></summary>

    <pre>
    ✓ web   revision 65 runs, 3 of 3 tasks   [time]
        drift   revision 66 was not registered by evenkeel; revision 65 before it
                was
        by      sandbox registered revision 66 at [moment] UTC
        app   image  shop/web
              1.1.8  sha256:497f784d (what runs)
            → 1.2.0  sha256:358d4735
        note  revision 65 already is what is declared; no new one is needed
    </pre>

    </details>

    <details><summary><code>gone</code> <code>web</code></summary>

    <pre>
    ✗ web   blocked
        shop/web (ECR 123456789012, us-west-1) has no tag 9.9.9
        at    environments/gone.toml:7:9
        hint  the nearest tags there are: 1.1.9, 1.3.0 and 1.2.1
    </pre>

    </details>

    <details><summary><code>hand</code> <code>web</code></summary>

    <pre>
    ~ web   drifted; left as it is (drift = "report")
        drift   revision 32 was not registered by evenkeel; revision 31 before it
                was
        by      sandbox registered revision 32 at [moment] UTC
        app   image  shop/web
              1.1.9  sha256:f26a773d (what runs)
            → 1.2.0  sha256:358d4735
    </pre>

    </details>

    <details><summary><code>held</code> <code>web</code></summary>

    <pre>
    ‖ web   suspended; this would change:
        app   image  shop/web
              1.2.0  sha256:358d4735
            → 1.1.9  sha256:f26a773d
        note  revision 34 already is what is declared; no new one is needed
        suspended: the sale is on
        at    environments/held.toml:1:1
        hint  take &#96;suspend&#96; out of the file to let it go on
    </pre>

    </details>

    <details><summary><code>wrong</code></summary>

    <pre>
    ✗ its file has 3 mistakes
        environments/wrong.toml:1:1: unknown key &#96;acount&#96;
          hint  did you mean &#96;account&#96;?
        environments/wrong.toml:1:1: &#96;region&#96; and &#96;cluster&#96; are missing
          hint  add above the first [table], with your values: region = "us-west-1"
                cluster = "wage-prod"
        environments/wrong.toml:1:24: no service is declared
          hint  add one: [services.api] image =
                "123456789012.dkr.ecr.us-west-1.amazonaws.com/api:1.4.2"
    </pre>

    </details>
    "#);

    change_by_hand(&checkout, "fixed", "1.1.7");
    let ran = checkout.run("reconcile --sandbox --format json");
    assert_eq!(ran.code(), Some(3));
    let states: Vec<(String, Value, Value)> = ran
        .json_lines()
        .iter()
        .filter(|line| line["event"] == "reconciled")
        .map(|line| {
            (
                line["environment"].as_str().unwrap().to_owned(),
                line["services"][0]["state"].clone(),
                line["exit_code"].clone(),
            )
        })
        .collect();
    let of = |name: &str, state: Value, code: u8| (name.to_owned(), state, json!(code));
    assert_eq!(
        states,
        [
            of("crash", json!("failed-before"), 3),
            of("fixed", json!("corrected"), 0),
            of("gone", json!("blocked"), 1),
            of("hand", json!("drifted"), 2),
            of("held", json!("suspended"), 0),
            of("prod", json!("in-sync"), 0),
            of("wrong", Value::Null, 1),
        ]
    );
    let hand = &report(&ran, "hand")["services"][0];
    assert_eq!(hand["cause"], "drift");
    assert_eq!(hand["drift"]["sign"], "not-ours");
    assert!(
        hand["drift"]["registered_by"]
            .as_str()
            .is_some_and(|by| by.starts_with("arn:aws:"))
    );
    assert_eq!(hand["plan"]["verdict"], "change");
    assert_eq!(hand["result"], Value::Null);
    let fixed = &report(&ran, "fixed")["services"][0];
    assert_eq!(fixed["cause"], "drift");
    assert_eq!(fixed["result"]["outcome"], "deployed");
    let wrong = report(&ran, "wrong");
    assert!(
        wrong["error"]["mistakes"]
            .as_array()
            .is_some_and(|all| all.len() > 1),
        "{wrong}"
    );
    let last = ran.json_lines().pop().expect("a line");
    assert_eq!(last["exit_code"], 3);
    assert_eq!(last["not_reconciled"], 1);
}

#[test]
fn the_worst_decides_the_exit_code() {
    let checkout = of_every_kind();
    for (environments, code) in [
        ("prod held", 0),
        ("prod hand held", 2),
        ("hand gone", 1),
        ("gone crash", 3),
        ("prodd prod", 1),
        ("wrong prod", 1),
    ] {
        let ran = checkout.run(&format!("reconcile {environments} --sandbox"));
        assert_eq!(ran.code(), Some(code), "{environments}: {ran}");
    }
    assert_snapshot!(checkout.run("reconcile prodd prod prod --sandbox"), @"
    prodd

    ✗ there is no environment `prodd`: environments/prodd.toml does not exist
        hint  did you mean `prod`? There are: crash, fixed, gone, hand, held, prod,
              wrong

    prod   shop · us-west-1 · 123456789012

    = 1 service in sync

    1 environment could not be reconciled, 1 in sync.
    ------- stderr -------
    error: there is no environment `prodd`: environments/prodd.toml does not exist
     hint: did you mean `prod`? There are: crash, fixed, gone, hand, held, prod,
           wrong
    [exit 1]
    ");
}

#[test]
fn a_failed_rollout_is_explained_and_the_others_go_on() {
    let checkout =
        Checkout::shop("1.2.0").file("environments/crash.toml", other("crash", "1.2.0-crash"));
    assert_snapshot!(stdout(&checkout.run("reconcile --sandbox")), @"
    crash   crash · us-west-1 · 123456789012

    ✗ web   the rollout of revision 57 failed; ECS went back to revision 56 ([time])
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
        reason  Service deployment rolled back because the circuit breaker threshold
                was exceeded.
        event   (deployment ecs-svc/[id]) deployment failed: tasks
                failed to start.
        now     revision 56 runs, 3 of 3 tasks
        app   image  shop/web
              1.1.9        sha256:f26a773d
            → 1.2.0-crash  sha256:9b9ce768

    prod   shop · us-west-1 · 123456789012

    ✓ web   revision 69 runs, 3 of 3 tasks   [time]
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735

    1 failed, 1 corrected.
    [exit Some(3)]
    ");
}

#[test]
fn nothing_from_outside_means_anything_in_the_report() {
    let file = shop("1.2.0").replace(
        "[services.web]",
        "suspend.reason = \"`x` | </pre><script> @ops #1 ::error::z\"\n[services.'a|`b`<i>@ops']",
    );
    let checkout = Checkout::empty().file("environments/a|`b`<i>@ops.toml", file);
    let ran = checkout.run("reconcile --sandbox --format markdown");
    assert_eq!(ran.code(), Some(0), "{ran}");
    let visible = ran.stdout.replace('\u{200b}', "[no width]");
    assert_snapshot!(visible, @"
    ## Evenkeel: reconcile

    **1 suspended**

    | | environment | service | |
    |---|---|---|---|
    | ‖ | <code>a&#124;&#96;b&#96;&#60;i&#62;&#64;ops</code> | <code>a&#124;&#96;b&#96;&#60;i&#62;&#64;ops</code> | **suspended**: &#96;x&#96; &#124; &#60;&#47;pre&#62;&#60;script&#62; &#64;[no width]ops &#35;[no width]1 &#58;&#58;error&#58;&#58;z |

    <details><summary><code>a&#124;&#96;b&#96;&#60;i&#62;&#64;ops</code> <code>a&#124;&#96;b&#96;&#60;i&#62;&#64;ops</code></summary>

    <pre>
    ‖ a|&#96;b&#96;&lt;i&gt;&#64;ops   suspended; this would change:
        app   image  shop/web
              1.1.9  sha256:f26a773d
            → 1.2.0  sha256:358d4735
        suspended: &#96;x&#96; | &lt;/pre&gt;&lt;script&gt; &#64;ops #1 ::error::z
        at    environments/a|&#96;b&#96;&lt;i&gt;&#64;ops.toml:5:1
        hint  take &#96;suspend&#96; out of the file to let it go on
    </pre>

    </details>
    ");
    assert!(!ran.stdout.contains("<script>") && !ran.stdout.contains("`"));
}

#[test]
fn how_many_at_once_is_at_least_one() {
    let checkout = Checkout::shop("1.2.0");
    let ran = checkout.run("reconcile --sandbox --at-once 0");
    assert_eq!(ran.code(), Some(64), "{ran}");
}

#[test]
fn a_summary_that_cannot_be_written_fails_nothing() {
    let checkout = Checkout::shop("1.2.0");
    let ran = checkout
        .evenkeel("reconcile --sandbox")
        .env("GITHUB_STEP_SUMMARY", "/nowhere/summary.md")
        .run();
    assert_eq!(ran.code(), Some(0), "{ran}");
    assert!(
        ran.stderr
            .contains("/nowhere/summary.md could not be written"),
        "{ran}"
    );
}

#[test]
fn an_account_without_credentials_and_one_without_the_cluster_are_told_apart() {
    let denied = "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><Error>\
         <Type>Sender</Type><Code>AccessDenied</Code><Message>User: u is not authorized to \
         perform: sts:AssumeRole on resource: r</Message></Error></ErrorResponse>";
    let gone = json!({"__type": "ClusterNotFoundException", "message": "Cluster not found."});
    let aws = aws::Aws::answering(move |operation| match operation {
        "AssumeRole" => (403, denied.to_owned()),
        _ => (400, gone.to_string()),
    });
    let role = "role = \"arn:aws:iam::123456789012:role/evenkeel\"\n";
    let public = |tag: &str| shop(tag).replace(&image(tag), "public.ecr.aws/nginx/nginx:1.27");
    let checkout = Checkout::empty()
        .file("environments/a.toml", format!("{role}{}", public("1.2.0")))
        .file("environments/b.toml", public("1.2.0"));
    let ran = aws::at(&checkout, &aws.url, "reconcile").run();
    assert_snapshot!(stdout(&ran), @"
    a   shop · us-west-1 · 123456789012

    ✗ the role may not be assumed: User: u is not authorized to perform:
      sts:AssumeRole on resource: r
        hint  allow sts:AssumeRole for the caller, and in the role's trust policy
              (there, from CI, sts:AssumeRoleWithWebIdentity)

    b   shop · us-west-1 · 123456789012

    ✗ there is no cluster shop in us-west-1 of the account these credentials are for
        hint  check `cluster` and `region` in the environment file, and whether
              these are the credentials of its account

    2 environments could not be reconciled.
    [exit Some(1)]
    ");
}
