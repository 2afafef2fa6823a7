//! Nothing drifts falsely, nothing is missed, nothing is lost: for every
//! document of the corpus and for made-up ones, declared whole or in any part,
//! from the text of an environment file to the plan.

use std::collections::BTreeSet;

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::super::*;
use super::arn;
use super::declare::{Declared, Leaf, changed, declare, file};
use super::ecs::{answered, kept, service_answered};
use super::made_up;
use crate::model::fields::tests::corpus::documents;
use crate::model::fields::{
    Context, Kind, Path, Root, SERVICE, Seen as Place, TASK_DEFINITION, canonical_shape,
};
use crate::observed::{Image, Revision, RunningImage, ServiceRevision, Sight, Want};

type Document = Map<String, Value>;

/// What is live.
#[derive(Debug, Clone, Default)]
struct Live {
    document: Document,
    tags: Vec<Value>,
    /// The fields of the service.
    service: Document,
}

/// A document as ECS keeps it: one of the corpus, or a made-up one.
fn document(which: usize, rng: &mut fastrand::Rng) -> Document {
    let document = match documents().get(which) {
        Some((_, document)) => kept(&TASK_DEFINITION, document),
        None => kept(&TASK_DEFINITION, &made_up::object(&TASK_DEFINITION, rng)),
    };
    Document::from_iter([("family".to_owned(), json!("web"))])
        .into_iter()
        .chain(document)
        .collect()
}

impl Live {
    fn of(document: &Document, rng: &mut fastrand::Rng) -> Self {
        let tags = document.get("tags").and_then(Value::as_array).cloned();
        let mut tags = tags.unwrap_or_default();
        rng.shuffle(&mut tags);
        Self {
            document: answered(document, rng),
            tags,
            service: Document::new(),
        }
    }

    /// As it would be registered again.
    fn request(&self) -> Document {
        TaskDefinition::new(self.document.clone()).register_request(&self.tags)
    }

    fn plan(&self, file: &str, definition: &[u8]) -> ServicePlan {
        let desired = read(file, definition);
        let mut observed = Observed::default();
        for _ in 0..10 {
            match plan(&desired, &observed, Options::default()) {
                Ok(plan) => return plan.services()[0].clone(),
                Err(Wants(wants)) => wants
                    .into_iter()
                    .for_each(|want| observed.record(self.answer(want))),
            }
        }
        panic!("the plan is never content");
    }

    fn answer(&self, want: Want) -> Sight {
        let digest: Digest = format!("sha256:{}", "a".repeat(64)).parse().unwrap();
        let document = TaskDefinition::new(self.document.clone());
        let at = |place: Place| -> Document {
            let seen = self.service.iter().filter(|(name, _)| {
                SERVICE
                    .field(name)
                    .map_or(Place::Service, |field| field.seen)
                    == place
            });
            seen.map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        };
        match want {
            Want::Service(key) => {
                let mut deployment = at(Place::Deployment);
                deployment.extend([
                    ("id".to_owned(), json!("ecs-svc/1")),
                    ("status".to_owned(), json!("PRIMARY")),
                    ("taskDefinition".to_owned(), json!(arn(7))),
                    ("rolloutState".to_owned(), json!("COMPLETED")),
                ]);
                let mut service = at(Place::Service);
                service.shift_remove("tags");
                service.extend([
                    (
                        "serviceArn".to_owned(),
                        json!("arn:aws:ecs:us-west-1:123456789012:service/prod/web"),
                    ),
                    ("status".to_owned(), json!("ACTIVE")),
                    ("deployments".to_owned(), json!([deployment])),
                    (
                        "currentServiceRevisions".to_owned(),
                        json!([{"arn": "rev/1"}]),
                    ),
                ]);
                let service = Service::read(service).expect("a service");
                Sight::Service(key, Box::new(Seen::Found(service)))
            }
            Want::Document(arn) => Sight::Document(arn, Seen::Found(document)),
            Want::Revision(arn) => {
                let status = "ACTIVE".to_owned();
                let tags = self.tags.clone();
                Sight::Revision(
                    arn,
                    Seen::Found(Revision {
                        document,
                        status,
                        tags,
                    }),
                )
            }
            Want::Image(repository, id) => {
                let platforms = Vec::new();
                Sight::Image(repository, id, Seen::Found(Image { digest, platforms }))
            }
            Want::RunningImages(revision) => {
                let images = document.container_names().into_iter();
                let images = images.map(|container| RunningImage {
                    container: container.to_owned(),
                    digest: digest.clone(),
                });
                let revision_seen = ServiceRevision {
                    task_definition: super::arn(7),
                    created_at: 1,
                    images: images.collect(),
                    document: at(Place::ServiceRevision),
                };
                Sight::RunningImages(revision, Seen::Found(revision_seen))
            }
            Want::ServiceTags(arn) => {
                let tags = self.service.get("tags").and_then(Value::as_array).cloned();
                Sight::ServiceTags(arn, Seen::Found(tags.unwrap_or_default()))
            }
            Want::Newest(family) => Sight::Newest(family, Seen::Found(vec![arn(7)])),
            Want::Scaling(key) => Sight::Scaling(key, Seen::Missing),
            Want::History(key) => Sight::History(key, Seen::Found(Vec::new())),
            other => panic!("a plan has no need of {other:?}"),
        }
    }
}

