//! [`Kubeconfig`]: the files that name clusters, users and contexts (`v1 Config` of Kubernetes' client), merged and reduced to
//! the current context.
//!
//! Of every list the first item of a name counts, as in `kubectl`. Files that the chosen items name are read here, with a
//! limit, so that the library below opens none. A program for credentials (`exec`) is kept only if the user named the
//! file; `auth-provider`, which may start one as well, never.

use std::{
    io,
    path::{Path, PathBuf},
};

use assay_model::{
    bounded::{ReadError, read_bounded},
    cluster::{ClusterError, is_namespace},
    memory::Memory,
    yaml,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Map, Value, json};

use crate::{
    error::{invalid, shown},
    options::Kubeconfigs,
};

/// A kubeconfig or a file that it names. A file of a hundred clusters with their certificates has some hundred kB.
pub(crate) const FILE_BYTES: u64 = 1 << 20;
/// The memory of a kubeconfig once it is read.
const FILE_MEMORY: u64 = 64 << 20;
/// Files that `KUBECONFIG` may name.
const FILES: usize = 100;

/// Several files as one, items in the order of the files.
#[derive(Debug, Default)]
pub(crate) struct Kubeconfig {
    clusters: Vec<Item>,
    users: Vec<Item>,
    contexts: Vec<Item>,
    current: Option<String>,
}

/// An item of a list with the folder of its file, from which its paths count.
#[derive(Debug)]
struct Item {
    name: String,
    fields: Map<String, Value>,
    folder: PathBuf,
}

/// What the current context chooses, with no file left to read.
#[derive(Debug)]
pub(crate) struct Selected {
    pub(crate) cluster: Map<String, Value>,
    pub(crate) user: Map<String, Value>,
    /// What the kubeconfig calls the user.
    pub(crate) user_name: String,
    pub(crate) namespace: Option<String>,
}

/// Reads the files that are there; none if there is none, and the user named none that must be.
pub(crate) fn read_kubeconfigs(named: &Kubeconfigs) -> Result<Option<Kubeconfig>, ClusterError> {
    let files = named.files();
    if files.len() > FILES {
        return Err(invalid(
            format!("KUBECONFIG names {} files, more than {FILES}", files.len()),
            "name only those that are needed",
        ));
    }
    let mut merged = Kubeconfig::default();
    let mut found = false;
    for file in files {
        let may_be_absent = !matches!(named, Kubeconfigs::Flag(_));
        match fs_err::symlink_metadata(file) {
            Err(error) if may_be_absent && error.kind() == io::ErrorKind::NotFound => continue,
            _ => found = true,
        }
        let text = String::from_utf8(read_file(file, "the kubeconfig")?)
            .map_err(|_| invalid(format!("the kubeconfig `{}` is not UTF-8", file.display()), "name another file"))?;
        let folder = file.parent().unwrap_or(Path::new(""));
        merged.add(&text, folder).map_err(|why| {
            invalid(
                format!("the kubeconfig `{}` cannot be used: {why}", file.display()),
                "`kubectl config view` shows whether kubectl reads it",
            )
        })?;
    }
    Ok(found.then_some(merged))
}

impl Kubeconfig {
    /// Adds what a file has; of a name that is there already, that stays.
    pub(crate) fn add(&mut self, text: &str, folder: &Path) -> Result<(), String> {
        let document = yaml::parse_within(text, &Memory::of(FILE_MEMORY)).map_err(|error| shown(&error.to_string()))?;
        let mut fields = match document {
            Value::Null => return Ok(()),
            Value::Object(fields) => fields,
            _ => return Err("it is not an object".to_owned()),
        };
        for (list, inner, items) in [
            ("clusters", "cluster", &mut self.clusters),
            ("users", "user", &mut self.users),
            ("contexts", "context", &mut self.contexts),
        ] {
            let given = match fields.remove(list) {
                None | Some(Value::Null) => continue,
                Some(Value::Array(given)) => given,
                Some(_) => return Err(format!("`{list}` is not a list")),
            };
            for item in given {
                let Value::Object(mut item) = item else {
                    return Err(format!("`{list}` has an item that is no object"));
                };
                let Some(Value::String(name)) = item.remove("name") else {
                    return Err(format!("`{list}` has an item without a `name`"));
                };
                let fields = match item.remove(inner) {
                    None | Some(Value::Null) => Map::new(),
                    Some(Value::Object(fields)) => fields,
                    Some(_) => return Err(format!("`{inner}` of `{}` is not an object", shown(&name))),
                };
                items.push(Item { name, fields, folder: folder.to_owned() });
            }
        }
        match fields.remove("current-context") {
            None | Some(Value::Null) => {}
            Some(Value::String(name)) if name.is_empty() => {}
            Some(Value::String(name)) => _ = self.current.get_or_insert(name),
            Some(_) => return Err("`current-context` is not a string".to_owned()),
        }
        Ok(())
    }

