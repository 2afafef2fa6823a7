//! Wrong files: the schema refuses each, and so does the parser. And right ones
//! beside them, so that it is the mistake that is refused.

use crate::judge::{Judge, parser_refuses, parser_will_refuse};

const TOP: &str = "account = \"123456789012\"\nregion = \"us-west-1\"\ncluster = \"shop\"\n";
const WEB: &str = "[services.web]\nimage = \"shop/web:1\"\n";
const APP: &str = "[services.web.containers.app]\nimage = \"shop/web:1\"\n";

/// Lines below a service with an image.
fn web(lines: &str) -> String {
    format!("{TOP}{WEB}{lines}\n")
}

/// Lines below a container with an image.
fn app(lines: &str) -> String {
    format!("{TOP}{APP}{lines}\n")
}

/// Lines at the top of the file.
fn top(lines: &str) -> String {
    format!("{TOP}{lines}\n{WEB}")
}

/// Where lines go, and lines: each makes a file.
type Lines<'a> = (fn(&str) -> String, &'a [&'a str]);

fn files(lines: &[Lines<'_>]) -> Vec<String> {
    lines
        .iter()
        .flat_map(|(place, lines)| lines.iter().map(|line| place(line)))
        .collect()
}

#[test]
fn both_refuse_what_is_wrong() {
    let mut wrong = files(&[
        (
            top,
            &[
                "regoin = \"us-west-1\"",
                "provenance = \"yes\"",
                "role = \"evenkeel\"",
                "role = \"arn:aws:iam::123456789012:user/evenkeel\"",
                "image = \"shop/web:1\"",
                "desiredCount = 4",
                "rollout = \"15m\"",
                "[rollout]\ntimeout = 15",
                "[rollout]\non-failure = \"rolback\"",
                "[rollout]\non_failure = \"stop\"",
                "[rollout]\nbefore = []",
                "allow-unknown-fields = \"yes\"",
                "drift = \"ignore\"",
                "drift = true",
                "suspend = true",
                "suspend = { because = \"a freeze\" }",
                "suspend = { reason = \"a freeze\", until = \"soon\" }",
                "suspend = { reason = \"a freeze\", until = 12 }",
                "promotion = \"staging\"",
                "promotion = { form = \"staging\" }",
                "promotion = { from = \"staging\", soak = 30 }",
                "promotion = { from = \"staging\", services = \"web\" }",
            ],
        ),
        (
            web,
            &[
                "desiredCount = 4",
                "cluster = \"arn:aws:ecs:us-west-1:123456789012:cluster/shop\"",
                "name = \"shop web\"",
                "name = 1",
                "account = \"123456789012\"",
                "containers = { app = { image = \"shop/web:1\" } }",
                "rollout = { timout = \"15m\" }",
                "rollout = { before = \"npm run migrate\" }",
                "rollout = { before = [\"npm\"] }",
                "rollout = { before = [{ container = \"app\" }] }",
                "rollout = { before = [{ container = \"\", command = [\"x\"] }] }",
                "rollout = { before = [{ container = \"app\", command = [] }] }",
                "rollout = { before = [{ container = \"app\", command = \"x\" }] }",
                "rollout = { before = [{ container = \"app\", command = [1] }] }",
                "rollout = { before = [{ container = \"app\", command = [\"x\"], timeout = \"1m\" }] }",
                "task = { cpu = 512 }",
                "task = { cpu = \"half\" }",
                "task = { memory = \"1 vCPU\" }",
                "task = { image = \"shop/web:1\" }",
                "task = { networkMode = \"vpc\" }",
                "task = { containerDefinitions = [] }",
                "task = { volumes = [\"data\"] }",
                "task = { volumes = [{ host = {} }] }",
                "task = { tags = { team = 1 } }",
                "task = { runtimePlatform = \"ARM64\" }",
                "service = { desiredCount = \"4\" }",
                "service = { desiredCount = 1.5 }",
                "service = { desiredCuont = 4 }",
                "service = { cluster = \"shop\" }",
                "service = { taskDefinition = \"web:1\" }",
                "service = { capacityProviderStrategy = { FARGATE = \"1\" } }",
                "service = { loadBalancers = { web = { containerPort = 80 } } }",
                "service = { networkConfiguration = { subnets = [\"subnet-1\"] } }",
                "remove = \"containers.sidecar\"",
                "remove = [\"sidecar\"]",
                "remove = [1]",
                "definition = 1",
                "definition = \"\"",
                "allow-unknown-fields = 1",
                "drift = \"repot\"",
                "suspend = \"a freeze\"",
                "promotion = { from = \"staging\" }",
            ],
        ),
        (
            app,
            &[
                "name = \"app\"",
                "enviroment = { A = \"x\" }",
                "environment = { DEBUG = false }",
                "environment = { A = { valueFrom = \"x\" } }",
                "environment = { A = { name = \"A\", value = \"x\" } }",
                "environment = [\"A=x\"]",
                "environment = [{ name = \"A\", value = 1 }]",
                "environment = \"A=x\"",
                "secrets = { A = 1 }",
                "secrets = [{ name = \"A\" }]",
                "command = \"npm start\"",
                "command = [1]",
                "command = { a = \"b\" }",
                "cpu = \"512\"",
                "essential = \"true\"",
                "portMappings = { http = {} }",
                "portMappings = { 8080 = { containerPort = 8080 } }",
                "portMappings = { \"8080/sctp\" = {} }",
                "portMappings = { 8080 = 80 }",
                "portMappings = [8080]",
                "dependsOn = { sidecar = \"READY\" }",
                "dependsOn = { sidecar = { condition = \"READY\" } }",
                "dependsOn = [{ containerName = \"sidecar\" }]",
                "dependsOn = [\"sidecar\"]",
                "ulimits = { nofiles = { softLimit = 1, hardLimit = 1 } }",
                "ulimits = [{ name = \"nofile\", softLimit = 1 }]",
                "healthCheck = { intervall = 5 }",
                "healthCheck = { interval = \"5\" }",
                "healthCheck = [\"CMD\", \"true\"]",
                "logConfiguration = { logDriver = \"cloudwatch\" }",
                "logConfiguration = { options = { \"max-size\" = 10 } }",
                "linuxParameters = { tmpfs = { \"/tmp\" = \"64\" } }",
                "dockerLabels = { a = 1 }",
                "rollout = { timeout = \"15m\" }",
            ],
        ),
    ]);
    let whole = format!("{TOP}{WEB}");
    for (right, instead) in [
        ("account = \"123456789012\"\n", ""),
        ("region = \"us-west-1\"\n", ""),
        ("cluster = \"shop\"\n", ""),
        ("image = \"shop/web:1\"\n", ""),
        (WEB, ""),
        (WEB, "services = {}\n"),
        (WEB, "[[services]]\nimage = \"shop/web:1\"\n"),
        (WEB, "[services]\nweb = \"shop/web:1\"\n"),
        (WEB, "[services.web.containers]\n"),
        (WEB, "[services.web.containers.app]\nimage = 1\n"),
        (WEB, "[services.web.containers]\napp = \"shop/web:1\"\n"),
    ] {
        assert!(whole.contains(right), "{right}");
        wrong.push(whole.replace(right, instead));
    }
    let judge = Judge::new();
    for file in wrong {
        assert!(judge.refuses_text(&file).is_some(), "the schema:\n{file}");
        assert!(parser_refuses(&file).is_some(), "the parser:\n{file}");
    }
}

#[test]
fn both_take_what_is_right() {
    let right = files(&[
        (
            top,
            &[
                "",
                "role = \"arn:aws:iam::123456789012:role/ci/evenkeel\"",
                "provenance = false",
                "[rollout]\ntimeout = \"1h30m\"\non-failure = \"stop\"",
                "allow-unknown-fields = true",
                "drift = \"report\"",
                "suspend = { reason = \"a freeze\", until = 2026-12-01 }",
                "suspend = { reason = \"a freeze\", until = 2026-12-01T08:00:00Z }",
                "promotion = { from = \"staging\", soak = \"30m\", services = [\"web\"] }",
            ],
        ),
        (
            web,
            &[
                "name = \"shop-web\"\ncluster = \"other\"",
                "[services.web.rollout]\nbefore = [{ container = \"app\", command = [\"npm\", \"run\"] }]",
                "task = { cpu = \".5 vCPU\", memory = \"1 GB\", tags = { team = \"shop\" } }",
                "task = { volumes = { data = { efsVolumeConfiguration = { fileSystemId = \"fs-1\" } } } }",
                "task = { runtimePlatform = { cpuArchitecture = \"ARM64\" } }",
                "service = { desiredCount = 4, capacityProviderStrategy = { FARGATE = 1 } }",
                "service = { capacityProviderStrategy = { FARGATE = { weight = 1, base = 1 } } }",
                "service = { networkConfiguration = { awsvpcConfiguration = { assignPublicIp = \"DISABLED\" } } }",
                "service = { deploymentConfiguration = { deploymentCircuitBreaker = { rollback = true } } }",
                "remove = [\"containers.app.environment.OLD\", \"containers.sidecar\", \"task.volumes.data\"]",
                "definition = \"../task-definition.json\"",
                "drift = \"correct\"\nsuspend = { reason = \"a freeze\" }\nallow-unknown-fields = false",
            ],
        ),
        (
            app,
            &[
                "environment = { LOG_LEVEL = \"info\", EMPTY = \"\" }",
                "environment = { LOG_LEVEL = { value = \"info\" } }",
                "environment = [{ name = \"LOG_LEVEL\", value = \"info\" }]",
                "environment = []",
                "secrets = { URL = \"arn:aws:ssm:us-west-1:123456789012:parameter/shop/db\" }",
                "portMappings = { 8080 = { name = \"http\", appProtocol = \"http2\" }, \"53/udp\" = {} }",
                "portMappings = { \"8000-8010/tcp\" = {} }",
                "portMappings = [{ containerPort = 8080, protocol = \"udp\" }]",
                "dependsOn = { sidecar = \"HEALTHY\", init = { condition = \"SUCCESS\" } }",
                "mountPoints = { \"/data\" = { sourceVolume = \"data\", readOnly = true }, \"/tmp\" = \"tmp\" }",
                "ulimits = { nofile = { softLimit = 1024 } }",
                "healthCheck = { interval = 5 }",
                "logConfiguration = { options = { \"awslogs-group\" = \"/ecs/web\" } }",
                "linuxParameters = { tmpfs = { \"/tmp\" = 64 }, capabilities = { drop = [\"ALL\"] } }",
                "command = [\"npm\", \"start\"]\ncpu = 256\nessential = true",
            ],
        ),
    ]);
    let judge = Judge::new();
    for file in right {
        assert_eq!(judge.refuses_text(&file), None, "{file}");
        assert_eq!(parser_will_refuse(&file), None, "{file}");
    }
}
