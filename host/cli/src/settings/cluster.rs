//! [`cluster_access`]: which cluster a command may read from, by its flags and the environment.

use std::path::PathBuf;

use assay_app::{ClusterAccess, ClusterOptions, Kubeconfigs};

use super::{Environment, non_empty};
use crate::flags::global::GlobalFlags;

/// The cluster of `--kubeconfig`, else of `KUBECONFIG`, else of `~/.kube/config`, else of the pod that this runs in.
pub(crate) fn cluster_access(flags: &GlobalFlags, env: &Environment) -> ClusterAccess {
    ClusterAccess::new(cluster_options(flags.kubeconfig.as_deref(), env), env.mode)
}

fn cluster_options(kubeconfig: Option<&str>, env: &Environment) -> ClusterOptions {
    let given = |name: &str| (env.variable)(name).filter(|value| !value.is_empty());
    let kubeconfigs = match (non_empty(kubeconfig), given("KUBECONFIG")) {
        (Some(file), _) => Kubeconfigs::Flag(PathBuf::from(file)),
        (None, Some(files)) => {
            let files = std::env::split_paths(&files).filter(|file| !file.as_os_str().is_empty());
            Kubeconfigs::Variable(files.collect())
        }
        (None, None) => Kubeconfigs::Default(given("HOME").map(|home| PathBuf::from(home).join(".kube/config"))),
    };
    ClusterOptions {
        kubeconfigs,
        service: given("KUBERNETES_SERVICE_HOST").zip(given("KUBERNETES_SERVICE_PORT")),
        account: PathBuf::from(ClusterOptions::ACCOUNT),
        deadline: env.deadline,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use assay_app::Mode;

    use super::*;
    use crate::registries::Network;

    fn kubeconfigs(flag: Option<&str>, variable: fn(&str) -> Option<String>) -> Kubeconfigs {
        let env = Environment {
            mode: Mode::Native,
            now: jiff::Timestamp::UNIX_EPOCH,
            colors: None,
            stdout_is_terminal: false,
            terminal_width: None,
            cache_home: || None,
            temporary: || "/tmp".into(),
            network: Network::default,
            variable,
            started: Instant::now(),
            deadline: None,
        };
        cluster_options(flag, &env).kubeconfigs
    }

    #[test]
    fn the_flag_counts_more_than_the_variable_and_that_more_than_the_home() {
        let all = |name: &str| match name {
            "KUBECONFIG" => Some("/a:/b::".to_owned()),
            "HOME" => Some("/home".to_owned()),
            _ => None,
        };
        let home = |name: &str| (name == "HOME").then(|| "/home".to_owned());
        assert_eq!(kubeconfigs(Some("k"), all), Kubeconfigs::Flag("k".into()));
        for unset in [None, Some("")] {
            assert_eq!(kubeconfigs(unset, all), Kubeconfigs::Variable(vec!["/a".into(), "/b".into()]));
        }
        assert_eq!(kubeconfigs(None, home), Kubeconfigs::Default(Some("/home/.kube/config".into())));
        assert_eq!(kubeconfigs(None, |_| None), Kubeconfigs::Default(None));
    }
}
