//! `assay man`: manual pages, made from the definition of the flags.

use assay_app::Mode;

use crate::{
    error::CliError,
    exit,
    flags::{Flags, man::ManFlags},
    printer::Printer,
};

pub(crate) fn run(flags: &ManFlags, printer: Printer) -> Result<u8, CliError> {
    let command = Flags::definition(Mode::Native);
    if let Some(folder) = &flags.folder {
        let error = |error: std::io::Error| {
            CliError::new(format!("the manual pages could not be written to `{folder}`: {error}"))
                .hint("choose a directory that you can write to")
        };
        fs_err::create_dir_all(folder).map_err(error)?;
        clap_mangen::generate_to(command, folder).map_err(error)?;
    } else {
        let mut page = Vec::new();
        let error = |error: std::io::Error| CliError::new(format!("the manual page could not be written: {error}"));
        clap_mangen::Man::new(command).render(&mut page).map_err(error)?;
        printer.data(&page).map_err(|error| CliError::write_failed(&error))?;
    }
    Ok(exit::SUCCESS)
}
