//! The tasks that run before a rollout, decided whole: what is left to add is
//! the revision, which may not be registered yet.

use serde_json::{Map, Value, json};

use super::*;

/// A task of the new revision, to run to its end before the service is touched.
#[derive(Debug, Clone, PartialEq)]
pub struct OneOff {
    /// The container that does the work.
    pub container: String,
    /// What it runs instead of its own command.
    pub command: Vec<String>,
    /// Where the service runs its tasks: the parameters of RunTask that the
    /// service has, too.
    pub place: Map<String, Value>,
}

/// The declared tasks, in the service's own network.
pub(super) fn one_offs(
    desired: &DesiredService,
    service: &Service,
    change: &ServiceChange,
    after: &TaskDefinition,
    basis: &Basis,
) -> Result<Vec<OneOff>, Vec<Block>> {
    let names = after.container_names();
    let unknown: Vec<Block> = desired
        .before
        .iter()
        .filter(|task| !names.contains(&task.container.as_str()))
        .map(|task| Block::ContainerMissing {
            at: task.at.clone(),
            container: task.container.clone(),
            revision: basis.revision.clone(),
            there_are: names.iter().map(ToString::to_string).collect(),
            near: nearest(&task.container, names.iter().copied(), 1).pop(),
        })
        .collect();
    if !unknown.is_empty() {
        return Err(unknown);
    }
    let place = place(service, &change.update);
    Ok(desired
        .before
        .iter()
        .map(|task| OneOff {
            container: task.container.clone(),
            command: task.command.clone(),
            place: place.clone(),
        })
        .collect())
}

/// RunTask's parameters, from the service's. A capacity provider strategy
/// and a launch type exclude each other (API reference, RunTask).
/// What is about to change of them counts as it will be.
fn place(service: &Service, update: &Map<String, Value>) -> Map<String, Value> {
    let has = |name: &str| {
        update
            .get(name)
            .or_else(|| service.document.get(name))
            .filter(|value| {
                !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty())
            })
    };
    let capacity = if has("capacityProviderStrategy").is_some() {
        "capacityProviderStrategy"
    } else {
        "launchType"
    };
    [capacity, "platformVersion", "networkConfiguration"]
        .into_iter()
        .filter_map(|name| Some((name.to_owned(), has(name)?.clone())))
        .collect()
}

impl OneOff {
    /// The request that runs it.
    pub fn request(&self, revision: &RevisionArn) -> Map<String, Value> {
        let mut request = self.place.clone();
        request.insert("taskDefinition".into(), json!(revision));
        request.insert("count".into(), json!(1));
        request.insert(
            "overrides".into(),
            json!({"containerOverrides": [{"name": self.container, "command": self.command}]}),
        );
        request
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(fields: Value) -> Service {
        let Value::Object(mut service) = fields else {
            panic!("{fields}");
        };
        let arn = "arn:aws:ecs:us-west-1:123456789012:service/prod/web";
        service.insert("serviceArn".into(), json!(arn));
        service.insert("status".into(), json!("ACTIVE"));
        Service::read(service).unwrap()
    }

    #[test]
    fn a_task_runs_where_the_service_runs() {
        let network =
            json!({"awsvpcConfiguration": {"subnets": ["subnet-1"], "assignPublicIp": "DISABLED"}});
        let one_off = OneOff {
            container: "app".into(),
            command: vec!["npm".into(), "run".into(), "migrate".into()],
            place: place(
                &service(json!({
                    "launchType": "FARGATE", "platformVersion": "1.3.0", "networkConfiguration": network,
                })),
                &Map::from_iter([("platformVersion".to_owned(), json!("1.4.0"))]),
            ),
        };
        let revision: RevisionArn = "arn:aws:ecs:us-west-1:123456789012:task-definition/web:8"
            .parse()
            .unwrap();
        assert_eq!(
            Value::Object(one_off.request(&revision)),
            json!({
                "launchType": "FARGATE", "platformVersion": "1.4.0", "networkConfiguration": network,
                "taskDefinition": revision, "count": 1,
                "overrides": {"containerOverrides": [
                    {"name": "app", "command": ["npm", "run", "migrate"]},
                ]},
            })
        );
    }

    #[test]
    fn a_strategy_takes_the_place_of_a_launch_type() {
        let strategy = json!([{"capacityProvider": "FARGATE_SPOT", "weight": 1}]);
        let place = place(
            &service(json!({"launchType": "FARGATE", "capacityProviderStrategy": strategy})),
            &Map::new(),
        );
        assert_eq!(
            Value::Object(place),
            json!({"capacityProviderStrategy": strategy})
        );
    }
}
