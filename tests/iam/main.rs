//! The policies of `docs/iam` against the code, without running it: every call
//! that it can make is allowed, nothing else is, and each action is given on
//! the resources and under the conditions that AWS knows for it.
//!
//! What the calls ask for when they are made is `tests/engine/permissions.rs`;
//! what happens when one is not allowed, that and
//! `tests/conformance/permissions.rs`.

mod calls;
mod policy;
mod scope;
