//! [`Project`]: the folder of a plugin's source, described by its `plugin.toml`.

use camino::{Utf8Path, Utf8PathBuf};
use serde::Deserialize;

use crate::{
    language::{Language, UnknownWord, World},
    limited_file::read_text,
};

/// The file that describes a project.
pub const PROJECT_FILE: &str = "plugin.toml";

/// A file of some lines.
const PROJECT_BYTES: u64 = 64 << 10;

/// The longest name, as in a manifest.
const NAME_BYTES: usize = 64;

/// A folder with the source of a plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    /// The folder.
    pub folder: Utf8PathBuf,
    /// The plugin's name.
    pub name: String,
    /// Its world.
    pub world: World,
    /// Its language.
    pub language: Language,
}

/// A folder is not a project.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The file is missing or cannot be read.
    #[error("{folder} is not the folder of a plugin: {why}")]
    Unreadable {
        /// The folder.
        folder: Utf8PathBuf,
        /// Why.
        why: String,
    },
    /// The file is not what it should be.
    #[error("{file} cannot be used: {why}")]
    Invalid {
        /// The file.
        file: Utf8PathBuf,
        /// Why.
        why: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProjectFile {
    version: u32,
    name: String,
    world: String,
    language: String,
}

impl Project {
    /// Reads the project in a folder.
    ///
    /// # Errors
    /// The folder has no usable `plugin.toml`.
    pub fn read(folder: &Utf8Path) -> Result<Self, ProjectError> {
        let file = folder.join(PROJECT_FILE);
        let unreadable = |why: String| ProjectError::Unreadable { folder: folder.to_owned(), why };
        let text = read_text(&file, PROJECT_BYTES).map_err(|error| unreadable(error.to_string()))?;
        Self::parse(folder, &text).map_err(|why| ProjectError::Invalid { file, why })
    }

    fn parse(folder: &Utf8Path, text: &str) -> Result<Self, String> {
        let found: ProjectFile = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        if found.version != 1 {
            return Err(format!("its version is {}, this program reads version 1", found.version));
        }
        check_name(&found.name)?;
        let word = |error: UnknownWord| error.to_string();
        Ok(Self {
            folder: folder.to_owned(),
            name: found.name,
            world: found.world.parse().map_err(word)?,
            language: found.language.parse().map_err(word)?,
        })
    }
}

/// Whether a text may be the name of a plugin. The error is a sentence.
pub(crate) fn check_name(name: &str) -> Result<(), String> {
    let is_name = (1..=NAME_BYTES).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && !name.ends_with('-')
        && !name.contains("--")
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    if is_name {
        return Ok(());
    }
    let shown: String = name.chars().take(NAME_BYTES).collect();
    Err(format!(
        "`{shown}` is not a name of a plugin; a name has 1 to {NAME_BYTES} of `a-z`, digits and single `-`, \
         and begins with one of `a-z`"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Project, String> {
        Project::parse(Utf8Path::new("p"), text)
    }

    #[test]
    fn a_project_file_has_four_keys_and_no_others() {
        let text = "version = 1\nname = \"gate\"\nworld = \"task\"\nlanguage = \"go\"\n";
        let project = parse(text).unwrap();
        assert_eq!((project.name.as_str(), project.world, project.language), ("gate", World::Task, Language::Go));
        for (bad, says) in [
            ("version = 1\n", "missing field `name`"),
            (&text.replace('1', "2"), "version is 2"),
            (&text.replace("gate", "../x"), "`../x` is not a name"),
            (&text.replace("task", "job"), "`job` is not a world"),
            (&text.replace("go", "cobol"), "`cobol` is not a language"),
            (&format!("{text}more = 1\n"), "unknown field `more`"),
        ] {
            let error = parse(bad).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn names_are_those_of_a_manifest() {
        for name in ["a", "license-gate", "k9", &"a".repeat(NAME_BYTES)] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        for name in ["", "9a", "A", "a_b", "a/b", "a-", "a--b", &"a".repeat(NAME_BYTES + 1)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_folder_without_the_file_is_no_project() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Utf8Path::from_path(folder.path()).unwrap();
        assert!(Project::read(folder).unwrap_err().to_string().contains("is not the folder of a plugin"));
        fs_err::write(folder.join(PROJECT_FILE), " ".repeat(usize::try_from(PROJECT_BYTES).unwrap() + 1)).unwrap();
        assert!(Project::read(folder).unwrap_err().to_string().contains("more than the 65536 allowed"));
    }
}
