//! Outside judges: the same things are done to the sandbox and to ministack,
//! an independent emulator, and must come out the same; and clients that know
//! nothing of evenkeel work against the sandbox's loopback server. For rollouts
//! that fail, ministack's own scheduler runs on a stand-in for the Docker Engine.
//!
//! evenkeel takes part as the program that is shipped. Nothing here reaches
//! AWS. The emulator and the clients are those of `tests/requirements.txt`;
//! `tests/run` installs them. Without them these tests fail, they never skip.

mod adoption;
mod agreement;
mod aws;
mod clients;
mod containers;
mod deviations;
mod difference;
mod docker;
mod http;
mod images;
mod listen;
mod permissions;
#[expect(dead_code, reason = "resources and conditions are tests/iam's")]
#[path = "../iam/policy.rs"]
mod policy;
mod process;
mod programs;
mod rollouts;
mod scenario;
mod shop;
mod team;
mod witness;
mod world;
