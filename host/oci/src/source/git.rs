//! [`Checkout`]: one commit of a git repository, fetched by the user's own `git`, and directories of it.
//!
//! git fetches, since it knows the user's credential helpers, proxies and keys. It makes no working tree: the commit is
//! fetched into a bare repository of its own, its pack is kept in the cache, and files are written here from what `git
//! cat-file` gives. So no hook, filter, attribute, submodule or large-file helper of the repository has a say, and
//! sizes are known before a byte is written. git never prompts for a password, and uses only HTTPS, SSH or, for a
//! directory that was named as one, files. What it reads of the user's and the system's settings is looked through
//! first ([`settings`]).

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Read, Seek as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use assay_model::bounded::{ReadError, read_bounded};

use super::{
    beneath::Folder,
    cache::{Cache, private_folder},
    error::FetchErrorKind,
    limits::FetchLimits,
    process::{ProcessOutput, Program},
    settings,
    shape::LINK_BYTES,
    source_ref::{GitPlace, is_commit},
    tree::Tree,
};
use crate::evidence_archive::{EvidenceArchive, EvidenceRecorder};

/// A commit in a bare repository.
pub(super) struct Checkout<'a> {
    folder: PathBuf,
    limits: &'a FetchLimits,
    /// The protocols that git may use, as in `GIT_ALLOW_PROTOCOL`.
    protocols: &'static str,
    pub(super) commit: String,
    /// Settings of the user that git was not given, for the error of a fetch.
    left_out: Vec<String>,
}

/// Where a commit may come from and go to beside the repository.
#[derive(Clone, Copy)]
pub(super) struct Origin<'a> {
    pub(super) cache: Option<&'a Cache>,
    /// It stands for all repositories.
    pub(super) archive: Option<&'a EvidenceArchive>,
    pub(super) recorder: Option<&'a EvidenceRecorder>,
    /// Whether nothing may be fetched.
    pub(super) offline: bool,
}

/// Options for a pack that does not depend on how the server packed its objects.
const RECORDED: [&str; 3] = ["--no-reuse-delta", "--no-reuse-object", "--window=0"];

/// What a repository's own settings and the environment must not change, and what bounds git's memory and waits.
const SETTINGS: [&str; 14] = [
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.fsmonitor=false",
    // Larger files are not held in memory as a whole: a megabyte can be unpacked to gigabytes.
    "core.bigFileThreshold=16m",
    "pack.threads=1",
    "pack.windowMemory=64m",
    "fetch.recurseSubmodules=false",
    "fetch.unpackLimit=1",
    "fetch.writeCommitGraph=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
    // A helper that outlives git does not wait forever for a server that sends nothing.
    "http.lowSpeedLimit=1",
    "http.lowSpeedTime=60",
];

/// Variables that would send git to another repository, or have it write elsewhere.
const ELSEWHERE: [&str; 12] = [
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_COMMON_DIR",
    "GIT_NAMESPACE",
    "GIT_CONFIG",
    "GIT_TRACE",
    "GIT_TRACE2",
    "GIT_TRACE2_EVENT",
    "GIT_TRACE2_PERF",
];

/// Variables that would give git settings that nobody looked through, other programs to run, or turn its checks off.
const MEDDLING: [&str; 17] = [
    "GIT_CONFIG_PARAMETERS",
    "GIT_CONFIG_COUNT",
    "GIT_PROXY_COMMAND",
    "GIT_EXTERNAL_DIFF",
    "GIT_TEMPLATE_DIR",
    "GIT_SHALLOW_FILE",
    "GIT_GRAFT_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_QUARANTINE_PATH",
    "GIT_ATTR_SOURCE",
    "GIT_DEFAULT_HASH",
    "GIT_DEFAULT_REF_FORMAT",
    "GIT_PROTOCOL_FROM_USER",
    "GIT_SSL_NO_VERIFY",
    "GIT_TRACE_PACKET",
    "GIT_TRACE_CURL",
    "GIT_CURL_VERBOSE",
];

/// The file of settings that git reads in place of the user's, in the repository's folder.
const OWN_SETTINGS: &str = "assay.config";

/// The first version of git that can be restricted to that file (its release notes).
const OLDEST: (u64, u64) = (2, 32);

/// The user's settings: some hundred lines.
const SETTINGS_BYTES: u64 = 4 << 20;

/// Names of a tree's entries: 20,000 of them with long paths.
const LISTING_BYTES: u64 = 64 << 20;