fn read(file: &str, definition: &[u8]) -> Desired {
    let files = |_: &str| Ok(definition.to_vec());
    crate::environment::parse_with("prod.toml", "prod", file, &files)
        .unwrap_or_else(|mistakes| panic!("{}\n{file}", mistakes.render(false, 80)))
}

/// Shares of the fields that are declared: all, many, a few.
const SHARES: [f64; 3] = [1.0, 0.6, 0.15];

#[track_caller]
fn in_sync(plan: &ServicePlan, file: &str) {
    assert_eq!(plan.verdict, Verdict::InSync { revision: arn(7) }, "{file}");
}

/// The change; `None` where chance made one that ECS would refuse, which is
/// another rule's matter.
#[track_caller]
fn change(plan: ServicePlan, file: &str) -> Option<Change> {
    match plan.verdict {
        Verdict::Change(change) => Some(*change),
        Verdict::Blocked(blocks)
            if blocks
                .iter()
                .all(|block| matches!(block, Block::Refused { .. })) =>
        {
            None
        }
        other => panic!("{other:?}\n{file}"),
    }
}

fn paths(fields: &[FieldChange]) -> Vec<String> {
    fields.iter().map(|field| field.path.to_string()).collect()
}

/// The request of a change that registers a revision.
#[track_caller]
fn registered(change: &Change) -> Document {
    match &change.to {
        Target::New(request) => request.clone(),
        Target::Existing(revision) => panic!("{revision} is not it"),
    }
}

/// What stands at this path in a document.
fn at<'a>(path: &Path, document: &'a Document) -> Option<&'a Value> {
    path.get(document)
        .expect("the document has the path's shape")
}

/// All of a document but what is at or below this path, as text.
fn without(path: &Path, document: &Document) -> String {
    let mut document = document.clone();
    path.remove(&mut document).expect("it has the path's shape");
    // No tags at all are not sent.
    if document.get("tags").is_some_and(|tags| *tags == json!([])) {
        document.shift_remove("tags");
    }
    Value::Object(document).to_string()
}

/// So many cases; `PROPTEST_CASES` asks for others.
fn cases(cases: u32) -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").ok();
    ProptestConfig {
        cases: asked.and_then(|asked| asked.parse().ok()).unwrap_or(cases),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// As many made-up documents as there are in the corpus.
const DOCUMENTS: usize = 2 * 276;

/// Declares a part of a document; `None` when nothing came of it.
fn declared(
    root: Root,
    document: &Document,
    share: usize,
    seed: u64,
) -> Option<(Declared, String)> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let declared = declare(root, document, SHARES[share], &mut rng);
    let file = file(&declared.tree, &mut rng);
    (!declared.tree.is_empty()).then_some((declared, file))
}

