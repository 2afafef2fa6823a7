//! The lines that plans and overviews begin with, aligned.

use std::fmt;

use super::style::{BOLD, DIM, Styled};
use super::words::WIDTH;
use crate::model::{AccountId, ClusterName, Region};
use crate::observed::ServiceKey;

/// An environment and where it is.
pub(super) fn title(
    environment: &str,
    cluster: &ClusterName,
    region: &Region,
    account: &AccountId,
) -> String {
    format!(
        "{}   {}\n",
        Styled(BOLD, environment),
        Styled(DIM, format!("{cluster} · {region} · {account}"))
    )
}

/// Widths of the columns that an environment's services share.
pub(super) struct Columns {
    name: usize,
    service: usize,
    cluster: String,
}

impl Columns {
    pub fn of<'a>(
        services: impl Iterator<Item = (&'a str, &'a ServiceKey)> + Clone,
        cluster: &ClusterName,
    ) -> Self {
        let cluster = cluster.to_string();
        let widest = |lengths: &mut dyn Iterator<Item = usize>| lengths.max().unwrap_or(0);
        Self {
            name: widest(&mut services.clone().map(|(name, _)| name.len())).min(24),
            service: widest(&mut services.map(|(_, key)| ecs_name(key, &cluster).len())).min(36),
            cluster,
        }
    }

    /// A service's first line. Where names are long, what is said of it goes
    /// below them.
    pub fn row(&self, mark: impl fmt::Display, name: &str, key: &ServiceKey, says: &str) -> String {
        let head = format!(
            "{name:width$}   {:service$}   ",
            ecs_name(key, &self.cluster),
            width = self.name,
            service = self.service
        );
        if 2 + head.chars().count() + says.chars().count() > WIDTH {
            format!("{mark} {}\n    {says}\n", head.trim_end())
        } else {
            format!("{mark} {head}{says}\n")
        }
    }
}

/// The service as ECS knows it, with its cluster when it is another than the
/// environment's.
fn ecs_name(key: &ServiceKey, cluster: &str) -> String {
    if key.cluster.as_str() == cluster {
        key.service.to_string()
    } else {
        key.to_string()
    }
}
