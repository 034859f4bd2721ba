//! [`ParsedInput`]: documents that policies evaluate directly, read from files or given inline.

use assay_documents::{DocumentFormat, Kind};
use assay_model::{limits, yaml};
use assay_rego::InputFile;
use camino::{Utf8Component, Utf8Path, Utf8PathBuf};
use serde_json::Value;

use crate::{
    error::RequestError,
    folders::{clean, files_below},
    mode::Mode,
    read::{read_text, standard_input},
};

/// The largest document: the size that `ec`'s server takes.
const DOCUMENT_BYTES: u64 = 80 << 20;

/// Documents of one file. A list is as many documents as it has items, as for conftest.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ParsedInput {
    /// The name in reports.
    pub(crate) name: String,
    /// Each is evaluated by itself.
    pub(crate) values: Vec<Value>,
    /// Where the file is, from the root.
    path: Utf8PathBuf,
}

impl ParsedInput {
    pub(crate) fn new(name: String, values: Vec<Value>) -> Self {
        let path = absolute(Utf8Path::new(&name));
        Self { name, values, path }
    }

    /// What rules see as `data.conftest.file`: as for conftest, what is not a file counts as one in the working
    /// directory.
    pub(crate) fn file(&self) -> InputFile<'_> {
        InputFile {
            dir: self.path.parent().map_or("/", Utf8Path::as_str),
            name: self.path.file_name().unwrap_or_default(),
        }
    }
}

/// The path from the root, without looking at the disk.
fn absolute(path: &Utf8Path) -> Utf8PathBuf {
    let whole = camino::absolute_utf8(path).unwrap_or_else(|_| path.to_owned());
    let mut clean = Utf8PathBuf::new();
    for component in whole.components() {
        match component {
            Utf8Component::ParentDir => drop(clean.pop()),
            other => clean.push(other),
        }
    }
    clean
}

/// The form of a file, or why there is none.
fn format_of(path: &Utf8Path) -> Result<DocumentFormat, RequestError> {
    match Kind::of(path) {
        Kind::Readable(form) => Ok(form),
        Kind::Unreadable(kind) => {
            Err(RequestError::new(format!("`{path}` looks like {kind}, which assay cannot parse"))
                .hint("skip files with `--ignore`, or choose a parser with `--parser`"))
        }
        Kind::Unknown => Err(RequestError::new(format!("the format of `{path}` cannot be determined from its name"))
            .hint("supported formats are JSON, JSONC, YAML, TOML, dotenv, HCL, INI, XML and Dockerfiles")),
    }
}

/// What an argument names: one file, or the files of a folder, or the text of a document itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum InputSource {
    File(Utf8PathBuf),
    /// A file that is read as one of a form whatever its name.
    FileAs(Utf8PathBuf, DocumentFormat),
    /// A folder that is reported as if it were one file, with the files in it.
    Folder(Utf8PathBuf, Vec<Utf8PathBuf>),
    Text(String),
}

impl InputSource {
    /// Looks where an argument leads. A folder stands for the files that are directly in it and whose form is known;
    /// called `ec`, for one that holds every file in it, and those below it whose form is known.
    pub(crate) fn of(argument: &str, mode: Mode) -> Result<Vec<Self>, RequestError> {
        let path = Utf8Path::new(argument);
        if path.is_dir() {
            let files = in_folder(path, mode)?;
            return Ok(if mode.joins_folders() {
                vec![Self::Folder(path.to_owned(), files)]
            } else {
                files.into_iter().map(Self::File).collect()
            });
        }
        let is_text = argument.trim_start().starts_with('{')
            || (!path.exists() && matches!(yaml::parse(argument), Ok(Value::Object(_))));
        Ok(vec![if is_text { Self::Text(argument.to_owned()) } else { Self::File(path.to_owned()) }])
    }

    /// The name in reports.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::File(path) | Self::FileAs(path, _) | Self::Folder(path, _) => path.as_str(),
            Self::Text(text) => text,
        }
    }

    /// Reads the documents, those of each file by themselves; `-` is standard input. The error is what is wrong.
    pub(crate) fn read(&self) -> Result<Vec<ParsedInput>, RequestError> {
        let one = |name: &str, text: &str, form: DocumentFormat| {
            let values = form.read(text).map_err(|why| RequestError::new(format!("`{}`: {why}", shown(name))))?;
            Ok(ParsedInput::new(name.to_owned(), values))
        };
        let file = |path: &Utf8Path, form: DocumentFormat| {
            let text = if path == "-" {
                standard_input("the document", DOCUMENT_BYTES)?
            } else {
                read_text(path, "input", DOCUMENT_BYTES)?
            };
            one(path.as_str(), &text, form)
        };
        Ok(match self {
            Self::Text(text) => vec![one(text, text, DocumentFormat::Yaml)?],
            Self::File(path) => vec![file(path, format_of(path)?)?],
            Self::FileAs(path, form) => vec![file(path, *form)?],
            Self::Folder(_, files) => {
                files.iter().map(|path| file(path, format_of(path)?)).collect::<Result<Vec<_>, RequestError>>()?
            }
        })
    }
}

