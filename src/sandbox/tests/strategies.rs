//! Blue/green, linear and canary deployments, hooks and alarms.

use super::*;

/// Deploys an image with a deployment configuration.
async fn deploy(sandbox: &Sandbox, tag: &str, configuration: Value) {
    let arn = register(sandbox, tag).await;
    let body = json!({"taskDefinition": arn, "deploymentConfiguration": configuration});
    update(sandbox, body).await;
}

/// Everything that can be seen of the deployment, each state once: status,
/// stage and the target's share of the traffic.
async fn trace(sandbox: &Sandbox, looks: u32, every: f64) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    for _ in 0..looks {
        let record = last_service_deployment(sandbox).await;
        let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
        let target = &record["targetServiceRevision"];
        let state = format!(
            "{} {} {}%",
            text(&record["status"]),
            text(&record["lifecycleStage"]),
            target["requestedProductionTrafficWeight"]
        );
        if seen.last() != Some(&state) {
            seen.push(state);
        }
        after(every).await;
    }
    seen
}

#[tokio::test(start_paused = true)]
async fn blue_green_goes_stage_by_stage_and_bakes() {
    let sandbox = seeded();
    let strategy = json!({"strategy": "BLUE_GREEN", "bakeTimeInMinutes": 2});
    deploy(&sandbox, "1.4.2", strategy).await;
    after(0.9).await;
    let record = last_service_deployment(&sandbox).await;
    assert_eq!(record["targetServiceRevision"]["requestedTaskCount"], 0);
    after(7.0).await;
    let shifted = last_service_deployment(&sandbox).await;
    let weights = |of: &Value| {
        ["Test", "Production"].map(|kind| of[format!("requested{kind}TrafficWeight")].as_f64())
    };
    assert_eq!(shifted["lifecycleStage"], "POST_TEST_TRAFFIC_SHIFT");
    assert_eq!(
        weights(&shifted["targetServiceRevision"]),
        [Some(100.0), Some(0.0)]
    );
    assert_eq!(
        weights(&shifted["sourceServiceRevisions"][0]),
        [Some(0.0), Some(100.0)]
    );
    after(60.0).await;
    let baking = last_service_deployment(&sandbox).await;
    assert_eq!(baking["lifecycleStage"], "BAKE_TIME");
    assert_eq!(
        weights(&baking["sourceServiceRevisions"][0]),
        [Some(0.0), Some(0.0)]
    );
    assert_eq!(
        deployments(&service(&sandbox).await),
        ["PRIMARY IN_PROGRESS 3/0/3/0", "ACTIVE COMPLETED 3/0/3/0"],
        "blue stays until the end"
    );
    after(90.0).await;
    assert_eq!(
        deployments(&service(&sandbox).await),
        ["PRIMARY COMPLETED 3/0/3/0"]
    );
    assert_eq!(
        last_service_deployment(&sandbox).await["status"],
        "SUCCESSFUL"
    );
}