    /// The cluster and the user of the current context. `may_exec` says whether the user named the files.
    pub(crate) fn select(mut self, may_exec: bool) -> Result<Selected, ClusterError> {
        let current = self.current.take().ok_or_else(|| {
            invalid("the kubeconfig has no `current-context`", "choose one with `kubectl config use-context`")
        })?;
        let context = take(&mut self.contexts, &current).ok_or_else(|| {
            invalid(
                format!("the kubeconfig has no context `{}`", shown(&current)),
                "`kubectl config get-contexts` lists those it has",
            )
        })?;
        let cluster_name = text(&context.fields, "cluster")?.unwrap_or_default();
        let mut cluster = take(&mut self.clusters, cluster_name).ok_or_else(|| {
            invalid(
                format!("the kubeconfig has no cluster `{}`", shown(cluster_name)),
                format!("the context `{}` names it", shown(&current)),
            )
        })?;
        let user_name = text(&context.fields, "user")?.unwrap_or_default().to_owned();
        // As for kubectl, a user that is not there is one without credentials.
        let mut user = take(&mut self.users, &user_name).unwrap_or_else(|| Item {
            name: user_name.clone(),
            fields: Map::new(),
            folder: PathBuf::new(),
        });
        let namespace = text(&context.fields, "namespace")?.filter(|name| !name.is_empty()).map(str::to_owned);
        if let Some(name) = namespace.as_deref().filter(|name| !is_namespace(name)) {
            return Err(invalid(
                format!("the namespace `{}` of the context `{}` is not a name", shown(name), shown(&current)),
                "a namespace has `a` to `z`, digits and `-`",
            ));
        }
        refuse_unsupported(&cluster, &user, may_exec)?;
        // `null` stands for an absent field, so that nothing behind this has to know it.
        for item in [&mut cluster, &mut user] {
            item.fields.retain(|_, value| !value.is_null());
        }
        cluster.replace_file("certificate-authority", "certificate-authority-data")?;
        user.replace_file("client-certificate", "client-certificate-data")?;
        user.replace_file("client-key", "client-key-data")?;
        user.read_token()?;
        user.resolve_command();
        Ok(Selected { cluster: cluster.fields, user: user.fields, user_name, namespace })
    }
}

impl Selected {
    /// A kubeconfig with this cluster and user alone.
    pub(crate) fn into_document(self) -> Value {
        json!({
            "current-context": "it",
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
            "clusters": [{"name": "it", "cluster": self.cluster}],
            "users": [{"name": "it", "user": self.user}],
        })
    }
}

fn take(items: &mut Vec<Item>, name: &str) -> Option<Item> {
    let index = items.iter().position(|item| item.name == name)?;
    Some(items.swap_remove(index))
}

/// What would be ignored or would do more than it says.
fn refuse_unsupported(cluster: &Item, user: &Item, may_exec: bool) -> Result<(), ClusterError> {
    let has = |item: &Item, field: &str| item.fields.get(field).is_some_and(|value| !value.is_null());
    let name = shown(&user.name);
    if has(user, "auth-provider") {
        return Err(invalid(
            format!("the kubeconfig's user `{name}` has an `auth-provider`, which is not supported"),
            "use a token, a client certificate or an `exec` plugin",
        ));
    }
    if has(user, "exec") && !may_exec {
        return Err(invalid(
            format!("the kubeconfig's user `{name}` has an `exec` plugin, which runs only from a file that you name"),
            "pass the file with `--kubeconfig`, or set KUBECONFIG",
        ));
    }
    if text(&cluster.fields, "proxy-url")?.is_some_and(|url| !url.is_empty()) {
        return Err(invalid(
            format!("the kubeconfig's cluster `{}` has a `proxy-url`, which is not supported", shown(&cluster.name)),
            "name a context that reaches the API server directly",
        ));
    }
    Ok(())
}

