//! Looking things up in ECS, in as few calls as the API allows.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use aws_sdk_ecs as ecs;
use aws_sdk_ecs::types::{SortOrder, TaskDefinitionField, TaskDefinitionStatus};
use aws_smithy_types::error::metadata::ProvideErrorMetadata as _;
use serde::Deserialize;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tracing::info;

use super::cache::Cache;
use super::connect::Connection;
use super::error::Error;
use super::raw::KeepResponse;
use super::{history, outside, registry, scaling, service};
use crate::model::{AccountId, ClusterName, Region, RevisionArn, ServiceArn, TaskDefinition};
use crate::observed::{
    NEWEST, Observed, Revision, Seen, Service, ServiceKey, Sight, Unreadable, Want, Wants,
};

/// DescribeServices takes ten services a call (API reference).
const SERVICES_A_CALL: usize = 10;
/// Pages of names read for an error message; a thousand names are enough to
/// find the near ones in.
const NAME_PAGES: usize = 10;
/// Calls under way at once: enough to hide the latency of a large environment,
/// few enough for one process's connections. How many a second is for the
/// limits to say.
const CALLS_AT_ONCE: usize = 32;

/// Looks things up. It cannot write: its clients refuse to.
#[derive(Clone)]
pub struct Reader {
    pub(super) connection: Connection,
    pub(super) ecs: ecs::Client,
    cache: Option<Cache>,
    /// The endpoint that answered last.
    host: Arc<Mutex<String>>,
    calls: Arc<Semaphore>,
}

impl Reader {
    pub(super) fn new(connection: Connection, ecs: ecs::Client, cache: Option<Cache>) -> Self {
        Self {
            connection,
            ecs,
            cache,
            host: Arc::default(),
            calls: Arc::new(Semaphore::new(CALLS_AT_ONCE)),
        }
    }

    /// Decides, looks up what the decision still wants, and decides again,
    /// until it wants nothing more.
    pub async fn survey<T>(
        &self,
        decide: impl Fn(&Observed) -> Result<T, Wants>,
    ) -> Result<T, Error> {
        let mut observed = Observed::default();
        let mut answered = BTreeSet::new();
        loop {
            let wants = match decide(&observed) {
                Ok(decision) => return Ok(decision),
                Err(Wants(wants)) => wants,
            };
            let news: BTreeSet<Want> = wants.difference(&answered).cloned().collect();
            assert!(
                !news.is_empty(),
                "a decision wants what it has been told: {wants:?}"
            );
            self.look(news.clone(), &mut observed).await?;
            answered.extend(news);
        }
    }

    /// Makes several decisions at once, with looks that they share. One that
    /// wants what could not be looked up has the error; the others go on.
    /// `decide` makes the decision of this number.
    pub async fn survey_each<T>(
        &self,
        decisions: usize,
        decide: impl Fn(usize, &Observed) -> Result<T, Wants>,
    ) -> Vec<Result<T, Error>> {
        let mut observed = Observed::default();
        let mut answered = BTreeSet::new();
        let mut failed: BTreeMap<Want, Error> = BTreeMap::new();
        let mut decided: BTreeMap<usize, Result<T, Error>> = BTreeMap::new();
        while decided.len() < decisions {
            let mut news: BTreeSet<Want> = BTreeSet::new();
            for number in 0..decisions {
                if decided.contains_key(&number) {
                    continue;
                }
                let wants = match decide(number, &observed) {
                    Ok(decision) => {
                        decided.insert(number, Ok(decision));
                        continue;
                    }
                    Err(Wants(wants)) => wants,
                };
                if let Some(error) = wants.iter().find_map(|want| failed.get(want)) {
                    decided.insert(number, Err(error.clone()));
                    continue;
                }
                assert!(
                    !wants.is_subset(&answered),
                    "a decision wants what it has been told: {wants:?}"
                );
                news.extend(wants.difference(&answered).cloned());
            }
            let jobs = self.jobs(news.clone(), &observed);
            match jobs.record_each(&mut observed).await {
                Ok(errors) => failed.extend(errors),
                Err(error) => {
                    for number in 0..decisions {
                        decided.entry(number).or_insert(Err(error.clone()));
                    }
                }
            }
            answered.extend(news);
        }
        decided.into_values().collect()
    }

