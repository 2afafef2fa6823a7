//! Images with manifests of their own making, so that their digests are known
//! without asking the registry.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::aws;
use super::world::{ACCOUNT, REGION, World};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A repository as an image reference names it.
pub fn repository(name: &str) -> String {
    format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/{name}")
}

/// Pushes an image for linux/amd64, told apart by `seed`, and returns its
/// digest.
///
/// # Panics
/// The registry refuses it or gives it another digest.
pub fn push(world: &World, repository: &str, tag: &str, seed: &str) -> String {
    let layer = digest(&format!("{seed} layer"));
    let manifest = json!({
        "schemaVersion": 2, "mediaType": MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": digest(&format!("{seed} config")), "size": 2048},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
            "digest": layer, "size": 30_000_000}],
    })
    .to_string();
    let index = json!({
        "schemaVersion": 2, "mediaType": INDEX,
        "manifests": [{"mediaType": MANIFEST, "digest": digest(&manifest), "size": manifest.len(),
            "platform": {"architecture": "amd64", "os": "linux"}}],
    })
    .to_string();
    put(
        world,
        &json!({"repositoryName": repository, "imageManifest": manifest,
            "imageManifestMediaType": MANIFEST, "imageDigest": digest(&manifest)}),
    );
    let pushed = put(
        world,
        &json!({"repositoryName": repository, "imageManifest": index,
            "imageManifestMediaType": INDEX, "imageTag": tag}),
    );
    if let Some(engine) = world.engine() {
        engine.publish(&pushed, tag);
    }
    pushed
}

fn put(world: &World, request: &Value) -> String {
    let answer = aws::call(world, ["ecr", "put-image"], request);
    let manifest = request["imageManifest"].as_str().unwrap_or_default();
    let expected = digest(manifest);
    assert_eq!(
        answer["image"]["imageId"]["imageDigest"], expected,
        "{}: the digest of a manifest is the hash of its bytes",
        world.name
    );
    expected
}

pub fn digest(text: &str) -> String {
    let hex: String = Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("sha256:{hex}")
}
