//! Through the one entry, as a client sees it, on the paused clock.

use std::time::Duration;

use http::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};

use super::*;

const ECR: &str = "123456789012.dkr.ecr.us-west-1.amazonaws.com";

async fn raw(sandbox: &Sandbox, target: &str, body: String) -> (u16, Value) {
    let request = Request::post("https://ecs.us-west-1.amazonaws.com/")
        .header("x-amz-target", target)
        .header("authorization", "AWS4-HMAC-SHA256 Credential=123456789012/20260101/us-west-1/ecs/aws4_request, SignedHeaders=host, Signature=0")
        .body(Bytes::from(body))
        .unwrap();
    let response = sandbox.answer(request).await;
    (
        response.status().as_u16(),
        serde_json::from_slice(response.body()).unwrap(),
    )
}

async fn ecs(sandbox: &Sandbox, operation: &str, body: Value) -> Value {
    let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
    let (status, answer) = raw(sandbox, &target, body.to_string()).await;
    assert_eq!(status, 200, "{operation}: {answer}");
    answer
}

async fn refused(sandbox: &Sandbox, operation: &str, body: Value) -> String {
    let target = format!("AmazonEC2ContainerServiceV20141113.{operation}");
    let (status, answer) = raw(sandbox, &target, body.to_string()).await;
    assert_eq!(status, 400, "{operation}: {answer}");
    format!(
        "{}: {}",
        answer["__type"].as_str().unwrap(),
        answer["message"].as_str().unwrap()
    )
}

async fn ecr(sandbox: &Sandbox, operation: &str, body: Value) -> (u16, Value) {
    raw(
        sandbox,
        &format!("AmazonEC2ContainerRegistry_V20150921.{operation}"),
        body.to_string(),
    )
    .await
}

fn seed(tag: &str) -> Seed {
    Seed {
        environment: "prod".to_owned(),
        account: "123456789012".parse().unwrap(),
        region: "us-west-1".parse().unwrap(),
        services: vec![SeedService {
            name: "api".to_owned(),
            cluster: "prod".parse().unwrap(),
            service: "api-prod".parse().unwrap(),
            images: vec![(None, format!("{ECR}/api:{tag}").parse().unwrap())],
        }],
    }
}

fn seeded() -> Sandbox {
    let sandbox = Sandbox::in_memory();
    assert_eq!(
        sandbox.seed(&seed("1.4.2")).unwrap(),
        Seeded::Now { services: 1 }
    );
    assert_eq!(sandbox.seed(&seed("9.9.9")).unwrap(), Seeded::Before);
    sandbox
}

async fn service(sandbox: &Sandbox) -> Value {
    let answer = ecs(
        sandbox,
        "DescribeServices",
        json!({"cluster": "prod", "services": ["api-prod"], "include": ["TAGS"]}),
    )
    .await;
    answer["services"][0].clone()
}

/// Registers the live document with another tag, and returns the new ARN.
async fn register(sandbox: &Sandbox, tag: &str) -> String {
    let live = service(sandbox).await["taskDefinition"].clone();
    let answer = ecs(
        sandbox,
        "DescribeTaskDefinition",
        json!({"taskDefinition": live}),
    )
    .await;
    let document: crate::model::TaskDefinition =
        serde_json::from_value(answer["taskDefinition"].clone()).unwrap();
    let document = document
        .with_image("app", &format!("{ECR}/api:{tag}"))
        .unwrap();
    let answer = ecs(
        sandbox,
        "RegisterTaskDefinition",
        document.register_request(&[]).into(),
    )
    .await;
    answer["taskDefinition"]["taskDefinitionArn"]
        .as_str()
        .unwrap()
        .to_owned()
}

async fn update(sandbox: &Sandbox, body: Value) -> Value {
    let mut request = json!({"cluster": "prod", "service": "api-prod"});
    request
        .as_object_mut()
        .unwrap()
        .extend(body.as_object().unwrap().clone());
    ecs(sandbox, "UpdateService", request).await["service"].clone()
}

