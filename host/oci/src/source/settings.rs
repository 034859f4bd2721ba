//! [`kept`]: which of the user's git settings git is given.
//!
//! A file of settings can make git run any command (`core.sshCommand`, `uploadpack.packObjectsHook`, a credential
//! helper that begins with `!`), and anyone who can write one decides what runs at the next fetch. So git reads none of
//! the user's and the system's files itself. What is needed to reach private repositories is read from them, looked
//! through here, and handed over in a file of our own: who proves what to whom (`credential`), by which proxies and
//! authorities (`http`), under which address (`url.….insteadOf`) and whose folders are trusted (`safe.directory`).
//! Credential helpers are programs found by their names in `PATH`; those given as shell text or by path are found by
//! their names as well, or left out. Settings that turn checks of certificates off are left out.
//!
//! The environment is not a file that somebody could have left: `GIT_SSH_COMMAND`, `GIT_SSH` and `GIT_ASKPASS` stay as
//! the caller of this program set them. Settings that come through the environment (`GIT_CONFIG_COUNT`) are looked
//! through like those of files.

/// Settings that are handed over as they are: a section and its variables.
const KEPT: [(&str, &[&str]); 4] = [
    ("credential", &["username", "usehttppath", "credentialstore", "provider", "authority", "interactive"]),
    (
        "http",
        &[
            "proxy",
            "proxyauthmethod",
            "proxysslcainfo",
            "proxysslcert",
            "proxysslkey",
            "sslcainfo",
            "sslcapath",
            "sslcert",
            "sslkey",
            "sslbackend",
            "sslversion",
            "extraheader",
            "emptyauth",
            "delegation",
            "useragent",
            "version",
        ],
    ),
    ("url", &["insteadof"]),
    ("safe", &["directory"]),
];

/// Settings that would reach a repository, and run a command to do so. A fetch that fails without them names them.
const MISSED: [(&str, &str); 3] = [("core", "sshcommand"), ("core", "askpass"), ("core", "gitproxy")];

/// Programs that implement git's credential protocol with these arguments.
const SPEAKERS: [&str; 2] = ["gh", "glab"];

/// The settings that git is given.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    /// A file of settings, as git reads it.
    pub(super) file: String,
    /// The names of settings that were left out though a private repository may need them.
    pub(super) left_out: Vec<String>,
}

/// Looks through the output of `git config --null --list`.
pub(super) fn kept(listed: &str) -> Settings {
    let mut settings = Settings::default();
    for item in listed.split_terminator('\0') {
        let (key, value) = match item.split_once('\n') {
            Some((key, value)) => (key, Some(value)),
            None => (item, None),
        };
        let Some((section, rest)) = key.split_once('.') else { continue };
        let (of, variable) = match rest.rsplit_once('.') {
            Some((of, variable)) => (Some(of), variable),
            None => (None, rest),
        };
        let mut value = value.map(str::to_owned);
        if (section, variable) == ("credential", "helper") {
            value = helper(value.as_deref().unwrap_or_default());
            if value.is_none() {
                settings.left_out.push(key.to_owned());
                continue;
            }
        } else if MISSED.contains(&(section, variable)) {
            settings.left_out.push(key.to_owned());
            continue;
        } else if !KEPT.iter().any(|(name, variables)| *name == section && variables.contains(&variable))
            || section == "url" && !of.is_some_and(is_address)
        {
            continue;
        }
        settings.file.push_str(&written(section, of, variable, value.as_deref()));
    }
    settings.left_out.sort();
    settings.left_out.dedup();
    settings
}

/// Whether an address may stand in another's place: no helper of git's, which could be a command.
fn is_address(text: &str) -> bool {
    let is_scp = text.split_once('@').is_some_and(|(user, rest)| {
        user.bytes().all(|byte| byte.is_ascii_alphanumeric()) && rest.contains(':') && !rest.contains("::")
    });
    text.starts_with("https://") || text.starts_with("ssh://") || is_scp
}

/// A credential helper that is a program in `PATH`. An empty one makes git forget those before it.
fn helper(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b" ~_-./=:,+@%".contains(&byte);
    let (is_shell, words) = match text.strip_prefix('!') {
        Some(command) => (true, command),
        None => (false, text),
    };
    if !words.bytes().all(plain) {
        return None;
    }
    let mut words = words.split_ascii_whitespace();
    let Some(program) = words.next() else { return (!is_shell).then(String::new) };
    let arguments: Vec<&str> = words.collect();
    let name = program.rsplit('/').next().unwrap_or_default();
    let of_git = |name: &str| {
        let is_name =
            !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        is_name.then(|| [&[name][..], &arguments].concat().join(" "))
    };
    if is_shell {
        let speaks = SPEAKERS.contains(&name) && arguments == ["auth", "git-credential"];
        return speaks.then(|| format!("!{name} auth git-credential"));
    }
    if program.contains('/') { of_git(name.strip_prefix("git-credential-")?) } else { of_git(program) }
}

