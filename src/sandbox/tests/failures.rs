//! What a failed deployment leaves behind for whoever asks why.

use super::*;

fn events(service: &Value) -> Vec<&str> {
    let events = service["events"].as_array().unwrap().iter();
    events.map(|e| e["message"].as_str().unwrap()).collect()
}

async fn deploy(sandbox: &Sandbox, tag: &str) {
    let arn = register(sandbox, tag).await;
    update(sandbox, json!({"taskDefinition": arn})).await;
}

/// Every stopped task, through pages.
async fn stopped(sandbox: &Sandbox) -> Vec<Value> {
    let (mut tasks, mut token) = (Vec::new(), Value::Null);
    loop {
        let list = json!({"cluster": "prod", "serviceName": "api-prod", "desiredStatus": "STOPPED", "nextToken": token});
        let page = ecs(sandbox, "ListTasks", list).await;
        let arns = page["taskArns"].as_array().unwrap();
        assert!(arns.len() <= 100);
        if !arns.is_empty() {
            let describe = json!({"cluster": "prod", "tasks": arns});
            let answer = ecs(sandbox, "DescribeTasks", describe).await;
            assert_eq!(answer["failures"], json!([]));
            tasks.extend(answer["tasks"].as_array().unwrap().iter().cloned());
        }
        token = page["nextToken"].clone();
        if token.is_null() {
            return tasks;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_secret_that_cannot_be_read_is_named_with_who_may_not() {
    let sandbox = seeded();
    deploy(&sandbox, "nosecret").await;
    after(30.0).await;
    let tasks = stopped(&sandbox).await;
    let failed = &tasks[0];
    let (id, reason) = (
        failed["taskArn"].as_str().unwrap(),
        failed["stoppedReason"].as_str().unwrap(),
    );
    let user = format!(
        "arn:aws:sts::123456789012:assumed-role/ecsTaskExecutionRole/{}",
        &id[id.len() - 32..]
    );
    for part in [
        user.as_str(),
        "ssm:GetParameters on resource: arn:aws:ssm:us-west-1:123456789012:parameter/prod/api/DATABASE_URL",
    ] {
        assert!(reason.contains(part), "{reason}");
    }
    assert_eq!(failed["startedAt"], Value::Null);
    assert_eq!(failed["containers"][0]["exitCode"], Value::Null);
}

#[tokio::test(start_paused = true)]
async fn without_capacity_no_task_starts_and_events_say_why() {
    let sandbox = seeded();
    deploy(&sandbox, "nocapacity").await;
    after(1.5).await;
    let placing = service(&sandbox).await;
    assert_eq!(
        deployments(&placing),
        ["PRIMARY IN_PROGRESS 3/0/0/2", "ACTIVE COMPLETED 3/0/3/0"]
    );
    assert_eq!(
        events(&placing)[0],
        "(service api-prod) was unable to place a task. Reason: Capacity is unavailable at this time. \
         Please try again later or in a different availability zone. \
         For more information, see the Troubleshooting section of the Amazon ECS Developer Guide."
    );
    after(30.0).await;
    assert_eq!(stopped(&sandbox).await, [] as [Value; 0]);
    assert_eq!(
        last_service_deployment(&sandbox).await["status"],
        "ROLLBACK_SUCCESSFUL"
    );
}

#[tokio::test(start_paused = true)]
async fn the_load_balancers_verdict_is_told_by_task_and_event() {
    let sandbox = seeded();
    let group =
        "arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/web/0123456789abcdef";
    let balancer =
        json!([{"targetGroupArn": group, "containerName": "app", "containerPort": 3000}]);
    let arn = register(&sandbox, "1.4.3-elb").await;
    update(
        &sandbox,
        json!({"taskDefinition": arn, "loadBalancers": balancer}),
    )
    .await;
    after(30.0).await;
    let tasks = stopped(&sandbox).await;
    let reason = format!("Task failed ELB health checks in (target-group {group})");
    let failed = tasks.iter().find(|t| t["stoppedReason"] == reason).unwrap();
    let arn = failed["taskArn"].as_str().unwrap();
    let id = &arn[arn.len() - 32..];
    let event = format!(
        "(service api-prod) (task {id}) (port 3000) is unhealthy in (target-group {group}) \
         due to (reason Health checks failed with these codes: [502])."
    );
    assert!(
        events(&service(&sandbox).await).contains(&event.as_str()),
        "{event}"
    );
}

#[tokio::test(start_paused = true)]
async fn hundreds_of_stopped_tasks_come_in_pages_and_are_known_for_an_hour() {
    let sandbox = seeded();
    let breaker = json!({"deploymentCircuitBreaker": {
        "enable": true, "rollback": false, "thresholdConfiguration": {"type": "COUNT", "value": 230},
    }});
    update(&sandbox, json!({"deploymentConfiguration": breaker})).await;
    deploy(&sandbox, "crash").await;
    after(600.0).await;
    assert_eq!(
        last_service_deployment(&sandbox).await["deploymentCircuitBreaker"],
        json!({"status": "TRIGGERED", "failureCount": 230, "threshold": 230})
    );
    let tasks = stopped(&sandbox).await;
    assert!(tasks.len() >= 230, "{}", tasks.len());
    assert_eq!(tasks[0]["stopCode"], "EssentialContainerExited");
    let described: Vec<Value> = (0..101).map(|n| json!(format!("{n}"))).collect();
    let many = json!({"cluster": "prod", "tasks": described});
    assert!(
        refused(&sandbox, "DescribeTasks", many)
            .await
            .starts_with("InvalidParameterException")
    );
    after(3_600.0).await;
    assert_eq!(stopped(&sandbox).await.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn on_instances_the_resource_that_lacks_is_named() {
    let sandbox = seeded();
    let arn = register(&sandbox, "nocapacity").await;
    update(
        &sandbox,
        json!({"taskDefinition": arn, "launchType": "EC2"}),
    )
    .await;
    after(1.0).await;
    let seen = service(&sandbox).await;
    let event = events(&seen)[0];
    assert!(
        event.contains("was unable to place a task") && event.contains("\"RESOURCE:ENI\""),
        "{event}"
    );
}

/// Whatever the cause: with a breaker that does not roll back the deployment
/// is FAILED and stays, the old tasks run, and the last event but one says so.
/// Without a breaker it is never done.
#[tokio::test(start_paused = true)]
async fn every_kind_of_failure_ends_where_the_breaker_says() {
    let kinds = [
        "crash",
        "oom",
        "unpullable",
        "unhealthy",
        "elb",
        "nosecret",
        "nocapacity",
    ];
    for kind in kinds {
        for breaker in [true, false] {
            let sandbox = seeded();
            let id = json!({"deploymentCircuitBreaker": {"enable": breaker, "rollback": false}});
            update(&sandbox, json!({"deploymentConfiguration": id})).await;
            deploy(&sandbox, &format!("1.5.0-{kind}")).await;
            after(600.0).await;
            let now = service(&sandbox).await;
            let primary = &now["deployments"][0];
            assert_eq!(now["deployments"][1]["runningCount"], 3, "{kind}");
            let record = last_service_deployment(&sandbox).await;
            let failures = record["deploymentCircuitBreaker"]["failureCount"].as_u64();
            if breaker {
                assert_eq!(primary["rolloutState"], "FAILED", "{kind}");
                assert_eq!(
                    primary["rolloutStateReason"],
                    "ECS deployment circuit breaker: tasks failed to start."
                );
                assert!(primary["failedTasks"].as_u64() >= Some(3), "{kind}");
                assert_eq!(record["status"], "STOPPED", "{kind}");
                assert_eq!(
                    record["statusReason"],
                    "Service deployment stopped because the circuit breaker threshold was exceeded."
                );
                let failed = format!(
                    "(service api-prod) (deployment {}) deployment failed: tasks failed to start.",
                    primary["id"].as_str().unwrap()
                );
                assert!(events(&now).contains(&failed.as_str()), "{kind}");
            } else {
                assert_eq!(primary["rolloutState"], "IN_PROGRESS", "{kind}");
                assert_eq!(record["status"], "IN_PROGRESS", "{kind}");
                assert_eq!(record["deploymentCircuitBreaker"]["status"], "DISABLED");
                assert!(failures > Some(20), "{kind}: {failures:?}");
                assert!(
                    events(&now).contains(
                        &"(service api-prod) is unable to consistently start tasks successfully."
                    ),
                    "{kind}"
                );
            }
        }
    }
}
