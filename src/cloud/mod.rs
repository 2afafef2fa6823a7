//! The only place that knows the AWS SDK.
//!
//! [`Connection`] holds one environment's credentials and clients. A
//! [`Reader`] made from it looks things up, batched, and cannot write: the
//! clients that it holds refuse every operation that is not on the list of
//! reads. A [`Writer`] has the two writes of a deployment. Task definitions
//! pass through as the JSON that AWS sent (`raw`). [`Limits`] keeps all of them
//! within the rates that AWS publishes.
//!
//! This module makes no choices: what to look up comes as
//! [`Want`](crate::observed::Want)s, what to write from a plan.

mod cache;
mod connect;
mod error;
mod history;
mod limits;
mod outside;
mod raw;
mod read;
mod registry;
mod scaling;
mod service;
mod transport;
mod write;

pub use cache::Cache;
pub use connect::{Access, Connection, region_of_user};
pub use error::Error;
pub use history::LogStream;
pub use limits::Limits;
pub use read::Reader;
pub use transport::{Answer, Handler, Transport};
pub use write::{Effect, Update, WriteError, Writer};
