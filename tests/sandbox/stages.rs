//! What the AWS SDK makes of stages, one-off tasks and refusals at the gate.

use std::time::Duration;

use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, ContainerDefinition, ContainerOverride,
    DeploymentConfiguration, DeploymentLifecycleHook, DeploymentLifecycleHookAction,
    DeploymentLifecycleHookStage, DeploymentLifecycleHookStatus, DeploymentLifecycleHookTargetType,
    DeploymentStrategy, LaunchType, NetworkConfiguration, ServiceDeployment,
    ServiceDeploymentLifecycleStage, ServiceDeploymentStatus, TaskOverride, TaskStopCode,
};

use super::{ecs, seeded, served};

async fn last_deployment(client: &aws_sdk_ecs::Client) -> ServiceDeployment {
    let list = client.list_service_deployments();
    let list = list.cluster("prod").service("api-prod").send().await;
    let list = list.unwrap();
    let arn = list.service_deployments()[0].service_deployment_arn();
    let describe = client.describe_service_deployments();
    let described = describe.service_deployment_arns(arn.unwrap()).send().await;
    described.unwrap().service_deployments()[0].clone()
}

/// Looks until the deployment is as wanted.
async fn wait_for(
    client: &aws_sdk_ecs::Client,
    wanted: impl Fn(&ServiceDeployment) -> bool,
) -> ServiceDeployment {
    for _ in 0..400 {
        let deployment = last_deployment(client).await;
        if wanted(&deployment) {
            return deployment;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the deployment never was as wanted");
}

#[tokio::test]
async fn the_sdk_steers_a_paused_blue_green_deployment() {
    let client = ecs(served(seeded().with_speed(200.0)).await);
    let hook = DeploymentLifecycleHook::builder()
        .target_type(DeploymentLifecycleHookTargetType::Pause)
        .lifecycle_stages(DeploymentLifecycleHookStage::PostTestTrafficShift)
        .build();
    let configuration = DeploymentConfiguration::builder()
        .strategy(DeploymentStrategy::BlueGreen)
        .bake_time_in_minutes(1)
        .lifecycle_hooks(hook)
        .build();
    let update = client.update_service().cluster("prod").service("api-prod");
    update
        .deployment_configuration(configuration)
        .force_new_deployment(true)
        .send()
        .await
        .unwrap();
    let paused = wait_for(&client, |d| !d.lifecycle_hook_details().is_empty()).await;
    assert_eq!(
        paused.lifecycle_stage(),
        Some(&ServiceDeploymentLifecycleStage::PostTestTrafficShift)
    );
    let target = paused.target_service_revision().unwrap();
    assert_eq!(target.running_task_count(), 3);
    assert_eq!(target.requested_production_traffic_weight(), Some(0.0));
    let hook = &paused.lifecycle_hook_details()[0];
    assert_eq!(
        hook.status(),
        Some(&DeploymentLifecycleHookStatus::AwaitingAction)
    );
    client
        .continue_service_deployment()
        .service_deployment_arn(paused.service_deployment_arn().unwrap())
        .hook_id(hook.hook_id().unwrap())
        .action(DeploymentLifecycleHookAction::Continue)
        .send()
        .await
        .unwrap();
    wait_for(&client, |d| {
        d.status() == Some(&ServiceDeploymentStatus::Successful)
    })
    .await;
}

#[tokio::test]
async fn the_sdk_runs_a_task_and_sees_it_fail() {
    let client = ecs(served(seeded().with_speed(1_000.0)).await);
    let network = AwsVpcConfiguration::builder()
        .subnets("subnet-1")
        .assign_public_ip(AssignPublicIp::Disabled)
        .build()
        .unwrap();
    let network = NetworkConfiguration::builder().awsvpc_configuration(network);
    let work = ContainerOverride::builder().name("app").command("fail");
    let overrides = TaskOverride::builder().container_overrides(work.build());
    let run = client
        .run_task()
        .cluster("prod")
        .task_definition("api-prod");
    let ran = run
        .launch_type(LaunchType::Fargate)
        .network_configuration(network.build())
        .overrides(overrides.build())
        .send()
        .await
        .unwrap();
    let arn = ran.tasks()[0].task_arn().unwrap();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let described = client.describe_tasks().cluster("prod").tasks(arn).send();
    let described = described.await.unwrap();
    let task = &described.tasks()[0];
    assert_eq!(
        task.stop_code(),
        Some(&TaskStopCode::EssentialContainerExited)
    );
    assert_eq!(task.containers()[0].exit_code(), Some(1));
}

#[tokio::test]
async fn the_sdk_understands_who_is_refused_and_why() {
    let code = async |sandbox| {
        let client = ecs(served(sandbox).await);
        let list = client.list_tasks().cluster("prod").send().await;
        let error = list.unwrap_err();
        (
            error.code().unwrap_or_default().to_owned(),
            error.message().unwrap_or_default().to_owned(),
        )
    };
    let (denied, message) = code(seeded().with_denied(["ecs:ListTasks"])).await;
    assert_eq!(denied, "AccessDeniedException");
    assert!(
        message.contains("ecs:ListTasks on resource: *"),
        "{message}"
    );
    let (expired, _) = code(seeded().with_session(Duration::ZERO)).await;
    assert_eq!(expired, "ExpiredTokenException");

    let client = ecs(served(seeded().with_throttles(true)).await);
    let mut refused = 0;
    for _ in 0..30 {
        let container = ContainerDefinition::builder().name("a").image("nginx:1");
        let register = client.register_task_definition().family("f");
        let answer = register.container_definitions(container.build()).send();
        if let Err(error) = answer.await {
            assert_eq!(error.code(), Some("ThrottlingException"));
            refused += 1;
        }
    }
    assert!((1..=10).contains(&refused), "twenty at once, one a second");
}
