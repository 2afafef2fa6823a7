//! Tasks as responses show them.

use serde_json::{Map, Value, json};

use super::super::ids;
use super::super::rollout::OUT_OF_MEMORY;
use super::super::state::{
    Behaviour, DeployedContainer, OneOff, Phase, Run, Scope, Service, Stop, Task,
};
use super::view::put_times;

/// A task with what is around it: its service, or the request that ran it.
#[derive(Clone, Copy)]
pub(super) enum Known<'a> {
    OfService(&'a Service, &'a Task),
    OneOff(&'a Scope, &'a OneOff),
}

impl<'a> Known<'a> {
    pub(super) fn task(self) -> &'a Task {
        match self {
            Self::OfService(_, task) => task,
            Self::OneOff(_, one) => &one.task,
        }
    }

    fn scope(self) -> &'a Scope {
        match self {
            Self::OfService(service, _) => &service.scope,
            Self::OneOff(scope, _) => scope,
        }
    }

    pub(super) fn cluster(self) -> &'a str {
        match self {
            Self::OfService(service, _) => &service.cluster,
            Self::OneOff(_, one) => &one.cluster,
        }
    }

    /// The name of its service.
    pub(super) fn service(self) -> Option<&'a str> {
        match self {
            Self::OfService(service, _) => Some(&service.name),
            Self::OneOff(..) => None,
        }
    }

    pub(super) fn started_by(self) -> Option<&'a str> {
        match self {
            Self::OfService(_, task) => Some(&task.deployment),
            Self::OneOff(_, one) => one.started_by.as_deref(),
        }
    }

    fn settings(self) -> &'a Map<String, Value> {
        match self {
            Self::OfService(service, _) => &service.settings,
            Self::OneOff(_, one) => &one.settings,
        }
    }

    pub(super) fn arn(self) -> String {
        let resource = format!("task/{}/{}", self.cluster(), self.task().id);
        self.scope().arn("ecs", &resource)
    }
}

/// A task as DescribeTasks and its kin show it.
pub(super) fn task(known: Known, with_tags: bool) -> Value {
    let (task, scope, settings) = (known.task(), known.scope(), known.settings());
    let arn = known.arn();
    let (group, overrides, tags) = match known {
        Known::OfService(service, _) => (format!("service:{}", service.name), None, None),
        Known::OneOff(_, one) => (one.group.clone(), Some(&one.overrides), Some(&one.tags)),
    };
    let mut view = Map::new();
    let mut put = |key: &str, value: Value| view.insert(key.to_owned(), value);
    put("taskArn", arn.clone().into());
    let cluster = format!("cluster/{}", known.cluster());
    put("clusterArn", scope.arn("ecs", &cluster).into());
    put("taskDefinitionArn", task.task_definition.clone().into());
    put("group", group.into());
    if let Some(by) = known.started_by() {
        put("startedBy", by.into());
    }
    put("lastStatus", last_status(task.phase).into());
    let desired = if task.lives() { "RUNNING" } else { "STOPPED" };
    put("desiredStatus", desired.into());
    put("healthStatus", health(task).into());
    for key in ["launchType", "platformVersion", "platformFamily"] {
        if let Some(value) = settings.get(key) {
            put(key, super::view::resolved(key, value));
        }
    }
    let provider = settings.get("capacityProviderStrategy");
    if let Some(name) = provider.and_then(|p| p.get(0)?.get("capacityProvider")) {
        put("capacityProviderName", name.clone());
    }
    put("availabilityZone", format!("{}a", scope.region).into());
    put("connectivity", "CONNECTED".into());
    let containers = task.containers.iter();
    put(
        "containers",
        containers.map(|c| container(known, &arn, c)).collect(),
    );
    let mut told = json!({"containerOverrides": [], "inferenceAcceleratorOverrides": []});
    if let (Some(Value::Object(sent)), Value::Object(told)) = (overrides, &mut told) {
        told.extend(sent.clone());
    }
    put("overrides", told);
    put("attachments", attachments(known));
    put("attributes", json!([]));
    let tags = tags.filter(|_| with_tags).cloned().unwrap_or_default();
    put("tags", tags.into());
    put("version", 1.into());
    if let Some(stop) = &task.stop {
        put("stopCode", stop.code.clone().into());
        put("stoppedReason", stop.reason.clone().into());
    }
    let times = [
        ("createdAt", Some(task.created_at)),
        ("startedAt", task.started_at),
        ("stoppingAt", task.stopping_at),
        ("stoppedAt", task.stopped_at),
    ];
    put_times(&mut view, times);
    Value::Object(view)
}

