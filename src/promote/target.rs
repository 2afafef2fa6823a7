//! What the target's file declares beside what runs in the other environment,
//! and whether its registry has that.

use super::{Copy, NotReady, Pair, Running};
use crate::environment::Image;
use crate::live;
use crate::model::{Digest, ImageReference};
use crate::observed::{ImageId, Observed, Seen, Unreadable, Wants, all};

/// What came of one image.
#[derive(Debug, Clone, PartialEq)]
pub enum Declared {
    Same,
    /// This is to be declared instead.
    Other(ImageReference),
}

/// An image of the target's file, and what is to be declared in its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Wanted<'a> {
    declared: &'a Image,
    /// As the revision has it.
    written: ImageReference,
    digest: Digest,
}

impl<'a> Wanted<'a> {
    /// What runs, for what is declared.
    ///
    /// # Errors
    /// It is not known which image that is.
    pub fn of(pair: &'a Pair, running: &Running) -> Result<Self, NotReady> {
        let found = match (&pair.from, running.images.as_slice()) {
            (None, [only]) => Some(only),
            (None, _) => None,
            (Some(name), images) => images.iter().find(|image| image.container == *name),
        };
        let Some(live::Image {
            container,
            image,
            running: digest,
        }) = found
        else {
            let names = running.images.iter().map(|image| image.container.clone());
            return Err(NotReady::ContainerMissing {
                container: pair.from.clone(),
                there_are: names.collect(),
            });
        };
        let written: Option<ImageReference> = image.parse().ok();
        let digest = written
            .as_ref()
            .and_then(|written| written.digest().cloned())
            .or_else(|| digest.clone());
        match (written, digest) {
            (Some(written), Some(digest)) => Ok(Self {
                declared: &pair.to,
                written,
                digest,
            }),
            _ => Err(NotReady::DigestUnknown {
                container: container.clone(),
                image: image.clone(),
            }),
        }
    }

    /// Whether this is what the file there declares, as far as that can be told
    /// from its words.
    pub fn is_declared(&self, declared: &ImageReference) -> bool {
        declared.base() == self.written.base()
            && match declared.digest() {
                Some(digest) => *digest == self.digest,
                None => self
                    .written
                    .tag()
                    .is_none_or(|tag| tag == declared.tag_or_latest()),
            }
    }

    /// The target's repository with the tag and the digest that run.
    fn image(&self) -> Option<ImageReference> {
        let base = self.declared.image.base();
        let tag = self
            .written
            .tag()
            .map_or(String::new(), |tag| format!(":{tag}"));
        format!("{base}{tag}@{}", self.digest).parse().ok()
    }
}

/// Compares what is declared with what runs, by digest, and asks the target's
/// registry for it. The outer error is what must be looked up first.
///
/// # Errors
/// The inner error says why it cannot be declared.
pub fn check(
    wanted: &Wanted<'_>,
    observed: &Observed,
) -> Result<Result<Declared, NotReady>, Wants> {
    let declared = &wanted.declared.image;
    if declared.digest() == Some(&wanted.digest) {
        return Ok(Ok(Declared::Same));
    }
    let Some(image) = wanted.image() else {
        return Ok(Err(NotReady::DigestUnknown {
            container: wanted.declared.container.clone().unwrap_or_default(),
            image: wanted.written.to_string(),
        }));
    };
    let Some(repository) = declared.ecr() else {
        // Outside ECR images are compared as written.
        return Ok(if *declared == wanted.written {
            Ok(Declared::Same)
        } else if declared.base() == wanted.written.base() {
            Ok(Declared::Other(image))
        } else {
            Err(NotReady::CopyUnknown {
                repository: image.base().to_owned(),
                other: wanted.written.base().to_owned(),
                at: wanted.declared.image_at.clone(),
            })
        });
    };
    let unreadable = |what: &ImageReference, why: &Unreadable| {
        Ok(Err(NotReady::Unreadable {
            what: format!("image {what}"),
            why: why.clone(),
        }))
    };
    let as_declared = declared.digest().map_or_else(
        || ImageId::Tag(declared.tag_or_latest().to_owned()),
        |digest| ImageId::Digest(digest.clone()),
    );
    let as_wanted = ImageId::Digest(wanted.digest.clone());
    // Asked for together, so that one round answers both.
    all([&as_declared, &as_wanted].map(|id| observed.image(repository, id).map(drop)))?;
    match observed.image(repository, &as_declared)? {
        // ECS may tell the digest of the index or of the platform's image.
        Seen::Found(found)
            if found.digest == wanted.digest
                || found.platforms.iter().any(|(_, one)| *one == wanted.digest) =>
        {
            return Ok(Ok(Declared::Same));
        }
        Seen::Found(_) | Seen::Missing => {}
        Seen::Unreadable(why) => return unreadable(declared, why),
    }
    match observed.image(repository, &as_wanted)? {
        Seen::Found(_) => Ok(Ok(Declared::Other(image))),
        Seen::Missing => Ok(Err(NotReady::CopyMissing(Box::new(Copy {
            repository: repository.clone(),
            digest: wanted.digest.clone(),
            from: match wanted.written.digest() {
                Some(_) => wanted.written.clone(),
                None => wanted.written.pinned(&wanted.digest),
            },
            to: match image.tag() {
                Some(tag) => format!("{}:{tag}", image.base()),
                None => image.to_string(),
            },
            at: wanted.declared.image_at.clone(),
        })))),
        Seen::Unreadable(why) => unreadable(&image, why),
    }
}
