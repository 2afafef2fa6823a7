//! Another image, and every other byte as it was.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;

const HEX: &str = "77ab03c9aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const TOP: &str = "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"c\"\n";

fn draft(text: &str) -> Draft {
    Draft::new("prod.toml", "prod", text.to_owned())
        .unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false, 80)))
}

/// The text after `SERVICE[/CONTAINER]` was set to an image.
fn set(text: &str, place: &str, image: &str) -> Result<String, LoadError> {
    let draft = draft(text);
    let (service, container) = match place.split_once('/') {
        Some((service, container)) => (service, Some(container)),
        None => (place, None),
    };
    let slot = draft.find(service, container)?;
    let to = image_for(&slot, image)?;
    draft.with(&[Edit { slot, to }])
}

fn refused(text: &str, place: &str, image: &str) -> String {
    set(text, place, image).unwrap_err().render(false, 80)
}

/// Sets `a:1` to `b:2`; nothing but that may change.
fn only_the_image_changes(services: &str, place: &str) {
    let text = format!("{TOP}{services}");
    assert_eq!(text.matches("a:1").count(), 1, "{text}");
    assert_eq!(
        set(&text, place, "b:2").unwrap_or_else(|e| panic!("{}", e.render(false, 80))),
        text.replace("a:1", "b:2")
    );
}

#[test]
fn wherever_an_image_may_stand() {
    for (services, place) in [
        ("[services.w]\nimage = \"a:1\"\n", "w"),
        ("[services.w.containers.app]\nimage = \"a:1\"\n", "w"),
        ("[services.w.containers.app]\nimage = \"a:1\"\n", "w/app"),
        ("[services.w]\ncontainers.app.image = \"a:1\"\n", "w/app"),
        (
            "[services.w]\ncontainers.app = { image = \"a:1\" }\n",
            "w/app",
        ),
        (
            "[services]\nw = { name = \"x\", image = \"a:1\", rollout = { timeout = \"1m\" } }\n",
            "w",
        ),
        ("services.w.containers.\"app\".image = \"a:1\"\n", "w/app"),
        ("[services.\"w.x\"]\nname = \"x\"\nimage = \"a:1\"\n", "w.x"),
        ("[ services . w ]\n\timage\t=\t\"a:1\"\t\n", "w"),
        (
            "[services.w.containers.p]\nimage = \"p:1\"\n[services.w.containers.app]\nimage = \"a:1\"\n",
            "w/app",
        ),
    ] {
        only_the_image_changes(services, place);
    }
}

#[test]
fn quotes_stay_what_they_are() {
    for value in [
        "\"a:1\"",
        "'a:1'",
        "\"\"\"a:1\"\"\"",
        "'''a:1'''",
        "\"\"\"\na:1\"\"\"",
        "'''\r\na:1'''",
    ] {
        only_the_image_changes(&format!("[services.w]\nimage = {value} # a comment\n"), "w");
    }
    // Escapes are another way to write the same; what takes their place is plain.
    let text = format!("{TOP}[services.w]\nimage = \"a\\u003A1\"\n");
    assert_eq!(
        set(&text, "w", "b:2").unwrap(),
        text.replace("a\\u003A1", "b:2")
    );
    // What may not stand in the old quotes gets others.
    let text = format!("{TOP}[services.w]\nimage = 'a:1'\n");
    assert_eq!(
        set(&text, "w", "it's.\"odd\\/a:1").unwrap(),
        text.replace("'a:1'", "\"it's.\\\"odd\\\\/a:1\"")
    );
}

#[test]
fn marks_line_ends_and_blanks_stay_what_they_are() {
    let text =
        format!("\u{feff}# ü\r\n\r\n{TOP}[services.w] \t\r\n  image='a:1'   # a:\t \r\n\r\n \t");
    assert_eq!(
        set(&text, "w", "b:2").unwrap(),
        text.replace("'a:1'", "'b:2'")
    );
    let no_end = format!("{TOP}[services.w]\nimage = \"a:1\"");
    assert_eq!(
        set(&no_end, "w", "b:2").unwrap(),
        no_end.replace("a:1", "b:2")
    );
}

