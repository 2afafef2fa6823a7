//! Where two JSON documents differ, place by place.

use std::fmt;

use serde_json::Value;

/// One place, with what either document has there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// `apply.registered.containerDefinitions[0].image`
    pub at: String,
    pub left: String,
    pub right: String,
}

/// How a place that is not there is written.
pub const ABSENT: &str = "absent";

/// All differences, in the order of the left document. Objects are compared
/// key by key, and arrays entry by entry when they are of one length.
pub fn between(left: &Value, right: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    collect(String::new(), Some(left), Some(right), &mut found);
    found
}

fn collect(at: String, left: Option<&Value>, right: Option<&Value>, found: &mut Vec<Difference>) {
    match (left, right) {
        (left, right) if left == right => {}
        (Some(Value::Object(left)), Some(Value::Object(right))) => {
            let only_right = right.keys().filter(|key| !left.contains_key(*key));
            for key in left.keys().chain(only_right) {
                let dot = if at.is_empty() { "" } else { "." };
                let at = format!("{at}{dot}{key}");
                collect(at, left.get(key), right.get(key), found);
            }
        }
        (Some(Value::Array(left)), Some(Value::Array(right))) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                collect(format!("{at}[{index}]"), Some(left), Some(right), found);
            }
        }
        (left, right) => found.push(Difference {
            at,
            left: written(left),
            right: written(right),
        }),
    }
}

fn written(value: Option<&Value>) -> String {
    value.map_or_else(|| ABSENT.to_owned(), Value::to_string)
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, left, right } = self;
        write!(f, "{at}: {left} and {right}")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_place_is_named() {
        let left = json!({"a": 1, "b": [{"c": "x"}, 2], "d": [1], "e": null});
        let right = json!({"e": null, "b": [{"c": "y"}, 2], "d": [1, 2], "f": true});
        let found: Vec<String> = between(&left, &right)
            .iter()
            .map(ToString::to_string)
            .collect();
        assert_eq!(
            found,
            [
                "a: 1 and absent",
                r#"b[0].c: "x" and "y""#,
                "d: [1] and [1,2]",
                "f: absent and true",
            ]
        );
        assert_eq!(between(&left, &left), []);
    }
}
