//! How a service is deployed, as far as it decides who notices a failure and
//! how long traffic is left as it is to see whether all is well.

use std::time::Duration;

use serde::Deserialize;

#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeploymentConfiguration {
    /// `ROLLING` when absent.
    pub strategy: Option<String>,
    #[serde(default)]
    pub deployment_circuit_breaker: CircuitBreaker,
    /// After all traffic has shifted.
    pub bake_time_in_minutes: Option<f64>,
    pub linear_configuration: Option<Linear>,
    pub canary_configuration: Option<Canary>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub struct CircuitBreaker {
    #[serde(default)]
    pub enable: bool,
    #[serde(default)]
    pub rollback: bool,
}

/// Traffic in equal steps.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Linear {
    pub step_percent: Option<f64>,
    pub step_bake_time_in_minutes: Option<f64>,
}

/// A little of the traffic, then the rest.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Canary {
    pub canary_percent: Option<f64>,
    pub canary_bake_time_in_minutes: Option<f64>,
}

/// One share of the traffic after another: how many of them bake, and for how
/// long each. The last, all of it, does not.
struct Shares {
    baking: u32,
    each: Duration,
}

impl DeploymentConfiguration {
    /// How long a deployment stays at a lifecycle stage with this share of the
    /// production traffic, where nothing but time decides that.
    pub fn bakes_at(&self, stage: &str, traffic: Option<f64>) -> Option<Duration> {
        match (stage, traffic) {
            ("BAKE_TIME", _) => self.bake_time_in_minutes.and_then(minutes),
            ("PRODUCTION_TRAFFIC_SHIFT", Some(share)) if share > 0.0 && share < 100.0 => {
                self.shares().map(|shares| shares.each)
            }
            _ => None,
        }
    }

    /// How long a deployment bakes in all: no rollout is shorter. What ECS does
    /// not tell counts as nothing.
    pub fn bakes(&self) -> Duration {
        let last = match self.strategy.as_deref() {
            Some("BLUE_GREEN" | "LINEAR" | "CANARY") => self.bake_time_in_minutes.and_then(minutes),
            // What it means for other deployments is not documented.
            _ => None,
        };
        let shares = self.shares();
        let before = shares.map_or(Duration::ZERO, |shares| shares.each * shares.baking);
        before + last.unwrap_or_default()
    }

    /// Defaults are those of the API model (ECS 2014-11-13,
    /// `LinearConfiguration`, `CanaryConfiguration`).
    fn shares(&self) -> Option<Shares> {
        let (percent, each) = match self.strategy.as_deref()? {
            "LINEAR" => {
                let linear = self.linear_configuration.clone().unwrap_or_default();
                (
                    linear.step_percent.unwrap_or(10.0),
                    linear.step_bake_time_in_minutes.unwrap_or(6.0),
                )
            }
            "CANARY" => {
                let canary = self.canary_configuration.clone().unwrap_or_default();
                // Whatever it is, one share bakes, unless it is all.
                (
                    canary.canary_percent.unwrap_or(5.0).max(50.0),
                    canary.canary_bake_time_in_minutes.unwrap_or(10.0),
                )
            }
            _ => return None,
        };
        // A tenth of a percent is the least that the model knows.
        let steps = (100.0 / percent.clamp(0.1, 100.0)).ceil();
        Some(Shares {
            baking: steps as u32 - 1,
            each: minutes(each)?,
        })
    }
}

/// Minutes as ECS counts them: a day at most (same model).
fn minutes(minutes: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(minutes * 60.0).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn configuration(text: Value) -> DeploymentConfiguration {
        serde_json::from_value(text).unwrap()
    }

    fn in_all(text: Value) -> u64 {
        configuration(text).bakes().as_secs() / 60
    }

    #[test]
    fn every_share_but_the_last_bakes_and_then_all_of_it() {
        assert_eq!(in_all(json!({"bakeTimeInMinutes": 5})), 0);
        assert_eq!(
            in_all(json!({"strategy": "ROLLING", "bakeTimeInMinutes": 5})),
            0
        );
        assert_eq!(
            in_all(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 5})),
            5
        );
        assert_eq!(in_all(json!({"strategy": "BLUE_GREEN"})), 0);
        let linear = |percent: f64| {
            let steps = json!({"stepPercent": percent, "stepBakeTimeInMinutes": 2});
            in_all(
                json!({"strategy": "LINEAR", "bakeTimeInMinutes": 1, "linearConfiguration": steps}),
            )
        };
        assert_eq!([100.0, 50.0, 33.3, 25.0, 20.0].map(linear), [1, 3, 7, 7, 9]);
        let canary = |percent: f64| {
            let shares = json!({"canaryPercent": percent, "canaryBakeTimeInMinutes": 2});
            in_all(
                json!({"strategy": "CANARY", "bakeTimeInMinutes": 1, "canaryConfiguration": shares}),
            )
        };
        assert_eq!([0.1, 5.0, 60.0, 100.0].map(canary), [3, 3, 3, 1]);
        // As AWS has it where nothing is said.
        assert_eq!(
            in_all(json!({"strategy": "LINEAR", "linearConfiguration": null})),
            54
        );
        assert_eq!(in_all(json!({"strategy": "CANARY"})), 10);
    }

    #[test]
    fn only_where_time_decides_is_there_a_time() {
        let linear = configuration(json!({
            "strategy": "LINEAR", "bakeTimeInMinutes": 5,
            "linearConfiguration": {"stepPercent": 50.0, "stepBakeTimeInMinutes": 2},
        }));
        let at = |stage, traffic| linear.bakes_at(stage, traffic).map(|time| time.as_secs());
        assert_eq!(at("BAKE_TIME", Some(100.0)), Some(300));
        assert_eq!(at("PRODUCTION_TRAFFIC_SHIFT", Some(50.0)), Some(120));
        for (stage, traffic) in [
            ("PRODUCTION_TRAFFIC_SHIFT", Some(0.0)),
            ("PRODUCTION_TRAFFIC_SHIFT", Some(100.0)),
            ("PRODUCTION_TRAFFIC_SHIFT", None),
            ("SCALE_UP", Some(0.0)),
            ("POST_TEST_TRAFFIC_SHIFT", Some(0.0)),
        ] {
            assert_eq!(at(stage, traffic), None, "{stage} {traffic:?}");
        }
        let blue_green = configuration(json!({"strategy": "BLUE_GREEN"}));
        assert_eq!(blue_green.bakes_at("BAKE_TIME", None), None);
    }

    #[test]
    fn a_time_that_is_none_is_not_taken_for_one() {
        let odd = configuration(json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": -5}));
        assert_eq!(odd.bakes(), Duration::ZERO);
        assert_eq!(odd.bakes_at("BAKE_TIME", None), None);
    }
}
