//! What runs and what ran, and what finding out costs.

use std::fmt::Write as _;

use evenkeel::live::{Source, history, status};
use evenkeel::observed::DeploymentStatus;
use evenkeel::plan::{NoWay, back};
use evenkeel::sandbox::Sandbox;

use crate::world::{HEAD, World, image, one_service, read};

/// So many calls of each kind.
fn count(calls: &[String], name: &str) -> usize {
    calls.iter().filter(|call| *call == name).count()
}

#[tokio::test(start_paused = true)]
async fn ten_services_are_described_by_one_call() {
    let mut file = HEAD.to_owned();
    for n in 0..11 {
        let _ = writeln!(file, "[services.web{n}]\nimage = \"{}\"", image("1.4.2"));
    }
    let world = World::seeded(&file).await;
    world.calls();
    let desired = read(&file);
    let status = world.ask(|observed| status(&desired, observed)).await;
    assert!(status.is_whole());
    assert_eq!(status.services.len(), 11);
    let calls = world.calls();
    assert_eq!(count(&calls, "DescribeServices"), 2);
    assert_eq!(count(&calls, "DescribeTaskDefinition"), 11);
    // And nothing else: no look at ECR, no write.
    assert_eq!(calls.len(), 13, "{calls:?}");
}

#[tokio::test(start_paused = true)]
async fn a_history_that_may_not_be_read_becomes_the_newest_revisions() {
    let file = one_service(&image("1.4.2"));
    let sandbox = Sandbox::in_memory().with_denied(["ecs:ListServiceDeployments"]);
    let world = World::with(sandbox, &file, None).await;
    let desired = read(&file);
    let web = &desired.services[0];
    let told = world
        .ask(|observed| history(web, 10, observed))
        .await
        .expect("a history");
    let Source::Revisions { instead: Some(why) } = &told.told_by else {
        panic!("{:?}", told.told_by);
    };
    assert!(
        why.why.contains("ecs:ListServiceDeployments"),
        "{}",
        why.why
    );
    let revisions: Vec<_> = told.entries.iter().map(|entry| entry.current).collect();
    assert_eq!(revisions, [true, false]);
    assert!(!told.is_whole());
    // What was healthy is not guessed.
    let no_way = world.ask(|observed| back(web, None, observed)).await;
    assert!(
        matches!(no_way, Err(NoWay::Unreadable { .. })),
        "{no_way:?}"
    );
}

/// ECS itself does not call this one failed.
#[tokio::test(start_paused = true)]
async fn a_rollout_that_evenkeel_gave_up_is_told_as_failed() {
    let file = one_service(&image("1.4.2-crash"));
    let world = World::seeded(&file).await;
    world.breaker(false, false).await;
    world.apply(&file).await;
    let desired = read(&file);
    let web = &desired.services[0];
    let told = world
        .ask(|observed| history(web, 10, observed))
        .await
        .expect("a history");
    let ended = |at: usize| told.entries[at].deployment.clone().expect("a deployment");
    assert_eq!(ended(0).status, DeploymentStatus::Successful);
    assert!(told.entries[0].current);
    assert_eq!(ended(1).status, DeploymentStatus::Stopped);
    assert!(ended(1).failed, "{:?}", told.entries[1]);
    // And what is gone back to is what runs again.
    let found = world
        .ask(|observed| back(web, None, observed))
        .await
        .expect("a way back");
    assert_eq!(Some(found.revision), told.entries[0].revision);
}
