//! What is written of a live service, planned at once, is in sync.

use std::collections::BTreeMap;

use serde_json::json;

use super::*;
use crate::environment::{Place, Why, Written, parse, write};
use crate::observed::{Image, Revision, RunningImage, ServiceRevision, Sight, Want};

const REGISTRY: &str = "123456789012.dkr.ecr.us-west-1.amazonaws.com";

fn digest(c: char) -> Digest {
    format!("sha256:{}", c.to_string().repeat(64))
        .parse()
        .unwrap()
}

/// A service on this task definition. Every tag of ECR has the digest `a`, and
/// that runs.
struct Scene {
    service: Value,
    document: Value,
    tags: Value,
    running: Option<Digest>,
    /// What ECR has.
    has: Vec<Digest>,
    /// The service revision, with the fields that only it tells.
    revision: Value,
}

impl Scene {
    fn on(document: Value) -> Self {
        Self {
            service: json!({
                "serviceArn": "arn:aws:ecs:us-west-1:123456789012:service/shop/web-prod",
                "status": "ACTIVE",
                "desiredCount": 3,
                "deployments": [{
                    "id": "ecs-svc/1", "status": "PRIMARY", "rolloutState": "COMPLETED",
                    "taskDefinition": "arn:aws:ecs:us-west-1:123456789012:task-definition/web:7",
                    "desiredCount": 3, "runningCount": 3,
                }],
                "currentServiceRevisions": [{"arn": "rev/1"}],
            }),
            document,
            tags: json!([]),
            running: Some(digest('a')),
            has: vec![digest('a')],
            revision: json!({}),
        }
    }

    fn answer(&self, want: Want) -> Sight {
        match want {
            Want::Service(key) => {
                let service = Service::read(self.service.as_object().unwrap().clone()).unwrap();
                Sight::Service(key, Box::new(Seen::Found(service)))
            }
            Want::Document(arn) | Want::Revision(arn) => Sight::Revision(
                arn,
                Seen::Found(Revision {
                    document: serde_json::from_value(self.document.clone()).unwrap(),
                    status: "ACTIVE".into(),
                    tags: self.tags.as_array().unwrap().clone(),
                }),
            ),
            Want::Image(repository, id) => {
                let found = match &id {
                    ImageId::Tag(_) => self.has.first(),
                    ImageId::Digest(digest) => self.has.iter().find(|has| *has == digest),
                };
                let seen = found.map_or(Seen::Missing, |digest| {
                    Seen::Found(Image {
                        digest: digest.clone(),
                        platforms: vec![],
                    })
                });
                Sight::Image(repository, id, seen)
            }
            Want::RunningImages(arn) => {
                let names = serde_json::from_value::<TaskDefinition>(self.document.clone());
                let images = names.unwrap();
                let images = images.container_names().into_iter();
                let images = images.filter_map(|container| {
                    Some(RunningImage {
                        container: container.to_owned(),
                        digest: self.running.clone()?,
                    })
                });
                let seen = Seen::Found(ServiceRevision {
                    task_definition: "arn:aws:ecs:us-west-1:123456789012:task-definition/web:7"
                        .parse()
                        .unwrap(),
                    created_at: 1,
                    images: images.collect(),
                    document: self.revision.as_object().unwrap().clone(),
                });
                Sight::RunningImages(arn, seen)
            }
            Want::ServiceNames(cluster) => Sight::ServiceNames(cluster, Seen::Found(vec![])),
            Want::ImageTags(repository) => Sight::ImageTags(repository, Seen::Found(vec![])),
            Want::Newest(family) => Sight::Newest(family, Seen::Found(vec![])),
            Want::History(key) => Sight::History(key, Seen::Found(vec![])),
            other => panic!("{other:?}"),
        }
    }

    fn ask<T>(&self, question: impl Fn(&Observed) -> Result<T, Wants>) -> T {
        let mut observed = Observed::default();
        for _ in 0..10 {
            match question(&observed) {
                Ok(answer) => return answer,
                Err(Wants(wants)) => wants
                    .into_iter()
                    .for_each(|want| observed.record(self.answer(want))),
            }
        }
        panic!("the question is never answered");
    }

