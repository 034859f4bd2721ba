//! [`PolicySet`]: compiled policies for policy authors. They are tested, queried, benchmarked and inspected; unlike
//! a policy of Conforma they need no rule that denies, and they are not evaluated for images.

use std::time::{Duration, Instant};

use crate::{
    bundle,
    compile_error::{CompileError, Problem},
    compile_options::CompileOptions,
    coverage::CoverageReport,
    engine::{self, Lines, with_large_stack},
    module_summary::ModuleSummary,
    sources::Sources,
};

/// Compiled policies with their data. Nothing changes in it: threads share it.
#[derive(Debug)]
pub struct PolicySet {
    pub(crate) program: engine::Policy,
    pub(crate) modules: Vec<ModuleSummary>,
    /// The lines of each file that can be covered.
    pub(crate) lines: Vec<Lines>,
    timings: Timings,
}

/// How long compiling took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Timings {
    /// Parsing the modules.
    pub parse: Duration,
    /// Everything after that.
    pub compile: Duration,
}

impl PolicySet {
    /// Compiles the sources. All errors that are found in one pass are reported at once.
    pub fn compile(sources: Sources, options: CompileOptions) -> Result<Self, CompileError> {
        let bundles = sources.bundles().to_vec();
        let (files, data) = sources.into_parts();
        let problems = |errors: Vec<_>| errors.into_iter().map(Problem::from).collect::<Vec<_>>();
        let work = || {
            let data = data
                .into_value()
                .map_err(|error| vec![Problem::new(None, format!("the data cannot be read: {error}"))])?;
            let started = Instant::now();
            let files = engine::Files::parse(files, options).map_err(problems)?;
            let modules: Vec<_> = files.module_summaries().into_iter().map(|(module, _)| module).collect();
            let packages: Vec<_> = modules.iter().map(|it| (it.file.as_str(), it.package.as_slice())).collect();
            if let Some(message) = bundle::misfit(&bundles, &packages) {
                return Err(vec![Problem::new(None, message)]);
            }
            let lines = files.lines();
            let parsed = Instant::now();
            let program = files.compile(data).map_err(problems)?;
            let conflicts = program.data_conflicts();
            if !conflicts.is_empty() {
                return Err(problems(conflicts));
            }
            let timings = Timings { parse: parsed - started, compile: parsed.elapsed() };
            Ok(Self { program, modules, lines, timings })
        };
        with_large_stack(work)?.map_err(|mut problems: Vec<Problem>| {
            problems.sort();
            CompileError::Problems(problems)
        })
    }

    /// How long compiling took.
    #[must_use]
    pub const fn timings(&self) -> Timings {
        self.timings
    }

    /// The line coverage of some evaluations, of every file.
    #[must_use]
    pub fn coverage(&self, hits: &crate::coverage::Hits) -> CoverageReport {
        let files = self.program.sources().iter().zip(&self.lines).zip(0_u32..);
        CoverageReport::new(files.map(|((source, lines), at)| (source.name.clone(), hits.0.rows(at, source, lines))))
    }
}
