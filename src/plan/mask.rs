//! Values that must not leave the account with a plan: those of environment
//! variables as they are live, which may be secrets.
//!
//! What a file declares is in Git already and stays as it is.

use serde_json::Value;

use super::difference::FieldChange;
use crate::model::fields::{Path, Root, Step};

/// What stands in the place of a hidden value.
pub const MASKED: &str = "(masked)";

/// How much of the environment of containers is in what stands at a path.
enum Holds {
    /// All of it is a variable's value, or all variables.
    Variables,
    Container,
    Containers,
    None,
}

fn holds(path: &Path) -> Holds {
    let in_containers = path.root == Root::Task
        && matches!(path.steps.first(), Some(Step::Field(name)) if name == "containerDefinitions");
    match path.steps.as_slice() {
        _ if !in_containers => Holds::None,
        [_] => Holds::Containers,
        [_, Step::Element(_)] => Holds::Container,
        [_, _, Step::Field(name), ..] if name == "environment" => Holds::Variables,
        _ => Holds::None,
    }
}

impl FieldChange {
    /// What is live, with the values of environment variables masked.
    pub fn from_masked(&self) -> Option<Value> {
        self.from.as_ref().map(|value| masked(&self.path, value))
    }

    /// What is wanted. In a list whose elements cannot be told apart, live
    /// variables stay beside declared ones: those are masked.
    pub fn to_masked(&self) -> Option<Value> {
        let mut wanted = self.to.clone()?;
        let is_list = matches!(self.path.steps.last(), Some(Step::Field(name))
            if name == "environment" || name == "containerDefinitions");
        match holds(&self.path) {
            Holds::Containers if is_list => wanted = masked(&self.path, &wanted),
            Holds::Variables if is_list => {
                let live = self.from.as_ref().and_then(Value::as_array);
                for variable in wanted.as_array_mut().into_iter().flatten() {
                    if live.is_some_and(|live| live.contains(variable)) {
                        mask_variable(variable);
                    }
                }
            }
            _ => {}
        }
        Some(wanted)
    }
}

fn masked(path: &Path, value: &Value) -> Value {
    let mut value = value.clone();
    match holds(path) {
        Holds::Variables => value = Value::from(MASKED),
        Holds::Container => mask_container(&mut value),
        Holds::Containers => value
            .as_array_mut()
            .into_iter()
            .flatten()
            .for_each(mask_container),
        Holds::None => {}
    }
    value
}

fn mask_container(container: &mut Value) {
    let Some(environment) = container.get_mut("environment") else {
        return;
    };
    match environment.as_array_mut() {
        Some(variables) => variables.iter_mut().for_each(mask_variable),
        None => *environment = Value::from(MASKED),
    }
}

fn mask_variable(variable: &mut Value) {
    match variable.get_mut("value") {
        Some(value) => *value = Value::from(MASKED),
        None => *variable = Value::from(MASKED),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn change(path: Path, from: Value, to: Value) -> FieldChange {
        FieldChange {
            path,
            from: Some(from),
            to: Some(to),
            at: None,
        }
    }

    #[test]
    fn no_live_value_is_left_wherever_it_stands() {
        let app = || Path::container("app");
        let variable = json!({"name": "A", "value": "hunter2"});
        let container = json!({"name": "app", "environment": [variable, {"name": "B"}, "odd"]});
        let identity = vec![("name".to_owned(), json!("A"))];
        let list = app().field("environment");
        for (path, from) in [
            (list.clone().element(identity.clone()), variable.clone()),
            (
                list.clone().element(identity).field("value"),
                json!("hunter2"),
            ),
            (list.clone(), json!([variable, variable])),
            (app(), container.clone()),
            (
                Path::new(Root::Task).field("containerDefinitions"),
                json!([container, container]),
            ),
        ] {
            let masked = change(path.clone(), from.clone(), json!(1))
                .from_masked()
                .unwrap()
                .to_string();
            assert!(!masked.contains("hunter2"), "{path}: {masked}");
            assert!(!masked.contains("odd"), "{path}: {masked}");
            assert!(masked.contains(MASKED), "{path}: {masked}");
        }
        let whole = change(app(), container, json!(1)).from_masked().unwrap();
        assert_eq!(whole["name"], "app");
        assert_eq!(whole["environment"][0]["name"], "A");
    }

    #[test]
    fn what_is_declared_stays_unless_live_values_are_among_it() {
        let list = Path::container("app").field("environment");
        let one = list.clone().element(vec![("name".into(), json!("A"))]);
        let declared = change(one, json!("old"), json!("info"));
        assert_eq!(declared.to_masked(), Some(json!("info")));
        let live = json!({"name": "B", "value": "hunter2"});
        let new = json!({"name": "A", "value": "info"});
        let mixed = change(list, json!([live, live]), json!([live, live, new]));
        let hidden = json!({"name": "B", "value": MASKED});
        assert_eq!(mixed.to_masked(), Some(json!([hidden, hidden, new])));
        let command = Path::container("app").field("command");
        let other = change(command, json!(["a"]), json!(["b"]));
        assert_eq!(other.from_masked(), Some(json!(["a"])));
    }
}
