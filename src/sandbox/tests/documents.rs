//! What is kept and what is answered, apart from rollouts.

use super::*;

#[tokio::test(start_paused = true)]
async fn task_definitions_keep_every_field() {
    let sandbox = seeded();
    let sent = r#"{"family":"f","novel":{"x":[1.50,null]},"containerDefinitions":[{"name":"a","image":"nginx:1","other":1e3,"environment":[{"name":"A","value":"1"},{"name":"B","value":"2"},{"name":"C","value":"3"}]}],"tags":[{"key":"k","value":"v"}]}"#;
    let target = "AmazonEC2ContainerServiceV20141113.RegisterTaskDefinition";
    let (_, first) = raw(&sandbox, target, sent.to_owned()).await;
    assert_eq!(
        first["taskDefinition"]["novel"].to_string(),
        r#"{"x":[1.50,null]}"#
    );
    assert_eq!(
        first["taskDefinition"]["containerDefinitions"][0]["other"].to_string(),
        "1e+3"
    );
    assert_eq!(first["taskDefinition"]["networkMode"], "bridge");
    let (_, second) = raw(&sandbox, target, sent.to_owned()).await;
    assert_eq!(second["taskDefinition"]["revision"], 2);
    let described = ecs(
        &sandbox,
        "DescribeTaskDefinition",
        json!({"taskDefinition": "f", "include": ["TAGS"]}),
    )
    .await;
    assert_eq!(described["taskDefinition"], second["taskDefinition"]);
    assert_eq!(described["tags"], json!([{"key": "k", "value": "v"}]));

    let shuffled = sandbox.clone().with_shuffled_environment(true);
    let names = |answer: &Value| -> String {
        let list = answer["taskDefinition"]["containerDefinitions"][0]["environment"]
            .as_array()
            .unwrap();
        list.iter()
            .map(|entry| entry["name"].as_str().unwrap())
            .collect()
    };
    let again = ecs(
        &shuffled,
        "DescribeTaskDefinition",
        json!({"taskDefinition": "f"}),
    )
    .await;
    assert_eq!(
        (names(&described).as_str(), names(&again).len()),
        ("ABC", 3)
    );
    assert_ne!(names(&again), "ABC");

    ecs(
        &sandbox,
        "DeregisterTaskDefinition",
        json!({"taskDefinition": "f:1"}),
    )
    .await;
    let refusal = refused(
        &sandbox,
        "UpdateService",
        json!({"cluster": "prod", "service": "api-prod", "taskDefinition": "f:1"}),
    )
    .await;
    assert_eq!(refusal, "ClientException: TaskDefinition is inactive");
    let listed = ecs(
        &sandbox,
        "ListTaskDefinitions",
        json!({"familyPrefix": "f"}),
    )
    .await;
    assert_eq!(
        listed["taskDefinitionArns"],
        json!(["arn:aws:ecs:us-west-1:123456789012:task-definition/f:2"])
    );
}