    /// Looks up everything that is wanted and records the answers.
    pub async fn look(&self, wants: BTreeSet<Want>, observed: &mut Observed) -> Result<(), Error> {
        self.jobs(wants, observed).record(observed).await
    }

    /// The calls that answer these wants, on their way.
    fn jobs(&self, wants: BTreeSet<Want>, observed: &Observed) -> Jobs {
        let mut jobs = Jobs::default();
        let mut services: BTreeMap<ClusterName, Vec<ServiceKey>> = BTreeMap::new();
        let mut images: BTreeMap<_, Vec<_>> = BTreeMap::new();
        let mut running = Vec::new();
        let mut scaled = Vec::new();
        for want in wants {
            let me = self.clone();
            match want.clone() {
                Want::Service(key) => services.entry(key.cluster.clone()).or_default().push(key),
                Want::Image(repository, id) => images.entry(repository).or_default().push(id),
                Want::RunningImages(arn) => running.push(arn),
                Want::Scaling(key) => scaled.push(key),
                Want::Document(arn) => {
                    let deployed = deployed(observed, &arn);
                    jobs.start([want], async move { me.document(arn, deployed).await });
                }
                Want::Revision(arn) => {
                    jobs.start([want], async move { me.revision(arn).await });
                }
                Want::Newest(family) => {
                    jobs.start([want], async move { me.newest(family).await });
                }
                Want::History(key) => {
                    jobs.start([want], async move { history::deployments(&me, key).await });
                }
                Want::StoppedTasks(key) => {
                    jobs.start(
                        [want],
                        async move { history::stopped_tasks(&me, key).await },
                    );
                }
                Want::ServiceTags(arn) => {
                    jobs.start([want], async move { service::tags(&me, arn).await });
                }
                Want::ServiceNames(cluster) => {
                    jobs.start([want], async move { me.service_names(cluster).await });
                }
                Want::Outside(thing) => {
                    jobs.start([want], async move { outside::look(&me, thing).await });
                }
                Want::ClusterNames => {
                    jobs.start([want], async move { me.cluster_names().await });
                }
                Want::ImageTags(repository) => {
                    jobs.start([want], async move { registry::tags(&me, repository).await });
                }
            }
        }
        for keys in services.into_values() {
            for batch in keys.chunks(SERVICES_A_CALL) {
                let (me, batch) = (self.clone(), batch.to_vec());
                let wants: Vec<Want> = batch.iter().cloned().map(Want::Service).collect();
                jobs.start(wants, async move { me.services(batch).await });
            }
        }
        for (repository, ids) in images {
            for batch in ids.chunks(registry::IMAGES_A_CALL) {
                let (me, repository, batch) = (self.clone(), repository.clone(), batch.to_vec());
                let wants: Vec<Want> = batch
                    .iter()
                    .map(|id| Want::Image(repository.clone(), id.clone()))
                    .collect();
                let images = async move { registry::images(&me, repository, batch).await };
                jobs.start(wants, images);
            }
        }
        for batch in running.chunks(service::REVISIONS_A_CALL) {
            let (me, batch) = (self.clone(), batch.to_vec());
            let wants: Vec<Want> = batch.iter().cloned().map(Want::RunningImages).collect();
            jobs.start(wants, async move { service::revisions(&me, batch).await });
        }
        for batch in scaled.chunks(scaling::TARGETS_A_CALL) {
            let (me, batch) = (self.clone(), batch.to_vec());
            let wants: Vec<Want> = batch.iter().cloned().map(Want::Scaling).collect();
            jobs.start(wants, async move { Ok(scaling::targets(&me, batch).await) });
        }
        jobs
    }

