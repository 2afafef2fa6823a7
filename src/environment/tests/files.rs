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
     hint: save it as UTF-8
    ");
}

#[test]
fn what_is_no_text_says_where() {
    insta::assert_snapshot!(undecodable(b"account = \"1\"\nname = \"caf\xe9\"\n"), @r"
    error: prod.toml is not UTF-8: the byte 0xE9 cannot be read
     --> prod.toml:2:12
     hint: save the file as UTF-8
    ");
    insta::assert_snapshot!(undecodable(b"\x7fELF\x02\x01\x01\0\0\0\0"), @r"
    error: prod.toml is binary: it has a NUL byte
     --> prod.toml:1:8
     hint: check that it is the right file; an environment file is UTF-8 text
    ");
}

#[test]
fn what_is_too_large_says_how_large() {
    let root = root_with(&[]);
    let file = root.path().join("environments/prod.toml");
    let of = |size| {
        let opened = fs::File::create(&file).unwrap();
        opened.set_len(size).unwrap();
        without(root.path(), &load(&file).unwrap_err())
    };
    insta::assert_snapshot!(of(20_000_000), @r"
    error: environments/prod.toml is 20 MB; an environment file has at most 1 MiB
     hint: check that it is the right file; a large environment can be split into several files
    ");
    assert!(of(1024 * 1024).contains("binary"));
    for (size, shown) in [
        (1024 * 1024 + 1, "is 1.1 MB;"),
        (2_000_000, "is 2 MB;"),
        (9_950_000, "is 10 MB;"),
        (10_000_001, "is 11 MB;"),
        (3_200_000_000, "is 3.2 GB;"),
    ] {
        assert!(of(size).contains(shown), "{}", of(size));
    }
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
    ");
    insta::assert_snapshot!(without(root.path(), &load(&root.path().join("dev.toml")).unwrap_err()), @r"
    error: there is no file dev.toml
     hint: check the path; it starts where evenkeel runs
    ");
}

#[cfg(unix)]
#[test]
fn endless_files_are_refused_at_once() {
    insta::assert_snapshot!(load(Path::new("/dev/zero")).unwrap_err().render(false, 80), @r"
    error: /dev/zero is not an ordinary file
     hint: name a .toml file
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
     hint: there are: prod, staging
    ");
    insta::assert_snapshot!(missing("stagng"), @r"
    error: there is no environment `stagng`: environments/stagng.toml does not exist
     hint: did you mean `staging`? There are: prod, staging
    ");
    insta::assert_snapshot!(missing("nowhere/prod.toml"), @r"
    error: there is no file nowhere/prod.toml
     hint: did you mean `prod`? There are: prod, staging
    ");
    insta::assert_snapshot!(missing("\u{1b}[31m"), @r"
    error: there is no environment `␛[31m`: environments/␛[31m.toml does not exist
     hint: there are: prod, staging
    ");
    insta::assert_snapshot!(missing(""), @r"
    error: the environment's name is empty
     hint: there are: prod, staging
    ");
}

#[test]
fn a_folder_is_no_environment() {
    let root = root_with(&["staging.toml"]);
    let folder = root.path().join("environments");
    fs::create_dir(folder.join("prod.toml")).unwrap();
    let shown = |name: &str| without(root.path(), &find(name, root.path()).unwrap_err());
    insta::assert_snapshot!(shown("prod"), @r"
    error: environments/prod.toml is a folder, not a file
     hint: there are: staging
    ");
    insta::assert_snapshot!(shown("."), @r"
    error: `.` is a folder; name an environment or a file
     hint: there are: staging
    ");
    insta::assert_snapshot!(shown(&format!("{}/", folder.display())), @r"
    error: `environments/` is a folder; name an environment or a file
     hint: there are: staging
    ");
    insta::assert_snapshot!(shown("prd"), @r"
    error: there is no environment `prd`: environments/prd.toml does not exist
     hint: there are: staging
    ");
    fs::remove_file(folder.join("staging.toml")).unwrap();
    insta::assert_snapshot!(shown("prod"), @r"
    error: environments/prod.toml is a folder, not a file
    ");
    insta::assert_snapshot!(shown("staging"), @r"
    error: there is no environment `staging`: environments/staging.toml does not exist
    ");
}

#[test]
fn a_file_where_a_folder_should_be_is_called_so() {
    let root = tempfile::tempdir().unwrap();
    fs::write(root.path().join("environments"), "").unwrap();
    insta::assert_snapshot!(without(root.path(), &find("prod", root.path()).unwrap_err()), @r"
    error: environments is a file, not a folder
     hint: create environments/prod.toml, or run evenkeel where `environments` is
    ");
    insta::assert_snapshot!(without(root.path(), &load(&root.path().join("environments/prod.toml")).unwrap_err()), @r"
    error: there is no file environments/prod.toml
     hint: check the path; it starts where evenkeel runs
    ");
}

#[test]
fn the_systems_reason_comes_without_its_number() {
    let error = std::io::Error::from_raw_os_error(40);
    let shown = LoadError::from(load_error::Unreadable::io("prod.toml", &error)).render(false, 80);
    assert!(
        shown.starts_with("error: cannot read prod.toml: "),
        "{shown}"
    );
    assert!(!shown.contains("os error"), "{shown}");
}

#[test]
fn plain_errors_are_wrapped_under_their_text_and_styled_like_the_others() {
    let long = format!("is what {}says", "somebody ".repeat(6));
    let error = load_error::Unreadable::new("prod.toml", &long)
        .help("do this, and this, and this, and then this:\nand that");
    let error = LoadError::from(error);
    insta::assert_snapshot!(error.render(false, 50), @r"
    error: prod.toml is what somebody somebody
           somebody somebody somebody somebody says
     hint: do this, and this, and this, and then this:
           and that
    ");
    let styled = error.render(true, 50);
    assert!(
        styled.contains("\u{1b}[1m\u{1b}[96mhint\u{1b}[0m: do"),
        "{styled:?}"
    );
    let plain = anstream::adapter::strip_str(&styled).to_string();
    assert_eq!(plain, error.render(false, 50));
}

#[test]
fn a_folder_without_environments_says_what_to_create() {
    let root = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(without(root.path(), &all(root.path()).unwrap_err()), @r"
    error: there is no folder environments
     hint: create environments/prod.toml, or run evenkeel where `environments` is
    ");
    insta::assert_snapshot!(without(root.path(), &find("prod", root.path()).unwrap_err()), @r"
    error: there is no folder environments
     hint: create environments/prod.toml, or run evenkeel where `environments` is
    ");
    fs::create_dir(root.path().join("environments")).unwrap();
    insta::assert_snapshot!(without(root.path(), &all(root.path()).unwrap_err()), @r"
    error: environments has no environment in it (no .toml file)
     hint: create environments/prod.toml, or run evenkeel where `environments` is
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
