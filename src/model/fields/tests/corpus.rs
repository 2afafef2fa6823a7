//! The documents of tests/corpus, and what in them the table does not know.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use crate::model::RESPONSE_ONLY;
use crate::model::fields::{Kind, TASK_DEFINITION};

pub(crate) type Document = (String, Map<String, Value>);

/// Each document's name, and the document: unwrapped, and without what only
/// responses have.
static DOCUMENTS: LazyLock<Vec<Document>> = LazyLock::new(|| {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/task-definitions");
    let mut documents: Vec<Document> = std::fs::read_dir(folder)
        .expect("the corpus is there")
        .map(|entry| read(&entry.expect("an entry").path()))
        .collect();
    documents.sort_by(|(a, _), (b, _)| a.cmp(b));
    documents
});

pub(crate) fn documents() -> &'static [Document] {
    assert_eq!(DOCUMENTS.len(), 276);
    &DOCUMENTS
}

fn read(path: &Path) -> Document {
    let name = path.file_stem().expect("a name").to_string_lossy();
    let bytes = std::fs::read(path).expect("a document");
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
    let whole: Map<String, Value> = serde_json::from_slice(bytes).expect("JSON");
    let wrapped = whole.get("taskDefinition").and_then(Value::as_object);
    let mut document = wrapped.unwrap_or(&whole).clone();
    document.retain(|key, _| !RESPONSE_ONLY.contains(&key.as_str()));
    (name.into_owned(), document)
}

/// Fields that are nowhere in the API: slips and notes of their authors.
const STRANGE: [(&str, &[&str]); 18] = [
    ("._comment_", &["257"]),
    ("._comment_executionRoleArn", &["257"]),
    ("._comment_taskRoleArn", &["257"]),
    (
        ".containerDefinitions._comment_readonlyRootFilesystem",
        &["257"],
    ),
    (".containerDefinitions._comment_resourceLimits", &["257"]),
    (".containerDefinitions._comment_stopTimeout", &["257"]),
    (".containerDefinitions._comment_user", &["257"]),
    (".containerDefinitions.environment.APP_ARGS", &["275"]),
    (
        ".containerDefinitions.environment.valueFrom",
        &["021", "022", "023", "270", "271"],
    ),
    (".containerDefinitions.family", &["150"]),
    (".containerDefinitions.inferenceDevices", &["437"]),
    (".containerDefinitions.parameters", &["665"]),
    (
        ".containerDefinitions.portBindings",
        &["411", "412", "413", "456", "472"],
    ),
    (".containerOverrides", &["251"]),
    (".ecsTaskExecutionRole", &["053"]),
    (".environment", &["015"]),
    (".github-actions", &["054"]),
    (".image", &["096"]),
];

#[test]
fn every_field_that_people_use_is_known() {
    let mut unknown: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, document) in documents() {
        let mut found = Vec::new();
        look(
            &Kind::Object(&TASK_DEFINITION),
            &document.clone().into(),
            "",
            &mut found,
        );
        found.dedup();
        for path in found {
            let documents = unknown.entry(path).or_default();
            if documents.last() != Some(name) {
                documents.push(name.clone());
            }
        }
    }
    let expected: BTreeMap<String, Vec<String>> = STRANGE
        .iter()
        .map(|(path, names)| {
            let names = names.iter().map(ToString::to_string);
            ((*path).to_owned(), names.collect())
        })
        .collect();
    assert_eq!(unknown, expected);
}

fn look(kind: &Kind, value: &Value, at: &str, unknown: &mut Vec<String>) {
    match (kind, value) {
        (Kind::Object(shape), Value::Object(object)) => {
            for (name, value) in object {
                let at = format!("{at}.{name}");
                match shape.field(name) {
                    Some(field) => look(&field.kind, value, &at, unknown),
                    None => unknown.push(at),
                }
            }
        }
        (Kind::List(element, _), Value::Array(list)) => {
            for value in list {
                look(element, value, at, unknown);
            }
        }
        _ => {}
    }
}
