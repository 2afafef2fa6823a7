//! Looking up whether things beside ECS and ECR are there. What may not be
//! asked is no failure of anything else.

use aws_sdk_elasticloadbalancingv2 as elb;
use aws_sdk_secretsmanager as secrets;
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
use tracing::info;

use super::error::Error;
use super::read::Reader;
use crate::observed::{Outside, OutsideKind, Seen, Sight};

/// Pages of log groups whose names begin alike.
const PAGES: usize = 10;

pub(super) async fn look(reader: &Reader, outside: Outside) -> Result<Vec<Sight>, Error> {
    let found = match outside.kind {
        OutsideKind::Secret => secret(reader, &outside).await,
        OutsideKind::LogGroup => log_group(reader, &outside).await,
        OutsideKind::TargetGroup => target_group(reader, &outside).await,
    };
    let seen = match found {
        Ok(true) => Seen::Found(()),
        Ok(false) => Seen::Missing,
        // Without credentials nothing else can be asked, either.
        Err(error @ Error::Credentials { .. }) => return Err(error),
        Err(error) => Seen::Unreadable(error.into()),
    };
    Ok(vec![Sight::Outside(outside, seen)])
}

/// Metadata alone: a secret's value is never read.
async fn secret(reader: &Reader, outside: &Outside) -> Result<bool, Error> {
    const ACTION: &str = "secretsmanager:DescribeSecret";
    let _turn = reader.turn(ACTION).await;
    info!(secret = %outside.id, "{ACTION}");
    let client = secrets::Client::from_conf(
        secrets::config::Builder::from(reader.connection.config())
            .region(secrets::config::Region::new(outside.region.to_string()))
            .interceptor(super::raw::ReadsOnly)
            .build(),
    );
    match client.describe_secret().secret_id(&outside.id).send().await {
        // One that is to be deleted cannot be read by a task.
        Ok(answer) => Ok(answer.deleted_date().is_none()),
        Err(error) if error.code() == Some("ResourceNotFoundException") => Ok(false),
        Err(error) => Err(Error::from_sdk(ACTION, &error)),
    }
}

async fn target_group(reader: &Reader, outside: &Outside) -> Result<bool, Error> {
    const ACTION: &str = "elasticloadbalancing:DescribeTargetGroups";
    let _turn = reader.turn(ACTION).await;
    info!(group = %outside.id, "{ACTION}");
    let client = elb::Client::from_conf(
        elb::config::Builder::from(reader.connection.config())
            .region(elb::config::Region::new(outside.region.to_string()))
            .interceptor(super::raw::ReadsOnly)
            .build(),
    );
    let groups = client.describe_target_groups();
    match groups.target_group_arns(&outside.id).send().await {
        Ok(answer) => Ok(!answer.target_groups().is_empty()),
        Err(error) if error.code() == Some("TargetGroupNotFound") => Ok(false),
        Err(error) => Err(Error::from_sdk(ACTION, &error)),
    }
}

async fn log_group(reader: &Reader, outside: &Outside) -> Result<bool, Error> {
    const ACTION: &str = "logs:DescribeLogGroups";
    let _turn = reader.turn(ACTION).await;
    info!(group = %outside.id, "{ACTION}");
    let mut pages = reader
        .connection
        .logs(&outside.region)
        .describe_log_groups()
        .log_group_name_prefix(&outside.id)
        .into_paginator()
        .send();
    for _ in 0..PAGES {
        match pages.next().await {
            None => break,
            Some(Ok(page)) => {
                let is = |name: Option<&str>| name == Some(outside.id.as_str());
                if page
                    .log_groups()
                    .iter()
                    .any(|group| is(group.log_group_name()))
                {
                    return Ok(true);
                }
            }
            Some(Err(error)) => return Err(Error::from_sdk(ACTION, &error)),
        }
    }
    Ok(false)
}