fn in_folder(folder: &Utf8Path, mode: Mode) -> Result<Vec<Utf8PathBuf>, RequestError> {
    let unreadable = |error: std::io::Error| RequestError::new(format!("`{folder}` cannot be read: {error}"));
    let is_known = |path: &Utf8PathBuf| Kind::is_listed(path);
    let mut paths = Vec::new();
    for entry in folder.read_dir_utf8().map_err(unreadable)? {
        let path = clean(entry.map_err(unreadable)?.path());
        match mode.joins_folders() {
            true if path.is_dir() => paths.extend(files_below(&path)?.into_iter().filter(is_known)),
            // A pipe or device is read where it is named itself.
            true if path.is_file() || !path.exists() => paths.push(path),
            true => {
                return Err(RequestError::new(format!("`{path}` is neither a file nor a directory"))
                    .hint("pass it as an argument"));
            }
            false if path.is_file() && is_known(&path) => paths.push(path),
            false => {}
        }
        if paths.len() > limits::SOURCE_FILES {
            return Err(RequestError::new(format!("`{folder}` holds more than {} files", limits::SOURCE_FILES)));
        }
    }
    if paths.is_empty() {
        return Err(RequestError::new(format!("the folder `{folder}` has no files in a supported format"))
            .hint("subdirectories are not searched"));
    }
    paths.sort();
    Ok(paths)
}

fn shown(name: &str) -> String {
    name.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_is_a_file_a_folder_or_the_document_itself() {
        let of = |argument: &str| InputSource::of(argument, Mode::Native);
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        assert!(of(folder.as_str()).is_err(), "an empty directory is an error");
        fs_err::create_dir(folder.join("sub")).unwrap();
        for name in ["b.yaml", "a.json", "c.txt", "sub/d.toml", "sub/e.txt"] {
            fs_err::write(folder.join(name), "").unwrap();
        }
        let names: Vec<_> = of(folder.as_str()).unwrap();
        assert_eq!(names, [InputSource::File(folder.join("a.json")), InputSource::File(folder.join("b.yaml"))]);
        let files = ["a.json", "b.yaml", "c.txt", "sub/d.toml"].map(|name| folder.join(name)).to_vec();
        assert_eq!(
            InputSource::of(folder.as_str(), Mode::EcCompat).unwrap(),
            [InputSource::Folder(folder.to_owned(), files)]
        );
        assert_eq!(of("{\"a\":1}").unwrap(), [InputSource::Text("{\"a\":1}".to_owned())]);
        assert_eq!(of("a: 1").unwrap(), [InputSource::Text("a: 1".to_owned())]);
        assert_eq!(of("none.json").unwrap(), [InputSource::File("none.json".into())]);
        assert!(InputSource::File("none.json".into()).read().is_err());
        assert!(InputSource::File(folder.join("c.txt")).read().is_err());
        assert_eq!(InputSource::File(folder.join("b.yaml")).read().unwrap().len(), 1);
        // A format that only conftest reads is an error, not a file to skip.
        fs_err::write(folder.join("d.cue"), "").unwrap();
        assert_eq!(of(folder.as_str()).unwrap().last(), Some(&InputSource::File(folder.join("d.cue"))));
        let error = InputSource::File(folder.join("d.cue")).read().unwrap_err().message();
        assert!(error.contains("d.cue` looks like cue, which assay cannot parse"), "{error}");
    }

    #[test]
    fn a_file_is_reported_with_its_folder_from_the_root() {
        let documents = ParsedInput::new("/a/./b/../c/d.yaml".to_owned(), Vec::new());
        assert_eq!(documents.file(), InputFile { dir: "/a/c", name: "d.yaml" });
        let documents = ParsedInput::new("d.yaml".to_owned(), Vec::new());
        assert!(documents.file().dir.starts_with('/') && documents.file().name == "d.yaml");
    }
}
