//! Environment files: TOML text → [`Desired`], every mistake located.
//!
//! Everything that a file says is checked here, once, and all of what is wrong
//! is reported together. This module never calls AWS and never writes a file.

use std::path::Path;

mod before;
mod containers;
mod content;
mod declared;
mod definition;
mod desired;
mod duration;
mod edit;
mod excerpt;
mod explain;
mod find;
mod keys;
mod load_error;
mod located;
mod mistakes;
mod parse;
mod plain;
mod promotion;
mod read;
mod regions;
mod removals;
mod schema;
mod secrets;
mod services;
mod show;
mod source;
mod syntax;
mod tags;
mod typed;
mod unattended;
mod unknown;
mod values;
mod walk;
mod write;

pub use desired::{
    Assignment, DEFAULT_TIMEOUT, Definition, Desired, Image, Location, OnDrift, OnFailure, OneOff,
    Promotion, Removal, Service, Suspension, Upstream,
};
pub use duration::length;
pub use edit::{Draft, Edit, Slot, image_for};
pub use find::{all, find, names};
pub use load_error::{LoadError, Unreadable};
pub use located::mistakes as mistakes_at;
pub use mistakes::Mistakes;
pub use parse::{Files, parse, parse_with};
pub use schema::schema;
pub use write::{LeftOut, Live, Own, Place, Why, Written, write};

/// Loads an environment file. The environment is named after the file.
///
/// # Errors
/// The file cannot be read, or it has mistakes: then all of them.
pub fn load(path: &Path) -> Result<Desired, LoadError> {
    let text = read::text(path)?;
    let environment = path.file_stem().unwrap_or_default().to_string_lossy();
    let beside = |name: &str| read::beside(path, name);
    Ok(parse_with(
        &path.to_string_lossy(),
        &environment,
        &text,
        &beside,
    )?)
}

#[cfg(test)]
mod tests;
