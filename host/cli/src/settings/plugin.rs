//! [`PluginFlag`]: a WebAssembly check with its parameters.

use camino::{Utf8Path, Utf8PathBuf};

use crate::error::CliError;

/// `--plugin FILE.wasm?param=value&…`
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct PluginFlag {
    pub(crate) file: Utf8PathBuf,
    pub(crate) params: Vec<(String, String)>,
}

impl PluginFlag {
    pub(super) fn parse(text: &str) -> Result<Self, CliError> {
        // A file with a question mark in its name is used as it is.
        let (file, query) = match text.split_once('?') {
            Some((file, query)) if !Utf8Path::new(text).exists() => (file, query),
            _ => (text, ""),
        };
        let mut params = Vec::new();
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let Some((name, value)) = pair.split_once('=') else {
                return Err(CliError::new(format!("`--plugin {text}`: `{pair}` is not PARAM=VALUE"))
                    .hint("write parameters as in `check.wasm?deny=GPL-3.0-only&allow=MIT`"));
            };
            params.push((name.to_owned(), value.to_owned()));
        }
        Ok(Self { file: file.into(), params })
    }
}
