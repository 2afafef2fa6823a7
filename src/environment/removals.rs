//! `remove = ["containers.app.environment.OLD"]`: what is to be taken away.

use std::ops::Range;

use crate::model::fields::{Kind, Path, Root, SERVICE, Shape, Step, TASK_DEFINITION, split};

use super::desired::{Assignment, Removal};
use super::keys::nearest;
use super::mistakes::Mistake;
use super::show::{self, brief};
use super::source::Source;
use super::walk::{Entry, Findings};

/// Why a text names nothing that can be taken away.
struct Refused {
    message: String,
    help: String,
}

fn refused(message: impl Into<String>, help: impl Into<String>) -> Refused {
    Refused {
        message: message.into(),
        help: help.into(),
    }
}

const EXAMPLE: &str = "write it like remove = [\"containers.app.environment.OLD\"]";

/// The removals in the file's order, each with its place.
pub(super) fn read(
    entry: &Entry<'_>,
    allow_unknown: bool,
    source: &Source,
    found: &mut Findings<'_>,
) -> Vec<(Range<usize>, Removal)> {
    let mut removals: Vec<(Range<usize>, Removal)> = Vec::new();
    let Some(items) = entry.items() else {
        if !entry.span.is_empty() {
            found.add(entry.mismatch("a list").help(EXAMPLE.to_owned()));
        }
        return removals;
    };
    for item in items {
        let Some(text) = item.string(found, |_| None, EXAMPLE) else {
            continue;
        };
        match path(text, allow_unknown) {
            Ok(path) => {
                if let Some((first, _)) = removals.iter().find(|(_, known)| known.path == path) {
                    let message = format!("`{}` is removed twice", brief(text));
                    found.add(
                        Mistake::new(item.span, message)
                            .also(first.clone(), "first here")
                            .help("keep one of them".to_owned()),
                    );
                    continue;
                }
                let at = source.location(item.span.start);
                removals.push((item.span, Removal { path, at }));
            }
            Err(Refused { message, help }) => {
                found.add(Mistake::new(item.span, message).help(help));
            }
        }
    }
    removals
}

/// Refuses to take away what the file also declares.
pub(super) fn refuse_declared(
    removals: &[(Range<usize>, Removal)],
    declared: &[(Range<usize>, Assignment)],
    images: &[(Range<usize>, Path)],
    found: &mut Findings<'_>,
) {
    let replaces = |value: &serde_json::Value| !value.as_object().is_some_and(|o| o.is_empty());
    for (span, removal) in removals {
        let both = declared.iter().find(|(_, assignment)| {
            removal.path.contains(&assignment.path)
                || (assignment.path.contains(&removal.path) && replaces(&assignment.value))
        });
        let image = images.iter().find(|(_, path)| removal.path.contains(path));
        let first = both.map(|(key, _)| key).or(image.map(|(key, _)| key));
        if let Some(key) = first {
            let message = format!(
                "`{}` is declared and removed",
                brief(&removal.path.to_string())
            );
            found.add(
                Mistake::new(span.clone(), message)
                    .also(key.clone(), "declared here")
                    .help("keep one of them".to_owned()),
            );
        }
    }
}

/// The place that a text names, by the table of fields.
fn path(text: &str, allow_unknown: bool) -> Result<Path, Refused> {
    let names = split(text)
        .map_err(|bad| refused(format!("invalid path `{}`: {bad}", brief(text)), EXAMPLE))?;
    let (mut path, rest) = match names.as_slice() {
        [first, container, rest @ ..] if first == "containers" => {
            (Path::container(container), rest)
        }
        [first, rest @ ..] if first == "task" && !rest.is_empty() => (Path::new(Root::Task), rest),
        [first, rest @ ..] if first == "service" && !rest.is_empty() => {
            (Path::new(Root::Service), rest)
        }
        [only] if ["containers", "task", "service"].contains(&only.as_str()) => {
            return Err(refused(
                format!("`{only}` cannot be removed as a whole"),
                "name what is in it, such as \"containers.sidecar\"",
            ));
        }
        [first, ..] => {
            let meant = nearest(first, ["containers", "task", "service"]);
            return Err(refused(
                format!("unknown path `{}`", brief(text)),
                meant.map_or_else(
                    || "a path begins with `containers`, `task` or `service`".to_owned(),
                    |meant| format!("did you mean `{meant}`?"),
                ),
            ));
        }
        [] => return Err(refused("the path is empty", EXAMPLE)),
    };
    for (index, name) in rest.iter().enumerate() {
        path = step(path, name, index + 1 == rest.len(), allow_unknown, text)?;
    }
    Ok(path)
}

fn step(
    path: Path,
    name: &str,
    last: bool,
    allow_unknown: bool,
    text: &str,
) -> Result<Path, Refused> {
    match path.kind() {
        Some(Kind::Object(shape)) => {
            let key = match path.steps.last() {
                Some(Step::Element(identity)) => Some(identity),
                _ => None,
            };
            let tells = key.is_some_and(|identity| identity.iter().any(|(field, _)| field == name));
            match shape.field(name) {
                Some(_) if *shape == TASK_DEFINITION && name == "containerDefinitions" => {
                    Err(refused(
                        format!("`{}` cannot be removed", brief(text)),
                        "name the container, as \"containers.NAME\"",
                    ))
                }
                Some(field) if last && (field.required || tells) => Err(refused(
                    format!("`{}` cannot be removed: AWS requires `{name}`", brief(text)),
                    "declare another value, or remove what it belongs to",
                )),
                Some(field)
                    if last && *shape == SERVICE && !matches!(field.kind, Kind::List(..)) =>
                {
                    Err(refused(
                        format!(
                            "`{}` cannot be removed: UpdateService keeps what it is not told",
                            brief(text)
                        ),
                        "declare the value that it should have",
                    ))
                }
                None if !allow_unknown => Err(unknown(shape, name, text)),
                _ => Ok(path.field(name)),
            }
        }
        Some(Kind::Map) => Ok(path.field(name)),
        Some(Kind::List(_, _)) => {
            let key = path
                .kind()
                .and_then(|kind| kind.key())
                .filter(|key| key.spelling.is_some());
            let Some(key) = key else {
                return Err(refused(
                    format!("`{}` names an element of a list without keys", brief(text)),
                    format!(
                        "declare the whole list, or remove \"{}\"",
                        show::whole(&path.to_string())
                    ),
                ));
            };
            let identity = key.read(name).map_err(|bad| {
                refused(
                    format!("`{}` names no element", brief(text)),
                    bad.to_string(),
                )
            })?;
            Ok(path.element(identity))
        }
        None if allow_unknown => Ok(path.field(name)),
        Some(Kind::Any) => Ok(path.field(name)),
        _ => Err(refused(
            format!("`{}` goes on where there is nothing below", brief(text)),
            format!("remove \"{}\"", show::whole(&path.to_string())),
        )),
    }
}

fn unknown(shape: &Shape, name: &str, text: &str) -> Refused {
    let help = match nearest(name, shape.fields.iter().map(|field| field.name)) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => {
            "for a field that evenkeel does not know, set allow-unknown-fields = true".to_owned()
        }
    };
    refused(
        format!(
            "unknown path `{}`: there is no `{}`",
            brief(text),
            brief(name)
        ),
        help,
    )
}