    /// Waits until a call is within its rate, then for a place among the calls
    /// under way.
    pub(super) async fn turn(&self, action: &str) -> tokio::sync::SemaphorePermit<'_> {
        self.pace(action).await;
        self.place().await
    }

    /// Waits until a call is within its rate.
    pub(super) async fn pace(&self, action: &str) {
        self.connection.allowance().take(action).await;
    }

    /// Waits for a place among the calls under way.
    pub(super) async fn place(&self) -> tokio::sync::SemaphorePermit<'_> {
        // The semaphore is never closed.
        self.calls.acquire().await.expect("the semaphore is open")
    }

    async fn services(&self, keys: Vec<ServiceKey>) -> Result<Vec<Sight>, Error> {
        const ACTION: &str = "ecs:DescribeServices";
        let turn = self.turn(ACTION).await;
        let Some(cluster) = keys.first().map(|key| key.cluster.clone()) else {
            return Ok(Vec::new());
        };
        info!(%cluster, services = keys.len(), "{ACTION}");
        let keep = KeepResponse::default();
        let sent = self
            .ecs
            .describe_services()
            .cluster(cluster.as_str())
            .set_services(Some(
                keys.iter().map(|key| key.service.to_string()).collect(),
            ))
            .customize()
            .interceptor(keep.clone())
            .send()
            .await;
        if let Err(error) = sent {
            if error.code() == Some("ClusterNotFoundException") {
                let region = self.connection.region.clone();
                return Err(Error::NoCluster { cluster, region });
            }
            let error = Error::from_sdk(ACTION, &error);
            if matches!(error, Error::Denied { .. }) && keys.len() > 1 {
                // IAM refuses a call for any one of its services: only that one
                // is not to be read.
                drop(turn);
                return self.one_by_one(keys).await;
            }
            return spread(error, keys, |key, why| {
                Sight::Service(key, Box::new(Seen::Unreadable(why)))
            });
        }
        let answer: DescribedServices = self.body(ACTION, &keep)?;
        let mut found = BTreeMap::new();
        for service in answer.services {
            let name = service
                .get("serviceName")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            found.insert(name, service);
        }
        for failure in &answer.failures {
            if let Some(Ok(arn)) = failure.arn.as_deref().map(str::parse::<ServiceArn>) {
                self.guard(arn.account(), arn.region())?;
            }
        }
        keys.into_iter()
            .map(|key| {
                let seen = match found.remove(key.service.as_str()) {
                    Some(service) => match Service::read(service) {
                        Ok(service) => {
                            self.guard(
                                service.service_arn.account(),
                                service.service_arn.region(),
                            )?;
                            Seen::Found(service)
                        }
                        Err(error) => Seen::Unreadable(garbled(ACTION, &error)),
                    },
                    None => not_described(&key, &answer.failures),
                };
                Ok(Sight::Service(key, Box::new(seen)))
            })
            .collect()
    }

    async fn one_by_one(&self, keys: Vec<ServiceKey>) -> Result<Vec<Sight>, Error> {
        let mut sights = Vec::new();
        for key in keys {
            sights.extend(Box::pin(self.services(vec![key])).await?);
        }
        Ok(sights)
    }

    async fn document(&self, arn: RevisionArn, deployed: Option<f64>) -> Result<Vec<Sight>, Error> {
        let host = self.host();
        if let Some(document) = self
            .cache
            .as_ref()
            .and_then(|cache| cache.get(&host, &arn, deployed))
        {
            return Ok(vec![Sight::Document(arn, Seen::Found(document))]);
        }
        // A fresh look brings tags and status with the same call.
        self.revision(arn).await
    }

    async fn revision(&self, arn: RevisionArn) -> Result<Vec<Sight>, Error> {
        const ACTION: &str = "ecs:DescribeTaskDefinition";
        let _turn = self.turn(ACTION).await;
        info!(revision = %arn, "{ACTION}");
        let keep = KeepResponse::default();
        let sent = self
            .ecs
            .describe_task_definition()
            .task_definition(arn.as_str())
            .include(TaskDefinitionField::Tags)
            .customize()
            .interceptor(keep.clone())
            .send()
            .await;
        if let Err(error) = sent {
            let error = Error::from_sdk(ACTION, &error);
            return spread(error, [arn], |arn, why| {
                Sight::Revision(arn, Seen::Unreadable(why))
            });
        }
        let answer: DescribedTaskDefinition = self.body(ACTION, &keep)?;
        let document = TaskDefinition::new(answer.task_definition);
        if let Some(Ok(described)) = document
            .text("taskDefinitionArn")
            .map(str::parse::<RevisionArn>)
        {
            self.guard(described.account(), described.region())?;
        }
        if let Some(cache) = &self.cache {
            cache.put(&self.host(), &arn, &document);
        }
        let revision = Revision {
            status: document.text("status").unwrap_or_default().to_owned(),
            tags: answer.tags.unwrap_or_default(),
            document,
        };
        Ok(vec![Sight::Revision(arn, Seen::Found(revision))])
    }

    async fn newest(&self, family: String) -> Result<Vec<Sight>, Error> {
        const ACTION: &str = "ecs:ListTaskDefinitions";
        let _turn = self.turn(ACTION).await;
        info!(%family, "{ACTION}");
        let sent = self
            .ecs
            .list_task_definitions()
            .family_prefix(&family)
            .status(TaskDefinitionStatus::Active)
            .sort(SortOrder::Desc)
            .max_results(i32::try_from(NEWEST).unwrap_or(i32::MAX))
            .send()
            .await;
        let seen = match sent {
            Err(error) => {
                let error = Error::from_sdk(ACTION, &error);
                return spread(error, [family], |family, why| {
                    Sight::Newest(family, Seen::Unreadable(why))
                });
            }
            Ok(answer) => {
                let mut revisions: Vec<RevisionArn> = answer
                    .task_definition_arns()
                    .iter()
                    .filter_map(|arn| arn.parse().ok())
                    .filter(|arn: &RevisionArn| arn.family() == family)
                    .collect();
                revisions.sort_by_key(|arn| std::cmp::Reverse(arn.revision()));
                revisions.truncate(NEWEST);
                Seen::Found(revisions)
            }
        };
        Ok(vec![Sight::Newest(family, seen)])
    }

    async fn service_names(&self, cluster: ClusterName) -> Result<Vec<Sight>, Error> {
        const ACTION: &str = "ecs:ListServices";
        let _turn = self.place().await;
        info!(%cluster, "{ACTION}");
        let mut names = Vec::new();
        let mut pages = self
            .ecs
            .list_services()
            .cluster(cluster.as_str())
            .max_results(100)
            .into_paginator()
            .send();
        for _ in 0..NAME_PAGES {
            self.pace(ACTION).await;
            match pages.next().await {
                None => break,
                Some(Ok(page)) => names.extend(
                    page.service_arns()
                        .iter()
                        .filter_map(|arn| arn.parse::<ServiceArn>().ok())
                        .map(|arn| arn.service().to_string()),
                ),
                Some(Err(error)) => {
                    let error = Error::from_sdk(ACTION, &error);
                    return spread(error, [cluster], |cluster, why| {
                        Sight::ServiceNames(cluster, Seen::Unreadable(why))
                    });
                }
            }
        }
        names.sort_unstable();
        Ok(vec![Sight::ServiceNames(cluster, Seen::Found(names))])
    }

    async fn cluster_names(&self) -> Result<Vec<Sight>, Error> {
        const ACTION: &str = "ecs:ListClusters";
        let _turn = self.turn(ACTION).await;
        info!("{ACTION}");
        let mut names = Vec::new();
        let mut pages = self.ecs.list_clusters().into_paginator().send();
        for _ in 0..NAME_PAGES {
            match pages.next().await {
                None => break,
                Some(Ok(page)) => names.extend(
                    page.cluster_arns()
                        .iter()
                        .filter_map(|arn| arn.rsplit_once('/'))
                        .map(|(_, name)| name.to_owned()),
                ),
                Some(Err(error)) => {
                    let error = Error::from_sdk(ACTION, &error);
                    return spread(error, [()], |(), why| {
                        Sight::ClusterNames(Seen::Unreadable(why))
                    });
                }
            }
        }
        names.sort_unstable();
        Ok(vec![Sight::ClusterNames(Seen::Found(names))])
    }

    /// Nothing is read from, and so nothing written to, another account or
    /// region than the declared one; ARNs carry both, so it costs no call.
    fn guard(&self, account: &AccountId, region: &Region) -> Result<(), Error> {
        let here = &self.connection;
        if let Some(declared) = &here.account
            && account != declared
        {
            return Err(Error::WrongAccount {
                declared: declared.clone(),
                actual: account.clone(),
            });
        }
        if *region != here.region {
            return Err(Error::WrongRegion {
                declared: here.region.clone(),
                actual: region.clone(),
            });
        }
        Ok(())
    }

    fn host(&self) -> String {
        self.host
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn body<T: for<'de> Deserialize<'de>>(
        &self,
        action: &'static str,
        keep: &KeepResponse,
    ) -> Result<T, Error> {
        let kept = keep.take();
        *self.host.lock().unwrap_or_else(PoisonError::into_inner) = kept.host;
        serde_json::from_slice(&kept.body).map_err(|error| Error::Garbled {
            action,
            why: error.to_string(),
        })
    }
}

