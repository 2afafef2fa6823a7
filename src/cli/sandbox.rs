use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use tokio::net::TcpListener;

use crate::model::ImageReference;
use crate::sandbox::serve;

use super::apply::asked_to_stop;
use super::context::{environments, open_sandbox, reset_sandbox, seed_of};
use super::exit;
use super::failure::Failure;
use super::plan::{print, say};

/// The embedded ECS, for trying and for tests.
///
/// Without a subcommand, serves ECS, ECR, CloudWatch Logs and STS on a loopback port until it
/// is stopped, for any AWS client. The state is kept in .evenkeel/ of the
/// current directory and shared with `--sandbox` of other commands. A new
/// sandbox has every service of the environment files, on the version before.
///
/// Words in an image's tag make it misbehave: crash, unpullable, slow,
/// unhealthy, elb, oom, nosecret, nocapacity, alarm. Such images are in every
/// registry. EVENKEEL_SANDBOX_SPEED=10 lets it run ten times as fast.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// The loopback port to serve on; 0 takes a free one.
    #[arg(long, default_value_t = 4566)]
    port: u16,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Forget everything; the next use starts anew.
    Reset,
    /// Put an image into the sandbox's registry, or move its tag to a new one.
    Push {
        /// ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG
        image: String,
    },
}

pub async fn run(args: Args) -> Result<u8, Failure> {
    match args.command {
        None => listen(args.port).await,
        Some(Command::Reset) => {
            let forgotten = reset_sandbox()?;
            print(if forgotten {
                "the sandbox is empty again\n"
            } else {
                "there was no sandbox\n"
            })?;
            Ok(exit::DONE)
        }
        Some(Command::Push { image }) => {
            let not_an_image = |why: String| Failure::NotAnImage {
                image: image.clone(),
                why,
            };
            let reference: ImageReference = image
                .parse()
                .map_err(|why| not_an_image(format!("{why}")))?;
            if reference.ecr().is_none() {
                return Err(not_an_image("its host is no ECR registry".into()));
            }
            let digest = open_sandbox()?.push_image(&reference)?;
            print(&format!("{}@{digest}\n", reference.base()))?;
            Ok(exit::DONE)
        }
    }
}

async fn listen(port: u16) -> Result<u8, Failure> {
    let sandbox = open_sandbox()?;
    let mut accounts = Vec::new();
    // Without environment files it serves an empty world.
    if Path::new("environments").is_dir() {
        for environment in environments(&[], &[])? {
            let desired = &environment.desired;
            sandbox.seed(&seed_of(desired))?;
            accounts.push((
                desired.account.clone(),
                desired.region.clone(),
                desired.environment.clone(),
            ));
        }
    }
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address)
        .await
        .map_err(Failure::io(format!("{address} could not be listened on")))?;
    let address = listener
        .local_addr()
        .map_err(Failure::io("the port is not known"))?;
    let (account, region) = accounts
        .first()
        .map_or(("123456789012", "us-east-1"), |(account, region, _)| {
            (account.as_str(), region.as_str())
        });
    print(&format!(
        "export AWS_ENDPOINT_URL=http://{address} AWS_REGION={region} AWS_DEFAULT_REGION={region}\n\
         export AWS_ACCESS_KEY_ID={account} AWS_SECRET_ACCESS_KEY=sandbox\n"
    ))?;
    for (account, _, environment) in &accounts {
        say(&format!(
            "{environment} is account {account}: the access key chooses the account\n"
        ))?;
    }
    say("serving ECS, ECR, CloudWatch Logs and STS; Ctrl-C stops\n")?;
    serve(sandbox, listener, asked_to_stop())
        .await
        .map_err(Failure::io("serving ended"))?;
    Ok(exit::DONE)
}
