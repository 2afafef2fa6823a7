//! AWS's fields, right and wrong.

use super::*;

#[test]
fn tables_become_one_assignment_a_value() {
    insta::assert_snapshot!(assignments(r#"[services.api]
image = "a:1"
[services.api.task]
cpu = ".5 vCPU"
memory = "1 GB"
tags.team = "web"
volumes.data.efsVolumeConfiguration.fileSystemId = "fs-1"
runtimePlatform = { cpuArchitecture = "ARM64" }
[services.api.service]
desiredCount = 4
capacityProviderStrategy = { FARGATE_SPOT = 3, FARGATE = { base = 1 } }
deploymentConfiguration.canaryConfiguration.canaryPercent = 5
[[services.api.service.loadBalancers]]
targetGroupArn = "arn:tg"
containerName = "app"
containerPort = 0x1F90
"#), @r#"
    task.cpu = ".5 vCPU"
    task.memory = "1 GB"
    task.tags.team = "web"
    task.volumes.data.efsVolumeConfiguration.fileSystemId = "fs-1"
    task.runtimePlatform.cpuArchitecture = "ARM64"
    service.desiredCount = 4
    service.capacityProviderStrategy.FARGATE_SPOT = 3
    service.capacityProviderStrategy.FARGATE.base = 1
    service.deploymentConfiguration.canaryConfiguration.canaryPercent = 5
    service.loadBalancers = [{"targetGroupArn":"arn:tg","containerName":"app","containerPort":8080}]
    "#);
    insta::assert_snapshot!(assignments(r#"[services.api.containers.app]
image = "a:1"
cpu = 256
command = ["npm", "start"]
environment = { LOG_LEVEL = "info", "a.b" = { value = "" } }
secrets.DATABASE_URL = "arn:aws:ssm:us-west-1:123456789012:parameter/wage/db"
dependsOn = { db = "HEALTHY" }
mountPoints = { "/data" = "data", "/cache" = {} }
dockerLabels."traefik.enable" = "true"
portMappings.8080.appProtocol = "http2"
portMappings."53/udp" = {}
portMappings.8000-8010 = { name = "range" }
extraHosts = []
ulimits.nofile = { softLimit = 1024, hardLimit = -1 }
linuxParameters = {}
[services.api.containers.app.logConfiguration]
logDriver = "awslogs"
options = { awslogs-group = "/wage" }
[services.api.containers.sidecar]
essential = false
environmentFiles = [{ type = "s3", value = "arn:aws:s3:::b/f.env" }]
"#), @r#"
    containers.app.cpu = 256
    containers.app.command = ["npm","start"]
    containers.app.environment.LOG_LEVEL = "info"
    containers.app.environment."a.b" = ""
    containers.app.secrets.DATABASE_URL = "arn:aws:ssm:us-west-1:123456789012:parameter/wage/db"
    containers.app.dependsOn.db = "HEALTHY"
    containers.app.mountPoints./data = "data"
    containers.app.mountPoints./cache = {}
    containers.app.dockerLabels."traefik.enable" = "true"
    containers.app.portMappings.8080/tcp.appProtocol = "http2"
    containers.app.portMappings.53/udp = {}
    containers.app.portMappings.8000-8010/tcp.name = "range"
    containers.app.extraHosts = []
    containers.app.ulimits.nofile.softLimit = 1024
    containers.app.ulimits.nofile.hardLimit = -1
    containers.app.linuxParameters = {}
    containers.app.logConfiguration.logDriver = "awslogs"
    containers.app.logConfiguration.options.awslogs-group = "/wage"
    containers.sidecar.essential = false
    containers.sidecar.environmentFiles = [{"type":"s3","value":"arn:aws:s3:::b/f.env"}]
    "#);
}

#[test]
fn a_container_may_be_declared_without_its_image() {
    let service = service("[services.api.containers.app]\nuser = \"node\"\n");
    assert!(service.images.is_empty());
    let [user] = &service.assignments[..] else {
        panic!("{:?}", service.assignments)
    };
    assert_eq!(user.path.to_string(), "containers.app.user");
    assert_eq!(user.at.to_string(), "prod.toml:6:1");
    assert_eq!(
        assignments("[services.api.service]\ndesiredCount = 0\n"),
        "service.desiredCount = 0"
    );
}

#[test]
fn values_have_awss_types() {
    insta::assert_snapshot!(wrong_services(r#"[services.api.containers.app]
cpu = "256"
memory = "1 GB"
stopTimeout = 30.0
essential = "true"
environment = { DEBUG = false, PORT = 8080, RATIO = 0.5 }
command = "npm start"
dockerLabels = ["a=b"]
healthCheck = ["CMD", "true"]
ulimits = { nofile = 1024 }
[services.api.task]
cpu = 512
memory = "1024MB"
requiresCompatibilities = "FARGATE"
"#), @r#"
    error: `cpu` must be a whole number, not a string
     --> prod.toml:6:7
      |
    6 | cpu = "256"
      |       ^^^^^
      |
      = hint: write 256, without quotes (a container's size is a number, a task's a
              string)

    error: `memory` must be a whole number, not a string
     --> prod.toml:7:10
      |
    7 | memory = "1 GB"
      |          ^^^^^^
      |
      = hint: write 1024, without quotes (a container's size is a number, a task's
              a string)

    error: `stopTimeout` must be a whole number
     --> prod.toml:8:15
      |
    8 | stopTimeout = 30.0
      |               ^^^^
      |
      = hint: write 30

    error: `essential` must be true or false, not a string
     --> prod.toml:9:13
      |
    9 | essential = "true"
      |             ^^^^^^
      |
      = hint: write true, without quotes

    error: `DEBUG` must be a string, not true or false
      --> prod.toml:10:25
       |
    10 | environment = { DEBUG = false, PORT = 8080, RATIO = 0.5 }
       |                         ^^^^^
       |
       = hint: write "false"

    error: `PORT` must be a string, not a number
      --> prod.toml:10:39
       |
    10 | environment = { DEBUG = false, PORT = 8080, RATIO = 0.5 }
       |                                       ^^^^
       |
       = hint: write "8080"

    error: `RATIO` must be a string, not a number
      --> prod.toml:10:53
       |
    10 | environment = { DEBUG = false, PORT = 8080, RATIO = 0.5 }
       |                                                     ^^^
       |
       = hint: write "0.5"

    error: `command` must be a list, not a string
      --> prod.toml:11:11
       |
    11 | command = "npm start"
       |           ^^^^^^^^^^^
       |
       = hint: write command = ["npm", "start"]

    error: `dockerLabels` must be a table, not a list
      --> prod.toml:12:16
       |
    12 | dockerLabels = ["a=b"]
       |                ^^^^^^^
       |
       = hint: write dockerLabels = { NAME = "…" }

    error: `healthCheck` must be a table, not a list
      --> prod.toml:13:15
       |
    13 | healthCheck = ["CMD", "true"]
       |               ^^^^^^^^^^^^^^^
       |
       = hint: write it as [services.api.containers.app.healthCheck]

    error: `nofile` must be a table, not a number
      --> prod.toml:14:22
       |
    14 | ulimits = { nofile = 1024 }
       |                      ^^^^
       |
       = hint: write nofile = { softLimit = … }

    error: `cpu` must be a string, not a number
      --> prod.toml:16:7
       |
    16 | cpu = 512
       |       ^^^
       |
       = hint: write "512" (a task's size is a string, a container's a number)

    error: invalid `memory`: this is no size
      --> prod.toml:17:10
       |
    17 | memory = "1024MB"
       |          ^^^^^^^^
       |
       = hint: write "1024"

    error: `requiresCompatibilities` must be a list, not a string
      --> prod.toml:18:27
       |
    18 | requiresCompatibilities = "FARGATE"
       |                           ^^^^^^^^^
       |
       = hint: write requiresCompatibilities = ["FARGATE"]
    "#);
    insta::assert_snapshot!(wrong_services(r#"[services.api.containers.app]
environment = ["A=1"]
secrets = [{ name = "A" }, { name = "B", valueFrom = "x", valuefrom = "y" }]
portMappings = { http = {}, 80 = {}, "80/tcp" = {} }
entryPoint = { a = "b" }
logConfiguration.logDriver = "awslog"
dockerLabels = {}
mountPoints."/data".containerPath = "/data"
startTimeout = 99999999999999999999
user = 2024-01-01
[services.api.service]
loadBalancers = { web = {} }
networkConfiguration.awsvpcConfiguration.subnets = { a = "b" }
"#), @r#"
    error: `environment` must be a list of tables
     --> prod.toml:6:16
      |
    6 | environment = ["A=1"]
      |                ^^^^^
      |
      = hint: write it as a table: environment = { NAME = "…" }

    error: `valueFrom` is missing
     --> prod.toml:7:12
      |
    7 | secrets = [{ name = "A" }, { name = "B", valueFrom = "x", valuefrom = "y" }]
      |            ^^^^^^^^^^^^^^
      |
      = hint: AWS requires it: add valueFrom = …

    error: unknown key `valuefrom`
     --> prod.toml:7:59
      |
    7 | secrets = [{ name = "A" }, { name = "B", valueFrom = "x", valuefrom = "y" }]
      |                                                           ^^^^^^^^^
      |
      = hint: did you mean `valueFrom`?

    error: invalid key `http` in `portMappings`
     --> prod.toml:8:18
      |
    8 | portMappings = { http = {}, 80 = {}, "80/tcp" = {} }
      |                  ^^^^
      |
      = hint: this is no port: write it as 8080, "8080/udp" or "8000-8010"

    error: `80/tcp` is declared twice
     --> prod.toml:8:38
      |
    8 | portMappings = { http = {}, 80 = {}, "80/tcp" = {} }
      |                             --       ^^^^^^^^
      |                             |
      |                             first here
      |
      = hint: keep one of them

    error: `entryPoint` must be a list, not a table
     --> prod.toml:9:14
      |
    9 | entryPoint = { a = "b" }
      |              ^^^^^^^^^^^
      |
      = hint: write entryPoint = ["…"]

    error: invalid `logDriver`: AWS has no such word
      --> prod.toml:10:30
       |
    10 | logConfiguration.logDriver = "awslog"
       |                              ^^^^^^^^
       |
       = hint: did you mean "awslogs"?

    error: `dockerLabels` declares nothing
      --> prod.toml:11:1
       |
    11 | dockerLabels = {}
       | ^^^^^^^^^^^^
       |
       = hint: take it out; `remove` takes single names away

    error: `containerPath` does not belong here
      --> prod.toml:12:21
       |
    12 | mountPoints."/data".containerPath = "/data"
       |                     ^^^^^^^^^^^^^
       |
       = hint: the key says it: `/data`

    error: invalid `startTimeout`: the number is too large
      --> prod.toml:13:16
       |
    13 | startTimeout = 99999999999999999999
       |                ^^^^^^^^^^^^^^^^^^^^

    error: `user` must be a string, not a date or time
      --> prod.toml:14:8
       |
    14 | user = 2024-01-01
       |        ^^^^^^^^^^
       |
       = hint: write "2024-01-01"

    error: `loadBalancers` must be a list, not a table
      --> prod.toml:16:17
       |
    16 | loadBalancers = { web = {} }
       |                 ^^^^^^^^^^^^
       |
       = hint: write [[services.api.service.loadBalancers]] for each, in double
               brackets

    error: `subnets` must be a list, not a table
      --> prod.toml:17:52
       |
    17 | networkConfiguration.awsvpcConfiguration.subnets = { a = "b" }
       |                                                    ^^^^^^^^^^^
       |
       = hint: write subnets = ["…"]
    "#);
}

#[test]
fn fields_are_looked_up_in_the_table() {
    insta::assert_snapshot!(wrong_services(r#"[services.api]
desiredCount = 4
cpu = "512"
[services.api.containers.app]
enviroment = { A = "1" }
networkMode = "awsvpc"
cluster = "c"
[services.api.containers.app.healthCheck]
comand = ["CMD", "true"]
image = "a:1"
colour = "red"
[services.api.task]
containerDefinitions = []
revision = 4
desiredCount = 4
[services.api.service]
taskDefinition = "x"
forceNewDeployment = true
launchType = "FARGATE"
"#), @r#"
    error: `desiredCount` does not belong here
     --> prod.toml:6:1
      |
    6 | desiredCount = 4
      | ^^^^^^^^^^^^
      |
      = hint: write it under [services.NAME.service]

    error: `cpu` does not belong here
     --> prod.toml:7:1
      |
    7 | cpu = "512"
      | ^^^
      |
      = hint: write it under [services.NAME.containers.CONTAINER] or
              [services.NAME.task]

    error: unknown key `enviroment`
     --> prod.toml:9:1
      |
    9 | enviroment = { A = "1" }
      | ^^^^^^^^^^
      |
      = hint: did you mean `environment`?

    error: `networkMode` does not belong here
      --> prod.toml:10:1
       |
    10 | networkMode = "awsvpc"
       | ^^^^^^^^^^^
       |
       = hint: write it under [services.NAME.task]

    error: `cluster` does not belong here
      --> prod.toml:11:1
       |
    11 | cluster = "c"
       | ^^^^^^^
       |
       = hint: write it under [services.NAME]

    error: unknown key `comand`
      --> prod.toml:13:1
       |
    13 | comand = ["CMD", "true"]
       | ^^^^^^
       |
       = hint: did you mean `command`?

    error: `image` does not belong here
      --> prod.toml:14:1
       |
    14 | image = "a:1"
       | ^^^^^
       |
       = hint: write it under [services.NAME.containers.CONTAINER]

    error: unknown key `colour`
      --> prod.toml:15:1
       |
    15 | colour = "red"
       | ^^^^^^
       |
       = hint: the keys here: `command`, `interval`, `timeout`, `retries`,
               `startPeriod`

    error: `containerDefinitions` cannot be declared here
      --> prod.toml:17:1
       |
    17 | containerDefinitions = []
       | ^^^^^^^^^^^^^^^^^^^^
       |
       = hint: write [services.NAME.containers.CONTAINER] for each

    error: `revision` cannot be declared here
      --> prod.toml:18:1
       |
    18 | revision = 4
       | ^^^^^^^^
       |
       = hint: ECS gives it to each revision; take it out

    error: `desiredCount` does not belong here
      --> prod.toml:19:1
       |
    19 | desiredCount = 4
       | ^^^^^^^^^^^^
       |
       = hint: write it under [services.NAME.service]

    error: `taskDefinition` cannot be declared here
      --> prod.toml:21:1
       |
    21 | taskDefinition = "x"
       | ^^^^^^^^^^^^^^
       |
       = hint: evenkeel registers the revision; declare its fields under
               `containers` and `task`

    error: `forceNewDeployment` cannot be declared here
      --> prod.toml:22:1
       |
    22 | forceNewDeployment = true
       | ^^^^^^^^^^^^^^^^^^
       |
       = hint: use `evenkeel apply --force-new-deployment`

    error: `launchType` cannot be declared here
      --> prod.toml:23:1
       |
    23 | launchType = "FARGATE"
       | ^^^^^^^^^^
       |
       = hint: it is chosen when the service is created; declare
               `capacityProviderStrategy` to change it
    "#);
}

#[test]
fn unknown_fields_and_words_pass_where_they_are_allowed() {
    let fields = r#"[services.api]
allow-unknown-fields = true
[services.api.containers.app]
someday = { a = [1, 2.5, true, "x"], b = {} }
portMappings.80.appProtocol = "http3"
[services.api.task]
networkMode = "quantum"
"#;
    insta::assert_snapshot!(assignments(fields), @r#"
    containers.app.someday = {"a":[1,2.5,true,"x"],"b":{}}
    containers.app.portMappings.80/tcp.appProtocol = "http3"
    task.networkMode = "quantum"
    "#);
    insta::assert_snapshot!(wrong_services(&format!("{fields}forceNewDeployment = 1\nwhen = 2024-01-01\n[services.api.service]\nforceNewDeployment = true\nratio = nan\n")), @"
    error: AWS's fields have no dates
      --> prod.toml:13:8
       |
    13 | when = 2024-01-01
       |        ^^^^^^^^^^
       |
       = hint: write it in quotes

    error: `forceNewDeployment` cannot be declared here
      --> prod.toml:15:1
       |
    15 | forceNewDeployment = true
       | ^^^^^^^^^^^^^^^^^^
       |
       = hint: use `evenkeel apply --force-new-deployment`

    error: invalid `ratio`: JSON has no such number
      --> prod.toml:16:9
       |
    16 | ratio = nan
       |         ^^^
    ");
    let top =
        "allow-unknown-fields = true\naccount='123456789012'\nregion='us-west-1'\ncluster='c'\n";
    let both = "[services.a.task]\nx = 1\n[services.b]\nallow-unknown-fields = false\n[services.b.task]\nx = 1\n";
    let mistakes = parse("f", "f", &format!("{top}{both}")).unwrap_err();
    assert_eq!(mistakes.count(), 1);
    assert_eq!(mistakes.iter().next().unwrap().0.to_string(), "f:10:1");
    assert_eq!(
        wrong_services("[services.a]\nallow-unknown-fields = 1\n[services.a.task]\nx = 1\n")
            .matches("error:")
            .count(),
        1
    );
}

#[test]
fn a_service_that_declares_nothing_is_a_mistake() {
    insta::assert_snapshot!(wrong_services(r#"[services.api.task]
[services.web.service]
[services.job]
task = 1
"#), @"
    error: `task` declares nothing
     --> prod.toml:5:15
      |
    5 | [services.api.task]
      |               ^^^^
      |
      = hint: take it out, or declare a field

    error: `service` declares nothing
     --> prod.toml:6:15
      |
    6 | [services.web.service]
      |               ^^^^^^^
      |
      = hint: take it out, or declare a field

    error: `task` must be a table, not a number
     --> prod.toml:8:8
      |
    8 | task = 1
      |        ^
      |
      = hint: write it as [services.job.task]
    ");
}

#[test]
fn secrets_do_not_belong_in_the_environment() {
    let shown = wrong_services(
        r#"[services.api.containers.app]
environment = { DB_PASSWORD = "hunter2", DEBUG = false }
[services.web.containers.app]
environment = [{ name = "A", value = "AKIAIOSFODNN7EXAMPLE" }]
[services.job.containers.app.environment]
A = { value = "postgres://u:hunter2@h/d" }
TOKEN_TTL = "60"
"#,
    );
    assert!(
        !shown.contains("hunter2") && !shown.contains("AKIA"),
        "{shown}"
    );
    insta::assert_snapshot!(shown, @r#"
    error: the value of `DB_PASSWORD` in `environment` looks like a secret
     --> prod.toml:6:17
     hint: keep it in SSM or Secrets Manager, and write its ARN:
           secrets = { DB_PASSWORD = "arn:aws:ssm:…" }
           if it is no secret, write under [services.api]:
           allow-plain-secrets = ["DB_PASSWORD"]

    error: `DEBUG` must be a string, not true or false
     --> prod.toml:6:50
     hint: write "false"

    error: the value of `A` in `environment` looks like a secret
     --> prod.toml:8:30
     hint: keep it in SSM or Secrets Manager, and write its ARN:
           secrets = { A = "arn:aws:ssm:…" }
           if it is no secret, write under [services.web]:
           allow-plain-secrets = ["A"]

    error: the value of `A` in `environment` looks like a secret
     --> prod.toml:10:7
     hint: keep it in SSM or Secrets Manager, and write its ARN:
           secrets = { A = "arn:aws:ssm:…" }
           if it is no secret, write under [services.job]:
           allow-plain-secrets = ["A"]
    "#);
    let allowed = service(
        "[services.api]\nallow-plain-secrets = [\"TOKEN\"]\n[services.api.containers.app]\nenvironment.TOKEN = \"x\"\n",
    );
    assert_eq!(allowed.assignments.len(), 1);
    insta::assert_snapshot!(wrong_services("[services.api]\nimage = \"a:1\"\nallow-plain-secrets = \"TOKEN\"\n"), @r#"
    error: `allow-plain-secrets` must be a list, not a string
     --> prod.toml:7:23
      |
    7 | allow-plain-secrets = "TOKEN"
      |                       ^^^^^^^
      |
      = hint: write it like ["NAME"]
    "#);
}

#[test]
fn tags_that_somebody_else_sets_are_refused() {
    insta::assert_snapshot!(wrong_services(r#"[services.api]
image = "a:1"
[services.api.task]
tags = { team = "web", "evenkeel:commit" = "x" }
[services.api.service]
tags = [{ key = "evenkeel:mine" }, { key = "aws:x", value = "y" }]
"#), @r#"
    error: the tag `evenkeel:commit` cannot be declared
     --> prod.toml:8:24
      |
    8 | tags = { team = "web", "evenkeel:commit" = "x" }
      |                        ^^^^^^^^^^^^^^^^^
      |
      = hint: take it out: evenkeel sets the tags that begin with `evenkeel:`

    error: the tag `aws:x` cannot be declared
      --> prod.toml:10:1
       |
    10 | tags = [{ key = "evenkeel:mine" }, { key = "aws:x", value = "y" }]
       | ^^^^
       |
       = hint: take it out: AWS sets the tags that begin with `aws:`
    "#);
}