impl Item {
    /// Puts the content of a file in place of its path; content that is given counts more, as in `kubectl`.
    fn replace_file(&mut self, path: &str, data: &str) -> Result<(), ClusterError> {
        let file = text(&self.fields, path)?.filter(|file| !file.is_empty()).map(|file| self.folder.join(file));
        let given = text(&self.fields, data)?.is_some_and(|data| !data.is_empty());
        self.fields.remove(path);
        if let Some(file) = file.filter(|_| !given) {
            let content = STANDARD.encode(read_file(&file, &format!("`{path}` of the kubeconfig:"))?);
            self.fields.insert(data.to_owned(), Value::String(content));
        }
        Ok(())
    }

    /// Puts the token of a file in place of its path. `kubectl` takes the file where there are both.
    fn read_token(&mut self) -> Result<(), ClusterError> {
        let file = text(&self.fields, "tokenFile")?.filter(|file| !file.is_empty()).map(|file| self.folder.join(file));
        self.fields.remove("tokenFile");
        if let Some(file) = file {
            self.fields.insert("token".to_owned(), Value::String(read_token(&file)?));
        }
        Ok(())
    }

    /// The command of a plugin counts from the folder of its file if it is a path.
    fn resolve_command(&mut self) {
        let command = self.fields.get_mut("exec").and_then(|exec| exec.get_mut("command"));
        if let Some(Value::String(command)) = command
            && command.contains('/')
            && let Some(path) = self.folder.join(&*command).to_str()
        {
            *command = path.to_owned();
        }
    }
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, ClusterError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(invalid(format!("`{name}` of the kubeconfig is not a string"), "correct the kubeconfig")),
    }
}

/// The token in a file, without the line break at its end.
pub(crate) fn read_token(file: &Path) -> Result<String, ClusterError> {
    let token = String::from_utf8(read_file(file, "the token")?).unwrap_or_default();
    let token = token.trim();
    if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(invalid(format!("the token `{}` is not a token", file.display()), "log in again"));
    }
    Ok(token.to_owned())
}

/// A file of at most [`FILE_BYTES`].
pub(crate) fn read_file(file: &Path, what: &str) -> Result<Vec<u8>, ClusterError> {
    let unreadable = |why: String| {
        invalid(
            format!("{what} `{}` cannot be read: {why}", file.display()),
            "check the path; `--kubeconfig FILE` names another kubeconfig",
        )
    };
    let open = fs_err::File::open(file).map_err(|error| unreadable(why(&error)))?;
    read_bounded(open, FILE_BYTES).map_err(|error| match error {
        ReadError::TooLarge(_) => unreadable(format!("it has more than the {FILE_BYTES} bytes allowed")),
        ReadError::Io(error) => unreadable(why(&error)),
    })
}

