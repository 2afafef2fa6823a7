//! Every field of a task definition and of a service that can be declared:
//! its type, its default, how the elements of its list relate, and where AWS
//! describes it.
//!
//! `table.rs` is the one table; everything that must know a field asks it: the
//! environment file's parser, the overlay, the comparison, the checks. Nothing
//! here reads TOML, and nothing is refused here for being unknown: documents
//! from AWS may have fields and words that the table does not have yet.

mod canonical;
mod key;
mod path;
mod spelling;
#[rustfmt::skip] // one line a field
mod table;
mod units;

pub use canonical::{Context, canonical, canonical_shape};
pub use key::{BadKey, Identity, Key, Spelling};
pub use path::{Path, Root, Step, WrongShape};
pub use spelling::{BadPath, join, quoted, split};
pub use table::{CONTAINER, SERVICE, TASK_DEFINITION};
pub use units::Unit;

/// A structure of the API with its fields.
#[derive(Debug, PartialEq, Eq)]
pub struct Shape {
    /// The API's own name for it; that of the action for a request.
    pub name: &'static str,
    pub fields: &'static [Field],
}

/// One field of a shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// As AWS spells it.
    pub name: &'static str,
    pub kind: Kind,
    /// ECS refuses the shape without it.
    pub required: bool,
    /// What ECS takes, or fills in, when the field is left out: JSON.
    pub default: Option<&'static str>,
    /// What a change of it does to the service. `None` below the top level, and
    /// in task definitions, where every change is a new revision.
    pub effect: Option<Effect>,
    /// Where the live value is found.
    pub seen: Seen,
}

/// What may stand in a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Integer,
    /// A number that may have a fraction.
    Number,
    Boolean,
    /// One of these words. For messages and the schema: AWS may have more.
    Choice(&'static [&'static str]),
    /// A task's size: an integer in a string, or with its unit (`1 vCPU`).
    Units(Unit),
    /// Strings by name.
    Map,
    /// Any JSON object.
    Any,
    Object(&'static Shape),
    List(&'static Kind, ListKind),
}

/// How the elements of a list relate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListKind {
    /// Objects told apart by some of their fields; the order means nothing.
    Keyed(Key),
    /// Elements without order and without a key.
    Set,
    /// The order matters, as in `command`, or AWS does not say that it does not.
    Sequence,
}

/// What changing a field of a service does (API reference, UpdateService: "This
/// parameter triggers a new service deployment", or "doesn't trigger").
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// New tasks replace those that run.
    NewDeployment,
    /// The tasks that run stay.
    InPlace,
    /// AWS does not say.
    NotStated,
}

/// Where the live value of a service's field is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// At the top level of the service in DescribeServices.
    Service,
    /// In the PRIMARY deployment in DescribeServices.
    Deployment,
    /// Only in the service revision (DescribeServiceRevisions).
    ServiceRevision,
}

impl Shape {
    pub fn field(&self, name: &str) -> Option<&'static Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// The page of the API reference that describes a field of this shape.
    pub fn source(&self, field: &str) -> String {
        let shape = self.name;
        let page = |page: &str, anchor: &str| {
            format!(
                "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_{page}.html#ECS-{anchor}-{field}"
            )
        };
        if *self == SERVICE && field == "tags" {
            // UpdateService has none; a service is tagged as any resource is.
            return page("TagResource", "TagResource-request");
        }
        if *self == SERVICE || *self == TASK_DEFINITION {
            return page(shape, &format!("{shape}-request"));
        }
        page(shape, &format!("Type-{shape}"))
    }
}

impl Kind {
    /// The shape of an object, or of a list's elements.
    pub fn shape(&self) -> Option<&'static Shape> {
        match self {
            Kind::Object(shape) | Kind::List(Kind::Object(shape), _) => Some(shape),
            _ => None,
        }
    }

    /// The key of a list's elements.
    pub fn key(&self) -> Option<Key> {
        match self {
            Kind::List(_, ListKind::Keyed(key)) => Some(*key),
            _ => None,
        }
    }
}

const fn shape(name: &'static str, fields: &'static [Field]) -> Shape {
    Shape { name, fields }
}

const fn field(name: &'static str, kind: Kind) -> Field {
    Field {
        name,
        kind,
        required: false,
        default: None,
        effect: None,
        seen: Seen::Service,
    }
}

impl Field {
    const fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }

    const fn or(self, default: &'static str) -> Self {
        Self {
            default: Some(default),
            ..self
        }
    }

    const fn effect(self, effect: Effect) -> Self {
        Self {
            effect: Some(effect),
            ..self
        }
    }

    const fn seen(self, seen: Seen) -> Self {
        Self { seen, ..self }
    }
}

#[cfg(test)]
pub(crate) mod tests;
