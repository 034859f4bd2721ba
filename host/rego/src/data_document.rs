//! [`DataDocument`]: what policies see as `data`: what the files of data sources hold, and what is set beside them.
//!
//! Files are megabytes, and become one value that may come from a cache. What is set beside them is small and different in
//! each run. The two are put together at the end, without a look at the files' value, unless both have a name at the top.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
};

use assay_model::{digest::Digest, port::DerivedCache, yaml};
use regorus::{Value, value::Object};
use serde_json::{Map, Value as Json};

use crate::{
    data::Data,
    engine::{self, Reader, Stored as _, Writer, parallel_map},
    source_error::SourceError,
    text_digest::TextDigest,
    whole_numbers::with_whole_numbers,
    yaml_values,
};

/// The documents that policies see as `data`.
#[derive(Debug, Default)]
pub(crate) struct DataDocument {
    files: Option<FilesValue>,
    /// What is not from these files.
    own: Data,
}

/// The files of data sources, and what they hold together.
#[derive(Debug)]
struct FilesValue {
    value: Value,
    sources: Vec<DataSource>,
}

/// The files of one data source.
#[derive(Debug)]
pub(crate) struct DataSource {
    /// The source.
    pub(crate) path: PathBuf,
    /// Its files.
    pub(crate) files: Vec<DataFile>,
}

/// A file of a data source.
#[derive(Debug)]
pub(crate) struct DataFile {
    /// The folders between the source and the file.
    pub(crate) folders: Vec<String>,
    /// Its name in messages.
    pub(crate) origin: String,
    /// Its text.
    pub(crate) text: String,
}

/// Adds a document of a file, by its name, at a path.
type AddDocument<'a> = dyn FnMut(&str, &[String], Map<String, Json>) -> Result<(), SourceError> + 'a;

/// What the program itself says, which no data file may say.
const RESERVED: &str = "config";

impl DataDocument {
    /// Merges a document into the object at `path`.
    pub(crate) fn add(
        &mut self,
        origin: &str,
        path: &[String],
        document: Map<String, Json>,
    ) -> Result<(), SourceError> {
        let is_known = |name: &String| self.files.as_ref().is_some_and(|files| files.has(name));
        if path.first().map_or_else(|| document.keys().any(is_known), is_known) {
            self.separate()?;
        }
        Ok(self.own.add(origin, path, document)?)
    }

    /// Puts a value of any kind at `path`, which is not empty.
    pub(crate) fn add_value(&mut self, origin: &str, path: &[String], value: Json) -> Result<(), SourceError> {
        match (value, path.split_last()) {
            (Json::Object(fields), _) => self.add(origin, path, fields),
            (value, Some((last, above))) => self.add(origin, above, Map::from_iter([(last.clone(), value)])),
            (_, None) => Ok(()),
        }
    }

    /// Adds the files of data sources. What they hold is taken from the cache if it is there.
    pub(crate) fn add_sources(
        &mut self,
        sources: Vec<DataSource>,
        cache: Option<&dyn DerivedCache>,
    ) -> Result<(), SourceError> {
        let is_first = self.files.is_none() && self.own.is_empty();
        let Some(first) = sources.first().filter(|_| is_first) else {
            return sources.iter().try_for_each(|source| self.add_source(source));
        };
        let key = cache.map(|cache| (cache, key(&sources)));
        if let Some(value) = key.as_ref().and_then(|(cache, key)| read_value(&cache.find(key)?)) {
            self.files = Some(FilesValue { value, sources });
            return Ok(());
        }
        let written = key.is_some();
        let work = || {
            // What is wrong or set twice is left to the reader that reports it.
            let value = match common_value(&sources) {
                Some(value) => Some(value),
                None => general_value(&sources)?,
            };
            let bytes: Option<Vec<u8>> = value.as_ref().filter(|_| written).map(write_value);
            Ok::<_, SourceError>((value, bytes))
        };
        let made = engine::with_large_stack(work);
        let (value, bytes) =
            made.map_err(|error| SourceError::Fault { path: first.path.clone(), error: error.to_string() })??;
        let Some(value) = value else {
            // A number is out of range, which is an error of the compilation.
            return sources.iter().try_for_each(|source| self.add_source(source));
        };
        if let (Some((cache, key)), Some(bytes)) = (&key, bytes) {
            cache.keep(key, &bytes);
        }
        self.files = Some(FilesValue { value, sources });
        Ok(())
    }

    fn add_source(&mut self, source: &DataSource) -> Result<(), SourceError> {
        source.parse(&mut |origin, path, fields| self.add(origin, path, fields))
    }

    /// Reads the files again, so that what is added is merged into what they hold, and a value that is set twice is reported with
    /// both places.
    fn separate(&mut self) -> Result<(), SourceError> {
        let Some(files) = self.files.take() else { return Ok(()) };
        let own = std::mem::take(&mut self.own);
        for source in &files.sources {
            source.parse(&mut |origin, path, fields| Ok(self.own.add(origin, path, fields)?))?;
        }
        self.own.join(own);
        Ok(())
    }

    /// All of it as one value.
    ///
    /// # Errors
    /// A number that cannot be kept.
    pub(crate) fn into_value(self) -> Result<Value, String> {
        let own = engine::take(self.own.into_value())?;
        Ok(match (self.files.map(|files| files.value), own) {
            (Some(Value::Object(files)), Value::Object(own)) => {
                let fields = files.iter_sorted().chain(own.iter_sorted());
                fields.map(|(name, value)| (name.clone(), value.clone())).collect::<Object>().into_value()
            }
            (_, own) => own,
        })
    }
}

#[cfg(test)]
impl DataDocument {
    /// The same as JSON.
    pub(crate) fn into_json(self) -> Json {
        engine::given(&self.into_value().unwrap()).unwrap()
    }
}