#[tokio::test(start_paused = true)]
async fn services_keep_unknown_fields_and_misses_are_told() {
    let sandbox = seeded();
    update(&sandbox, json!({"novelSetting": {"a": 1}})).await;
    assert_eq!(service(&sandbox).await["novelSetting"], json!({"a": 1}));
    let answer = ecs(
        &sandbox,
        "DescribeServices",
        json!({"cluster": "prod", "services": ["nope"]}),
    )
    .await;
    assert_eq!(
        answer["failures"],
        json!([{"arn": "arn:aws:ecs:us-west-1:123456789012:service/prod/nope", "reason": "MISSING"}])
    );
    assert_eq!(
        refused(
            &sandbox,
            "DescribeServices",
            json!({"cluster": "other", "services": ["a"]})
        )
        .await,
        "ClusterNotFoundException: Cluster not found."
    );
    assert!(
        refused(&sandbox, "ExecuteCommand", json!({}))
            .await
            .starts_with("UnknownOperationException: ")
    );
    let operations: Vec<String> = sandbox
        .calls()
        .into_iter()
        .map(|call| call.operation)
        .collect();
    assert_eq!(
        operations,
        [
            "UpdateService",
            "DescribeServices",
            "DescribeServices",
            "DescribeServices",
            "ExecuteCommand"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn the_registry_has_the_declared_and_the_live_image() {
    let sandbox = seeded();
    let ids = json!([{"imageTag": "1.4.2"}, {"imageTag": "1.4.1"}, {"imageTag": "7"}, {"imageTag": "x-crash"}]);
    let (_, got) = ecr(
        &sandbox,
        "BatchGetImage",
        json!({"repositoryName": "api", "imageIds": ids}),
    )
    .await;
    assert_eq!(got["images"].as_array().unwrap().len(), 3);
    assert_eq!(got["failures"][0]["failureCode"], "ImageNotFound");
    let index = &got["images"][0];
    let text = index["imageManifest"].as_str().unwrap();
    assert_eq!(index["imageId"]["imageDigest"], manifest::digest(text));

    let live = service(&sandbox).await;
    let revision = &live["currentServiceRevisions"][0]["arn"];
    let revisions = ecs(
        &sandbox,
        "DescribeServiceRevisions",
        json!({"serviceRevisionArns": [revision]}),
    )
    .await;
    let image = &revisions["serviceRevisions"][0]["containerImages"][0];
    let digest = got["images"][1]["imageId"]["imageDigest"].as_str().unwrap();
    assert_eq!(image["imageDigest"], digest);
    assert_eq!(image["image"], format!("{ECR}/api:1.4.1@{digest}"));

    let pushed = sandbox
        .push_image(&format!("{ECR}/api:1.4.2").parse().unwrap())
        .unwrap();
    let ids = json!([{"imageTag": "1.4.2"}]);
    let (_, got) = ecr(
        &sandbox,
        "BatchGetImage",
        json!({"repositoryName": "api", "imageIds": ids}),
    )
    .await;
    assert_eq!(got["images"][0]["imageId"]["imageDigest"], pushed.as_str());
    let (status, refusal) = ecr(&sandbox, "ListImages", json!({"repositoryName": "nope"})).await;
    assert_eq!(
        (status, refusal["__type"].as_str()),
        (400, Some("RepositoryNotFoundException"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_role_leads_to_its_account() {
    let sandbox = seeded();
    let form = "Action=AssumeRole&RoleArn=arn%3Aaws%3Aiam%3A%3A210987654321%3Arole%2Fdeploy&RoleSessionName=s";
    let request = Request::post("/").body(Bytes::from(form)).unwrap();
    let response = sandbox.answer(request).await;
    let text = String::from_utf8(response.body().to_vec()).unwrap();
    assert!(
        text.contains("<AccessKeyId>210987654321</AccessKeyId>"),
        "{text}"
    );
    assert!(
        text.contains("<Arn>arn:aws:sts::210987654321:assumed-role/deploy/s</Arn>"),
        "{text}"
    );
}

#[tokio::test(start_paused = true)]
async fn pinned_foreign_and_several_images_are_seeded_as_declared() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let declared =
        |name: Option<&str>, image: String| (name.map(str::to_owned), image.parse().unwrap());
    let mut seed = seed("1.4.2");
    seed.services[0].images = vec![
        declared(Some("web"), format!("{ECR}/api:2.0.0@{digest}")),
        declared(
            Some("proxy"),
            "public.ecr.aws/nginx/nginx:1.27.1".to_owned(),
        ),
        declared(Some("old"), format!("{ECR}/job@{digest}")),
    ];
    let sandbox = Sandbox::in_memory();
    sandbox.seed(&seed).unwrap();
    let live = service(&sandbox).await["taskDefinition"].clone();
    let answer = ecs(
        &sandbox,
        "DescribeTaskDefinition",
        json!({"taskDefinition": live}),
    )
    .await;
    let document: crate::model::TaskDefinition =
        serde_json::from_value(answer["taskDefinition"].clone()).unwrap();
    assert_eq!(document.container_names(), ["web", "proxy", "old"]);
    assert!(
        document
            .image("web")
            .unwrap()
            .starts_with(&format!("{ECR}/api:1.9.9@sha256:"))
    );
    assert_eq!(
        document.image("proxy"),
        Some("public.ecr.aws/nginx/nginx:1.27.0")
    );
    assert!(!document.image("old").unwrap().contains(&digest));
    for repository in ["api", "job"] {
        let ids = json!([{"imageDigest": digest}]);
        let wanted = json!({"repositoryName": repository, "imageIds": ids});
        let (_, got) = ecr(&sandbox, "BatchGetImage", wanted).await;
        assert_eq!(
            got["images"][0]["imageId"]["imageDigest"],
            digest.as_str(),
            "{repository}"
        );
    }
    let families = ecs(
        &sandbox,
        "ListTaskDefinitions",
        json!({"familyPrefix": "api-prod"}),
    )
    .await;
    assert_eq!(
        families["taskDefinitionArns"].as_array().unwrap().len(),
        2,
        "one before the live one"
    );
}

#[tokio::test(start_paused = true)]
async fn who_accepts_no_index_gets_one_of_its_manifests() {
    let sandbox = seeded();
    let get = async |accepted: Value| {
        let ids = json!([{"imageTag": "1.4.2"}]);
        let wanted =
            json!({"repositoryName": "api", "imageIds": ids, "acceptedMediaTypes": accepted});
        let (_, got) = ecr(&sandbox, "BatchGetImage", wanted).await;
        let image = &got["images"][0];
        let text = image["imageManifest"].as_str().unwrap();
        assert_eq!(image["imageId"]["imageDigest"], manifest::digest(text));
        image["imageManifestMediaType"].clone()
    };
    assert_eq!(
        get(json!([manifest::OCI_INDEX, manifest::OCI_MANIFEST])).await,
        manifest::OCI_INDEX
    );
    assert_eq!(
        get(json!([manifest::OCI_MANIFEST])).await,
        manifest::OCI_MANIFEST
    );
}
