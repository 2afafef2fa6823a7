use std::time::Duration;

use insta::assert_snapshot;
use proptest::prelude::*;
use pulldown_cmark::{Event, HeadingLevel, Tag, TagEnd};
use serde_json::{Value, json};

use super::super::markdown::tests::{events, hostile, is_inert};
use super::super::words::defuse;
use super::*;
use crate::environment::{Location, Suspension};
use crate::observed::{ServiceKey, Unreadable};
use crate::plan::scene::{REGISTRY, Scene, arn, declared, digest, plan_of};
use crate::plan::{Block, FailedBefore, FieldChange, Note, OnFailure, OneOff, Suspended};

fn comment(plans: &[&Plan]) -> String {
    let reviewed: Vec<Reviewed<'_>> = plans
        .iter()
        .map(|plan| Reviewed {
            plan,
            apply: ["evenkeel", "apply", plan.environment()]
                .map(str::to_owned)
                .to_vec(),
            values: false,
        })
        .collect();
    plans_markdown(&reviewed)
}

fn app(environment: Value) -> Value {
    json!([{"name": "app", "image": format!("{REGISTRY}/web:1"), "environment": environment}])
}

/// A plan with a service of every kind.
fn of_every_kind() -> Plan {
    let live = json!([{"name": "LEVEL", "value": "hunter2"}, {"name": "LEFT", "value": "hunter3"}]);
    let scene = Scene::default()
        .service("shop-web", app(live))
        .service("worker", app(json!([])))
        .service("mail", app(json!([])))
        .field("mail", "deployment.rolloutState", json!("IN_PROGRESS"))
        .field("mail", "deployment.runningCount", json!(1))
        .service("cron", app(json!([])))
        .field("cron", "deployment.rolloutState", json!("FAILED"))
        .field(
            "cron",
            "deployment.rolloutStateReason",
            json!("tasks failed to start. @team"),
        );
    let image = format!("image = \"{REGISTRY}/web:1\"");
    scene.plan(&declared(&format!(
        "[services.web]\nname = \"shop-web\"\nremove = [\"containers.app.environment.LEFT\"]\n\
         containers.app = {{ image = \"{REGISTRY}/web:2\", environment = {{ LEVEL = \"info\" }} }}\n\
         service.desiredCount = 4\n\
         rollout.before = [{{ container = \"app\", command = [\"npm\", \"run\", \"migrate\"] }}]\n\
         [services.worker]\n{image}\n[services.mail]\n{image}\n[services.cron]\n{image}\n"
    )))
}