impl<'a> Checkout<'a> {
    /// Fetches the commit that a source names into `folder`, which is empty: from the archive if there is one, from the
    /// cache where it is named by commit and is there, else by querying the repository.
    pub(super) fn fetch(
        source: &GitPlace,
        folder: &Path,
        origin: &Origin<'_>,
        limits: &'a FetchLimits,
    ) -> Result<Self, FetchErrorKind> {
        if let Some(archive) = origin.archive {
            return Self::from_archive(source, folder, archive, limits);
        }
        let checkout = Self::fetch_unrecorded(source, folder, origin, limits)?;
        if let Some(recorder) = origin.recorder {
            let reference = source.reference.as_deref();
            checkout.packed(&RECORDED, |pack| recorder.add_pack(&source.url, reference, &checkout.commit, pack))?;
        }
        Ok(checkout)
    }

    /// The commit as an archive has it. git hashes all of it again.
    fn from_archive(
        source: &GitPlace,
        folder: &Path,
        archive: &EvidenceArchive,
        limits: &'a FetchLimits,
    ) -> Result<Self, FetchErrorKind> {
        let mut checkout = Self::empty(source, folder, limits)?;
        let Some(pack) = archive.pack(&source.url, source.reference.as_deref()) else {
            let reference = source.reference.as_deref().unwrap_or("HEAD");
            return Err(FetchErrorKind::Evaluation(archive.lacks(&format!("commit of the reference `{reference}`"))));
        };
        let mut file = tempfile::tempfile_in(folder)?;
        archive.copy_pack(&pack, &mut file)?;
        file.rewind()?;
        if !is_commit(pack.commit) || !checkout.unpack(file, pack.commit) {
            let what = format!("the pack of the commit `{}` in {} is damaged", pack.commit, archive.place());
            return Err(FetchErrorKind::Failed(what));
        }
        pack.commit.clone_into(&mut checkout.commit);
        Ok(checkout)
    }

    fn fetch_unrecorded(
        source: &GitPlace,
        folder: &Path,
        &Origin { cache, offline, .. }: &Origin<'_>,
        limits: &'a FetchLimits,
    ) -> Result<Self, FetchErrorKind> {
        let mut checkout = Self::empty(source, folder, limits)?;
        if let (Some(commit), Some(cache)) = (source.commit(), cache)
            && let Some(pack) = cache.pack(commit)
        {
            if checkout.unpack(pack, commit) {
                commit.clone_into(&mut checkout.commit);
                return Ok(checkout);
            }
            cache.drop_pack(commit);
            checkout = Self::empty(source, folder, limits)?;
        }
        if offline && checkout.protocols != "file" {
            return Err(FetchErrorKind::Offline);
        }
        checkout.commit = checkout.fetch_ref(&source.url, source.reference.as_deref())?;
        if let Some(cache) = cache {
            checkout.packed(&[], |pack| cache.keep_pack(&checkout.commit, pack))?;
        }
        Ok(checkout)
    }

    /// The commit that last changed a file of a repository's own default branch, merges aside.
    pub(super) fn latest_change(
        source: &GitPlace,
        path: &str,
        folder: &Path,
        limits: &'a FetchLimits,
    ) -> Result<String, FetchErrorKind> {
        let mut source = source.clone();
        source.reference = None;
        let checkout = Self::empty(&source, folder, limits)?;
        let fetched =
            checkout.run(&["fetch", "--quiet", "--no-tags", "--filter=blob:none", "--", &source.url, "HEAD"])?;
        succeeded(&fetched)?;
        let found = checkout.run(&["log", "-1", "--no-merges", "--format=%H", "FETCH_HEAD", "--", path])?;
        succeeded(&found)?;
        let commit = found.output.trim();
        // The words are `ec`'s.
        let none = || FetchErrorKind::Failed(format!("unable to find any commits for path: \"{path}\""));
        if is_commit(commit) { Ok(commit.to_owned()) } else { Err(none()) }
    }

    /// An empty bare repository.
    fn empty(source: &GitPlace, folder: &Path, limits: &'a FetchLimits) -> Result<Self, FetchErrorKind> {
        let protocols = match source.url.split_once("://") {
            Some(("ssh", _)) => "ssh",
            // A user may have configured git to use SSH for HTTPS addresses.
            Some(_) => "https:ssh",
            None => "file",
        };
        let folder = folder.join("repository.git");
        if folder.exists() {
            fs_err::remove_dir_all(&folder)?;
        }
        private_folder(&folder)?;
        let mut checkout = Self { folder, limits, protocols, commit: String::new(), left_out: Vec::new() };
        Folder::open(&checkout.folder)?.new_file(OWN_SETTINGS)?;
        checkout.check_version()?;
        checkout.git(&["init", "--quiet", "--bare", "--template=", "--", "."])?;
        checkout.take_settings()?;
        Ok(checkout)
    }

