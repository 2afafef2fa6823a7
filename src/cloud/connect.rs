//! One environment's way to AWS: credentials, region, time-outs, clients.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::environment::EnvironmentVariableRegionProvider;
use aws_config::meta::region::RegionProviderChain;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::{
    BehaviorVersion, Region as SdkRegion, SdkConfig, sts::AssumeRoleProvider,
    timeout::TimeoutConfig,
};
use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_applicationautoscaling as autoscaling;
use aws_sdk_cloudwatchlogs as logs;
use aws_sdk_ecr as ecr;
use aws_sdk_ecs as ecs;

use super::cache::Cache;
use super::limits::{Allowance, Limits, NoteThrottling};
use super::raw::ReadsOnly;
use super::read::Reader;
use super::transport::Transport;
use super::write::Writer;
use crate::model::{AccountId, Invalid, Region};

/// A connection that AWS does not take within this is not coming: it is ten
/// round trips around the globe.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// One attempt. The largest answer here, ten services with a hundred events
/// each, is about a megabyte: under ten seconds at one megabit a second.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(15);

/// One operation with its retries: three attempts that each run into their
/// time-out, with the pauses between them.
const OPERATION_TIMEOUT: Duration = Duration::from_secs(50);

/// What is only worth a note: an answer comes within a second, or it is not
/// worth more than a few.
const NOTE_TIMEOUT: Duration = Duration::from_secs(5);

/// What to act on, and as whom.
#[derive(Debug, Clone)]
pub struct Access {
    /// Nothing is written in any other account.
    pub account: AccountId,
    pub region: Region,
    /// The ARN of a role to assume before any call.
    pub role: Option<String>,
}

/// The clients of one environment. Cheap to clone.
#[derive(Clone)]
pub struct Connection {
    /// The only account that is looked at; any, when nobody has said which.
    pub(super) account: Option<AccountId>,
    pub(super) region: Region,
    config: SdkConfig,
    cache: Option<Cache>,
    limits: Limits,
    registries: Arc<Mutex<BTreeMap<Region, ecr::Client>>>,
}

impl Connection {
    /// Prepares clients; nothing is sent yet, and credentials are looked for
    /// by the first call. `cache` keeps the documents of revisions between
    /// runs.
    pub async fn open(access: Access, transport: &Transport, cache: Option<Cache>) -> Self {
        let role = access.role.as_deref();
        Self::to(Some(access.account), access.region, role, transport, cache).await
    }

    /// What looks around where no environment says which account it is: in any,
    /// unless one is named. There is no writer to such a place.
    pub async fn look_around(
        account: Option<AccountId>,
        region: Region,
        transport: &Transport,
    ) -> Reader {
        Self::to(account, region, None, transport, None)
            .await
            .reader()
    }

    async fn to(
        account: Option<AccountId>,
        region: Region,
        role: Option<&str>,
        transport: &Transport,
        cache: Option<Cache>,
    ) -> Self {
        let config = match transport {
            Transport::Network => network_config(&region, role, transport).await,
            Transport::InMemory(_) => memory_config(account.as_ref(), &region, transport),
        };
        Self {
            account,
            region,
            config,
            cache,
            limits: Limits::default(),
            registries: Arc::default(),
        }
    }

    /// Shares these limits with whatever else has them. Without it a connection
    /// keeps to limits of its own.
    #[must_use]
    pub fn within(mut self, limits: &Limits) -> Self {
        self.limits = limits.clone();
        self
    }

    /// What may be done in the services' region.
    pub(super) fn allowance(&self) -> Allowance {
        self.allowance_in(&self.region)
    }

    /// What may be done in another region, where a registry may be.
    pub(super) fn allowance_in(&self, region: &Region) -> Allowance {
        self.limits.of(self.account.as_ref(), region)
    }

