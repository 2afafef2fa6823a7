//! Image manifests that look real and are derived from a seed: an OCI index
//! for two platforms with an attestation beside each, as buildx pushes it.

use serde_json::{Value, json};

use super::{ids, state};

pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub(super) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const DOCKER_LIST: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
pub(super) const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";

/// A manifest with its digest and media type.
pub(super) struct Manifest {
    pub digest: String,
    pub media_type: &'static str,
    pub text: String,
}

fn manifest(media_type: &'static str, document: &Value) -> Manifest {
    let text = document.to_string();
    Manifest {
        digest: digest(&text),
        media_type,
        text,
    }
}

/// The digest of a manifest: the hash of its bytes.
pub(super) fn digest(text: &str) -> String {
    format!("sha256:{}", ids::sha256_hex(text.as_bytes()))
}

/// The text of a manifest that the registry has.
pub(super) fn text(manifest: &state::Manifest) -> String {
    match manifest {
        state::Manifest::Sent(text) => text.clone(),
        state::Manifest::Made { seed, part } => image(seed)
            .into_iter()
            .nth(*part)
            .map_or_else(String::new, |made| made.text),
    }
}

/// The manifests of a multi-platform image, the index last.
pub(super) fn image(seed: &str) -> Vec<Manifest> {
    let mut manifests = Vec::new();
    let mut entries = Vec::new();
    let mut attestations = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let child = platform(&format!("{seed} {architecture}"));
        let attestation = attestation(&format!("{seed} {architecture}"), &child.digest);
        entries.push(json!({
            "mediaType": OCI_MANIFEST, "digest": child.digest, "size": child.text.len(),
            "platform": {"architecture": architecture, "os": "linux"},
        }));
        attestations.push(json!({
            "mediaType": OCI_MANIFEST, "digest": attestation.digest, "size": attestation.text.len(),
            "annotations": {
                "vnd.docker.reference.digest": child.digest,
                "vnd.docker.reference.type": "attestation-manifest",
            },
            "platform": {"architecture": "unknown", "os": "unknown"},
        }));
        manifests.extend([child, attestation]);
    }
    entries.extend(attestations);
    let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries});
    manifests.push(manifest(OCI_INDEX, &index));
    manifests
}

fn platform(seed: &str) -> Manifest {
    let layers: Vec<Value> = (0..4)
        .map(|layer| {
            let seed = format!("{seed} layer {layer}");
            json!({
                "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip",
                "digest": digest(&seed), "size": 1_000_000 + ids::number(&seed) % 40_000_000,
            })
        })
        .collect();
    let config = format!("{seed} config");
    let document = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": digest(&config), "size": 2_000 + ids::number(&config) % 6_000,
        },
        "layers": layers,
    });
    manifest(OCI_MANIFEST, &document)
}

fn attestation(seed: &str, of: &str) -> Manifest {
    let statement = format!("{seed} attestation of {of}");
    let document = json!({
        "schemaVersion": 2, "mediaType": OCI_MANIFEST,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": digest(&format!("{statement} config")), "size": 167,
        },
        "layers": [{
            "mediaType": "application/vnd.in-toto+json", "digest": digest(&statement), "size": 1_472,
            "annotations": {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"},
        }],
    });
    manifest(OCI_MANIFEST, &document)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_the_hash_of_its_own_text() {
        let manifests = image("api:1");
        let index = manifests.last().unwrap();
        assert_eq!(index.digest, digest(&index.text));
        let document: Value = serde_json::from_str(&index.text).unwrap();
        assert_eq!(document["manifests"].as_array().unwrap().len(), 4);
        assert_eq!(
            document["manifests"][0]["digest"],
            Value::from(manifests[0].digest.as_str())
        );
        assert_ne!(index.digest, image("api:2").last().unwrap().digest);
    }
}
