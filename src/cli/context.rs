//! What the commands share: which environments, and the way to AWS.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cloud::{Access, Cache, Connection, Limits, Reader, Transport};
use crate::environment::{self, Desired};
use crate::model::{AccountId, ClusterName, Region};
use crate::sandbox::{Sandbox, Seed, SeedService, reset};
use crate::ui;

use super::Global;
use super::failure::Failure;

/// Where the sandbox keeps its state, in the current directory: each checkout
/// has a world of its own.
const SANDBOX_STATE: &str = ".evenkeel/sandbox.json";

/// An environment that a command works on.
pub struct Environment {
    /// Narrowed to the services that were asked for.
    pub desired: Desired,
    /// All of it, for a sandbox that does not know it yet.
    seed: Seed,
}

impl Environment {
    /// With all of its services.
    pub fn whole(desired: Desired) -> Self {
        let seed = seed_of(&desired);
        Self { desired, seed }
    }
}

/// The files of these environments, or of all there are, each with its name; a
/// file named twice counts once.
///
/// # Errors
/// All were meant, and there are none.
pub fn files(names: &[String]) -> Result<Vec<(String, FoundFile)>, Failure> {
    let root = Path::new("");
    let found: Vec<(String, FoundFile)> = if names.is_empty() {
        environment::all(root)
            .map_err(|error| Failure::Environment(vec![error]))?
            .into_iter()
            .map(|path| {
                let name = path.file_stem().unwrap_or_default();
                (name.to_string_lossy().into_owned(), Ok(path))
            })
            .collect()
    } else {
        let find = |name: &String| (name.clone(), environment::find(name, root));
        names.iter().map(find).collect()
    };
    let mut seen = BTreeSet::new();
    Ok(found
        .into_iter()
        .filter(|(name, found)| {
            let file = found.as_ref().map_or_else(
                |_| PathBuf::from(name),
                |path| path.canonicalize().unwrap_or_else(|_| path.clone()),
            );
            seen.insert(file)
        })
        .collect())
}

/// An environment's file, or why there is none.
type FoundFile = Result<PathBuf, environment::LoadError>;

/// Reads these environments, or all there are. All mistakes of all files come
/// together; a file named twice counts once.
pub fn environments(names: &[String], services: &[String]) -> Result<Vec<Environment>, Failure> {
    let paths = collect(files(names)?.into_iter().map(|(_, found)| found))?;
    collect(paths.iter().map(|path| environment::load(path)))?
        .into_iter()
        .map(|desired| narrow(desired, services))
        .collect()
}

/// Keeps each file once, however it is named.
pub fn once(paths: &mut Vec<PathBuf>) {
    let mut seen = BTreeSet::new();
    paths.retain(|path| seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())));
}

fn collect<T>(
    results: impl Iterator<Item = Result<T, environment::LoadError>>,
) -> Result<Vec<T>, Failure> {
    let (mut found, mut errors) = (Vec::new(), Vec::new());
    for result in results {
        match result {
            Ok(value) => found.push(value),
            Err(error) => errors.push(error),
        }
    }
    if errors.is_empty() {
        Ok(found)
    } else {
        Err(Failure::Environment(errors))
    }
}

/// Narrows an environment to these services; to none means all of it.
pub fn narrow(mut desired: Desired, services: &[String]) -> Result<Environment, Failure> {
    let seed = seed_of(&desired);
    if services.is_empty() {
        return Ok(Environment { desired, seed });
    }
    if let Some(unknown) = services
        .iter()
        .find(|name| desired.services.iter().all(|s| s.name != **name))
    {
        return Err(Failure::NoSuchService {
            file: desired.file.clone(),
            name: unknown.clone(),
            there_are: desired
                .services
                .iter()
                .map(|service| service.name.clone())
                .collect(),
        });
    }
    desired
        .services
        .retain(|service| services.contains(&service.name));
    Ok(Environment { desired, seed })
}

/// The way to AWS, or to the embedded sandbox.
pub struct World {
    transport: Transport,
    cache: Option<Cache>,
    /// Shared by all environments of a run.
    limits: Limits,
    sandbox: Option<Sandbox>,
}

impl World {
    pub fn open(global: &Global) -> Result<Self, Failure> {
        if !global.sandbox {
            let cache = if global.no_cache {
                None
            } else {
                Cache::of_user()
            };
            return Ok(Self {
                transport: Transport::Network,
                cache,
                limits: Limits::default(),
                sandbox: None,
            });
        }
        let sandbox = open_sandbox()?;
        let handler = sandbox.clone();
        let transport = Transport::InMemory(Arc::new(move |request| {
            let sandbox = handler.clone();
            Box::pin(async move { sandbox.exchange(request).await })
        }));
        // Beside the state, and forgotten with it.
        let cache = (!global.no_cache).then(|| Cache::at(sandbox_state().with_file_name("cache")));
        Ok(Self {
            transport,
            cache,
            limits: Limits::default(),
            sandbox: Some(sandbox),
        })
    }

