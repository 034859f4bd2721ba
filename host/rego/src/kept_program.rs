//! The bytes in which compiled policies are kept, and the key that they are kept under.
//!
//! The key is a digest of the text of each file and of all options that change what is compiled. The names of files are not
//! part of it: those of fetched policies are in another folder in each run. So what is kept names files by their place among
//! the sources.

use assay_model::digest::Digest;

use crate::{
    compile_options::CompileOptions,
    engine::{CompiledRules, Reader, Stored, Writer},
    sources::PolicyFile,
    text_digest::TextDigest,
};

/// The digest of all that compiled policies depend on. Of the functions that a host has, it has the names: their types are those of
/// this build.
pub(crate) fn key(files: &[PolicyFile], options: CompileOptions) -> Digest {
    let mut digest = TextDigest::of_kind("policy");
    digest.add(if options.strict { "strict" } else { "" });
    digest.add(&options.functions.len().to_string());
    options.functions.iter().for_each(|function| digest.add(function.name()));
    for file in files {
        digest.add(if file.v0.unwrap_or(options.v0) { "v0" } else { "v1" });
        digest.add(&file.text);
    }
    digest.finish()
}

/// The rules, with what else was made of the files of these names.
pub(crate) fn write(rules: &CompiledRules, beside: &impl Stored, names: Vec<String>) -> Vec<u8> {
    let mut to = Writer::of_files(names);
    beside.write(&mut to);
    rules.write(&mut to);
    to.into_bytes()
}

/// What was written, for files that are called so now; none for other bytes.
pub(crate) fn read<T: Stored>(bytes: &[u8], names: &[String], options: CompileOptions) -> Option<(CompiledRules, T)> {
    let mut from = Reader::of_files(bytes, options.functions, names);
    let beside = T::read(&mut from)?;
    let rules = CompiledRules::read(&mut from)?;
    from.is_done().then_some((rules, beside))
}
