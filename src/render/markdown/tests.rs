use proptest::prelude::*;
use pulldown_cmark::{CodeBlockKind, Event, Options, Parser, Tag, TagEnd};

use super::*;

/// Everything that could mean something to Markdown, to HTML, to GitHub, to its
/// runner or to a terminal.
const PIECES: [&str; 46] = [
    "|",
    "\\|",
    "\\",
    "`",
    "``",
    "```",
    "````````",
    "~~~",
    "~~gone~~",
    "<b>",
    "</details>",
    "</code>",
    "<details open>",
    "-->",
    "<!--",
    "<script>alert(1)</script>",
    "<https://evil.example>",
    "@team",
    "@org/team",
    "a@evil.example",
    "#12",
    "org/repo#3",
    "GH-12",
    "https://evil.example/x",
    "www.evil.example",
    "[here](https://evil.example)",
    "![x](y)",
    "[^1]",
    "[x]: /y",
    "*",
    "**",
    "_",
    "# head",
    "- item",
    "> quote",
    "---",
    "|---|",
    "\n",
    "\r\n\r\n",
    "\t",
    "&lt;",
    "&#64;",
    "::error::x",
    "\u{1b}[31m",
    "\u{202e}",
    "$x$",
];

pub(in crate::render) fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => proptest::sample::select(&PIECES[..]).prop_map(str::to_owned),
        1 => "[a-zA-Z0-9 é…]{1,6}",
        1 => any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..8).prop_map(|pieces| pieces.concat())
}

/// Parsed with all that GitHub reads in a comment.
pub(in crate::render) fn events(markdown: &str) -> Vec<Event<'_>> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_MATH
        | Options::ENABLE_GFM;
    Parser::new_ext(markdown, options).collect()
}

/// Whether GitHub would make something of this text once it is rendered.
#[track_caller]
pub(in crate::render) fn is_inert(text: &str) {
    let lower = text.to_ascii_lowercase();
    let follows = |mark: &str, is: fn(char) -> bool| {
        lower
            .match_indices(mark)
            .any(|(at, _)| lower[at + mark.len()..].starts_with(is))
    };
    assert!(!follows("@", char::is_alphanumeric), "{text:?}");
    assert!(!follows("#", |c| c.is_ascii_digit()), "{text:?}");
    assert!(!follows("gh-", |c| c.is_ascii_digit()), "{text:?}");
    assert!(!follows("://", char::is_alphanumeric), "{text:?}");
    assert!(!follows("www.", char::is_alphanumeric), "{text:?}");
}

/// The only paragraph, as code and as text.
fn paragraph(markdown: &str) -> Vec<(bool, String)> {
    let events = events(markdown);
    assert!(
        matches!(events.first(), None | Some(Event::Start(Tag::Paragraph))),
        "{markdown:?}: {events:?}"
    );
    pieces(&events, |event| {
        matches!(
            event,
            Event::Start(Tag::Paragraph) | Event::End(TagEnd::Paragraph)
        )
    })
}

fn pieces(events: &[Event<'_>], is_frame: impl Fn(&Event<'_>) -> bool) -> Vec<(bool, String)> {
    let mut pieces: Vec<(bool, String)> = Vec::new();
    for event in events {
        let (code, text) = match event {
            Event::Text(text) => (false, text),
            Event::Code(text) => (true, text),
            other if is_frame(other) => continue,
            other => panic!("{other:?} among {events:?}"),
        };
        match pieces.last_mut() {
            Some((false, last)) if !code => *last += text,
            _ => pieces.push((code, text.to_string())),
        }
    }
    pieces
}

