//! Evenkeel keeps Amazon ECS services exactly as Git declares them.

pub mod environment;
pub mod model;
pub mod sandbox;
