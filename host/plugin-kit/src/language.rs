//! [`Language`] and [`World`]: the words of the command line and of `plugin.toml`.

use std::{fmt, str::FromStr};

/// A language that a template exists for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Language {
    /// Rust.
    Rust,
    /// Python.
    Python,
    /// JavaScript.
    JavaScript,
    /// TypeScript.
    TypeScript,
    /// Go.
    Go,
    /// C.
    C,
    /// C++.
    Cpp,
    /// Zig.
    Zig,
}

impl Language {
    /// All of them, in the order of messages.
    pub const ALL: [Self; 8] =
        [Self::Rust, Self::Python, Self::JavaScript, Self::TypeScript, Self::Go, Self::C, Self::Cpp, Self::Zig];

    /// The word of the command line.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::TypeScript => "typescript",
            Self::Go => "go",
            Self::C => "c",
            Self::Cpp => "cpp",
            Self::Zig => "zig",
        }
    }
}

/// What a plugin is for: a world of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum World {
    /// A check of one image.
    Check,
    /// A task without the network.
    TaskOffline,
    /// A task.
    Task,
    /// A job of a third party.
    Adapter,
    /// A report of a run.
    Reporter,
}

impl World {
    /// All of them, in the order of messages.
    pub const ALL: [Self; 5] = [Self::Check, Self::TaskOffline, Self::Task, Self::Adapter, Self::Reporter];

    /// Its name in the contract.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Check => "check",
            Self::TaskOffline => "task-offline",
            Self::Task => "task",
            Self::Adapter => "adapter",
            Self::Reporter => "reporter",
        }
    }
}

/// A word that is none of those known.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is not a {what}; known are {known}")]
pub struct UnknownWord {
    word: String,
    what: &'static str,
    known: String,
}

fn find<T: Copy>(word: &str, what: &'static str, all: &[T], name: fn(T) -> &'static str) -> Result<T, UnknownWord> {
    let found = all.iter().copied().find(|&one| name(one) == word);
    found.ok_or_else(|| UnknownWord {
        word: word.chars().take(50).collect(),
        what,
        known: all.iter().map(|&one| name(one)).collect::<Vec<_>>().join(", "),
    })
}

impl FromStr for Language {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        find(word, "language", &Self::ALL, Self::as_str)
    }
}

impl FromStr for World {
    type Err = UnknownWord;

    fn from_str(word: &str) -> Result<Self, UnknownWord> {
        find(word, "world", &Self::ALL, Self::as_str)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}

impl fmt::Display for World {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back_and_another_one_names_those_known() {
        for language in Language::ALL {
            assert_eq!(language.as_str().parse(), Ok(language));
        }
        for world in World::ALL {
            assert_eq!(world.as_str().parse(), Ok(world));
        }
        let error = "perl".parse::<Language>().unwrap_err().to_string();
        assert_eq!(error, "`perl` is not a language; known are rust, python, javascript, typescript, go, c, cpp, zig");
    }
}
