use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;

use tokio::net::TcpListener;

use crate::environment;
use crate::model::ImageReference;
use crate::sandbox::{reset, serve};
use crate::ui;

use super::context::{open_sandbox, sandbox_state, seed};
use super::exit;
use super::failure::Failure;
use super::plan::print;

/// The embedded ECS, for trying and for tests.
///
/// Without a subcommand, serves ECS, ECR and STS on a loopback port until it
/// is stopped, for any AWS client. The state is kept in .evenkeel/ of the
/// current directory and shared with `--sandbox` of other commands. A new
/// sandbox has every service of the environment files, on the version before.
///
/// Words in an image's tag make it misbehave: crash, unpullable, slow,
/// unhealthy, oom. Such images are in every registry.
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
            let forgotten = reset(&sandbox_state())?;
            print(if forgotten {
                "the sandbox is empty again\n"
            } else {
                "there was no sandbox\n"
            })?;
            Ok(exit::DONE)
        }
        Some(Command::Push { image }) => {
            let not_an_image = |why: String| Failure::NotAnImage {
                path: image.clone(),
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
    let files =
        environment::all(Path::new("")).map_err(|error| Failure::Environment(vec![error]))?;
    let mut mistakes = Vec::new();
    for file in files {
        match environment::load(&file) {
            Ok(desired) => seed(&sandbox, &desired)?,
            Err(error) => mistakes.push(error),
        }
    }
    if !mistakes.is_empty() {
        return Err(Failure::Environment(mistakes));
    }
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let listener = TcpListener::bind(address)
        .await
        .map_err(Failure::io(format!("{address} could not be listened on")))?;
    let address = listener
        .local_addr()
        .map_err(Failure::io("the port is not known"))?;
    print(&format!(
        "export AWS_ENDPOINT_URL=http://{address} AWS_ACCESS_KEY_ID=sandbox AWS_SECRET_ACCESS_KEY=sandbox\n"
    ))?;
    ui::message("serving ECS, ECR and STS; Ctrl-C stops\n")
        .map_err(Failure::io("stderr could not be written"))?;
    let stop = async {
        // Without signals there is no way to stop but to end the process.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    serve(sandbox, listener, stop)
        .await
        .map_err(Failure::io("serving ended"))?;
    Ok(exit::DONE)
}
