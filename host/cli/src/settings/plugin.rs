//! [`parse_plugin`]: a WebAssembly check with its parameters.

use assay_app::PluginRequest;
use camino::Utf8Path;

use crate::error::CliError;

/// `--plugin FILE.wasm?param=value&…`
pub(super) fn parse_plugin(text: &str) -> Result<PluginRequest, CliError> {
    // A file whose name holds a question mark is taken as it is.
    let (file, query) = match text.split_once('?') {
        Some((file, query)) if !Utf8Path::new(text).exists() => (file, query),
        _ => (text, ""),
    };
    let mut params = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(CliError::new(format!("`--plugin {text}`: `{pair}` is not PARAM=VALUE"))
                .hint("write parameters like `check.wasm?deny=GPL-3.0-only&allow=MIT`"));
        };
        params.push((name.to_owned(), value.to_owned()));
    }
    Ok(PluginRequest { file: file.into(), params })
}
