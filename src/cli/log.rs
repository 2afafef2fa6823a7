//! The log, on stderr: what is called, when somebody asks to see it.

use tracing::Level;
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{Layer as _, fmt};

use super::failure::Failure;

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// Starts the log. `RUST_LOG` decides when it is set, else `-v` and `-vv`.
///
/// Whatever is asked for, the SDK's and the HTTP stack's TRACE records never
/// come out: they hold request bodies, which hold environment values and
/// tokens.
pub fn start(verbose: u8, format: LogFormat) -> Result<(), Failure> {
    let directives = match std::env::var("RUST_LOG") {
        Ok(directives) if !directives.is_empty() => directives,
        _ => match verbose {
            0 => "error,evenkeel=warn".to_owned(),
            1 => "error,evenkeel=info".to_owned(),
            _ => "info,evenkeel=debug,aws_config=debug,aws_smithy_runtime=debug".to_owned(),
        },
    };
    let chosen = EnvFilter::builder()
        .parse(&directives)
        .map_err(|error| Failure::LogFilter(error.to_string()))?;
    let harmless = filter_fn(|metadata| {
        *metadata.level() < Level::TRACE || metadata.target().starts_with("evenkeel")
    });
    let filter = chosen.and(harmless);
    let registry = tracing_subscriber::registry();
    match format {
        LogFormat::Text => {
            let ansi = crate::ui::styled_messages();
            let layer = fmt::layer()
                .with_writer(|| crate::ui::Log)
                .with_ansi(ansi)
                .with_filter(filter);
            registry.with(layer).init();
        }
        LogFormat::Json => {
            let layer = fmt::layer()
                .json()
                .with_writer(|| crate::ui::Log)
                .with_filter(filter);
            registry.with(layer).init();
        }
    }
    Ok(())
}
