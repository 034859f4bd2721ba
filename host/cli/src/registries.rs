//! [`parse_options`]: the flags and the environment that have to do with registries, as the options of their client.

use std::{ops::RangeInclusive, path::PathBuf, str::FromStr, time::Duration};

use assay_oci::{Proxies, RegistryOptions, Retry};
use jiff::SignedDuration;

use crate::{
    error::CliError,
    files::read_bytes,
    flags::{go, registry::RegistryFlags},
};

/// A file of authorities; the whole of the world's is under 300 kB.
const AUTHORITIES_BYTES: u64 = 4 << 20;

/// What the environment says of registries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Network {
    /// Where credentials may stand, the first one first.
    pub(crate) credentials: Vec<PathBuf>,
    /// The proxies.
    pub(crate) proxies: Proxies,
}

impl Network {
    /// Reads variables by their names, in the ways of Docker, Podman and curl.
    pub(crate) fn read(get: impl Fn(&str) -> Option<String>) -> Self {
        let given = |name: &str| get(name).filter(|value| !value.is_empty());
        // Lowercase first, as in curl; uppercase HTTP_PROXY can be set by the client of a CGI program.
        let either = |small: &str, large: &str| given(small).or_else(|| given(large));
        let all = either("all_proxy", "ALL_PROXY");
        let path = |base: Option<String>, rest: &str| base.map(|base| PathBuf::from(base).join(rest));
        let docker = path(given("DOCKER_CONFIG"), "config.json")
            .or_else(|| path(given("HOME").or_else(|| given("USERPROFILE")), ".docker/config.json"));
        let credentials = [
            given("REGISTRY_AUTH_FILE").map(PathBuf::from),
            docker,
            path(given("XDG_RUNTIME_DIR"), "containers/auth.json"),
            path(given("XDG_CONFIG_HOME"), "containers/auth.json")
                .or_else(|| path(given("HOME"), ".config/containers/auth.json")),
        ];
        Self {
            credentials: credentials.into_iter().flatten().collect(),
            proxies: Proxies {
                https: either("https_proxy", "HTTPS_PROXY").or_else(|| all.clone()),
                http: either("http_proxy", "HTTP_PROXY").or(all),
                no_proxy: either("no_proxy", "NO_PROXY"),
            },
        }
    }
}

/// The options of the registries' client.
pub(crate) fn parse_options(flags: &RegistryFlags, network: Network) -> Result<RegistryOptions, CliError> {
    let default = Retry::default();
    let fraction = |flag: &str, text: &str, range: RangeInclusive<f64>, default: f64| {
        let given = parse_number(flag, text, default)?;
        if range.contains(&given) {
            return Ok(given);
        }
        let hint = format!("use a number from {} to {}", range.start(), range.end());
        Err(CliError::new(format!("`--{flag} {text}` cannot be used")).hint(hint))
    };
    let authorities = flags.registry_ca.iter().map(|file| read_bytes(file, "--registry-ca", AUTHORITIES_BYTES));
    Ok(RegistryOptions {
        insecure: flags.insecure_registry.clone(),
        allowed: flags.allow_registry.clone(),
        credentials: network.credentials,
        authorities: authorities.collect::<Result<_, _>>()?,
        proxies: network.proxies,
        retry: Retry {
            times: parse_count("retry-max-retry", &flags.retry_max_retry, default.times)?,
            wait: parse_duration("retry-duration", &flags.retry_duration, default.wait)?,
            factor: fraction("retry-factor", &flags.retry_factor, 1.0..=100.0, default.factor)?,
            jitter: fraction("retry-jitter", &flags.retry_jitter, 0.0..=10.0, default.jitter)?,
            longest: parse_duration("retry-max-wait", &flags.retry_max_wait, default.longest)?,
        },
        ..RegistryOptions::default()
    })
}

fn parse_number<T: FromStr>(flag: &str, text: &str, default: T) -> Result<T, CliError> {
    if text.is_empty() {
        return Ok(default);
    }
    text.parse()
        .map_err(|_| CliError::new(format!("`--{flag} {text}` is not a number")).hint("use a number such as 3 or 0.5"))
}

