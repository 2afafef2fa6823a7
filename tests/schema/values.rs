//! The schema's patterns and the parser's checks, on the same examples.

use evenkeel::model::fields::{CONTAINER, TASK_DEFINITION};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::judge::{Judge, parser_refuses};

const FILE: &str = "account = ACCOUNT\nregion = REGION\ncluster = CLUSTER\nrole = ROLE\n\
    [services.LABEL]\nname = NAME\nrollout.timeout = TIMEOUT\n\
    [services.LABEL.containers.CONTAINER]\nimage = IMAGE\n";

const RIGHT: [(&str, &str); 9] = [
    ("ACCOUNT", "123456789012"),
    ("REGION", "us-west-1"),
    ("CLUSTER", "shop"),
    ("ROLE", "arn:aws:iam::123456789012:role/evenkeel"),
    ("LABEL", "web"),
    ("NAME", "shop-web"),
    ("CONTAINER", "app"),
    ("TIMEOUT", "15m"),
    ("IMAGE", "shop/web:1"),
];

/// A file with this value in this place; everything else in it is right.
fn with(place: &str, value: &str) -> String {
    let mut file = FILE.to_owned();
    if place == "ACCOUNT" {
        // It would be in another account.
        file = file.replace("role = ROLE\n", "");
    }
    for (name, right) in RIGHT {
        let value = if name == place { value } else { right };
        file = file.replace(name, &quoted(value));
    }
    file
}

/// A JSON string is a TOML string, but for one character.
fn quoted(text: &str) -> String {
    json!(text).to_string().replace('\u{7f}', "\\u007f")
}

#[test]
fn both_judge_values_alike() {
    let judge = Judge::new();
    let long = "a".repeat(255);
    let longer = "a".repeat(256);
    let digest = format!("sha256:{}", "9f2c41d0".repeat(8));
    let pinned = format!("shop/web@{digest}");
    let both = format!("shop/web:1@{digest}");
    let twice = format!("shop/web@{digest}@{digest}");
    let tag = format!("web:{}", "a".repeat(128));
    let longer_tag = format!("{tag}a");
    let examples: &[(&str, &[&str])] = &[
        (
            "ACCOUNT",
            &[
                "210987654321",
                "000000000000",
                "12345678901",
                "1234567890123",
                "12345678901x",
                "１23456789012",
                "1234-5678-9012",
                "123456789012\n",
                "",
            ],
        ),
        (
            "REGION",
            &[
                "us-gov-east-1",
                "cn-north-1",
                "eusc-de-east-1",
                "ap-southeast-12",
                "us",
                "us-west",
                "us-west-1a",
                "US-WEST-1",
                "us--1",
                "-west-1",
                "euscd-west-1",
                "u-west-1",
                "",
            ],
        ),
        (
            "CLUSTER",
            &["a", "A_1-b", &long, &longer, "a b", "a/b", "ä", "a\n", ""],
        ),
        ("NAME", &["a", &long, &longer, "a.b", "arn:aws:x", ""]),
        ("CONTAINER", &["a", &long, &longer, "a.b", "a b", ""]),
        (
            "LABEL",
            &["api-2", "Ä.b", "a b", "a/b", "a=b", "a\tb", "a\u{7f}b", ""],
        ),
        (
            "ROLE",
            &[
                "arn:aws:iam::123456789012:role/ci/evenkeel",
                "arn:aws-us-gov:iam::123456789012:role/a+=,.@_-b",
                "arn:aws-cn:iam::123456789012:role//a",
                "arn:aws:iam::123456789012:role/",
                "arn:aws:iam::123456789012:role/a/",
                "arn:aws:iam::12345678901:role/a",
                "arn:aws:iam:us-west-1:123456789012:role/a",
                "arn:AWS:iam::123456789012:role/a",
                "arn:aws:iam::123456789012:user/a",
                "arn:aws:sts::123456789012:role/a",
                "arn:aws:iam::123456789012:role/a b",
                "arn:aws:iam::123456789012:role/a:b",
                "evenkeel",
                "",
            ],
        ),
        (
            "IMAGE",
            &[
                "web",
                "web:1.4.2",
                "library/web:_1",
                "localhost/web",
                "localhost:5000/web:1",
                "Registry.example:5000/shop/web",
                "123456789012.dkr.ecr.us-west-1.amazonaws.com/shop/web:1",
                &pinned,
                &both,
                &twice,
                &tag,
                &longer_tag,
                "",
                "Web",
                "web:",
                "web:.1",
                "web:-1",
                "web:a:b",
                "web:${TAG}",
                "web: 1",
                "web@sha256:12",
                "web@md5:12",
                "https://r.example/web",
                "r.example//web",
                "r.example/",
                "/web",
                "web/",
                "registry/Web",
            ],
        ),
        (
            "TIMEOUT",
            &[
                "90s", "15m", "1h30m", "1h0m1s", "0h15m", "24h", "1440m", "", "15", "m", "15 m",
                "1.5h", "30m1h", "1m1m", "015m", "15M", "15min", "1d", "-5m", "１5m",
            ],
        ),
    ];
    for (place, values) in examples {
        let (mut right, mut wrong) = (0, 0);
        for value in *values {
            let file = with(place, value);
            let (schema, parser) = (judge.refuses_text(&file), parser_refuses(&file));
            assert_eq!(
                schema.is_some(),
                parser.is_some(),
                "{place} {value:?}\nschema: {schema:?}\nparser: {parser:?}"
            );
            if parser.is_some() {
                wrong += 1;
            } else {
                right += 1;
            }
        }
        assert!(right > 0 && wrong > 0, "{place}");
    }
}

