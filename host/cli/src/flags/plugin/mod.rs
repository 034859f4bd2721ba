//! The flags of `plugin`: what authors of plugins and platform teams work with.

pub(crate) mod author;
pub(crate) mod distribution;

use clap::{Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// Create the source of a plugin from a template
    #[command(after_help = "Examples:
  # a check of images in Rust, in the new directory `license-gate`
  assay plugin new license-gate

  # a custom task in Python
  assay plugin new registry-gate --lang python --world task

Exit codes:
  0  the project was created
  2  invalid request: the name, the language, the world, or a directory that exists")]
    New(author::NewFlags),

    /// Build a plugin's source into a component
    #[command(after_help = "Examples:
  # build the plugin in the current directory into `out/NAME.wasm`
  assay plugin build

  # keep names and line numbers, so that a trap says where it was
  assay plugin build ./license-gate --debug

Exit codes:
  0  the component was built
  2  invalid request: not the directory of a plugin, or a tool is missing
  3  error: the build failed, or made something that is not a plugin")]
    Build(author::BuildFlags),

    /// Run the cases of a plugin, without network and with a frozen clock
    #[command(after_help = "Examples:
  # all cases of the plugin in the current directory, after `assay plugin build`
  assay plugin test

  # one case, with the log and the requests of the plugin
  assay plugin test ./license-gate fails --trace

  # kill an adapter between every two effects, and break its service in every way
  assay plugin test ./jenkins --crash-everywhere --faults all

Exit codes:
  0  every case passed
  1  a case failed
  2  invalid request: no component, or a case that cannot be read")]
    Test(author::TestFlags),

    /// Run a plugin once: a check, a task, a job of an adapter, or a reporter
    #[command(after_help = "Examples:
  # a task on the images of a Snapshot, with a list of two as parameter
  assay plugin run out/registry-gate.wasm --images snapshot.json \\
      --param registries=registry.example/ --param registries=quay.example/

  # a check of one image, whose evidence is in an OCI layout
  assay plugin run out/license-gate.wasm --image registry.example/shop/cart@sha256:… \\
      --evidence ./oci --public-key cosign.pub

  # a job of an adapter under development, recorded as the case `green`
  assay plugin run out/jenkins.wasm --param url=http://localhost:8080/job/cart --dev \\
      --secret jenkins=env:JENKINS_AUTH --record tests/green

  # the same job after this process or the machine stopped
  assay plugin run --resume 7f3a91c0

  # a locked plugin by its name, without its registry
  assay plugin run jenkins --plugins plugins.toml --from plugins.tar \\
      --param url=https://ci.example.com/job/cart

  # a report of what was validated
  assay plugin run out/summary.wasm --events events.jsonl --artifacts reports

Exit codes:
  0  the outcome is success, warning or skipped
  1  the outcome is failure
  2  invalid request: the plugin, the Snapshot, a parameter, a secret or a job
  3  error: there is no verdict, the plugin may not run, or the job waits for `--resume`")]
    Run(Box<author::RunFlags>),

    /// Print what a component is, requests and declares
    #[command(after_help = "Examples:
  # the manifest, permissions and limits of a component
  assay plugin inspect out/license-gate.wasm

  # what a new version requests that the old one did not
  assay plugin inspect registry.example/acme/jenkins:0.3.1 \\
      --diff registry.example/acme/jenkins:0.3.0

  # who signed the locked plugin, and what is it granted?
  assay plugin inspect jenkins --plugins plugins.toml")]
    Inspect(author::InspectFlags),

    /// Push a component to a registry
    #[command(after_help = "Examples:
  # push version 0.3.0 under its tag, signed and with its SBOM
  assay plugin push out/jenkins.wasm registry.example/acme/jenkins --sign-key cosign.key \\
      --sbom sbom.cdx.json

Prints the reference by digest.

Exit codes:
  0  the component was pushed
  2  invalid request: the reference, the key or the SBOM
  3  error: not a plugin, or the registry did not take it")]
    Push(distribution::PushFlags),

    /// Pull a plugin from a registry
    #[command(after_help = "Examples:
  # which digest does the tag stand for, and what is it?
  assay plugin pull registry.example/acme/jenkins:0.3.0

  # everything that a run without a network needs
  assay plugin pull --save plugins.tar --plugins plugins.toml

Exit codes:
  0  the plugin was pulled
  2  invalid request
  3  error: it cannot be fetched, or is not what its digest says")]
    Pull(distribution::PullFlags),

    /// Sign a plugin in a registry
    #[command(after_help = "Examples:
  # sign with a key of `cosign generate-key-pair`
  assay plugin sign registry.example/acme/jenkins@sha256:… --sign-key cosign.key")]
    Sign(distribution::SignFlags),

    /// Verify the signature of a plugin, or all that a run would verify
    #[command(after_help = "Examples:
  # is it signed with this key?
  assay plugin verify registry.example/acme/jenkins:0.3.0 --key cosign.pub --ignore-rekor

  # may it run?
  assay plugin verify jenkins --plugins plugins.toml

Exit codes:
  0  verified
  1  not verified
  2  invalid request
  3  error: it could not be verified")]
    Verify(Box<distribution::VerifyFlags>),

    /// Evaluate a policy over everything that is known of a plugin, and sign the verdict
    #[command(after_help = "Examples:
  # may version 0.3.1 run?
  assay plugin vet registry.example/acme/jenkins:0.3.1 --policy policies/vet --plugins plugins.toml

  # attach the verdict, which runs with `vet = \"required\"` need
  assay plugin vet registry.example/acme/jenkins@sha256:… --policy policies/vet \\
      --plugins plugins.toml --sign-key team.key

Exit codes:
  0  accepted
  1  denied
  2  invalid request
  3  error: it could not be evaluated")]
    Vet(distribution::VetFlags),

    /// Pin the plugins of plugins.toml in assay.lock
    #[command(after_help = "Examples:
  # pin what is new, and check the rest
  assay plugin lock

  # in CI: is the lock file right, and does every tag still stand for what was locked?
  assay plugin lock --check

Exit codes:
  0  the lock file was written, or is right
  1  it is not right (--check)
  2  invalid request
  3  error: a plugin cannot be locked")]
    Lock(distribution::LockFlags),

    /// Move plugins in assay.lock to the newest version that plugins.toml allows
    #[command(after_help = "Examples:
  # one plugin
  assay plugin update jenkins")]
    Update(distribution::UpdateFlags),

    /// List the plugins of plugins.toml with what assay.lock says
    #[command(after_help = "Examples:
  # which versions run, and who vetted them?
  assay plugin list")]
    List(distribution::ListFlags),

    /// Measure how long a component takes to compile, load and call
    #[command(after_help = "Examples:
  # a thousand calls of its description
  assay plugin bench out/license-gate.wasm --runs 1000")]
    Bench(distribution::BenchFlags),

    /// Manage the native code that was compiled of plugins
    Cache {
        #[command(subcommand)]
        what: CacheCommand,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// List what is in the cache
    #[command(after_help = "Examples:
  # which components are compiled already?
  assay plugin cache list")]
    List(CacheFlags),
    /// Remove everything from the cache
    #[command(after_help = "Examples:
  # free the disk space
  assay plugin cache prune")]
    Prune(CacheFlags),
    /// Print the directory of the cache
    #[command(after_help = "Examples:
  # where is it?
  assay plugin cache path

ASSAY_PLUGIN_CACHE names another directory, or is `off`.")]
    Path(CacheFlags),
}

#[derive(Debug, clap::Args)]
pub(crate) struct CacheFlags {
    /// Output format: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", hide_possible_values = true)]
    pub(crate) format: Format,
}

/// The form of a result on standard output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// One JSON document.
    Json,
}
