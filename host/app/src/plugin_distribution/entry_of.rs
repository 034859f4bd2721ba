//! [`PluginsFile::entry_of`]: which entry of a list a plugin by digest belongs to.

use assay_model::image::PinnedImage;
use semver::Version;

use super::{
    lock_file::LockFile,
    plugins_file::{PluginEntry, PluginsFile},
};
use crate::error::RequestError;

impl PluginsFile {
    /// The entry that a plugin of a registry belongs to, or none if the list does not have its repository. Of several entries with
    /// that source it is the one that is locked to the digest, and where none is, the one that allows the version, if that is
    /// known.
    ///
    /// # Errors
    /// Several entries are left: they may require other signers and grant something else.
    pub(crate) fn entry_of(
        &self,
        lock: &LockFile,
        image: &PinnedImage,
        version: Option<&Version>,
    ) -> Result<Option<(&str, &PluginEntry)>, RequestError> {
        let entries = self.plugins.iter().filter(|(_, entry)| entry.source.as_ref() == Some(&image.repository));
        let all: Vec<(&str, &PluginEntry)> = entries.map(|(name, entry)| (name.as_str(), entry)).collect();
        if all.len() < 2 {
            return Ok(all.first().copied());
        }
        let is_locked = |name: &str| lock.plugins.get(name).is_some_and(|locked| locked.manifest == image.digest);
        let mut left: Vec<_> = all.iter().copied().filter(|(name, _)| is_locked(name)).collect();
        if let (true, Some(version)) = (left.is_empty(), version) {
            left = all.iter().copied().filter(|(_, entry)| entry.version.matches(version)).collect();
        }
        if let [one] = left.as_slice() {
            return Ok(Some(*one));
        }
        let shown = if left.is_empty() { &all } else { &left };
        let names: Vec<_> = shown.iter().map(|(name, _)| format!("`{name}`")).collect();
        let fact = format!("{image} may be {} of `{}`, which all have its repository", names.join(" or "), self.path);
        Err(RequestError::new(fact).hint("pass the name instead of the reference, or lock one of them to this digest"))
    }
}

#[cfg(test)]
mod tests {
    use assay_model::digest::Digest;
    use camino::Utf8Path;

    use super::*;
    use crate::plugin_distribution::lock_file::LockedPlugin;

    fn locked(name: &str, manifest: &Digest) -> (String, LockedPlugin) {
        (
            name.to_owned(),
            LockedPlugin { manifest: manifest.clone(), ..LockedPlugin::of_test(name, "r.example/a:1.0.0") },
        )
    }

    #[test]
    fn of_several_entries_with_one_repository_the_locked_one_counts_and_never_just_the_first() {
        let text = "[plugin.new]\nsource = 'r.example/a'\nversion = '2'\n[plugin.old]\nsource = 'r.example/a'\nversion = '1'\n\
                    [plugin.other]\nsource = 'r.example/b'\n";
        let list = PluginsFile::parse(text, Utf8Path::new("plugins.toml")).unwrap();
        let repository = list.plugins["old"].source.clone().unwrap();
        let image = repository.at(Digest::of(b"m"));
        let lock =
            |names: &[&str]| LockFile { plugins: names.iter().map(|name| locked(name, &image.digest)).collect() };
        let version = |text: &str| text.parse::<Version>().unwrap();
        let name = |lock: &LockFile, version: Option<&Version>| {
            list.entry_of(lock, &image, version).map(|entry| entry.map(|(name, _)| name.to_owned()))
        };
        let none = LockFile::default();
        assert_eq!(name(&lock(&["old"]), None).unwrap().as_deref(), Some("old"));
        // What is locked counts more than what a plugin says of itself.
        assert_eq!(name(&lock(&["old"]), Some(&version("2.0.0"))).unwrap().as_deref(), Some("old"));
        assert_eq!(name(&none, Some(&version("2.1.0"))).unwrap().as_deref(), Some("new"));
        for (lock, version) in [(none.clone(), None), (lock(&["new", "old"]), None), (none, Some(version("3.0.0")))] {
            let error = name(&lock, version.as_ref()).unwrap_err().message();
            assert!(error.contains("may be `new` or `old` of `plugins.toml`"), "{error}");
        }
        let other = list.plugins["other"].source.clone().unwrap().at(Digest::of(b"m"));
        assert_eq!(list.entry_of(&LockFile::default(), &other, None).unwrap().map(|(name, _)| name), Some("other"));
    }
}
