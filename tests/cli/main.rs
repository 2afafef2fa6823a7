//! The command line as people meet it: the real binary, its two streams and
//! its exit code. One file a command or topic.
//!
//! Every test has a directory, a home and a sandbox of its own, and none of the
//! environment of whoever runs it. Nothing leaves the machine: what is not the
//! embedded sandbox is a server on a loopback port.

#![cfg(unix)]

mod apply;
mod aws;
mod bad_input;
mod before;
mod credentials;
mod history;
mod logs;
mod output;
mod plan;
mod provenance;
mod reconcile;
mod rollback;
mod sandbox;
mod set;
mod status;
mod support;
mod suspend;
mod terminal;
mod usage;