#[test]
fn a_comment_has_a_table_then_details_then_what_to_do() {
    assert_snapshot!(comment(&[&of_every_kind()]), @r#"
    <!-- evenkeel:plan:prod -->
    ### `prod`: 1 to change, 1 rolling out, 1 failed before, 1 in sync

    `prod` · us-west-1 · 123456789012

    | | service | revision | what changes | effect |
    |---|---|---|---|---|
    | ~ change | **`web`** `shop-web` | 7 → new | `app` image `1` → `2`; `app` `environment.LEFT` `(masked)` → (none); `app` `environment.LEVEL` `(masked)` → `"info"`; and 2 more | new rollout |
    | = in sync | **`worker`** | 7 |  |  |
    | … rolling out | **`mail`** | 7 | 1 of 2 tasks run so far |  |
    | ✗ failed before | **`cron`** | 7 | revision 7 is declared |  |

    <details><summary><code>web</code>: change</summary>

    ```diff
    @@ app image @@
    - 123456789012.dkr.ecr.us-west-1.amazonaws.com/web:1
    + 123456789012.dkr.ecr.us-west-1.amazonaws.com/web:2@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
    @@ app environment.LEFT @@
    - (masked)
    @@ app environment.LEVEL @@
    - (masked)
    + "info"
    @@ service desiredCount @@ (no new tasks)
    - 2
    + 4
      first  npm run migrate in app
    ```

    </details>

    <details><summary><code>worker</code>: in sync</summary>

    ```diff
      note  app: 1 runs without a digest, and ECS does not tell which image that was; taken to be the same
    ```

    </details>

    <details><summary><code>mail</code>: rolling out</summary>

    ```diff
      note  app: 1 runs without a digest, and ECS does not tell which image that was; taken to be the same
    ```

    </details>

    <details><summary><code>cron</code>: failed before</summary>

    ```diff
      revision 7 failed
      reason  tasks failed to start. @team
      note  app: 1 runs without a digest, and ECS does not tell which image that was; taken to be the same
    ```

    </details>

    Plan `10ec15073d78`. This applies it, and nothing else:

    ```sh
    evenkeel apply prod --expect 10ec15073d78
    ```
    "#);
}

#[test]
fn nothing_to_do_is_short_and_a_block_says_so() {
    let scene = Scene::default().service("web", app(json!([])));
    let image = format!("[services.web]\nimage = \"{REGISTRY}/web:1\"\n");
    assert_snapshot!(comment(&[&scene.plan(&declared(&image))]), @"
    <!-- evenkeel:plan:prod -->
    ### `prod`: nothing differs: 1 service in sync

    `prod` · us-west-1 · 123456789012

    | | service | revision | what changes | effect |
    |---|---|---|---|---|
    | = in sync | **`web`** | 7 |  |  |

    <details><summary><code>web</code>: in sync</summary>

    ```diff
      note  app: 1 runs without a digest, and ECS does not tell which image that was; taken to be the same
    ```

    </details>
    ");
    let gone = scene.without("web");
    assert_snapshot!(comment(&[&gone.plan(&declared(&image))]), @"
    <!-- evenkeel:plan:prod -->
    ### `prod`: 1 blocked

    `prod` · us-west-1 · 123456789012

    | | service | revision | what changes | effect |
    |---|---|---|---|---|
    | ✗ blocked | **`web`** |  | the cluster has no service of this name |  |

    <details><summary><code>web</code>: blocked</summary>

    ```diff
      the cluster has no service of this name
      at    environments/prod.toml:4:11
      has   none
    ```

    </details>

    Nothing is applied while a service is blocked or suspended.
    ");
}

/// What a comment is made of, once it is read as GitHub reads it.
#[derive(Debug, Default, PartialEq)]
struct Read {
    headings: usize,
    /// Every row of every table with its cells: code, and text.
    rows: Vec<Vec<(Vec<String>, String)>>,
    summaries: usize,
    blocks: Vec<String>,
}

fn read(markdown: &str) -> Read {
    let mut read = Read::default();
    let mut text = String::new();
    let mut block = None;
    let mut html = String::new();
    let mut in_head = false;
    for event in events(markdown) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                assert_eq!(level, HeadingLevel::H3);
                read.headings += 1;
            }
            Event::Start(Tag::TableHead) => in_head = true,
            Event::End(TagEnd::TableHead) => in_head = false,
            Event::Start(Tag::TableRow) => read.rows.push(Vec::new()),
            Event::Start(Tag::TableCell) => {
                if let Some(row) = read.rows.last_mut().filter(|_| !in_head) {
                    row.push((Vec::new(), String::new()));
                }
            }
            Event::Start(Tag::CodeBlock(_)) => block = Some(String::new()),
            Event::End(TagEnd::CodeBlock) => read.blocks.extend(block.take()),
            Event::Start(Tag::Paragraph | Tag::Table(_) | Tag::Strong | Tag::HtmlBlock)
            | Event::End(TagEnd::TableCell | TagEnd::TableRow | TagEnd::Strong) => {}
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_) | TagEnd::Table) => {
                is_inert(&std::mem::take(&mut text));
            }
            Event::End(TagEnd::HtmlBlock) => read.summaries += is_ours(&std::mem::take(&mut html)),
            Event::Html(more) => html += &more,
            Event::Code(code) => {
                if let Some(cell) = read.rows.last_mut().and_then(|row| row.last_mut()) {
                    cell.0.push(code.to_string());
                }
                // Code parts text for GitHub, too.
                text.push(' ');
            }
            Event::Text(more) => match &mut block {
                Some(block) => *block += &more,
                None => {
                    text += &more;
                    if let Some(cell) = read.rows.last_mut().and_then(|row| row.last_mut()) {
                        cell.1 += &more;
                    }
                }
            },
            Event::SoftBreak => text.push('\n'),
            other => panic!("{other:?} in {markdown}"),
        }
    }
    read
}

/// Whether HTML is what a comment is framed with, and nothing else; 1 for a
/// summary.
fn is_ours(html: &str) -> usize {
    let html = html.trim_end();
    if html == "</details>" {
        return 0;
    }
    if let Some(marker) = html.strip_prefix("<!-- evenkeel:plan:") {
        let marker = marker.strip_suffix(" -->").expect(html);
        assert!(
            !marker.contains(['<', '>']) && !marker.contains("--"),
            "{html}"
        );
        return 0;
    }
    let rest = html.strip_prefix("<details><summary><code>").expect(html);
    let (name, word) = rest.split_once("</code>: ").expect(html);
    let word = word.strip_suffix("</summary>").expect(html);
    assert!(
        !name.contains(['<', '>']) && !word.contains(['<', '>']),
        "{html}"
    );
    1
}

