//! `cargo xtask`: the tasks of the workspace by name.

use std::io::Write as _;

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};
use clap::{Parser, Subcommand};

/// Tasks of the workspace.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Build every plugin and test guest and print where the components are
    Guests {
        /// The target directory of the workspace; guests get a folder of their own in it
        #[arg(long, value_name = "DIR", env = "CARGO_TARGET_DIR", default_value = "target")]
        target_dir: Utf8PathBuf,
    },
    /// Build the plugins in `plugins`, in whatever language, and print where the components are
    Plugins {
        /// What is built
        #[command(flatten)]
        request: xtask::plugins::Request,
        /// The target directory of the workspace
        #[arg(long, value_name = "DIR", env = "CARGO_TARGET_DIR", default_value = "target")]
        target_dir: Utf8PathBuf,
    },
    /// Generate the example in `examples/shop` again, signed with a new key
    Fixtures,
    /// Run evaluation cases in OPA's format with the release build of the Rego engine
    OpaCases {
        /// One JSON object a line
        #[arg(value_name = "FILE.jsonl")]
        file: Utf8PathBuf,
    },
    /// Compare the Rego engine with OPA on modules by chance, and print where they differ
    OpaFuzz(xtask::opa_fuzz::Load),
    /// Run a table of Sigstore bundles and layers with expected verdicts, and print what is right, wrong and why
    SigstoreVerdicts {
        /// The table, as `host/evidence/src/keyless/verdicts.rs` describes it
        #[arg(value_name = "FILE.tsv")]
        file: Utf8PathBuf,
        /// The folder that the table's files are in
        #[arg(long, value_name = "DIR")]
        root: Utf8PathBuf,
        /// The built program, which then verifies each row as `assay verify`
        #[arg(long, value_name = "COMMAND")]
        program: Option<Utf8PathBuf>,
    },
    /// Serve what stands for a service of a third party; print the port, and a line of JSON for each request
    Double {
        /// `testing-farm`, `jenkins`, `prow`, `http-job`, `github-actions` or `gitlab-pipeline`
        #[arg(value_name = "SERVICE")]
        service: assay_doubles::Service,
        /// The port; any free one if it is not given
        #[arg(long, value_name = "N", default_value_t = 0)]
        port: u16,
        /// How it breaks; can be repeated
        #[arg(long, value_name = "NAME[:N]")]
        fault: Vec<assay_doubles::Fault>,
        /// Requests for its status after which a job ends
        #[arg(long, value_name = "N", default_value_t = 2)]
        polls: u32,
        /// The service's word for how jobs end; that for one that passed if it is not given
        #[arg(long, value_name = "WORD")]
        result: Option<String>,
    },
    /// Write `docs/policies.md` from the METADATA of the rules in `policies`
    PolicyDocs,
    /// Make the archive, the Debian package, the SBOM and the checksums of a release
    Dist {
        /// A built program instead of the release build
        #[arg(long, value_name = "FILE")]
        program: Option<Utf8PathBuf>,
        /// Where the files are written; `dist` in the target directory if it is not given
        #[arg(long, value_name = "DIR")]
        out: Option<Utf8PathBuf>,
        /// The target directory of the workspace
        #[arg(long, value_name = "DIR", env = "CARGO_TARGET_DIR", default_value = "target")]
        target_dir: Utf8PathBuf,
    },
    /// Write the pages of `docs/reference` that list commands, flags and variables, from the help of the built program
    Reference {
        /// The program
        #[arg(long, value_name = "FILE")]
        program: Option<Utf8PathBuf>,
        /// The target directory of the workspace
        #[arg(long, value_name = "DIR", env = "CARGO_TARGET_DIR", default_value = "target")]
        target_dir: Utf8PathBuf,
    },
    /// Write `docs/plugin-contract.md` from the WIT
    ContractDocs,
    /// Print how long the release build takes for many components, and how well it uses the cores
    #[command(args_conflicts_with_subcommands = true)]
    Bench {
        #[command(subcommand)]
        of: Option<Of>,
        /// How many components
        #[arg(long, value_name = "N", default_value_t = 50)]
        components: usize,
        /// How many times; the median is printed
        #[arg(long, value_name = "N", default_value_t = 5)]
        runs: usize,
        /// A built program instead of the release build
        #[arg(long, value_name = "FILE")]
        program: Option<Utf8PathBuf>,
        /// The target directory of the workspace
        #[arg(long, value_name = "DIR", env = "CARGO_TARGET_DIR", default_value = "target")]
        target_dir: Utf8PathBuf,
    },
    /// Print what a command costs, for the bench
    #[command(hide = true)]
    Cost {
        /// The command
        #[arg(last = true)]
        command: Vec<String>,
    },
}

