//! Repositories.

use serde_json::{Map, Value, json};

use super::super::clock::{Millis, timestamp};
use super::super::context::{Context, listed};
use super::super::state::{Repository, Scope, State};
use super::super::wire::{Answer, Refusal};
use super::{missing, registry};

/// The repository, made when it is missing.
pub(in super::super) fn ensure<'a>(
    state: &'a mut State,
    scope: &Scope,
    name: &str,
    now: Millis,
) -> &'a mut Repository {
    let repositories = &mut state.place_mut(scope).repositories;
    repositories
        .entry(name.to_owned())
        .or_insert_with(|| Repository {
            scope: scope.clone(),
            name: name.to_owned(),
            created_at: now,
            settings: Map::new(),
            images: Default::default(),
            tags: Default::default(),
        })
}

pub(super) fn create(context: &mut Context) -> Answer {
    let scope = registry(context)?;
    let name = context.required("repositoryName")?;
    if context
        .state
        .place(&scope)
        .is_some_and(|place| place.repositories.contains_key(name))
    {
        let account = &scope.account;
        return Err(Refusal::new(
            "RepositoryAlreadyExistsException",
            format!(
                "The repository with name '{name}' already exists in the registry with id '{account}'"
            ),
        ));
    }
    let repository = ensure(context.state, &scope, name, context.now);
    repository.settings = context.body.clone();
    for key in ["repositoryName", "registryId", "tags"] {
        repository.settings.shift_remove(key);
    }
    Ok(json!({"repository": view(repository)}))
}

pub(super) fn describe(context: &mut Context) -> Answer {
    let scope = registry(context)?;
    let wanted = context.texts("repositoryNames");
    let place = context.state.place(&scope);
    let existing: Vec<&Repository> = place
        .into_iter()
        .flat_map(|place| place.repositories.values())
        .collect();
    if let Some(absent) = wanted
        .iter()
        .find(|name| !existing.iter().any(|r| r.name == **name))
    {
        return Err(missing(&scope, absent));
    }
    let chosen = existing
        .into_iter()
        .filter(|r| wanted.is_empty() || wanted.contains(&r.name.as_str()));
    let views = chosen.map(view).collect();
    Ok(listed(
        "repositories",
        context.page::<Value>(views, 100, 1000)?,
    ))
}

fn view(repository: &Repository) -> Value {
    let scope = &repository.scope;
    let mut view = Map::new();
    let mut put = |key: &str, value: Value| view.insert(key.to_owned(), value);
    put(
        "repositoryArn",
        scope
            .arn("ecr", &format!("repository/{}", repository.name))
            .into(),
    );
    put("registryId", scope.account.as_str().into());
    put("repositoryName", repository.name.clone().into());
    put(
        "repositoryUri",
        format!("{}/{}", scope.registry(), repository.name).into(),
    );
    put("createdAt", timestamp(repository.created_at));
    put("imageTagMutability", "MUTABLE".into());
    put("imageScanningConfiguration", json!({"scanOnPush": false}));
    put(
        "encryptionConfiguration",
        json!({"encryptionType": "AES256"}),
    );
    for (key, value) in &repository.settings {
        put(key, value.clone());
    }
    Value::Object(view)
}