impl FilesValue {
    fn has(&self, name: &str) -> bool {
        matches!(&self.value, Value::Object(fields) if fields.contains_key(&Value::from(name)))
    }
}

impl DataSource {
    /// Parses the files, and gives each document with where it goes.
    pub(crate) fn parse(&self, add: &mut AddDocument<'_>) -> Result<(), SourceError> {
        let documents = parallel_map(&self.files, |_, file| object(&file.origin, &file.text));
        let documents =
            documents.map_err(|error| SourceError::Fault { path: self.path.clone(), error: error.to_string() })?;
        let places = self.places();
        for ((file, places), document) in self.files.iter().zip(places).zip(documents) {
            let mut document = Some(document?);
            let last = places.len();
            for (at, below) in (1..).zip(places) {
                // The last one takes the document itself.
                let Some(document) = (if at == last { document.take() } else { document.clone() }) else { continue };
                let sets_reserved =
                    below.first().map_or_else(|| document.contains_key(RESERVED), |name| name == RESERVED);
                if sets_reserved {
                    return Err(SourceError::Reserved { origin: file.origin.clone() });
                }
                add(&file.origin, below, document)?;
            }
        }
        Ok(())
    }

    /// Where the document of each file goes.
    fn places(&self) -> Vec<Vec<&[String]>> {
        // As for `ec`, each folder with a data file is a source of its own, and what is below it counts for it as well.
        let roots: BTreeSet<&[String]> = self.files.iter().map(|file| file.folders.as_slice()).collect();
        let mut all = Vec::with_capacity(self.files.len());
        for file in &self.files {
            let splits = (0..=file.folders.len()).map(|depth| file.folders.split_at(depth));
            all.push(splits.filter(|(root, _)| roots.contains(root)).map(|(_, below)| below).collect());
        }
        all
    }
}

/// What files hold together; none where one is wrong, or something is set twice or is reserved.
fn common_value(sources: &[DataSource]) -> Option<Value> {
    let mut all = Value::new_object();
    for source in sources {
        let read = |_, file: &DataFile| {
            let value = yaml_values::read(&file.text);
            value.or_else(|| engine::take(document(&file.origin, &file.text).ok()?).ok())
        };
        let values = parallel_map(&source.files, read).ok()?;
        for (value, places) in values.into_iter().zip(source.places()) {
            let value = value.filter(|value| matches!(value, Value::Object(_)))?;
            for below in places {
                let wrap = |value, name: &String| Object::from_iter([(Value::from(name.as_str()), value)]).into_value();
                all = merged(&all, &below.iter().rev().fold(value.clone(), wrap))?;
            }
        }
    }
    let is_reserved = matches!(&all, Value::Object(fields) if fields.contains_key(&Value::from(RESERVED)));
    (!is_reserved).then_some(all)
}

/// Two values as one: objects are merged at every level. None where something else is set twice.
fn merged(one: &Value, other: &Value) -> Option<Value> {
    let (Value::Object(one), Value::Object(other)) = (one, other) else { return None };
    if one.is_empty() {
        return Some(Value::Object(Arc::clone(other)));
    }
    let mut fields: BTreeMap<Value, Value> =
        one.iter_sorted().map(|(key, value)| (key.clone(), value.clone())).collect();
    for (key, value) in other.iter_sorted() {
        let value = match fields.remove(key) {
            Some(before) => merged(&before, value)?,
            None => value.clone(),
        };
        fields.insert(key.clone(), value);
    }
    Some(Value::from(fields))
}

/// What files hold together; none where a number cannot be kept.
fn general_value(sources: &[DataSource]) -> Result<Option<Value>, SourceError> {
    let mut data = Data::default();
    for source in sources {
        source.parse(&mut |origin, path, fields| Ok(data.add(origin, path, fields)?))?;
    }
    Ok(engine::take(data.into_value()).ok())
}

/// The object that a data file, or what else has this name, holds.
pub(crate) fn object(origin: &str, text: &str) -> Result<Map<String, Json>, SourceError> {
    let found = match document(origin, text)? {
        Json::Object(fields) => return Ok(fields),
        Json::Null => "empty",
        Json::Array(_) => "a list",
        Json::Bool(_) | Json::Number(_) | Json::String(_) => "a single value",
    };
    Err(SourceError::NotAnObject { origin: origin.to_owned(), found })
}

/// The document of a data file.
pub(crate) fn document(origin: &str, text: &str) -> Result<Json, SourceError> {
    let document = yaml::parse(text).map_err(|error| SourceError::Syntax { origin: origin.to_owned(), error })?;
    // OPA keeps the digits of JSON; what is YAML, it makes JSON first, which has no fraction of a whole number.
    let is_json = text.trim_start().starts_with(['{', '[', '"']);
    Ok(if is_json { document } else { with_whole_numbers(document) })
}

/// The digest of all that the value of some sources depends on.
fn key(sources: &[DataSource]) -> Digest {
    let mut digest = TextDigest::of_kind("data");
    for source in sources {
        digest.add("source");
        for file in &source.files {
            digest.add("file");
            file.folders.iter().for_each(|folder| digest.add(&format!("/{folder}")));
            digest.add("text");
            digest.add(&file.text);
        }
    }
    digest.finish()
}

fn write_value(value: &Value) -> Vec<u8> {
    let mut to = Writer::default();
    value.write(&mut to);
    to.into_bytes()
}

fn read_value(bytes: &[u8]) -> Option<Value> {
    let read = || {
        let mut from = Reader::new(bytes);
        let value = Value::read(&mut from)?;
        (from.is_done() && matches!(value, Value::Object(_))).then_some(value)
    };
    engine::with_large_stack(read).ok()?
}