/// The cells of a table of one column and one row.
fn only_cell(inline: &str) -> Vec<(bool, String)> {
    let markdown = format!("| h | i |\n|---|---|\n| {} | x |\n", cell(inline));
    let events = events(&markdown);
    let cells: Vec<&[Event<'_>]> = events
        .split(|event| matches!(event, Event::Start(Tag::TableCell)))
        .collect();
    // The table's start, two cells of its head, two cells.
    assert_eq!(cells.len(), 5, "{markdown:?}: {events:?}");
    assert_eq!(cells[4][0], Event::Text("x".into()), "{markdown:?}");
    pieces(cells[3], |event| {
        matches!(event, Event::End(TagEnd::TableCell))
    })
}

fn visible(text: &str) -> String {
    text.replace('\u{200b}', "")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn code_is_code_and_says_what_it_was(given in hostile()) {
        let shown = defuse(&given);
        let expected = if shown.is_empty() { vec![] } else { vec![(true, shown)] };
        prop_assert_eq!(paragraph(&code(&given)), expected.clone());
        prop_assert_eq!(only_cell(&code(&given)), expected);
    }

    #[test]
    fn text_is_text_and_makes_nothing_of_it(given in hostile()) {
        for pieces in [paragraph(&text(&given)), only_cell(&text(&given))] {
            let all: String = pieces.iter().map(|(code, text)| {
                assert!(!code);
                is_inert(text);
                visible(text)
            }).collect();
            prop_assert_eq!(all, defuse(&given));
        }
    }

    #[test]
    fn code_and_text_side_by_side_stay_apart(one in hostile(), other in hostile(), third in hostile()) {
        let inline = format!("x{} {} y{}", code(&one), text(&other), code(&third));
        let found = only_cell(&inline);
        let codes: Vec<&String> = found.iter().filter(|(code, _)| *code).map(|(_, text)| text).collect();
        let given: Vec<String> = [one, third].iter().map(|text| defuse(text)).filter(|text| !text.is_empty()).collect();
        prop_assert_eq!(codes, given.iter().collect::<Vec<_>>());
    }

    #[test]
    fn a_fence_holds_whatever_is_in_it(lines in proptest::collection::vec(hostile(), 0..6)) {
        let markdown = format!("before\n\n{}\nafter\n", fence("diff", &lines));
        let events = events(&markdown);
        let starts: Vec<&Event<'_>> = events.iter().filter(|event| matches!(event, Event::Start(_))).collect();
        prop_assert_eq!(starts.len(), 3, "{:?}", events);
        prop_assert!(matches!(starts[1], Event::Start(Tag::CodeBlock(CodeBlockKind::Fenced(language))) if **language == *"diff"));
        let inside: String = events.iter().filter_map(|event| match event {
            Event::Text(text) => Some(text.as_ref()),
            _ => None,
        }).collect();
        let expected: String = lines.iter().map(|line| defuse_line(line) + "\n").collect();
        prop_assert_eq!(inside, format!("before{expected}after"));
    }

    #[test]
    fn a_summary_and_a_marker_are_what_they_are(name in hostile()) {
        let marked = marker("plan", &[&name, "prod"]);
        let folded = folded(&html_code(&name), "*inside*\n");
        let markdown = format!("{marked}{folded}\nafter\n");
        let html: String = events(&markdown).iter().filter_map(|event| match event {
            Event::Html(html) => Some(html.as_ref()),
            Event::InlineHtml(html) => panic!("{html:?}"),
            _ => None,
        }).collect();
        let (comment, rest) = html.split_once('\n').unwrap();
        let inner = comment.strip_prefix("<!-- evenkeel:plan:").unwrap().strip_suffix(" -->").unwrap();
        prop_assert!(inner.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-%,".contains(&b)), "{inner}");
        prop_assert!(!inner.contains("--"), "{inner}");
        let inner = rest.strip_prefix("<details><summary><code>").unwrap();
        let (inner, rest) = inner.split_once("</code></summary>\n").unwrap();
        prop_assert!(!inner.contains(['<', '>', '"', '\n']), "{inner}");
        prop_assert_eq!(rest, "</details>\n");
    }
}

#[test]
fn markers_tell_environments_apart() {
    let of = |names: &[&str]| marker("plan", names);
    assert_eq!(of(&["prod"]), "<!-- evenkeel:plan:prod -->\n");
    assert_eq!(
        of(&["prod", "eu-west_1.b"]),
        "<!-- evenkeel:plan:prod,eu-west_1.b -->\n"
    );
    assert_eq!(
        of(&["a--b", "-->x,y"]),
        "<!-- evenkeel:plan:a-%2Db,-%2D%3Ex%2Cy -->\n"
    );
    let many: Vec<String> = (0..1000).map(|n| format!("environment-{n}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(of(&many).len() < 500);
}

#[test]
fn code_holds_whatever_is_in_it() {
    assert_eq!(code("api"), "`api`");
    assert_eq!(code("a`b``c"), "```a`b``c```");
    assert_eq!(code("`"), "`` ` ``");
    assert_eq!(code(""), "");
    assert_eq!(code("@ann #12 <b> ![x](y)"), "`@ann #12 <b> ![x](y)`");
    assert_eq!(cell(&code("a|b\\|c")), "`a\\|b\\\\|c`");
    assert_eq!(code("one\ntwo"), "`one two`");
}

#[test]
fn a_fence_is_longer_than_any_in_it() {
    assert_eq!(fenced("a\n"), "```text\na\n```\n");
    assert_eq!(fenced("a\n````\n"), "`````text\na\n````\n`````\n");
}

#[test]
fn html_is_text() {
    assert_eq!(html("</summary>@x #1"), "&lt;&#47;summary&gt;&#64;x &#35;1");
}