async fn after(seconds: f64) {
    tokio::time::advance(Duration::from_secs_f64(seconds)).await;
}

/// `STATUS STATE desired/pending/running/failed` of every deployment.
fn deployments(service: &Value) -> Vec<String> {
    let of = |d: &Value| {
        format!(
            "{} {} {}/{}/{}/{}",
            d["status"].as_str().unwrap(),
            d["rolloutState"].as_str().unwrap(),
            d["desiredCount"],
            d["pendingCount"],
            d["runningCount"],
            d["failedTasks"]
        )
    };
    service["deployments"]
        .as_array()
        .unwrap()
        .iter()
        .map(of)
        .collect()
}

async fn last_service_deployment(sandbox: &Sandbox) -> Value {
    let list = ecs(
        sandbox,
        "ListServiceDeployments",
        json!({"cluster": "prod", "service": "api-prod"}),
    )
    .await;
    let arn = &list["serviceDeployments"][0]["serviceDeploymentArn"];
    let described = ecs(
        sandbox,
        "DescribeServiceDeployments",
        json!({"serviceDeploymentArns": [arn]}),
    )
    .await;
    described["serviceDeployments"][0].clone()
}

#[tokio::test(start_paused = true)]
async fn a_healthy_rollout_takes_some_seconds_and_completes() {
    let sandbox = seeded();
    let before = service(&sandbox).await;
    assert_eq!(deployments(&before), ["PRIMARY COMPLETED 3/0/3/0"]);
    let arn = register(&sandbox, "1.4.2").await;
    let updated = update(&sandbox, json!({"taskDefinition": arn})).await;
    assert_eq!(
        deployments(&updated),
        ["PRIMARY IN_PROGRESS 3/0/0/0", "ACTIVE COMPLETED 3/0/3/0"]
    );
    after(2.0).await;
    assert_eq!(
        deployments(&service(&sandbox).await),
        ["PRIMARY IN_PROGRESS 3/3/0/0", "ACTIVE COMPLETED 3/0/3/0"]
    );
    after(3.0).await;
    assert_eq!(
        deployments(&service(&sandbox).await),
        ["PRIMARY IN_PROGRESS 3/0/3/0", "ACTIVE COMPLETED 1/0/1/0"]
    );
    after(2.0).await;
    assert_eq!(
        service(&sandbox).await["deployments"][0]["rolloutState"],
        "IN_PROGRESS"
    );
    after(3.0).await;
    let done = service(&sandbox).await;
    assert_eq!(deployments(&done), ["PRIMARY COMPLETED 3/0/3/0"]);
    assert_eq!(done["taskDefinition"], arn.as_str());
    assert_eq!(
        done["events"][0]["message"],
        "(service api-prod) has reached a steady state."
    );
    let id = done["deployments"][0]["id"].as_str().unwrap();
    assert_eq!(
        done["deployments"][0]["rolloutStateReason"],
        format!("ECS deployment {id} completed.")
    );
    assert_eq!(
        last_service_deployment(&sandbox).await["status"],
        "SUCCESSFUL"
    );
}

