//! One-off tasks.

use super::*;

/// Runs a task of the image in the service's network.
async fn run(sandbox: &Sandbox, tag: &str, command: Value) -> Value {
    let live = service(sandbox).await;
    let arn = register(sandbox, tag).await;
    let request = json!({
        "cluster": "prod", "taskDefinition": arn, "launchType": "FARGATE", "startedBy": "deploy-1",
        "networkConfiguration": live["networkConfiguration"],
        "overrides": {"containerOverrides": [
            {"name": "app", "command": command, "environment": [{"name": "A", "value": "1"}]},
        ]},
        "tags": [{"key": "commit", "value": "abc"}],
    });
    ecs(sandbox, "RunTask", request).await
}

async fn described(sandbox: &Sandbox, ran: &Value) -> Value {
    let body =
        json!({"cluster": "prod", "tasks": [ran["tasks"][0]["taskArn"]], "include": ["TAGS"]});
    ecs(sandbox, "DescribeTasks", body).await["tasks"][0].clone()
}

async fn last_line(sandbox: &Sandbox, task: &Value) -> String {
    let id = task["taskArn"]
        .as_str()
        .unwrap()
        .rsplit('/')
        .next()
        .unwrap();
    let body = json!({"logGroupName": "/ecs/api-prod", "logStreamName": format!("app/app/{id}"), "limit": 1});
    let (_, got) = raw(sandbox, "Logs_20140328.GetLogEvents", body.to_string()).await;
    got["events"][0]["message"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_task_works_some_seconds_and_ends_well() {
    let sandbox = seeded();
    let ran = run(&sandbox, "1.4.2", json!(["npm", "run", "migrate"])).await;
    assert_eq!(ran["failures"], json!([]));
    let task = described(&sandbox, &ran).await;
    assert_eq!(task["lastStatus"], "PROVISIONING");
    assert_eq!(task["group"], "family:api-prod");
    assert_eq!(task["startedBy"], "deploy-1");
    assert_eq!(task["tags"][0]["key"], "commit");
    assert_eq!(task["platformVersion"], "1.4.0");
    assert_eq!(
        task["overrides"]["containerOverrides"][0]["command"][2],
        "migrate"
    );
    assert_eq!(task["attachments"][0]["details"][0]["name"], "subnetId");
    after(4.0).await;
    assert_eq!(described(&sandbox, &ran).await["lastStatus"], "RUNNING");
    let by = json!({"cluster": "prod", "startedBy": "deploy-1"});
    assert_eq!(
        ecs(&sandbox, "ListTasks", by).await["taskArns"],
        json!([ran["tasks"][0]["taskArn"]])
    );
    after(4.0).await;
    let done = described(&sandbox, &ran).await;
    assert_eq!(done["lastStatus"], "STOPPED");
    assert_eq!(done["stopCode"], "EssentialContainerExited");
    assert_eq!(done["stoppedReason"], "Essential container in task exited");
    assert_eq!(done["containers"][0]["exitCode"], 0);
    assert_eq!(
        last_line(&sandbox, &done).await,
        "2 migrations applied; the schema is up to date"
    );
    assert_eq!(
        deployments(&service(&sandbox).await),
        ["PRIMARY COMPLETED 3/0/3/0"],
        "the service has nothing to do with it"
    );
    after(3_600.0).await;
    assert_eq!(described(&sandbox, &ran).await, Value::Null);
}

#[tokio::test(start_paused = true)]
async fn each_way_to_fail_is_told_by_code_and_log() {
    let migrate = json!(["npm", "run", "migrate"]);
    for (tag, command, stop, exit, line) in [
        (
            "1.5.0-badmigration",
            migrate.clone(),
            "EssentialContainerExited",
            json!(1),
            "}",
        ),
        (
            "1.4.2",
            json!(["sh", "-c", "./fail.sh"]),
            "EssentialContainerExited",
            json!(1),
            "Error: the work could not be done",
        ),
        (
            "oom",
            migrate.clone(),
            "EssentialContainerExited",
            json!(137),
            "catalogue: 1230000 rows, heap 1019 MiB",
        ),
        (
            "crash",
            migrate.clone(),
            "EssentialContainerExited",
            json!(1),
            "Node.js v22.11.0",
        ),
        (
            "unpullable",
            migrate.clone(),
            "TaskFailedToStart",
            Value::Null,
            "",
        ),
        ("nosecret", migrate, "TaskFailedToStart", Value::Null, ""),
    ] {
        let sandbox = seeded();
        let ran = run(&sandbox, tag, command).await;
        after(10.0).await;
        let done = described(&sandbox, &ran).await;
        assert_eq!(done["stopCode"], stop, "{tag}");
        assert_eq!(done["containers"][0]["exitCode"], exit, "{tag}");
        assert_eq!(last_line(&sandbox, &done).await, line, "{tag}");
    }
    let sandbox = seeded();
    let ran = run(&sandbox, "nocapacity", json!(["x"])).await;
    assert_eq!(ran["tasks"], json!([]));
    assert!(
        ran["failures"][0]["reason"]
            .as_str()
            .unwrap()
            .starts_with("Capacity is unavailable")
    );
}

#[tokio::test(start_paused = true)]
async fn a_bad_migration_does_no_harm_to_a_service() {
    let sandbox = seeded();
    let arn = register(&sandbox, "badmigration").await;
    update(&sandbox, json!({"taskDefinition": arn})).await;
    after(15.0).await;
    assert_eq!(
        deployments(&service(&sandbox).await),
        ["PRIMARY COMPLETED 3/0/3/0"]
    );
}

#[tokio::test(start_paused = true)]
async fn a_task_can_be_stopped_and_a_token_runs_it_once() {
    let sandbox = seeded();
    let ran = run(&sandbox, "1.4.2", json!(["sleep", "60"])).await;
    after(3.0).await;
    let stop = json!({"cluster": "prod", "task": ran["tasks"][0]["taskArn"], "reason": "enough"});
    ecs(&sandbox, "StopTask", stop).await;
    after(3.0).await;
    let done = described(&sandbox, &ran).await;
    assert_eq!(
        (&done["stopCode"], &done["stoppedReason"]),
        (&json!("UserInitiated"), &json!("enough"))
    );
    assert_eq!(done["containers"][0]["exitCode"], 143);

    let live = service(&sandbox).await;
    let mut again = json!({
        "cluster": "prod", "taskDefinition": live["taskDefinition"], "clientToken": "once", "count": 2,
        "networkConfiguration": live["networkConfiguration"], "launchType": "FARGATE",
    });
    let first = ecs(&sandbox, "RunTask", again.clone()).await;
    assert_eq!(first["tasks"].as_array().unwrap().len(), 2);
    assert_eq!(ecs(&sandbox, "RunTask", again.clone()).await, first);
    again["overrides"] = json!({"containerOverrides": [{"name": "nope"}]});
    assert_eq!(
        refused(&sandbox, "RunTask", again.clone()).await,
        "InvalidParameterException: Override for container named nope is not a container in the TaskDefinition."
    );
    again["networkConfiguration"] = Value::Null;
    assert!(
        refused(&sandbox, "RunTask", again)
            .await
            .contains("Network Configuration must be provided")
    );
}