    fn adopt(&self, own: Own) -> Adopted {
        let key = ServiceKey {
            cluster: "shop".parse().unwrap(),
            service: "web-prod".parse().unwrap(),
        };
        self.ask(|observed| adopt(&key, own, observed)).unwrap()
    }

    fn write(&self, own: Own) -> Written {
        let adopted = self.adopt(own);
        let place = Place {
            environment: "prod",
            account: &adopted.account,
            region: &adopted.region,
            cluster: &"shop".parse().unwrap(),
        };
        write(place, &[adopted.live], own)
    }

    /// The verdict on what was written, or why it cannot be read.
    fn plan(&self, written: &Written) -> Result<ServicePlan, String> {
        let desired = parse("prod.toml", "prod", &written.text)
            .map_err(|mistakes| format!("{}\n{}", mistakes.render(false, 80), written.text))?;
        let plan = self.ask(|observed| plan(&desired, observed, Options::default()));
        Ok(plan.services()[0].clone())
    }

    #[track_caller]
    fn in_sync(&self, own: Own) -> Written {
        let written = self.write(own);
        match self.plan(&written) {
            Ok(plan) => assert!(
                matches!(plan.verdict, Verdict::InSync { .. }) && plan.notes.is_empty(),
                "{}\n{:#?}\n{:?}",
                written.text,
                plan.verdict,
                plan.notes
            ),
            Err(why) => panic!("{why}"),
        }
        written
    }
}

fn web(fields: Value) -> Value {
    let mut app = json!({"name": "app", "image": format!("{REGISTRY}/web:1"), "essential": true,
        "cpu": 0, "environment": [], "mountPoints": [], "volumesFrom": [], "systemControls": []});
    app.as_object_mut()
        .unwrap()
        .extend(fields.as_object().unwrap().clone());
    json!({"taskDefinitionArn": "x", "family": "web", "revision": 7, "status": "ACTIVE",
        "networkMode": "awsvpc", "cpu": "512", "memory": "1024", "volumes": [],
        "requiresCompatibilities": ["FARGATE"], "containerDefinitions": [app]})
}

