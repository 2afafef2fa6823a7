//! How many calls things cost.

use evenkeel::cloud::Cache;
use evenkeel::event::Outcome;
use evenkeel::plan::Options;
use evenkeel::sandbox::Sandbox;

use crate::world::{HEAD, REPOSITORY, World, image, one_service};

/// A world whose one service runs what this file declares.
async fn converged(file: &str, cache: Option<Cache>) -> World {
    let world = World::with(Sandbox::in_memory(), file, cache).await;
    let outcome = world.apply(file).await;
    assert!(matches!(outcome, Outcome::Deployed { .. }), "{outcome:?}");
    world.calls();
    world
}

fn restarting() -> Options<'static> {
    Options {
        restart: true,
        ..Options::default()
    }
}

fn pinned() -> String {
    one_service(&format!("{REPOSITORY}:1.4.2@sha256:{}", "7".repeat(64)))
}

#[tokio::test(start_paused = true)]
async fn a_pinned_image_costs_two_calls_cold_and_one_warm() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = pinned();
    let world = converged(&file, Some(Cache::at(folder.path()))).await;
    drop(world.plan(&file).await);
    assert_eq!(
        world.calls(),
        ["DescribeServices", "DescribeTaskDefinition"]
    );
    drop(world.plan(&file).await);
    assert_eq!(world.calls(), ["DescribeServices"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_cache_every_plan_is_cold() {
    let file = pinned();
    let world = converged(&file, None).await;
    for _ in 0..2 {
        drop(world.plan(&file).await);
        assert_eq!(
            world.calls(),
            ["DescribeServices", "DescribeTaskDefinition"]
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_tag_costs_one_call_more() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = one_service(&image("1.4.2"));
    let world = converged(&file, Some(Cache::at(folder.path()))).await;
    drop(world.plan(&file).await);
    let mut cold = world.calls();
    cold.sort();
    assert_eq!(
        cold,
        [
            "BatchGetImage",
            "DescribeServices",
            "DescribeTaskDefinition"
        ]
    );
    drop(world.plan(&file).await);
    let mut warm = world.calls();
    warm.sort();
    assert_eq!(warm, ["BatchGetImage", "DescribeServices"]);
}

#[tokio::test(start_paused = true)]
async fn a_hundred_services_cost_ten_calls_and_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut file = HEAD.to_owned();
    for n in 0..100 {
        file += &format!("[services.s{n}]\nimage = \"{}\"\n", image("1.4.2"));
    }
    let world = World::with(Sandbox::in_memory(), &file, Some(Cache::at(folder.path()))).await;
    let plan = world.plan(&file).await;
    let (report, _) = world.carry_out(&plan).await;
    assert!(report.services.iter().all(|ended| ended.outcome.is_good()));
    drop(world.plan(&file).await);
    world.calls();

    let plan = world.plan(&file).await;
    assert_eq!(plan.count().in_sync, 100);
    let calls = world.calls();
    let count = |operation: &str| calls.iter().filter(|call| *call == operation).count();
    assert_eq!(count("DescribeServices"), 10);
    assert_eq!(count("BatchGetImage"), 1);
    assert_eq!(calls.len(), 11);
}

#[tokio::test(start_paused = true)]
async fn several_rollouts_share_their_looks() {
    let mut file = HEAD.to_owned();
    for n in 0..10 {
        file += &format!("[services.s{n}]\nimage = \"{}\"\n", image("1.4.2"));
    }
    let world = World::seeded(&file).await;
    let plan = world.plan(&file).await;
    world.calls();
    let (report, _) = world.carry_out(&plan).await;
    assert!(report.services.iter().all(|ended| ended.outcome.is_good()));
    let looks = world
        .calls()
        .iter()
        .filter(|call| *call == "DescribeServices")
        .count();
    let longest = report
        .services
        .iter()
        .map(|ended| ended.elapsed.as_secs())
        .max();
    // One look a second for all ten, one at the start, two before writing.
    assert!(
        looks as u64 <= longest.unwrap_or(0) + 4,
        "{looks} looks in {longest:?} s"
    );
}

#[tokio::test(start_paused = true)]
async fn a_deploy_writes_exactly_twice_and_a_second_one_not_at_all() {
    let file = one_service(&image("1.4.2"));
    let world = World::seeded(&file).await;
    world.apply(&file).await;
    assert_eq!(world.writes(), ["RegisterTaskDefinition", "UpdateService"]);
    let outcome = world.apply(&file).await;
    assert!(matches!(outcome, Outcome::Unchanged { .. }), "{outcome:?}");
    assert_eq!(world.writes(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_restart_registers_nothing() {
    let file = one_service(&image("1.4.2"));
    let world = World::seeded(&file).await;
    world.apply(&file).await;
    let before = world.newest_revision(&file).await;
    world.calls();
    let plan = world.plan_with(&file, restarting()).await;
    let (report, _) = world.carry_out(&plan).await;
    assert!(
        matches!(report.services[0].outcome, Outcome::Deployed { .. }),
        "{report:?}"
    );
    assert_eq!(world.writes(), ["UpdateService"]);
    assert_eq!(world.newest_revision(&file).await, before);
}

#[tokio::test(start_paused = true)]
async fn a_change_taken_back_uses_the_revision_that_there_is() {
    let (new, old) = (one_service(&image("1.4.2")), one_service(&image("1.4.1")));
    let world = World::seeded(&new).await;
    let first = world.newest_revision(&new).await;
    world.apply(&new).await;
    world.calls();
    world.apply(&old).await;
    assert_eq!(world.writes(), ["UpdateService"]);
    assert_eq!(world.newest_revision(&old).await, first);
}

#[tokio::test(start_paused = true)]
async fn a_plan_never_writes_whatever_it_finds() {
    let files = [
        one_service(&image("1.4.2")),
        one_service(&image("9.9.9")),
        one_service("public.example/other:1"),
        one_service(&image("1.4.2-crash")),
        format!("{HEAD}[services.nowhere]\nimage = \"{}\"\n", image("1.4.2")),
        format!(
            "{HEAD}[services.web.containers.nobody]\nimage = \"{}\"\n",
            image("1.4.2")
        ),
    ];
    let world = World::seeded(&files[0]).await;
    for file in &files {
        drop(world.plan(file).await);
        drop(world.plan_with(file, restarting()).await);
    }
    assert!(!world.sandbox.calls().is_empty());
    assert_eq!(world.writes(), Vec::<String>::new());
}
