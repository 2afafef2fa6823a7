//! The whole story, in a real git repository, over a sandbox on a port: from a
//! pushed image to a drift that is noticed. Read it from top to bottom.

use std::process::Command;

use serde_json::{Value, json};

use crate::aws;
use crate::support::{Checkout, Ran, image};

/// One environment of the team's, on its own cluster.
fn environment(cluster: &str, more: &str) -> String {
    format!(
        r#"account = "123456789012"
region = "us-west-1"
cluster = "{cluster}"
{more}
[services.web]
name = "web"
image = "{}"
"#,
        image("1.2.0")
    )
}

struct Team {
    checkout: Checkout,
    /// What a shell exports to reach the sandbox.
    exports: Vec<(String, String)>,
}

impl Team {
    fn evenkeel(&self, args: &str) -> Ran {
        let mut run = self.checkout.evenkeel(args);
        for (name, value) in &self.exports {
            run = run.env(name, value);
        }
        run.run()
    }

    /// Runs it to exit code 0.
    #[track_caller]
    fn does(&self, args: &str) -> Ran {
        let ran = self.evenkeel(args);
        assert_eq!(ran.code(), Some(0), "{args}: {ran}");
        ran
    }

    #[track_caller]
    fn git(&self, args: &[&str]) -> String {
        let ran = Command::new("git")
            .args(args)
            .current_dir(self.checkout.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .expect("git");
        assert!(ran.status.success(), "{args:?}: {ran:?}");
        String::from_utf8(ran.stdout).expect("text")
    }
}

#[test]
fn from_a_pushed_image_to_a_drift_that_is_noticed() {
    // A repository with two environments, and an AWS that is a sandbox.
    let checkout = Checkout::empty()
        .file("environments/staging.toml", environment("staging", ""))
        .file(
            "environments/prod.toml",
            environment(
                "prod",
                "\n[promotion]\nfrom = \"staging\"\nsoak = \"10s\"\n",
            ),
        )
        .file(".gitignore", ".evenkeel/\nhome/\n");
    let mut server = checkout.evenkeel("sandbox --port 0").start();
    let exports: Vec<(String, String)> = server
        .exports()
        .split_whitespace()
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let team = Team { checkout, exports };
    team.git(&["init", "--quiet", "--initial-branch=main"]);
    team.git(&["config", "user.name", "team"]);
    team.git(&["config", "user.email", "team@example.com"]);
    team.git(&["add", "--all"]);
    team.git(&["commit", "--quiet", "--message=Two environments"]);
    team.does("apply staging prod --yes");

    // Somebody builds and pushes 1.3.0; `set` writes it into staging's file,
    // and the merge of that deploys it.
    team.checkout
        .evenkeel("sandbox push")
        .arg(image("1.3.0"))
        .run();
    team.does("set staging web=:1.3.0 --resolve");
    team.git(&[
        "commit",
        "--quiet",
        "--all",
        "--message=web 1.3.0 to staging",
    ]);
    team.does("apply staging --yes");

    // Promotion waits until it has soaked, then makes a branch with prod's file.
    let early = team.evenkeel("promote --to prod --commit --body-file body.md");
    if early.code() != Some(0) {
        assert_eq!(early.code(), Some(4), "only time is missing: {early}");
        std::thread::sleep(std::time::Duration::from_secs(1));
        team.does("promote --to prod --commit --body-file body.md");
    }
    let body = std::fs::read_to_string(team.checkout.path().join("body.md")).expect("a body");
    assert!(
        body.contains("1.3.0") && body.contains("1 to change"),
        "{body}"
    );
    std::fs::remove_file(team.checkout.path().join("body.md")).expect("it is there");
    let branch = team.git(&["branch", "--show-current"]);
    let branch = branch.trim();
    assert!(branch.starts_with("promote/"), "{branch}");
    let changed = team.git(&["diff", "--name-only", "main", branch]);
    assert_eq!(changed.trim(), "environments/prod.toml");

    // The reviewer reads the plan as a comment, and approves this very plan.
    let comment = team.does("plan prod --format markdown").stdout;
    assert!(
        comment.starts_with("<!-- evenkeel:plan:prod -->"),
        "{comment}"
    );
    let plans: Value = team.does("plan prod --format json").json();
    let hash = plans["environments"][0]["hash"].as_str().expect("a hash");
    assert!(comment.contains(&hash[..12]), "{comment}");

    // Merged; what was reviewed is what is applied, and nothing else could be.
    team.git(&["checkout", "--quiet", "main"]);
    team.git(&["merge", "--quiet", branch]);
    let other = team.evenkeel(&format!("apply prod --yes --expect {}", "0".repeat(64)));
    assert_eq!(other.code(), Some(5), "{other}");
    team.does(&format!("apply prod --yes --expect {hash}"));

    // The schedule finds nothing to do.
    let quiet = team.does("reconcile");
    assert!(quiet.stdout.contains("2 in sync."), "{quiet}");

    // Somebody changes what runs in prod, by hand, in the console.
    let (_, address) = team.exports[0].1.split_once("http://").expect("an address");
    let by_hand = |operation: &str, body: Value| aws::call(address, operation, &body);
    let described = by_hand(
        "DescribeServices",
        json!({"cluster": "prod", "services": ["web"]}),
    );
    let live = &described["services"][0]["taskDefinition"];
    let definition = by_hand("DescribeTaskDefinition", json!({"taskDefinition": live}));
    let mut request = definition["taskDefinition"].clone();
    let family = request["family"].clone();
    let keep = [
        "family",
        "containerDefinitions",
        "networkMode",
        "cpu",
        "memory",
        "requiresCompatibilities",
        "executionRoleArn",
        "taskRoleArn",
        "runtimePlatform",
    ];
    request
        .as_object_mut()
        .expect("a document")
        .retain(|key, _| keep.contains(&key.as_str()));
    request["containerDefinitions"][0]["image"] = json!(image("1.2.0"));
    let registered = by_hand("RegisterTaskDefinition", request);
    let revision = &registered["taskDefinition"]["taskDefinitionArn"];
    by_hand(
        "UpdateService",
        json!({"cluster": "prod", "service": "web", "taskDefinition": revision}),
    );
    std::thread::sleep(std::time::Duration::from_secs(2));

    // The schedule corrects it, and says that it was drift; then all is quiet.
    let corrected = team.does("reconcile --format json");
    assert!(corrected.stdout.contains("drift"), "{family}: {corrected}");
    let quiet = team.does("reconcile");
    assert!(quiet.stdout.contains("2 in sync."), "{quiet}");
}
