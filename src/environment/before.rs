//! `rollout.before`: the tasks to run before a rollout.

use toml::de::DeValue;

use super::desired::OneOff;
use super::keys;
use super::mistakes::Mistake;
use super::show::brief;
use super::source::Source;
use super::walk::{Entry, Findings, Table};

const EXAMPLE: &str =
    r#"write before = [{ container = "app", command = ["npm", "run", "migrate"] }]"#;

/// The tasks in the file's order. Those with mistakes are left out.
pub(super) fn read(
    entry: &Entry<'_>,
    service: &str,
    source: &Source,
    found: &mut Findings<'_>,
) -> Vec<OneOff> {
    let Some(list) = entry.list(found, EXAMPLE) else {
        return Vec::new();
    };
    let mut tasks = Vec::new();
    for item in list {
        let Some(table) = item.table(found, || EXAMPLE.to_owned()) else {
            continue;
        };
        tasks.extend(one(&item, table, service, source, found));
    }
    tasks
}

fn one(
    item: &Entry<'_>,
    mut table: Table<'_>,
    service: &str,
    source: &Source,
    found: &mut Findings<'_>,
) -> Option<OneOff> {
    let container = table.take("container");
    let command = table.take("command");
    let meant = table.refuse_rest(&keys::BEFORE, found);
    for (name, entry) in [("container", &container), ("command", &command)] {
        if entry.is_none() && !meant.contains(name) {
            found.add_missing(
                Mistake::new(
                    item.span.clone(),
                    format!("a task before the rollout of `{service}` has no `{name}`"),
                )
                .help(EXAMPLE.to_owned()),
            );
        }
    }
    let at = container
        .as_ref()
        .map(|container| source.location(container.span.start));
    let container = container.and_then(|entry| {
        let name = entry.string(found, |_| None, "write the container's name in quotes")?;
        if name.is_empty() {
            found.add(
                Mistake::new(entry.span.clone(), "`container` is empty").help(EXAMPLE.to_owned()),
            );
            return None;
        }
        Some(name.to_owned())
    });
    let command = command.and_then(|entry| words(&entry, found));
    Some(OneOff {
        container: container?,
        command: command?,
        at: at?,
    })
}

/// A command's words. ECS runs them as they are, without a shell.
fn words(entry: &Entry<'_>, found: &mut Findings<'_>) -> Option<Vec<String>> {
    let example = match entry.value {
        DeValue::String(line) => {
            let words: Vec<String> = line
                .split_whitespace()
                .map(|word| format!("{word:?}"))
                .collect();
            format!("write [{}]", brief(&words.join(", ")))
        }
        _ => r#"write ["npm", "run", "migrate"]"#.to_owned(),
    };
    let list = entry.list(found, &example)?;
    if list.is_empty() {
        found.add(
            Mistake::new(entry.span.clone(), "`command` is empty")
                .help(r#"write ["npm", "run", "migrate"]"#.to_owned()),
        );
        return None;
    }
    // Every word is looked at, so that all mistakes are found at once.
    let words: Vec<Option<String>> = list
        .iter()
        .map(|word| {
            let unquoted = |raw: &str| Some(format!("write \"{raw}\""));
            word.string(found, unquoted, "each word is a string")
                .map(str::to_owned)
        })
        .collect();
    words.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use crate::environment::parse;

    fn file(rollout: &str) -> String {
        format!(
            "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"shop\"\n\
             [services.web]\nimage = \"web:1\"\n[services.web.rollout]\n{rollout}\n"
        )
    }

    #[test]
    fn tasks_are_read_in_order() {
        let file = file(
            "before = [\n  { container = \"app\", command = [\"npm\", \"run\", \"migrate\"] },\n  \
             { container = \"app\", command = [\"warm\"] },\n]",
        );
        let desired = parse("prod.toml", "prod", &file).expect("no mistakes");
        let before = &desired.services[0].before;
        assert_eq!(before[0].container, "app");
        assert_eq!(before[0].command, ["npm", "run", "migrate"]);
        assert_eq!(before[0].at.to_string(), "prod.toml:8:17");
        assert_eq!(before[1].command, ["warm"]);
    }

    #[test]
    fn every_mistake_says_what_to_write() {
        for (rollout, says) in [
            (
                "before = \"npm run migrate\"",
                "must be a list, not a string",
            ),
            (
                "before = { container = \"app\" }",
                "must be a list, not a table",
            ),
            ("before = [\"npm\"]", "must be a table, not a string"),
            (
                "before = [{ container = \"app\", command = \"npm run migrate\" }]",
                "hint: write [\"npm\", \"run\", \"migrate\"]",
            ),
            (
                "before = [{ container = \"app\", command = [1] }]",
                "hint: write \"1\"",
            ),
            (
                "before = [{ container = \"app\", command = [] }]",
                "`command` is empty",
            ),
            (
                "before = [{ container = \"\", command = [\"x\"] }]",
                "`container` is empty",
            ),
            ("before = [{ container = \"app\" }]", "has no `command`"),
            (
                "before = [{ comand = [\"x\"], container = \"app\" }]",
                "did you mean `command`?",
            ),
            (
                "before = [{ container = \"app\", command = [\"x\"], timeout = \"5m\" }]",
                "write it under [services.NAME.rollout]",
            ),
        ] {
            let mistakes = parse("prod.toml", "prod", &file(rollout)).expect_err(rollout);
            let text = mistakes.render(false, 80);
            assert!(text.contains(says), "{rollout}\n{text}");
            assert!(!text.contains("\n2 | region"), "located\n{text}");
        }
    }

    #[test]
    fn one_task_for_all_services_is_refused() {
        let file = file("").replace(
            "[services.web]\n",
            "[rollout]\nbefore = []\n[services.web]\n",
        );
        let mistakes = parse("prod.toml", "prod", &file).expect_err("a mistake");
        let text = mistakes.render(false, 80);
        assert!(
            text.contains("write it under [services.NAME.rollout]"),
            "{text}"
        );
    }
}
