//! Images of one repository: put, got, described, listed.

use serde_json::{Map, Value, json};

use super::super::clock::{Millis, timestamp};
use super::super::context::{Context, listed};
use super::super::manifest::{self, DOCKER_LIST, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST};
use super::super::state::{Image, Manifest, Repository};
use super::super::wire::{Answer, Refusal};
use super::super::{behaviour, ids};
use super::repository;

/// Puts the image that a seed makes into a repository, under the tag. Its
/// digest is the hash of its index, unless another is demanded.
pub(in super::super) fn insert(
    repository: &mut Repository,
    seed: &str,
    tag: Option<&str>,
    demanded: Option<&str>,
    now: Millis,
) -> String {
    let mut digest = String::new();
    let manifests = manifest::image(seed);
    let last = manifests.len().saturating_sub(1);
    for (part, made) in manifests.into_iter().enumerate() {
        digest = match demanded.filter(|_| part == last) {
            Some(demanded) => demanded.to_owned(),
            None => made.digest,
        };
        let image = Image {
            manifest: Manifest::Made {
                seed: seed.to_owned(),
                part,
            },
            media_type: made.media_type.to_owned(),
            pushed_at: now,
        };
        repository.images.entry(digest.clone()).or_insert(image);
    }
    if let Some(tag) = tag {
        repository.tags.insert(tag.to_owned(), digest.clone());
    }
    digest
}

pub(super) fn put(context: &mut Context) -> Answer {
    let text = context.required("imageManifest")?;
    let document: Value = serde_json::from_str(text)
        .map_err(|_| Refusal::parameter("Invalid parameter at 'ImageManifest' failed to satisfy constraint: 'Invalid JSON syntax'"))?;
    let declared = context
        .text("imageManifestMediaType")
        .or(document.get("mediaType").and_then(Value::as_str));
    let media_type = declared.unwrap_or(DOCKER_MANIFEST).to_owned();
    let digest = manifest::digest(text);
    if let Some(wanted) = context
        .text("imageDigest")
        .filter(|wanted| *wanted != digest)
    {
        return Err(Refusal::new(
            "ImageDigestDoesNotMatchException",
            format!(
                "The provided digest '{wanted}' does not match the calculated digest '{digest}'"
            ),
        ));
    }
    let (tag, now) = (context.text("imageTag"), context.now);
    let repository = repository(context)?;
    let mutable = repository
        .settings
        .get("imageTagMutability")
        .is_none_or(|m| m != "IMMUTABLE");
    let current = tag.and_then(|tag| repository.tags.get(tag));
    let there =
        repository.images.contains_key(&digest) && (tag.is_none() || current == Some(&digest));
    if there {
        return Err(Refusal::new(
            "ImageAlreadyExistsException",
            "The image with the digest and tag already exists.",
        ));
    }
    if let Some(tag) = tag.filter(|_| current.is_some() && !mutable) {
        return Err(Refusal::new(
            "ImageTagAlreadyExistsException",
            format!(
                "The image tag '{tag}' already exists and cannot be overwritten because the repository is immutable."
            ),
        ));
    }
    let image = Image {
        manifest: Manifest::Sent(text.to_owned()),
        media_type,
        pushed_at: now,
    };
    repository.images.entry(digest.clone()).or_insert(image);
    if let Some(tag) = tag {
        repository.tags.insert(tag.to_owned(), digest.clone());
    }
    Ok(json!({"image": view(repository, &digest, tag)}))
}

/// The digest under a tag. A tag with a behaviour's word in it exists without
/// being pushed: it comes into being when it is first asked for.
pub(super) fn tagged(repository: &mut Repository, tag: &str, now: Millis) -> Option<String> {
    if let Some(digest) = repository.tags.get(tag) {
        return Some(digest.clone());
    }
    if !behaviour::tells(tag) {
        return None;
    }
    let seed = format!("{}/{}:{tag}", repository.scope.registry(), repository.name);
    Some(insert(repository, &seed, Some(tag), None, now))
}

/// The digest that an image id means.
fn found(
    repository: &mut Repository,
    id: &Value,
    now: Millis,
) -> Result<String, (&'static str, String)> {
    let text = |key: &str| id.get(key).and_then(Value::as_str);
    let absent = || ("ImageNotFound", "Requested image not found".to_owned());
    let by_tag = text("imageTag")
        .map(|tag| tagged(repository, tag, now).ok_or_else(absent))
        .transpose()?;
    match (by_tag, text("imageDigest")) {
        (None, None) => Err((
            "MissingDigestAndTag",
            "Invalid request parameters: both tag and digest cannot be null".to_owned(),
        )),
        (Some(tagged), Some(digest)) if tagged != digest => Err((
            "ImageTagDoesNotMatchDigest",
            "The image tag does not match the digest".to_owned(),
        )),
        (Some(digest), _) => Ok(digest),
        (None, Some(digest)) if repository.images.contains_key(digest) => Ok(digest.to_owned()),
        (None, Some(_)) => Err(absent()),
    }
}

