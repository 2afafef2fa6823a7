//! Image references as container runtimes and ECR read them.

use std::fmt;
use std::str::FromStr;

use super::names::{AccountId, Invalid, Region, checked_text};

checked_text!(
    /// The digest of an image manifest: `sha256:` and 64 lower-case hex digits.
    Digest,
    check_digest
);

impl Digest {
    /// Enough of the digest for a person to tell two apart: `sha256:77ab03c9`.
    pub fn short(&self) -> &str {
        &self.as_str()["sha256:".len() - 7..15]
    }
}

fn check_digest(text: &str) -> Result<(), Invalid> {
    let Some(hex) = text.strip_prefix("sha256:") else {
        return Err(Invalid::because("a digest is sha256: and 64 hex digits"));
    };
    if hex.len() != 64 {
        return Err(Invalid::because(format!(
            "a sha256 digest has 64 hex digits; this has {}",
            hex.len()
        )));
    }
    if !hex
        .bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    {
        return Err(Invalid::because(
            "a digest has only the hex digits 0-9 and a-f",
        ));
    }
    Ok(())
}

/// A repository in a private ECR registry. The registry's account and region
/// are in its host name, and need be neither the service's account nor region.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EcrRepository {
    pub account: AccountId,
    pub region: Region,
    pub name: String,
}

impl fmt::Display for EcrRepository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (ECR {}, {})", self.name, self.account, self.region)
    }
}

/// An image reference: `[registry/]repository[:tag][@digest]`, kept as written.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageReference {
    text: String,
    /// Bytes of `text` before `:tag` and `@digest`.
    base: usize,
    tag: Option<String>,
    digest: Option<Digest>,
    ecr: Option<EcrRepository>,
}

impl ImageReference {
    /// The reference as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Registry and repository, without tag and digest.
    pub fn base(&self) -> &str {
        &self.text[..self.base]
    }

    /// The repository without its registry, for people: `wage-backend-api`.
    pub fn short_repository(&self) -> &str {
        match &self.ecr {
            Some(repository) => &repository.name,
            None => self.base(),
        }
    }

    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The ECR repository, when the image lies in a private ECR registry.
    pub fn ecr(&self) -> Option<&EcrRepository> {
        self.ecr.as_ref()
    }

    /// The tag that a registry is asked for when no digest is given. Without
    /// either, every runtime takes `latest`.
    pub fn tag_or_latest(&self) -> &str {
        self.tag.as_deref().unwrap_or("latest")
    }

    /// The same repository and tag, pinned to a digest: `repo:tag@sha256:…`,
    /// the form that ECS accepts and that stays readable.
    pub fn pinned(&self, digest: &Digest) -> ImageReference {
        let text = format!("{}:{}@{digest}", self.base(), self.tag_or_latest());
        ImageReference {
            text,
            base: self.base,
            tag: Some(self.tag_or_latest().to_owned()),
            digest: Some(digest.clone()),
            ecr: self.ecr.clone(),
        }
    }
}

impl fmt::Display for ImageReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl From<ImageReference> for String {
    fn from(image: ImageReference) -> String {
        image.text
    }
}

impl TryFrom<String> for ImageReference {
    type Error = Invalid;
    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl FromStr for ImageReference {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        if text.is_empty() {
            return Err(Invalid::because("the image is empty"));
        }
        if let Some(odd) = text.chars().find(|c| c.is_whitespace() || c.is_control()) {
            return Err(Invalid::because(format!(
                "an image reference has no {odd:?} in it"
            )));
        }
        if text.contains("://") {
            return Err(Invalid::because(
                "an image reference has no scheme such as https://",
            ));
        }
        let (named, digest) = match text.split_once('@') {
            Some((named, digest)) => (named, Some(digest.parse::<Digest>()?)),
            None => (text, None),
        };
        // A colon before the last slash belongs to the registry's port.
        let last = named.rfind('/').map_or(0, |slash| slash + 1);
        let (base, tag) = match named[last..].find(':') {
            Some(colon) => (last + colon, Some(&named[last + colon + 1..])),
            None => (named.len(), None),
        };
        if let Some(tag) = tag {
            check_tag(tag)?;
        }
        let (registry, repository) = match named[..base].split_once('/') {
            Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => {
                (Some(host), rest)
            }
            _ => (None, &named[..base]),
        };
        check_repository(repository)?;
        Ok(Self {
            text: text.to_owned(),
            base,
            tag: tag.map(str::to_owned),
            digest,
            ecr: registry.and_then(|host| ecr_repository(host, repository)),
        })
    }
}

fn check_tag(tag: &str) -> Result<(), Invalid> {
    if tag.is_empty() {
        return Err(Invalid::because("the tag after the colon is empty"));
    }
    if tag.len() > 128 {
        return Err(Invalid::because("a tag has at most 128 characters"));
    }
    if tag.starts_with(['.', '-']) {
        return Err(Invalid::because(
            "a tag starts with a letter, a digit or an underscore",
        ));
    }
    match tag
        .chars()
        .find(|c| !(c.is_ascii_alphanumeric() || "_.-".contains(*c)))
    {
        None => Ok(()),
        Some(odd) => Err(Invalid::because(format!(
            "a tag has letters, digits, underscores, periods and hyphens, not {odd:?}"
        ))),
    }
}

