//! Reads that lag behind an update.

use super::*;

async fn listed(sandbox: &Sandbox) -> usize {
    let body = json!({"cluster": "prod", "service": "api-prod"});
    let list = ecs(sandbox, "ListServiceDeployments", body).await;
    list["serviceDeployments"].as_array().unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn after_an_update_reads_show_what_was_before() {
    let sandbox = seeded()
        .with_lag(Duration::from_secs(3))
        .with_list_lag(Duration::from_secs(5));
    let before = service(&sandbox).await;
    let (was, history) = (before["taskDefinition"].clone(), listed(&sandbox).await);
    let arn = register(&sandbox, "1.4.2").await;
    let updated = update(&sandbox, json!({"taskDefinition": arn})).await;
    assert_eq!(updated["taskDefinition"], arn.as_str(), "the answer is new");
    assert_eq!(service(&sandbox).await, before);
    after(2.9).await;
    assert_eq!(service(&sandbox).await["taskDefinition"], was);
    after(0.2).await;
    assert_eq!(service(&sandbox).await["taskDefinition"], arn.as_str());
    assert_eq!(listed(&sandbox).await, history, "the list lags longer");
    after(2.0).await;
    assert_eq!(listed(&sandbox).await, history + 1);
    after(10.0).await;
    assert_eq!(
        deployments(&service(&sandbox).await),
        ["PRIMARY COMPLETED 3/0/3/0"]
    );
}

#[tokio::test(start_paused = true)]
async fn each_update_shows_when_its_own_lag_is_over() {
    let sandbox = seeded().with_lag(Duration::from_secs(3));
    let count = async || service(&sandbox).await["desiredCount"].clone();
    update(&sandbox, json!({"desiredCount": 4})).await;
    after(2.0).await;
    update(&sandbox, json!({"desiredCount": 5})).await;
    assert_eq!(count().await, 3);
    after(2.0).await;
    assert_eq!(count().await, 4);
    after(2.0).await;
    assert_eq!(count().await, 5);
}