pub(super) fn batch_get(context: &mut Context) -> Answer {
    let (ids, now) = (context.values("imageIds"), context.now);
    if ids.is_empty() || ids.len() > 100 {
        return Err(Refusal::parameter(
            "Between 1 and 100 image ids can be got at a time.",
        ));
    }
    let accepted = context.texts("acceptedMediaTypes");
    let repository = repository(context)?;
    let (mut images, mut failures) = (Vec::new(), Vec::new());
    for id in ids {
        let tag = id.get("imageTag").and_then(Value::as_str);
        match found(repository, id, now)
            .and_then(|digest| acceptable(repository, digest, &accepted))
        {
            Ok(digest) => images.push(view(repository, &digest, tag)),
            Err((code, reason)) => {
                failures.push(json!({"imageId": id, "failureCode": code, "failureReason": reason}));
            }
        }
    }
    Ok(json!({"images": images, "failures": failures}))
}

/// Who accepts single manifests only gets the index's first one, as ECR does;
/// who says nothing gets what is there.
fn acceptable(
    repository: &Repository,
    digest: String,
    accepted: &[&str],
) -> Result<String, (&'static str, String)> {
    let Some(image) = repository.images.get(&digest) else {
        return Ok(digest);
    };
    if accepted.is_empty() || accepted.contains(&image.media_type.as_str()) {
        return Ok(digest);
    }
    let single = accepted.contains(&OCI_MANIFEST) || accepted.contains(&DOCKER_MANIFEST);
    if [OCI_INDEX, DOCKER_LIST].contains(&image.media_type.as_str()) && single {
        let index: Option<Value> = serde_json::from_str(&manifest::text(&image.manifest)).ok();
        let first = index
            .as_ref()
            .and_then(|index| index.pointer("/manifests/0/digest")?.as_str());
        if let Some(first) = first.filter(|first| repository.images.contains_key(*first)) {
            return Ok(first.to_owned());
        }
    }
    Err((
        "ImageNotFound",
        "The image has none of the accepted media types".to_owned(),
    ))
}

fn view(repository: &Repository, digest: &str, tag: Option<&str>) -> Value {
    let mut id = json!({"imageDigest": digest});
    if let Some(tag) = tag {
        id["imageTag"] = tag.into();
    }
    let mut view = json!({
        "registryId": repository.scope.account, "repositoryName": repository.name, "imageId": id,
    });
    if let Some(image) = repository.images.get(digest) {
        view["imageManifest"] = manifest::text(&image.manifest).into();
        view["imageManifestMediaType"] = image.media_type.clone().into();
    }
    view
}

/// The tags of an image.
pub(super) fn tags_of<'a>(repository: &'a Repository, digest: &str) -> Vec<&'a str> {
    let tags = repository.tags.iter().filter(|(_, of)| *of == digest);
    tags.map(|(tag, _)| tag.as_str()).collect()
}

/// Whether the request's filter wants images with, or without, tags.
fn wants(context: &Context, tagged: bool) -> bool {
    match context
        .body
        .get("filter")
        .and_then(|filter| filter.get("tagStatus"))
        .and_then(Value::as_str)
    {
        Some("TAGGED") => tagged,
        Some("UNTAGGED") => !tagged,
        _ => true,
    }
}

pub(super) fn describe(context: &mut Context) -> Answer {
    let (ids, now) = (context.values("imageIds"), context.now);
    let (with_tags, without) = (wants(context, true), wants(context, false));
    let account = super::registry(context)?.account;
    let repository = repository(context)?;
    let mut digests = Vec::new();
    for id in ids {
        let digest = found(repository, id, now).map_err(|_| {
            let (name, shown) = (&repository.name, id.to_string());
            Refusal::new(
                "ImageNotFoundException",
                format!("The image with imageId {shown} does not exist within the repository with name '{name}' in the registry with id '{account}'"),
            )
        })?;
        digests.push(digest);
    }
    if ids.is_empty() {
        let chosen = repository.images.keys().filter(|d| {
            if tags_of(repository, d).is_empty() {
                without
            } else {
                with_tags
            }
        });
        digests = chosen.cloned().collect();
    }
    let details: Vec<Value> = digests
        .iter()
        .filter_map(|digest| detail(repository, digest))
        .collect();
    Ok(listed("imageDetails", context.page(details, 100, 1000)?))
}

fn detail(repository: &Repository, digest: &str) -> Option<Value> {
    let image = repository.images.get(digest)?;
    let mut view = Map::new();
    let mut put = |key: &str, value: Value| view.insert(key.to_owned(), value);
    put("registryId", repository.scope.account.as_str().into());
    put("repositoryName", repository.name.clone().into());
    put("imageDigest", digest.into());
    let tags = tags_of(repository, digest);
    if !tags.is_empty() {
        put("imageTags", tags.into());
    }
    put(
        "imageSizeInBytes",
        (20_000_000 + ids::number(digest) % 90_000_000).into(),
    );
    put("imagePushedAt", timestamp(image.pushed_at));
    put("imageManifestMediaType", image.media_type.clone().into());
    Some(Value::Object(view))
}

pub(super) fn list(context: &mut Context) -> Answer {
    let (with_tags, without) = (wants(context, true), wants(context, false));
    let repository = repository(context)?;
    let mut ids = Vec::new();
    for digest in repository.images.keys() {
        let tags = tags_of(repository, digest);
        if tags.is_empty() && without {
            ids.push(json!({"imageDigest": digest}));
        }
        for tag in tags.into_iter().filter(|_| with_tags) {
            ids.push(json!({"imageDigest": digest, "imageTag": tag}));
        }
    }
    Ok(listed("imageIds", context.page(ids, 100, 1000)?))
}
