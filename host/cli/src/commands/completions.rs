//! `assay completions`: what a shell needs to complete our flags, made from their definition.

use assay_app::Mode;

use crate::{
    error::CliError,
    exit,
    flags::{Flags, completions::CompletionsFlags},
    printer::Printer,
    settings::Environment,
};

pub(crate) fn run(flags: &CompletionsFlags, env: Environment, printer: Printer) -> Result<u8, CliError> {
    let name = match env.mode {
        Mode::Native => "assay",
        Mode::EcCompat => "ec",
    };
    let mut script = Vec::new();
    clap_complete::generate(flags.shell, &mut Flags::definition(env.mode), name, &mut script);
    printer.data(&script).map_err(|error| CliError::write_failed(&error))?;
    Ok(exit::SUCCESS)
}
