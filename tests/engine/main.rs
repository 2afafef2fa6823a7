//! Planning and applying as a library: the real SDK client against the sandbox
//! in memory, on tokio's paused clock.

mod before;
mod calls;
mod documents;
mod failures;
mod fields;
mod fleet;
mod live;
mod once;
mod permissions;
#[expect(dead_code, reason = "conditions are tests/iam's")]
#[path = "../iam/policy.rs"]
mod policy;
mod provenance;
mod rollouts;
mod services;
mod stages;
mod world;
