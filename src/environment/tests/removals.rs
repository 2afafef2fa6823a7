//! What is taken away.

use super::*;

fn removed(list: &str) -> String {
    let service = service(&format!("[services.api]\nremove = [{list}]\n"));
    let lines: Vec<String> = service
        .remove
        .iter()
        .map(|removal| removal.path.to_string())
        .collect();
    lines.join("\n")
}

#[test]
fn removals_are_written_as_the_file_spells_fields() {
    insta::assert_snapshot!(removed(r#"
        "containers.sidecar",
        "containers.app.environment.OLD",
        "containers.app.environment.'a.b'",
        "containers.app.portMappings.8080",
        'containers.app.portMappings."53/udp".hostPort',
        "containers.app.logConfiguration.options.mode",
        "containers.app.environment",
        "task.volumes.data",
        "service.tags.team",
        "service.loadBalancers",
        "service.deploymentConfiguration.alarms"
    "#), @r#"
    containers.sidecar
    containers.app.environment.OLD
    containers.app.environment."a.b"
    containers.app.portMappings.8080/tcp
    containers.app.portMappings.53/udp.hostPort
    containers.app.logConfiguration.options.mode
    containers.app.environment
    task.volumes.data
    service.tags.team
    service.loadBalancers
    service.deploymentConfiguration.alarms
    "#);
    let service = service("[services.api]\nremove = [\n  \"task.volumes.data\",\n]\n");
    assert_eq!(service.remove[0].at.to_string(), "prod.toml:7:3");
}

#[test]
fn what_cannot_be_removed_is_refused() {
    insta::assert_snapshot!(wrong_services(r#"[services.api]
remove = [
  "containers",
  "container.app",
  "app.environment.OLD",
  "containers.app.enviroment.OLD",
  "containers.app.image",
  "containers.app.environment.OLD.name",
  "containers.app.command.1",
  "containers.app.user.name",
  "containers.app.portMappings.http",
  "task.family",
  "task.containerDefinitions.app",
  "service.desiredCount",
  "task..cpu",
  "task.volumes.'data",
  "task.volumes.a",
  "task.volumes.a",
  5,
]
[services.web]
remove = "task.volumes.a"
"#), @r#"
    error: `containers` cannot be removed as a whole
     --> prod.toml:7:3
      |
    7 |   "containers",
      |   ^^^^^^^^^^^^
      |
      = hint: name what is in it, such as "containers.sidecar"

    error: unknown path `container.app`
     --> prod.toml:8:3
      |
    8 |   "container.app",
      |   ^^^^^^^^^^^^^^^
      |
      = hint: did you mean `containers`?

    error: unknown path `app.environment.OLD`
     --> prod.toml:9:3
      |
    9 |   "app.environment.OLD",
      |   ^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: a path begins with `containers`, `task` or `service`

    error: unknown path `containers.app.enviroment.OLD`: there is no `enviroment`
      --> prod.toml:10:3
       |
    10 |   "containers.app.enviroment.OLD",
       |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = hint: did you mean `environment`?

    error: `containers.app.image` cannot be removed: AWS requires `image`
      --> prod.toml:11:3
       |
    11 |   "containers.app.image",
       |   ^^^^^^^^^^^^^^^^^^^^^^
       |
       = hint: declare another value, or remove what it belongs to

    error: `containers.app.environment.OLD.name` cannot be removed: AWS requires
           `name`
      --> prod.toml:12:3
       |
    12 |   "containers.app.environment.OLD.name",
       |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = hint: declare another value, or remove what it belongs to

    error: `containers.app.command.1` names an element of a list without keys
      --> prod.toml:13:3
       |
    13 |   "containers.app.command.1",
       |   ^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = hint: declare the whole list, or remove "containers.app.command"

    error: `containers.app.user.name` goes on where there is nothing below
      --> prod.toml:14:3
       |
    14 |   "containers.app.user.name",
       |   ^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = hint: remove "containers.app.user"

    error: `containers.app.portMappings.http` names no element
      --> prod.toml:15:3
       |
    15 |   "containers.app.portMappings.http",
       |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = hint: this is no port: write it as 8080, "8080/udp" or "8000-8010"

    error: `task.family` cannot be removed: AWS requires `family`
      --> prod.toml:16:3
       |
    16 |   "task.family",
       |   ^^^^^^^^^^^^^
       |
       = hint: declare another value, or remove what it belongs to

    error: `task.containerDefinitions.app` cannot be removed
      --> prod.toml:17:3
       |
    17 |   "task.containerDefinitions.app",
       |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = hint: name the container, as "containers.NAME"

    error: `service.desiredCount` cannot be removed: UpdateService keeps what it is
           not told
      --> prod.toml:18:3
       |
    18 |   "service.desiredCount",
       |   ^^^^^^^^^^^^^^^^^^^^^^
       |
       = hint: declare the value that it should have

    error: invalid path `task..cpu`: a name is missing between the dots
      --> prod.toml:19:3
       |
    19 |   "task..cpu",
       |   ^^^^^^^^^^^
       |
       = hint: write it like remove = ["containers.app.environment.OLD"]

    error: invalid path `task.volumes.'data`: a quote is not closed
      --> prod.toml:20:3
       |
    20 |   "task.volumes.'data",
       |   ^^^^^^^^^^^^^^^^^^^^
       |
       = hint: write it like remove = ["containers.app.environment.OLD"]

    error: `task.volumes.a` is removed twice
      --> prod.toml:22:3
       |
    21 |   "task.volumes.a",
       |   ---------------- first here
    22 |   "task.volumes.a",
       |   ^^^^^^^^^^^^^^^^
       |
       = hint: keep one of them

    error: `remove` must be a string, not a number
      --> prod.toml:23:3
       |
    23 |   5,
       |   ^
       |
       = hint: write it like remove = ["containers.app.environment.OLD"]

    error: `remove` must be a list, not a string
      --> prod.toml:26:10
       |
    26 | remove = "task.volumes.a"
       |          ^^^^^^^^^^^^^^^^
       |
       = hint: write it like remove = ["containers.app.environment.OLD"]
    "#);
}

#[test]
fn what_is_declared_is_not_removed_too() {
    insta::assert_snapshot!(wrong_services(r#"[services.api]
remove = [
  "containers.sidecar",
  "containers.app.environment.OLD",
  "containers.app.secrets.OLD",
  "containers.app.linuxParameters.swappiness",
]
[services.api.containers.app]
environment = { OLD = "1" }
secrets = []
linuxParameters = {}
[services.api.containers.sidecar]
image = "a:1"
"#), @r#"
    error: `containers.sidecar` is declared and removed
      --> prod.toml:7:3
       |
     7 |   "containers.sidecar",
       |   ^^^^^^^^^^^^^^^^^^^^
    ...
    17 | image = "a:1"
       | ----- declared here
       |
       = hint: keep one of them

    error: `containers.app.environment.OLD` is declared and removed
      --> prod.toml:8:3
       |
     8 |   "containers.app.environment.OLD",
       |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ...
    13 | environment = { OLD = "1" }
       |                 --- declared here
       |
       = hint: keep one of them

    error: `containers.app.secrets.OLD` is declared and removed
      --> prod.toml:9:3
       |
     9 |   "containers.app.secrets.OLD",
       |   ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
    ...
    14 | secrets = []
       | ------- declared here
       |
       = hint: keep one of them
    "#);
}
