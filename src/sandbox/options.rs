//! How a handle to the sandbox is told to differ from a world in which all
//! goes well.

use std::sync::Arc;
use std::time::Duration;

use super::Sandbox;
use super::clock::Millis;
use super::faults::Faults;

/// The options of a handle that the operations themselves look at.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Options {
    pub shuffled: bool,
    /// How long DescribeServices lags behind an update.
    pub services_lag: Millis,
    /// The same of ListServiceDeployments.
    pub deployments_lag: Millis,
}

impl Sandbox {
    /// Sandbox seconds for each second of tokio's clock.
    #[must_use]
    pub fn with_speed(self, speed: f64) -> Self {
        Self {
            clock: self.clock.at_speed(speed),
            ..self
        }
    }

    /// Whether task definitions come back with their environment lists in
    /// another order than sent, as ECS does. Off at first.
    #[must_use]
    pub fn with_shuffled_environment(mut self, shuffled: bool) -> Self {
        self.options.shuffled = shuffled;
        self
    }

    /// How long after an UpdateService through this handle DescribeServices and
    /// ListServiceDeployments go on to show the service as it was before, to
    /// every caller. Nothing at first. In the sandbox's own time, as rollouts.
    #[must_use]
    pub fn with_lag(mut self, lag: Duration) -> Self {
        self.options.services_lag = millis(lag);
        self.with_list_lag(lag)
    }

    /// The same for ListServiceDeployments alone.
    #[must_use]
    pub fn with_list_lag(mut self, lag: Duration) -> Self {
        self.options.deployments_lag = millis(lag);
        self
    }

    /// Whether calls are held to the rates that AWS publishes, for each account,
    /// region and operation, by tokio's clock. Off at first. Handles cloned
    /// from this one share the count.
    #[must_use]
    pub fn with_throttles(mut self, throttles: bool) -> Self {
        self.gate = self.gate.with_throttles(throttles);
        self
    }

    /// Credentials that end this long from now, by tokio's clock: every call
    /// after that is refused with `ExpiredTokenException`, until
    /// AssumeRoleWithWebIdentity begins a new session.
    #[must_use]
    pub fn with_session(mut self, lasts: Duration) -> Self {
        self.gate = self.gate.with_session(lasts);
        self
    }

    /// Actions that the caller may not do, as IAM writes them (`ecs:ListTasks`,
    /// `ecs:TagResource`, `iam:PassRole`, `logs:*`): calls that need one are
    /// refused with `AccessDeniedException`.
    #[must_use]
    pub fn with_denied<I>(mut self, actions: I) -> Self
    where
        I: IntoIterator,
        I::Item: AsRef<str>,
    {
        let actions = actions.into_iter();
        let actions = actions.map(|action| action.as_ref().to_owned());
        self.gate = self.gate.with_denied(actions);
        self
    }

    /// Asks `faults` before every call what is to go wrong.
    #[must_use]
    pub fn with_faults(self, faults: impl Faults + 'static) -> Self {
        Self {
            faults: Some(Arc::new(faults)),
            ..self
        }
    }
}

fn millis(time: Duration) -> Millis {
    Millis::try_from(time.as_millis()).unwrap_or(Millis::MAX / 4)
}