    /// Lets a sandbox know an environment.
    pub fn prepare(&self, environment: &Environment) -> Result<(), Failure> {
        if let Some(sandbox) = &self.sandbox {
            sandbox.seed(&environment.seed)?;
        }
        Ok(())
    }

    /// Connects to one environment. A sandbox that does not know it yet gets
    /// its services, on the version before.
    pub async fn connect(&self, environment: &Environment) -> Result<Connection, Failure> {
        self.prepare(environment)?;
        let desired = &environment.desired;
        let access = Access {
            account: desired.account.clone(),
            region: desired.region.clone(),
            role: desired.role.clone(),
        };
        let connection = Connection::open(access, &self.transport, self.cache.clone()).await;
        Ok(connection.within(&self.limits))
    }

    /// Looks around where no file says yet what there is.
    pub async fn look_around(&self, account: Option<AccountId>, region: Region) -> Reader {
        Connection::look_around(account, region, &self.transport).await
    }

    /// Where the sandbox has a cluster, by the files in environments/, whose
    /// services it gets. A file with mistakes is for other commands to tell.
    pub fn place_of(&self, cluster: &ClusterName) -> Result<Option<(AccountId, Region)>, Failure> {
        let Some(sandbox) = &self.sandbox else {
            return Ok(None);
        };
        let paths = environment::all(Path::new("")).unwrap_or_default();
        let known: Vec<Desired> = paths
            .iter()
            .filter_map(|path| environment::load(path).ok())
            .collect();
        for desired in &known {
            sandbox.seed(&seed_of(desired))?;
        }
        let has = |desired: &&Desired| {
            let mut services = desired.services.iter();
            desired.cluster == *cluster || services.any(|service| service.cluster == *cluster)
        };
        let place = known.iter().find(has).or(known.first());
        Ok(place.map(|desired| (desired.account.clone(), desired.region.clone())))
    }

    pub fn is_sandbox(&self) -> bool {
        self.sandbox.is_some()
    }

    /// Says that nothing here is real.
    pub fn announce(&self) -> Result<(), Failure> {
        if self.sandbox.is_none() {
            return Ok(());
        }
        let text = format!("sandbox: nothing here reaches AWS (state in {SANDBOX_STATE})\n");
        ui::message(&text).map_err(Failure::io("stderr could not be written"))
    }
}

pub fn sandbox_state() -> PathBuf {
    PathBuf::from(SANDBOX_STATE)
}

pub fn open_sandbox() -> Result<Sandbox, Failure> {
    let state = sandbox_state();
    if let Some(folder) = state.parent().filter(|folder| !folder.exists()) {
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(folder.join(".gitignore"), "*\n"))
            .map_err(Failure::io(format!(
                "{} could not be made",
                folder.display()
            )))?;
    }
    let sandbox = Sandbox::open(&state)?;
    match std::env::var("EVENKEEL_SANDBOX_SPEED") {
        Err(_) => Ok(sandbox),
        Ok(text) => match text.parse::<f64>() {
            Ok(speed) if speed.is_finite() && speed > 0.0 => Ok(sandbox.with_speed(speed)),
            _ => Err(Failure::SandboxSpeed(text)),
        },
    }
}

/// Forgets the sandbox: its state, and what was cached of it.
pub fn reset_sandbox() -> Result<bool, Failure> {
    let cache = sandbox_cache();
    if cache.exists() {
        std::fs::remove_dir_all(&cache).map_err(Failure::io(format!(
            "{} could not be removed",
            cache.display()
        )))?;
    }
    Ok(reset(&sandbox_state())?)
}

fn sandbox_cache() -> PathBuf {
    sandbox_state().with_file_name("cache")
}

/// Makes everything that this environment declares, on the version before.
pub fn seed_of(desired: &Desired) -> Seed {
    Seed {
        environment: desired.environment.clone(),
        account: desired.account.clone(),
        region: desired.region.clone(),
        services: desired
            .services
            .iter()
            .map(|service| SeedService {
                name: service.name.clone(),
                cluster: service.cluster.clone(),
                service: service.service.clone(),
                images: service
                    .images
                    .iter()
                    .map(|image| (image.container.clone(), image.image.clone()))
                    .collect(),
            })
            .collect(),
    }
}
