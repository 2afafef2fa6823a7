//! Environment files: TOML text → [`Desired`], every mistake located.
//!
//! Everything that a file says is checked here, once, and all of what is wrong
//! is reported together. This module never calls AWS and never writes a file.

use std::cell::RefCell;
use std::io;
use std::path::Path;

use sha2::{Digest as _, Sha256};

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
    Original, Promotion, Removal, Service, Suspension, Upstream,
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
    let originals = RefCell::new(Vec::new());
    let beside = |name: &str| {
        let path = read::place(path, name);
        let bytes = read::bytes(&path)?;
        let read = read_from(&path, &bytes);
        let mut originals = originals.borrow_mut();
        if !originals.contains(&read) {
            originals.push(read);
        }
        Ok(bytes)
    };
    let mut desired = parse_with(&path.to_string_lossy(), &environment, &text, &beside)?;
    desired.originals = originals.into_inner();
    let file = read_from(path, text.as_bytes());
    desired.originals.insert(0, file);
    Ok(desired)
}

/// What is in a file now that an environment may have been read from.
///
/// # Errors
/// It is not there any more, or cannot be read.
pub fn original(file: &str) -> io::Result<Original> {
    let path = Path::new(file);
    Ok(read_from(path, &read::bytes(path)?))
}

fn read_from(path: &Path, bytes: &[u8]) -> Original {
    let digest = Sha256::digest(bytes);
    Original {
        file: path.to_string_lossy().into_owned(),
        sha256: digest.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}

#[cfg(test)]
mod tests;