    /// An older git would read the user's settings regardless.
    fn check_version(&self) -> Result<(), FetchErrorKind> {
        let output = self.run(&["version"])?;
        succeeded(&output)?;
        let version = output.output.trim().strip_prefix("git version ").unwrap_or_default();
        let mut numbers = version.split('.').map_while(|number| number.parse::<u64>().ok());
        match (numbers.next(), numbers.next()) {
            (Some(major), Some(minor)) if (major, minor) >= OLDEST => Ok(()),
            _ => {
                let shown: String = version.chars().take(40).collect();
                Err(FetchErrorKind::Failed(format!("git {}.{} or newer is needed, not `{shown}`", OLDEST.0, OLDEST.1)))
            }
        }
    }

    /// Hands over those of the user's settings that git needs to reach private repositories.
    fn take_settings(&mut self) -> Result<(), FetchErrorKind> {
        // Reading settings runs nothing, so here git may read its default configuration files.
        let mut command = self.bare_command();
        command.args(["--git-dir=.", "config", "--null", "--list"]).stdin(Stdio::null());
        let output = self.program()?.run(&mut command, |out| bounded(out, SETTINGS_BYTES, "settings"))?;
        // Settings that git itself cannot read are nothing to go on with: what is missing could be the proxy.
        succeeded(&output)?;
        let settings = settings::kept(&String::from_utf8_lossy(&output.output));
        fs_err::write(self.folder.join(OWN_SETTINGS), settings.file)?;
        self.left_out = settings.left_out;
        Ok(())
    }

    /// Writes a folder of the commit, all of it for an empty name, to `to`.
    pub(super) fn write(&self, folder: &str, to: &Path) -> Result<(), FetchErrorKind> {
        let mut tree = Tree::new(to, self.limits)?;
        let mut objects = Vec::new();
        for entry in self.list(folder)? {
            match entry.mode.as_str() {
                "100644" | "100755" | "100664" => tree.announced(&entry.name, entry.size)?,
                // Before a byte of it is read: a repository of a megabyte can hold a target of gigabytes.
                "120000" if entry.size > LINK_BYTES => {
                    return Err(FetchErrorKind::Hostile {
                        entry: entry.name,
                        why: "is a link with a target that is too long",
                    });
                }
                "120000" => {}
                // A submodule is another repository; its content was not requested.
                "160000" => continue,
                _ => return Err(FetchErrorKind::Hostile { entry: entry.name, why: "is neither a file nor a link" }),
            }
            objects.push(entry);
            if objects.len() > self.limits.files {
                return Err(FetchErrorKind::TooMuch(format!("more than {} files", self.limits.files)));
            }
        }
        let names: String = objects.iter().map(|entry| format!("{}\n", entry.object)).collect();
        let list = self.folder.join("objects.list");
        fs_err::write(&list, names)?;
        let input = fs_err::File::open(&list)?.into_parts().0;
        let mut command = self.command();
        command.args(["cat-file", "--batch"]).stdin(Stdio::from(input));
        let output = self.program()?.run(&mut command, |out| {
            let mut out = BufReader::new(out);
            for entry in &objects {
                let size = announced_size(&mut out, entry)?;
                let mut content = (&mut out).take(size);
                if entry.mode == "120000" {
                    let target = bounded(&mut content, LINK_BYTES, "a link")?;
                    let target = String::from_utf8(target).map_err(|_| {
                        FetchErrorKind::Failed(format!("the target of the link `{}` is not valid UTF-8", entry.name))
                    })?;
                    tree.link(&entry.name, &target)?;
                } else {
                    tree.file(&entry.name, &mut content)?;
                }
                // The line end behind each object.
                std::io::copy(&mut (&mut out).take(1), &mut std::io::sink())?;
            }
            Ok(())
        })?;
        succeeded(&output)?;
        tree.finish()
    }

