//! Another image in a file, and no other byte changed.
//!
//! No serializer is involved: the parser says where the value stands, and that
//! span alone is replaced. The result is read again, and counts only when the
//! wanted images changed and nothing else did. This never writes a file.

use std::ops::Range;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::desired::{Desired, Location};
use super::keys::nearest;
use super::load_error::{LoadError, Unreadable};
use super::mistakes::{Mistake, Mistakes};
use super::parse::parse_with;
use super::read;
use super::show::{brief, whole};
use super::source::Source;
use super::values;
use super::walk::{Entry, Table};
use crate::model::ImageReference;

const MARK: char = '\u{feff}';

/// The text of a file that has no mistakes, to be edited.
#[derive(Debug, Clone)]
pub struct Draft {
    pub(super) text: String,
    desired: Desired,
}

/// Where a file has an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// The file's name for the service.
    pub service: String,
    /// The container; `None` stands for the only one.
    pub container: Option<String>,
    /// What is written there.
    pub image: ImageReference,
    pub at: Location,
    /// Bytes of the text behind the byte order mark, with the quotes.
    pub(super) span: Range<usize>,
    /// The keys that lead there.
    path: Vec<String>,
}

impl std::fmt::Display for Slot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.container {
            Some(container) => write!(f, "{}/{container}", self.service),
            None => f.write_str(&self.service),
        }
    }
}

impl Slot {
    /// An error about what was to be written here.
    pub fn refuse(&self, why: &str, help: Option<&str>) -> LoadError {
        let error = Unreadable::plain(format!("{}: {why}", whole(&self.to_string())));
        let error = error.at(self.at.clone());
        match help {
            Some(help) => error.help(help).into(),
            None => error.into(),
        }
    }
}

/// An image to write in another's place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    pub slot: Slot,
    pub to: ImageReference,
}

impl Edit {
    /// Whether it changes anything.
    pub fn changes(&self) -> bool {
        self.slot.image != self.to
    }
}

impl Draft {
    /// Reads a file. The environment is named after it.
    ///
    /// # Errors
    /// The file cannot be read, or it has mistakes: then all of them.
    pub fn open(path: &Path) -> Result<Self, LoadError> {
        let text = read::text(path)?;
        let environment = path.file_stem().unwrap_or_default().to_string_lossy();
        Ok(Self::new(&path.to_string_lossy(), &environment, text)?)
    }

    pub(super) fn new(file: &str, environment: &str, text: String) -> Result<Self, Mistakes> {
        let beside = |name: &str| read::beside(Path::new(file), name);
        let desired = parse_with(file, environment, &text, &beside)?;
        Ok(Self { text, desired })
    }

    /// What the file would declare with these images in their places.
    ///
    /// # Errors
    /// As for [`Self::with`].
    pub fn edited(&self, edits: &[Edit]) -> Result<Self, LoadError> {
        let text = self.with(edits)?;
        Ok(Self::new(
            &self.desired.file,
            &self.desired.environment,
            text,
        )?)
    }

    pub fn desired(&self) -> &Desired {
        &self.desired
    }

    /// The whole text as it was read.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the image of a service's container is written. A service with one
    /// image needs no container's name.
    ///
    /// # Errors
    /// There is no such service, container or key, or several containers and
    /// none is named; says what there is, and what to add.
    pub fn find(&self, service: &str, container: Option<&str>) -> Result<Slot, LoadError> {
        let body = self.body();
        let (root, _) = DeTable::parse_recoverable(body);
        let mut services = table(Table::new(root.get_ref()).take("services"))
            .map_or_else(Vec::new, |(_, services)| services.into_entries());
        let Some(at) = services.iter().position(|entry| entry.name == service) else {
            return Err(self.no_service(service, &services).into());
        };
        let found = services.swap_remove(at);
        let header = found.key.clone();
        let wrong = |mistake| LoadError::from(self.mistake(mistake));
        let Some((_, mut keys)) = table(Some(found)) else {
            return Err(wrong(no_image(header, service, None)));
        };
        let image = keys.take("image");
        let containers = table(keys.take("containers"));
        let (container, image, path) = match (image, containers, container) {
            (Some(image), _, None) => (None, image, vec!["image"]),
            (Some(image), _, Some(container)) => {
                return Err(wrong(not_named(image.key, service, container)));
            }
            (None, Some((_, containers)), wanted) => {
                let mut containers = containers.into_entries();
                let at = match (wanted, containers.as_slice()) {
                    (None, [_]) => Some(0),
                    (None, several) => return Err(wrong(which(header, service, several))),
                    (Some(name), _) => containers.iter().position(|entry| entry.name == name),
                };
                let Some(at) = at else {
                    let wanted = wanted.unwrap_or_default();
                    return Err(wrong(no_container(header, service, wanted, &containers)));
                };
                let found = containers.swap_remove(at);
                let (name, key) = (found.name, found.key.clone());
                let image = table(Some(found)).and_then(|(_, mut keys)| keys.take("image"));
                let Some(image) = image else {
                    return Err(wrong(no_image(key, service, Some(name))));
                };
                (Some(name), image, vec!["containers", name, "image"])
            }
            (None, None, container) => return Err(wrong(no_image(header, service, container))),
        };
        // The file has no mistakes, so this is a string and a reference.
        let reference = image.value.as_str().and_then(|text| text.parse().ok());
        let Some(reference) = reference else {
            return Err(wrong(Mistake::new(image.span, "this is not an image")));
        };
        Ok(Slot {
            service: service.to_owned(),
            container: container.map(str::to_owned),
            image: reference,
            at: Source::new(&self.desired.file, body).location(image.span.start),
            span: image.span,
            path: ["services", service]
                .into_iter()
                .chain(path)
                .map(str::to_owned)
                .collect(),
        })
    }

