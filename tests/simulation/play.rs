//! One seed: a world is drawn, things happen in it, then it comes to rest.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use evenkeel::apply::Apply;
use evenkeel::cloud::{Access, Connection};
use evenkeel::event::{Event, Outcome};
use evenkeel::plan::{Options, Plan, Verdict, plan};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use crate::chaos::Chaos;
use crate::history::{History, What, Who};
use crate::rng::Rng;
use crate::sabotage::Sabotage;
use crate::wire::{Wire, session};
use crate::world::{FOREIGN, Spec, World, states};

/// How one process is run.
struct Run {
    number: usize,
    applies: bool,
    restarts: bool,
    killed_after: Option<Duration>,
    interrupted_after: Option<Duration>,
    session: Option<Duration>,
    chaos: Chaos,
}

impl Run {
    fn calm(rng: &mut Rng, number: usize) -> Self {
        Self {
            number,
            applies: true,
            restarts: false,
            killed_after: None,
            interrupted_after: None,
            session: None,
            chaos: Chaos::calm(rng.fork()),
        }
    }

    fn draw(rng: &mut Rng, number: usize) -> Self {
        // Most of what matters happens in the first second: kills fall there
        // as often as in the wait.
        let moment = |rng: &mut Rng| {
            let most = *rng.pick(&[300, 1_500, 10_000, 40_000]);
            Duration::from_millis(rng.below(most))
        };
        Self {
            number,
            applies: !rng.percent(10),
            restarts: rng.percent(15),
            killed_after: rng.percent(40).then(|| moment(rng)),
            interrupted_after: rng.percent(10).then(|| moment(rng)),
            session: rng.percent(15).then(|| moment(rng)),
            chaos: Chaos::draw(rng.fork()),
        }
    }
}

/// Plays a seed. The history is the caller's, so that it is there even when
/// something panics.
pub async fn play(seed: u64, sabotage: Sabotage, keep: &Mutex<Option<Arc<World>>>) -> History {
    let mut rng = Rng::new(seed);
    let world = Arc::new(World::draw(&mut rng, sabotage).await);
    *keep.lock().expect("nobody panics with it") = Some(world.clone());
    let mut number = 0;
    for _ in 0..1 + rng.below(3) {
        let mut next = |rng: &mut Rng| {
            number += 1;
            Run::draw(rng, number)
        };
        let (one, two) = (next(&mut rng), rng.percent(30).then(|| next(&mut rng)));
        let (mut chance, meddles) = (rng.fork(), rng.percent(30));
        let late = Duration::from_millis(rng.below(3_000));
        tokio::join!(
            carry_out(&world, one, sabotage),
            async {
                if let Some(two) = two {
                    sleep(late).await;
                    carry_out(&world, two, sabotage).await;
                }
            },
            async {
                if meddles {
                    meddle(&world, &mut chance).await;
                }
            },
        );
        sleep(Duration::from_millis(rng.below(20_000))).await;
    }
    // Longer than anything lags behind.
    sleep(Duration::from_secs(10)).await;
    world.note(Who::Somebody, What::Calm);
    // What does not run by now will not the third time either.
    let all_can = world.services.iter().all(Spec::converges);
    for _ in 0..if all_can { 4 } else { 2 } {
        number += 1;
        let writes = world.history().own_calls().filter(|c| c.3.writes()).count();
        carry_out(&world, Run::calm(&mut rng, number), sabotage).await;
        let quiet = world.history().own_calls().filter(|c| c.3.writes()).count() == writes;
        if quiet && all_well(&world, number) {
            break;
        }
        sleep(Duration::from_secs(30)).await;
    }
    sleep(Duration::from_secs(7_200)).await;
    world.note(Who::Somebody, What::Final(states(&world.look_at_all())));
    world.history().clone()
}

/// Whether every service's outcome of a run was good.
fn all_well(world: &World, run: usize) -> bool {
    let history = world.history();
    let mut good = 0;
    for entry in history.entries.iter().filter(|e| e.who == Who::Run(run)) {
        if let What::Event(event) = &entry.what
            && let Event::Ended { outcome, .. } = event.as_ref()
            && outcome.is_good()
        {
            good += 1;
        }
    }
    good == history.services.len()
}

async fn carry_out(world: &Arc<World>, run: Run, sabotage: Sabotage) {
    let who = Who::Run(run.number);
    world.note(
        who,
        What::Began {
            applies: run.applies,
            restarts: run.restarts || sabotage == Sabotage::Blind,
            timeout: world.timeout,
        },
    );
    let wire = Arc::new(Wire {
        world: world.clone(),
        run: run.number,
        handle: session(world.sandbox.clone(), run.session),
        chaos: Mutex::new(run.chaos),
        began: Instant::now(),
        planning: AtomicBool::new(true),
        sabotage,
    });
    let (stop, interrupt) = watch::channel(false);
    if let Some(after) = run.interrupted_after {
        let world = world.clone();
        tokio::spawn(async move {
            sleep(after).await;
            // Nobody listens any more once the run is over.
            if stop.send(true).is_ok() {
                world.note(who, What::Interrupted);
            }
        });
    } else {
        drop(stop);
    }
    let options = Options {
        restart: run.restarts || sabotage == Sabotage::Blind,
        ..Options::default()
    };
    let process = process(world, &wire, options, run.applies, interrupt);
    let ended = match run.killed_after {
        Some(after) => timeout(after, process).await.ok(),
        None => Some(process.await),
    };
    world.note(who, ended.map_or(What::Killed, What::Ended));
}