    /// The entries of a folder and those below it.
    fn list(&self, folder: &str) -> Result<Vec<Entry>, FetchErrorKind> {
        let tree = format!("{}:{folder}", self.commit);
        let mut command = self.command();
        command.args(["ls-tree", "-r", "-z", "-l", &tree]).stdin(Stdio::null());
        let output = self.program()?.run(&mut command, |out| bounded(out, LISTING_BYTES, "a list of files"))?;
        if !output.status.success() {
            return Err(if folder.is_empty() {
                FetchErrorKind::Failed(output.stderr)
            } else {
                FetchErrorKind::NoFolder(folder.to_owned())
            });
        }
        let text = String::from_utf8(output.output)
            .map_err(|_| FetchErrorKind::Failed("a filename in the repository is not valid UTF-8".to_owned()))?;
        text.split_terminator('\0')
            .map(|line| Entry::read(line).ok_or_else(|| FetchErrorKind::Failed(nonsense(line))))
            .collect()
    }

    /// Fetches a branch, tag or commit and gives its commit.
    fn fetch_ref(&self, url: &str, reference: Option<&str>) -> Result<String, FetchErrorKind> {
        let wanted = reference.unwrap_or("HEAD");
        let one = self.run(&["fetch", "--quiet", "--no-tags", "--depth=1", "--", url, wanted])?;
        if one.status.success()
            && let Some(commit) = self.parse("FETCH_HEAD^{commit}")?
        {
            return Ok(commit);
        }
        // Servers may refuse commits by name, and no server knows a short one: then all branches and tags are looked at.
        let is_hex = wanted.len() >= 4 && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hex {
            let is_absent = one.stderr.contains("couldn't find remote ref");
            return Err(match reference {
                Some(reference) if is_absent => FetchErrorKind::NoRef(reference.to_owned()),
                _ => FetchErrorKind::Failed(self.with_left_out(one.stderr)),
            });
        }
        let everything = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];
        let all = self.run(&[&["fetch", "--quiet", "--no-tags", "--", url][..], &everything].concat())?;
        if !all.status.success() {
            return Err(FetchErrorKind::Failed(self.with_left_out(all.stderr)));
        }
        self.parse(&format!("{wanted}^{{commit}}"))?.ok_or_else(|| FetchErrorKind::NoRef(wanted.to_owned()))
    }

    /// The error output of git, and which of the user's settings were ignored.
    fn with_left_out(&self, stderr: String) -> String {
        if self.left_out.is_empty() {
            return stderr;
        }
        let names = self.left_out.join("`, `");
        format!(
            "{stderr} (your git settings `{names}` were ignored because they run commands; configure a credential \
             helper without a path, or set `GIT_SSH_COMMAND` or `GIT_ASKPASS`)"
        )
    }

    /// The commit that an expression names, if it names one.
    fn parse(&self, expression: &str) -> Result<Option<String>, FetchErrorKind> {
        let output = self.run(&["rev-parse", "--verify", "--quiet", "--end-of-options", expression])?;
        let commit = output.output.trim();
        match output.status.success() {
            false => Ok(None),
            true if is_commit(commit) => Ok(Some(commit.to_owned())),
            true => Err(FetchErrorKind::Failed("its object format is not SHA-1".to_owned())),
        }
    }

    /// Hands over the pack of the commit, without its history.
    fn packed(&self, options: &[&str], keep: impl FnOnce(&mut File)) -> Result<(), FetchErrorKind> {
        let listed = self.run(&["rev-list", "--objects", "--no-walk", "--no-object-names", &self.commit])?;
        succeeded(&listed)?;
        let (list, pack) = (self.folder.join("pack.list"), self.folder.join("kept.pack"));
        fs_err::write(&list, &listed.output)?;
        let mut command = self.command();
        command.args(["pack-objects", "--quiet", "--stdout"]).args(options);
        command.stdin(Stdio::from(fs_err::File::open(&list)?.into_parts().0));
        let mut file = fs_err::File::create(&pack)?;
        let output = self.program()?.run(&mut command, |out| Ok(std::io::copy(out, &mut file)?))?;
        succeeded(&output)?;
        keep(&mut fs_err::File::open(&pack)?.into_parts().0);
        Ok(fs_err::remove_file(&pack)?)
    }

    /// Unpacks a kept pack. git hashes every object again, so that the commit's hash covers all that is
    /// below it. False where the pack does not hold the whole commit.
    fn unpack(&self, pack: File, commit: &str) -> bool {
        let unpack = || -> Result<bool, FetchErrorKind> {
            if pack.metadata()?.len() > self.limits.git_bytes {
                return Ok(false);
            }
            let mut command = self.command();
            command.args(["index-pack", "--stdin"]);
            command.stdin(Stdio::from(pack));
            let output = self.program()?.run(&mut command, |out| Ok(std::io::copy(out, &mut std::io::sink())?))?;
            // The commit's parents are not there, which this file says as for any shallow repository.
            fs_err::write(self.folder.join("shallow"), format!("{commit}\n"))?;
            let whole = self.run(&["rev-list", "--objects", "--no-walk", "--quiet", commit])?;
            Ok(output.status.success() && whole.status.success())
        };
        unpack().unwrap_or(false)
    }

    fn git(&self, arguments: &[&str]) -> Result<(), FetchErrorKind> {
        succeeded(&self.run(arguments)?)
    }

    /// Runs git without input; its output is text of moderate length.
    fn run(&self, arguments: &[&str]) -> Result<ProcessOutput<String>, FetchErrorKind> {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::null());
        self.program()?.run(&mut command, |out| {
            let bytes = bounded(out, LISTING_BYTES, "the output of git")?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        })
    }

    /// git with our settings and none of anybody else's.
    fn command(&self) -> Command {
        let mut command = self.bare_command();
        for name in MEDDLING {
            command.env_remove(name);
        }
        command
            .env("GIT_CONFIG_GLOBAL", self.folder.join(OWN_SETTINGS))
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .env("GIT_ATTR_NOSYSTEM", "1");
        for setting in SETTINGS {
            command.args(["-c", setting]);
        }
        command.arg("--git-dir=.");
        command
    }

    /// git with the settings that it finds by itself.
    fn bare_command(&self) -> Command {
        let mut command = Command::new("git");
        for name in ELSEWHERE {
            command.env_remove(name);
        }
        command
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GIT_ALLOW_PROTOCOL", self.protocols)
            .env("GIT_OPTIONAL_LOCKS", "0")
            .env("GIT_NO_REPLACE_OBJECTS", "1")
            .env("LC_ALL", "C")
            .current_dir(&self.folder)
            .arg("--no-pager");
        command
    }

    fn program(&self) -> Result<Program<'_>, FetchErrorKind> {
        let time = self.limits.time(self.limits.git_time)?;
        Ok(Program { time, folder: &self.folder, bytes: self.limits.git_bytes })
    }
}