#[test]
fn the_repository_may_be_left_out() {
    let set = |old: &str, new: &str| {
        let text = format!("{TOP}[services.w]\nimage = \"{old}\"\n");
        let draft = draft(&text);
        image_for(&draft.find("w", None).unwrap(), new)
            .unwrap()
            .to_string()
    };
    let old = format!("localhost:5000/a:1@sha256:{HEX}");
    assert_eq!(set(&old, ":2"), "localhost:5000/a:2");
    assert_eq!(
        set("localhost:5000/a:1", &format!("@sha256:{HEX}")),
        format!("localhost:5000/a@sha256:{HEX}")
    );
    assert_eq!(
        set("a", &format!(":2@sha256:{HEX}")),
        format!("a:2@sha256:{HEX}")
    );
    assert_eq!(set(&old, "b"), "b");
}

#[test]
fn all_of_several_or_none() {
    let text = format!("{TOP}[services]\nw.image = 'a:1'\nv.containers.x.image = \"b:1\"\n");
    let draft = draft(&text);
    let edit = |service: &str, image: &str| Edit {
        slot: draft.find(service, None).unwrap(),
        to: image.parse().unwrap(),
    };
    assert_eq!(
        draft.with(&[edit("v", "b:22"), edit("w", "a:22")]).unwrap(),
        text.replace(":1", ":22")
    );
    // The same once more is no change.
    assert_eq!(draft.with(&[edit("v", "b:1")]).unwrap(), text);
    assert_eq!(
        draft
            .with(&[edit("w", "a:2"), edit("v", "b:2"), edit("w", "a:3")])
            .unwrap_err()
            .render(false, 80),
        "error: the image of w is set twice\n hint: keep one of them\n"
    );
}

