//! Looking images up in ECR.

use std::collections::BTreeMap;

use aws_sdk_ecr::types::{ImageIdentifier, ListImagesFilter, TagStatus};
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
use serde::Deserialize;
use tracing::info;

use super::error::Error;
use super::read::{Reader, spread};
use crate::model::{Digest, EcrRepository, Platform};
use crate::observed::{Image, ImageId, Seen, Sight, Unreadable};

/// BatchGetImage takes a hundred images of one repository (API reference).
pub(super) const IMAGES_A_CALL: usize = 100;

/// Pages of a thousand tags read for an error message that names the near ones.
const TAG_PAGES: usize = 5;

/// Every kind of manifest: the registry converts or refuses what is not
/// accepted, and a converted manifest has another digest.
const MEDIA_TYPES: [&str; 5] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
    "application/vnd.docker.distribution.manifest.v1+prettyjws",
];

pub(super) async fn images(
    reader: &Reader,
    repository: EcrRepository,
    ids: Vec<ImageId>,
) -> Result<Vec<Sight>, Error> {
    const ACTION: &str = "ecr:BatchGetImage";
    reader
        .connection
        .allowance_in(&repository.region)
        .take(ACTION)
        .await;
    let _turn = reader.place().await;
    info!(repository = %repository.name, images = ids.len(), "{ACTION}");
    let sent = reader
        .connection
        .registry(&repository.region)
        .batch_get_image()
        .registry_id(repository.account.as_str())
        .repository_name(&repository.name)
        .set_image_ids(Some(ids.iter().map(identifier).collect()))
        .set_accepted_media_types(Some(MEDIA_TYPES.map(str::to_owned).to_vec()))
        .send()
        .await;
    let answer = match sent {
        Ok(answer) => answer,
        Err(error) => {
            let missing = error.code() == Some("RepositoryNotFoundException");
            let error = Error::from_sdk(ACTION, &error);
            let sight = |id, why| Sight::Image(repository.clone(), id, Seen::Unreadable(why));
            if missing {
                let why = no_repository(&repository);
                return Ok(ids.into_iter().map(|id| sight(id, why.clone())).collect());
            }
            return spread(error, ids, sight);
        }
    };
    let mut by_tag = BTreeMap::new();
    let mut by_digest = BTreeMap::new();
    for image in answer.images() {
        let Some(id) = image.image_id() else { continue };
        let Some(Ok(digest)) = id.image_digest().map(str::parse::<Digest>) else {
            continue;
        };
        let found = Image {
            digest: digest.clone(),
            platforms: platforms(image.image_manifest()),
        };
        if let Some(tag) = id.image_tag() {
            by_tag.insert(tag.to_owned(), found.clone());
        }
        by_digest.insert(digest, found);
    }
    let refused = |id: &ImageId| {
        answer.failures().iter().find(|failure| {
            failure.image_id().is_some_and(|failed| match id {
                ImageId::Tag(tag) => failed.image_tag() == Some(tag),
                ImageId::Digest(digest) => failed.image_digest() == Some(digest.as_str()),
            })
        })
    };
    Ok(ids
        .into_iter()
        .map(|id| {
            let found = match &id {
                ImageId::Tag(tag) => by_tag.get(tag),
                ImageId::Digest(digest) => by_digest.get(digest),
            };
            let seen = match (found, refused(&id)) {
                (Some(image), _) => Seen::Found(image.clone()),
                (None, Some(failure))
                    if failure
                        .failure_code()
                        .is_some_and(|c| c.as_str() != "ImageNotFound") =>
                {
                    Seen::Unreadable(Unreadable {
                        why: format!(
                            "{ACTION} says: {}",
                            failure.failure_reason().unwrap_or("no reason")
                        ),
                        hint: None,
                    })
                }
                (None, _) => Seen::Missing,
            };
            Sight::Image(repository.clone(), id, seen)
        })
        .collect())
}

pub(super) async fn tags(reader: &Reader, repository: EcrRepository) -> Result<Vec<Sight>, Error> {
    const ACTION: &str = "ecr:ListImages";
    let _turn = reader.place().await;
    info!(repository = %repository.name, "{ACTION}");
    let mut tags = Vec::new();
    let mut pages = reader
        .connection
        .registry(&repository.region)
        .list_images()
        .registry_id(repository.account.as_str())
        .repository_name(&repository.name)
        .filter(
            ListImagesFilter::builder()
                .tag_status(TagStatus::Tagged)
                .build(),
        )
        .max_results(1000)
        .into_paginator()
        .send();
    for _ in 0..TAG_PAGES {
        match pages.next().await {
            None => break,
            Some(Ok(page)) => tags.extend(
                page.image_ids()
                    .iter()
                    .filter_map(|id| id.image_tag().map(str::to_owned)),
            ),
            Some(Err(error)) => {
                let error = Error::from_sdk(ACTION, &error);
                return spread(error, [repository], |repository, why| {
                    Sight::ImageTags(repository, Seen::Unreadable(why))
                });
            }
        }
    }
    Ok(vec![Sight::ImageTags(repository, Seen::Found(tags))])
}

fn no_repository(repository: &EcrRepository) -> Unreadable {
    Unreadable {
        why: format!(
            "the registry of account {} in {} has no repository {:?}",
            repository.account, repository.region, repository.name
        ),
        hint: Some("check the image's account, region and repository".into()),
    }
}

fn identifier(id: &ImageId) -> ImageIdentifier {
    match id {
        ImageId::Tag(tag) => ImageIdentifier::builder().image_tag(tag).build(),
        ImageId::Digest(digest) => ImageIdentifier::builder()
            .image_digest(digest.as_str())
            .build(),
    }
}

/// What an image index holds for which platform. Build attestations lie in the
/// index as if they were images, for the platform `unknown/unknown`.
fn platforms(manifest: Option<&str>) -> Vec<(Platform, Digest)> {
    #[derive(Deserialize)]
    struct Index {
        #[serde(default)]
        manifests: Vec<Entry>,
    }
    #[derive(Deserialize)]
    struct Entry {
        digest: Digest,
        platform: Option<Platform>,
    }
    let Some(Ok(index)) = manifest.map(serde_json::from_str::<Index>) else {
        return Vec::new();
    };
    index
        .manifests
        .into_iter()
        .filter_map(|entry| Some((entry.platform?, entry.digest)))
        .filter(|(platform, _)| platform.os != "unknown")
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_index_tells_its_platforms_and_hides_attestations() {
        let digest = |c: char| format!("sha256:{}", c.to_string().repeat(64));
        let index = serde_json::json!({
            "schemaVersion": 2,
            "manifests": [
                {"digest": digest('a'), "size": 1, "platform": {"os": "linux", "architecture": "amd64"}},
                {"digest": digest('b'), "size": 1, "platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
                {"digest": digest('c'), "size": 1, "platform": {"os": "unknown", "architecture": "unknown"}},
            ],
        });
        let names: Vec<String> = platforms(Some(&index.to_string()))
            .iter()
            .map(|(p, _)| p.to_string())
            .collect();
        assert_eq!(names, ["linux/amd64", "linux/arm64"]);
        assert_eq!(platforms(Some(r#"{"schemaVersion":2,"config":{}}"#)), []);
        assert_eq!(platforms(Some("not json")), []);
        assert_eq!(platforms(None), []);
    }
}
