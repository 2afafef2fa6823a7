//! Each rule on literals, and that nothing that ECS has taken is refused.

use serde_json::json;

use super::*;

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other}"),
    }
}

fn said(found: &[Violation]) -> String {
    let lines: Vec<String> = found
        .iter()
        .map(|v| format!("{} [{}] {}", v.path, v.rule, v.says))
        .collect();
    lines.join("\n")
}

/// A task definition that nothing is wrong with, and then with these fields.
fn task(fields: Value, app: Value) -> Map<String, Value> {
    let mut document = map(json!({
        "family": "web", "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "256", "memory": "512",
        "containerDefinitions": [{"name": "app", "image": "r.example/app:1"}],
    }));
    document.extend(map(fields));
    let Some(Value::Object(first)) = document["containerDefinitions"].get_mut(0) else {
        return document;
    };
    first.extend(map(app));
    document
}

#[track_caller]
fn wrong(fields: Value, app: Value) -> String {
    said(&task_definition(&task(fields, app), Known::Whole))
}

/// What is said of a part, of which nothing else is known.
fn part(document: Value) -> String {
    said(&task_definition(&map(document), Known::Part))
}

fn app(fields: Value) -> String {
    wrong(json!({}), fields)
}

fn on_ec2(fields: Value) -> Value {
    let mut document = map(json!({"requiresCompatibilities": ["EC2"], "networkMode": "bridge"}));
    document.extend(map(fields));
    document.into()
}

#[test]
fn what_is_right_is_right() {
    assert_eq!(app(json!({})), "");
    assert_eq!(wrong(on_ec2(json!({})), json!({})), "");
    assert_eq!(
        app(json!({
            "portMappings": [{"containerPort": 80, "hostPort": 80, "name": "http_1-a"}, {"containerPort": 80, "protocol": "udp"}, {"containerPortRange": "8000-8010"}],
            "healthCheck": {"command": ["CMD", "true"], "interval": 5, "timeout": 60, "retries": 10, "startPeriod": 0},
            "stopTimeout": 120, "memory": 512, "memoryReservation": 512, "cpu": 256,
            "environment": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}],
            "linuxParameters": {"capabilities": {"add": ["SYS_PTRACE"], "drop": ["ALL"]}, "tmpfs": []},
            "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g", "awslogs-region": "r", "awslogs-stream-prefix": "p"}},
        })),
        ""
    );
}