    /// An error about the file as a whole.
    pub fn refuse(&self, why: &str) -> LoadError {
        Unreadable::plain(why.to_owned()).into()
    }

    /// That this service declares no image for a container, and what to write
    /// so that it does.
    pub fn no_place(&self, service: &str, container: Option<&str>, image: &str) -> LoadError {
        let (root, _) = DeTable::parse_recoverable(self.body());
        let services = table(Table::new(root.get_ref()).take("services"));
        let key = services.and_then(|(_, mut services)| Some(services.take(service)?.key));
        let mut mistake = no_image(key.unwrap_or(0..0), service, container);
        let header = match container {
            Some(container) => format!(
                "[services.{}.containers.{}]",
                brief(service),
                brief(container)
            ),
            None => format!("[services.{}]", brief(service)),
        };
        mistake = mistake.help(format!(
            "add this, and commit it:\n{header}\nimage = \"{image}\""
        ));
        self.mistake(mistake).into()
    }

    /// The text with all of these images in their places; all other bytes are
    /// as they were.
    ///
    /// # Errors
    /// Two of them are for the same place; or the result would not be the same
    /// file with these images, which is a mistake in evenkeel.
    pub fn with(&self, edits: &[Edit]) -> Result<String, LoadError> {
        let mut edits: Vec<&Edit> = edits.iter().collect();
        edits.sort_by_key(|edit| std::cmp::Reverse(edit.slot.span.start));
        if let Some([one, _]) = edits
            .array_windows()
            .find(|[one, other]| one.slot.span == other.slot.span)
        {
            let message = format!("the image of {} is set twice", whole(&one.slot.to_string()));
            return Err(Unreadable::plain(message).help("keep one of them").into());
        }
        let body = self.body();
        let mut edited = body.to_owned();
        for edit in edits.iter().filter(|edit| edit.changes()) {
            let span = edit.slot.span.clone();
            let value = written(&body[span.clone()], edit.to.as_str());
            edited.replace_range(span, &value);
        }
        if !is_what_was_wanted(body, &edited, &edits) {
            let file = whole(&self.desired.file);
            let message =
                format!("{file} could not be edited without changing more than its image");
            let help = "this is a mistake in evenkeel; write the image by hand";
            return Err(Unreadable::plain(message).help(help).into());
        }
        let mark = &self.text[..self.text.len() - body.len()];
        Ok(format!("{mark}{edited}"))
    }

    /// The text without its byte order mark, as the parser gets it.
    fn body(&self) -> &str {
        self.text.strip_prefix(MARK).unwrap_or(&self.text)
    }

    fn mistake(&self, mistake: Mistake) -> Mistakes {
        Mistakes::new(Source::new(&self.desired.file, self.body()), vec![mistake])
    }

