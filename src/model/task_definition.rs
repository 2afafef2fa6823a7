//! The task definition as a document.
//!
//! It is the JSON that AWS sent, never a struct: a field that nobody here has
//! heard of survives describe → register, and so do the order of keys and the
//! way numbers are written (`serde_json` with `preserve_order` and
//! `arbitrary_precision`; the one freedom it takes is that an exponent's `E`
//! comes out as `e`).

use std::sync::Arc;

use serde_json::{Map, Value};

use super::image::Platform;

/// Keys that DescribeTaskDefinition adds and RegisterTaskDefinition refuses
/// (API model of ECS; every other key of TaskDefinition is a request key too).
pub const RESPONSE_ONLY: [&str; 9] = [
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

/// A tag of an AWS resource.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Tag {
    pub key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
}

/// A task definition, whole: as a response has it, or as a request sends it.
/// Clones share it: a run may hold a thousand, each in several places.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct TaskDefinition(Arc<Map<String, Value>>);

impl TaskDefinition {
    pub fn new(document: Map<String, Value>) -> Self {
        Self(Arc::new(document))
    }

    pub fn as_map(&self) -> &Map<String, Value> {
        &self.0
    }

    /// The string at a top-level key.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(Value::as_str)
    }

    pub fn family(&self) -> Option<&str> {
        self.text("family")
    }

    /// The names of the containers, in the document's order.
    pub fn container_names(&self) -> Vec<&str> {
        self.containers().filter_map(name_of).collect()
    }

    /// The image of a container, as written.
    pub fn image(&self, container: &str) -> Option<&str> {
        self.containers()
            .find(|c| name_of(c) == Some(container))
            .and_then(|c| c.get("image"))
            .and_then(Value::as_str)
    }

    /// The same document with another image in one container, and nothing else
    /// touched. `None` when it has no such container.
    #[must_use]
    pub fn with_image(&self, container: &str, image: &str) -> Option<Self> {
        let mut document = self.as_map().clone();
        let found = document
            .get_mut("containerDefinitions")?
            .as_array_mut()?
            .iter_mut()
            .filter_map(Value::as_object_mut)
            .find(|c| c.get("name").and_then(Value::as_str) == Some(container))?;
        found.insert("image".to_owned(), Value::from(image));
        Some(Self::new(document))
    }

    /// What to send to RegisterTaskDefinition so that the new revision has
    /// this document and these tags: the response's own keys left out, the
    /// tags (which a response returns beside the document) put in.
    pub fn register_request(&self, tags: &[Value]) -> Map<String, Value> {
        let mut request: Map<String, Value> = self
            .0
            .iter()
            .filter(|(key, _)| !RESPONSE_ONLY.contains(&key.as_str()))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect();
        if !tags.is_empty() {
            request.insert("tags".to_owned(), Value::from(tags.to_vec()));
        }
        request
    }

    /// What the tasks need an image to be built for, where the document says
    /// it. On Fargate an absent `runtimePlatform` means Linux on x86-64
    /// (developer guide, "Task definition parameters", runtime platform); on
    /// EC2 it depends on the instances, so nothing is known.
    pub fn platform(&self) -> Option<Platform> {
        let declared = self.0.get("runtimePlatform").and_then(Value::as_object);
        let on_fargate = self
            .0
            .get("requiresCompatibilities")
            .and_then(Value::as_array)
            .is_some_and(|list| list.iter().any(|c| c == "FARGATE"));
        if declared.is_none() && !on_fargate {
            return None;
        }
        let word = |key| declared.and_then(|p| p.get(key)).and_then(Value::as_str);
        let os = match word("operatingSystemFamily") {
            Some(family) if family.starts_with("WINDOWS") => "windows",
            _ => "linux",
        };
        let architecture = match word("cpuArchitecture") {
            Some("ARM64") => "arm64",
            _ => "amd64",
        };
        Some(Platform {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
        })
    }

    fn containers(&self) -> impl Iterator<Item = &Map<String, Value>> {
        self.0
            .get("containerDefinitions")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
    }
}

fn name_of(container: &Map<String, Value>) -> Option<&str> {
    container.get("name").and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(text: &str) -> TaskDefinition {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn numbers_order_nulls_and_unknown_fields_survive() {
        let text = r#"{"zeta":1.50,"family":"f","containerDefinitions":[{"image":"a:1","name":"app","cpu":0,"new":{"x":[1e+5,-0.0,null,[]]}}],"alpha":12345678901234567890123}"#;
        assert_eq!(serde_json::to_string(&document(text)).unwrap(), text);
        let changed = document(text).with_image("app", "a:2").unwrap();
        assert_eq!(
            serde_json::to_string(&changed).unwrap(),
            text.replace("a:1", "a:2")
        );
    }

    #[test]
    fn a_register_request_drops_only_what_responses_add() {
        let live = document(
            r#"{"taskDefinitionArn":"x","containerDefinitions":[],"family":"f","revision":3,"status":"ACTIVE","someday":{"a":1},"requiresAttributes":[],"compatibilities":[],"registeredAt":1.5,"registeredBy":"r"}"#,
        );
        let tag = serde_json::json!({"key": "team", "value": "web"});
        assert_eq!(
            serde_json::to_string(&live.register_request(&[tag])).unwrap(),
            r#"{"containerDefinitions":[],"family":"f","someday":{"a":1},"tags":[{"key":"team","value":"web"}]}"#
        );
        assert!(!live.register_request(&[]).contains_key("tags"));
    }

    #[test]
    fn a_container_that_is_not_there_is_not_made() {
        assert_eq!(
            document(r#"{"containerDefinitions":[{"name":"app"}]}"#).with_image("api", "x"),
            None
        );
        assert_eq!(document(r"{}").with_image("api", "x"), None);
    }

    #[test]
    fn the_platform_is_known_where_the_document_says_it() {
        let platform = |text: &str| document(text).platform().map(|p| p.to_string());
        assert_eq!(platform(r"{}"), None);
        assert_eq!(
            platform(r#"{"requiresCompatibilities":["FARGATE"]}"#).as_deref(),
            Some("linux/amd64")
        );
        assert_eq!(
            platform(r#"{"runtimePlatform":{"cpuArchitecture":"ARM64"}}"#).as_deref(),
            Some("linux/arm64")
        );
        assert_eq!(
            platform(r#"{"runtimePlatform":{"operatingSystemFamily":"WINDOWS_SERVER_2022_CORE"}}"#)
                .as_deref(),
            Some("windows/amd64")
        );
    }
}
