//! [`FormatOptions`]: which Rego is formatted, and to which.

/// The language that a formatted module is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FormatLanguage {
    /// Rego v1.
    #[default]
    V1,
    /// Rego of before 1.0.
    V0,
    /// What is both, by `import rego.v1`.
    Both,
}

/// How a module is formatted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormatOptions {
    /// The module is Rego of before 1.0.
    pub reads_v0: bool,
    /// What it becomes.
    pub writes: FormatLanguage,
    /// Remove imports that Rego v1 does not need: `rego.v1` and `future.keywords`.
    pub drop_v0_imports: bool,
}
