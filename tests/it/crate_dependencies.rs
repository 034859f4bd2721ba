//! The arrows between crates are those of the table in ARCHITECTURE.md, and no others.

use std::collections::{BTreeMap, BTreeSet};

use crate::tidy::{architecture, root};

/// The rows `| crate | names | heavy dependency | … |` of the table headed by "Crate dependencies".
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let text = architecture();
    let section =
        text.split("## Crate dependencies").nth(1).expect("ARCHITECTURE.md has a section `Crate dependencies`");
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.map(|row| {
        let cells: Vec<_> = row.split('|').map(str::trim).collect();
        let names = |cell: &str| {
            cell.split(',').map(|name| name.trim().trim_matches('`').to_owned()).filter(|name| name != "–").collect()
        };
        (cells.get(1).unwrap().trim_matches('`').to_owned(), names(cells.get(2).unwrap()))
    })
    .collect()
}

fn metadata() -> cargo_metadata::Metadata {
    cargo_metadata::MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap()
}

#[test]
fn crates_name_only_what_the_table_allows() {
    let metadata = metadata();
    let ours: BTreeSet<_> = metadata.packages.iter().map(|package| package.name.to_string()).collect();
    let actual: BTreeMap<String, BTreeSet<String>> = metadata
        .packages
        .iter()
        .map(|package| {
            let normal =
                |dependency: &&cargo_metadata::Dependency| dependency.kind == cargo_metadata::DependencyKind::Normal;
            let names = package.dependencies.iter().filter(normal).map(|dependency| dependency.name.clone());
            (package.name.to_string(), names.filter(|name| ours.contains(name)).collect())
        })
        .collect();
    assert_eq!(actual, table());
}

#[test]
fn each_heavy_dependency_lives_in_one_crate() {
    let metadata = metadata();
    for (heavy, home) in [
        ("reqwest", "assay-oci"),
        ("kube", "assay-cluster"),
        ("k8s-openapi", "assay-cluster"),
        ("sigstore-verify", "assay-evidence"),
        ("rustls-webpki", "assay-evidence"),
        ("rustls-pki-types", "assay-evidence"),
        ("regorus", "assay-rego"),
        ("rusqlite", "assay-store"),
        ("wasmtime", "assay-wasm"),
        ("wasmtime-wasi", "assay-wasm"),
        ("clap", "assay"),
    ] {
        let named: Vec<_> = metadata
            .packages
            .iter()
            .filter(|package| package.dependencies.iter().any(|dependency| dependency.name == heavy))
            .map(|package| package.name.to_string())
            .filter(|name| name != "xtask")
            .collect();
        assert_eq!(named, [home], "{heavy}");
    }
}
