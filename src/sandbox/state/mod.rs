//! Everything the sandbox remembers: plain data, kept as JSON between
//! commands. Nothing here acts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

mod history;
mod service;

pub(super) use history::{
    Alarms, Breaker, Hook, Rollback, ServiceDeployment, Stage, Staged, Strategy,
};
pub(super) use service::{
    Behaviour, DeployedContainer, Deployment, Log, OneOff, Phase, Rollout, Run, Secret, Service,
    ServiceRevision, ServiceStatus, Stale, Stop, Task,
};

use super::clock::Millis;
use crate::model::{AccountId, Region};

/// The format of the state file. Another number is another program's file.
pub(super) const VERSION: u32 = 1;

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct State {
    /// Says whose file this is; [`VERSION`].
    pub evenkeel_sandbox: u32,
    /// Sandbox time when the state last changed.
    pub now: Millis,
    /// Counts everything that needs an id of its own.
    pub sequence: u64,
    /// The account of callers whose access key names none.
    pub account: Option<AccountId>,
    /// Seeded environments, as `ACCOUNT/REGION/NAME`.
    pub environments: BTreeSet<String>,
    /// ECS and ECR of each account and region, keyed `ACCOUNT/REGION`.
    pub places: BTreeMap<String, Place>,
}

/// An account in a region: what one ECS endpoint knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Scope {
    pub account: AccountId,
    pub region: Region,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Place {
    pub clusters: BTreeMap<String, Cluster>,
    pub families: BTreeMap<String, Family>,
    /// Keyed `CLUSTER/SERVICE`.
    pub services: BTreeMap<String, Service>,
    pub repositories: BTreeMap<String, Repository>,
    /// Tasks of no service, in the order in which they were started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_off: Vec<OneOff>,
    /// Scalable targets as they are described, by their resource.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub scalable: BTreeMap<String, Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Cluster {
    /// The request of CreateCluster.
    pub settings: Map<String, Value>,
    pub tags: Vec<Value>,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Family {
    /// Revision numbers are never used twice, so the last one is kept apart.
    pub last: u64,
    pub revisions: BTreeMap<u64, Revision>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Revision {
    /// The document as DescribeTaskDefinition returns it.
    pub document: Map<String, Value>,
    pub tags: Vec<Value>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Repository {
    pub scope: Scope,
    pub name: String,
    pub created_at: Millis,
    pub settings: Map<String, Value>,
    /// Manifests by digest.
    pub images: BTreeMap<String, Image>,
    /// Tag to digest.
    pub tags: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Image {
    pub manifest: Manifest,
    pub media_type: String,
    pub pushed_at: Millis,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum Manifest {
    /// As PutImage sent it.
    Sent(String),
    /// One of the manifests of an image that the sandbox made. Made again when
    /// asked for, which keeps the state file small.
    Made { seed: String, part: usize },
}

impl State {
    pub(super) fn new(now: Millis) -> Self {
        Self {
            evenkeel_sandbox: VERSION,
            now,
            sequence: 0,
            account: None,
            environments: BTreeSet::new(),
            places: BTreeMap::new(),
        }
    }

    /// A number never given before, for ids.
    pub(super) fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence
    }

    pub(super) fn place(&self, scope: &Scope) -> Option<&Place> {
        self.places.get(&scope.key())
    }

    pub(super) fn place_mut(&mut self, scope: &Scope) -> &mut Place {
        self.places.entry(scope.key()).or_default()
    }
}

impl Place {
    /// Every task that is still known.
    pub(super) fn tasks(&self) -> impl Iterator<Item = &Task> {
        let own = self.one_off.iter().map(|one| &one.task);
        let services = self.services.values();
        services.flat_map(|service| &service.tasks).chain(own)
    }
}

impl Scope {
    pub(super) fn key(&self) -> String {
        format!("{}/{}", self.account, self.region)
    }

    /// The ARN of a resource of this account and region.
    pub(super) fn arn(&self, service: &str, resource: &str) -> String {
        let partition = match self.region.as_str() {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        };
        format!(
            "arn:{partition}:{service}:{}:{}:{resource}",
            self.region, self.account
        )
    }

    /// The host name of the private ECR registry.
    pub(super) fn registry(&self) -> String {
        let domain = if self.region.as_str().starts_with("cn-") {
            "amazonaws.com.cn"
        } else {
            "amazonaws.com"
        };
        format!("{}.dkr.ecr.{}.{domain}", self.account, self.region)
    }
}