/// All of git's output, within a limit.
fn bounded(out: &mut dyn Read, limit: u64, what: &str) -> Result<Vec<u8>, FetchErrorKind> {
    read_bounded(out, limit).map_err(|error| match error {
        ReadError::TooLarge(limit) => FetchErrorKind::TooMuch(format!("{what} of more than {limit} bytes")),
        ReadError::Io(error) => error.into(),
    })
}

/// An entry of `git ls-tree -r -l`.
struct Entry {
    mode: String,
    object: String,
    size: u64,
    name: String,
}

impl Entry {
    /// `mode SP type SP object SP size TAB name`; the size of anything but a file is `-`.
    fn read(line: &str) -> Option<Self> {
        let (facts, name) = line.split_once('\t')?;
        let mut facts = facts.split_ascii_whitespace();
        let (mode, _kind, object, size) = (facts.next()?, facts.next()?, facts.next()?, facts.next()?);
        let size = if size == "-" { 0 } else { size.parse().ok()? };
        is_commit(object).then(|| Self {
            mode: mode.to_owned(),
            object: object.to_owned(),
            size,
            name: name.to_owned(),
        })
    }
}

/// Reads the line in front of an object, `object SP type SP size`, which must be what was listed.
fn announced_size(out: &mut impl std::io::BufRead, entry: &Entry) -> Result<u64, FetchErrorKind> {
    let mut line = String::new();
    out.take(200).read_line(&mut line)?;
    let size = line.trim_end().strip_prefix(&format!("{} blob ", entry.object)).and_then(|size| size.parse().ok());
    // A link's size is not in the list's limits, so it is looked at here.
    match size {
        Some(size) if size == entry.size => Ok(size),
        _ => Err(FetchErrorKind::Failed(format!("git has no object for the listed `{}`", entry.name))),
    }
}

fn nonsense(line: &str) -> String {
    format!("git lists an entry that is not a file: {}", line.chars().take(100).collect::<String>())
}

fn succeeded<T>(output: &ProcessOutput<T>) -> Result<(), FetchErrorKind> {
    if output.status.success() {
        return Ok(());
    }
    Err(FetchErrorKind::Failed(if output.stderr.is_empty() {
        format!("git failed with {}", output.status)
    } else {
        output.stderr.clone()
    }))
}
