//! Blue/green, linear and canary deployments: stage by stage, with traffic
//! that shifts, hooks that are asked and time to bake.

use serde_json::Value;

use super::super::clock::Millis;
use super::super::state::{Phase, Service, Stage, Staged, Strategy};
use super::back::{self, Cause};
use super::{alarms, hooks};

/// How long a stage takes in which nothing needs to be waited for.
const STAGE: Millis = 1_000;
const MINUTE: Millis = 60_000;

const ORDER: [Stage; 11] = [
    Stage::ReconcileService,
    Stage::PreScaleUp,
    Stage::ScaleUp,
    Stage::PostScaleUp,
    Stage::TestTrafficShift,
    Stage::PostTestTrafficShift,
    Stage::PreProductionTrafficShift,
    Stage::ProductionTrafficShift,
    Stage::PostProductionTrafficShift,
    Stage::BakeTime,
    Stage::CleanUp,
];

/// The stages of a deployment with this configuration, unless it rolls.
pub(super) fn begun(configuration: &Value) -> Option<Staged> {
    let strategy = match configuration.get("strategy")?.as_str()? {
        "BLUE_GREEN" => Strategy::BlueGreen,
        "LINEAR" => Strategy::Linear,
        "CANARY" => Strategy::Canary,
        _ => return None,
    };
    Some(Staged {
        strategy,
        stage: Stage::ReconcileService,
        due: None,
        production: 0.0,
        test: 0.0,
        hooks: Vec::new(),
    })
}

fn current(service: &Service) -> Option<&Staged> {
    service.current()?.staged.as_ref()
}

/// Whether a deployment that goes by stages may start tasks now; `None` when
/// there is no such deployment under way.
pub(super) fn may_scale_up(service: &Service) -> Option<bool> {
    current(service).map(|staged| staged.stage >= Stage::ScaleUp)
}

/// Whether the tasks that it replaces have to stay.
pub(super) fn keeps_source(service: &Service) -> bool {
    current(service).is_some_and(|staged| staged.stage < Stage::CleanUp)
}

/// When the next step is due, apart from what tasks do.
pub(super) fn next_moment(service: &Service) -> Option<Millis> {
    let staged = current(service)?;
    let asked = staged.hooks.iter().filter_map(hooks::due).min();
    asked.or(staged.due)
}

/// Takes every step that is due.
pub(super) fn advance(service: &mut Service, now: Millis) {
    while let Some(record) = service.current().filter(|r| r.status == "IN_PROGRESS") {
        let Some(staged) = &record.staged else {
            return;
        };
        match hooks::verdict(&staged.hooks, now) {
            hooks::Verdict::Wait => return,
            hooks::Verdict::Changed(hooks) => {
                set(service, now, |staged| staged.hooks = hooks);
            }
            hooks::Verdict::Failed(hooks, why) => {
                set(service, now, |staged| staged.hooks = hooks);
                back::fail(service, &Cause::Hook(why), true, now);
                return;
            }
            hooks::Verdict::Clear => {
                if !is_over(service, staged, now) {
                    return;
                }
                step(service, now);
            }
        }
    }
}

fn set(service: &mut Service, now: Millis, change: impl FnOnce(&mut Staged)) {
    if let Some(record) = service.current_mut() {
        record.updated_at = now;
        if let Some(staged) = &mut record.staged {
            change(staged);
        }
    }
}

fn is_over(service: &Service, staged: &Staged, now: Millis) -> bool {
    match staged.stage {
        Stage::ScaleUp => {
            let primary = service.deployments.first().map(|d| d.id.as_str());
            let tasks = service.tasks.iter();
            let own = tasks.filter(|t| Some(t.deployment.as_str()) == primary);
            let healthy = own.filter(|task| task.phase == Phase::Healthy).count();
            healthy >= service.desired as usize
        }
        // The end of the deployment is its end.
        Stage::CleanUp => false,
        _ => staged.due.is_none_or(|due| due <= now),
    }
}