    fn no_service(&self, service: &str, there_are: &[Entry<'_>]) -> Unreadable {
        let file = whole(&self.desired.file);
        let error = Unreadable::plain(format!("{file} declares no service {service:?}"));
        error.help(meant_or_listed(service, there_are, "its services"))
    }
}

/// The image that is meant: a whole reference, or `:TAG`, `@DIGEST` or
/// `:TAG@DIGEST` of the repository that is written in this place.
///
/// # Errors
/// It is no image reference; said as for one in a file.
pub fn image_for(slot: &Slot, text: &str) -> Result<ImageReference, LoadError> {
    let written = if text.starts_with([':', '@']) {
        format!("{}{text}", slot.image.base())
    } else {
        text.to_owned()
    };
    values::image_reference(&written)
        .map_err(|(message, help)| slot.refuse(&message, help.as_deref()))
}

/// An entry's key and the table that is its value.
fn table(entry: Option<Entry<'_>>) -> Option<(Range<usize>, Table<'_>)> {
    let entry = entry?;
    match entry.value {
        DeValue::Table(table) => Some((entry.key, Table::new(table))),
        _ => None,
    }
}

/// The value in the old one's quotes, where it may stand in them.
fn written(old: &str, value: &str) -> String {
    if value.contains(['"', '\'', '\\']) {
        let escaped = value.replace('\\', "\\\\").replace('"', "\\\"");
        return format!("\"{escaped}\"");
    }
    let quotes = ["\"\"\"", "'''", "'"]
        .into_iter()
        .find(|quotes| old.starts_with(quotes))
        .unwrap_or("\"");
    // A line end right behind three quotes is no part of the value.
    let line_end = ["\r\n", "\n"]
        .into_iter()
        .find(|end| quotes.len() == 3 && old[quotes.len()..].starts_with(end))
        .unwrap_or_default();
    format!("{quotes}{line_end}{value}{quotes}")
}

/// Whether the edited text says what the other did, but for these images.
fn is_what_was_wanted(before: &str, after: &str, edits: &[&Edit]) -> bool {
    let (Ok(mut wanted), Ok(after)) = (before.parse::<toml::Table>(), after.parse()) else {
        return false;
    };
    for edit in edits {
        let Some((last, way)) = edit.slot.path.split_last() else {
            return false;
        };
        let parent = way.iter().try_fold(&mut wanted, |table, key| {
            table.get_mut(key).and_then(toml::Value::as_table_mut)
        });
        let Some(value) = parent.and_then(|table| table.get_mut(last)) else {
            return false;
        };
        *value = toml::Value::from(edit.to.as_str());
    }
    wanted == after
}

fn no_image(at: Range<usize>, service: &str, container: Option<&str>) -> Mistake {
    let shown = brief(service);
    let (message, header) = match container.map(brief) {
        Some(container) => (
            format!("container `{container}` of service `{shown}` declares no image"),
            format!("[services.{shown}.containers.{container}]"),
        ),
        None => (
            format!("service `{shown}` declares no image"),
            format!("[services.{shown}]"),
        ),
    };
    Mistake::new(at, message).help(format!(
        "only an image that is there is changed; add this yourself:\n{header}\nimage = \"…\""
    ))
}

fn not_named(at: Range<usize>, service: &str, container: &str) -> Mistake {
    let (service, container) = (brief(service), brief(container));
    Mistake::new(
        at,
        format!("service `{service}` names no container: this image is for its only one"),
    )
    .help(format!(
        "leave `/{container}` out, or write the image under [services.{service}.containers.{container}]"
    ))
}

fn which(at: Range<usize>, service: &str, there_are: &[Entry<'_>]) -> Mistake {
    let service = brief(service);
    let ways: Vec<String> = there_are
        .iter()
        .map(|entry| format!("{service}/{}=…", brief(entry.name)))
        .collect();
    Mistake::new(
        at,
        format!("service `{service}` has several containers, and none is named"),
    )
    .help(format!("write {}", ways.join(" or ")))
}

fn no_container(at: Range<usize>, service: &str, wanted: &str, there_are: &[Entry<'_>]) -> Mistake {
    Mistake::new(
        at,
        format!(
            "service `{}` declares no container `{}`",
            brief(service),
            brief(wanted)
        ),
    )
    .help(meant_or_listed(wanted, there_are, "its containers"))
}

fn meant_or_listed(wanted: &str, there_are: &[Entry<'_>], what: &str) -> String {
    let names: Vec<String> = there_are.iter().map(|entry| brief(entry.name)).collect();
    let listed = names.join(", ");
    match nearest(wanted, there_are.iter().map(|entry| entry.name)) {
        Some(meant) => format!("did you mean `{}`? There are: {listed}", brief(meant)),
        None => format!("{what}: {listed}"),
    }
}
