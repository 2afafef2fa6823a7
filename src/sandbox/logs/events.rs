//! The lines of a log: one stream's by page, or many streams' by pattern.

use serde_json::{Map, Value, json};

use super::super::clock::Millis;
use super::super::context::{Context, listed};
use super::super::ids;
use super::super::wire::{Answer, Refusal};
use super::lines::Line;
use super::{group, streams};

const MOST: usize = 10_000;

/// Whether a line is of the time that a request asks for.
fn timely(context: &Context) -> impl Fn(&Line) -> bool + use<> {
    let bound = |key: &str| context.body.get(key).and_then(Value::as_i64);
    let (from, to): (Option<Millis>, Option<Millis>) = (bound("startTime"), bound("endTime"));
    move |line| from.is_none_or(|from| line.at >= from) && to.is_none_or(|to| line.at < to)
}

fn limit(context: &Context) -> Result<usize, Refusal> {
    let limit = context.count("limit")?.map_or(MOST, |limit| limit as usize);
    if limit == 0 || limit > MOST {
        return Err(Refusal::parameter(format!(
            "1 validation error detected: Value '{limit}' at 'limit' failed to satisfy constraint: \
             Member must have value between 1 and {MOST}"
        )));
    }
    Ok(limit)
}

/// A page of one stream: the last lines unless the first are asked for. The
/// token of the page behind the end is the one that was sent.
pub(super) fn get(context: &mut Context) -> Answer {
    let group = group(context)?;
    let name = context.required("logStreamName")?;
    let streams = streams::of(context, group);
    let stream = streams.into_iter().find(|stream| stream.name == name);
    let mut lines = stream
        .ok_or_else(|| {
            Refusal::new(
                "ResourceNotFoundException",
                "The specified log stream does not exist.",
            )
        })?
        .lines;
    lines.retain(timely(context));
    let limit = limit(context)?;
    let total = lines.len();
    let (start, end) = match context.text("nextToken").map(position) {
        Some(Some((true, at))) => (at.min(total), at.saturating_add(limit).min(total)),
        Some(Some((false, at))) => (at.min(total).saturating_sub(limit), at.min(total)),
        Some(None) => {
            return Err(Refusal::parameter("The specified nextToken is invalid."));
        }
        None if context.flag("startFromHead") => (0, limit.min(total)),
        None => (total.saturating_sub(limit), total),
    };
    let shown = lines.iter().take(end).skip(start).map(event);
    Ok(json!({
        "events": shown.collect::<Value>(),
        "nextForwardToken": format!("f/{end:056}/s"),
        "nextBackwardToken": format!("b/{start:056}/s"),
    }))
}

/// Whether a token leads forward, and from where.
fn position(token: &str) -> Option<(bool, usize)> {
    let mut parts = token.split('/');
    let forward = match parts.next()? {
        "f" => true,
        "b" => false,
        _ => return None,
    };
    Some((forward, parts.next()?.parse().ok()?))
}

fn event(line: &Line) -> Value {
    json!({"timestamp": line.at, "message": line.text, "ingestionTime": line.ingested()})
}

/// The lines of several streams, by time.
pub(super) fn filter(context: &mut Context) -> Answer {
    let group = group(context)?;
    let (names, prefix) = (
        context.texts("logStreamNames"),
        context.text("logStreamNamePrefix"),
    );
    let pattern = Pattern::parse(context.text("filterPattern").unwrap_or_default())?;
    let timely = timely(context);
    let mut found: Vec<(Millis, Value)> = Vec::new();
    for stream in streams::of(context, group) {
        let named = names.is_empty() || names.contains(&stream.name.as_str());
        if !named || prefix.is_some_and(|prefix| !stream.name.starts_with(prefix)) {
            continue;
        }
        for (number, line) in stream.lines.iter().enumerate() {
            if !timely(line) || !pattern.fits(&line.text) {
                continue;
            }
            let mut view = Map::new();
            view.insert("logStreamName".to_owned(), stream.name.clone().into());
            if let Value::Object(event) = event(line) {
                view.extend(event);
            }
            let seed = format!("{} {number}", stream.name);
            let id = format!(
                "{}{}",
                ids::digits(&seed),
                ids::digits(&format!("{seed} id"))
            );
            view.insert("eventId".to_owned(), id.into());
            found.push((line.at, Value::Object(view)));
        }
    }
    found.sort_by_key(|(at, _)| *at);
    let found: Vec<Value> = found.into_iter().map(|(_, event)| event).collect();
    let mut answer = listed("events", context.page_of("limit", found, MOST, MOST)?);
    answer["searchedLogStreams"] = json!([]);
    Ok(answer)
}

/// A filter pattern for unstructured lines: words that all must be there,
/// `?words` of which one must, `-words` that must not; `"…"` is one word.
struct Pattern {
    all: Vec<String>,
    any: Vec<String>,
    none: Vec<String>,
}

impl Pattern {
    fn parse(text: &str) -> Result<Self, Refusal> {
        if text.trim_start().starts_with(['{', '[', '%']) {
            return Err(Refusal::parameter(
                "Invalid filter pattern: the sandbox knows only patterns of words.",
            ));
        }
        let mut pattern = Self {
            all: Vec::new(),
            any: Vec::new(),
            none: Vec::new(),
        };
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            let list = match rest.as_bytes()[0] {
                b'?' => &mut pattern.any,
                b'-' => &mut pattern.none,
                _ => &mut pattern.all,
            };
            let word = rest.trim_start_matches(['?', '-']);
            let (word, behind) = match word.strip_prefix('"') {
                Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
                None => word.split_once(char::is_whitespace).unwrap_or((word, "")),
            };
            list.push(word.to_owned());
            rest = behind.trim_start();
        }
        Ok(pattern)
    }

    fn fits(&self, line: &str) -> bool {
        let has = |word: &String| line.contains(word.as_str());
        self.all.iter().all(has)
            && (self.any.is_empty() || self.any.iter().any(has))
            && !self.none.iter().any(has)
    }
}