fn check_repository(repository: &str) -> Result<(), Invalid> {
    if repository.split('/').any(str::is_empty) {
        return Err(Invalid::because(
            "the repository's name is empty or has an empty part",
        ));
    }
    match repository
        .chars()
        .find(|c| !(c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(*c)))
    {
        None => Ok(()),
        Some(odd) if odd.is_ascii_uppercase() => Err(Invalid::because(format!(
            "a repository's name is lower case; this has {odd:?}"
        ))),
        Some(odd) => Err(Invalid::because(format!(
            "a repository's name has no {odd:?} in it"
        ))),
    }
}

/// Reads a private registry's host name:
/// `ACCOUNT.dkr.ecr[-fips].REGION.amazonaws.com[.cn]`, or the dual-stack form
/// `ACCOUNT.dkr-ecr[-fips].REGION.on.aws` (ECR user guide, "Amazon ECR private registry").
fn ecr_repository(host: &str, repository: &str) -> Option<EcrRepository> {
    let (account, rest) = host.split_once('.')?;
    let rest = ["dkr.ecr.", "dkr.ecr-fips.", "dkr-ecr.", "dkr-ecr-fips."]
        .iter()
        .find_map(|prefix| rest.strip_prefix(prefix))?;
    let (region, domain) = rest.split_once('.')?;
    if ![
        "amazonaws.com",
        "amazonaws.com.cn",
        "on.aws",
        "on.amazonwebservices.com.cn",
    ]
    .contains(&domain)
    {
        return None;
    }
    Some(EcrRepository {
        account: account.parse().ok()?,
        region: region.parse().ok()?,
        name: repository.to_owned(),
    })
}

/// What an image is built for, in ECS's words: `LINUX`/`X86_64`, and so on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct Platform {
    /// `linux` or `windows`, as an image index spells it.
    pub os: String,
    /// `amd64` or `arm64`, as an image index spells it.
    pub architecture: String,
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "9f2c41d0aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";

    fn parse(text: &str) -> ImageReference {
        text.parse().unwrap_or_else(|e| panic!("{text}: {e}"))
    }

    #[test]
    fn every_form_comes_apart() {
        let full = parse(&format!(
            "123456789012.dkr.ecr.us-west-1.amazonaws.com/team/api:1.4.2@sha256:{HEX}"
        ));
        assert_eq!(
            full.base(),
            "123456789012.dkr.ecr.us-west-1.amazonaws.com/team/api"
        );
        assert_eq!(full.tag(), Some("1.4.2"));
        assert_eq!(full.digest().unwrap().short(), "sha256:9f2c41d0");
        let ecr = full.ecr().unwrap();
        assert_eq!(
            (ecr.account.as_str(), ecr.region.as_str(), ecr.name.as_str()),
            ("123456789012", "us-west-1", "team/api")
        );

        let port = parse("localhost:5000/api");
        assert_eq!(
            (port.base(), port.tag(), port.ecr()),
            ("localhost:5000/api", None, None)
        );
        assert_eq!(parse("localhost:5000/api:v1").tag(), Some("v1"));
        assert_eq!(parse("nginx").tag_or_latest(), "latest");
        assert_eq!(parse("public.ecr.aws/nginx/nginx:1").ecr(), None);
        assert!(
            parse("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/a:b")
                .ecr()
                .is_some()
        );
        assert!(
            parse("123456789012.dkr-ecr.us-west-1.on.aws/a:b")
                .ecr()
                .is_some()
        );
    }

    #[test]
    fn pinning_keeps_the_tag_and_takes_the_digest() {
        let digest: Digest = format!("sha256:{HEX}").parse().unwrap();
        assert_eq!(
            parse("r.example/api:1").pinned(&digest).as_str(),
            format!("r.example/api:1@sha256:{HEX}")
        );
        assert_eq!(
            parse("api").pinned(&digest).as_str(),
            format!("api:latest@sha256:{HEX}")
        );
        assert_eq!(
            parse(&parse("api:2").pinned(&digest).to_string()),
            parse("api:2").pinned(&digest)
        );
    }

    #[test]
    fn a_wrong_reference_says_why() {
        let why = |text: &str| text.parse::<ImageReference>().unwrap_err().0;
        assert_eq!(why(""), "the image is empty");
        assert_eq!(why("api:"), "the tag after the colon is empty");
        assert_eq!(why("api:1 "), "an image reference has no ' ' in it");
        assert_eq!(
            why("API:1"),
            "a repository's name is lower case; this has 'A'"
        );
        assert_eq!(
            why("https://r.example/api"),
            "an image reference has no scheme such as https://"
        );
        assert_eq!(
            why("api@sha256:12"),
            "a sha256 digest has 64 hex digits; this has 2"
        );
        assert_eq!(
            why("r.example//api"),
            "the repository's name is empty or has an empty part"
        );
        assert_eq!(
            why("api:${TAG}"),
            "a tag has letters, digits, underscores, periods and hyphens, not '$'"
        );
    }
}
