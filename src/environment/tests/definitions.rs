//! Whole task definitions from files.

use std::io;

use super::*;
use crate::model::TaskDefinition;

const DOCUMENT: &str =
    r#"{"family":"wage","containerDefinitions":[{"name":"é","image":"a:1"}],"someday":1.50}"#;

fn read(bytes: Vec<u8>) -> Result<Definition, Mistakes> {
    let top = "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"wage-prod\"\n\n[services.api]\n";
    let files = |name: &str| match name {
        "task.json" => Ok(bytes.clone()),
        "locked.json" => Err(io::Error::from_raw_os_error(13)),
        _ => Err(io::ErrorKind::NotFound.into()),
    };
    let name = if bytes.is_empty() {
        "locked.json"
    } else {
        "task.json"
    };
    let source = format!("{top}definition = \"{name}\"\n");
    let desired = parse_with("prod.toml", "prod", &source, &files)?;
    Ok(desired.services[0].definition.clone().unwrap())
}

fn text(definition: &Definition) -> String {
    serde_json::to_string(&definition.document).unwrap()
}

#[test]
fn every_form_and_encoding_gives_what_would_be_registered() {
    let wrapped = format!(
        "{{\r\n\"tags\":[{{\"key\":\"team\",\"value\":\"web\"}}],\"taskDefinition\":{}}}",
        DOCUMENT.replacen('{', "{\"revision\":3,\"taskDefinitionArn\":\"x\",", 1)
    );
    let tagged = DOCUMENT.replace(
        "1.50}",
        "1.50,\"tags\":[{\"key\":\"team\",\"value\":\"web\"}]}",
    );
    for (source, expected) in [(DOCUMENT, DOCUMENT), (&wrapped, &tagged)] {
        let utf16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
            format!("\u{feff}{source}")
                .encode_utf16()
                .flat_map(bytes)
                .collect()
        };
        for bytes in [
            source.into(),
            format!("\u{feff}{source}\r\n").into_bytes(),
            utf16(u16::to_le_bytes),
            utf16(u16::to_be_bytes),
        ] {
            let definition = read(bytes).unwrap();
            assert_eq!(text(&definition), expected);
            assert_eq!(
                (definition.file.as_str(), definition.at.to_string().as_str()),
                ("task.json", "prod.toml:6:14")
            );
        }
    }
}

#[test]
fn every_document_of_the_corpus_is_one() {
    let mut count = 0;
    for entry in std::fs::read_dir("tests/corpus/task-definitions").unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        let definition =
            read(bytes).unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false, 80)));
        assert!(
            definition
                .document
                .as_map()
                .contains_key("containerDefinitions")
        );
        count += 1;
    }
    assert_eq!(count, 276);
}

#[test]
fn what_is_no_task_definition_is_refused() {
    for (bytes, message) in [
        (
            &b"{\n  \"family\": x"[..],
            "task.json is not JSON: expected value in line 2, column 13",
        ),
        (
            b"[]",
            "task.json is not a task definition: it is not an object",
        ),
        (
            b"{\"services\": []}",
            "task.json is not a task definition: it has no list `containerDefinitions`",
        ),
        (
            b"{\"taskDefinition\": \"arn\"}",
            "task.json is not a task definition: its `taskDefinition` is not an object",
        ),
        (
            b"\xFF\xFE{",
            "task.json is not the UTF-16 text that it begins as",
        ),
        (b"\xC0", "task.json is not UTF-8 text"),
        (b"", "cannot read locked.json: Permission denied"),
    ] {
        let mistakes = read(bytes.to_vec()).unwrap_err();
        let found: Vec<&str> = mistakes.iter().map(|(_, message, _)| message).collect();
        assert_eq!(found, [message]);
    }
    insta::assert_snapshot!(wrong_services("[services.api]\ndefinition = \"task.json\"\n[services.web]\ndefinition = 5\n"), @r#"
    error: there is no file task.json
     --> prod.toml:6:14
      |
    6 | definition = "task.json"
      |              ^^^^^^^^^^^
      |
      = hint: the path starts at the environment file's folder

    error: `definition` must be a string, not a number
     --> prod.toml:8:14
      |
    8 | definition = 5
      |              ^
      |
      = hint: write definition = "FILE.json"
    "#);
}

#[test]
fn a_definition_lies_beside_its_environment_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prod.toml");
    let source = "account='123456789012'\nregion='us-west-1'\ncluster='c'\n[services.api]\ndefinition='defs/task.json'\n";
    std::fs::write(&file, source).unwrap();
    std::fs::create_dir(folder.path().join("defs")).unwrap();
    let missing = load(&file).unwrap_err().render(false, 80);
    assert!(
        missing.contains("there is no file defs/task.json"),
        "{missing}"
    );
    std::fs::write(folder.path().join("defs/task.json"), DOCUMENT).unwrap();
    let path = read::place(&file, "defs/task.json");
    let read = read::beside(&file, "defs/task.json").unwrap();
    let document: TaskDefinition = serde_json::from_slice(&read).unwrap();
    assert_eq!(document.family(), Some("wage"));
    assert!(
        read::beside(&file, "defs")
            .unwrap_err()
            .to_string()
            .contains("not an ordinary file")
    );
    let desired = load(&file).unwrap();
    let definition = desired.services[0].definition.as_ref().unwrap();
    assert_eq!(definition.document, document);
    // What it was read from can be told from anything else.
    let names = [&file, &path].map(|path| path.to_string_lossy().into_owned());
    let again: Vec<Original> = names.iter().map(|file| original(file).unwrap()).collect();
    assert_eq!(desired.originals, again);
    std::fs::write(&path, format!("{DOCUMENT} ")).unwrap();
    assert_eq!(original(&names[0]).unwrap(), again[0]);
    assert_ne!(original(&names[1]).unwrap(), again[1]);
    assert_ne!(load(&file).unwrap().originals, again);
}