#[test]
fn ranges_counts_and_names() {
    insta::assert_snapshot!(app(json!({
        "healthCheck": {"command": ["CMD"], "interval": 4, "timeout": 61, "retries": 0, "startPeriod": 301},
        "portMappings": [{"containerPort": 65536}, {"containerPort": 1, "name": "-x"}, {"containerPort": 2, "name": "Http"}],
        "restartPolicy": {"enabled": true, "restartAttemptPeriod": 59, "ignoredExitCodes": vec![1; 51]},
        "memory": 3,
        "image": "Nginx",
    })), @"
    containers.app.image [name] `image` is not valid: a repository's name is lower case; this has 'N'
    containers.app.healthCheck.interval [range] `interval` must be between 5 and 300, not 4
    containers.app.healthCheck.timeout [range] `timeout` must be between 2 and 60, not 61
    containers.app.healthCheck.retries [range] `retries` must be between 1 and 10, not 0
    containers.app.healthCheck.startPeriod [range] `startPeriod` must be between 0 and 300, not 301
    containers.app.portMappings.65536/tcp.containerPort [range] `containerPort` must be between 1 and 65535, not 65536
    containers.app.portMappings.1/tcp.name [name] `name` is not valid: it begins with a hyphen
    containers.app.portMappings.2/tcp.name [name] `name` is not valid: it has lower-case letters, digits, _ and -, not 'H'
    containers.app.restartPolicy.restartAttemptPeriod [range] `restartAttemptPeriod` must be between 60 and 1800, not 59
    containers.app.restartPolicy.ignoredExitCodes [count] there can be at most 50 `ignoredExitCodes`, not 51
    containers.app.memory [range] `memory` must be at least 4, not 3
    ");
    insta::assert_snapshot!(wrong(json!({
        "ephemeralStorage": {"sizeInGiB": 20},
        "family": "a b",
        "volumes": [{"name": "a/b"}],
    }), json!({"image": ""})), @"
    task.family [name] `family` is not valid: a name has only letters, digits, hyphens and underscores, not ' '
    containers.app.image [name] `image` is not valid: the image is empty
    task.ephemeralStorage.sizeInGiB [range] `sizeInGiB` must be between 21 and 200, not 20
    task.volumes.a/b.name [name] `name` is not valid: a name has only letters, digits, hyphens and underscores, not '/'
    containers.app.image [required] a container has no `image`
    ");
    let eleven: Vec<Value> = (0..11)
        .map(|n| json!({"name": format!("c{n}"), "image": "i"}))
        .collect();
    insta::assert_snapshot!(wrong(json!({"containerDefinitions": eleven}), json!({})), @"containers [count] there can be at most 10 `containers`, not 11");
    let long = "x".repeat(65_536);
    insta::assert_snapshot!(app(json!({"environment": [{"name": "A", "value": long}]})), @"containers [size] the task definition has 65746 bytes, and may have 65536");
}

#[test]
fn sizes_of_fargate() {
    let size = |cpu: &str, memory: &str| wrong(json!({"cpu": cpu, "memory": memory}), json!({}));
    for (cpu, memory) in [
        ("256", "512"),
        (".25 vCPU", "2GB"),
        ("512", "4096"),
        ("1 vCPU", "8 GB"),
        ("2048", "5120"),
        ("4096", "30720"),
        ("8192", "20480"),
        ("16384", "122880"),
    ] {
        assert_eq!(size(cpu, memory), "", "{cpu} {memory}");
    }
    for (cpu, memory) in [
        ("256", "1536"),
        ("256", "4096"),
        ("512", "512"),
        ("512", "1500"),
        ("1024", "1024"),
        ("8192", "17408"),
        ("300", "512"),
        ("4096", "31744"),
    ] {
        assert_ne!(size(cpu, memory), "", "{cpu} {memory}");
    }
    insta::assert_snapshot!(size("256", "4096"), @"task.memory [fargate-size] Fargate has no task of 256 CPU units and 4096 MiB");
    insta::assert_snapshot!(size("300", "1"), @"task.cpu [fargate-size] Fargate has no task of 300 CPU units");
    insta::assert_snapshot!(wrong(json!({"cpu": null, "networkMode": "bridge"}), json!({})), @"
    task.networkMode [fargate] Fargate needs the network mode awsvpc
    task.cpu [fargate-size] Fargate needs the task's `cpu`
    ");
    // Neither is known to be so where the rest is live.
    assert_eq!(part(json!({"cpu": "256", "memory": "4096"})), "");
    assert_eq!(
        part(json!({"requiresCompatibilities": ["FARGATE"], "cpu": "256"})),
        ""
    );
    assert_ne!(
        part(json!({"requiresCompatibilities": ["FARGATE"], "cpu": "300"})),
        ""
    );
}

#[test]
fn what_fargate_has_not() {
    insta::assert_snapshot!(wrong(json!({
        "ipcMode": "host", "pidMode": "host", "placementConstraints": [{"type": "memberOf"}],
        "volumes": [{"name": "a", "host": {"sourcePath": "/a"}}, {"name": "b", "dockerVolumeConfiguration": {}}, {"name": "c", "host": {}}],
    }), json!({
        "privileged": true, "dockerSecurityOptions": ["x"], "stopTimeout": 121, "startTimeout": 500, "cpu": 512,
        "linuxParameters": {"devices": [{"hostPath": "/dev/a"}], "sharedMemorySize": 1, "maxSwap": 1, "swappiness": 1, "capabilities": {"add": ["NET_ADMIN"]}},
        "logConfiguration": {"logDriver": "journald"},
    })), @"
    task.cpu [cpu-of-task] the containers reserve 512 CPU units, more than the task's 256
    containers.app.logConfiguration.logDriver [log-driver] Fargate has no log driver journald
    task.ipcMode [fargate] Fargate has no `ipcMode` (host)
    task.pidMode [fargate] on Fargate there is no host's `pidMode`
    task.placementConstraints [fargate] Fargate has no `placementConstraints`
    task.volumes.a.host.sourcePath [fargate] Fargate has no path of the host (volume `a`)
    task.volumes.b.dockerVolumeConfiguration [fargate] Fargate has no Docker volumes (volume `b`)
    containers.app.privileged [fargate] on Fargate no container is `privileged`
    containers.app.dockerSecurityOptions [fargate] Fargate has no `dockerSecurityOptions`
    containers.app.linuxParameters.devices [fargate] Fargate has no `devices`
    containers.app.linuxParameters.sharedMemorySize [fargate] Fargate has no `sharedMemorySize`
    containers.app.linuxParameters.maxSwap [fargate] Fargate has no `maxSwap`
    containers.app.linuxParameters.swappiness [fargate] Fargate has no `swappiness`
    containers.app.linuxParameters.capabilities.add [fargate] on Fargate only the capability SYS_PTRACE can be added, not NET_ADMIN
    containers.app.startTimeout [fargate] `startTimeout` is at most 120 on Fargate, not 500
    containers.app.stopTimeout [fargate] `stopTimeout` is at most 120 on Fargate, not 121
    ");
}

#[test]
fn memory() {
    insta::assert_snapshot!(app(json!({"memory": 1024, "memoryReservation": 2048})), @"
    containers.app.memory [memory] `memory` (1024) is less than `memoryReservation` (2048)
    containers.app.memory [memory-of-task] `memory` (1024) is more than the task's `memory` (512)
    containers.app.memoryReservation [memory-of-task] `memoryReservation` (2048) is more than the task's `memory` (512)
    ");
    let two = |a: i64, b: i64| {
        wrong(
            json!({"containerDefinitions": [{"name": "app", "image": "i", "memory": a}, {"name": "b", "image": "i", "memoryReservation": b, "memory": 512}]}),
            json!({}),
        )
    };
    assert_eq!(two(256, 256), "");
    insta::assert_snapshot!(two(256, 257), @"task.memory [memory-of-task] the containers reserve 513 MiB of memory, more than the task's 512");
    insta::assert_snapshot!(wrong(on_ec2(json!({"memory": null})), json!({})), @"containers.app.memory [memory] container `app` has no `memory` and no `memoryReservation`, and the task has no `memory`");
    assert_eq!(
        wrong(on_ec2(json!({"memory": null})), json!({"memory": 5})),
        ""
    );
    assert_eq!(part(json!({"containerDefinitions": [{"name": "app"}]})), "");
}

#[test]
fn networks() {
    let both = json!({"containerDefinitions": [
        {"name": "app", "image": "i", "portMappings": [{"containerPort": 80, "hostPort": 81}]},
        {"name": "b", "image": "i", "portMappings": [{"containerPort": 80}]},
    ]});
    insta::assert_snapshot!(wrong(both.clone(), json!({"links": ["b"], "hostname": "h", "extraHosts": [{"hostname": "h", "ipAddress": "::1"}]})), @"
    containers.app.links [network-mode] there is no `links` with the network mode awsvpc
    containers.app.hostname [network-mode] there is no `hostname` with the network mode awsvpc
    containers.app.extraHosts [network-mode] there is no `extraHosts` with the network mode awsvpc
    containers.app.portMappings.80/tcp.hostPort [host-port] with the network mode awsvpc, `hostPort` (81) must be the containerPort (80)
    containers.b.portMappings.80/tcp [port-twice] port 80/tcp of the host is that of container `app`, too
    ");
    assert_eq!(
        wrong(on_ec2(both.clone()), json!({"memory": 5, "links": ["b"]})),
        ""
    );
    let mut host = both;
    host["containerDefinitions"][1]["portMappings"][0]["hostPort"] = 81.into();
    insta::assert_snapshot!(wrong(on_ec2(host), json!({})), @"containers.b.portMappings.80/tcp [port-twice] port 81/tcp of the host is that of container `app`, too");
    insta::assert_snapshot!(wrong(on_ec2(json!({"networkMode": "none"})), json!({"portMappings": [{"containerPort": 1}]})), @"containers.app.portMappings [network-mode] there is no `portMappings` with the network mode none");
    insta::assert_snapshot!(app(json!({"portMappings": [{"containerPort": 1, "containerPortRange": "1-2"}, {"containerPortRange": "5-4"}, {"name": "x"}]})), @r#"
    containers.app.portMappings.1/1-2/tcp [port] a port mapping has `containerPort` or `containerPortRange`, not both
    containers.app.portMappings.5-4/tcp.containerPortRange [port] `containerPortRange` is two ports from 1 to 65535, the lower first, not "5-4"
    containers.app.portMappings [port] a port mapping has neither `containerPort` nor `containerPortRange`
    "#);
    // The mode may be another one live.
    assert_eq!(
        part(
            json!({"containerDefinitions": [{"name": "a", "hostname": "h", "portMappings": [{"containerPort": 1, "hostPort": 2}]}]})
        ),
        ""
    );
}

#[test]
fn dependencies() {
    let three = |a: Value, b: Value, c: Value| {
        let container = |name: &str, fields: Value| {
            let mut container = map(json!({"name": name, "image": "i"}));
            container.extend(map(fields));
            Value::from(container)
        };
        json!({"containerDefinitions": [container("a", a), container("b", b), container("c", c)]})
    };
    let on = |name: &str, condition: &str| json!({"dependsOn": [{"containerName": name, "condition": condition}]});
    let document = three(on("b", "START"), on("c", "START"), on("a", "START"));
    insta::assert_snapshot!(wrong(document.clone(), json!({})), @"containers.a.dependsOn [depends-on-cycle] containers wait for each other: a → b → c → a");
    assert_ne!(part(document), "");
    let document = three(on("b", "HEALTHY"), json!({}), on("x", "START"));
    insta::assert_snapshot!(wrong(document.clone(), json!({})), @"
    containers.a.dependsOn.b [condition] `b` has no `healthCheck`, so it is never HEALTHY
    containers.c.dependsOn.x [depends-on] `c` depends on `x`, which is not there
    ");
    assert_eq!(part(document), "");
    insta::assert_snapshot!(wrong(three(on("b", "SUCCESS"), json!({}), on("c", "START")), json!({})), @"
    containers.a.dependsOn.b [condition] `b` is essential, so its end is that of the task, not SUCCESS
    containers.c.dependsOn.c [depends-on] container `c` depends on itself
    ");
    let right = three(
        on("b", "SUCCESS"),
        json!({"essential": false}),
        on("a", "START"),
    );
    assert_eq!(wrong(right, json!({})), "");
    let healthy = three(
        on("b", "HEALTHY"),
        json!({"healthCheck": {"command": ["CMD"]}}),
        on("b", "START"),
    );
    assert_eq!(wrong(healthy, json!({})), "");
}

#[test]
fn essential_volumes_variables_logs_and_tags() {
    insta::assert_snapshot!(app(json!({
        "essential": false,
        "mountPoints": [{"sourceVolume": "data", "containerPath": "/data"}],
        "volumesFrom": [{"sourceContainer": "gone"}],
        "environment": [{"name": "A", "value": "1"}],
        "secrets": [{"name": "A", "valueFrom": "arn"}, {"name": "B", "valueFrom": "arn"}, {"name": "B", "valueFrom": "arn"}],
        "logConfiguration": {"logDriver": "awslogs", "options": {"awslogs-group": "g"}},
    })), @"
    containers [essential] at least one container must be essential
    containers.app.secrets.A [variable-twice] `A` is in `environment` and in `secrets`
    containers.app.secrets.B [variable-twice] `B` is in `secrets` twice
    containers.app.mountPoints./data [volume] `app` mounts `data`, which is no volume
    containers.app.volumesFrom.gone [volume] `volumesFrom` names `gone`, which is no container
    containers.app.logConfiguration.options [log-options] the log driver awslogs needs `awslogs-region`, `awslogs-stream-prefix`
    ");
    insta::assert_snapshot!(wrong(json!({
        "volumes": [
            {"name": "a", "efsVolumeConfiguration": {"fileSystemId": "f", "rootDirectory": "/a", "authorizationConfig": {"accessPointId": "p"}}},
            {"name": "b", "efsVolumeConfiguration": {"fileSystemId": "f", "transitEncryption": "DISABLED", "authorizationConfig": {"iam": "ENABLED"}}},
            {"name": "c", "efsVolumeConfiguration": {"fileSystemId": "f"}},
        ],
        "tags": [{"key": "aws:x", "value": ""}, {"key": "k".repeat(129), "value": "v"}, {"key": "a", "value": "v".repeat(257)}, {"key": "a"}],
    }), json!({})), @"
    task.tags.aws:x [tag] the tag `aws:x`: what begins with aws: is AWS's own
    task.tags.kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk [tag] a tag's key has at most 128 characters
    task.tags.a [tag] the tag `a`: a value has at most 256 characters
    task.tags.a [tag] the tag `a` is there twice
    task.volumes.a.efsVolumeConfiguration.transitEncryption [efs] an access point of EFS needs `transitEncryption`
    task.volumes.a.efsVolumeConfiguration.rootDirectory [efs] with an access point of EFS, `rootDirectory` is that of the access point
    task.volumes.b.efsVolumeConfiguration.transitEncryption [efs] authorization by IAM of EFS needs `transitEncryption`
    ");
    let many: Vec<Value> = (0..51).map(|n| json!({"key": n.to_string()})).collect();
    insta::assert_snapshot!(wrong(json!({"tags": many}), json!({})), @"task.tags [count] there can be at most 50 tags, not 51");
}

#[test]
fn services() {
    let wrong = |fields: Value, known| said(&service(&map(fields), known));
    insta::assert_snapshot!(wrong(json!({
        "desiredCount": -1,
        "deploymentConfiguration": {"minimumHealthyPercent": 100, "maximumPercent": 100, "canaryConfiguration": {"canaryPercent": 0.01}},
        "networkConfiguration": {"awsvpcConfiguration": {"subnets": vec!["s"; 17], "securityGroups": vec!["s"; 6]}},
        "capacityProviderStrategy": [{"capacityProvider": "a", "base": 1, "weight": 1001}, {"capacityProvider": "b", "base": 1}],
        "loadBalancers": [{"targetGroupArn": "a", "loadBalancerName": "b", "containerName": "app", "containerPort": 80}],
        "tags": [{"key": "AWS:x"}],
    }), Known::Part), @"
    service.desiredCount [range] `desiredCount` must be at least 0, not -1
    service.deploymentConfiguration.canaryConfiguration.canaryPercent [range] `canaryPercent` must be between 0.1 and 100, not 0.01
    service.networkConfiguration.awsvpcConfiguration.subnets [count] there can be at most 16 `subnets`, not 17
    service.networkConfiguration.awsvpcConfiguration.securityGroups [count] there can be at most 5 `securityGroups`, not 6
    service.capacityProviderStrategy.a [range] `weight` must be between 0 and 1000, not 1001
    service.tags.AWS:x [tag] the tag `AWS:x`: what begins with aws: is AWS's own
    service.deploymentConfiguration.maximumPercent [percents] with a minimum and a maximum of 100 percent nothing can be deployed
    service.capacityProviderStrategy [capacity] only one capacity provider can have a `base`
    service.loadBalancers.a/b/app/80 [load-balancer] a load balancer has `targetGroupArn` or `loadBalancerName`, not both
    ");
    let zero =
        json!({"capacityProviderStrategy": [{"capacityProvider": "a"}, {"capacityProvider": "b"}]});
    assert_eq!(wrong(zero.clone(), Known::Part), "");
    assert_ne!(wrong(zero, Known::Whole), "");
    let fields = map(json!({
        "loadBalancers": [
            {"targetGroupArn": "t", "containerName": "app", "containerPort": 80},
            {"targetGroupArn": "t", "containerName": "app", "containerPort": 81},
            {"targetGroupArn": "t", "containerName": "gone", "containerPort": 80},
        ],
        "volumeConfigurations": [{"name": "data"}],
        "serviceConnectConfiguration": {"enabled": true, "services": [{"portName": "http"}, {"portName": "grpc"}]},
    }));
    let document = task(
        json!({}),
        json!({"portMappings": [{"containerPort": 80, "name": "http"}]}),
    );
    insta::assert_snapshot!(said(&together(&document, &fields)), @"
    service.loadBalancers.t/app/81 [load-balancer] container `app` does not map port 81 of a load balancer
    service.loadBalancers.t/gone/80 [load-balancer] a load balancer names container `gone`, which is not there
    service.volumeConfigurations.data [service-volume] the task definition has no volume `data`
    service.serviceConnectConfiguration.services.grpc [port-name] no port of the task definition is called `grpc`
    ");
}

/// Documents that DescribeTaskDefinition has answered were taken by ECS; only
/// what their scrubbing has made of images and names is passed over.
#[test]
fn nothing_that_ecs_has_taken_is_refused() {
    let index = std::fs::read_to_string("tests/corpus/index.tsv").unwrap();
    let mut found = Vec::new();
    let mut count = 0;
    for line in index.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        if columns[1] != "yes" {
            continue;
        }
        count += 1;
        let path = format!("tests/corpus/task-definitions/{}.json", columns[0]);
        let bytes = std::fs::read(path).unwrap();
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes);
        let mut document: Map<String, Value> = serde_json::from_slice(bytes).unwrap();
        if let Some(Value::Object(inner)) = document.shift_remove("taskDefinition") {
            document = inner;
        }
        document.retain(|key, _| !super::super::RESPONSE_ONLY.contains(&key.as_str()));
        for violation in task_definition(&document, Known::Whole) {
            let last = violation.path.to_string();
            if !last.ends_with(".image") {
                found.push(format!(
                    "{} {last} [{}] {}",
                    columns[0], violation.rule, violation.says
                ));
            }
        }
    }
    assert_eq!(count, 119);
    insta::assert_snapshot!(found.join("\n"), @r#"
    162 containers [essential] at least one container must be essential
    289 containers.app-1.logConfiguration.options [log-options] the log driver awslogs needs `awslogs-group`, `awslogs-region`, `awslogs-stream-prefix`
    290 containers."".name [name] `name` is not valid: the name is empty
    290 containers."".name [required] a container has no `name`
    290 containers."".logConfiguration.options [log-options] the log driver awslogs needs `awslogs-group`, `awslogs-region`, `awslogs-stream-prefix`
    324 containers.app-1.memory [memory] container `app-1` has no `memory` and no `memoryReservation`, and the task has no `memory`
    "#);
}