/// The same declaration with one value changed.
fn with_change(document: &Document, leaf: &Leaf) -> Document {
    let mut changed_document = Value::Object(document.clone());
    let value = changed_document
        .pointer_mut(&leaf.pointer)
        .expect("it is there");
    *value = changed(leaf, value);
    changed_document.as_object().expect("an object").clone()
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn what_is_live_is_in_sync_however_it_is_declared(which in 0..DOCUMENTS, share in 0..3_usize, seed: u64) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let document = document(which, &mut rng);
        if let Some((_, file)) = declared(Root::Task, &document, share, seed) {
            in_sync(&Live::of(&document, &mut rng).plan(&file, &[]), &file);
        }
    }

    #[test]
    fn one_change_is_all_that_differs_and_all_that_is_registered(which in 0..DOCUMENTS, share in 0..3_usize, seed: u64, chosen: prop::sample::Index) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let document = document(which, &mut rng);
        let Some((before, _)) = declared(Root::Task, &document, share, seed) else {
            return Ok(());
        };
        if before.leaves.is_empty() {
            return Ok(());
        }
        let leaf = chosen.get(&before.leaves);
        let other = with_change(&document, leaf);
        let (_, file) = declared(Root::Task, &other, share, seed).expect("the same choices");
        let live = Live::of(&document, &mut rng);
        let Some(change) = change(live.plan(&file, &[]), &file) else {
            return Ok(());
        };
        prop_assert_eq!(paths(&change.fields), [leaf.path.clone()], "{}", file);
        prop_assert!(change.images.is_empty());
        let field = &change.fields[0];
        prop_assert!(field.at.is_some());
        let (request, live) = (registered(&change), live.request());
        prop_assert_eq!(field.from.as_ref(), at(&field.path, &live));
        prop_assert_eq!(field.to.as_ref(), at(&field.path, &request));
        // Where the file declares nothing that differs, not a byte does.
        let declared = read(&file, &[]).services.remove(0).assignments;
        let here: Vec<_> = declared.iter().filter(|declared| declared.path.contains(&field.path)).collect();
        prop_assert_eq!(here.len(), 1);
        prop_assert_eq!(without(&here[0].path, &live), without(&here[0].path, &request));
    }

    #[test]
    fn what_is_removed_is_all_that_goes(which in 0..DOCUMENTS, seed: u64, chosen: prop::sample::Index) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let document = document(which, &mut rng);
        let live = Live::of(&document, &mut rng);
        let mut removable = Vec::new();
        removable_paths(&document, &mut removable);
        if removable.is_empty() {
            return Ok(());
        }
        let path = chosen.get(&removable);
        let tree = Map::from_iter([("remove".to_owned(), json!([path.to_string()]))]);
        let file = file(&tree, &mut rng);
        let Some(change) = change(live.plan(&file, &[]), &file) else {
            return Ok(());
        };
        prop_assert_eq!(paths(&change.fields), [path.to_string()], "{}", file);
        prop_assert_eq!(&change.fields[0].to, &None);
        prop_assert_eq!(Value::Object(registered(&change)).to_string(), without(path, &live.request()));
    }

    #[test]
    fn a_definition_that_is_live_is_in_sync(which in 0..DOCUMENTS, seed: u64) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let document = document(which, &mut rng);
        let live = Live::of(&document, &mut rng);
        let tree = Map::from_iter([("definition".to_owned(), json!("task.json"))]);
        let file = file(&tree, &mut rng);
        let definition = as_a_file(&document, &mut rng);
        let images: BTreeSet<_> = TaskDefinition::new(document.clone())
            .container_names()
            .into_iter()
            .filter_map(|name| TaskDefinition::new(document.clone()).image(name).map(str::to_owned))
            .filter(|image| image.parse::<ImageReference>().is_err())
            .collect();
        let plan = live.plan(&file, &definition);
        if images.is_empty() && has_images(&document) {
            in_sync(&plan, &file);
        }
    }
}

