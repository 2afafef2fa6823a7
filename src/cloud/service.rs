//! Looking up what DescribeServices does not tell of a service: its revisions
//! and its tags.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};
use tracing::info;

use super::error::Error;
use super::raw::KeepResponse;
use super::read::{Reader, spread};
use crate::model::{Digest, RevisionArn, ServiceArn, ServiceRevisionArn};
use crate::observed::{RunningImage, Seen, ServiceRevision, Sight};

/// DescribeServiceRevisions takes twenty (API reference).
pub(super) const REVISIONS_A_CALL: usize = 20;

/// At most [`REVISIONS_A_CALL`] of them.
pub(super) async fn revisions(
    reader: &Reader,
    arns: Vec<ServiceRevisionArn>,
) -> Result<Vec<Sight>, Error> {
    let _turn = reader.place().await;
    let names = arns.iter().map(ToString::to_string).collect();
    let mut found = match described(reader, names).await {
        Ok(found) => found,
        Err(error) => {
            return spread(error, arns, |arn, why| {
                Sight::RunningImages(arn, Seen::Unreadable(why))
            });
        }
    };
    Ok(arns
        .into_iter()
        .map(|arn| {
            let seen = found
                .remove(arn.as_str())
                .map_or(Seen::Missing, Seen::Found);
            Sight::RunningImages(arn, seen)
        })
        .collect())
}

/// One call: the service revisions that there are, by their ARNs.
pub(super) async fn described(
    reader: &Reader,
    arns: Vec<String>,
) -> Result<BTreeMap<String, ServiceRevision>, Error> {
    const ACTION: &str = "ecs:DescribeServiceRevisions";
    reader.pace(ACTION).await;
    info!(revisions = arns.len(), "{ACTION}");
    let keep = KeepResponse::default();
    reader
        .ecs
        .describe_service_revisions()
        .set_service_revision_arns(Some(arns))
        .customize()
        .interceptor(keep.clone())
        .send()
        .await
        .map_err(|error| Error::from_sdk(ACTION, &error))?;
    let answer: Described =
        serde_json::from_slice(&keep.take().body).map_err(|error| Error::Garbled {
            action: ACTION,
            why: error.to_string(),
        })?;
    Ok(answer
        .service_revisions
        .into_iter()
        .filter_map(|revision| {
            let arn = revision.get("serviceRevisionArn")?.as_str()?.to_owned();
            Some((arn, read(revision)?))
        })
        .collect())
}

/// One that cannot be read tells nothing; the others do.
fn read(document: Map<String, Value>) -> Option<ServiceRevision> {
    let told = Told::deserialize(&document).ok()?;
    Some(ServiceRevision {
        task_definition: told.task_definition,
        created_at: told.created_at.map_or(0, |at| at as i64),
        images: told
            .container_images
            .into_iter()
            .filter_map(|image| {
                Some(RunningImage {
                    container: image.container_name?,
                    digest: image.image_digest?.parse::<Digest>().ok()?,
                })
            })
            .collect(),
        document,
    })
}

pub(super) async fn tags(reader: &Reader, arn: ServiceArn) -> Result<Vec<Sight>, Error> {
    const ACTION: &str = "ecs:ListTagsForResource";
    let _turn = reader.turn(ACTION).await;
    info!(service = %arn, "{ACTION}");
    let keep = KeepResponse::default();
    let sent = reader
        .ecs
        .list_tags_for_resource()
        .resource_arn(arn.as_str())
        .customize()
        .interceptor(keep.clone())
        .send()
        .await;
    if let Err(error) = sent {
        return spread(Error::from_sdk(ACTION, &error), [arn], |arn, why| {
            Sight::ServiceTags(arn, Seen::Unreadable(why))
        });
    }
    let answer: Tagged =
        serde_json::from_slice(&keep.take().body).map_err(|error| Error::Garbled {
            action: ACTION,
            why: error.to_string(),
        })?;
    Ok(vec![Sight::ServiceTags(arn, Seen::Found(answer.tags))])
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Described {
    #[serde(default)]
    service_revisions: Vec<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    task_definition: RevisionArn,
    created_at: Option<f64>,
    #[serde(default)]
    container_images: Vec<ToldImage>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToldImage {
    container_name: Option<String>,
    image_digest: Option<String>,
}

#[derive(Deserialize)]
struct Tagged {
    #[serde(default)]
    tags: Vec<Value>,
}