#[tokio::test(start_paused = true)]
async fn every_stage_is_seen_in_its_order() {
    let sandbox = seeded();
    deploy(&sandbox, "1.4.2", json!({"strategy": "BLUE_GREEN"})).await;
    assert_eq!(
        trace(&sandbox, 120, 0.25).await,
        [
            "PENDING PRE_SCALE_UP 0.0%",
            "IN_PROGRESS PRE_SCALE_UP 0.0%",
            "IN_PROGRESS SCALE_UP 0.0%",
            "IN_PROGRESS POST_SCALE_UP 0.0%",
            "IN_PROGRESS TEST_TRAFFIC_SHIFT 0.0%",
            "IN_PROGRESS POST_TEST_TRAFFIC_SHIFT 0.0%",
            "IN_PROGRESS PRODUCTION_TRAFFIC_SHIFT 100.0%",
            "IN_PROGRESS POST_PRODUCTION_TRAFFIC_SHIFT 100.0%",
            "IN_PROGRESS CLEAN_UP 100.0%",
            "SUCCESSFUL - 100.0%",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn traffic_shifts_in_steps() {
    let shares = async |configuration: Value| {
        let sandbox = seeded();
        deploy(&sandbox, "1.4.2", configuration).await;
        let seen = trace(&sandbox, 300, 0.9).await;
        let shifts = seen
            .iter()
            .filter(|state| state.contains(" PRODUCTION_TRAFFIC"));
        let shares: Vec<String> = shifts
            .map(|state| state.split(' ').next_back().unwrap().to_owned())
            .collect();
        (shares.join(" "), seen.last().cloned().unwrap())
    };
    let done = "SUCCESSFUL - 100.0%".to_owned();
    let linear = json!({"stepPercent": 33.3, "stepBakeTimeInMinutes": 1});
    assert_eq!(
        shares(json!({"strategy": "LINEAR", "linearConfiguration": linear})).await,
        ("33.3% 66.6% 99.9% 100.0%".to_owned(), done.clone())
    );
    let canary = json!({"canaryPercent": 5, "canaryBakeTimeInMinutes": 2});
    assert_eq!(
        shares(json!({"strategy": "CANARY", "canaryConfiguration": canary})).await,
        ("5.0% 100.0%".to_owned(), done)
    );
}

#[tokio::test(start_paused = true)]
async fn a_pause_waits_for_a_person() {
    let hook = json!({
        "targetType": "PAUSE", "lifecycleStages": ["POST_TEST_TRAFFIC_SHIFT"],
        "timeoutConfiguration": {"timeoutInMinutes": 10},
    });
    for (action, status) in [
        (Some("CONTINUE"), "SUCCESSFUL"),
        (Some("ROLLBACK"), "ROLLBACK_SUCCESSFUL"),
        (None, "ROLLBACK_SUCCESSFUL"),
    ] {
        let sandbox = seeded();
        let configuration = json!({"strategy": "BLUE_GREEN", "lifecycleHooks": [hook]});
        deploy(&sandbox, "1.4.2", configuration).await;
        after(300.0).await;
        let paused = last_service_deployment(&sandbox).await;
        assert_eq!(paused["lifecycleStage"], "POST_TEST_TRAFFIC_SHIFT");
        let details = &paused["lifecycleHookDetails"][0];
        assert_eq!(details["status"], "AWAITING_ACTION");
        assert_eq!(details["timeoutAction"], "ROLLBACK");
        assert_eq!(details["targetType"], "PAUSE");
        let mut answer = json!({
            "serviceDeploymentArn": paused["serviceDeploymentArn"], "hookId": "ecs-pause-other", "action": action,
        });
        assert_eq!(
            refused(&sandbox, "ContinueServiceDeployment", answer.clone()).await,
            "InvalidParameterException: The lifecycle hook is not awaiting an action."
        );
        answer["hookId"] = details["hookId"].clone();
        if action.is_some() {
            ecs(&sandbox, "ContinueServiceDeployment", answer).await;
            after(30.0).await;
        } else {
            after(330.0).await;
        }
        let done = last_service_deployment(&sandbox).await;
        assert_eq!(done["status"], status, "{action:?}");
        assert_eq!(deployments(&service(&sandbox).await).len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_is_asked_and_may_refuse() {
    for (name, status) in [("check", "SUCCESSFUL"), ("fail", "ROLLBACK_SUCCESSFUL")] {
        let sandbox = seeded();
        let function = format!("arn:aws:lambda:us-west-1:123456789012:function:{name}");
        let hook = json!({"hookTargetArn": function, "lifecycleStages": ["POST_SCALE_UP", "PRE_PRODUCTION_TRAFFIC_SHIFT"]});
        let configuration = json!({"strategy": "CANARY", "lifecycleHooks": [hook],
            "canaryConfiguration": {"canaryBakeTimeInMinutes": 0}});
        deploy(&sandbox, "1.4.2", configuration).await;
        after(40.0).await;
        let done = last_service_deployment(&sandbox).await;
        assert_eq!(done["status"], status, "{name}");
        if name == "fail" {
            assert_eq!(
                done["statusReason"],
                "Service deployment rolled back because a lifecycle hook failed."
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_alarm_fails_a_deployment_whose_tasks_are_well() {
    for strategy in ["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"] {
        for (rollback, status, tasks) in [
            (true, "ROLLBACK_SUCCESSFUL", "PRIMARY COMPLETED 3/0/3/0"),
            (false, "STOPPED", "PRIMARY FAILED "),
        ] {
            let sandbox = seeded();
            let before = service(&sandbox).await["taskDefinition"].clone();
            let alarms = json!({"enable": true, "rollback": rollback, "alarmNames": ["api-5xx", "api-latency"]});
            let configuration = json!({"strategy": strategy, "alarms": alarms});
            deploy(&sandbox, "1.5.0-alarm", configuration).await;
            after(1.0).await;
            let watched = last_service_deployment(&sandbox).await;
            assert_eq!(watched["alarms"]["status"], "MONITORING");
            after(60.0).await;
            let record = last_service_deployment(&sandbox).await;
            assert_eq!(record["status"], status, "{strategy}");
            assert_eq!(
                record["alarms"],
                json!({"status": "TRIGGERED", "alarmNames": ["api-5xx", "api-latency"], "triggeredAlarmNames": ["api-5xx"]})
            );
            let now = service(&sandbox).await;
            assert!(
                deployments(&now)[0].starts_with(tasks),
                "{strategy}: {:?}",
                deployments(&now)
            );
            assert_eq!(now["taskDefinition"] == before, rollback, "{strategy}");
        }
        let sandbox = seeded();
        deploy(&sandbox, "alarm", json!({"strategy": strategy})).await;
        after(900.0).await;
        let status = last_service_deployment(&sandbox).await["status"].clone();
        let linear = strategy == "LINEAR";
        assert_eq!(
            status,
            if linear { "IN_PROGRESS" } else { "SUCCESSFUL" },
            "nobody watches: {strategy}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn each_strategy_goes_back_when_tasks_crash_or_a_person_says_so() {
    for strategy in ["ROLLING", "BLUE_GREEN", "LINEAR", "CANARY"] {
        let sandbox = seeded();
        let before = service(&sandbox).await;
        deploy(&sandbox, "crash", json!({"strategy": strategy})).await;
        after(30.0).await;
        let record = last_service_deployment(&sandbox).await;
        assert_eq!(record["status"], "ROLLBACK_SUCCESSFUL", "{strategy}");
        assert_eq!(
            record["rollback"]["serviceRevisionArn"],
            before["currentServiceRevisions"][0]["arn"]
        );
        let weight = &record["targetServiceRevision"]["requestedProductionTrafficWeight"];
        assert_eq!(
            weight.as_f64(),
            Some(if strategy == "ROLLING" { 100.0 } else { 0.0 })
        );

        let configuration = json!({"strategy": strategy, "bakeTimeInMinutes": 30});
        deploy(&sandbox, "slow", configuration).await;
        after(4.0).await;
        let arn = last_service_deployment(&sandbox).await["serviceDeploymentArn"].clone();
        let stop = json!({"serviceDeploymentArn": arn});
        ecs(&sandbox, "StopServiceDeployment", stop.clone()).await;
        assert!(
            refused(&sandbox, "StopServiceDeployment", stop)
                .await
                .starts_with("ConflictException")
        );
        let seen = trace(&sandbox, 40, 0.5).await;
        let statuses: Vec<&str> = seen.iter().map(|s| s.split(' ').next().unwrap()).collect();
        assert_eq!(
            statuses,
            [
                "ROLLBACK_REQUESTED",
                "ROLLBACK_IN_PROGRESS",
                "ROLLBACK_SUCCESSFUL"
            ],
            "{strategy}"
        );
        let done = service(&sandbox).await;
        assert_eq!(deployments(&done), ["PRIMARY COMPLETED 3/0/3/0"]);
        assert_eq!(done["taskDefinition"], before["taskDefinition"]);
    }
}

#[tokio::test(start_paused = true)]
async fn there_is_no_other_strategy() {
    let body = json!({"cluster": "prod", "service": "api-prod", "deploymentConfiguration": {"strategy": "BIG_BANG"}});
    let refusal = refused(&seeded(), "UpdateService", body).await;
    assert_eq!(
        refusal,
        "InvalidParameterException: Invalid deployment strategy BIG_BANG."
    );
}
