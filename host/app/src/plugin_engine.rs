//! [`PluginEngine`]: how components are compiled and where their code is kept, and [`start_engine`], which begins with it.

use std::time::Duration;

use assay_wasm::{CodeCache, Compiler, Engine, EngineError, EngineOptions};
use camino::Utf8PathBuf;

pub use assay_wasm::run_compiler;

/// The first argument of the child process that compiles a component.
pub const COMPILE_VERB: &str = "__compile";

/// How components are compiled and where their code is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PluginEngine {
    /// This program, which compiles when its first argument is [`COMPILE_VERB`]. Without it, components are compiled in
    /// this process, without limits.
    pub program: Option<Utf8PathBuf>,
    /// How long one component may take to compile; the default is a minute.
    pub compile_time: Option<Duration>,
    /// The folder for native code; none keeps nothing.
    pub cache: Option<Utf8PathBuf>,
}

impl PluginEngine {
    /// The settings of a process.
    ///
    /// # Errors
    /// A variable is not what it should be: one sentence.
    pub fn from_environment(
        variable: impl Fn(&str) -> Option<String>,
        cache_home: Option<Utf8PathBuf>,
    ) -> Result<Self, String> {
        let compile_time = match variable(Compiler::TIME_VARIABLE).filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => match text.parse::<u64>() {
                Ok(seconds @ 1..=86_400) => Some(Duration::from_secs(seconds)),
                _ => return Err(format!("{} is `{text}`, not a number of seconds", Compiler::TIME_VARIABLE)),
            },
        };
        let default = || cache_home.map(|home| home.join("assay/plugins"));
        let cache = match variable(CodeCache::VARIABLE).filter(|text| !text.is_empty()) {
            None => default(),
            Some(text) if text == "off" => None,
            Some(text) if text.starts_with('/') => Some(text.into()),
            Some(text) => {
                return Err(format!("{} is `{text}`, neither an absolute path nor `off`", CodeCache::VARIABLE));
            }
        };
        // Not the name that it was called by: that may be a link.
        let program = std::env::current_exe().ok().and_then(|path| Utf8PathBuf::from_path_buf(path).ok());
        Ok(Self { program, compile_time, cache })
    }

    /// The cache, if there is one.
    #[must_use]
    pub fn code_cache(&self) -> Option<CodeCache> {
        self.cache.as_ref().map(|folder| CodeCache::new(folder.clone().into_std_path_buf()))
    }
}

/// An engine for so many calls at once.
///
/// # Errors
/// The engine cannot start.
pub fn start_engine(settings: &PluginEngine, slots: u32) -> Result<Engine, EngineError> {
    let compiler = match &settings.program {
        Some(program) => Compiler::Child {
            program: program.clone().into_std_path_buf(),
            verb: COMPILE_VERB.into(),
            time: settings.compile_time.unwrap_or(Compiler::TIME),
        },
        None => Compiler::InProcess,
    };
    Engine::new(EngineOptions { slots, compiler, cache: settings.code_cache() })
}

/// An engine that does not compare cached code with its digest, to measure what that takes.
pub(crate) fn unverified_engine(settings: &PluginEngine) -> Result<Engine, EngineError> {
    let cache = settings.code_cache().map(CodeCache::without_verification);
    Engine::new(EngineOptions { slots: 1, compiler: Compiler::InProcess, cache })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(variables: &[(&str, &str)]) -> Result<PluginEngine, String> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        PluginEngine::from_environment(variable, Some("/home/u/.cache".into()))
    }

    #[test]
    fn variables_choose_the_folder_and_the_time() {
        let plain = settings(&[]).unwrap();
        assert_eq!((plain.cache.unwrap().as_str(), plain.compile_time), ("/home/u/.cache/assay/plugins", None));
        assert!(plain.program.unwrap().is_absolute());
        let other = settings(&[(CodeCache::VARIABLE, "/x"), (Compiler::TIME_VARIABLE, "7")]).unwrap();
        assert_eq!((other.cache.unwrap().as_str(), other.compile_time), ("/x", Some(Duration::from_secs(7))));
        assert_eq!(settings(&[(CodeCache::VARIABLE, "off")]).unwrap().cache, None);
    }

    #[test]
    fn a_variable_that_is_nonsense_is_refused() {
        for pair in [(CodeCache::VARIABLE, "x"), (Compiler::TIME_VARIABLE, "0"), (Compiler::TIME_VARIABLE, "soon")] {
            assert!(settings(&[pair]).unwrap_err().contains(pair.0));
        }
    }
}