fn location() -> Location {
    Location {
        file: "f".into(),
        line: 1,
        column: 1,
    }
}

/// One service of each verdict, all of whose names, values and reasons are
/// these texts.
fn hostile_plan(texts: &[String]) -> Plan {
    let mut next = texts.iter().cycle().cloned();
    let mut text = || next.next().expect("a text");
    let scene = Scene::default().service("web", app(json!([])));
    let file = format!("[services.web]\nimage = \"{REGISTRY}/web:2\"\n");
    let service = |name: String, verdict: Verdict, notes: Vec<Note>| ServicePlan {
        name,
        key: ServiceKey {
            cluster: "prod".parse().expect("a cluster"),
            service: "web".parse().expect("a service"),
        },
        timeout: Duration::from_secs(60),
        on_failure: OnFailure::Rollback,
        watch_only: false,
        healthy: None,
        marked: false,
        live: None,
        verdict,
        notes,
    };
    let Verdict::Change(mut change) = scene.plan(&declared(&file)).services()[0].verdict.clone()
    else {
        panic!("a change");
    };
    change.images[0].container = text();
    change.images[0].from = text();
    change.first = vec![OneOff {
        container: text(),
        command: vec![text(), text()],
        place: serde_json::Map::new(),
    }];
    change.fields = (0..3)
        .map(|_| FieldChange {
            path: crate::model::fields::Path::container(&text())
                .field("environment")
                .element(vec![("name".into(), json!(text()))]),
            from: Some(json!({"name": "A", "value": text()})),
            to: Some(json!({"name": "A", "value": text()})),
            at: None,
        })
        .collect();
    change.fields.push(FieldChange {
        path: crate::model::fields::Path::container("app").field(&text()),
        from: Some(json!({ text(): [text(), text().repeat(30)] })),
        to: Some(json!(text().repeat(20))),
        at: None,
    });
    let note = Note::OtherTag {
        container: text(),
        declared: text(),
        live: text(),
    };
    let failed = FailedBefore {
        revision: arn("web", 3),
        running: arn("web", 2),
        at: Some(1),
        reason: Some(text()),
    };
    let blocks = vec![
        Block::Unfit {
            at: location(),
            why: text(),
        },
        Block::ContainerMissing {
            at: location(),
            container: text(),
            revision: arn("web", 1),
            there_are: vec![text(), text()],
            near: Some(text()),
        },
        Block::Unreadable {
            what: text(),
            why: Unreadable {
                why: text(),
                hint: Some(text()),
            },
        },
    ];
    let suspended = Verdict::Suspended(Box::new(Suspended {
        change: (*change).clone(),
        why: Suspension {
            reason: text(),
            until: Some(1),
            at: location(),
        },
    }));
    plan_of(
        &text(),
        vec![
            service(text(), Verdict::Change(change), vec![note.clone()]),
            service(
                text(),
                Verdict::InSync {
                    revision: arn("web", 1),
                },
                vec![note],
            ),
            service(text(), Verdict::FailedBefore(failed), vec![]),
            service(text(), Verdict::Blocked(blocks), vec![]),
            service(text(), suspended, vec![]),
        ],
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever it is called and whatever AWS says: a heading, a table of five
    /// columns with a line for each service, five folded blocks, and no more.
    #[test]
    fn nothing_breaks_out(texts in proptest::collection::vec(hostile(), 1..12)) {
        let plan = hostile_plan(&texts);
        let markdown = comment(&[&plan]);
        let read = read(&markdown);
        prop_assert_eq!(read.headings, 1);
        prop_assert_eq!(read.rows.len(), 5, "{}", markdown);
        for (row, service) in read.rows.iter().zip(plan.services()) {
            prop_assert_eq!(row.len(), 5, "{}", markdown);
            let name = defuse(&shorten(&service.name, NAME));
            if !name.is_empty() {
                prop_assert_eq!(&row[1].0[0], &name);
            }
        }
        prop_assert_eq!((read.summaries, read.blocks.len()), (5, 5), "{}", markdown);
        // A runner takes a line for a command wherever in it the words begin.
        for line in markdown.lines() {
            let line = line.trim_start();
            prop_assert!(!line.starts_with("::") && !line.starts_with("##["), "{}", line);
            prop_assert!(!line.chars().any(char::is_control), "{:?}", line);
        }
    }

}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_cut_is_whole_in_its_parts(
        texts in proptest::collection::vec(hostile(), 1..6),
        services in 1usize..60,
        long in 0usize..200,
    ) {
        let mut text = texts.clone();
        text.push("x ".repeat(long));
        let one = hostile_plan(&text);
        let services: Vec<ServicePlan> =
            one.services().iter().cycle().take(services).cloned().collect();
        let changes = plan_of("prod", services.iter().filter(|one| !matches!(one.verdict, Verdict::Blocked(_) | Verdict::Suspended(_))).cloned().collect());
        let plans = [plan_of(&texts[0], services.clone()), changes, plan_of("last", services)];
        let markdown = comment(&plans.each_ref());
        prop_assert!(markdown.len() < MOST, "{}", markdown.len());
        let read = read(&markdown);
        let is_cut = markdown.contains("**Cut to fit a comment:**");
        prop_assert!(read.rows.iter().all(|row| row.len() == 5));
        let all: usize = plans.iter().map(|plan| plan.services().len()).sum();
        prop_assert!(is_cut || read.rows.len() == all);
        prop_assert!(read.summaries <= read.blocks.len());
    }
}

