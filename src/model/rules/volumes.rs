//! Volumes and what is mounted (API reference, MountPoint, VolumeFrom,
//! EFSVolumeConfiguration, EFSAuthorizationConfig).

use serde_json::{Map, Value};

use super::super::fields::{Path, Root};
use super::{Task, Violation, elements, list, names, text};

pub(super) fn check(task: &Task<'_>, found: &mut Vec<Violation>) {
    let volumes: Vec<&str> = list(task.document, "volumes")
        .filter_map(|volume| text(volume.as_object()?, "name"))
        .collect();
    for container in task.containers.iter().filter(|_| task.is_whole()) {
        for (path, mount) in elements(&container.path, container.fields, "mountPoints") {
            let Some(volume) = text(mount, "sourceVolume") else {
                continue;
            };
            if !volumes.contains(&volume) {
                let says = format!("`{}` mounts `{volume}`, which is no volume", container.name);
                let hint = match volumes.is_empty() {
                    true => format!("add it: [services.NAME.task.volumes.{volume}]"),
                    false => format!("the volumes: {}", names(volumes.iter().copied())),
                };
                found.push(Violation::new("volume", path, says).hint(hint));
            }
        }
        for (path, from) in elements(&container.path, container.fields, "volumesFrom") {
            let Some(source) = text(from, "sourceContainer") else {
                continue;
            };
            if task.container(source).is_none() {
                let says = format!("`volumesFrom` names `{source}`, which is no container");
                found.push(Violation::new("volume", path, says));
            }
        }
    }
    for (path, volume) in elements(&Path::new(Root::Task), task.document, "volumes") {
        if let Some(efs) = volume
            .get("efsVolumeConfiguration")
            .and_then(Value::as_object)
        {
            let path = path.field("efsVolumeConfiguration");
            encrypted(task, &path, efs, found);
        }
    }
}

fn encrypted(task: &Task<'_>, path: &Path, efs: &Map<String, Value>, found: &mut Vec<Violation>) {
    let Some(authorization) = efs.get("authorizationConfig").and_then(Value::as_object) else {
        return;
    };
    let point = text(authorization, "accessPointId");
    let needs = match (point, text(authorization, "iam")) {
        (Some(_), _) => "an access point",
        (None, Some("ENABLED")) => "authorization by IAM",
        _ => return,
    };
    let off = match text(efs, "transitEncryption") {
        Some(word) => word != "ENABLED",
        None => task.is_whole(),
    };
    if off {
        let says = format!("{needs} of EFS needs `transitEncryption`");
        let path = path.clone().field("transitEncryption");
        found.push(Violation::new("efs", path, says).hint("write transitEncryption = \"ENABLED\""));
    }
    if let (Some(_), Some(root)) = (point, text(efs, "rootDirectory"))
        && root != "/"
    {
        let says = "with an access point of EFS, `rootDirectory` is that of the access point";
        let path = path.clone().field("rootDirectory");
        found.push(Violation::new("efs", path, says).hint("take `rootDirectory` out"));
    }
}
