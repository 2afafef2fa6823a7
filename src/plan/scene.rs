//! A world of literals for tests: services with what they run, and a registry
//! that has every tag.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::*;
use crate::observed::{Image, ImageId, Revision, Sight, Want};

pub(crate) const HEAD: &str =
    "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"prod\"\n";
pub(crate) const REGISTRY: &str = "123456789012.dkr.ecr.us-west-1.amazonaws.com";

/// What an environment file with these services declares.
#[track_caller]
pub(crate) fn declared(services: &str) -> Desired {
    crate::environment::parse(
        "environments/prod.toml",
        "prod",
        &format!("{HEAD}{services}"),
    )
    .unwrap_or_else(|mistakes| panic!("{}", mistakes.render(false, 80)))
}

pub(crate) fn digest(c: char) -> Digest {
    format!("sha256:{}", c.to_string().repeat(64))
        .parse()
        .unwrap()
}

pub(crate) fn arn(family: &str, revision: u64) -> RevisionArn {
    format!("arn:aws:ecs:us-west-1:123456789012:task-definition/{family}:{revision}")
        .parse()
        .unwrap()
}

/// A plan of these services.
pub(crate) fn plan_of(environment: &str, services: Vec<ServicePlan>) -> Plan {
    Plan {
        environment: environment.to_owned(),
        account: "123456789012".parse().unwrap(),
        region: "us-west-1".parse().unwrap(),
        cluster: "prod".parse().unwrap(),
        services,
    }
}

/// What is live.
#[derive(Clone, Default)]
pub(crate) struct Scene {
    services: BTreeMap<String, Value>,
    revisions: BTreeMap<RevisionArn, Value>,
    /// Tags and digests whose image is another than `a`.
    moved: BTreeMap<String, char>,
}

impl Scene {
    /// A service that runs this document, whose family is the service's name,
    /// as revision 7 in deployment 1.
    pub fn service(mut self, name: &str, containers: Value) -> Self {
        self.services.insert(
            name.to_owned(),
            json!({
                "serviceArn": format!("arn:aws:ecs:us-west-1:123456789012:service/prod/{name}"),
                "serviceName": name,
                "status": "ACTIVE",
                "desiredCount": 2,
                "deployments": [{
                    "id": "ecs-svc/1", "status": "PRIMARY", "taskDefinition": arn(name, 7),
                    "rolloutState": "COMPLETED", "desiredCount": 2, "runningCount": 2,
                }],
            }),
        );
        self.revision(name, 7, containers)
    }

    /// A revision that there is, too.
    pub fn revision(mut self, family: &str, number: u64, containers: Value) -> Self {
        let document =
            json!({ "family": family, "memory": "512", "containerDefinitions": containers });
        self.revisions.insert(arn(family, number), document);
        self
    }

    /// Another deployment of a service.
    pub fn deployed(mut self, name: &str, revision: u64, deployment: &str) -> Self {
        let service = self.services.get_mut(name).unwrap();
        service["deployments"][0]["taskDefinition"] = json!(arn(name, revision));
        service["deployments"][0]["id"] = json!(deployment);
        self
    }

    /// A field of a service, or of its PRIMARY deployment.
    pub fn field(mut self, name: &str, field: &str, value: Value) -> Self {
        let service = self.services.get_mut(name).unwrap();
        match field.strip_prefix("deployment.") {
            Some(field) => service["deployments"][0][field] = value,
            None => service[field] = value,
        }
        self
    }

    pub fn tag(mut self, tag: &str, digest: char) -> Self {
        self.moved.insert(tag.to_owned(), digest);
        self
    }

    pub fn without(mut self, name: &str) -> Self {
        self.services.remove(name);
        self
    }

    pub fn plan(&self, desired: &Desired) -> Plan {
        self.survey(|observed| plan(desired, observed, Options::default()))
    }

    /// Answers whatever is wanted.
    pub fn survey<T>(&self, decide: impl Fn(&Observed) -> Result<T, Wants>) -> T {
        let mut observed = Observed::default();
        for _ in 0..10 {
            match decide(&observed) {
                Ok(decision) => return decision,
                Err(Wants(wants)) => wants
                    .into_iter()
                    .for_each(|want| observed.record(self.answer(want))),
            }
        }
        panic!("never content");
    }

    fn answer(&self, want: Want) -> Sight {
        let document = |arn: &RevisionArn| -> Seen<TaskDefinition> {
            self.revisions.get(arn).map_or(Seen::Missing, |document| {
                Seen::Found(serde_json::from_value(document.clone()).unwrap())
            })
        };
        match want {
            Want::Service(key) => {
                let found = self.services.get(key.service.as_str());
                let seen = found.map_or(Seen::Missing, |service| {
                    let service = service.as_object().unwrap().clone();
                    Seen::Found(Service::read(service).unwrap())
                });
                Sight::Service(key, Box::new(seen))
            }
            Want::Document(arn) => {
                let seen = document(&arn);
                Sight::Document(arn, seen)
            }
            Want::Revision(arn) => {
                let seen = match document(&arn) {
                    Seen::Found(document) => Seen::Found(Revision {
                        document,
                        status: "ACTIVE".into(),
                        tags: vec![],
                    }),
                    Seen::Missing => Seen::Missing,
                    Seen::Unreadable(why) => Seen::Unreadable(why),
                };
                Sight::Revision(arn, seen)
            }
            Want::Image(repository, id) => {
                let found = match &id {
                    ImageId::Tag(tag) => {
                        digest(self.moved.get(tag.as_str()).copied().unwrap_or('a'))
                    }
                    ImageId::Digest(digest) => digest.clone(),
                };
                let image = Image {
                    digest: found,
                    platforms: vec![],
                };
                Sight::Image(repository, id, Seen::Found(image))
            }
            Want::RunningImages(revision) => Sight::RunningImages(revision, Seen::Missing),
            Want::Scaling(key) => Sight::Scaling(key, Seen::Missing),
            Want::ServiceTags(arn) => Sight::ServiceTags(arn, Seen::Found(vec![])),
            Want::Newest(family) => Sight::Newest(family, Seen::Found(vec![])),
            Want::History(key) => Sight::History(key, Seen::Found(vec![])),
            Want::StoppedTasks(key) => Sight::StoppedTasks(key, Seen::Found(vec![])),
            Want::ServiceNames(cluster) => {
                let names = self.services.keys().cloned().collect();
                Sight::ServiceNames(cluster, Seen::Found(names))
            }
            Want::ClusterNames => Sight::ClusterNames(Seen::Found(vec![])),
            Want::Outside(thing) => Sight::Outside(thing, Seen::Missing),
            Want::ImageTags(repository) => Sight::ImageTags(repository, Seen::Found(vec![])),
        }
    }
}
