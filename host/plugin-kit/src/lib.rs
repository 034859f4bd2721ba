//! What authors of plugins work with: projects from templates, builds, and test cases.
//!
//! In reading order: [`Language`] and [`World`] (the words of the command line), [`create`] (a project from a template),
//! [`Project`] (its `plugin.toml`), [`build()`] (the recipe of its language, step by step) and [`section`] (the manifest inside
//! a component).
//!
//! Invariant: nothing here runs a component, prints, or reads the environment; programs are found as the system finds them.

mod build;
mod case;
mod cassette;
mod language;
mod limited_file;
mod project;
mod recipe;
pub mod section;
mod template;
mod toolchain;

pub use build::{BuildError, Built, build};
pub use case::{Case, CaseError, Expect, Given, GivenAttestation, Observed, ObservedFinding};
pub use cassette::{Exchange, RecordedRequest, RecordedResponse, read_cassette};
pub use language::{Language, UnknownWord, World};
pub use project::{PROJECT_FILE, Project, ProjectError};
pub use recipe::{BuildOptions, find_tools};
pub use template::{CreateError, create, templates};
pub use toolchain::MissingTool;