#[test]
fn the_smallest_file() {
    let written = Scene::on(web(json!({}))).in_sync(Own::Image);
    insta::assert_snapshot!(written.text, @r#"
    # What is declared here is held; everything else stays as it is live.
    account = "123456789012"
    region = "us-west-1"
    cluster = "shop"

    [services.web]
    name = "web-prod" # the ECS service
    # Of its only container. A release is another tag here:
    # `evenkeel set prod web=:TAG --resolve` writes it with its digest.
    image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/web:1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    "#);
}

#[test]
fn several_containers_are_named() {
    let mut document = web(json!({}));
    document["containerDefinitions"]
        .as_array_mut()
        .unwrap()
        .push(json!({"name": "proxy", "image": "public.ecr.aws/nginx/nginx:1.27"}));
    let written = Scene::on(document).in_sync(Own::Image);
    insta::assert_snapshot!(written.text, @r#"
    # What is declared here is held; everything else stays as it is live.
    account = "123456789012"
    region = "us-west-1"
    cluster = "shop"

    [services.web]
    name = "web-prod" # the ECS service
    # Of several containers. Take out those that somebody else deploys;
    # `evenkeel set prod web/CONTAINER=:TAG --resolve` writes a release.

    [services.web.containers.app]
    image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/web:1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

    [services.web.containers.proxy]
    image = "public.ecr.aws/nginx/nginx:1.27"
    "#);
}

/// A bit of everything.
fn rich() -> Scene {
    let mut scene = Scene::on(web(json!({
        "portMappings": [
            {"containerPort": 8080, "hostPort": 8080, "protocol": "tcp", "name": "http", "appProtocol": "http"},
            {"containerPort": 53, "hostPort": 53, "protocol": "udp"},
        ],
        "environment": [
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "GREETING", "value": "say \"hi\"\nand \\ bye\u{202e}"},
            {"name": "DB_PASSWORD", "value": "hunter2"},
            {"name": "dotted.name", "value": ""},
        ],
        "secrets": [{"name": "DATABASE_URL", "valueFrom": "arn:aws:ssm:us-west-1:123456789012:parameter/db"}],
        "healthCheck": {"command": ["CMD-SHELL", "curl -fsS localhost:8080/health || exit 1"], "interval": 10, "timeout": 5, "retries": 3},
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "/ecs/web", "awslogs-region": "us-west-1", "awslogs-stream-prefix": "app", "api-key": "1234"}},
        "command": ["node", "--enable-source-maps", "--max-old-space-size=4096", "dist/server.js", "--verbose"],
        "dependsOn": [],
        "linuxParameters": {"initProcessEnabled": true, "capabilities": {"drop": ["ALL"], "add": []}},
        "someday": {"x": 1},
        "ulimits": [{"name": "nofile", "softLimit": 65536, "hardLimit": 65536}],
    })));
    scene.document["volumes"] = json!([
        {"name": "data", "efsVolumeConfiguration": {"fileSystemId": "fs-1", "transitEncryption": "ENABLED"}},
        {"name": "tmp"},
    ]);
    scene.document["runtimePlatform"] =
        json!({"cpuArchitecture": "X86_64", "operatingSystemFamily": "BEOS"});
    scene.tags = json!([
        {"key": "team", "value": "web"},
        {"key": "evenkeel:commit", "value": "1"},
        {"key": "aws:cloudformation:stack-name", "value": "shop"},
    ]);
    let settings = json!({
        "launchType": "FARGATE",
        "platformVersion": "1.4.0",
        "deploymentConfiguration": {
            "deploymentCircuitBreaker": {"enable": true, "rollback": true},
            "maximumPercent": 200, "minimumHealthyPercent": 100, "strategy": "CANARY",
            "canaryConfiguration": {"canaryPercent": 10, "canaryBakeTimeInMinutes": 5},
            "lifecycleHooks": [{"hookTargetArn": "arn:x", "roleArn": "arn:r", "lifecycleStages": ["POST_SCALE_UP", "PRE_SCALE_UP"], "hookDetails": {"a": [1, 1.5, true]}}],
        },
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": ["subnet-2", "subnet-1"], "securityGroups": ["sg-1"], "assignPublicIp": "DISABLED"}},
        "loadBalancers": [{"targetGroupArn": "arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/web/1", "containerName": "app", "containerPort": 8080}],
        "healthCheckGracePeriodSeconds": 0,
        "enableExecuteCommand": true,
        "propagateTags": "SERVICE",
        "schedulingStrategy": "REPLICA",
        "capacityProviderStrategy": [{"capacityProvider": "FARGATE", "weight": 1, "base": 0}, {"capacityProvider": "FARGATE_SPOT", "weight": 3, "base": 0}],
    });
    let service = scene.service.as_object_mut().unwrap();
    service.extend(settings.as_object().unwrap().clone());
    scene.service["deployments"][0]["serviceConnectConfiguration"] = json!({
        "enabled": true, "namespace": "shop", "services": [
            {"portName": "http", "clientAliases": [{"port": 80, "dnsName": "web"}]},
        ],
    });
    scene.revision = json!({"monitoring": {"metricConfigurations": [{"metricNames": ["a"], "resolutionSeconds": 20}]}});
    scene
}