/// The calls of one look, side by side, each with what it answers.
#[derive(Default)]
struct Jobs(JoinSet<Answered>);

/// What was wanted, and what came of it.
type Answered = (Vec<Want>, Result<Vec<Sight>, Error>);

impl Jobs {
    fn start(
        &mut self,
        wants: impl IntoIterator<Item = Want>,
        job: impl Future<Output = Result<Vec<Sight>, Error>> + Send + 'static,
    ) {
        let wants = wants.into_iter().collect();
        self.0.spawn(async move { (wants, job.await) });
    }

    async fn next(&mut self) -> Option<Answered> {
        match self.0.join_next().await? {
            Ok(done) => Some(done),
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }

    /// Records all answers; the first error ends it.
    async fn record(mut self, observed: &mut Observed) -> Result<(), Error> {
        while let Some((_, sights)) = self.next().await {
            for sight in sights? {
                observed.record(sight);
            }
        }
        Ok(())
    }

    /// Records the answers that there are, and gives back what has none. Without
    /// credentials nothing has: that error ends it.
    async fn record_each(mut self, observed: &mut Observed) -> Result<Vec<(Want, Error)>, Error> {
        let mut failed = Vec::new();
        while let Some((wants, sights)) = self.next().await {
            match sights {
                Ok(sights) => {
                    for mut sight in sights {
                        // No decision rests on them, and a thousand services have many.
                        if let Sight::Service(_, seen) = &mut sight
                            && let Seen::Found(service) = &mut **seen
                        {
                            service.events = Vec::new();
                        }
                        observed.record(sight);
                    }
                }
                Err(error @ Error::Credentials { .. }) => return Err(error),
                Err(error) => failed.extend(wants.into_iter().map(|want| (want, error.clone()))),
            }
        }
        Ok(failed)
    }
}

/// A failed call answers nothing (when every call would fail so), or says of
/// each thing it was asked for why it could not be read.
pub(super) fn spread<K>(
    error: Error,
    keys: impl IntoIterator<Item = K>,
    sight: impl Fn(K, Unreadable) -> Sight,
) -> Result<Vec<Sight>, Error> {
    if error.concerns_everything() {
        return Err(error);
    }
    let why = Unreadable::from(error);
    Ok(keys
        .into_iter()
        .map(|key| sight(key, why.clone()))
        .collect())
}

/// When the first deployment that runs this revision was made.
fn deployed(observed: &Observed, arn: &RevisionArn) -> Option<f64> {
    observed
        .found_services()
        .flat_map(|service| &service.deployments)
        .filter(|deployment| deployment.task_definition == *arn)
        .filter_map(|deployment| deployment.created_at)
        .min_by(f64::total_cmp)
}

fn not_described(key: &ServiceKey, failures: &[Failure]) -> Seen<Service> {
    let ending = format!("/{}", key.service);
    let failure = failures.iter().find(|failure| {
        failure
            .arn
            .as_deref()
            .is_some_and(|arn| arn.ends_with(&ending))
    });
    match failure.and_then(|failure| failure.reason.as_deref()) {
        None | Some("MISSING") => Seen::Missing,
        Some(reason) => Seen::Unreadable(Unreadable {
            why: format!("ecs:DescribeServices says {reason} of it"),
            hint: None,
        }),
    }
}

fn garbled(action: &'static str, error: &serde_json::Error) -> Unreadable {
    Error::Garbled {
        action,
        why: error.to_string(),
    }
    .into()
}

#[derive(Deserialize)]
struct DescribedServices {
    #[serde(default)]
    services: Vec<Map<String, Value>>,
    #[serde(default)]
    failures: Vec<Failure>,
}

#[derive(Deserialize)]
struct Failure {
    arn: Option<String>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescribedTaskDefinition {
    task_definition: Map<String, Value>,
    tags: Option<Vec<Value>>,
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::cloud::{Access, Transport};

    /// A reader, and how many requests were sent.
    async fn reader() -> (Reader, Arc<AtomicUsize>) {
        let sent = Arc::new(AtomicUsize::new(0));
        let count = sent.clone();
        let transport = Transport::InMemory(Arc::new(move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            Box::pin(async { Some(http::Response::new(hyper::body::Bytes::from("{}"))) })
        }));
        let access = Access {
            account: "123456789012".parse().unwrap(),
            region: "us-west-1".parse().unwrap(),
            role: None,
        };
        let connection = Connection::open(access, &transport, None).await;
        (connection.reader(), sent)
    }

