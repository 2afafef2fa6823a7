//! Through the one entry, as a client sees it, on the paused clock.

use std::time::Duration;

use http::Request;
use hyper::body::Bytes;
use serde_json::{Value, json};

mod classic;
mod documents;
mod failures;
mod faults;
mod gate;
mod lag;
mod logs;
mod rollouts;
mod run;
mod store;
mod strategies;

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