/// What no pattern says.
#[test]
fn some_values_only_the_parser_refuses() {
    let judge = Judge::new();
    for (place, value) in [
        ("TIMEOUT", "5s"),
        ("TIMEOUT", "25h"),
        ("TIMEOUT", "99999999999999999999h"),
        ("ROLE", "arn:aws:iam::210987654321:role/evenkeel"),
    ] {
        let file = with(place, value);
        assert_eq!(judge.refuses_text(&file), None, "{file}");
        assert!(parser_refuses(&file).is_some(), "{file}");
    }
}

#[test]
fn sizes_and_ports_are_judged_alike() {
    let judge = Judge::new();
    for (text, cpu, memory) in [
        ("512", true, true),
        ("1 vCPU", true, false),
        (".25 vcpu", true, false),
        ("0.5vCPU", true, false),
        ("1.vCPU", true, false),
        ("1GB", false, true),
        ("30.50 gb", false, true),
        ("", false, false),
        (".", false, false),
        ("vCPU", false, false),
        (". vCPU", false, false),
        ("1.5", false, false),
        ("-1", false, false),
        ("1e3", false, false),
        ("1 MB", false, false),
        ("１", false, false),
    ] {
        for (field, right) in [("cpu", cpu), ("memory", memory)] {
            assert_eq!(normal(field, text), right, "{field} {text:?}");
            assert_eq!(size(&judge, field, text), right, "{field} {text:?}");
        }
    }
    for (key, right) in [
        ("8080", true),
        ("53/udp", true),
        ("8080/tcp", true),
        ("8000-8010", true),
        ("8000-8010/udp", true),
        ("", false),
        ("http", false),
        ("0", false),
        ("08080", false),
        ("8080/", false),
        ("8080/sctp", false),
        ("-8080", false),
        ("8000-", false),
        ("8000-8010-8020", false),
    ] {
        assert_eq!(read_port(key), right, "{key:?}");
        assert_eq!(port(&judge, key), right, "{key:?}");
    }
    // Of numbers a pattern knows no more than how long they are.
    for key in ["65536", "8010-8000"] {
        assert!(port(&judge, key) && !read_port(key), "{key:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    /// The parser's own checks are the measure: nothing that passes them is
    /// marked, whatever it looks like.
    #[test]
    fn nothing_is_refused_that_the_parser_takes(
        image in r"([a-zA-Z.:]{0,4}/)?[a-z/._-]{0,6}(:[a-zA-Z0-9_.-]{0,4})?(@sha256:[0-9a-f]{64})?",
        timeout in "([0-9]{1,2}[hms ]){0,3}",
        role in "arn:aws[a-z-]{0,3}:iam::123456789012:role[a-zA-Z/+=@ ]{0,6}",
        region in "[a-z]{1,5}(-[a-z]{0,3}){0,3}-[0-9]{0,2}",
        label in "\\PC{1,4}",
        cpu in "[0-9 ]{0,2}[.]?[05]{0,2} ?(vCPU|vcpu| )?",
        memory in "[0-9 ]{0,2}[.]?[05]{0,2} ?(GB|Gb| )?",
        key in "[0-9]{0,6}(-[0-9]{0,5})?(/[tcudp]{2,3})?",
    ) {
        JUDGE.with(|judge| {
            for (place, value) in [
                ("IMAGE", &image),
                ("TIMEOUT", &timeout),
                ("ROLE", &role),
                ("REGION", &region),
                ("LABEL", &label),
            ] {
                let file = with(place, value);
                let refused = judge.refuses_text(&file);
                if place == "TIMEOUT" || parser_refuses(&file).is_none() {
                    let out_of_bounds = parser_refuses(&file)
                        .is_none_or(|mistake| mistake.contains("it must be at"));
                    prop_assert_eq!(refused.is_none(), out_of_bounds, "{} {:?}", place, value);
                } else {
                    prop_assert!(refused.is_some(), "{} {:?}", place, value);
                }
            }
            for (field, value) in [("cpu", &cpu), ("memory", &memory)] {
                prop_assert!(size(judge, field, value) || !normal(field, value), "{:?}", value);
            }
            prop_assert!(port(judge, &key) || !read_port(&key), "{:?}", key);
            Ok(())
        })?;
    }
}

thread_local! {
    static JUDGE: Judge = Judge::new();
}

fn service(name: &str, fields: Value) -> Value {
    json!({
        "account": "123456789012",
        "region": "us-west-1",
        "cluster": "shop",
        "services": { "web": { name: fields } },
    })
}

fn size(judge: &Judge, field: &str, text: &str) -> bool {
    judge
        .refuses(&service("task", json!({ field: text })))
        .is_none()
}

/// Whether the table's unit reads it.
fn normal(field: &str, text: &str) -> bool {
    match TASK_DEFINITION.field(field).map(|field| field.kind) {
        Some(evenkeel::model::fields::Kind::Units(unit)) => unit.normal(&text.into()).is_some(),
        other => panic!("{other:?}"),
    }
}

fn port(judge: &Judge, key: &str) -> bool {
    let app = json!({ "app": { "portMappings": { key: {} } } });
    judge.refuses(&service("containers", app)).is_none()
}

/// Whether the table's key reads it.
fn read_port(key: &str) -> bool {
    let ports = CONTAINER.field("portMappings").and_then(|f| f.kind.key());
    ports.expect("a key").read(key).is_ok()
}
