//! [`Corpus`]: Rego files at hand, whose mutations are modules as people write them.

use anyhow::ensure;
use camino::Utf8Path;

/// Bytes of a file that is used: a large one takes long to compile, and longer to cut down.
const BYTES: usize = 12_000;

/// What says something else in each run, or is not there; OPA's server does not look at annotations.
const VOLATILE: [&str; 10] = [
    "METADATA",
    "http.send",
    "opa.runtime",
    "now_ns",
    "rand.",
    "uuid.rfc4122",
    "net.lookup",
    "graphql.",
    "providers.aws",
    "rego.metadata",
];

/// Texts of modules of the package `t`.
pub(super) struct Corpus(Vec<String>);

impl Corpus {
    /// Reads all Rego files below a folder.
    ///
    /// # Errors
    /// The folder cannot be read, or there is no file that can be used.
    pub(super) fn read(folder: &Utf8Path) -> anyhow::Result<Self> {
        let mut texts = Vec::new();
        let mut folders = vec![folder.to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in folder.read_dir_utf8()? {
                let entry = entry?;
                let kind = entry.file_type()?;
                if kind.is_dir() {
                    folders.push(entry.path().to_owned());
                } else if kind.is_file() && entry.path().extension() == Some("rego") {
                    texts.extend(fs_err::read_to_string(entry.path()).ok().and_then(|text| used(&text)));
                }
            }
        }
        texts.sort_unstable();
        texts.dedup();
        ensure!(!texts.is_empty(), "there is no file to use in {folder}");
        Ok(Self(texts))
    }

    /// How many there are.
    pub(super) fn len(&self) -> u64 {
        u64::try_from(self.0.len()).unwrap_or(u64::MAX)
    }

    /// One of them; all come in turn.
    pub(super) fn at(&self, number: u64) -> &str {
        let at = usize::try_from(number % self.len().max(1)).unwrap_or_default();
        self.0.get(at).map_or("", String::as_str)
    }
}

/// The text as a module of the package `t`, if it is one to use.
fn used(text: &str) -> Option<String> {
    if text.len() > BYTES || VOLATILE.iter().any(|word| text.contains(word)) {
        return None;
    }
    let from = if text.starts_with("package ") { 0 } else { text.find("\npackage ")? + 1 };
    let (_, rest) = text.get(from..)?.split_once('\n')?;
    Some(format!("package t\n{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_modules_of_one_package_and_come_in_turn() {
        let folder = tempfile::tempdir().unwrap();
        let below = folder.path().join("a/b");
        fs_err::create_dir_all(&below).unwrap();
        fs_err::write(below.join("one.rego"), "# text\npackage one.two\np := 1\n").unwrap();
        fs_err::write(below.join("two.rego"), "package two\np := 2\n").unwrap();
        fs_err::write(below.join("three.rego"), "package three\np := time.now_ns()\n").unwrap();
        fs_err::write(below.join("four.txt"), "package four\np := 4\n").unwrap();
        let corpus = Corpus::read(Utf8Path::from_path(folder.path()).unwrap()).unwrap();
        let texts: Vec<_> = (0..3).map(|number| corpus.at(number)).collect();
        assert_eq!(texts, ["package t\np := 1\n", "package t\np := 2\n", "package t\np := 1\n"]);
        let empty = tempfile::tempdir().unwrap();
        assert!(Corpus::read(Utf8Path::from_path(empty.path()).unwrap()).is_err());
    }
}
