//! Where the worlds are known to differ, one by one, and why. A difference that
//! is not listed is a failure, and so is an entry that is no longer true.

use Deviant::{Ministack, Neither};

use super::difference::{ABSENT, Difference};

/// Which of the two is not as Amazon ECS is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deviant {
    Ministack,
    /// ECS leaves it open; each made up its own.
    Neither,
}

/// One known deviation.
#[derive(Debug, Clone, Copy)]
pub struct Deviation {
    pub of: Deviant,
    /// How the path ends, in every step of the scenario that has such a place.
    pub at: &'static str,
    pub sandbox: &'static str,
    pub ministack: &'static str,
    pub why: &'static str,
}

/// In the story of a deployment.
pub const OF_DEPLOYING: &[Deviation] = &[
    // Defaults that ECS fills in when a definition is registered.
    Deviation {
        of: Ministack,
        at: "portMappings[0].protocol",
        sandbox: r#""tcp""#,
        ministack: ABSENT,
        why: "ECS fills in tcp; ministack keeps what was sent",
    },
    Deviation {
        of: Ministack,
        at: "portMappings[0].hostPort",
        sandbox: "8080",
        ministack: ABSENT,
        why: "ECS fills in the container port under awsvpc; ministack keeps what was sent",
    },
    Deviation {
        of: Ministack,
        at: "healthCheck.interval",
        sandbox: "30",
        ministack: ABSENT,
        why: "ECS fills in 30; ministack keeps what was sent",
    },
    Deviation {
        of: Ministack,
        at: "healthCheck.timeout",
        sandbox: "5",
        ministack: ABSENT,
        why: "ECS fills in 5; ministack keeps what was sent",
    },
    Deviation {
        of: Ministack,
        at: "healthCheck.retries",
        sandbox: "3",
        ministack: ABSENT,
        why: "ECS fills in 3; ministack keeps what was sent",
    },
    Deviation {
        of: Ministack,
        at: "mountPoints",
        sandbox: "[]",
        ministack: ABSENT,
        why: "ECS fills in an empty list; ministack keeps what was sent",
    },
    Deviation {
        of: Ministack,
        at: "volumesFrom",
        sandbox: "[]",
        ministack: ABSENT,
        why: "ECS fills in an empty list; ministack keeps what was sent",
    },
    Deviation {
        of: Ministack,
        at: "systemControls",
        sandbox: "[]",
        ministack: ABSENT,
        why: "ECS fills in an empty list; ministack keeps what was sent",
    },
    Deviation {
        of: Ministack,
        at: "containerDefinitions[1].portMappings",
        sandbox: "[]",
        ministack: ABSENT,
        why: "ECS fills in an empty list; ministack keeps what was sent",
    },
    Deviation {
        of: Ministack,
        at: "containerDefinitions[1].environment",
        sandbox: "[]",
        ministack: ABSENT,
        why: "ECS fills in an empty list; ministack keeps what was sent",
    },
    // What ministack does not keep.
    Deviation {
        of: Ministack,
        at: "enableFaultInjection",
        sandbox: "true",
        ministack: ABSENT,
        why: "ministack drops it",
    },
    Deviation {
        of: Ministack,
        at: "documentOfTomorrow",
        sandbox: r#"[1,{"deep":null}]"#,
        ministack: ABSENT,
        why: "ministack drops what it does not know at the top of a definition",
    },
    // What ministack answers otherwise.
    Deviation {
        of: Ministack,
        at: "pidMode",
        sandbox: ABSENT,
        ministack: r#""""#,
        why: "ECS leaves out what was not sent; ministack answers it empty",
    },
    Deviation {
        of: Ministack,
        at: "ipcMode",
        sandbox: ABSENT,
        ministack: r#""""#,
        why: "ECS leaves out what was not sent; ministack answers it empty",
    },
    Deviation {
        of: Ministack,
        at: "proxyConfiguration",
        sandbox: ABSENT,
        ministack: "null",
        why: "ECS leaves out what was not sent; ministack answers it empty",
    },
    Deviation {
        of: Ministack,
        at: "compatibilities[0]",
        sandbox: r#""EC2""#,
        ministack: r#""FARGATE""#,
        why: "ECS lists them in alphabetical order",
    },
    Deviation {
        of: Ministack,
        at: "compatibilities[1]",
        sandbox: r#""FARGATE""#,
        ministack: r#""EC2""#,
        why: "ECS lists them in alphabetical order",
    },
    Deviation {
        of: Ministack,
        at: "requiresAttributes",
        sandbox: r#"[{"name":"com.amazonaws.ecs.capability.ecr-auth"},{"name":"ecs.capability.execution-role-ecr-pull"},{"name":"com.amazonaws.ecs.capability.task-iam-role"},{"name":"ecs.capability.container-health-check"},{"name":"ecs.capability.secrets.ssm.environment-variables"},{"name":"ecs.capability.task-eni"},{"name":"com.amazonaws.ecs.capability.docker-remote-api.1.18"}]"#,
        ministack: ABSENT,
        why: "ECS derives what an instance must be able to do; ministack does not",
    },
    Deviation {
        of: Neither,
        at: "registeredBy",
        sandbox: r#""arn:aws:iam::123456789012:user/sandbox""#,
        ministack: r#""arn:aws:iam::123456789012:root""#,
        why: "the caller is whoever the emulator says it is",
    },
];