/// A setting in the syntax of git's files.
fn written(section: &str, of: Option<&str>, variable: &str, value: Option<&str>) -> String {
    let quoted = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"");
    let of = of.map(|of| format!(" \"{}\"", quoted(of))).unwrap_or_default();
    let value = value.map(|value| format!(" = \"{}\"", quoted(value).replace('\n', "\\n").replace('\t', "\\t")));
    format!("[{section}{of}]\n\t{variable}{}\n", value.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(settings: &[(&str, &str)]) -> Settings {
        kept(&settings.iter().map(|(key, value)| format!("{key}\n{value}\0")).collect::<String>())
    }

    #[test]
    fn what_reaches_private_repositories_is_handed_over() {
        for (key, value, want) in [
            ("credential.helper", "store --file=~/.creds", "[credential]\n\thelper = \"store --file=~/.creds\"\n"),
            ("credential.https://h.test.helper", "", "[credential \"https://h.test\"]\n\thelper = \"\"\n"),
            ("credential.helper", "/usr/lib/x/git-credential-manager", "[credential]\n\thelper = \"manager\"\n"),
            (
                "credential.helper",
                "!/opt/gh auth git-credential",
                "[credential]\n\thelper = \"!gh auth git-credential\"\n",
            ),
            (
                "http.https://h.test.extraheader",
                "A: b \"c\\",
                "[http \"https://h.test\"]\n\textraheader = \"A: b \\\"c\\\\\"\n",
            ),
            ("http.proxy", "http://p.test:1", "[http]\n\tproxy = \"http://p.test:1\"\n"),
            (
                "url.ssh://git@h.test/.insteadof",
                "https://h.test/",
                "[url \"ssh://git@h.test/\"]\n\tinsteadof = \"https://h.test/\"\n",
            ),
            (
                "url.git@h.test:.insteadof",
                "https://h.test/",
                "[url \"git@h.test:\"]\n\tinsteadof = \"https://h.test/\"\n",
            ),
            ("safe.directory", "*", "[safe]\n\tdirectory = \"*\"\n"),
        ] {
            assert_eq!(file(&[(key, value)]), Settings { file: want.to_owned(), left_out: Vec::new() }, "{key}");
        }
        assert_eq!(kept("credential.usehttppath\0").file, "[credential]\n\tusehttppath\n", "a name alone means true");
    }

    #[test]
    fn what_runs_commands_or_turns_checks_off_is_left_out() {
        for (key, value) in [
            ("uploadpack.packobjectshook", "touch x"),
            ("core.fsmonitor", "touch x"),
            ("core.hookspath", "/x"),
            ("core.pager", "touch x"),
            ("alias.credential-store", "!touch x"),
            ("include.path", "/x"),
            ("http.sslverify", "false"),
            ("http.https://h.test.sslverify", "false"),
            ("protocol.ext.allow", "always"),
            ("url.ext::sh -c touch% x.insteadof", "https://"),
            ("url./outside/.insteadof", "https://"),
            ("url.a@b::c.insteadof", "https://"),
            ("remote.origin.uploadpack", "touch x"),
            ("filter.lfs.smudge", "touch x"),
            ("gpg.program", "x"),
            ("nonsense", "x"),
        ] {
            assert_eq!(file(&[(key, value)]), Settings::default(), "{key}");
        }
        for (key, value) in [
            ("credential.helper", "!touch x"),
            ("credential.helper", "!f() { touch x; }; f"),
            ("credential.helper", "!gh auth git-credential; touch x"),
            ("credential.helper", "store; touch x"),
            ("credential.helper", "store $(touch x)"),
            ("credential.helper", "/outside/evil"),
            ("credential.helper", "../evil"),
            ("credential.helper", "!"),
            ("core.sshcommand", "sh -c x"),
            ("core.gitproxy", "x"),
            ("core.askpass", "x"),
        ] {
            let want = Settings { file: String::new(), left_out: vec![key.to_owned()] };
            assert_eq!(file(&[(key, value)]), want, "{key} {value}");
        }
    }

    #[test]
    fn a_value_cannot_become_another_setting() {
        let settings = file(&[("http.x\"] [core.proxy", "a\n[core]\n\tsshCommand = x")]);
        assert_eq!(settings.file.lines().filter(|line| line.trim_start().starts_with('[')).count(), 1, "{settings:?}");
    }
}