fn why(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        kind => kind.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO: &str = "
current-context: a
contexts:
- {name: a, context: {cluster: c, user: u, namespace: tenant}}
clusters:
- {name: c, cluster: {server: 'https://c.example'}}
users:
- {name: u, user: {token: t}}
";

    fn selected(texts: &[&str], may_exec: bool) -> Result<Selected, String> {
        let mut kubeconfig = Kubeconfig::default();
        for text in texts {
            kubeconfig.add(text, Path::new("/folder"))?;
        }
        kubeconfig.select(may_exec).map_err(|error| error.message)
    }

    #[test]
    fn the_first_item_of_a_name_counts_and_the_first_context_is_the_current_one() {
        let other = "
current-context: b
contexts: [{name: b, context: {cluster: c, user: v}}]
clusters: [{name: c, cluster: {server: 'https://other.example'}}]
users: [{name: v, user: {token: w}}]
";
        let got = selected(&[TWO, other], false).unwrap();
        assert_eq!((got.user_name.as_str(), got.namespace.as_deref()), ("u", Some("tenant")));
        assert_eq!(got.cluster.get("server").unwrap(), "https://c.example");
        let got = selected(&[other, TWO], false).unwrap();
        assert_eq!((got.user_name.as_str(), got.namespace), ("v", None));
        assert_eq!(got.cluster.get("server").unwrap(), "https://other.example");
    }

    #[test]
    fn a_program_runs_only_from_a_file_that_the_user_named() {
        let exec = TWO.replace("{token: t}", "{exec: {command: bin/login, args: [x]}}");
        assert!(selected(&[&exec], false).unwrap_err().contains("runs only from a file that you name"));
        let got = selected(&[&exec], true).unwrap();
        assert_eq!(got.user.get("exec").unwrap().get("command").unwrap(), "/folder/bin/login");
        // `null` is no plugin, and nothing of it is left.
        let none = TWO.replace("{token: t}", "{exec: null, token: t}");
        assert_eq!(json!(selected(&[&none], false).unwrap().user), json!({"token": "t"}));
        // Another user's plugin is nobody's business.
        let other = format!("{TWO}- {{name: w, user: {{exec: {{command: x}}}}}}\n");
        assert!(selected(&[&other], false).is_ok());
    }

    #[test]
    fn what_is_not_supported_is_refused_and_never_ignored() {
        for (from, to, says) in [
            ("{token: t}", "{auth-provider: {name: gcp, config: {cmd-path: /bin/sh}}}", "`auth-provider`"),
            ("'https://c.example'", "'https://c.example', proxy-url: 'http://p.example'", "`proxy-url`"),
            ("namespace: tenant", "namespace: ../x", "is not a name"),
            ("namespace: tenant", "namespace: [a]", "`namespace` of the kubeconfig is not a string"),
            ("current-context: a", "current-context: z", "no context `z`"),
            ("current-context: a", "current-context: ''", "no `current-context`"),
            ("current-context: a", "current-context: [a]", "`current-context` is not a string"),
            ("cluster: c,", "cluster: z,", "no cluster `z`"),
            ("- {name: u, user: {token: t}}", "- 3", "an item that is no object"),
            ("- {name: u, user: {token: t}}", "- {user: {token: t}}", "without a `name`"),
            ("{token: t}", "3", "`user` of `u` is not an object"),
            ("{token: t}", "{tokenFile: /no/such/file}", "/no/such/file"),
            ("{token: t}", "{client-key: no/such/file}", "/folder/no/such/file"),
            ("users:", "users: {}\nx:", "`users` is not a list"),
            ("users:", "users: {", "line"),
        ] {
            let text = TWO.replace(from, to);
            assert_ne!(text, TWO);
            let error = selected(&[&text], true).unwrap_err();
            assert!(error.contains(says), "{to}: {error}");
        }
        assert!(selected(&["[]"], true).unwrap_err().contains("not an object"));
        assert!(selected(&[""], true).unwrap_err().contains("no `current-context`"));
    }

    #[test]
    fn files_are_put_in_place_of_their_paths() {
        let folder = tempfile::tempdir().unwrap();
        fs_err::write(folder.path().join("t"), "secret\n").unwrap();
        fs_err::write(folder.path().join("ca"), "PEM").unwrap();
        let text = TWO
            .replace("{token: t}", "{tokenFile: t, token: other}")
            .replace("'https://c.example'", "'https://c.example', certificate-authority: ca");
        let mut kubeconfig = Kubeconfig::default();
        kubeconfig.add(&text, folder.path()).unwrap();
        let got = kubeconfig.select(false).unwrap();
        assert_eq!(json!(got.user), json!({"token": "secret"}));
        assert_eq!(got.cluster.get("certificate-authority-data").unwrap(), "UEVN");
        assert!(!got.cluster.contains_key("certificate-authority"));
    }

    #[test]
    fn a_kubeconfig_over_its_limit_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config");
        let whole = format!("{TWO}#{}", "x".repeat(usize::try_from(FILE_BYTES).unwrap() - TWO.len() - 1));
        fs_err::write(&file, &whole).unwrap();
        assert!(read_kubeconfigs(&Kubeconfigs::Flag(file.clone())).unwrap().is_some());
        fs_err::write(&file, format!("{whole}x")).unwrap();
        let error = read_kubeconfigs(&Kubeconfigs::Flag(file.clone())).unwrap_err();
        assert!(error.message.contains("more than the 1048576 bytes"), "{error}");
        let bomb = format!("a: &a [{}]\n{TWO}", vec!["[1]"; 200_000].join(","));
        let bomb = format!("{bomb}b: [{}]", vec!["*a"; 1000].join(","));
        let mut kubeconfig = Kubeconfig::default();
        assert!(kubeconfig.add(&bomb, folder.path()).is_err());
        let many = Kubeconfigs::Variable(vec![file; FILES + 1]);
        assert!(read_kubeconfigs(&many).unwrap_err().message.contains("101 files"));
    }

    #[test]
    fn only_a_file_of_the_flag_must_be_there() {
        let none = PathBuf::from("/no/such/file");
        assert!(read_kubeconfigs(&Kubeconfigs::Flag(none.clone())).unwrap_err().message.contains("no such file"));
        assert!(read_kubeconfigs(&Kubeconfigs::Variable(vec![none.clone()])).unwrap().is_none());
        assert!(read_kubeconfigs(&Kubeconfigs::Default(Some(none))).unwrap().is_none());
        assert!(read_kubeconfigs(&Kubeconfigs::Default(None)).unwrap().is_none());
    }
}
