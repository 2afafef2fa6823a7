//! CloudWatch Logs, as far as somebody reads what tasks wrote. Nothing is
//! kept: what a container says follows from its task.

mod events;
mod lines;
mod streams;

use serde_json::{Map, Value, json};

use super::context::{Context, listed};
use super::wire::{Answer, Refusal, unknown};
use streams::Stream;

pub(super) fn answer(operation: &str, context: &mut Context) -> Answer {
    match operation {
        "DescribeLogGroups" => groups(context),
        "DescribeLogStreams" => describe_streams(context),
        "GetLogEvents" => events::get(context),
        "FilterLogEvents" => events::filter(context),
        _ => Err(unknown(&format!(
            "the sandbox's CloudWatch Logs has no operation {operation}"
        ))),
    }
}

/// The log group that a request names, by name or by ARN.
fn group<'a>(context: &Context<'a>) -> Result<&'a str, Refusal> {
    let named = match context.text("logGroupIdentifier") {
        Some(text) => text
            .rsplit_once("log-group:")
            .map_or(text, |(_, name)| name),
        None => context.required("logGroupName")?,
    };
    let name = named.strip_suffix(":*").unwrap_or(named);
    if streams::groups(context).contains_key(name) {
        return Ok(name);
    }
    Err(Refusal::new(
        "ResourceNotFoundException",
        "The specified log group does not exist.",
    ))
}

fn arn(context: &Context, group: &str) -> String {
    context.scope.arn("logs", &format!("log-group:{group}"))
}

fn groups(context: &mut Context) -> Answer {
    let prefix = context.text("logGroupNamePrefix").unwrap_or_default();
    let part = context.text("logGroupNamePattern").unwrap_or_default();
    let found: Vec<Value> = streams::groups(context)
        .into_iter()
        .filter(|(name, _)| name.starts_with(prefix) && name.contains(part))
        .map(|(name, since)| {
            let arn = arn(context, &name);
            json!({
                "logGroupName": name, "creationTime": since, "metricFilterCount": 0,
                "arn": format!("{arn}:*"), "storedBytes": 0, "logGroupClass": "STANDARD", "logGroupArn": arn,
            })
        })
        .collect();
    Ok(listed(
        "logGroups",
        context.page_of("limit", found, 50, 50)?,
    ))
}

fn describe_streams(context: &mut Context) -> Answer {
    let group = group(context)?;
    let prefix = context.text("logStreamNamePrefix").unwrap_or_default();
    let mut found: Vec<Stream> = streams::of(context, group);
    found.retain(|stream| stream.name.starts_with(prefix));
    if context.text("orderBy") == Some("LastEventTime") {
        found.sort_by_key(|stream| stream.lines.last().map(|line| line.at));
    }
    if context.flag("descending") {
        found.reverse();
    }
    let arn = arn(context, group);
    let found: Vec<Value> = found.iter().map(|stream| describe(stream, &arn)).collect();
    Ok(listed(
        "logStreams",
        context.page_of("limit", found, 50, 50)?,
    ))
}

fn describe(stream: &Stream, group: &str) -> Value {
    let mut view = Map::new();
    let mut put = |key: &str, value: Value| view.insert(key.to_owned(), value);
    put("logStreamName", stream.name.clone().into());
    put("creationTime", stream.since.into());
    if let (Some(first), Some(last)) = (stream.lines.first(), stream.lines.last()) {
        put("firstEventTimestamp", first.at.into());
        put("lastEventTimestamp", last.at.into());
        put("lastIngestionTime", last.ingested().into());
    }
    put(
        "uploadSequenceToken",
        super::ids::digits(&stream.name).into(),
    );
    put("arn", format!("{group}:log-stream:{}", stream.name).into());
    put("storedBytes", 0.into());
    Value::Object(view)
}
