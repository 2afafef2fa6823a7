//! `drift` and `suspend`.

use super::*;

fn read(more: &str) -> Desired {
    let top = "account='123456789012'\nregion='us-west-1'\ncluster='c'\n";
    let desired = parse("f", "f", &format!("{top}{more}"));
    desired.unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false, 80)))
}

#[test]
fn a_service_s_own_word_wins_over_the_files() {
    let services = "[services.a]\nimage='a:1'\n[services.b]\nimage='a:1'\n";
    let drift = |more: &str| -> Vec<OnDrift> {
        let desired = read(more);
        desired.services.iter().map(|one| one.drift).collect()
    };
    use OnDrift::{Correct, Report};
    assert_eq!(drift(services), [Correct, Correct]);
    assert_eq!(
        drift(&format!("drift='report'\n{services}drift='correct'\n")),
        [Report, Correct]
    );
    assert_eq!(
        drift(&format!("{services}drift='report'\n")),
        [Correct, Report]
    );

    let suspended = read(&format!(
        "suspend={{reason='freeze',until=2026-12-01}}\n{services}suspend.reason='broken'\n"
    ));
    let of = |n: usize| suspended.services[n].suspend.clone().unwrap();
    assert_eq!(
        (of(0).reason.as_str(), of(0).until),
        ("freeze", Some(1_796_083_200))
    );
    assert_eq!((of(1).reason.as_str(), of(1).until), ("broken", None));
    assert_eq!(of(1).at.to_string(), "f:9:1");
    assert!(read(services).services[0].suspend.is_none());
    let table = format!("[suspend]\nreason='x'\nuntil=2026-12-01T00:00:00+01:00\n{services}");
    let until = read(&table).services[0].suspend.clone().unwrap().until;
    assert_eq!(until, Some(1_796_083_200 - 3600));
}

#[test]
fn what_is_wrong_with_them_is_said() {
    insta::assert_snapshot!(wrong_services(r#"[services.a]
image = "a:1"
drift = "reprot"
suspend = "broken"
[services.b]
image = "a:1"
drift = true
suspend = { until = "2026-12-01" }
[services.c]
image = "a:1"
drift = "ignore"
suspend = { reason = " ", until = 2026-12-01T09:00:00, by = "me" }
[services.d]
image = "a:1"
suspend = { reason = "r", until = 09:00:00 }
[services.e]
image = "a:1"
suspend = { reason = "r", untill = 2026-12-01 }
[services.f]
image = "a:1"
suspend = { reason = "r", until = "soon" }
"#), @r#"
    error: invalid `drift`: it is "correct" or "report"
     --> prod.toml:7:9
      |
    7 | drift = "reprot"
      |         ^^^^^^^^
      |
      = hint: did you mean "report"?

    error: `suspend` must be a table, not a string
     --> prod.toml:8:11
      |
    8 | suspend = "broken"
      |           ^^^^^^^^
      |
      = hint: write suspend = { reason = "broken" }

    error: `drift` must be a string, not true or false
      --> prod.toml:11:9
       |
    11 | drift = true
       |         ^^^^
       |
       = hint: write "correct" or "report"

    error: `suspend` has no `reason`
      --> prod.toml:12:1
       |
    12 | suspend = { until = "2026-12-01" }
       | ^^^^^^^
       |
       = hint: say why, for whoever finds it: suspend = { reason = "…" }

    error: `until` must be a date or time, not a string
      --> prod.toml:12:21
       |
    12 | suspend = { until = "2026-12-01" }
       |                     ^^^^^^^^^^^^
       |
       = hint: write 2026-12-01, without quotes

    error: invalid `drift`: it is "correct" or "report"
      --> prod.toml:15:9
       |
    15 | drift = "ignore"
       |         ^^^^^^^^
       |
       = hint: write "correct" or "report"

    error: `reason` is empty
      --> prod.toml:16:22
       |
    16 | suspend = { reason = " ", until = 2026-12-01T09:00:00, by = "me" }
       |                      ^^^
       |
       = hint: say why, for whoever finds it

    error: invalid `until`: it does not say in which time zone
      --> prod.toml:16:35
       |
    16 | suspend = { reason = " ", until = 2026-12-01T09:00:00, by = "me" }
       |                                   ^^^^^^^^^^^^^^^^^^^
       |
       = hint: for UTC write 2026-12-01T09:00:00Z; or with an offset,
               2026-12-01T09:00:00+02:00

    error: unknown key `by`
      --> prod.toml:16:56
       |
    16 | suspend = { reason = " ", until = 2026-12-01T09:00:00, by = "me" }
       |                                                        ^^
       |
       = hint: the keys here: `reason`, `until`

    error: invalid `until`: the date is missing
      --> prod.toml:19:35
       |
    19 | suspend = { reason = "r", until = 09:00:00 }
       |                                   ^^^^^^^^
       |
       = hint: write a date like 2026-12-01, or a time like 2026-12-01T09:00:00Z

    error: unknown key `untill`
      --> prod.toml:22:27
       |
    22 | suspend = { reason = "r", untill = 2026-12-01 }
       |                           ^^^^^^
       |
       = hint: did you mean `until`?

    error: `until` must be a date or time, not a string
      --> prod.toml:25:35
       |
    25 | suspend = { reason = "r", until = "soon" }
       |                                   ^^^^^^
       |
       = hint: write a date like 2026-12-01, or a time like 2026-12-01T09:00:00Z
    "#);
}

#[test]
fn drift_cannot_be_reported_without_the_tags_that_tell_it() {
    insta::assert_snapshot!(wrong(r#"account = "123456789012"
region = "us-west-1"
cluster = "c"
provenance = false
drift = "report"
[services.a]
image = "a:1"
[services.b]
image = "a:1"
drift = "report"
"#), @r#"
    error: `drift = "report"` cannot go with `provenance = false`
     --> prod.toml:5:9
      |
    5 | drift = "report"
      |         ^^^^^^^^
      |
      = hint: drift is told by the tags that provenance leaves: take `provenance`
              out

    error: `drift = "report"` cannot go with `provenance = false`
      --> prod.toml:10:9
       |
    10 | drift = "report"
       |         ^^^^^^^^
       |
       = hint: drift is told by the tags that provenance leaves: take `provenance`
               out
    "#);
}

#[test]
fn they_are_sent_where_they_belong() {
    insta::assert_snapshot!(wrong_services(r#"[services.a]
image = "a:1"
[services.a.service]
drift = "report"
"#), @r#"
    error: `drift` does not belong here
     --> prod.toml:8:1
      |
    8 | drift = "report"
      | ^^^^^
      |
      = hint: write it under [services.NAME]
    "#);
}
