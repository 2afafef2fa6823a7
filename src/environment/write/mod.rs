//! The text of a new environment file, from services as they are live.
//!
//! What is written is what an environment file may say, and says what is live,
//! so that a plan made of it at once is empty. What ECS fills in by itself is
//! not written, nor what looks like a secret. This never calls AWS and never
//! writes a file.

mod declare;
mod toml;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::model::fields::{
    CONTAINER, Context, Path, Root, SERVICE, Shape, TASK_DEFINITION, canonical_shape, split,
};
use crate::model::{AccountId, ClusterName, ImageReference, Region, ServiceName, TaskDefinition};

use super::show::{brief, whole};
use super::values::image_reference;
pub use declare::{LeftOut, Why};
use toml::{Node, body, header, text};

/// How much of a service a file declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Own {
    /// The images of its containers.
    Image,
    /// All fields of its containers.
    Containers,
    /// The task definition and the service, too.
    All,
}

/// A service as it is live.
#[derive(Debug, Clone, PartialEq)]
pub struct Live {
    pub service: ServiceName,
    pub document: TaskDefinition,
    /// The revision's tags that are somebody's own.
    pub tags: Vec<Value>,
    /// What to write for the images that are known better than the document
    /// has them.
    pub pinned: BTreeMap<String, ImageReference>,
    /// The fields of the service that are to be declared.
    pub settings: Map<String, Value>,
    /// How many tasks are to run.
    pub desired_count: Option<i64>,
}

/// Where the services are, and what the file is to be called.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub environment: &'a str,
    pub account: &'a AccountId,
    pub region: &'a Region,
    pub cluster: &'a ClusterName,
}

/// A file that is still to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    pub text: String,
    /// The services' names in the file, in the order that they were given.
    pub names: Vec<String>,
    /// For each service, what is live and is not in the file.
    pub left_out: Vec<Vec<LeftOut>>,
}

/// Writes a file that declares these services.
pub fn write(place: Place<'_>, services: &[Live], own: Own) -> Written {
    let names = names(place.environment, services);
    let mut out = String::new();
    // Writing to a String cannot fail, here and below.
    let _ = writeln!(
        out,
        "# What is declared here is held; everything else stays as it is live.\n\
         account = {}\nregion = {}\ncluster = {}",
        text(place.account.as_str()),
        text(place.region.as_str()),
        text(place.cluster.as_str())
    );
    let mut left_out = Vec::new();
    for (name, live) in names.iter().zip(services) {
        left_out.push(service(&mut out, place.environment, name, live, own));
    }
    Written {
        text: out,
        names,
        left_out,
    }
}

/// The services' names, the same in every environment: without the
/// environment's own name in them, where they stay different without it.
fn names(environment: &str, services: &[Live]) -> Vec<String> {
    let short = |live: &Live| -> Option<String> {
        let name = live.service.as_str();
        ["-", "_"].iter().find_map(|dash| {
            name.strip_suffix(&format!("{dash}{environment}"))
                .or_else(|| name.strip_prefix(&format!("{environment}{dash}")))
                .filter(|short| !short.is_empty())
                .map(str::to_owned)
        })
    };
    let own = |live: &Live| live.service.to_string();
    let all: Vec<String> = services
        .iter()
        .map(|live| short(live).unwrap_or_else(|| own(live)))
        .collect();
    let twice = |name: &String| all.iter().filter(|other| *other == name).count() > 1;
    if all.iter().any(twice) {
        services.iter().map(own).collect()
    } else {
        all
    }
}

fn service(out: &mut String, environment: &str, name: &str, live: &Live, own: Own) -> Vec<LeftOut> {
    let mut left = Vec::new();
    header(out, &["services", name]);
    if name != live.service.as_str() {
        let _ = writeln!(
            out,
            "name = {} # the ECS service",
            text(live.service.as_str())
        );
    }
    let containers = containers(live, &mut left);
    comments(out, 0, &left);
    let context = Context::of(live.document.as_map());
    let example = whole(environment);
    if own == Own::Image
        && let [(container, _)] = containers.as_slice()
        && let Some(image) = image(live, container)
    {
        let _ = writeln!(
            out,
            "# Of its only container. A release is another tag here:\n\
             # `evenkeel set {example} {name}=:TAG --resolve` writes it with its digest.\n\
             image = {}",
            text(image.as_str())
        );
        return left;
    }
    if containers.len() > 1 {
        let _ = writeln!(
            out,
            "# Of several containers. Take out those that somebody else deploys;\n\
             # `evenkeel set {example} {name}/CONTAINER=:TAG --resolve` writes a release."
        );
    }
    for (container, definition) in containers {
        let path = Path::container(container);
        let canonical = canonical_shape(&CONTAINER, definition, context);
        let mut nodes = Vec::new();
        let from = left.len();
        match image(live, container) {
            Some(image) => nodes.push(("image".to_owned(), Node::Plain(text(image.as_str())))),
            None => left.push(LeftOut {
                path: path.clone().field("image"),
                why: Why::Odd,
            }),
        }
        if own >= Own::Containers {
            let skipped = ["name", "image"];
            nodes.extend(declare::fields(
                &CONTAINER, &canonical, &path, &skipped, &mut left,
            ));
        }
        section(
            out,
            &["services", name, "containers", container],
            &nodes,
            &left[from..],
        );
    }
    if own >= Own::All {
        let mut task = live.document.register_request(&live.tags);
        task.shift_remove("containerDefinitions");
        // The family is whose revisions these are, and stays.
        let skipped = ["family"];
        let task = canonical_shape(&TASK_DEFINITION, &task, context);
        root(out, name, Root::Task, &task, &skipped, None, &mut left);
        let settings = canonical_shape(&SERVICE, &live.settings, Context::default());
        root(
            out,
            name,
            Root::Service,
            &settings,
            &[],
            live.desired_count,
            &mut left,
        );
    }
    left
}

