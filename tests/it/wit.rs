//! A published version of the plugin contract is never edited: its files have these digests.
//!
//! To publish a new version of the contract, copy the folder of the version before it under a new name: a patch version
//! (`wit/assay-plugin/0.1.1`) only adds functions and interfaces, a minor version (`wit/assay-plugin/0.2`) may change
//! anything. Set the version in the `package` line of each file, add a module to `host/wasm/src/wit` if the minor version
//! is new, and append the digests of the new files to [`PUBLISHED`]. Never change or remove a row of a published version:
//! components in other repositories are built against exactly these bytes.

use std::collections::BTreeMap;

use assay_model::digest::Digest;
use camino::Utf8PathBuf;

use crate::tidy::root;

/// The files below `wit/assay-plugin` with the SHA-256 digests of their contents.
const PUBLISHED: [(&str, &str); 4] = [
    ("0.1/exports.wit", "sha256:c431cc463b09c9b7a94ea62c8752f9d3fa8c653bd7b456b04d39b052bde9e39c"),
    ("0.1/imports.wit", "sha256:9ba74532ebb15672b92d1fd4679f589ca9eccea1d393691a30be84674e9cc145"),
    ("0.1/types.wit", "sha256:a055beb97d797180e5fc44c50c44be7d72c9130941060e1644a3809a966e5951"),
    ("0.1/worlds.wit", "sha256:0b99417fa3b14f3eac7beb7225b7bf54c74969c99ef24c0ae30cf75545bfbc8e"),
];

#[test]
fn every_file_of_a_published_wit_version_is_unchanged() {
    let contract = Utf8PathBuf::from_path_buf(root().join("wit/assay-plugin")).unwrap();
    let mut found = BTreeMap::new();
    for version in contract.read_dir_utf8().unwrap() {
        for file in version.unwrap().path().read_dir_utf8().unwrap() {
            let path = file.unwrap().path().to_owned();
            let digest = Digest::of(&fs_err::read(&path).unwrap()).to_string();
            found.insert(path.strip_prefix(&contract).unwrap().to_string(), digest);
        }
    }
    let published = PUBLISHED.map(|(path, digest)| (path.to_owned(), digest.to_owned()));
    assert_eq!(found, BTreeMap::from(published), "publish a new version instead of editing one, see this file's head");
}

#[test]
fn the_reference_of_the_contract_is_what_the_wit_says() {
    let root = Utf8PathBuf::from_path_buf(root()).unwrap();
    let written = fs_err::read_to_string(root.join("docs/plugin-contract.md")).unwrap();
    assert_eq!(written, xtask::contract_docs::render(&root).unwrap(), "run `cargo xtask contract-docs`");
}