fn has_images(document: &Document) -> bool {
    let document = TaskDefinition::new(document.clone());
    let names = document.container_names();
    names.iter().all(|name| document.image(name).is_some())
}

/// What describe prints or register takes, in the encodings that shells write.
fn as_a_file(document: &Document, rng: &mut fastrand::Rng) -> Vec<u8> {
    let mut document = document.clone();
    if rng.bool() {
        for key in crate::model::RESPONSE_ONLY {
            document.insert(key.to_owned(), json!("of a response"));
        }
    }
    let whole = match rng.bool() {
        true => {
            let tags = document.shift_remove("tags");
            json!({"taskDefinition": document, "tags": tags.unwrap_or(json!([]))})
        }
        false => document.into(),
    };
    let text = serde_json::to_string_pretty(&whole)
        .expect("JSON")
        .replace('\n', "\r\n");
    match rng.u8(..4) {
        0 => [&[0xEF, 0xBB, 0xBF], text.as_bytes()].concat(),
        1 => [0xFF, 0xFE]
            .into_iter()
            .chain(text.encode_utf16().flat_map(u16::to_le_bytes))
            .collect(),
        2 => [0xFE, 0xFF]
            .into_iter()
            .chain(text.encode_utf16().flat_map(u16::to_be_bytes))
            .collect(),
        _ => text.into_bytes(),
    }
}

/// Elements, and entries of maps, that can be taken away.
fn removable_paths(document: &Document, found: &mut Vec<Path>) {
    let containers = document
        .get("containerDefinitions")
        .and_then(Value::as_array);
    let names: Vec<&str> = containers
        .into_iter()
        .flatten()
        .filter_map(|container| container["name"].as_str())
        .collect();
    for (index, name) in names.iter().enumerate() {
        let path = Path::container(name);
        let container = &document["containerDefinitions"][index];
        inside(&path, container, found);
        if names.len() > 1 {
            found.push(path);
        }
    }
    for (name, value) in document
        .iter()
        .filter(|(name, _)| *name != "containerDefinitions")
    {
        inside(&Path::new(Root::Task).field(name), value, found);
    }
}

fn inside(path: &Path, value: &Value, found: &mut Vec<Path>) {
    match (path.kind(), value) {
        (Some(kind @ Kind::List(..)), Value::Array(list)) => {
            let (Some(key), Some(shape)) = (kind.key(), kind.shape()) else {
                return;
            };
            for element in list.iter().filter(|_| key.spelling.is_some()) {
                let identity = key.identity_of(shape, element).expect("a key");
                let path = path.clone().element(identity);
                inside(&path, element, found);
                found.push(path);
            }
        }
        (Some(Kind::Object(_)), Value::Object(object)) => {
            for (name, value) in object {
                inside(&path.clone().field(name), value, found);
            }
        }
        (Some(Kind::Map), Value::Object(object)) => {
            found.extend(object.keys().map(|name| path.clone().field(name)));
        }
        _ => {}
    }
}

/// The fields of a service, made up.
fn service(rng: &mut fastrand::Rng) -> Document {
    kept(&SERVICE, &made_up::object(&SERVICE, rng))
}

fn live_service(fields: &Document, rng: &mut fastrand::Rng) -> Live {
    let document =
        json!({"family": "web", "containerDefinitions": [{"name": "app", "image": "i"}]});
    Live {
        document: document.as_object().expect("an object").clone(),
        tags: Vec::new(),
        service: service_answered(fields, rng),
    }
}

