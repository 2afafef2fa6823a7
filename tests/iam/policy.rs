//! The policies under `docs/iam`, read as IAM reads them, as far as that can be
//! done without a request: conditions are listed, not evaluated.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

pub struct Policy {
    pub statements: Vec<Statement>,
}

pub struct Statement {
    pub sid: String,
    pub actions: Vec<String>,
    pub resources: Vec<String>,
    /// Operator, key and values.
    pub conditions: Vec<(String, String, Vec<String>)>,
}

impl Policy {
    /// Reads `docs/iam/NAME.json`.
    ///
    /// # Panics
    /// It is no policy that only allows.
    pub fn read(name: &str) -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/iam/{name}.json"));
        let text = std::fs::read_to_string(&file)
            .unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let policy: Value = serde_json::from_str(&text).expect("the policy is JSON");
        assert_eq!(policy["Version"], "2012-10-17");
        let statements = policy["Statement"].as_array().expect("statements");
        Self {
            statements: statements.iter().map(Statement::read).collect(),
        }
    }

    pub fn actions(&self) -> BTreeSet<String> {
        let actions = self.statements.iter().flat_map(|one| &one.actions);
        actions.cloned().collect()
    }

    /// Whether some statement is about this action on this resource.
    pub fn covers(&self, action: &str, resource: &str) -> bool {
        let on = |one: &Statement| {
            let mut patterns = one.resources.iter();
            patterns.any(|pattern| matches(pattern, resource))
        };
        self.statements
            .iter()
            .any(|one| one.actions.iter().any(|own| own == action) && on(one))
    }
}

impl Statement {
    fn read(statement: &Value) -> Self {
        assert_eq!(statement["Effect"], "Allow", "{statement:#}");
        let conditions = statement["Condition"].as_object().into_iter().flatten();
        let conditions = conditions.flat_map(|(operator, keys)| {
            let keys = keys.as_object().expect("keys of a condition");
            keys.iter()
                .map(|(key, values)| (operator.clone(), key.clone(), list(values)))
        });
        Self {
            sid: list(&statement["Sid"]).remove(0),
            actions: list(&statement["Action"]),
            resources: list(&statement["Resource"]),
            conditions: conditions.collect(),
        }
    }
}

/// One value, or several.
fn list(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    match value {
        Value::Array(values) => values.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

/// Whether a pattern with any number of `*` is this resource.
fn matches(pattern: &str, resource: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == resource,
        Some((start, rest)) => resource.strip_prefix(start).is_some_and(|after| {
            let mut ends = after.char_indices().map(|(at, _)| at).chain([after.len()]);
            ends.any(|at| matches(rest, &after[at..]))
        }),
    }
}
