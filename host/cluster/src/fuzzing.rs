//! The entry point of the fuzz target `kubeconfig`.

use std::path::Path;

use crate::kubeconfig::Kubeconfig;

/// Reads texts as kubeconfigs, parted by a form feed, and reduces them to their context as far as no file is needed.
pub fn read_kubeconfigs(text: &str) {
    let mut merged = Kubeconfig::default();
    if !text.split('\u{c}').all(|text| merged.add(text, Path::new("/nowhere")).is_ok()) {
        return;
    }
    if let Ok(selected) = merged.select(false) {
        assert!(!selected.user.contains_key("exec"), "a plugin of a file that nobody named");
        let document = selected.into_document();
        let _refused = serde_json::from_value::<kube::config::Kubeconfig>(document);
    }
}
