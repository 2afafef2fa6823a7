//! Whatever a file holds, there is an answer.

use proptest::prelude::*;

use super::*;

/// Ok, or at least one mistake with every place inside the file.
fn answers(source: &str) {
    let Err(mistakes) = parse("f.toml", "f", source) else {
        return;
    };
    assert!(mistakes.count() > 0);
    let text = source.strip_prefix('\u{feff}').unwrap_or(source);
    let lines: Vec<&str> = text.split('\n').collect();
    for (at, message, _) in mistakes.iter() {
        assert!(!message.is_empty());
        let line = lines
            .get(at.line - 1)
            .unwrap_or_else(|| panic!("{at} is not in the file"));
        assert!(
            (1..=line.chars().count() + 1).contains(&at.column),
            "{at} is not in the line"
        );
        assert!(!message.chars().any(char::is_control), "{message:?}");
    }
    for width in [0, 40, 80] {
        let shown = mistakes.render(false, width);
        assert!(
            !shown.chars().any(|c| c.is_control() && c != '\n'),
            "{shown:?}"
        );
    }
    mistakes.render(true, 80);
}

/// Pieces that files are made of, right and wrong.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        Just("account = \"123456789012\"\n".to_owned()),
        Just("[services.api]\n".to_owned()),
        Just("[[services]]\n".to_owned()),
        Just("[services.api.containers.app]\n".to_owned()),
        Just("image = \"a:1\"\n".to_owned()),
        Just("rollout.timeout = 15\n".to_owned()),
        Just("services.api.name = \"é\"\n".to_owned()),
        Just("role = '''arn\n".to_owned()),
        Just("[services.api.task]\n".to_owned()),
        Just("allow-unknown-fields = true\n".to_owned()),
        Just("environment = { A = 1, \"\\u001b\" = \"x\", TOKEN = \"y\" }\n".to_owned()),
        Just("portMappings.\"\\u0007\" = {}\n\"\\u0007\" = [{}]\n".to_owned()),
        Just("healthCheck = { \"\\u0007\" = 1 }\nmemory = \"1 MB\"\n".to_owned()),
        "remove = \\[\"(containers|task|service)?[.\'a-z]{0,9}\"\\]\n",
        "[\\[\\]{}=.,\"'#\\\\ \r\n\t\u{feff}é]{1,3}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text(source in "\\PC*|.{0,80}") {
        answers(&source);
    }

    #[test]
    fn pieces_in_any_order(pieces in prop::collection::vec(piece(), 0..14)) {
        answers(&pieces.concat());
    }

    #[test]
    fn a_right_file_with_something_cut_out_and_put_in(
        from in 0..RIGHT.len(),
        length in 0_usize..40,
        put in prop_oneof![piece(), ".{0,6}".prop_map(|any: String| any)],
    ) {
        let to = (from + length).min(RIGHT.len());
        answers(&format!("{}{put}{}", &RIGHT[..from], &RIGHT[to..]));
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = read::decode("f.toml", bytes);
    }
}

#[test]
fn a_line_of_a_megabyte_is_answered_and_shown_in_one_line() {
    let long = "x".repeat(1_000_000);
    for source in [
        format!("account = \"{long}\""),
        long.clone(),
        format!("{long} = 1"),
        format!("a = [{}", "[".repeat(9999)),
    ] {
        let shown = parse("f.toml", "f", &source).unwrap_err().render(false, 80);
        assert!(
            shown.lines().all(|line| line.chars().count() <= 80),
            "{shown}"
        );
    }
}

#[test]
fn a_hundred_thousand_mistakes_are_found_and_twenty_shown() {
    let source: String = (0..100_000).map(|n| format!("k{n}=1\n")).collect();
    let mistakes = parse("f.toml", "f", &source).unwrap_err();
    assert_eq!(mistakes.iter().count(), 100_002);
    let shown = mistakes.render(false, 80);
    assert_eq!(shown.matches("error: ").count(), 20);
    assert!(
        shown.ends_with("\n\n… and 99982 more in f.toml\n"),
        "{shown}"
    );
}
