//! Whole files, right and wrong, and how their mistakes read.

use std::time::Duration;

use super::*;

mod definitions;
mod edit;
mod fields;
mod files;
mod keys;
mod removals;
mod robust;
mod syntax;
mod unattended;
mod values;
mod whole;

/// A file with nothing wrong in it.
const RIGHT: &str = r#"account = "123456789012"
region = "us-west-1"
cluster = "wage-prod"
role = "arn:aws:iam::123456789012:role/evenkeel"

[services.worker]
cluster = "wage-batch"
image = "r.example/worker:1"

[services.api]
name = "fastify-backend-prod"

[services.api.rollout]
timeout = "1h30m"

[services.api.containers.sidecar]
image = "r.example/sidecar:1"

[services.api.containers.app]
image = "r.example/app:1"
"#;

/// The mistakes of a file as they are shown on a terminal of 80 columns.
fn wrong(source: &str) -> String {
    let shown = parse("prod.toml", "prod", source)
        .unwrap_err()
        .render(false, 80);
    for line in shown.lines() {
        assert!(line.chars().count() <= 80, "wider than 80 columns: {line}");
    }
    shown
}

/// The mistakes of a file that begins as it should; `services` is from line 5.
fn wrong_services(services: &str) -> String {
    let top = "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"wage-prod\"\n\n";
    wrong(&format!("{top}{services}"))
}

/// The only service of a right file that begins as it should.
fn service(services: &str) -> Service {
    let top = "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"wage-prod\"\n\n";
    let desired = parse("prod.toml", "prod", &format!("{top}{services}"));
    let desired = desired.unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false, 80)));
    desired.services.into_iter().next().unwrap()
}

/// The assignments of a service, one a line.
fn assignments(services: &str) -> String {
    let line = |assignment: &Assignment| format!("{} = {}", assignment.path, assignment.value);
    let lines: Vec<String> = service(services).assignments.iter().map(line).collect();
    lines.join("\n")
}

#[test]
fn everything_is_read_in_the_files_order_with_its_place() {
    let desired = parse("prod.toml", "prod", RIGHT).unwrap();
    assert_eq!(
        (desired.environment.as_str(), desired.file.as_str()),
        ("prod", "prod.toml")
    );
    assert_eq!(
        desired.role.as_deref(),
        Some("arn:aws:iam::123456789012:role/evenkeel")
    );
    let [worker, api] = &desired.services[..] else {
        panic!("{:?}", desired.services)
    };

    assert_eq!(
        (worker.name.as_str(), worker.service.as_str()),
        ("worker", "worker")
    );
    assert_eq!(worker.cluster.as_str(), "wage-batch");
    assert_eq!(worker.timeout, DEFAULT_TIMEOUT);
    assert_eq!(worker.images[0].container, None);
    assert_eq!(worker.at.to_string(), "prod.toml:6:11");
    assert_eq!(worker.name_at, worker.at);
    assert_eq!(worker.images[0].image_at.to_string(), "prod.toml:8:9");
    assert_eq!(worker.images[0].container_at, worker.images[0].image_at);

    assert_eq!(
        (api.name.as_str(), api.service.as_str()),
        ("api", "fastify-backend-prod")
    );
    assert_eq!(api.cluster.as_str(), "wage-prod");
    assert_eq!(api.timeout, Duration::from_secs(5400));
    assert_eq!(api.name_at.to_string(), "prod.toml:11:8");
    let containers: Vec<_> = api
        .images
        .iter()
        .map(|image| image.container.as_deref().unwrap())
        .collect();
    assert_eq!(containers, ["sidecar", "app"]);
    assert_eq!(api.images[1].container_at.to_string(), "prod.toml:19:26");
    assert_eq!(api.images[1].image_at.to_string(), "prod.toml:20:9");
}

#[test]
fn a_services_own_rollout_wins_over_the_environments() {
    let read = |more: &str| {
        let top = "account='123456789012'\nregion='us-west-1'\ncluster='c'\n";
        let desired = parse("f", "f", &format!("{top}{more}")).unwrap();
        let rollouts: Vec<(u64, OnFailure)> = desired
            .services
            .iter()
            .map(|service| (service.timeout.as_secs(), service.on_failure))
            .collect();
        (desired.provenance, rollouts)
    };
    let services = "[services.a]\nimage='a:1'\n[services.b]\nimage='a:1'\n";
    assert_eq!(
        read(services),
        (
            true,
            vec![(900, OnFailure::Rollback), (900, OnFailure::Rollback)]
        )
    );
    let table = "provenance=false\n[rollout]\ntimeout='5m'\non-failure='stop'\n";
    assert_eq!(
        read(&format!("{table}{services}rollout.timeout='1m'\n")),
        (false, vec![(300, OnFailure::Stop), (60, OnFailure::Stop)])
    );
    assert_eq!(
        read(&format!("{table}{services}rollout.on-failure='rollback'\n")),
        (
            false,
            vec![(300, OnFailure::Stop), (300, OnFailure::Rollback)]
        )
    );
}

#[test]
fn windows_line_ends_a_byte_order_mark_and_inline_tables_are_fine() {
    let windows = format!("\u{feff}{}", RIGHT.replace('\n', "\r\n"));
    assert_eq!(
        parse("prod.toml", "prod", &windows).unwrap(),
        parse("prod.toml", "prod", RIGHT).unwrap()
    );
    let inline =
        "account='123456789012'\nregion='us-west-1'\ncluster='c'\nservices.api = {image='a:1'}";
    assert_eq!(
        parse("f", "f", inline).unwrap().services[0]
            .service
            .as_str(),
        "api"
    );
}

#[test]
fn the_examples_are_right() {
    for (name, account, tag) in [
        ("prod", "123456789012", "1.4.2"),
        ("staging", "210987654321", "1.5.0"),
    ] {
        let desired = load(Path::new(&format!("environments/{name}.toml"))).unwrap();
        assert_eq!(
            (desired.environment.as_str(), desired.account.as_str()),
            (name, account)
        );
        let services: Vec<&str> = desired
            .services
            .iter()
            .map(|service| service.service.as_str())
            .collect();
        assert_eq!(
            services,
            [
                format!("fastify-backend-{name}"),
                format!("wage-worker-{name}")
            ]
        );
        assert!(
            desired
                .services
                .iter()
                .all(|service| service.images[0].image.tag() == Some(tag))
        );
    }
}