    /// What looks things up, and cannot write.
    pub fn reader(&self) -> Reader {
        let config = ecs::config::Builder::from(&self.config)
            .interceptor(ReadsOnly)
            .interceptor(NoteThrottling(self.allowance()))
            .build();
        Reader::new(
            self.clone(),
            ecs::Client::from_conf(config),
            self.cache.clone(),
        )
    }

    /// What carries out plans. Only `apply` asks for one.
    pub fn writer(&self) -> Writer {
        let config = ecs::config::Builder::from(&self.config)
            .interceptor(NoteThrottling(self.allowance()))
            .build();
        Writer::new(ecs::Client::from_conf(config), self.allowance())
    }

    /// For clients that are made where they are used.
    pub(super) fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// The client of a registry's region, which need not be the services'.
    pub(super) fn registry(&self, region: &Region) -> ecr::Client {
        let mut registries = self
            .registries
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        registries
            .entry(region.clone())
            .or_insert_with(|| {
                let config = ecr::config::Builder::from(&self.config)
                    .region(SdkRegion::new(region.to_string()))
                    .interceptor(ReadsOnly)
                    .interceptor(NoteThrottling(self.allowance_in(region)))
                    .build();
                ecr::Client::from_conf(config)
            })
            .clone()
    }

    /// The client of a log group's region, which need not be the services'.
    pub(super) fn logs(&self, region: &Region) -> logs::Client {
        let config = logs::config::Builder::from(&self.config)
            .region(SdkRegion::new(region.to_string()))
            .interceptor(ReadsOnly)
            .build();
        logs::Client::from_conf(config)
    }

    /// The client of what tells how services are scaled. Nobody waits long for
    /// what is only worth a note.
    pub(super) fn scaling(&self) -> autoscaling::Client {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(NOTE_TIMEOUT)
            .operation_timeout(NOTE_TIMEOUT)
            .build();
        let config = autoscaling::config::Builder::from(&self.config)
            .timeout_config(timeouts)
            .interceptor(ReadsOnly)
            .build();
        autoscaling::Client::from_conf(config)
    }
}

/// The region that this user's AWS tools work in: AWS_REGION,
/// AWS_DEFAULT_REGION, or the profile's. Nothing is sent.
///
/// # Errors
/// What is set there is no region.
pub async fn region_of_user() -> Result<Option<Region>, Invalid> {
    let found = RegionProviderChain::first_try(EnvironmentVariableRegionProvider::new())
        .or_else(ProfileFileRegionProvider::new())
        .region()
        .await;
    found.map(|region| region.as_ref().parse()).transpose()
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(ATTEMPT_TIMEOUT)
        .operation_timeout(OPERATION_TIMEOUT)
        .build()
}

/// Credentials and endpoints as every AWS tool finds them: environment,
/// profiles, SSO, web identity, container, instance; `AWS_ENDPOINT_URL`.
async fn network_config(region: &Region, role: Option<&str>, transport: &Transport) -> SdkConfig {
    let region = SdkRegion::new(region.to_string());
    let own = aws_config::defaults(BehaviorVersion::latest())
        .region(region.clone())
        .http_client(transport.client())
        .timeout_config(timeouts())
        .load()
        .await;
    let Some(role) = role else {
        return own;
    };
    let provider = AssumeRoleProvider::builder(role)
        .session_name("evenkeel")
        .region(region)
        .configure(&own)
        .build()
        .await;
    own.into_builder()
        .credentials_provider(SharedCredentialsProvider::new(provider))
        .build()
}

/// Nothing of the user's: the access key names the account, as the sandbox
/// reads it, and the endpoint's name goes nowhere.
fn memory_config(account: Option<&AccountId>, region: &Region, transport: &Transport) -> SdkConfig {
    let key = account.map_or("sandbox", AccountId::as_str);
    let credentials = Credentials::new(key, "sandbox", None, None, "sandbox");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(SdkRegion::new(region.to_string()))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url("http://evenkeel.sandbox")
        .http_client(transport.client())
        .timeout_config(timeouts())
        .build()
}
