//! Everything that can go wrong, by chance from a seed, on the paused clock.
//!
//! A seed draws a world (services, images, circuit breakers, how far reads lag
//! behind), what goes wrong between us and AWS, who else is at work, and when
//! our processes are killed. What happens is written down and judged by the
//! invariants. A seed always plays the same, so one that fails is replayed:
//!
//! ```text
//! EVENKEEL_SEED=17 cargo test --test simulation -- --nocapture
//! ```
//!
//! `EVENKEEL_SEEDS=10000` plays more of them, `EVENKEEL_SEEDS=2000..4000` others.

mod chaos;
mod history;
mod invariants;
mod play;
mod rng;
mod sabotage;
mod wire;
mod world;

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use history::History;
use invariants::{Invariant, Violation};
use sabotage::Sabotage;

/// How many seeds a run plays.
const SEEDS: u64 = 2_000;
/// Within so many seeds every deliberately broken variant is caught.
const BITES_WITHIN: u64 = 60;

/// Plays one seed and judges it.
fn judged(seed: u64, sabotage: Sabotage) -> (History, Vec<Violation>) {
    // The SDK draws the pauses between its attempts from here.
    fastrand::seed(seed);
    let world = Mutex::new(None);
    let played = catch_unwind(AssertUnwindSafe(|| {
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .expect("a runtime")
            .block_on(play::play(seed, sabotage, &world))
    }));
    match played {
        Ok(history) => {
            let violations = invariants::all(&history);
            (history, violations)
        }
        Err(panic) => {
            let text = panic
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| panic.downcast_ref::<&str>().copied());
            let violation = Violation {
                of: Invariant::NoPanic,
                what: text.unwrap_or_default().to_owned(),
            };
            let world = world.into_inner().unwrap_or_else(|kept| kept.into_inner());
            let history = world.map(|world| world.history().clone());
            (history.unwrap_or_default(), vec![violation])
        }
    }
}

fn seeds() -> Range<u64> {
    let number = |text: &str| text.trim().parse().expect("EVENKEEL_SEEDS=N or N..M");
    match std::env::var("EVENKEEL_SEEDS").ok().as_deref() {
        None => 0..SEEDS,
        Some(text) => match text.split_once("..") {
            Some((from, to)) => number(from)..number(to),
            None => 0..number(text),
        },
    }
}

/// Everything there is to say of a seed that failed.
fn report(seed: u64, history: &History, violations: &[Violation]) -> String {
    let violations: Vec<String> = violations.iter().map(ToString::to_string).collect();
    format!(
        "seed {seed}\n{history}\n{}\n\nreplay it: EVENKEEL_SEED={seed} cargo test --test simulation -- --nocapture\n",
        violations.join("\n")
    )
}

#[test]
fn every_invariant_holds_whatever_goes_wrong() {
    if let Ok(seed) = std::env::var("EVENKEEL_SEED") {
        let seed = seed.parse().expect("EVENKEEL_SEED=N");
        let (history, violations) = judged(seed, Sabotage::None);
        println!("{}", report(seed, &history, &violations));
        assert!(violations.is_empty(), "seed {seed} fails");
        return;
    }
    let (seeds, began) = (seeds(), Instant::now());
    let (next, failed) = (AtomicU64::new(seeds.start), Mutex::new(Vec::new()));
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let (history, violations) = judged(seed, Sabotage::None);
                    if !violations.is_empty() {
                        let mut failed = failed.lock().expect("a seed's panic is caught");
                        failed.push((seed, history, violations));
                    }
                }
            });
        }
    });
    let played = seeds.end - seeds.start;
    let rate = played as f64 / began.elapsed().as_secs_f64();
    println!("{played} seeds, {rate:.0} a second");
    let mut failed = failed.into_inner().expect("a seed's panic is caught");
    failed.sort_by_key(|(seed, ..)| *seed);
    let Some((seed, history, violations)) = failed.first() else {
        return;
    };
    let others: Vec<String> = failed
        .iter()
        .map(|(seed, _, violations)| format!("{seed}: {:?}", violations[0].of))
        .collect();
    panic!(
        "{}\n{} of {played} seeds fail: {}",
        report(*seed, history, violations),
        failed.len(),
        others.join(", ")
    );
}

#[test]
fn a_seed_always_plays_the_same() {
    for seed in 0..20 {
        let (first, second) = (judged(seed, Sabotage::None), judged(seed, Sabotage::None));
        assert_eq!(first.0.to_string(), second.0.to_string(), "seed {seed}");
    }
}

/// A variant is caught when a seed violates this invariant and no other.
#[track_caller]
fn is_caught(sabotage: Sabotage, by: Invariant) {
    let mut found = Vec::new();
    for seed in 0..BITES_WITHIN {
        let (_, violations) = judged(seed, sabotage);
        if !violations.is_empty() && violations.iter().all(|violation| violation.of == by) {
            return;
        }
        found.extend(
            violations
                .iter()
                .map(|violation| format!("{seed}: {violation}")),
        );
    }
    panic!(
        "{sabotage:?} is not caught by {by:?} alone:\n{}",
        found.join("\n")
    );
}

#[test]
fn the_harness_catches_a_success_that_is_none() {
    is_caught(Sabotage::ClaimsSuccess, Invariant::SuccessIsTrue);
}

#[test]
fn the_harness_catches_a_second_revision() {
    is_caught(Sabotage::RegistersTwice, Invariant::OneRevision);
}

#[test]
fn the_harness_catches_a_lost_field() {
    is_caught(Sabotage::DropsAField, Invariant::UndeclaredUntouched);
}

#[test]
fn the_harness_catches_an_update_that_scales() {
    is_caught(Sabotage::Scales, Invariant::UndeclaredUntouched);
}

#[test]
fn the_harness_catches_a_plan_that_writes() {
    is_caught(Sabotage::PlanWrites, Invariant::PlanNeverWrites);
}

#[test]
fn the_harness_catches_a_write_to_a_converged_service() {
    is_caught(Sabotage::Ensures, Invariant::ConvergedIsLeftAlone);
}

#[test]
fn the_harness_catches_a_failure_without_a_way_back() {
    is_caught(Sabotage::NoRollback, Invariant::HealthyAfterRollback);
}

#[test]
fn the_harness_catches_a_deployment_on_one_that_is_rolling_out() {
    is_caught(Sabotage::Blind, Invariant::RollingOutIsLeftAlone);
}

#[test]
fn the_harness_catches_a_run_that_does_not_end() {
    is_caught(Sabotage::WaitsTooLong, Invariant::EndsInTime);
}

#[test]
fn the_harness_catches_a_rollout_that_nobody_admits() {
    is_caught(Sabotage::HidesUpdates, Invariant::NothingDoneIsTrue);
}
