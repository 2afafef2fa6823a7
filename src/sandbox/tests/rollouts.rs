//! How deployments go, as DescribeServices and its kin show it.

use super::*;

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
            "nosecret",
            "TaskFailedToStart",
            "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed: unable to retrieve secrets from ssm: ",
            Value::Null,
        ),
        (
            "1.4.3-elb",
            "ServiceSchedulerInitiated",
            "Task failed ELB health checks in (target-group arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/api-prod/",
            json!(143),
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
async fn without_rollback_the_breaker_stops_and_the_old_tasks_go_on() {
    let sandbox = seeded();
    let breaker = json!({"deploymentCircuitBreaker": {
        "enable": true, "rollback": false, "thresholdConfiguration": {"type": "COUNT", "value": 2},
    }});
    let arn = register(&sandbox, "crash").await;
    update(
        &sandbox,
        json!({"taskDefinition": arn, "deploymentConfiguration": breaker}),
    )
    .await;
    after(3_600.0).await;
    let failed = service(&sandbox).await;
    assert_eq!(
        deployments(&failed),
        ["PRIMARY FAILED 0/0/0/2", "ACTIVE COMPLETED 3/0/3/0"]
    );
    assert_eq!(last_service_deployment(&sandbox).await["status"], "STOPPED");
    let again = update(
        &sandbox,
        json!({"taskDefinition": register(&sandbox, "1.4.2").await}),
    )
    .await;
    assert_eq!(again["deployments"][0]["rolloutState"], "IN_PROGRESS");
    after(15.0).await;
    assert_eq!(
        deployments(&service(&sandbox).await),
        ["PRIMARY COMPLETED 3/0/3/0"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_service_deployment_stops_on_request() {
    for (kind, record, primary) in [
        ("ROLLBACK", "ROLLBACK_SUCCESSFUL", "COMPLETED"),
        ("ABORT", "STOPPED", "FAILED"),
    ] {
        let sandbox = seeded();
        let arn = register(&sandbox, "slow").await;
        update(&sandbox, json!({"taskDefinition": arn})).await;
        after(4.0).await;
        let deployment = last_service_deployment(&sandbox).await["serviceDeploymentArn"].clone();
        let stop = json!({"serviceDeploymentArn": deployment, "stopType": kind});
        ecs(&sandbox, "StopServiceDeployment", stop.clone()).await;
        after(10.0).await;
        assert_eq!(
            last_service_deployment(&sandbox).await["status"],
            record,
            "{kind}"
        );
        assert_eq!(
            service(&sandbox).await["deployments"][0]["rolloutState"],
            primary,
            "{kind}"
        );
        assert!(
            refused(&sandbox, "StopServiceDeployment", stop)
                .await
                .starts_with("ConflictException")
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_is_made_and_deleted() {
    let sandbox = seeded();
    let live = service(&sandbox).await;
    let new = json!({
        "cluster": "prod", "serviceName": "new", "taskDefinition": live["taskDefinition"], "desiredCount": 2,
        "launchType": "FARGATE", "networkConfiguration": live["networkConfiguration"],
    });
    ecs(&sandbox, "CreateService", new.clone()).await;
    let twice = refused(&sandbox, "CreateService", new).await;
    assert_eq!(
        twice,
        "InvalidParameterException: Creation of service was not idempotent."
    );
    after(6.0).await;
    let describe = json!({"cluster": "prod", "services": ["new"]});
    let made = ecs(&sandbox, "DescribeServices", describe.clone()).await;
    assert_eq!(
        deployments(&made["services"][0]),
        ["PRIMARY COMPLETED 2/0/2/0"]
    );
    let delete = json!({"cluster": "prod", "service": "new", "force": true});
    assert_eq!(
        ecs(&sandbox, "DeleteService", delete).await["service"]["status"],
        "DRAINING"
    );
    after(3.0).await;
    assert_eq!(
        ecs(&sandbox, "DescribeServices", describe).await["services"][0]["status"],
        "INACTIVE"
    );
    let update = json!({"cluster": "prod", "service": "new", "desiredCount": 1});
    assert!(
        refused(&sandbox, "UpdateService", update)
            .await
            .starts_with("ServiceNotActiveException")
    );
}
