//! ECR: repositories of manifests, answered by digest and tag.

mod images;
mod repositories;
mod resolve;

pub(super) use images::insert;
pub(super) use repositories::ensure;
pub(super) use resolve::{deployed, push};

use super::context::Context;
use super::state::{Repository, Scope};
use super::wire::{Answer, Refusal, unknown};

pub(super) fn answer(operation: &str, context: &mut Context) -> Answer {
    match operation {
        "CreateRepository" => repositories::create(context),
        "DescribeRepositories" => repositories::describe(context),
        "PutImage" => images::put(context),
        "BatchGetImage" => images::batch_get(context),
        "DescribeImages" => images::describe(context),
        "ListImages" => images::list(context),
        _ => Err(unknown(&format!(
            "the sandbox's ECR has no operation {operation}"
        ))),
    }
}

/// The registry that a request means: its `registryId`, else the caller's.
fn registry(context: &Context) -> Result<Scope, Refusal> {
    let mut scope = context.scope.clone();
    if let Some(id) = context.text("registryId") {
        scope.account = id
            .parse()
            .map_err(|_| Refusal::parameter(format!("Invalid parameter registryId: '{id}'")))?;
    }
    Ok(scope)
}

/// The repository that a request names.
fn repository<'a>(context: &'a mut Context) -> Result<&'a mut Repository, Refusal> {
    let scope = registry(context)?;
    let name = context.required("repositoryName")?;
    let place = context.state.places.get_mut(&scope.key());
    place
        .and_then(|place| place.repositories.get_mut(name))
        .ok_or_else(|| missing(&scope, name))
}

fn missing(scope: &Scope, name: &str) -> Refusal {
    Refusal::new(
        "RepositoryNotFoundException",
        format!(
            "The repository with name '{name}' does not exist in the registry with id '{}'",
            scope.account
        ),
    )
}
