//! [`write()`]: makes what people install: an archive and a Debian package with the program, its manual pages, completions and
//! licenses, an SBOM, and checksums. Equal programs and sources give equal files.

mod archive;
mod crates;
mod deb;
mod licenses;
mod sbom;

use std::{fmt::Write as _, process::Command};

use anyhow::{Context as _, ensure};
use assay_model::digest::Digest;
use camino::{Utf8Path, Utf8PathBuf};

use self::{archive::Tree, crates::Crates};

/// What is made, and of what.
#[derive(Debug)]
pub struct Request<'a> {
    /// The repository.
    pub root: &'a Utf8Path,
    /// A built program; the release build is made if it is not given.
    pub program: Option<&'a Utf8Path>,
    /// The target folder of the build.
    pub target: &'a Utf8Path,
    /// Where the files are written.
    pub out: &'a Utf8Path,
}

/// Commit and time of the sources, as `assay version` shows them.
#[derive(Debug)]
struct Source {
    id: String,
    /// RFC 3339, UTC.
    changed_on: String,
    /// The same in seconds since 1970: the time of every file.
    seconds: u64,
}

/// Makes everything, and returns the paths of what was made.
///
/// # Errors
/// The program cannot be built or run, what describes its crates cannot be read, or a file cannot be written.
pub fn write(request: &Request<'_>) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let source = source(request.root)?;
    let program = match request.program {
        Some(program) => program.to_owned(),
        None => build(request, &source)?,
    };
    let crates = Crates::read(request.root)?;
    let sbom = sbom::text(&crates, &source.changed_on)?;
    let tree = tree(request.root, &program, &crates, &sbom)?;
    let (version, machine) = (crates.version(), std::env::consts::ARCH);
    let architecture = if machine == "x86_64" { "amd64" } else { "arm64" };
    let name = format!("assay-{version}-{machine}-linux");
    let files = [
        (format!("{name}.tar.gz"), archive::tar_gz(&tree, &format!("{name}/"), source.seconds)?),
        (format!("assay_{version}_{architecture}.deb"), deb::package(&tree, version, architecture, source.seconds)?),
        (format!("assay-{version}.cdx.json"), sbom.into_bytes()),
    ];
    fs_err::create_dir_all(request.out)?;
    let (mut made, mut sums) = (Vec::new(), String::new());
    for (name, bytes) in files {
        writeln!(sums, "{}  {name}", Digest::of(&bytes).hex())?;
        fs_err::write(request.out.join(&name), bytes)?;
        made.push(request.out.join(name));
    }
    fs_err::write(request.out.join("SHA256SUMS"), sums)?;
    made.push(request.out.join("SHA256SUMS"));
    Ok(made)
}

/// What git says of the sources; an archive of them has no commit.
fn source(root: &Utf8Path) -> anyhow::Result<Source> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").args(["-C", root.as_str()]).args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    let seconds: u64 = git(&["log", "-1", "--format=%ct"]).unwrap_or_default().parse().unwrap_or(0);
    let changes = git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|text| !text.is_empty());
    let id = git(&["rev-parse", "HEAD"]).unwrap_or_default() + if changes { "-changed" } else { "" };
    let time = jiff::Timestamp::from_second(i64::try_from(seconds)?)?;
    Ok(Source { id, changed_on: time.to_string(), seconds })
}

/// The release build, which knows its commit.
fn build(request: &Request<'_>, source: &Source) -> anyhow::Result<Utf8PathBuf> {
    let mut command = Command::new("cargo");
    command.args(["build", "--release", "--locked", "--package", "assay"]).current_dir(request.root);
    command.env("CARGO_TARGET_DIR", request.target);
    if !source.id.is_empty() {
        command.env("ASSAY_SOURCE_ID", &source.id).env("ASSAY_CHANGED_ON", &source.changed_on);
    }
    ensure!(command.status()?.success(), "the release build failed");
    Ok(request.target.join("release/assay"))
}

/// Everything that is installed, below a prefix such as `/usr`.
fn tree(root: &Utf8Path, program: &Utf8Path, crates: &Crates, sbom: &str) -> anyhow::Result<Tree> {
    let mut tree = Tree::default();
    tree.program("bin/assay", fs_err::read(program)?);
    for (shell, path) in [
        ("bash", "share/bash-completion/completions/assay"),
        ("zsh", "share/zsh/site-functions/_assay"),
        ("fish", "share/fish/vendor_completions.d/assay.fish"),
    ] {
        tree.file(path, run(program, &["completions", shell])?);
    }
    for (name, page) in manual_pages(program)? {
        tree.file(&format!("share/man/man1/{name}"), page);
    }
    for name in ["LICENSE", "README.md", "CHANGELOG.md"] {
        tree.file(&format!("share/doc/assay/{name}"), fs_err::read(root.join(name))?);
    }
    tree.file("share/doc/assay/third-party-licenses.txt", licenses::text(crates)?.into_bytes());
    tree.file("share/doc/assay/assay.cdx.json", sbom.as_bytes().to_vec());
    Ok(tree)
}

fn manual_pages(program: &Utf8Path) -> anyhow::Result<Vec<(String, Vec<u8>)>> {
    let name = format!("assay-man-{}", std::process::id());
    let folder = Utf8PathBuf::from_path_buf(std::env::temp_dir().join(name))
        .map_err(|path| anyhow::anyhow!("{} is not UTF-8", path.display()))?;
    run(program, &["man", folder.as_str()])?;
    let mut pages = Vec::new();
    for entry in folder.read_dir_utf8()? {
        let entry = entry?;
        pages.push((entry.file_name().to_owned(), fs_err::read(entry.path())?));
    }
    fs_err::remove_dir_all(folder)?;
    pages.sort();
    ensure!(!pages.is_empty(), "the program wrote no manual page");
    Ok(pages)
}

fn run(program: &Utf8Path, arguments: &[&str]) -> anyhow::Result<Vec<u8>> {
    let output = Command::new(program).args(arguments).output().with_context(|| format!("{program} cannot be run"))?;
    ensure!(output.status.success(), "`{program} {}` failed", arguments.join(" "));
    Ok(output.stdout)
}