proptest! {
    #![proptest_config(cases(300))]

    #[test]
    fn a_service_is_in_sync_however_it_is_declared(share in 0..3_usize, seed: u64) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let fields = service(&mut rng);
        let live = live_service(&fields, &mut rng);
        if let Some((_, file)) = declared(Root::Service, &fields, share, seed) {
            in_sync(&live.plan(&file, &[]), &file);
        }
    }

    #[test]
    fn of_a_service_exactly_what_differs_is_sent(share in 0..3_usize, seed: u64, chosen: prop::sample::Index) {
        let mut rng = fastrand::Rng::with_seed(seed);
        let fields = service(&mut rng);
        let live = live_service(&fields, &mut rng);
        let Some((before, _)) = declared(Root::Service, &fields, share, seed) else {
            return Ok(());
        };
        if before.leaves.is_empty() {
            return Ok(());
        }
        let leaf = chosen.get(&before.leaves);
        let (_, file) = declared(Root::Service, &with_change(&fields, leaf), share, seed).expect("the same choices");
        let Some(change) = change(live.plan(&file, &[]), &file) else {
            return Ok(());
        };
        prop_assert_eq!(paths(&change.service.fields), [leaf.path.clone()], "{}", file);
        prop_assert!(change.fields.is_empty() && !change.moves());
        let name = leaf.pointer.split('/').nth(1).expect("a field");
        let sent: Vec<&String> = change.service.update.keys().collect();
        if name == "tags" {
            prop_assert!(sent.is_empty());
            let tags = change.service.tags.expect("tags change");
            prop_assert_eq!((tags.set.len(), tags.remove.len()), (1, 0));
            return Ok(());
        }
        prop_assert_eq!(sent, [name]);
        prop_assert_eq!(change.service.undo.get(name), live.service.get(name));
        // Nothing in the field is lost that is not declared.
        let changed = &change.service.fields[0].path;
        let declared = read(&file, &[]).services.remove(0).assignments;
        let (mut live, mut sent) = (live.service, change.service.update);
        live.retain(|field, _| field == name);
        for path in declared.iter().map(|declared| &declared.path).filter(|path| path.contains(changed)) {
            path.remove(&mut live).expect("its shape");
            path.remove(&mut sent).expect("its shape");
        }
        let form = |fields: &Document| canonical_shape(&SERVICE, fields, Context::default());
        prop_assert_eq!(form(&live), form(&sent));
    }
}

/// The properties say something of every field.
#[test]
fn every_field_of_the_table_is_made_up_and_declared() {
    let mut rng = fastrand::Rng::with_seed(1);
    let mut seen = BTreeSet::new();
    let mut all = BTreeSet::new();
    for (root, make) in [
        (
            Root::Task,
            document as fn(usize, &mut fastrand::Rng) -> Document,
        ),
        (Root::Service, |_, rng: &mut fastrand::Rng| service(rng)),
    ] {
        for seed in 0..300 {
            let document = make(usize::MAX, &mut rng);
            if declared(root, &document, 0, seed).is_some() {
                let kind = Kind::Object(root.shape());
                look(&kind, &document.into(), &mut seen);
            }
        }
        fields_of(root.shape(), &mut all);
    }
    let missing: Vec<_> = all.difference(&seen).collect();
    assert!(
        missing.is_empty() && all.len() > 250,
        "{}: {missing:?}",
        all.len()
    );
}

fn fields_of(shape: &'static crate::model::fields::Shape, all: &mut BTreeSet<(String, String)>) {
    for field in shape.fields {
        if all.insert((shape.name.to_owned(), field.name.to_owned()))
            && let Some(shape) = field.kind.shape()
        {
            fields_of(shape, all);
        }
    }
}

fn look(kind: &Kind, value: &Value, seen: &mut BTreeSet<(String, String)>) {
    match (kind, value) {
        (Kind::Object(shape), Value::Object(object)) => {
            for (name, value) in object {
                seen.insert((shape.name.to_owned(), name.clone()));
                if let Some(field) = shape.field(name) {
                    look(&field.kind, value, seen);
                }
            }
        }
        (Kind::List(element, _), Value::Array(list)) => {
            list.iter().for_each(|value| look(element, value, seen));
        }
        _ => {}
    }
}
