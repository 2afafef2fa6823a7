//! Planning and applying as a library: the real SDK client against the sandbox
//! in memory, on tokio's paused clock.

mod before;
mod calls;
mod documents;
mod failures;
mod fleet;
mod live;
mod once;
mod provenance;
mod rollouts;
mod stages;
mod world;
