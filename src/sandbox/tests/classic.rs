//! A service behind a Classic Load Balancer.

use super::*;

#[tokio::test(start_paused = true)]
async fn a_classic_load_balancer_hides_how_a_rollout_goes() {
    let sandbox = seeded();
    let balancer =
        json!([{"loadBalancerName": "old", "containerName": "app", "containerPort": 8080}]);
    let updated = update(&sandbox, json!({"loadBalancers": balancer})).await;
    assert_eq!(updated["deployments"][0]["rolloutState"], Value::Null);
    assert_eq!(updated["deployments"][0]["rolloutStateReason"], Value::Null);
    after(15.0).await;
    let done = service(&sandbox).await;
    assert_eq!(done["deployments"].as_array().unwrap().len(), 1);
    assert_eq!(done["deployments"][0]["runningCount"], 3);
}