    /// Plans hold nothing but a reader, and this is all that a reader holds.
    #[tokio::test(start_paused = true)]
    async fn the_clients_of_a_reader_refuse_to_write() {
        let (reader, sent) = reader().await;
        let refused = |answer: Result<(), String>| {
            let error = answer.unwrap_err();
            assert!(error.contains("is not a reading call"), "{error}");
        };
        macro_rules! refuses {
            ($call:expr) => {
                refused($call.send().await.map(drop).map_err(|error| {
                    aws_smithy_types::error::display::DisplayErrorContext(error).to_string()
                }))
            };
        }
        let ecs = &reader.ecs;
        refuses!(
            ecs.register_task_definition()
                .family("web")
                .set_container_definitions(Some(vec![]))
        );
        refuses!(ecs.update_service().service("web"));
        refuses!(ecs.create_service().service_name("web"));
        refuses!(ecs.delete_service().service("web"));
        refuses!(ecs.deregister_task_definition().task_definition("web:1"));
        refuses!(ecs.stop_service_deployment().service_deployment_arn("a"));
        refuses!(ecs.tag_resource().resource_arn("a").set_tags(Some(vec![])));
        refuses!(ecs.run_task().task_definition("web:1"));
        let ecr = reader.connection.registry(&"us-west-1".parse().unwrap());
        refuses!(ecr.put_image().repository_name("web").image_manifest("{}"));
        refuses!(
            ecr.batch_delete_image()
                .repository_name("web")
                .set_image_ids(Some(vec![]))
        );
        assert_eq!(sent.load(Ordering::Relaxed), 0);

        ecs.describe_services()
            .services("web")
            .send()
            .await
            .unwrap();
        assert_eq!(sent.load(Ordering::Relaxed), 1);
    }
}
