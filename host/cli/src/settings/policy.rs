//! The policy configuration: where it is, and what it says.

use assay_model::{limits, policy::PolicySpec};
use camino::Utf8Path;

use super::file_or_text;
use crate::{error::Unusable, flags::image::PolicyFlags};

pub(super) fn policy(flags: &PolicyFlags) -> Result<PolicySpec, Unusable> {
    let Some(argument) = flags.policy.as_deref().filter(|text| !text.is_empty()) else {
        return Ok(PolicySpec::default());
    };
    let is_file = Utf8Path::new(argument).exists();
    let remote = ["https://", "http://", "git::", "git@", "git://", "oci::", "oci://", "k8s://"];
    if !is_file && (remote.iter().any(|scheme| argument.starts_with(scheme)) || argument.ends_with(".git")) {
        return Err(Unusable::new(format!("`--policy {argument}`: only local policy configurations are read so far"))
            .hint("fetch it first and give the file"));
    }
    let (text, origin) = file_or_text(argument, "--policy", limits::CONFIG_FILE_BYTES)?;
    PolicySpec::parse(&text).map_err(|error| {
        Unusable::new(format!("{error} ({origin})"))
            .hint("a policy configuration is an object with `sources`, each with `policy` and perhaps `data`, `ruleData`, `config`")
    })
}