#[test]
fn containers_whole() {
    insta::assert_snapshot!(rich().in_sync(Own::Containers).text, @r#"
    # What is declared here is held; everything else stays as it is live.
    account = "123456789012"
    region = "us-west-1"
    cluster = "shop"

    [services.web]
    name = "web-prod" # the ECS service

    [services.web.containers.app]
    # environment.DB_PASSWORD is not written: it looks like a secret.
    # logConfiguration.options.api-key is not written: it looks like a secret.
    # Keep it in SSM or Secrets Manager and declare its ARN under `secrets`.
    # someday is not written: it is a field that evenkeel does not know.
    image = "123456789012.dkr.ecr.us-west-1.amazonaws.com/web:1@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
    portMappings = { "53/udp" = {}, 8080 = { name = "http", appProtocol = "http" } }
    secrets = { DATABASE_URL = "arn:aws:ssm:us-west-1:123456789012:parameter/db" }
    command = [
      "node",
      "--enable-source-maps",
      "--max-old-space-size=4096",
      "dist/server.js",
      "--verbose",
    ]
    ulimits = { nofile = { softLimit = 65536, hardLimit = 65536 } }

    [services.web.containers.app.environment]
    GREETING = "say \"hi\"\nand \\ bye\U0000202E"
    LOG_LEVEL = "info"
    "dotted.name" = ""

    [services.web.containers.app.healthCheck]
    command = ["CMD-SHELL", "curl -fsS localhost:8080/health || exit 1"]
    interval = 10

    [services.web.containers.app.logConfiguration]
    logDriver = "awslogs"

    [services.web.containers.app.logConfiguration.options]
    awslogs-group = "/ecs/web"
    awslogs-region = "us-west-1"
    awslogs-stream-prefix = "app"

    [services.web.containers.app.linuxParameters]
    initProcessEnabled = true
    capabilities = { drop = ["ALL"] }
    "#);
}

#[test]
fn all_of_it() {
    let written = rich().in_sync(Own::All);
    let (_, rest) = written.text.split_once("[services.web.task]").unwrap();
    insta::assert_snapshot!(rest, @r#"

    # runtimePlatform.operatingSystemFamily is not written: it has a value that a file cannot declare.
    networkMode = "awsvpc"
    cpu = "512"
    memory = "1024"
    requiresCompatibilities = ["FARGATE"]
    runtimePlatform = { cpuArchitecture = "X86_64" }
    tags = { team = "web" }

    [services.web.task.volumes]
    tmp = {}

    [services.web.task.volumes.data.efsVolumeConfiguration]
    fileSystemId = "fs-1"
    transitEncryption = "ENABLED"

    [services.web.service]
    # desiredCount = 3 # left to autoscaling and to people; a file that says it holds it
    capacityProviderStrategy = { FARGATE = 1, FARGATE_SPOT = 3 }
    platformVersion = "1.4.0"
    enableExecuteCommand = true
    loadBalancers = [
      { targetGroupArn = "arn:aws:elasticloadbalancing:us-west-1:123456789012:targetgroup/web/1", containerName = "app", containerPort = 8080 },
    ]
    propagateTags = "SERVICE"

    [services.web.service.deploymentConfiguration]
    deploymentCircuitBreaker = { enable = true, rollback = true }
    maximumPercent = 200
    minimumHealthyPercent = 100
    strategy = "CANARY"
    canaryConfiguration = { canaryPercent = 10.0, canaryBakeTimeInMinutes = 5 }
    lifecycleHooks = [
      { hookTargetArn = "arn:x", roleArn = "arn:r", lifecycleStages = ["POST_SCALE_UP", "PRE_SCALE_UP"], hookDetails = { a = [1, 1.5, true] } },
    ]

    [services.web.service.networkConfiguration.awsvpcConfiguration]
    subnets = ["subnet-1", "subnet-2"]
    securityGroups = ["sg-1"]

    [services.web.service.serviceConnectConfiguration]
    enabled = true
    namespace = "shop"
    services = { http = { clientAliases = [{ port = 80, dnsName = "web" }] } }

    [services.web.service.monitoring]
    metricConfigurations = [{ metricNames = ["a"], resolutionSeconds = 20 }]
    "#);
}

/// Every change to what is live shows in a plan of what was written before.
#[test]
fn what_is_written_is_held() {
    let mut scene = rich();
    let written = scene.in_sync(Own::All);
    let mut found = Vec::new();
    let changes: [(&str, Value); 12] = [
        (
            "/d/containerDefinitions/0/image",
            json!(format!("{REGISTRY}/api:1")),
        ),
        (
            "/d/containerDefinitions/0/environment/0/value",
            json!("debug"),
        ),
        ("/d/containerDefinitions/0/healthCheck/interval", json!(11)),
        ("/d/containerDefinitions/0/command/1", json!("x")),
        (
            "/d/containerDefinitions/0/portMappings/0/name",
            json!("www"),
        ),
        ("/d/cpu", json!("1024")),
        (
            "/d/volumes/0/efsVolumeConfiguration/fileSystemId",
            json!("fs-2"),
        ),
        (
            "/s/networkConfiguration/awsvpcConfiguration/subnets/0",
            json!("subnet-9"),
        ),
        ("/s/loadBalancers/0/containerPort", json!(9)),
        (
            "/s/deploymentConfiguration/canaryConfiguration/canaryPercent",
            json!(11),
        ),
        ("/s/capacityProviderStrategy/1/weight", json!(4)),
        (
            "/s/deployments/0/serviceConnectConfiguration/namespace",
            json!("other"),
        ),
    ];
    for (place, value) in changes {
        let (document, at) = place.split_at(2);
        let side = |scene: &mut Scene| match document {
            "/d" => std::mem::take(&mut scene.document),
            _ => std::mem::take(&mut scene.service),
        };
        let whole = side(&mut scene);
        let mut changed = whole.clone();
        *changed.pointer_mut(at).unwrap() = value;
        let put = |scene: &mut Scene, value: Value| match document {
            "/d" => scene.document = value,
            _ => scene.service = value,
        };
        put(&mut scene, changed);
        match scene.plan(&written).unwrap().verdict {
            Verdict::Change(change) => {
                found.push(change.images.len() + change.fields.len() + change.service.fields.len())
            }
            other => panic!("{place}: {other:?}"),
        }
        put(&mut scene, whole);
    }
    assert!(found.iter().all(|count| *count > 0), "{found:?}");
    // Not so for what is autoscaling's.
    scene.service["desiredCount"] = 9.into();
    assert!(matches!(
        scene.plan(&written).unwrap().verdict,
        Verdict::InSync { .. }
    ));
}

#[test]
fn an_image_is_pinned_only_where_that_changes_nothing() {
    let image = |scene: &Scene| -> String {
        let written = scene.write(Own::Image);
        let plan = scene.plan(&written).unwrap();
        assert!(
            matches!(plan.verdict, Verdict::InSync { .. }),
            "{}",
            written.text
        );
        let (_, image) = written.text.split_once("image = \"").unwrap();
        image
            .trim_end()
            .trim_end_matches('"')
            .replace(REGISTRY, "R")
    };
    let a = digest('a');
    let mut scene = Scene::on(web(json!({})));
    assert_eq!(image(&scene), format!("R/web:1@{a}"));
    // The tag has moved on, but what runs is still there.
    scene.has = vec![digest('b'), digest('a')];
    assert_eq!(image(&scene), format!("R/web:1@{a}"));
    // ECS does not tell what runs: then nobody knows that it is the tag's.
    scene.running = None;
    assert_eq!(image(&scene), "R/web:1");
    // Pinned already.
    let mut scene = Scene::on(web(json!({"image": format!("{REGISTRY}/web:1@{a}")})));
    scene.has = vec![];
    assert_eq!(image(&scene), format!("R/web:1@{a}"));
    // Outside ECR images are compared as they are written.
    let scene = Scene::on(web(json!({"image": "nginx"})));
    assert_eq!(image(&scene), "nginx");
}

#[test]
fn names_are_the_same_in_every_environment_unless_they_clash() {
    let service = |name: &str| {
        let mut live = Scene::on(web(json!({}))).adopt(Own::Image).live;
        live.service = name.parse().unwrap();
        live
    };
    let names = |all: &[&str]| {
        let adopted = Scene::on(web(json!({}))).adopt(Own::Image);
        let place = Place {
            environment: "prod",
            account: &adopted.account,
            region: &adopted.region,
            cluster: &"shop".parse().unwrap(),
        };
        let all: Vec<Live> = all.iter().map(|name| service(name)).collect();
        let written = write(place, &all, Own::Image);
        let desired = parse("prod.toml", "prod", &written.text).unwrap();
        let services = desired.services.iter();
        assert!(services.zip(&all).all(|(a, b)| a.service == b.service));
        written.names.join(" ")
    };
    assert_eq!(names(&["web-prod", "prod_mail", "other"]), "web mail other");
    assert_eq!(names(&["web-prod", "web"]), "web-prod web");
    assert_eq!(names(&["prod", "produce"]), "prod produce");
}

#[test]
fn the_whole_corpus_is_written_and_in_sync_at_once() {
    let mut odd: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let (mut count, mut refused) = (0, BTreeMap::<String, Vec<String>>::new());
    let mut files: Vec<_> = std::fs::read_dir("tests/corpus/task-definitions")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    assert_eq!(files.len(), 276);
    for path in files {
        let id = path.file_stem().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        let Ok(mut document) = serde_json::from_slice::<Value>(bytes) else {
            panic!("{id} is no JSON");
        };
        if let Some(inner) = document.get_mut("taskDefinition") {
            document = inner.take();
        }
        let mut scene = Scene::on(document);
        // In requests the tags are inside; live they lie beside.
        let tags = scene.document.as_object_mut().unwrap().shift_remove("tags");
        scene.tags = tags.filter(Value::is_array).unwrap_or(json!([]));
        for own in [Own::Image, Own::All] {
            let written = scene.write(own);
            for left in written.left_out.iter().flatten() {
                let last = left.path.to_string();
                let image = last.ends_with(".image");
                if own == Own::All && left.why == Why::Odd && !image {
                    odd.entry(last).or_default().push(id.clone());
                }
            }
            let why = match scene.plan(&written) {
                Ok(plan) if matches!(plan.verdict, Verdict::InSync { .. }) => {
                    count += 1;
                    continue;
                }
                Ok(plan) => format!("{:?}", plan.verdict),
                Err(why) => why.lines().next().unwrap().to_owned(),
            };
            let why = format!("{own:?}: {why}");
            refused.entry(why).or_default().push(id.clone());
        }
    }
    // What says nothing else than an image that is none, and three requests of
    // which nothing is as ECS takes it.
    let refused: Vec<String> = refused
        .into_iter()
        .map(|(why, ids)| format!("{why}: {}", ids.join(" ")))
        .collect();
    insta::assert_snapshot!(format!("{count} in sync\n{}", refused.join("\n")), @"
    496 in sync
    All: error: service `web` declares nothing: 251 255 256
    Image: error: service `web` declares nothing: 010 015 029 038 039 040 074 080 081 083 085 086 123 136 150 185 219 220 226 249 251 255 256 288 289 290 302 334 350 358 509 598 599 600 601 606 607 608 612 633 634 635 636 638 671 672 674 687 705 707 711 723 732
    ");
    let odd: Vec<String> = odd
        .into_iter()
        .map(|(why, ids)| format!("{why}: {}", ids.join(" ")))
        .collect();
    insta::assert_snapshot!(odd.join("\n"), @r#"
    containers."": 290
    containers."{{ must_env `BOT_NAME` }}": 249
    containers.$REPOSITORY_URI/$IMAGE_REPO_NAME: 085 086
    containers.app-1.cpu: 273 274 275
    containers.app-1.environment: 152
    containers.app-1.environment.LIMIT_DEFAULT_VAR_PER_MINUTE: 255
    containers.app-1.environment.LIMIT_SERVICE_ACCOUNT_VAR_PER_VAR: 255
    containers.app-1.environment.LIMIT_TOKEN_VAR_PER_MINUTE: 255
    containers.app-1.environment.LIMIT_USER_VAR_PER_VAR: 255
    containers.app-1.memory: 273 274 275
    containers.app-1.memoryReservation: 136
    containers.app-1.portMappings: 031 155
    containers.sidecar-1.environment.RateLimit__Auth__Var_2: 647
    containers.sidecar-1.logConfiguration.secretOptions: 567
    containers.sidecar-1.portMappings: 557
    containers.sidecar-11: 118 119
    task.volumes.volume-11.dockerVolumeConfiguration.autoprovision: 492
    "#);
}
