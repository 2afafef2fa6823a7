//! An image in as few words as tell it from others.

use super::words::defuse;
use crate::model::{Digest, ImageReference};

/// An image taken apart: its repository, and what tells its versions apart.
pub(super) struct Shown {
    pub repository: String,
    pub tag: String,
    /// Short; empty when it is not known.
    pub digest: String,
}

impl Shown {
    /// As it is written.
    pub fn of(image: &ImageReference) -> Self {
        Self {
            repository: image.short_repository().to_owned(),
            tag: image.tag().unwrap_or("(no tag)").to_owned(),
            digest: image.digest().map_or_else(String::new, short),
        }
    }

    /// As AWS has it written, with the digest that is known to run.
    pub fn live(written: &str, running: Option<&Digest>) -> Self {
        let mut shown = match written.parse::<ImageReference>() {
            Ok(image) => Self::of(&image),
            Err(_) => Self {
                repository: defuse(written),
                tag: String::new(),
                digest: String::new(),
            },
        };
        if shown.digest.is_empty() {
            shown.digest = running.map_or_else(String::new, short);
        }
        shown
    }

    /// Tag and digest, the tag in a column of this width.
    pub fn version(&self, width: usize) -> String {
        format!("{:width$}  {}", self.tag, self.digest)
            .trim_end()
            .to_owned()
    }
}

fn short(digest: &Digest) -> String {
    digest.short().to_owned()
}
