//! Nothing of a live document is lost, reordered or changed on its way from
//! describe to register, but the image, and the tags that say where the new
//! revision comes from.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use evenkeel::apply::Apply;
use evenkeel::cloud::{Access, Connection, Transport};
use evenkeel::environment::{Desired, Image, Location, OnFailure, Service};
use evenkeel::model::Provenance;
use evenkeel::plan::{Options, Verdict, plan};
use hyper::body::Bytes;
use serde_json::{Map, Value, json};
use tokio::sync::watch;

const RESPONSE_ONLY: [&str; 9] = [
    "taskDefinitionArn",
    "revision",
    "status",
    "requiresAttributes",
    "compatibilities",
    "registeredAt",
    "deregisteredAt",
    "deleteRequestedAt",
    "registeredBy",
];

#[tokio::test(start_paused = true)]
async fn every_document_of_the_corpus_survives() {
    let documents = corpus();
    assert_eq!(documents.len(), 276);
    for (id, document) in documents {
        survives(&id, &document, &first_container(&document), &[], None).await;
    }
}

#[tokio::test(start_paused = true)]
async fn saying_where_a_revision_comes_from_changes_nothing_else() {
    let provenance = Provenance {
        environment: "prod".into(),
        commit: Some(
            "9f8e7d6c5b4a39281706f5e4d3c2b1a098765432"
                .parse()
                .expect("a commit"),
        ),
        run: Some("https://github.com/shop/deploy/actions/runs/42".into()),
    };
    let tags = [
        json!({"key": "team", "value": "web"}),
        json!({"key": "empty", "someday": 1.50}),
    ];
    for (index, (id, document)) in corpus().into_iter().enumerate() {
        // Some of the corpus are requests, which have tags inside.
        let some = index % 2 == 0 || document.contains_key("tags");
        let tags = if some { &tags[..] } else { &[] };
        let container = first_container(&document);
        survives(&id, &document, &container, tags, Some(&provenance)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn made_up_fields_at_every_level_survive() {
    for (id, document) in corpus() {
        let container = first_container(&document);
        let mut count = 0;
        let mut whole = Value::Object(document);
        make_up(&mut whole, &mut count);
        assert!(count > 0);
        let Value::Object(made_up) = whole else {
            unreachable!("it was an object")
        };
        let tags = [
            json!({"key": "team", "value": "web"}),
            json!({"key": "empty", "someday": 1.50}),
        ];
        survives(&id, &made_up, &container, &tags, None).await;
    }
}

/// Deploys another image over a stub of ECS that speaks in bytes, and compares
/// what was registered with what was described.
async fn survives(
    id: &str,
    document: &Map<String, Value>,
    container: &str,
    tags: &[Value],
    provenance: Option<&Provenance>,
) {
    let stub = Arc::new(Stub::new(document, tags));
    let handler = stub.clone();
    let transport = Transport::InMemory(Arc::new(move |request| {
        let response = handler.answer(&request);
        Box::pin(async move { Some(response) })
    }));
    let desired = desired(container);
    let access = Access {
        account: desired.account.clone(),
        region: desired.region.clone(),
        role: None,
    };
    let connection = Connection::open(access, &transport, None).await;
    let (reader, writer) = (connection.reader(), connection.writer());
    let options = Options {
        provenance,
        ..Options::default()
    };
    let plan = reader
        .survey(|observed| plan(&desired, observed, options))
        .await
        .unwrap_or_else(|error| panic!("{id}: {error}"));
    assert!(
        matches!(plan.services()[0].verdict, Verdict::Change(_)),
        "{id}: {:?}",
        plan.services()[0].verdict
    );
    let (_never, interrupt) = watch::channel(false);
    let report = Apply {
        plan: &plan,
        reader: &reader,
        writer: &writer,
        interrupt,
        report: &mut |_| {},
    }
    .run()
    .await;
    assert!(report.services[0].outcome.is_good(), "{id}: {report:?}");

    let mut wanted: Map<String, Value> = document
        .iter()
        .filter(|(key, _)| !RESPONSE_ONLY.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    for definition in wanted["containerDefinitions"]
        .as_array_mut()
        .expect("containers")
    {
        if definition["name"] == container {
            definition
                .as_object_mut()
                .expect("a container")
                .insert("image".into(), NEW_IMAGE.into());
            break;
        }
    }
    if !tags.is_empty() {
        wanted.insert("tags".into(), tags.to_vec().into());
    }
    let sent = stub.sent.lock().expect("no panic").clone();
    let [register, update] = sent.as_slice() else {
        panic!("{id}: {} writes", sent.len());
    };
    let register = without_ours(register, provenance.map_or(0, |_| 4));
    // As text: order of keys and the way numbers are written count.
    assert_eq!(register, Value::Object(wanted).to_string(), "{id}");
    assert_eq!(
        update,
        &json!({
            "cluster": "prod",
            "service": "web",
            "taskDefinition": format!("{ARN}:8"),
        })
        .to_string(),
        "{id}: nothing undeclared is sent"
    );
}

/// Takes so many of our own tags off the end of a request.
fn without_ours(request: &str, count: usize) -> String {
    let mut request: Map<String, Value> = serde_json::from_str(request).expect("JSON");
    for _ in 0..count {
        let tags = request["tags"].as_array_mut().expect("tags");
        let tag = tags.pop().expect("a tag");
        let key = tag["key"].as_str().expect("a key");
        assert!(key.starts_with("evenkeel:"), "{key}");
        if tags.is_empty() {
            request.shift_remove("tags");
        }
    }
    Value::Object(request).to_string()
}

const ARN: &str = "arn:aws:ecs:us-west-1:123456789012:task-definition/web";
const NEW_IMAGE: &str = "registry.example/other:2";

/// Just enough of ECS, on bytes: what it describes is the text that it was
/// given.
struct Stub {
    document: String,
    tags: String,
    sent: Mutex<Vec<String>>,
}

impl Stub {
    fn new(document: &Map<String, Value>, tags: &[Value]) -> Self {
        let mut described = document.clone();
        described.insert("taskDefinitionArn".into(), format!("{ARN}:7").into());
        described.insert("status".into(), "ACTIVE".into());
        described.insert("revision".into(), 7.into());
        Self {
            document: Value::Object(described).to_string(),
            tags: Value::from(tags.to_vec()).to_string(),
            sent: Mutex::default(),
        }
    }

    fn answer(&self, request: &http::Request<Bytes>) -> http::Response<Bytes> {
        let target = request.headers()["x-amz-target"].to_str().expect("text");
        let length = request.headers()["content-length"].to_str().expect("text");
        assert_eq!(
            length,
            request.body().len().to_string(),
            "the signed length is that of the body"
        );
        let body = String::from_utf8(request.body().to_vec()).expect("UTF-8");
        let operation = target.rsplit('.').next().unwrap_or_default();
        let service = |revision: u64| {
            format!(
                r#"{{"serviceArn":"arn:aws:ecs:us-west-1:123456789012:service/prod/web","serviceName":"web","status":"ACTIVE","desiredCount":1,"deployments":[{{"id":"ecs-svc/{revision}","status":"PRIMARY","taskDefinition":"{ARN}:{revision}","desiredCount":1,"runningCount":1,"pendingCount":0,"rolloutState":"COMPLETED"}}]}}"#
            )
        };
        let mut sent = self.sent.lock().expect("no panic");
        let answer = match operation {
            "DescribeServices" => {
                let revision = if sent.len() == 2 { 8 } else { 7 };
                format!(r#"{{"services":[{}],"failures":[]}}"#, service(revision))
            }
            "DescribeTaskDefinition" => {
                format!(
                    r#"{{"taskDefinition":{},"tags":{}}}"#,
                    self.document, self.tags
                )
            }
            "ListTaskDefinitions" => format!(r#"{{"taskDefinitionArns":["{ARN}:7"]}}"#),
            "RegisterTaskDefinition" => {
                sent.push(body);
                format!(r#"{{"taskDefinition":{{"taskDefinitionArn":"{ARN}:8"}}}}"#)
            }
            "UpdateService" => {
                sent.push(body);
                format!(r#"{{"service":{}}}"#, service(8))
            }
            other => panic!("nobody should call {other}"),
        };
        http::Response::new(Bytes::from(answer))
    }
}

fn desired(container: &str) -> Desired {
    let at = Location {
        file: "prod.toml".into(),
        line: 1,
        column: 1,
    };
    Desired {
        environment: "prod".into(),
        file: "prod.toml".into(),
        account: "123456789012".parse().expect("an account"),
        region: "us-west-1".parse().expect("a region"),
        cluster: "prod".parse().expect("a cluster"),
        role: None,
        provenance: true,
        promotion: None,
        services: vec![Service {
            name: "web".into(),
            service: "web".parse().expect("a service"),
            cluster: "prod".parse().expect("a cluster"),
            images: vec![Image {
                container: Some(container.into()),
                image: NEW_IMAGE.parse().expect("an image"),
                container_at: at.clone(),
                image_at: at.clone(),
            }],
            assignments: vec![],
            remove: vec![],
            definition: None,
            timeout: std::time::Duration::from_secs(60),
            on_failure: OnFailure::Rollback,
            before: Vec::new(),
            drift: evenkeel::environment::OnDrift::Correct,
            suspend: None,
            at: at.clone(),
            name_at: at,
        }],
        originals: vec![],
    }
}

/// Puts fields that no API has into every object, at its end and at its start.
fn make_up(value: &mut Value, count: &mut usize) {
    match value {
        Value::Array(list) => list.iter_mut().for_each(|element| make_up(element, count)),
        Value::Object(object) => {
            object.values_mut().for_each(|field| make_up(field, count));
            *count += 1;
            let odd: Value = serde_json::from_str(
                r#"{"float":1.50,"big":123456789012345678901234567890,"exponent":1e-7,"null":null,"empty":[],"object":{},"text":"\u2028é\t"}"#,
            )
            .expect("JSON");
            object.insert(format!("madeUp{count}"), odd.clone());
            object.shift_insert(0, format!("aMadeUp{count}"), odd);
        }
        _ => {}
    }
}

fn first_container(document: &Map<String, Value>) -> String {
    document["containerDefinitions"]
        .as_array()
        .expect("containers")
        .iter()
        .find_map(|container| container.get("name")?.as_str())
        .expect("a container with a name")
        .to_owned()
}

/// The documents, out of their wrappers, whatever they are encoded in.
fn corpus() -> Vec<(String, Map<String, Value>)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/task-definitions");
    let mut documents: Vec<_> = std::fs::read_dir(&folder)
        .expect("the corpus is there")
        .map(|entry| entry.expect("an entry").path())
        .map(|path| {
            let id = path
                .file_stem()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            let text = decode(&std::fs::read(&path).expect("a file"));
            let mut document: Map<String, Value> =
                serde_json::from_str(&text).unwrap_or_else(|error| panic!("{id}: {error}"));
            if let Some(Value::Object(inner)) = document.get("taskDefinition") {
                document = inner.clone();
            }
            (id, document)
        })
        .collect();
    documents.sort_by(|a, b| a.0.cmp(&b.0));
    documents
}

fn decode(bytes: &[u8]) -> String {
    if let Some(rest) = bytes.strip_prefix(&[0xff, 0xfe]) {
        let units: Vec<u16> = rest
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        return String::from_utf16(&units).expect("UTF-16");
    }
    let rest = bytes.strip_prefix(&[0xef, 0xbb, 0xbf]).unwrap_or(bytes);
    String::from_utf8(rest.to_vec()).expect("UTF-8")
}
