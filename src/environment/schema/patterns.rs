//! Values as regular expressions: each as strict as the parser, or less so
//! where an expression cannot say it.
//!
//! They mean the same in every dialect that editors use (ECMA-262's and Rust's):
//! no look-around, no `\d`, which is more than ten digits in some, and no `\s`,
//! for which each has a list of its own.

use schemars::{Schema, json_schema};

use crate::model::fields::Unit;

pub(super) const ACCOUNT: &str = "^[0-9]{12}$";

pub(super) const REGION: &str = "^[a-z]{2,4}(-[a-z]+)+-[0-9]+$";

/// Of a cluster, a service or a container.
pub(super) const NAME: &str = "^[A-Za-z0-9_-]{1,255}$";

/// Our own name for a service: no white space, no control characters.
pub(super) const LABEL: &str =
    r"^[^/=\x00-\x20\x7f-\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+$";

pub(super) const ROLE: &str =
    "^arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]*[A-Za-z0-9+=,.@_-]$";

/// `[registry/]repository[:tag][@digest]`.
pub(super) const IMAGE: &str = r"^(([^/@\x00-\x20]*[.:][^/@\x00-\x20]*|localhost)/)?[a-z0-9._-]+(/[a-z0-9._-]+)*(:[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(@sha256:[0-9a-f]{64})?$";

/// `90s`, `15m`, `1h30m`: from hours to seconds.
pub(super) const DURATION: &str = "^((0|[1-9][0-9]*)h((0|[1-9][0-9]*)m)?((0|[1-9][0-9]*)s)?|(0|[1-9][0-9]*)m((0|[1-9][0-9]*)s)?|(0|[1-9][0-9]*)s)$";

/// A TOML date with a time that has no offset.
pub(super) const LOCAL_TIME: &str =
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?$";

/// A path in the file's spelling: `containers.app.environment.OLD`.
pub(super) const PATH: &str = r#"^["']?(containers|task|service)["']?\.."#;

/// A port or a range of ports, and maybe the protocol.
pub(super) const PORT: &str = "^[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?(/(tcp|udp))?$";

const CPU: &str = "^([0-9]+| *([0-9]+[.]?[0-9]*|[.][0-9]+) *[vV][cC][pP][uU] *)$";

const MEMORY: &str = "^([0-9]+| *([0-9]+[.]?[0-9]*|[.][0-9]+) *[gG][bB] *)$";

pub(super) fn units(unit: Unit) -> &'static str {
    match unit {
        Unit::Cpu => CPU,
        Unit::Memory => MEMORY,
    }
}

/// A string of this form.
pub(super) fn text(pattern: &str) -> Schema {
    json_schema!({ "type": "string", "pattern": pattern })
}
