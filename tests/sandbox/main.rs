//! The sandbox behind its loopback server, held to what the AWS SDK makes of
//! its answers.

mod stages;

use std::net::SocketAddr;

use aws_sdk_ecr::types::ImageIdentifier;
use aws_sdk_ecs::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use aws_sdk_ecs::error::ProvideErrorMetadata;
use aws_sdk_ecs::types::{DeploymentRolloutState, ServiceDeploymentStatus, ServiceField};
use aws_smithy_http_client::Builder;
use evenkeel::sandbox::{Fault, Sandbox, Seed, SeedService, serve};
use tokio::net::TcpListener;

const IMAGE: &str = "123456789012.dkr.ecr.us-west-1.amazonaws.com/api:1.4.2";

fn seeded() -> Sandbox {
    let sandbox = Sandbox::in_memory();
    let service = SeedService {
        name: "api".to_owned(),
        cluster: "prod".parse().unwrap(),
        service: "api-prod".parse().unwrap(),
        images: vec![(None, IMAGE.parse().unwrap())],
    };
    let seed = Seed {
        environment: "prod".to_owned(),
        account: "123456789012".parse().unwrap(),
        region: "us-west-1".parse().unwrap(),
        services: vec![service],
    };
    sandbox.seed(&seed).unwrap();
    sandbox
}

async fn served(sandbox: Sandbox) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(serve(sandbox, listener, std::future::pending()));
    address
}

fn ecs(address: SocketAddr) -> aws_sdk_ecs::Client {
    let config = aws_sdk_ecs::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(Builder::new().build_http())
        .endpoint_url(format!("http://{address}"))
        .credentials_provider(Credentials::new(
            "123456789012",
            "secret",
            None,
            None,
            "test",
        ))
        .region(Region::new("us-west-1"))
        .retry_config(RetryConfig::disabled());
    aws_sdk_ecs::Client::from_conf(config.build())
}

fn ecr(address: SocketAddr) -> aws_sdk_ecr::Client {
    let config = aws_sdk_ecr::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .http_client(Builder::new().build_http())
        .endpoint_url(format!("http://{address}"))
        .credentials_provider(Credentials::new(
            "123456789012",
            "secret",
            None,
            None,
            "test",
        ))
        .region(Region::new("us-west-1"));
    aws_sdk_ecr::Client::from_conf(config.build())
}

#[tokio::test]
async fn the_sdk_understands_services_and_their_history() {
    let client = ecs(served(seeded().with_speed(1_000.0)).await);
    let forced = client
        .update_service()
        .cluster("prod")
        .service("api-prod")
        .force_new_deployment(true);
    let begun = forced.send().await.unwrap().service.unwrap();
    assert_eq!(
        begun.deployments()[0].rollout_state(),
        Some(&DeploymentRolloutState::InProgress)
    );
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;

    let describe = client
        .describe_services()
        .cluster("prod")
        .services("api-prod")
        .services("nope");
    let described = describe.include(ServiceField::Tags).send().await.unwrap();
    assert_eq!(described.failures()[0].reason(), Some("MISSING"));
    let service = &described.services()[0];
    assert_eq!(
        service.deployments()[0].rollout_state(),
        Some(&DeploymentRolloutState::Completed)
    );
    assert_eq!(service.tags()[1].value(), Some("api"));

    let revision = service.current_service_revisions()[0].arn().unwrap();
    let revisions = client
        .describe_service_revisions()
        .service_revision_arns(revision)
        .send()
        .await
        .unwrap();
    let images = revisions.service_revisions()[0].container_images();
    assert!(images[0].image_digest().unwrap().starts_with("sha256:"));
    let list = client
        .list_service_deployments()
        .cluster("prod")
        .service("api-prod")
        .send()
        .await
        .unwrap();
    assert_eq!(
        list.service_deployments()[0].status(),
        Some(&ServiceDeploymentStatus::Successful)
    );
}

#[tokio::test]
async fn the_sdk_understands_refusals_and_images() {
    let address = served(seeded()).await;
    let client = ecs(address);
    let missing = client
        .describe_task_definition()
        .task_definition("nope")
        .send()
        .await
        .unwrap_err();
    assert_eq!(missing.code(), Some("ClientException"));
    assert_eq!(
        missing.message(),
        Some("Unable to describe task definition.")
    );
    let other = client
        .describe_services()
        .cluster("other")
        .services("a")
        .send()
        .await
        .unwrap_err();
    assert!(other.into_service_error().is_cluster_not_found_exception());

    let id = |tag: &str| ImageIdentifier::builder().image_tag(tag).build();
    let images = ecr(address)
        .batch_get_image()
        .repository_name("api")
        .image_ids(id("1.4.2"))
        .image_ids(id("0"));
    let images = images.send().await.unwrap();
    assert_eq!((images.images().len(), images.failures().len()), (1, 1));
}

#[tokio::test]
async fn a_cut_connection_is_no_answer_but_may_have_taken_effect() {
    let sandbox = seeded();
    let faulty = sandbox.clone().with_faults(|_: &_, _| Fault::CutAfter);
    let client = ecs(served(faulty).await);
    let error = client
        .create_cluster()
        .cluster_name("new")
        .send()
        .await
        .unwrap_err();
    assert!(error.as_service_error().is_none(), "{error:?}");
    let list = ecs(served(sandbox).await)
        .list_clusters()
        .send()
        .await
        .unwrap();
    assert_eq!(list.cluster_arns().len(), 2);
}

#[tokio::test]
async fn only_a_loopback_address_is_served() {
    let listener = TcpListener::bind("0.0.0.0:0").await.unwrap();
    let refused = serve(seeded(), listener, std::future::pending())
        .await
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .starts_with("the sandbox serves only on a loopback address"),
        "{refused}"
    );
}
