//! `assay plugin`: a file for each topic. Data goes to standard output, everything else to standard error.

mod bench;
mod build;
mod cache;
mod create;
mod inspect;
mod list;
mod lock;
mod pull;
mod push;
mod run;
mod sign;
mod test;
mod verify;
mod vet;

use assay_app::{
    CacheDir, ClusterAccess, PluginEngine, RequestErrorKind, SourceSettings,
    plugin_distribution::{LockFile, PluginSigningKey, PluginsFile},
};
use assay_model::limits;
use camino::{Utf8Path, Utf8PathBuf};
use serde_json::Value;

use crate::{
    commands::fetch_policy::print_stdout,
    error::CliError,
    exit,
    files::read_text,
    flags::{
        global::GlobalFlags,
        plugin::{Format, PluginCommand},
        registry::RegistryFlags,
        sources::SourceFlags,
    },
    printer::Printer,
    settings::Environment,
};

/// Carries out one of the commands.
pub(crate) fn run(
    command: PluginCommand,
    global: &GlobalFlags,
    env: &Environment,
    cluster: &ClusterAccess,
    printer: Printer,
) -> Result<u8, CliError> {
    let engine = PluginEngine::from_environment(env.variable, (env.cache_home)()).map_err(CliError::new)?;
    match command {
        PluginCommand::New(flags) => create::run(&flags, printer),
        PluginCommand::Build(flags) => build::run(&flags, global.debug, &engine, printer),
        PluginCommand::Test(flags) => test::run(&flags, global.traces(), &engine, printer),
        PluginCommand::Run(flags) => run::run(&flags, global.is_talkative(), (env, cluster), &engine, printer),
        PluginCommand::Inspect(flags) => inspect::run(&flags, env, &engine, printer),
        PluginCommand::Push(flags) => push::run(&flags, env, &engine, printer),
        PluginCommand::Pull(flags) => pull::run(&flags, env, &engine, printer),
        PluginCommand::Sign(flags) => sign::run(&flags, env, printer),
        PluginCommand::Verify(flags) => verify::run(&flags, env, cluster, &engine, printer),
        PluginCommand::Vet(flags) => vet::run(&flags, env, &engine, printer),
        PluginCommand::Lock(flags) => lock::run(&flags, env, &engine, printer),
        PluginCommand::Update(flags) => lock::update(&flags, env, &engine, printer),
        PluginCommand::List(flags) => list::run(&flags, printer),
        PluginCommand::Bench(flags) => bench::run(&flags, &engine, printer),
        PluginCommand::Cache { what } => cache::run(&what, &engine, printer),
    }
}

/// Prints a result in the requested form; `text` has its line ends.
fn print_result(printer: Printer, format: Format, text: &str, json: &Value) -> Result<(), CliError> {
    match format {
        Format::Text => print_stdout(printer, text),
        Format::Json => print_stdout(printer, &format!("{json}\n")),
    }
}

/// A path that means the same in another folder.
fn absolute(path: &Utf8Path) -> Result<Utf8PathBuf, CliError> {
    camino::absolute_utf8(path).map_err(|error| CliError::new(format!("{path} cannot be used: {error}")))
}

/// An error that is not one of the request: it is printed, and the exit code says so.
fn failed(error: assay_app::RequestError, printer: Printer) -> Result<u8, CliError> {
    if error.kind() == RequestErrorKind::Plugin {
        printer.error(&CliError::from(error).text());
        return Ok(exit::ERROR);
    }
    Err(error.into())
}

/// How registries are accessed by commands for plugins. What they fetch is not kept: plugins are larger than what is, and
/// their native code is kept elsewhere.
fn source_settings(flags: &RegistryFlags, env: &Environment) -> Result<SourceSettings, CliError> {
    let mut settings = crate::settings::source_settings(
        &SourceFlags { cache_dir: Some(Utf8PathBuf::new()), registries: flags.clone() },
        env,
    )?;
    settings.cache = CacheDir::None;
    settings.registries.deadline = env.deadline;
    Ok(settings)
}

/// A private key in a file, with the password that cosign would use.
pub(super) fn read_signing_key(file: &Utf8Path, env: &Environment) -> Result<PluginSigningKey, CliError> {
    let pem = read_text(file, "--sign-key", limits::CONFIG_FILE_BYTES)?;
    let password = (env.variable)("COSIGN_PASSWORD").unwrap_or_default();
    Ok(PluginSigningKey::read(&pem, &password, &format!("`{file}`"))?)
}

/// The list and the lock file beside it; both empty without a list.
fn read_list(file: Option<&Utf8Path>) -> Result<(PluginsFile, LockFile), CliError> {
    Ok(match file {
        Some(file) => (PluginsFile::read(file)?, LockFile::beside(file)?),
        None => (PluginsFile::default(), LockFile::default()),
    })
}
