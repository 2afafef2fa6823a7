//! What the containers of a task write: a small Node service that talks to
//! PostgreSQL.

use super::super::clock::Millis;
use super::super::state::{Behaviour, DeployedContainer, Phase, Run, Task};

pub(super) struct Line {
    pub at: Millis,
    pub text: String,
}

impl Line {
    /// The agent sends lines in batches.
    pub(super) fn ingested(&self) -> Millis {
        self.at + 180
    }
}

const CRASH: [&str; 13] = [
    "node:internal/process/promises:394",
    "    triggerUncaughtException(err, true /* fromPromise */);",
    "    ^",
    "Error: connect ECONNREFUSED 10.0.3.4:5432",
    "    at TCPConnectWrap.afterConnect [as oncomplete] (node:net:1611:16)",
    "    at async connect (/app/dist/db.js:24:5)",
    "    at async main (/app/dist/server.js:11:3) {",
    "  errno: -111,",
    "  code: 'ECONNREFUSED',",
    "  syscall: 'connect',",
    "  address: '10.0.3.4',",
    "  port: 5432",
    "}",
];

const ALARMING: &str = "TypeError: Cannot read properties of undefined (reading 'customerId')";

/// Everything that a container that started at `since` will have written.
pub(super) fn of(task: &Task, container: &DeployedContainer, since: Millis) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut say = |after: Millis, text: &str| {
        lines.push(Line {
            at: since + after,
            text: text.to_owned(),
        });
    };
    if let Some(run) = task
        .run
        .as_ref()
        .filter(|run| run.container == container.name)
        && !matches!(
            container.behaviour,
            Behaviour::Crash | Behaviour::OutOfMemory
        )
    {
        work(run, say);
        return lines;
    }
    let name = package(&container.image);
    say(140, &format!("> {name} start"));
    say(141, "> node dist/server.js");
    match container.behaviour {
        Behaviour::Crash => {
            say(620, "connecting to postgres at 10.0.3.4:5432");
            for line in CRASH {
                say(1_890, line);
            }
            say(1_891, "Node.js v22.11.0");
        }
        Behaviour::OutOfMemory => {
            say(580, "connected to postgres at 10.0.3.4:5432");
            say(640, "loading the product catalogue into memory");
            say(1_050, "catalogue: 410000 rows, heap 388 MiB");
            say(1_440, "catalogue: 820000 rows, heap 771 MiB");
            say(1_860, "catalogue: 1230000 rows, heap 1019 MiB");
        }
        Behaviour::Unhealthy => {
            say(590, "listening on 0.0.0.0:8080");
            for after in [1_000, 2_000, 3_000, 4_000] {
                let line = "GET /health 503 2ms: the database schema is older than this version";
                say(after, line);
            }
        }
        // The load balancer cannot reach what listens on the loopback alone.
        Behaviour::FailsElb => {
            say(580, "connected to postgres at 10.0.3.4:5432");
            say(590, "listening on 127.0.0.1:8080");
        }
        behaviour => {
            say(580, "connected to postgres at 10.0.3.4:5432");
            say(590, "listening on 0.0.0.0:8080");
            if behaviour == Behaviour::Alarm {
                for after in [900, 1_150, 1_400] {
                    say(after, "POST /orders 500 12ms");
                    say(after, ALARMING);
                }
            }
        }
    }
    let told = task.stopping_at.filter(|at| {
        let told = task
            .stop
            .as_ref()
            .is_some_and(|stop| stop.code != "EssentialContainerExited");
        told && *at > since && matches!(task.phase, Phase::Stopping | Phase::Stopped)
    });
    if let Some(at) = told {
        lines.push(Line {
            at,
            text: "SIGTERM received, closing".to_owned(),
        });
    }
    lines
}

/// What a one-off task writes.
fn work(run: &Run, mut say: impl FnMut(Millis, &str)) {
    if !run.command.is_empty() {
        say(150, &format!("+ {}", run.command.join(" ")));
    }
    say(600, "connected to postgres at 10.0.3.4:5432");
    let migrates = run.command.iter().any(|word| word.contains("migrat"));
    if !migrates && !run.command.is_empty() {
        say(700, "working");
        say(
            3_900,
            if run.fails {
                "Error: the work could not be done"
            } else {
                "done"
            },
        );
        return;
    }
    say(1_200, "applied 20251204093000_add_invoices");
    if run.fails {
        for line in BAD_MIGRATION {
            say(3_900, line);
        }
    } else {
        say(2_600, "applied 20251218101500_orders_by_customer");
        say(3_900, "2 migrations applied; the schema is up to date");
    }
}

const BAD_MIGRATION: [&str; 8] = [
    "failed 20251218101500_orders_by_customer",
    "error: column \"customer_id\" of relation \"orders\" contains null values",
    "    at Parser.parseErrorMessage (/app/node_modules/pg-protocol/dist/parser.js:285:98)",
    "    at async apply (/app/dist/migrate.js:31:7) {",
    "  severity: 'ERROR',",
    "  code: '23502',",
    "  table: 'orders'",
    "}",
];

/// `api@1.4.2` of `…/team/api:1.4.2@sha256:…`.
fn package(image: &str) -> String {
    let named = image.split('@').next().unwrap_or(image);
    let last = named.rsplit('/').next().unwrap_or(named);
    last.replacen(':', "@", 1)
}
