//! Which image of one file goes where in the other.
//!
//! Services are matched by the names that both files have for them, containers
//! by their own names. An image that is declared for the only container of a
//! service matches the other file's only one.

use crate::environment::{Desired, Image, Service};
use crate::model::ImageReference;

/// A service that both files declare.
#[derive(Debug, Clone, PartialEq)]
pub struct Pairs {
    /// Its name in both files.
    pub service: String,
    /// Never empty.
    pub containers: Vec<Pair>,
}

/// A container that both files declare an image for.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Its name in what runs; `None` stands for the only one.
    pub from: Option<String>,
    /// What the file there declares, which may be something else than runs.
    pub declared: ImageReference,
    /// What the target's file declares.
    pub to: Image,
}

/// A service that is not looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub service: String,
    pub why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Only the environment that images come from declares it.
    OnlyThere,
    /// Only the target declares it.
    OnlyHere,
    /// The environment that images come from declares no image of it.
    NoImageThere,
}

/// Why the two files do not fit together.
#[derive(Debug, Clone, PartialEq)]
pub enum Mismatch {
    /// The target's file has no place for an image that comes from the other.
    NoPlace {
        service: String,
        container: Option<String>,
        /// The image as the other file has it, for an example.
        image: String,
    },
    /// The target's file means its only container; the other has several.
    WhichOne {
        service: String,
        there_are: Vec<String>,
    },
    /// A service that was asked for is left out.
    Asked(LeftOut),
}

/// Matches two files. `services` are those that are asked for; none stands for
/// all that both have.
///
/// # Errors
/// Everything in which they do not fit together.
pub fn pairs(
    from: &Desired,
    to: &Desired,
    services: &[String],
) -> Result<(Vec<Pairs>, Vec<LeftOut>), Vec<Mismatch>> {
    let asked = |name: &String| services.is_empty() || services.contains(name);
    let (mut found, mut left_out, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for service in to.services.iter().filter(|one| asked(&one.name)) {
        let other = from.services.iter().find(|one| one.name == service.name);
        let why = match other {
            None => Why::OnlyHere,
            Some(other) if other.images.is_empty() => Why::NoImageThere,
            Some(other) => {
                match containers(other, service) {
                    Ok(containers) => found.push(Pairs {
                        service: service.name.clone(),
                        containers,
                    }),
                    Err(mismatches) => wrong.extend(mismatches),
                }
                continue;
            }
        };
        left_out.push(LeftOut {
            service: service.name.clone(),
            why,
        });
    }
    let here = |name: &String| to.services.iter().any(|one| one.name == *name);
    let there = from.services.iter().map(|service| &service.name);
    left_out.extend(
        there
            .filter(|name| asked(name) && !here(name))
            .map(|name| LeftOut {
                service: name.clone(),
                why: Why::OnlyThere,
            }),
    );
    if !services.is_empty() {
        wrong.extend(left_out.drain(..).map(Mismatch::Asked));
    }
    if wrong.is_empty() {
        Ok((found, left_out))
    } else {
        Err(wrong)
    }
}

fn containers(from: &Service, to: &Service) -> Result<Vec<Pair>, Vec<Mismatch>> {
    let (mut pairs, mut taken, mut wrong) = (Vec::new(), Vec::new(), Vec::new());
    for image in &to.images {
        let others = &from.images;
        let at = match (&image.container, others.as_slice()) {
            // An image without a container is the only one of its file.
            (None, [_]) => Some(0),
            (Some(_), [other]) if other.container.is_none() => Some(0),
            (None, several) => {
                wrong.push(Mismatch::WhichOne {
                    service: to.name.clone(),
                    there_are: several
                        .iter()
                        .filter_map(|image| image.container.clone())
                        .collect(),
                });
                return Err(wrong);
            }
            (name, several) => several.iter().position(|other| other.container == *name),
        };
        // What only the target declares is its own affair.
        let Some(at) = at else { continue };
        taken.push(at);
        let named = others[at].container.clone();
        pairs.push(Pair {
            from: named.or_else(|| image.container.clone()),
            declared: others[at].image.clone(),
            to: image.clone(),
        });
    }
    for (at, other) in from.images.iter().enumerate() {
        if !taken.contains(&at) {
            wrong.push(Mismatch::NoPlace {
                service: to.name.clone(),
                container: other.container.clone(),
                image: other.image.to_string(),
            });
        }
    }
    if wrong.is_empty() {
        Ok(pairs)
    } else {
        Err(wrong)
    }
}
