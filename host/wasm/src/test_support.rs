//! What tests of several worlds share: one engine, and the components of this repository.

use std::sync::LazyLock;

use camino::{Utf8Path, Utf8PathBuf};

use crate::{Engine, EngineOptions, Plugin};

/// One engine for all tests, as in the product.
pub(crate) static ENGINE: LazyLock<Engine> = LazyLock::new(|| Engine::new(EngineOptions::in_process(4)).unwrap());

/// The guests, built where those of all other tests are, by the same function.
static GUESTS: LazyLock<Vec<Utf8PathBuf>> = LazyLock::new(|| {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).unwrap();
    // This test stands in TARGET/PROFILE/deps.
    let program = Utf8PathBuf::from_path_buf(std::env::current_exe().unwrap()).unwrap();
    xtask::guests::build(root, program.ancestors().nth(3).unwrap()).unwrap()
});

/// The component made from the crate in this folder.
pub(crate) fn built(folder: &str) -> Vec<u8> {
    let name = folder.rsplit('/').next().unwrap().replace('-', "_");
    fs_err::read(GUESTS.iter().find(|path| path.file_stem() == Some(name.as_str())).unwrap()).unwrap()
}

pub(crate) fn load(folder: &str) -> Plugin {
    Plugin::load(&ENGINE, folder, &built(folder)).unwrap()
}