fn parse_count(flag: &str, text: &str, default: u32) -> Result<u32, CliError> {
    if text.is_empty() {
        return Ok(default);
    }
    go::count(text).map_err(|why| CliError::new(format!("`--{flag} {text}` is not a number")).hint(why))
}

fn parse_duration(flag: &str, text: &str, default: Duration) -> Result<Duration, CliError> {
    if text.is_empty() {
        return Ok(default);
    }
    let parsed = SignedDuration::from_str(text).ok().and_then(|duration| Duration::try_from(duration).ok());
    parsed.ok_or_else(|| {
        CliError::new(format!("`--{flag} {text}` is not a duration")).hint("use a duration such as 500ms, 3s or 1m30s")
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::Parser;

    use super::*;

    fn network(variables: &[(&str, &str)]) -> Network {
        let variables: BTreeMap<_, _> = variables.iter().copied().collect();
        Network::read(|name| variables.get(name).map(|&value| value.to_owned()))
    }

    #[test]
    fn credentials_are_looked_for_where_logins_write_them() {
        let paths = |variables: &[(&str, &str)]| {
            let paths = network(variables).credentials;
            paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>()
        };
        assert_eq!(paths(&[]), [""; 0]);
        assert_eq!(paths(&[("HOME", "/h")]), ["/h/.docker/config.json", "/h/.config/containers/auth.json"]);
        let all = [
            ("HOME", "/h"),
            ("DOCKER_CONFIG", "/d"),
            ("REGISTRY_AUTH_FILE", "/r/auth"),
            ("XDG_RUNTIME_DIR", "/x"),
            ("XDG_CONFIG_HOME", "/c"),
        ];
        let want = ["/r/auth", "/d/config.json", "/x/containers/auth.json", "/c/containers/auth.json"];
        assert_eq!(paths(&all), want);
    }

    #[test]
    fn proxies_are_read_as_curl_reads_them() {
        let got = network(&[("HTTPS_PROXY", "http://p"), ("https_proxy", "http://q"), ("NO_PROXY", "a,b")]).proxies;
        assert_eq!((got.https.as_deref(), got.http, got.no_proxy.as_deref()), (Some("http://q"), None, Some("a,b")));
        let got = network(&[("ALL_PROXY", "http://p"), ("HTTP_PROXY", "")]).proxies;
        assert_eq!((got.https.as_deref(), got.http.as_deref()), (Some("http://p"), Some("http://p")));
    }

    #[derive(Debug, Parser)]
    struct Only {
        #[command(flatten)]
        registry: RegistryFlags,
    }

    fn with(arguments: &[&str]) -> Result<RegistryOptions, String> {
        let flags = Only::try_parse_from(["x"].iter().chain(arguments)).map_err(|error| error.to_string())?;
        parse_options(&flags.registry, Network::default()).map_err(|error| error.text())
    }

    #[test]
    fn waits_are_those_of_ec_by_default() {
        assert_eq!(with(&[]).unwrap().retry, Retry::default());
        let unset = ["max-wait", "max-retry", "duration", "factor", "jitter"].map(|name| format!("--retry-{name}="));
        assert_eq!(with(&unset.each_ref().map(String::as_str)).unwrap().retry, Retry::default());
        let reported =
            ["--retry-max-wait", "1m", "--retry-max-retry", "0", "--retry-duration", "500ms", "--retry-factor", "3"];
        let got = with(&reported).unwrap().retry;
        assert_eq!((got.times, got.factor), (0, 3.0));
        assert_eq!((got.wait, got.longest), (Duration::from_millis(500), Duration::from_secs(60)));
        for (arguments, expected) in [
            (["--retry-duration", "soon"], "`--retry-duration soon` is not a duration"),
            (["--retry-max-wait", "-1s"], ""),
            (["--retry-factor", "0"], "--retry-factor"),
            (["--retry-jitter", "NaN"], "--retry-jitter"),
            (["--retry-max-retry", "many"], "`--retry-max-retry many` is not a number"),
            (["--registry-ca", "/no/such/file"], "/no/such/file"),
        ] {
            let error = with(&arguments).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}