#[tokio::test(start_paused = true)]
async fn a_crash_trips_the_breaker_and_rolls_back() {
    let sandbox = seeded();
    let before = service(&sandbox).await;
    let old = before["deployments"][0]["id"].as_str().unwrap().to_owned();
    let arn = register(&sandbox, "1.5.0-crash").await;
    let updated = update(&sandbox, json!({"taskDefinition": arn})).await;
    let failed = updated["deployments"][0]["id"].clone();
    after(6.5).await;
    let rolling = service(&sandbox).await;
    let primary = &rolling["deployments"][0];
    assert_eq!(
        primary["rolloutStateReason"],
        format!("ECS deployment circuit breaker: rolling back to deploymentId {old}.")
    );
    assert!(primary["id"] != old.as_str() && primary["id"] != failed);
    assert_eq!(primary["taskDefinition"], before["taskDefinition"]);
    assert_eq!(rolling["deployments"][1]["id"], failed);
    assert_eq!(rolling["deployments"][1]["rolloutState"], "FAILED");
    assert_eq!(
        rolling["deployments"][1]["rolloutStateReason"],
        "ECS deployment circuit breaker: tasks failed to start."
    );
    after(5.0).await;
    let done = service(&sandbox).await;
    assert_eq!(deployments(&done), ["PRIMARY COMPLETED 3/0/3/0"]);
    assert_eq!(done["taskDefinition"], before["taskDefinition"]);
    let record = last_service_deployment(&sandbox).await;
    assert_eq!(record["status"], "ROLLBACK_SUCCESSFUL");
    assert_eq!(
        record["deploymentCircuitBreaker"],
        json!({"status": "TRIGGERED", "failureCount": 3, "threshold": 3})
    );

    let stopped = json!({"cluster": "prod", "serviceName": "api-prod", "desiredStatus": "STOPPED"});
    let listed = ecs(&sandbox, "ListTasks", stopped.clone()).await;
    let tasks = ecs(
        &sandbox,
        "DescribeTasks",
        json!({"cluster": "prod", "tasks": listed["taskArns"]}),
    )
    .await;
    let crashed = tasks["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|t| t["stopCode"] == "EssentialContainerExited");
    let crashed: Vec<&Value> = crashed.collect();
    assert_eq!(crashed.len(), 3);
    assert_eq!(
        crashed[0]["stoppedReason"],
        "Essential container in task exited"
    );
    assert_eq!(crashed[0]["containers"][0]["exitCode"], 1);
    after(3_700.0).await;
    assert_eq!(
        ecs(&sandbox, "ListTasks", stopped).await["taskArns"],
        json!([])
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_breaker_a_crash_never_ends() {
    let sandbox = seeded();
    let off = json!({"deploymentConfiguration": {"deploymentCircuitBreaker": {"enable": false, "rollback": false}}});
    let changed = update(&sandbox, off).await;
    assert_eq!(
        deployments(&changed),
        ["PRIMARY COMPLETED 3/0/3/0"],
        "settings alone start nothing"
    );
    let arn = register(&sandbox, "crash").await;
    update(&sandbox, json!({"taskDefinition": arn})).await;
    for _ in 0..24 {
        after(3_600.0).await;
        let now = service(&sandbox).await;
        assert_eq!(now["deployments"][0]["rolloutState"], "IN_PROGRESS");
        assert_eq!(
            now["deployments"][1]["runningCount"], 3,
            "the old tasks go on"
        );
    }
    assert!(
        service(&sandbox).await["deployments"][0]["failedTasks"]
            .as_u64()
            .unwrap()
            > 1_000
    );
}

#[tokio::test(start_paused = true)]
async fn each_way_to_fail_leaves_its_traces() {
    for (tag, code, reason, exit) in [
        (
            "unpullable",
            "TaskFailedToStart",
            "CannotPullContainerError: pull image manifest",
            Value::Null,
        ),
        (
            "oom",
            "EssentialContainerExited",
            "Essential container in task exited",
            json!(137),
        ),
        (
            "unhealthy",
            "ServiceSchedulerInitiated",
            "Task failed container health checks",
            json!(137),
        ),
        (
            "0.0.9-not-there",
            "TaskFailedToStart",
            "CannotPullContainerError: pull image manifest",
            Value::Null,
        ),
    ] {
        let sandbox = seeded();
        let arn = register(&sandbox, tag).await;
        update(&sandbox, json!({"taskDefinition": arn})).await;
        after(30.0).await;
        assert_eq!(
            last_service_deployment(&sandbox).await["status"],
            "ROLLBACK_SUCCESSFUL",
            "{tag}"
        );
        let listed = ecs(
            &sandbox,
            "ListTasks",
            json!({"cluster": "prod", "desiredStatus": "STOPPED"}),
        )
        .await;
        let tasks = ecs(
            &sandbox,
            "DescribeTasks",
            json!({"cluster": "prod", "tasks": listed["taskArns"]}),
        )
        .await;
        let task = &tasks["tasks"][0];
        assert_eq!(task["stopCode"], code, "{tag}");
        assert!(
            task["stoppedReason"].as_str().unwrap().starts_with(reason),
            "{tag}"
        );
        assert_eq!(task["containers"][0]["exitCode"], exit, "{tag}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_task_stays_pending_for_ten_minutes() {
    let sandbox = seeded();
    let arn = register(&sandbox, "slow").await;
    update(&sandbox, json!({"taskDefinition": arn})).await;
    after(590.0).await;
    assert_eq!(
        deployments(&service(&sandbox).await),
        ["PRIMARY IN_PROGRESS 3/3/0/0", "ACTIVE COMPLETED 3/0/3/0"]
    );
    after(30.0).await;
    assert_eq!(
        deployments(&service(&sandbox).await),
        ["PRIMARY COMPLETED 3/0/3/0"]
    );
}

#[tokio::test(start_paused = true)]
async fn another_update_supersedes_a_deployment() {
    let sandbox = seeded();
    let first = register(&sandbox, "slow").await;
    update(&sandbox, json!({"taskDefinition": first})).await;
    let superseded = last_service_deployment(&sandbox).await["serviceDeploymentArn"].clone();
    after(5.0).await;
    let second = register(&sandbox, "1.4.2").await;
    let updated = update(&sandbox, json!({"taskDefinition": second})).await;
    let statuses: Vec<&Value> = updated["deployments"]
        .as_array()
        .unwrap()
        .iter()
        .map(|d| &d["status"])
        .collect();
    assert_eq!(statuses, ["PRIMARY", "ACTIVE", "ACTIVE"]);
    let status = async || {
        let body = json!({"serviceDeploymentArns": [superseded]});
        ecs(&sandbox, "DescribeServiceDeployments", body).await["serviceDeployments"][0]["status"]
            .clone()
    };
    assert_eq!(status().await, "STOP_REQUESTED");
    after(15.0).await;
    assert_eq!(status().await, "STOPPED");
    let done = service(&sandbox).await;
    assert_eq!(deployments(&done), ["PRIMARY COMPLETED 3/0/3/0"]);
    assert_eq!(done["taskDefinition"], second.as_str());
}

#[tokio::test(start_paused = true)]
async fn scaling_starts_no_deployment_and_force_does() {
    let sandbox = seeded();
    let before = service(&sandbox).await;
    let id = before["deployments"][0]["id"].clone();
    assert_eq!(
        update(&sandbox, json!({"desiredCount": 5})).await["deployments"][0]["id"],
        id
    );
    after(8.0).await;
    assert_eq!(
        deployments(&service(&sandbox).await),
        ["PRIMARY COMPLETED 5/0/5/0"]
    );
    update(&sandbox, json!({"desiredCount": 1})).await;
    after(8.0).await;
    assert_eq!(
        deployments(&service(&sandbox).await),
        ["PRIMARY COMPLETED 1/0/1/0"]
    );
    let same = json!({"taskDefinition": before["taskDefinition"]});
    assert_eq!(update(&sandbox, same).await["deployments"][0]["id"], id);
    let forced = update(&sandbox, json!({"forceNewDeployment": true})).await;
    assert_ne!(forced["deployments"][0]["id"], id);
    after(8.0).await;
    assert_eq!(
        deployments(&service(&sandbox).await),
        ["PRIMARY COMPLETED 1/0/1/0"]
    );
}

#[tokio::test(start_paused = true)]
async fn task_definitions_keep_every_field() {
    let sandbox = seeded();
    let sent = r#"{"family":"f","novel":{"x":[1.50,null]},"containerDefinitions":[{"name":"a","image":"nginx:1","other":1e3,"environment":[{"name":"A","value":"1"},{"name":"B","value":"2"},{"name":"C","value":"3"}]}],"tags":[{"key":"k","value":"v"}]}"#;
    let target = "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition";
    let (_, first) = raw(&sandbox, target, sent.to_owned()).await;
    assert_eq!(
        first["taskDefinition"]["novel"].to_string(),
        r#"{"x":[1.50,null]}"#
    );
    assert_eq!(
        first["taskDefinition"]["containerDefinitions"][0]["other"].to_string(),
        "1e+3"
    );
    assert_eq!(first["taskDefinition"]["networkMode"], "bridge");
    let (_, second) = raw(&sandbox, target, sent.to_owned()).await;
    assert_eq!(second["taskDefinition"]["revision"], 2);
    let described = ecs(
        &sandbox,
        "DescribeTaskDefinition",
        json!({"taskDefinition": "f", "include": ["TAGS"]}),
    )
    .await;
    assert_eq!(described["taskDefinition"], second["taskDefinition"]);
    assert_eq!(described["tags"], json!([{"key": "k", "value": "v"}]));

    let shuffled = sandbox.clone().with_shuffled_environment(true);
    let names = |answer: &Value| -> String {
        let list = answer["taskDefinition"]["containerDefinitions"][0]["environment"]
            .as_array()
            .unwrap();
        list.iter()
            .map(|entry| entry["name"].as_str().unwrap())
            .collect()
    };
    let again = ecs(
        &shuffled,
        "DescribeTaskDefinition",
        json!({"taskDefinition": "f"}),
    )
    .await;
    assert_eq!(
        (names(&described).as_str(), names(&again).len()),
        ("ABC", 3)
    );
    assert_ne!(names(&again), "ABC");

    ecs(
        &sandbox,
        "DeregisterTaskDefinition",
        json!({"taskDefinition": "f:1"}),
    )
    .await;
    let refusal = refused(
        &sandbox,
        "UpdateService",
        json!({"cluster": "prod", "service": "api-prod", "taskDefinition": "f:1"}),
    )
    .await;
    assert_eq!(refusal, "ClientException: TaskDefinition is inactive");
    let listed = ecs(
        &sandbox,
        "ListTaskDefinitions",
        json!({"familyPrefix": "f"}),
    )
    .await;
    assert_eq!(
        listed["taskDefinitionArns"],
        json!(["arn:aws:ecs:us-west-1:123456789012:task-definition/f:2"])
    );
}

#[tokio::test(start_paused = true)]
async fn services_keep_unknown_fields_and_misses_are_told() {
    let sandbox = seeded();
    update(&sandbox, json!({"novelSetting": {"a": 1}})).await;
    assert_eq!(service(&sandbox).await["novelSetting"], json!({"a": 1}));
    let answer = ecs(
        &sandbox,
        "DescribeServices",
        json!({"cluster": "prod", "services": ["nope"]}),
    )
    .await;
    assert_eq!(
        answer["failures"],
        json!([{"arn": "arn:aws:ecs:us-west-1:123456789012:service/prod/nope", "reason": "MISSING"}])
    );
    assert_eq!(
        refused(
            &sandbox,
            "DescribeServices",
            json!({"cluster": "other", "services": ["a"]})
        )
        .await,
        "ClusterNotFoundException: Cluster not found."
    );
    assert!(
        refused(&sandbox, "RunTask", json!({}))
            .await
            .starts_with("UnknownOperationException: ")
    );
    let operations: Vec<String> = sandbox
        .calls()
        .into_iter()
        .map(|call| call.operation)
        .collect();
    assert_eq!(
        operations,
        [
            "UpdateService",
            "DescribeServices",
            "DescribeServices",
            "DescribeServices",
            "RunTask"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_registry_has_the_declared_and_the_live_image() {
    let sandbox = seeded();
    let ids = json!([{"imageTag": "1.4.2"}, {"imageTag": "1.4.1"}, {"imageTag": "7"}, {"imageTag": "x-crash"}]);
    let (_, got) = ecr(
        &sandbox,
        "BatchGetImage",
        json!({"repositoryName": "api", "imageIds": ids}),
    )
    .await;
    assert_eq!(got["images"].as_array().unwrap().len(), 3);
    assert_eq!(got["failures"][0]["failureCode"], "ImageNotFound");
    let index = &got["images"][0];
    let text = index["imageManifest"].as_str().unwrap();
    assert_eq!(index["imageId"]["imageDigest"], manifest::digest(text));

    let live = service(&sandbox).await;
    let revision = &live["currentServiceRevisions"][0]["arn"];
    let revisions = ecs(
        &sandbox,
        "DescribeServiceRevisions",
        json!({"serviceRevisionArns": [revision]}),
    )
    .await;
    let image = &revisions["serviceRevisions"][0]["containerImages"][0];
    let digest = got["images"][1]["imageId"]["imageDigest"].as_str().unwrap();
    assert_eq!(image["imageDigest"], digest);
    assert_eq!(image["image"], format!("{ECR}/api:1.4.1@{digest}"));

    let pushed = sandbox
        .push_image(&format!("{ECR}/api:1.4.2").parse().unwrap())
        .unwrap();
    let ids = json!([{"imageTag": "1.4.2"}]);
    let (_, got) = ecr(
        &sandbox,
        "BatchGetImage",
        json!({"repositoryName": "api", "imageIds": ids}),
    )
    .await;
    assert_eq!(got["images"][0]["imageId"]["imageDigest"], pushed.as_str());
    let (status, refusal) = ecr(&sandbox, "ListImages", json!({"repositoryName": "nope"})).await;
    assert_eq!(
        (status, refusal["__type"].as_str()),
        (400, Some("RepositoryNotFoundException"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_role_leads_to_its_account() {
    let sandbox = seeded();
    let form = "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A210987654321%3Arole%2Fdeploy&RoleSessionName=s";
    let request = Request::post("/").body(Bytes::from(form)).unwrap();
    let response = sandbox.answer(request).await;
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    assert!(
        text.contains("<AccessKeyId>210987654321</AccessKeyId>"),
        "{text}"
    );
    assert!(
        text.contains("<Arn>arn:aws:sts::210987654321:assumed-role/deploy/s</Arn>"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn handles_on_one_file_see_one_another() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("new").join("sandbox.json");
    let one = Sandbox::open(&path).unwrap();
    one.seed(&seed("1.4.2")).unwrap();
    let two = Sandbox::open(&path).unwrap();
    assert_eq!(two.seed(&seed("1.4.2")).unwrap(), Seeded::Before);
    let arn = register(&one, "1.4.2").await;
    update(&two, json!({"taskDefinition": arn})).await;
    after(20.0).await;
    let done = service(&one).await;
    assert_eq!(
        (&done["taskDefinition"], deployments(&done).len()),
        (&Value::from(arn), 1)
    );
    let text = std::fs::read_to_string(&path).unwrap();
    service(&two).await;
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        text,
        "reading changes nothing"
    );
    assert!(reset(&path).unwrap());
    assert!(!reset(&path).unwrap());
}

#[test]
fn a_torn_or_foreign_file_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("sandbox.json");
    for text in ["{\"evenkeel_sandbox\":1,\"now\":", "{}", "\u{0}"] {
        std::fs::write(&path, text).unwrap();
        let error = Sandbox::open(&path).err().unwrap().to_string();
        assert!(
            error.contains("sandbox.json") && error.contains("evenkeel sandbox reset"),
            "{error}"
        );
        assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
    }
}
