//! An image in as few words as tell it from others.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::words::{defuse, paragraph};
use crate::live::Image;
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

/// A line for each container: its name, repository, tag and digest.
pub(super) fn images_text(text: &mut String, images: &[Image]) {
    let shown: Vec<(String, Shown)> = images
        .iter()
        .map(|image| {
            let shown = Shown::live(&image.image, image.running.as_ref());
            (defuse(&image.container), shown)
        })
        .collect();
    let widest = |of: fn(&(String, Shown)) -> &str, most: usize| {
        let lengths = shown.iter().map(|one| of(one).chars().count());
        lengths.filter(|length| *length <= most).max().unwrap_or(0)
    };
    let name = widest(|(name, _)| name, 16);
    let repository = widest(|(_, shown)| &shown.repository, 32);
    let tag = widest(|(_, shown)| &shown.tag, 24);
    for (container, shown) in &shown {
        let says = format!("{:repository$}  {}", shown.repository, shown.version(tag));
        let label = format!("{container:name$} ");
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}", paragraph(4, &label, says.trim_end()));
    }
}

pub(super) fn images_json(images: &[Image]) -> Value {
    images
        .iter()
        .map(|image| {
            json!({
                "container": image.container,
                "image": image.image,
                "running_digest": image.running,
            })
        })
        .collect()
}
