//! The command line as people meet it: the real binary, its two streams and
//! its exit code. One file a command or topic.
//!
//! Every test has a directory, a home and a sandbox of its own, and none of the
//! environment of whoever runs it. Nothing leaves the machine: what is not the
//! embedded sandbox is a server on a loopback port.

#![cfg(unix)]

mod action;
mod apply;
mod aws;
mod bad_input;
mod before;
mod check;
mod credentials;
mod fields;
mod github;
mod history;
mod init;
mod logs;
mod output;
mod plan;
mod promote;
mod provenance;
mod reconcile;
mod reference;
mod rollback;
mod sandbox;
mod saved;
mod schema;
mod set;
mod shell;
mod status;
mod story;
mod support;
mod suspend;
mod terminal;
mod usage;