/// In the story of an adoption.
pub const OF_ADOPTING: &[Deviation] = &[
    Deviation {
        of: Ministack,
        at: "asked",
        sandbox: r#"["BatchGetImage","DescribeServiceRevisions","DescribeServices","DescribeTaskDefinition"]"#,
        ministack: r#"["BatchGetImage","DescribeServices","DescribeTaskDefinition"]"#,
        why: "ministack's services have no currentServiceRevisions, so there is none to describe",
    },
    Deviation {
        of: Ministack,
        at: "plan.result.environments[0].services[0].notes",
        sandbox: "[]",
        ministack: r#"["app: stable runs without a digest, and ECS does not tell which image that was; taken to be the same"]"#,
        why: "ministack does not tell which image a tag was; evenkeel says that it cannot know",
    },
];

/// What a breaker says when it fires.
const FIRED: Deviation = Deviation {
    of: Ministack,
    at: "events[0]",
    sandbox: r#""(deployment ecs-svc/ID) deployment failed: tasks failed to start.""#,
    ministack: r#""deployment failed: deployment circuit breaker was triggered.""#,
    why: "ministack has words of its own",
};

/// When a declared state failed before.
const NO_TIME: Deviation = Deviation {
    of: Ministack,
    at: "apply of what failed.at",
    sandbox: r#""TIME""#,
    ministack: ABSENT,
    why: "ministack's list of service deployments is empty; a FAILED deployment, which it keeps, has no end",
};

/// The same in the plan.
const NO_TIME_IN_A_PLAN: Deviation = Deviation {
    of: Ministack,
    at: "plan of what failed.failed_at",
    sandbox: r#""TIME""#,
    ministack: ABSENT,
    why: NO_TIME.why,
};

const AFTER_THREE: &str =
    r#""ECS deployment circuit breaker was triggered after 3 consecutive task failures.""#;
const ROLLED_BACK: &str =
    r#""Service deployment rolled back because the circuit breaker threshold was exceeded.""#;
const STOPPED: &str =
    r#""Service deployment stopped because the circuit breaker threshold was exceeded.""#;

/// Why, as the history tells it; ministack has only its deployments.
const fn because(at: &'static str, sandbox: &'static str) -> Deviation {
    Deviation {
        of: Ministack,
        at,
        sandbox,
        ministack: AFTER_THREE,
        why: "ministack has words of its own",
    }
}

/// In the story of a breaker that goes back.
pub const OF_A_BREAKER_THAT_GOES_BACK: &[Deviation] = &[
    because("reason", ROLLED_BACK),
    because("failed_because", ROLLED_BACK),
    FIRED,
    NO_TIME,
    NO_TIME_IN_A_PLAN,
];

/// In the story of a breaker that only stops.
pub const OF_A_BREAKER_THAT_STOPS: &[Deviation] = &[
    because(
        "failing.reason",
        r#""ECS deployment circuit breaker: tasks failed to start.""#,
    ),
    because("apply of what failed.reason", STOPPED),
    because("failed_because", STOPPED),
    FIRED,
    NO_TIME,
    NO_TIME_IN_A_PLAN,
];

/// In the story without a breaker.
pub const OF_NO_BREAKER: &[Deviation] = &[Deviation {
    of: Ministack,
    at: "counts failed tasks",
    sandbox: "true",
    ministack: "false",
    why: "without a breaker ministack counts no failed tasks; the witness counts them there",
}];

