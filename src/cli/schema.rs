use super::exit;
use super::failure::Failure;
use super::plan::print;

/// Print the JSON schema of environment files, for editors.
///
/// An editor that knows it completes the keys of an environment file, those of
/// AWS with them, and marks slips while they are typed. `#:schema FILE` as the
/// file's first line names it to Taplo (Even Better TOML) and Tombi; FILE is
/// the schema's path from there, or its address.
#[derive(Debug, clap::Args)]
pub struct Args {}

pub fn run(_: &Args) -> Result<u8, Failure> {
    print(&crate::environment::schema())?;
    Ok(exit::DONE)
}
