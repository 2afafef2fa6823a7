//! Rates, sessions and denied actions.

use super::*;

fn of_service() -> Value {
    json!({"cluster": "prod", "services": ["api-prod"]})
}

#[tokio::test(start_paused = true)]
async fn calls_beyond_the_published_rate_are_refused() {
    let sandbox = seeded().with_throttles(true);
    let register =
        json!({"family": "f", "containerDefinitions": [{"name": "a", "image": "nginx:1"}]});
    for _ in 0..20 {
        ecs(&sandbox, "RegisterTaskDefinition", register.clone()).await;
    }
    let throttled = refused(&sandbox, "RegisterTaskDefinition", register.clone()).await;
    assert_eq!(throttled, "ThrottlingException: Rate exceeded");
    let clone = sandbox.clone();
    refused(&clone, "RegisterTaskDefinition", register.clone()).await;
    ecs(
        &sandbox,
        "DescribeTaskDefinition",
        json!({"taskDefinition": "f:20"}),
    )
    .await;
    after(1.0).await;
    let first = ecs(&sandbox, "RegisterTaskDefinition", register.clone()).await;
    assert_eq!(
        first["taskDefinition"]["revision"], 21,
        "refused calls did nothing"
    );
    refused(&sandbox, "RegisterTaskDefinition", register).await;
    for _ in 0..100 {
        service(&sandbox).await;
    }
    refused(&sandbox, "DescribeServices", of_service()).await;
    after(0.5).await;
    for _ in 0..10 {
        service(&sandbox).await;
    }
    refused(&sandbox, "DescribeServices", of_service()).await;
}

#[tokio::test(start_paused = true)]
async fn a_session_ends_and_a_web_identity_begins_another() {
    let sandbox = seeded().with_session(Duration::from_secs(60));
    after(59.0).await;
    service(&sandbox).await;
    after(1.0).await;
    let body = json!({"cluster": "prod", "service": "api-prod", "desiredCount": 9});
    assert_eq!(
        refused(&sandbox, "UpdateService", body).await,
        "ExpiredTokenException: The security token included in the request is expired"
    );
    let assume = async |operation: &str| {
        let form =
            format!("Action={operation}&RoleArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fx");
        let request = Request::post("/").body(Bytes::from(form)).unwrap();
        sandbox.answer(request).await.status().as_u16()
    };
    assert_eq!(assume("AssumeRole").await, 403);
    assert_eq!(assume("AssumeRoleWithWebIdentity").await, 200);
    assert_eq!(service(&sandbox).await["desiredCount"], 3);
    after(60.0).await;
    refused(&sandbox, "DescribeServices", of_service()).await;
}

#[tokio::test(start_paused = true)]
async fn a_denied_action_is_named_with_its_resource() {
    let user = "AccessDeniedException: User: arn:aws:iam::123456789012:user/sandbox is not authorized to perform";
    let document = json!({
        "family": "f", "containerDefinitions": [{"name": "a", "image": "nginx:1"}],
        "executionRoleArn": "arn:aws:iam::123456789012:role/x", "tags": [{"key": "k", "value": "v"}],
    });
    for (action, operation, body, resource) in [
        (
            "ecs:ListTasks",
            "ListTasks",
            json!({"cluster": "prod"}),
            "*",
        ),
        (
            "ECS:describe*",
            "DescribeServices",
            of_service(),
            "arn:aws:ecs:us-west-1:123456789012:service/prod/api-prod",
        ),
        (
            "ecs:TagResource",
            "RegisterTaskDefinition",
            document.clone(),
            "arn:aws:ecs:us-west-1:123456789012:task-definition/f:*",
        ),
        (
            "iam:PassRole",
            "RegisterTaskDefinition",
            document.clone(),
            "arn:aws:iam::123456789012:role/x",
        ),
        (
            "*",
            "DescribeTasks",
            json!({"cluster": "prod", "tasks": ["abc"]}),
            "arn:aws:ecs:us-west-1:123456789012:task/prod/abc",
        ),
    ] {
        let sandbox = seeded().with_denied([action, "ecs:NoSuchAction"]);
        let refusal = refused(&sandbox, operation, body).await;
        let named = if action.contains('*') {
            format!("ecs:{operation}")
        } else {
            action.to_owned()
        };
        assert_eq!(
            refusal,
            format!(
                "{user}: {named} on resource: {resource} because no identity-based policy allows the {named} action"
            )
        );
    }
    let sandbox = seeded().with_denied(["ecs:TagResource", "logs:GetLogEvents"]);
    let mut bare = document;
    bare["tags"] = json!([]);
    ecs(&sandbox, "RegisterTaskDefinition", bare).await;
    let log = json!({"logGroupName": "/ecs/api-prod", "logStreamName": "app/app/1"});
    let (status, refusal) = raw(&sandbox, "Logs_20140328.GetLogEvents", log.to_string()).await;
    assert_eq!(status, 400);
    assert!(
        refusal["message"].as_str().unwrap().contains(
            "logs:GetLogEvents on resource: arn:aws:logs:us-west-1:123456789012:log-group:/ecs/api-prod:log-stream:app/app/1"
        ),
        "{refusal}"
    );
}
