//! Outside judges: the same things are done to the sandbox and to ministack,
//! an independent emulator, and must come out the same; and clients that know
//! nothing of evenkeel work against the sandbox's loopback server.
//!
//! evenkeel takes part as the program that is shipped. Nothing here reaches
//! AWS. The emulator and the clients are those of `tests/requirements.txt`;
//! `tests/run` installs them. Without them these tests fail, they never skip.

mod adoption;
mod agreement;
mod aws;
mod clients;
mod deviations;
mod difference;
mod http;
mod images;
mod process;
mod programs;
mod scenario;
mod team;
mod witness;
mod world;