/// The next share of the traffic, or the next stage.
fn step(service: &mut Service, now: Millis) {
    let Some(record) = service.current() else {
        return;
    };
    let Some(staged) = &record.staged else {
        return;
    };
    let plan = Plan::of(&record.configuration, staged.strategy);
    if staged.stage == Stage::ProductionTrafficShift && staged.production < 100.0 {
        let share = plan.next_share(staged.production);
        set(service, now, |staged| {
            staged.production = share;
            staged.due = Some(now + plan.share_takes(share));
        });
        return;
    }
    let place = ORDER.iter().position(|stage| *stage == staged.stage);
    let Some(stage) = place.and_then(|place| ORDER.get(place + 1)).copied() else {
        return;
    };
    let hooks = hooks::of_stage(record, stage, now);
    let (share, takes) = match stage {
        Stage::ProductionTrafficShift => {
            let share = plan.next_share(0.0);
            (Some(share), Some(plan.share_takes(share)))
        }
        Stage::PreProductionTrafficShift => (None, Some(0)),
        Stage::BakeTime => (None, Some(plan.bake)),
        Stage::ScaleUp | Stage::CleanUp => (None, None),
        _ => (None, Some(STAGE)),
    };
    set(service, now, |staged| {
        staged.stage = stage;
        staged.hooks = hooks;
        staged.due = takes.map(|takes| now + takes);
        staged.production = share.unwrap_or(staged.production);
        if stage == Stage::TestTrafficShift {
            staged.test = 100.0;
        }
    });
    if share.is_some() {
        alarms::traffic(service, now);
    }
}

/// Enters the first stage: reconciliation only when several revisions run.
pub(super) fn start(service: &mut Service, now: Millis) {
    let Some(record) = service.current() else {
        return;
    };
    let stage = if record.sources.len() > 1 {
        Stage::ReconcileService
    } else {
        Stage::PreScaleUp
    };
    let hooks = hooks::of_stage(record, stage, now);
    set(service, now, |staged| {
        staged.stage = stage;
        staged.hooks = hooks;
        staged.due = Some(now + STAGE);
    });
}

/// How the traffic shifts.
struct Plan {
    strategy: Strategy,
    percent: f64,
    step_bake: Millis,
    bake: Millis,
}

impl Plan {
    fn of(configuration: &Value, strategy: Strategy) -> Self {
        let number = |pointer: &str| configuration.pointer(pointer).and_then(Value::as_f64);
        let minutes = |pointer: &str, default: f64| {
            (number(pointer).unwrap_or(default).clamp(0.0, 1_440.0) * MINUTE as f64) as Millis
        };
        let (percent, step_bake) = match strategy {
            Strategy::BlueGreen => (100.0, 0),
            Strategy::Linear => (
                number("/linearConfiguration/stepPercent")
                    .unwrap_or(10.0)
                    .max(0.1),
                minutes("/linearConfiguration/stepBakeTimeInMinutes", 6.0),
            ),
            Strategy::Canary => (
                number("/canaryConfiguration/canaryPercent")
                    .unwrap_or(5.0)
                    .max(0.1),
                minutes("/canaryConfiguration/canaryBakeTimeInMinutes", 10.0),
            ),
        };
        Self {
            strategy,
            percent,
            step_bake,
            bake: minutes("/bakeTimeInMinutes", 0.0),
        }
    }

    fn next_share(&self, now: f64) -> f64 {
        let next = match self.strategy {
            Strategy::Canary if now > 0.0 => 100.0,
            _ => now + self.percent,
        };
        // Tenths of a percent add up to what they should.
        ((next * 10.0).round() / 10.0).min(100.0)
    }

    fn share_takes(&self, share: f64) -> Millis {
        if share < 100.0 {
            self.step_bake.max(STAGE)
        } else {
            STAGE
        }
    }
}
