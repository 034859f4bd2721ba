//! `assay man`: manual pages, made from the definition of the flags.

use crate::{
    error::Unusable,
    exit,
    flags::{Flags, man::ManFlags},
    printer::Printer,
};

pub(crate) fn run(flags: &ManFlags, printer: Printer) -> Result<u8, Unusable> {
    let command = Flags::definition();
    if let Some(folder) = &flags.folder {
        let unusable = |error: std::io::Error| {
            Unusable::new(format!("the manual pages could not be written to `{folder}`: {error}"))
                .hint("name a folder that you may write to")
        };
        fs_err::create_dir_all(folder).map_err(unusable)?;
        clap_mangen::generate_to(command, folder).map_err(unusable)?;
    } else {
        let mut page = Vec::new();
        let unusable = |error: std::io::Error| Unusable::new(format!("the manual page could not be written: {error}"));
        clap_mangen::Man::new(command).render(&mut page).map_err(unusable)?;
        printer.data(&page).map_err(|error| Unusable::unwritten(&error))?;
    }
    Ok(exit::ALLOWED)
}
