//! `assay completions`: what a shell needs to complete our flags, made from their definition.

use crate::{
    error::Unusable,
    exit,
    flags::{Flags, completions::CompletionsFlags},
    printer::Printer,
    settings::{Called, Surroundings},
};

pub(crate) fn run(flags: &CompletionsFlags, around: Surroundings, printer: Printer) -> Result<u8, Unusable> {
    let name = match around.called {
        Called::Assay => "assay",
        Called::Ec => "ec",
    };
    let mut script = Vec::new();
    clap_complete::generate(flags.shell, &mut Flags::definition(), name, &mut script);
    printer.data(&script).map_err(|error| Unusable::unwritten(&error))?;
    Ok(exit::ALLOWED)
}
