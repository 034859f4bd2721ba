//! [`check_findings`]: what every finding of a plugin must have, in whatever world.

use assay_model::error::{ErrorCode, EvaluationError};

use crate::{limits, manifest::Manifest, text, values::PluginFinding};

/// Refuses findings of codes that the manifest does not declare, without a message, or beyond the limits.
pub(crate) fn check_findings(plugin: &Manifest, findings: &[PluginFinding]) -> Result<(), EvaluationError> {
    let error = |what: String| EvaluationError::new(ErrorCode::PluginError, format!("plugin `{}` {what}", plugin.name));
    if findings.len() > limits::FINDINGS {
        let (count, max) = (findings.len(), limits::FINDINGS);
        return Err(error(format!("returned {count} findings, more than the {max} allowed")));
    }
    let mut bytes = 0;
    for found in findings {
        let code = text::one_line(&found.code, 100);
        if plugin.rules.iter().all(|rule| rule.code != found.code) {
            return Err(error(format!("returned a finding of the code `{code}`, which its manifest does not declare")));
        }
        let texts = || found.terms.iter().chain([&found.message]).chain(&found.solution).chain(&found.subject);
        if let Some(long) = texts().find(|text| text.len() > limits::TEXT_BYTES) {
            let (size, max) = (long.len(), limits::TEXT_BYTES);
            return Err(error(format!(
                "returned a finding of the code `{code}` with a text of {size} bytes, more than the {max} allowed"
            )));
        }
        bytes += texts().map(String::len).sum::<usize>();
        if bytes > limits::RESULT_BYTES {
            return Err(error(format!("returned findings of more than the {} bytes allowed", limits::RESULT_BYTES)));
        }
        if found.message.is_empty() {
            return Err(error(format!("returned a finding of the code `{code}` without a message")));
        }
    }
    Ok(())
}