#[derive(Subcommand)]
enum Of {
    /// Print how long the Rego engine takes compared with OPA, for policies of yours
    Rego(xtask::bench_rego::Load),
    /// Print how the time of each built-in function and construct of Rego grows, in our engine and in OPA
    RegoGrowth(xtask::bench_growth::Load),
    /// Print what a run costs from start to end: without a cache, with an empty one, and with what an earlier run kept
    Start(xtask::bench_start::Load),
    /// Print how many jobs of a third party are polled for each second when all of them are due at once
    Polls(xtask::bench_polls::Load),
    /// Print how many tasks that do nothing a run carries out for each second, on a disk or in memory
    Runs {
        /// The folder for the record; one in the target directory if it is not given
        #[arg(long, value_name = "DIR")]
        folder: Option<Utf8PathBuf>,
        /// The program, whose runs of a component that does nothing are measured as well
        #[arg(long, value_name = "FILE")]
        program: Option<Utf8PathBuf>,
    },
}

fn main() -> anyhow::Result<()> {
    let root = Utf8Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the crate is not inside the workspace")?;
    let made = match Arguments::parse().task {
        Task::Guests { target_dir } => xtask::guests::build(root, &root.join(target_dir))?,
        Task::Plugins { request, target_dir } => xtask::plugins::build(root, &root.join(target_dir), &request)?,
        Task::Bench { of: Some(Of::Rego(load)), target_dir, .. } => {
            xtask::bench_rego::run(root, &root.join(target_dir), &load)?;
            vec![]
        }
        Task::Bench { of: Some(Of::RegoGrowth(load)), target_dir, .. } => {
            xtask::bench_growth::run(root, &root.join(target_dir), &load)?;
            vec![]
        }
        Task::Bench { of: Some(Of::Start(load)), target_dir, .. } => {
            xtask::bench_start::run(root, &root.join(target_dir), &load)?;
            vec![]
        }
        Task::Bench { of: Some(Of::Polls(load)), target_dir, .. } => {
            xtask::bench_polls::run(root, &root.join(target_dir), &load)?;
            vec![]
        }
        Task::Bench { of: Some(Of::Runs { folder, program }), target_dir, .. } => {
            xtask::bench_runs::run(root, &root.join(target_dir), folder, program.as_deref())?;
            vec![]
        }
        Task::Cost { command } => vec![xtask::bench_rego::cost(&command)?.into()],
        Task::Bench { of: None, components, runs, program, target_dir } => {
            let request = xtask::bench::Request { program: program.as_deref(), components, runs };
            xtask::bench::run(root, &root.join(target_dir), &request)?;
            vec![]
        }
        Task::OpaCases { file } => {
            xtask::opa_cases::run(root, &file)?;
            vec![]
        }
        Task::OpaFuzz(load) => {
            xtask::opa_fuzz::run(&load)?;
            vec![]
        }
        Task::SigstoreVerdicts { file, root: folder, program } => {
            xtask::sigstore_verdicts::run(&file, &folder, program.as_deref())?;
            vec![]
        }
        Task::Double { service, port, fault, polls, result } => {
            let result = result.unwrap_or_else(|| service.passed().to_owned());
            let log = Some(print_line as fn(&str));
            let double = assay_doubles::Double::start(assay_doubles::Options {
                service,
                port,
                faults: fault,
                polls,
                result,
                log,
            })?;
            print_line(&double.port().to_string());
            double.wait();
            vec![]
        }
        Task::ContractDocs => vec![xtask::contract_docs::write(root)?],
        Task::PolicyDocs => vec![xtask::policy_docs::write(root)?],
        Task::Dist { program, out, target_dir } => {
            let target = root.join(target_dir);
            let out = out.unwrap_or_else(|| target.join("dist"));
            xtask::dist::write(&xtask::dist::Request { root, program: program.as_deref(), target: &target, out: &out })?
        }
        Task::Reference { program, target_dir } => {
            let program = program.unwrap_or_else(|| root.join(target_dir).join("debug/assay"));
            xtask::reference::write(root, &program)?
        }
        Task::Fixtures => vec![xtask::fixtures::write(&root.join("examples/shop"))?],
    };
    let mut out = std::io::stdout().lock();
    for path in made {
        writeln!(out, "{path}")?;
    }
    Ok(())
}

/// A line that is seen at once, also by a program that reads it.
fn print_line(line: &str) {
    let mut out = std::io::stdout().lock();
    let _closed = writeln!(out, "{line}").and_then(|()| out.flush());
}
