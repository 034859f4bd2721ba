//! [`parse_options`]: the flags and the environment that have to do with registries, as the options of their client.

use std::{
    ops::RangeInclusive,
    path::{Path, PathBuf},
    str::FromStr,
    time::Duration,
};

use assay_app::add_registries_conf;
use assay_oci::{Proxies, RegistriesConf, RegistryOptions, Retry};
use camino::Utf8Path;
use jiff::SignedDuration;

use crate::{
    error::CliError,
    files::{read_bytes, read_text},
    flags::{go, registry::RegistryFlags},
};

/// A file of authorities; the whole of the world's is under 300 kB.
const AUTHORITIES_BYTES: u64 = 4 << 20;

/// One registries.conf.
const REGISTRIES_CONF_BYTES: u64 = 4 << 20;

/// The system's file of registries, and the folder with parts of it (containers-registries.conf(5)).
const SYSTEM_REGISTRIES: &str = "/etc/containers/registries.conf";
const SYSTEM_PARTS: &str = "/etc/containers/registries.conf.d";

/// What the environment says of registries.
#[derive(Debug, Clone, Default)]
pub(crate) struct Network {
    /// Where credentials may stand, the first one first.
    pub(crate) credentials: Vec<PathBuf>,
    /// The proxies.
    pub(crate) proxies: Proxies,
    /// The file of registries that the user names, in place of those where they are by default.
    pub(crate) registries_conf: Option<PathBuf>,
    /// Where files of registries may be: of each list the first that exists.
    pub(crate) default_registries_confs: Vec<Vec<PathBuf>>,
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
        let configuration = path(given("XDG_CONFIG_HOME"), "containers/registries.conf")
            .or_else(|| path(given("HOME"), ".config/containers/registries.conf"));
        let own_parts = configuration.as_ref().map(|file| file.with_extension("conf.d"));
        let main = configuration.into_iter().chain([PathBuf::from(SYSTEM_REGISTRIES)]).collect();
        let parts = own_parts.map(|folder| vec![folder]);
        Self {
            registries_conf: given("CONTAINERS_REGISTRIES_CONF").map(PathBuf::from),
            default_registries_confs: [Some(main), Some(vec![PathBuf::from(SYSTEM_PARTS)]), parts]
                .into_iter()
                .flatten()
                .collect(),
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
    let registries_conf = read_registries_conf(&network)?;
    let authorities = flags.registry_ca.iter().map(|file| read_bytes(file, "--registry-ca", AUTHORITIES_BYTES));
    Ok(RegistryOptions {
        registries_conf,
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

/// Which hosts stand for which registries, and which are blocked.
fn read_registries_conf(network: &Network) -> Result<RegistriesConf, CliError> {
    let mut conf = RegistriesConf::default();
    let mut add = |file: &Path, whence: &str| {
        let path = Utf8Path::from_path(file)
            .ok_or_else(|| CliError::new(format!("{whence}: the path `{}` is not valid UTF-8", file.display())))?;
        let text = read_text(path, whence, REGISTRIES_CONF_BYTES)?;
        add_registries_conf(&mut conf, &text).map_err(|why| {
            CliError::new(format!("{whence}: `{path}` cannot be used: {why}"))
                .hint("see containers-registries.conf(5), or name another file with CONTAINERS_REGISTRIES_CONF")
        })
    };
    if let Some(file) = &network.registries_conf {
        add(file, "CONTAINERS_REGISTRIES_CONF")?;
        return Ok(conf);
    }
    for places in &network.default_registries_confs {
        let Some(place) = places.iter().find(|place| place.exists()) else { continue };
        if place.is_file() {
            add(place, "registries.conf")?;
            continue;
        }
        // A folder that may not be read is of no use to any program of the user.
        let Ok(parts) = fs_err::read_dir(place) else { continue };
        let mut parts: Vec<PathBuf> = parts.filter_map(|part| Some(part.ok()?.path())).collect();
        parts.sort();
        for part in parts.iter().filter(|part| part.extension().is_some_and(|end| end == "conf")) {
            add(part, "registries.conf.d")?;
        }
    }
    Ok(conf)
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

    #[test]
    fn files_of_registries_are_read_where_podman_has_them_and_a_named_one_stands_alone() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs_err::create_dir_all(path.parent().unwrap()).unwrap();
            fs_err::write(&path, text).unwrap();
            path.to_str().unwrap().to_owned()
        };
        let blocks = |host: &str| format!("[[registry]]\nlocation = \"{host}\"\nblocked = true\n");
        write("containers/registries.conf", &blocks("a.test"));
        write("containers/registries.conf.d/1.conf", &blocks("b.test"));
        write("containers/registries.conf.d/2.txt", "not read");
        let named = write("named.conf", &blocks("c.test"));
        let bad = write("bad.conf", "[[registry]]\nlocation = \"a.test\"\nbloked = true\n");
        let home = folder.path().to_str().unwrap();
        let conf = |variables: &[(&str, &str)]| {
            let mut network = network(variables);
            // Whatever this machine has.
            network.default_registries_confs.iter_mut().for_each(|places| places.retain(|it| !it.starts_with("/etc")));
            read_registries_conf(&network).map_err(|error| error.text())
        };
        let mut want = RegistriesConf::default();
        add_registries_conf(&mut want, &(blocks("a.test") + &blocks("b.test"))).unwrap();
        assert_eq!(conf(&[("XDG_CONFIG_HOME", home)]).unwrap(), want);
        let mut want = RegistriesConf::default();
        add_registries_conf(&mut want, &blocks("c.test")).unwrap();
        assert_eq!(conf(&[("XDG_CONFIG_HOME", home), ("CONTAINERS_REGISTRIES_CONF", &named)]).unwrap(), want);
        assert_eq!(conf(&[]).unwrap(), RegistriesConf::default());
        for (file, says) in [(bad.as_str(), "bloked"), ("/no/such/file", "/no/such/file")] {
            let error = conf(&[("CONTAINERS_REGISTRIES_CONF", file)]).unwrap_err();
            assert!(error.contains(says) && error.contains("CONTAINERS_REGISTRIES_CONF"), "{error}");
        }
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
