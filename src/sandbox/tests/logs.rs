//! What containers wrote, through CloudWatch Logs.

use super::*;

async fn logs(sandbox: &Sandbox, operation: &str, body: Value) -> (u16, Value) {
    raw(
        sandbox,
        &format!("Logs_20140328.{operation}"),
        body.to_string(),
    )
    .await
}

fn messages(answer: &Value) -> Vec<&str> {
    let events = answer["events"].as_array().unwrap().iter();
    events.map(|e| e["message"].as_str().unwrap()).collect()
}

/// The id of some stopped task of a deployment of this image.
async fn failed(sandbox: &Sandbox, tag: &str) -> String {
    let arn = register(sandbox, tag).await;
    update(sandbox, json!({"taskDefinition": arn})).await;
    after(30.0).await;
    let list = json!({"cluster": "prod", "serviceName": "api-prod", "desiredStatus": "STOPPED"});
    let list = ecs(sandbox, "ListTasks", list).await;
    let arn = list["taskArns"][0].as_str().unwrap();
    arn.rsplit('/').next().unwrap().to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_crash_ends_in_its_stack_trace() {
    let sandbox = seeded();
    let id = failed(&sandbox, "1.5.0-crash").await;
    let stream = json!({"logGroupName": "/ecs/api-prod", "logStreamName": format!("app/app/{id}")});
    let (status, all) = logs(&sandbox, "GetLogEvents", stream.clone()).await;
    assert_eq!(status, 200, "{all}");
    assert!(messages(&all).contains(&"Error: connect ECONNREFUSED 10.0.3.4:5432"));
    assert_eq!(messages(&all)[0], "> api@1.5.0-crash start");
    assert_eq!(messages(&all).last(), Some(&"Node.js v22.11.0"));

    let mut few = stream.clone();
    few["limit"] = 2.into();
    let (_, last) = logs(&sandbox, "GetLogEvents", few.clone()).await;
    assert_eq!(messages(&last), ["}", "Node.js v22.11.0"]);
    few["nextToken"] = last["nextForwardToken"].clone();
    let (_, end) = logs(&sandbox, "GetLogEvents", few.clone()).await;
    assert_eq!(messages(&end), [] as [&str; 0]);
    assert_eq!(end["nextForwardToken"], last["nextForwardToken"]);
    few["nextToken"] = last["nextBackwardToken"].clone();
    let (_, before) = logs(&sandbox, "GetLogEvents", few.clone()).await;
    assert_eq!(
        messages(&before),
        ["  address: '10.0.3.4',", "  port: 5432"]
    );
    few["nextToken"] = Value::Null;
    few["startFromHead"] = true.into();
    let (_, first) = logs(&sandbox, "GetLogEvents", few).await;
    assert_eq!(messages(&first)[1], "> node dist/server.js");
}

#[tokio::test(start_paused = true)]
async fn what_never_started_wrote_nothing() {
    let sandbox = seeded();
    let id = failed(&sandbox, "unpullable").await;
    for (group, message) in [
        ("/ecs/api-prod", "The specified log stream does not exist."),
        ("/ecs/other", "The specified log group does not exist."),
    ] {
        let body = json!({"logGroupName": group, "logStreamName": format!("app/app/{id}")});
        let (status, refusal) = logs(&sandbox, "GetLogEvents", body).await;
        assert_eq!(
            (
                status,
                refusal["__type"].as_str(),
                refusal["message"].as_str()
            ),
            (400, Some("ResourceNotFoundException"), Some(message))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn groups_streams_and_lines_are_found() {
    let sandbox = seeded();
    let (_, groups) = logs(
        &sandbox,
        "DescribeLogGroups",
        json!({"logGroupNamePrefix": "/ecs"}),
    )
    .await;
    assert_eq!(groups["logGroups"][0]["logGroupName"], "/ecs/api-prod");
    assert_eq!(groups["logGroups"].as_array().unwrap().len(), 1);
    failed(&sandbox, "1.5.0-oom").await;
    let by_time = json!({
        "logGroupIdentifier": groups["logGroups"][0]["logGroupArn"],
        "orderBy": "LastEventTime", "descending": true, "limit": 5,
    });
    let (_, streams) = logs(&sandbox, "DescribeLogStreams", by_time).await;
    assert_eq!(streams["logStreams"].as_array().unwrap().len(), 5);
    assert!(streams["nextToken"].is_string());
    let filter = async |pattern: &str| {
        let body = json!({"logGroupName": "/ecs/api-prod", "filterPattern": pattern});
        logs(&sandbox, "FilterLogEvents", body).await.1
    };
    let rows = filter("\"rows, heap\" ?1019 ?771").await;
    assert_eq!(messages(&rows).len(), 6, "three tasks, two lines each");
    assert_eq!(messages(&filter("rows -heap").await).len(), 0);
    let healthy = filter("listening").await;
    assert_eq!(messages(&healthy)[0], "listening on 0.0.0.0:8080");
}