/// An environment of so many services, each of which says so much.
fn large(services: usize, length: usize, in_sync: usize) -> Plan {
    let scene = (0..services + in_sync).fold(Scene::default(), |scene, n| {
        let live =
            json!([{"name": "app", "image": format!("{REGISTRY}/web:1@{}", digest('a')), "command": ["old"]}]);
        scene.service(&format!("service-{n}"), live)
    });
    let file: String = (0..services + in_sync)
        .map(|n| {
            if n < services {
                let words: Vec<String> =
                    (0..length).map(|word| format!("\"word{word}\"")).collect();
                format!(
                    "[services.service-{n}]\ncontainers.app.command = [{}]\n",
                    words.join(", ")
                )
            } else {
                format!("[services.service-{n}]\nimage = \"{REGISTRY}/web:1\"\n")
            }
        })
        .collect();
    scene.plan(&declared(&file))
}

#[test]
fn what_does_not_fit_is_said_and_carries_no_hash() {
    let plan = large(3, 10, 2);
    let whole = comment(&[&plan]);
    assert!(whole.contains(plan.hash().short()), "{whole}");

    // Long details: the table stays whole, the last line of a block counts.
    let plan = large(2, 6_000, 2);
    let markdown = comment(&[&plan]);
    assert!(markdown.len() < MOST, "{}", markdown.len());
    assert!(markdown.len() > MOST - 2 * LEAST, "{}", markdown.len());
    let found = read(&markdown);
    assert_eq!(found.rows.len(), 4);
    assert_eq!(found.blocks.len(), 1);
    assert!(
        found.blocks[0].trim_end().ends_with(" more lines"),
        "{markdown}"
    );
    let end = &markdown[markdown.rfind("**Cut").expect("a notice")..];
    assert_snapshot!(end, @"**Cut to fit a comment:** some of the details are not here. `evenkeel plan prod` prints all of it. What cannot be seen whole carries no hash to approve it by.");
    assert!(!markdown.contains("--expect"));

    // Many services: those that are in sync go first.
    let plan = large(200, 1, 1_000);
    let markdown = comment(&[&plan]);
    assert!(markdown.len() < MOST, "{}", markdown.len());
    let found = read(&markdown);
    assert!(found.rows[..200].iter().all(|row| row[0].1 == "~ change"));
    assert!(found.rows.len() > 400, "{}", found.rows.len());
    let end = &markdown[markdown.rfind("**Cut").expect("a notice")..];
    assert_snapshot!(end, @"**Cut to fit a comment:** 718 services that are in sync are not here. `evenkeel plan prod` prints all of it. What cannot be seen whole carries no hash to approve it by.");
    assert!(!markdown.contains("--expect"));
}

#[test]
fn an_environment_that_is_whole_keeps_its_hash_beside_one_that_is_not() {
    let (small, big) = (large(1, 3, 0), large(2, 6_000, 0));
    let markdown = comment(&[&big, &small]);
    assert!(markdown.len() < MOST, "{}", markdown.len());
    assert_eq!(markdown.matches("--expect").count(), 1);
    assert!(markdown.contains(small.hash().short()));
    let many = vec![&small; 300];
    let markdown = comment(&many);
    assert!(markdown.len() < MOST, "{}", markdown.len());
    assert!(markdown.contains("more environments"));
    read(&markdown);
}
