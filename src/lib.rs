//! Evenkeel keeps Amazon ECS services exactly as Git declares them.

pub mod apply;
pub mod cli;
pub mod cloud;
pub mod environment;
pub mod event;
pub mod live;
pub mod model;
pub mod observed;
pub mod plan;
pub mod promote;
pub mod reconcile;
pub mod render;
pub mod sandbox;
pub mod ui;
