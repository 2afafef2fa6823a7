//! Between which counts Application Auto Scaling keeps services. A convenience:
//! whatever goes wrong here is told, and never fails a plan.

use std::collections::BTreeMap;

use aws_sdk_applicationautoscaling::types::{ScalableDimension, ServiceNamespace};
use tracing::info;

use super::error::Error;
use super::read::Reader;
use crate::observed::{Scaling, Seen, ServiceKey, Sight, Unreadable};

/// DescribeScalableTargets takes fifty resources a call (API reference).
pub(super) const TARGETS_A_CALL: usize = 50;

/// At most [`TARGETS_A_CALL`] services.
pub(super) async fn targets(reader: &Reader, keys: Vec<ServiceKey>) -> Vec<Sight> {
    const ACTION: &str = "application-autoscaling:DescribeScalableTargets";
    let _turn = reader.turn(ACTION).await;
    info!(services = keys.len(), "{ACTION}");
    let sent = reader
        .connection
        .scaling()
        .describe_scalable_targets()
        .service_namespace(ServiceNamespace::Ecs)
        .scalable_dimension(ScalableDimension::EcsServiceDesiredCount)
        .set_resource_ids(Some(keys.iter().map(resource).collect()))
        .send()
        .await;
    let found: Result<BTreeMap<String, Scaling>, Unreadable> = match sent {
        Err(error) => Err(Error::from_sdk(ACTION, &error).into()),
        Ok(answer) => Ok(answer
            .scalable_targets()
            .iter()
            .map(|target| {
                let scaling = Scaling {
                    least: target.min_capacity().into(),
                    most: target.max_capacity().into(),
                };
                (target.resource_id().to_owned(), scaling)
            })
            .collect()),
    };
    keys.into_iter()
        .map(|key| {
            let seen = match &found {
                Ok(found) => found
                    .get(&resource(&key))
                    .map_or(Seen::Missing, |scaling| Seen::Found(*scaling)),
                Err(why) => Seen::Unreadable(why.clone()),
            };
            Sight::Scaling(key, seen)
        })
        .collect()
}

fn resource(key: &ServiceKey) -> String {
    format!("service/{}/{}", key.cluster, key.service)
}
