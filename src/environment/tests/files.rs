//! Files that cannot be read, and names that lead to none.

use std::fs;

use super::*;

/// The error of a file with these bytes.
fn undecodable(bytes: &[u8]) -> String {
    LoadError::from(read::decode("prod.toml", bytes.to_vec()).unwrap_err()).render(false, 80)
}

/// An error about a temporary folder, with the folder's name taken out.
fn without(root: &Path, error: &LoadError) -> String {
    error
        .render(false, 1000)
        .replace(&format!("{}/", root.display()), "")
}

fn root_with(names: &[&str]) -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("environments")).unwrap();
    for name in names {
        fs::write(root.path().join("environments").join(name), RIGHT).unwrap();
    }
    root
}

#[test]
fn utf_16_is_recognised_with_and_without_its_mark() {
    let utf16 = |mark: &[u8], bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        mark.iter()
            .copied()
            .chain(RIGHT.encode_utf16().flat_map(bytes))
            .collect()
    };
    for bytes in [
        utf16(&[0xFF, 0xFE], u16::to_le_bytes),
        utf16(&[0xFE, 0xFF], u16::to_be_bytes),
        utf16(&[], u16::to_le_bytes),
        utf16(&[], u16::to_be_bytes),
    ] {
        assert_eq!(undecodable(&bytes), undecodable(&[0xFF, 0xFE]));
    }
    insta::assert_snapshot!(undecodable(&[0xFF, 0xFE]), @r"
    error: prod.toml is UTF-16 text
     |
     = help: save it as UTF-8
    ");
}

#[test]
fn what_is_no_text_says_where() {
    insta::assert_snapshot!(undecodable(b"account = \"1\"\nname = \"caf\xe9\"\n"), @r"
    error: prod.toml is not UTF-8: the byte 0xE9 cannot be read
    --> prod.toml:2:12
     = help: save the file as UTF-8
    ");
    insta::assert_snapshot!(undecodable(b"\x7fELF\x02\x01\x01\0\0\0\0"), @r"
    error: prod.toml is binary: it has a NUL byte
    --> prod.toml:1:8
     = help: check that it is the right file; an environment file is UTF-8 text
    ");
}

#[test]
fn two_million_lines_are_too_many() {
    insta::assert_snapshot!(undecodable(&b"\n".repeat(2_000_000)), @r"
    error: prod.toml is larger than 1 MiB: hardly an environment file
     |
     = help: check that it is the right file; a large environment can be split into
             several files
    ");
}

#[test]
fn a_mark_at_the_beginning_is_no_part_of_the_file() {
    let root = root_with(&[]);
    let path = root.path().join("environments/prod.toml");
    fs::write(&path, format!("\u{feff}{RIGHT}")).unwrap();
    assert_eq!(load(&path).unwrap().environment, "prod");
}

#[test]
fn what_is_no_file_is_not_opened() {
    let root = root_with(&["prod.toml"]);
    insta::assert_snapshot!(without(root.path(), &load(&root.path().join("environments")).unwrap_err()), @r"
    error: environments is a folder, not a file
     |
     = help: name a file in it, such as environments/prod.toml
    ");
    insta::assert_snapshot!(without(root.path(), &load(&root.path().join("dev.toml")).unwrap_err()), @r"
    error: there is no file dev.toml
     |
     = help: check the path; it starts where evenkeel runs
    ");
}

#[cfg(unix)]
#[test]
fn endless_files_are_refused_at_once() {
    insta::assert_snapshot!(load(Path::new("/dev/zero")).unwrap_err().render(false, 80), @r"
    error: /dev/zero is not an ordinary file
     |
     = help: name a .toml file
    ");
    let root = root_with(&[]);
    let pipe = root.path().join("pipe.toml");
    let made = std::process::Command::new("mkfifo")
        .arg(&pipe)
        .status()
        .unwrap();
    assert!(made.success());
    assert!(load(&pipe).is_err());
}

#[test]
fn environments_are_found_by_name_or_path() {
    let root = root_with(&["staging.toml", "prod.toml", ".#prod.toml", "notes.txt"]);
    let folder = root.path().join("environments");
    assert_eq!(
        all(root.path()).unwrap(),
        [folder.join("prod.toml"), folder.join("staging.toml")]
    );
    assert_eq!(find("prod", root.path()).unwrap(), folder.join("prod.toml"));
    let path = folder.join("staging.toml");
    assert_eq!(
        find(path.to_str().unwrap(), Path::new("elsewhere")).unwrap(),
        path
    );
    assert_eq!(
        find("prod", Path::new(".")).unwrap(),
        Path::new("environments/prod.toml")
    );
}

#[test]
fn an_environment_that_is_not_there_is_answered_with_those_that_are() {
    let root = root_with(&["staging.toml", "prod.toml"]);
    let missing = |name: &str| without(root.path(), &find(name, root.path()).unwrap_err());
    insta::assert_snapshot!(missing("porduction"), @r"
    error: there is no environment `porduction`: environments/porduction.toml does not exist
     |
     = help: there are: prod, staging
    ");
    insta::assert_snapshot!(missing("stagng"), @r"
    error: there is no environment `stagng`: environments/stagng.toml does not exist
     |
     = help: did you mean `staging`? There are: prod, staging
    ");
    insta::assert_snapshot!(missing("nowhere/prod.toml"), @r"
    error: there is no file nowhere/prod.toml
     |
     = help: did you mean `prod`? There are: prod, staging
    ");
    insta::assert_snapshot!(missing("\u{1b}[31m"), @r"
    error: there is no environment `␛[31m`: environments/␛[31m.toml does not exist
     |
     = help: there are: prod, staging
    ");
    insta::assert_snapshot!(missing(""), @r"
    error: the environment's name is empty
     |
     = help: there are: prod, staging
    ");
}

#[test]
fn a_folder_without_environments_says_what_to_create() {
    let root = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(without(root.path(), &all(root.path()).unwrap_err()), @r"
    error: there is no folder environments
     |
     = help: create environments/prod.toml, or run evenkeel where `environments` is
    ");
    insta::assert_snapshot!(without(root.path(), &find("prod", root.path()).unwrap_err()), @r"
    error: there is no folder environments
     |
     = help: create environments/prod.toml, or run evenkeel where `environments` is
    ");
    fs::create_dir(root.path().join("environments")).unwrap();
    insta::assert_snapshot!(without(root.path(), &all(root.path()).unwrap_err()), @r"
    error: environments has no environment in it (no .toml file)
     |
     = help: create environments/prod.toml, or run evenkeel where `environments` is
    ");
}

#[test]
fn reports_carry_the_place_for_annotations() {
    let unreadable = LoadError::from(read::decode("prod.toml", vec![b'a', 0xE9]).unwrap_err());
    assert_eq!(
        unreadable.reports()[0].0.as_ref().unwrap().to_string(),
        "prod.toml:1:2"
    );
    let wrong = LoadError::from(parse("prod.toml", "prod", "acount = 1").unwrap_err());
    let (at, message, help) = &wrong.reports()[0];
    assert_eq!(at.as_ref().unwrap().to_string(), "prod.toml:1:1");
    assert_eq!(message, "unknown key `acount`");
    assert_eq!(help.as_deref(), Some("did you mean `account`?"));
    assert_eq!(wrong.to_string(), "prod.toml has 3 mistakes");
}