#[test]
fn an_edit_that_would_change_more_is_refused() {
    let text = format!("{TOP}[services]\nw.image = 'a:1'\nv.image = 'b:1'\n");
    let draft = draft(&text);
    let (mut slot, other) = (
        draft.find("w", None).unwrap(),
        draft.find("v", None).unwrap(),
    );
    slot.span = other.span;
    let to = "c:1".parse().unwrap();
    assert_snapshot!(draft.with(&[Edit { slot, to }]).unwrap_err().render(false, 80), @"
    error: prod.toml could not be edited without changing more than its image
     hint: this is a mistake in evenkeel; write the image by hand
    ");
}

#[test]
fn what_is_not_there_is_not_made() {
    let text = format!(
        "{TOP}[services.web]\nimage = \"a:1\"\n[services.api.containers.app]\nimage = \"a:1\"\n\
         [services.api.containers.proxy]\nimage = \"p:1\"\n"
    );
    assert_snapshot!(refused(&text, "wbe", "b:2"), @r#"
    error: prod.toml declares no service "wbe"
     hint: did you mean `web`? There are: web, api
    "#);
    assert_snapshot!(refused(&text, "api", "b:2"), @"
    error: service `api` has several containers, and none is named
     --> prod.toml:6:11
      |
    6 | [services.api.containers.app]
      |           ^^^
      |
      = hint: write api/app=… or api/proxy=…
    ");
    assert_snapshot!(refused(&text, "api/ap", "b:2"), @"
    error: service `api` declares no container `ap`
     --> prod.toml:6:11
      |
    6 | [services.api.containers.app]
      |           ^^^
      |
      = hint: did you mean `app`? There are: app, proxy
    ");
    assert_snapshot!(refused(&text, "web/app", "b:2"), @"
    error: service `web` names no container: this image is for its only one
     --> prod.toml:5:1
      |
    5 | image = \"a:1\"
      | ^^^^^
      |
      = hint: leave `/app` out, or write the image under
              [services.web.containers.app]
    ");
}

#[test]
fn a_key_that_is_not_there_is_shown_as_the_lines_to_add() {
    // No such file passes the parser today, so it is asked past it.
    let mut draft = draft(&format!("{TOP}[services.web]\nimage = \"a:1\"\n"));
    draft.text = format!("{TOP}[services.web]\nname = \"w\"\n[services.api.containers.app]\n");
    let refused = |place, container| draft.find(place, container).unwrap_err().render(false, 80);
    assert_snapshot!(refused("web", None), @r#"
    error: service `web` declares no image
     --> prod.toml:4:11
      |
    4 | [services.web]
      |           ^^^
      |
      = hint: only an image that is there is changed; add this yourself:
              [services.web]
              image = "…"
    "#);
    assert_snapshot!(refused("api", Some("app")), @r#"
    error: container `app` of service `api` declares no image
     --> prod.toml:6:26
      |
    6 | [services.api.containers.app]
      |                          ^^^
      |
      = hint: only an image that is there is changed; add this yourself:
              [services.api.containers.app]
              image = "…"
    "#);
}

#[test]
fn what_is_no_image_is_told_as_in_a_file() {
    let text = format!("{TOP}[services.web]\nimage = \"a:1\"\n");
    assert_snapshot!(refused(&text, "web", ":"), @r#"
    error: web: invalid `image`: the tag after the colon is empty
     --> prod.toml:5:9
     hint: write "a"
    "#);
    assert_snapshot!(refused(&text, "web", ""), @r#"
    error: web: invalid `image`: the image is empty
     --> prod.toml:5:9
     hint: write image = "REPOSITORY:TAG"
    "#);
    assert_snapshot!(refused(&text, "web", "https://r.example/b:1"), @r#"
    error: web: invalid `image`: an image reference has no scheme such as https://
     --> prod.toml:5:9
     hint: write "r.example/b:1"
    "#);
    assert_snapshot!(refused(&text, "web", ":${TAG}"), @"
    error: web: invalid `image`: variables are not filled in
     --> prod.toml:5:9
     hint: write the tag itself; the file in Git says what runs
    ");
    assert_snapshot!(refused(&text, "web", "@sha256:12"), @"
    error: web: invalid `image`: a sha256 digest has 64 hex digits; this has 2
     --> prod.toml:5:9
    ");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever stands around it stays.
    #[test]
    fn nothing_around_an_image_changes(
        before in "(#[ -~äü\t]{0,12}\r?\n|[ \t]{0,3}\r?\n){0,4}",
        after in "[ \t]{0,3}(#[ -~ß]{0,9})?(\r?\n){0,3}[ \t]{0,2}",
        mark in any::<bool>(),
        quote in prop::sample::select(vec!["\"", "'", "\"\"\"", "'''"]),
        gap in "[ \t]{0,3}",
        old in "[a-z]{1,6}(:[0-9a-z]{1,8})?",
        new in "[a-z]{1,9}(/[a-z]{1,9}){0,2}(:[0-9a-zA-Z_]{1,20})?",
    ) {
        let mark = if mark { "\u{feff}" } else { "" };
        let head = format!("{mark}{before}{TOP}{before}[services.w]\nimage{gap}={gap}{quote}");
        let tail = format!("{quote}{after}");
        let text = format!("{head}{old}{tail}");
        prop_assert_eq!(set(&text, "w", &new).unwrap(), format!("{head}{new}{tail}"));
    }
}

#[test]
fn a_file_that_names_a_definition_can_be_edited() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("prod.toml");
    let text = format!("{TOP}[services.w]\nimage = \"a:1\"\ndefinition = \"task.json\"\n");
    std::fs::write(&file, &text).unwrap();
    let definition = r#"{"family": "w", "containerDefinitions": [{"name": "w", "image": "a:0"}]}"#;
    std::fs::write(folder.path().join("task.json"), definition).unwrap();
    let draft = Draft::open(&file).unwrap();
    let slot = draft.find("w", None).unwrap();
    let to = image_for(&slot, ":2").unwrap();
    let edited = draft.edited(&[Edit { slot, to }]).unwrap();
    assert_eq!(edited.text(), text.replace("a:1", "a:2"));
    assert_eq!(edited.desired().services[0].images[0].image.as_str(), "a:2");
}
