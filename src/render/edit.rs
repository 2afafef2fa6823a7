//! What was changed in an environment file.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::image::Shown;
use super::json::FORMAT_VERSION;
use super::style::{BAD, CHANGE, GOOD, Styled};
use crate::environment::Edit;
use crate::model::RevisionArn;

/// Each image with its place, the old one and the new one.
pub fn edits_text(edits: &[Edit]) -> String {
    let mut text = String::new();
    for edit in edits {
        let mark = if edit.changes() {
            Styled(CHANGE, "~")
        } else {
            Styled(GOOD, "=")
        };
        // Writing to a String cannot fail, here and below.
        let _ = writeln!(text, "{mark} {}   {}", edit.slot, edit.slot.at);
        if edit.changes() {
            change_text(&mut text, edit);
        } else {
            let shown = Shown::of(&edit.to);
            let _ = writeln!(
                text,
                "      {}\n      {}  (as it was)",
                shown.repository,
                shown.version(0)
            );
        }
    }
    text
}

fn change_text(text: &mut String, edit: &Edit) {
    let (from, to) = (&edit.slot.image, &edit.to);
    let (old, new) = (Shown::of(from), Shown::of(to));
    let tag = old.tag.chars().count().max(new.tag.chars().count()).min(40);
    let (gone, come) = (
        Styled(BAD, old.version(tag)),
        Styled(GOOD, new.version(tag)),
    );
    let _ = if from.base() == to.base() {
        writeln!(text, "      {}\n      {gone}\n    → {come}", new.repository)
    } else {
        // Registries may be all that differs, so they are not left out.
        writeln!(
            text,
            "      {}\n      {gone}\n    → {}\n      {come}",
            Styled(BAD, from.base()),
            Styled(GOOD, to.base())
        )
    };
}

/// The same on one line, for programs; with the revision that was gone back to.
pub fn edits_json(
    environment: &str,
    file: &str,
    edits: &[Edit],
    back_to: Option<&RevisionArn>,
) -> String {
    let images: Vec<Value> = edits.iter().map(image_json).collect();
    let line = json!({
        "format_version": FORMAT_VERSION,
        "environment": environment,
        "event": "edited",
        "file": file,
        "back_to": back_to,
        "written": edits.iter().any(Edit::changes),
        "changes": images,
    });
    format!("{line}\n")
}

pub(super) fn image_json(edit: &Edit) -> Value {
    json!({
        "service": edit.slot.service,
        "container": edit.slot.container,
        "field": "image",
        "from": edit.slot.image,
        "to": edit.to,
        "changed": edit.changes(),
        "declared_at": edit.slot.at.to_string(),
    })
}