/// What the program does for `plan` and `apply`.
async fn process(
    world: &Arc<World>,
    wire: &Arc<Wire>,
    options: Options<'_>,
    applies: bool,
    interrupt: watch::Receiver<bool>,
) -> String {
    let who = Who::Run(wire.run);
    let desired = world.desired();
    let access = Access {
        account: desired.account.clone(),
        region: desired.region.clone(),
        role: None,
    };
    let connection = Connection::open(access, &wire.transport(), None).await;
    let reader = connection.reader();
    let planned = reader
        .survey(|observed| plan(&desired, observed, options))
        .await;
    let plan = match planned {
        Ok(plan) => plan,
        Err(error) => return format!("no plan: {error}"),
    };
    if !applies || plan.count().blocked > 0 {
        return in_words(&plan);
    }
    world.note(who, What::Planned(in_words(&plan)));
    wire.planning.store(false, Ordering::Relaxed);
    let report = Apply {
        plan: &plan,
        reader: &reader,
        writer: &connection.writer(),
        interrupt,
        report: &mut |event| world.note(who, What::Event(Box::new(event.clone()))),
    }
    .run()
    .await;
    let good = |outcome: &Outcome| if outcome.is_good() { "good" } else { "bad" };
    let ends: Vec<_> = report.services.iter().map(|s| good(&s.outcome)).collect();
    ends.join(", ")
}

fn in_words(plan: &Plan) -> String {
    let words: Vec<String> = plan
        .services()
        .iter()
        .map(|service| match &service.verdict {
            Verdict::InSync { .. } => "in sync".to_owned(),
            Verdict::Change(change) if change.restart => "restart".to_owned(),
            Verdict::Change(_) => "change".to_owned(),
            Verdict::RollingOut(_) => "rolling out".to_owned(),
            Verdict::FailedBefore(_) => "failed before".to_owned(),
            Verdict::Suspended(suspended) => format!("suspended ({:?})", suspended.why),
            Verdict::Blocked(blocks) => format!("blocked ({blocks:?})"),
        })
        .collect();
    words.join(", ")
}

/// Another person deploys another image (or the declared one, by its tag),
/// perhaps with another variable, or restarts, once or twice.
async fn meddle(world: &World, rng: &mut Rng) {
    for _ in 0..1 + rng.below(2) {
        let most = *rng.pick(&[500, 3_000, 20_000]);
        sleep(Duration::from_millis(rng.below(most))).await;
        let spec = rng.pick(&world.services).clone();
        let seen = world.look_at_all();
        let live = seen["services"].as_array().into_iter().flatten();
        let live = live
            .filter(|service| service["serviceName"] == spec.name.as_str())
            .map(|service| service["taskDefinition"].clone())
            .next()
            .unwrap_or_default();
        let mut update = json!({"cluster": "prod", "service": spec.name});
        if rng.percent(25) {
            update["forceNewDeployment"] = true.into();
        } else {
            let body = json!({"taskDefinition": live, "include": ["TAGS"]});
            let described = world.somebody("DescribeTaskDefinition", &body, rng);
            let mut document = described["taskDefinition"].clone();
            if rng.percent(80) {
                document["tags"] = described["tags"].clone();
            }
            if let Some(document) = document.as_object_mut() {
                let own = evenkeel::model::RESPONSE_ONLY;
                document.retain(|key, _| !own.contains(&key.as_str()));
            }
            let tag = *rng.pick(&[FOREIGN[0], FOREIGN[1], FOREIGN[2], spec.tag]);
            let container = &mut document["containerDefinitions"][0];
            container["image"] = format!("{}:{tag}", spec.repository()).into();
            if rng.percent(30) {
                container["environment"]
                    .as_array_mut()
                    .into_iter()
                    .for_each(|list| {
                        list.push(
                            json!({"name": format!("BY_HAND_{}", rng.below(1_000)), "value": "1"}),
                        );
                    });
            }
            let registered = world.somebody("RegisterTaskDefinition", &document, rng);
            update["taskDefinition"] = registered["taskDefinition"]["taskDefinitionArn"].clone();
            sleep(Duration::from_millis(rng.below(500))).await;
        }
        let _: Value = world.somebody("UpdateService", &update, rng);
    }
}
