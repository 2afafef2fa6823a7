//! The files of this repository, and the examples in its documents.

use std::path::{Path, PathBuf};

use serde_json::json;

use crate::judge::{Judge, json, parser_will_refuse};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

#[test]
fn the_environments_fit_and_name_the_schema() {
    let judge = Judge::new();
    let mut seen = 0;
    for entry in std::fs::read_dir(root().join("environments")).expect("environments") {
        let path = entry.expect("an entry").path();
        let text = std::fs::read_to_string(&path).expect("a file");
        assert_eq!(judge.refuses_text(&text), None, "{}", path.display());
        let named = text.lines().next().and_then(|line| {
            let schema = line.strip_prefix("#:schema ")?;
            path.parent()?.join(schema).canonicalize().ok()
        });
        let schema = root().join("docs/environment.schema.json").canonicalize();
        assert_eq!(named, schema.ok(), "{}", path.display());
        seen += 1;
    }
    assert!(seen >= 2);
}

/// The one example that shows what mistakes look like has this in it.
const WRONG_ON_PURPOSE: &str = "regoin";

#[test]
fn the_examples_in_the_documents_fit() {
    let judge = Judge::new();
    let mut seen = 0;
    for document in ["docs/environment-file.md", "README.md"] {
        let text = std::fs::read_to_string(root().join(document)).expect(document);
        for example in toml_examples(&text) {
            let file = completed(example);
            let refused = judge.refuses_text(&file);
            if example.contains(WRONG_ON_PURPOSE) {
                assert!(refused.is_some(), "{document}:\n{example}");
            } else {
                assert_eq!(refused, None, "{document}:\n{example}");
                assert_eq!(parser_will_refuse(&file), None, "{document}:\n{example}");
            }
            seen += 1;
        }
    }
    assert!(seen >= 5, "the examples were found");
}

fn toml_examples(document: &str) -> Vec<&str> {
    document
        .split("```toml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect()
}

/// An example as a whole file: what it leaves out is added.
fn completed(example: &str) -> String {
    let says = json(example);
    if example.contains(WRONG_ON_PURPOSE) {
        return example.to_owned();
    }
    let mut file = String::new();
    for (key, value) in [
        ("account", "123456789012"),
        ("region", "us-west-1"),
        ("cluster", "shop"),
    ] {
        if says.get(key).is_none() {
            file += &format!("{key} = \"{value}\"\n");
        }
    }
    file += example;
    // Those that a promotion names must be there.
    let mut no_services = json!({ "web": {} });
    for name in says["promotion"]["services"]
        .as_array()
        .into_iter()
        .flatten()
    {
        no_services[name.as_str().expect("a name")] = json!({});
    }
    let services = says.get("services").unwrap_or(&no_services);
    for (name, service) in services.as_object().expect("a table") {
        if service.get("image").is_none() && service.get("containers").is_none() {
            let header = format!("[services.{name}]\n");
            let image = "image = \"shop/web:1\"\n";
            if file.contains(&header) {
                file = file.replace(&header, &format!("{header}{image}"));
            } else {
                file += &format!("\n{header}{image}");
            }
        }
    }
    file
}