/// The table `task` or `service`.
fn root(
    out: &mut String,
    name: &str,
    root: Root,
    fields: &Map<String, Value>,
    skipped: &[&str],
    count: Option<i64>,
    left: &mut Vec<LeftOut>,
) {
    let shape: &'static Shape = root.shape();
    let from = left.len();
    let nodes = declare::fields(shape, fields, &Path::new(root), skipped, left);
    let word = match root {
        Root::Task => "task",
        Root::Service => "service",
    };
    let mut text = String::new();
    section(&mut text, &["services", name, word], &nodes, &left[from..]);
    if let Some(count) = count {
        let note = format!(
            "# desiredCount = {count} # left to autoscaling and to people; a file that says it holds it\n"
        );
        text = match text.split_once("]\n") {
            Some((header, rest)) => format!("{header}]\n{note}{rest}"),
            // A header alone would declare nothing, so it is a comment, too.
            None => format!("\n# [services.{name}.{word}]\n{note}{text}"),
        };
    }
    out.push_str(&text);
}

/// A table with what is left out of it, as comments. Without fields it has no
/// header.
fn section(out: &mut String, path: &[&str], nodes: &[(String, Node)], left: &[LeftOut]) {
    if !nodes.is_empty() {
        header(out, path);
    } else if !left.is_empty() {
        out.push('\n');
    }
    // The table's own name, without `services.NAME`, is what paths begin with.
    comments(out, path.len() - 2, left);
    body(out, path, nodes);
}

/// What is left out, by reason, with a line of advice. So many names of each
/// path are said by what stands above.
fn comments(out: &mut String, said: usize, left: &[LeftOut]) {
    let mut by: BTreeMap<Why, Vec<String>> = BTreeMap::new();
    for left in left {
        let path = split(&left.path.to_string()).unwrap_or_default();
        let rest: Vec<String> = path.iter().skip(said).map(|name| brief(name)).collect();
        by.entry(left.why).or_default().push(rest.join("."));
    }
    for (why, paths) in by {
        for path in paths {
            let _ = writeln!(out, "# {path} is not written: it {}.", why.says());
        }
        if why == Why::Secret {
            out.push_str(
                "# Keep it in SSM or Secrets Manager and declare its ARN under `secrets`.\n",
            );
        }
    }
}

/// The containers that a file can name, in the document's order.
fn containers<'a>(
    live: &'a Live,
    left: &mut Vec<LeftOut>,
) -> Vec<(&'a str, &'a Map<String, Value>)> {
    let list = live.document.as_map().get("containerDefinitions");
    let list = list.and_then(Value::as_array).into_iter().flatten();
    let named: Vec<(&str, &Map<String, Value>)> = list
        .filter_map(|container| Some((container.get("name")?.as_str()?, container.as_object()?)))
        .collect();
    let (mut found, mut refused) = (Vec::new(), BTreeSet::new());
    for (name, container) in &named {
        let once = named.iter().filter(|(other, _)| other == name).count() == 1;
        if once && name.parse::<ServiceName>().is_ok() {
            found.push((*name, *container));
        } else {
            refused.insert(*name);
        }
    }
    left.extend(refused.into_iter().map(|name| LeftOut {
        path: Path::container(name),
        why: Why::Odd,
    }));
    found
}

/// What to write for a container's image.
fn image(live: &Live, container: &str) -> Option<ImageReference> {
    if let Some(pinned) = live.pinned.get(container) {
        return Some(pinned.clone());
    }
    image_reference(live.document.image(container)?).ok()
}