/// The network interface of a task in a VPC.
fn attachments(known: Known) -> Value {
    let task = known.task();
    let subnet = known.settings().get("networkConfiguration");
    let subnet = subnet.and_then(|c| c.pointer("/awsvpcConfiguration/subnets/0"));
    let Some(subnet) = subnet else {
        return json!([]);
    };
    let status = match task.phase {
        Phase::Provisioning => "PRECREATED",
        Phase::Stopped => "DELETED",
        _ => "ATTACHED",
    };
    let number = ids::number(&format!("{} address", task.id));
    let address = format!("10.0.{}.{}", number % 4, 4 + number / 7 % 250);
    let interface = format!("eni-0{}", &ids::hex(&format!("{} eni", task.id))[..16]);
    json!([{
        "id": ids::uuid(&format!("{} attachment", task.id)),
        "type": "ElasticNetworkInterface",
        "status": status,
        "details": [
            {"name": "subnetId", "value": subnet},
            {"name": "networkInterfaceId", "value": interface},
            {"name": "privateIPv4Address", "value": address},
        ],
    }])
}

fn last_status(phase: Phase) -> &'static str {
    match phase {
        Phase::Provisioning => "PROVISIONING",
        Phase::Pending => "PENDING",
        Phase::Running | Phase::Healthy => "RUNNING",
        Phase::Stopping => "DEPROVISIONING",
        Phase::Stopped => "STOPPED",
    }
}

fn health(task: &Task) -> &'static str {
    let failed_checks = task
        .culprit()
        .is_some_and(|c| c.behaviour == Behaviour::Unhealthy);
    match task.phase {
        Phase::Healthy => "HEALTHY",
        Phase::Stopping | Phase::Stopped if failed_checks => "UNHEALTHY",
        _ => "UNKNOWN",
    }
}

fn container(known: Known, task_arn: &str, container: &DeployedContainer) -> Value {
    let task = known.task();
    let id = ids::uuid(&format!("{} {}", task.id, container.name));
    let resource = format!("container/{}/{}/{id}", known.cluster(), task.id);
    let arn = known.scope().arn("ecs", &resource);
    let mut view = Map::new();
    let mut put = |key: &str, value: Value| view.insert(key.to_owned(), value);
    put("containerArn", arn.into());
    put("taskArn", task_arn.into());
    put("name", container.name.clone().into());
    put("image", container.image.clone().into());
    if let Some(digest) = container
        .digest
        .as_ref()
        .filter(|_| task.started_at.is_some())
    {
        put("imageDigest", digest.clone().into());
    }
    if task.started_at.is_some() {
        put(
            "runtimeId",
            format!("{}-{}", task.id, ids::number(&id) % 10_000_000_000).into(),
        );
    }
    put("lastStatus", last_status(task.phase).into());
    put("healthStatus", health(task).into());
    put("networkInterfaces", json!([]));
    put("networkBindings", json!([]));
    let guilty = task
        .culprit()
        .is_some_and(|culprit| culprit.name == container.name);
    if let Some(stop) = task.stop.as_ref().filter(|_| task.phase == Phase::Stopped) {
        let behaviour = if guilty && stop.failure {
            container.behaviour
        } else {
            Behaviour::Healthy
        };
        if behaviour == Behaviour::Unpullable {
            put("reason", stop.reason.clone().into());
        }
        if behaviour == Behaviour::OutOfMemory {
            put("reason", OUT_OF_MEMORY.into());
        }
        if task.started_at.is_some() {
            let own = task
                .run
                .as_ref()
                .map(|run| run_exit_code(run, container, stop));
            let code = match behaviour {
                Behaviour::Crash | Behaviour::OutOfMemory => exit_code(behaviour),
                _ => own.unwrap_or_else(|| exit_code(behaviour)),
            };
            put("exitCode", code.into());
        }
    }
    Value::Object(view)
}

fn exit_code(behaviour: Behaviour) -> i64 {
    match behaviour {
        Behaviour::Crash => 1,
        // Killed: by the kernel, or because it did not stop when told to.
        Behaviour::OutOfMemory | Behaviour::Unhealthy => 137,
        // Stopped when told to, and said so.
        Behaviour::FailsElb => 143,
        _ => 0,
    }
}

/// What a container of a one-off task ends with, if its image lets it work.
fn run_exit_code(run: &Run, container: &DeployedContainer, stop: &Stop) -> i64 {
    match stop.code.as_str() {
        "EssentialContainerExited" => i64::from(run.fails && run.container == container.name),
        _ => 143,
    }
}