/// In the story of all kinds of failures.
pub const OF_FAILURES: &[Deviation] = &[
    FIRED,
    because("oom.apply.reason", ROLLED_BACK),
    Deviation {
        of: Ministack,
        at: "oom.apply.causes[0].says",
        sandbox: r#""app ran out of memory""#,
        ministack: r#""app was killed (exit code 137)""#,
        why: "ministack does not read OOMKilled, which the engine says",
    },
    Deviation {
        of: Ministack,
        at: "unpullable.apply.reason",
        sandbox: ROLLED_BACK,
        ministack: r#""ECS deployment circuit breaker was triggered after three unsuccessful image digest resolution attempts.""#,
        why: "ministack looks digests up once for each deployment, and gives up when it finds none",
    },
    Deviation {
        of: Ministack,
        at: "unpullable.apply.causes[0].says",
        sandbox: r#""the image of app cannot be pulled""#,
        ministack: r#""the image cannot be pulled""#,
        why: "ministack says it of the task alone, not of its container",
    },
    Deviation {
        of: Ministack,
        at: "unpullable.apply.causes[0].container",
        sandbox: r#""app""#,
        ministack: "null",
        why: "ministack says it of the task alone, not of its container",
    },
    Deviation {
        of: Ministack,
        at: "unhealthy.outcome",
        sandbox: r#""rolled-back""#,
        ministack: r#""deployed""#,
        why: "ministack does not judge health checks, though the engine says that they fail",
    },
    Deviation {
        of: Ministack,
        at: "unhealthy.revision",
        sandbox: r#""unhealthy:1""#,
        ministack: r#""unhealthy:2""#,
        why: "ministack does not judge health checks, though the engine says that they fail",
    },
];

impl Deviation {
    fn explains(&self, difference: &Difference) -> bool {
        let ends = difference
            .at
            .strip_suffix(self.at)
            .is_some_and(|before| before.is_empty() || before.ends_with('.'));
        ends && difference.left == self.sandbox && difference.right == self.ministack
    }
}

/// Holds what was found against what is known.
///
/// # Errors
/// Differences that nothing explains, and deviations that explain nothing.
pub fn judge(found: &[Difference], known: &[Deviation]) -> Result<(), String> {
    let mut complaints = Vec::new();
    for difference in found {
        if !known.iter().any(|deviation| deviation.explains(difference)) {
            complaints.push(format!(
                "not known: {}\n    sandbox   {}\n    ministack {}",
                difference.at, difference.left, difference.right
            ));
        }
    }
    for deviation in known {
        if !found
            .iter()
            .any(|difference| deviation.explains(difference))
        {
            complaints.push(format!(
                "no longer so, take it off the list: {} (of {:?}: {})\n    sandbox   {}\n    ministack {}",
                deviation.at, deviation.of, deviation.why, deviation.sandbox, deviation.ministack
            ));
        }
    }
    if complaints.is_empty() {
        Ok(())
    } else {
        Err(complaints.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: Deviation = Deviation {
        of: Ministack,
        at: "revision.cpu",
        sandbox: "\"512\"",
        ministack: ABSENT,
        why: "a test",
    };

    fn difference(at: &str, left: &str, right: &str) -> Difference {
        Difference {
            at: at.into(),
            left: left.into(),
            right: right.into(),
        }
    }

    #[test]
    fn a_listed_deviation_is_accepted_wherever_it_occurs() {
        let found = [
            difference("revision.cpu", "\"512\"", ABSENT),
            difference("apply.revision.cpu", "\"512\"", ABSENT),
        ];
        assert_eq!(judge(&found, &[LISTED]), Ok(()));
    }

    #[test]
    fn anything_else_is_a_complaint() {
        let listed = difference("revision.cpu", "\"512\"", ABSENT);
        for other in [
            difference("revision.memory", "\"512\"", ABSENT),
            difference("former revision.cpu", "\"512\"", ABSENT),
            difference("revision.cpu", "\"256\"", ABSENT),
            difference("revision.cpu", "\"512\"", "\"256\""),
        ] {
            let complaint = judge(&[listed.clone(), other.clone()], &[LISTED]).unwrap_err();
            assert!(complaint.starts_with("not known: "), "{other}: {complaint}");
        }
    }

    #[test]
    fn a_deviation_that_is_gone_is_a_complaint() {
        let complaint = judge(&[], &[LISTED]).unwrap_err();
        assert!(complaint.starts_with("no longer so"), "{complaint}");
    }
}
