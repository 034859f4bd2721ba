//! [`CheckpointView`]: the durable notes of one job, through the [`CheckpointStore`] of the caller.

use std::sync::Arc;

use assay_model::error::EvaluationError;

use crate::limits;

/// Keeps the notes of one job.
pub trait CheckpointStore: Send + Sync {
    /// All notes of the job, by key.
    ///
    /// # Errors
    /// They cannot be read.
    fn all(&self) -> Result<Vec<(String, Vec<u8>)>, EvaluationError>;

    /// Replaces a note. It is durable when this returns.
    ///
    /// # Errors
    /// It cannot be written.
    fn set(&self, key: &str, value: &[u8]) -> Result<(), EvaluationError>;
}

/// Why a note is not kept.
#[derive(Debug)]
pub(crate) enum CheckpointError {
    Quota(u64),
    BadKey,
    /// Ends the call.
    Evaluation(EvaluationError),
}

/// The notes of one job, or none.
pub(crate) struct CheckpointView(Option<Arc<dyn CheckpointStore>>);

impl CheckpointView {
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    pub(crate) const fn new(store: Arc<dyn CheckpointStore>) -> Self {
        Self(Some(store))
    }

    pub(crate) const fn is_granted(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn get(&self, key: &str) -> Result<Option<Vec<u8>>, EvaluationError> {
        Ok(self.all()?.into_iter().find(|(known, _)| known == key).map(|(_, value)| value))
    }

    pub(crate) fn keys(&self) -> Result<Vec<String>, EvaluationError> {
        Ok(self.all()?.into_iter().map(|(key, _)| key).collect())
    }

    /// Writes a note, if all of them stay within the limits.
    pub(crate) fn set(&self, key: &str, value: &[u8]) -> Result<(), CheckpointError> {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-' | b'/');
        if !(1..=limits::CHECKPOINT_KEY_BYTES).contains(&key.len()) || !key.bytes().all(is_allowed) {
            return Err(CheckpointError::BadKey);
        }
        let others = self.all().map_err(CheckpointError::Evaluation)?;
        let others = others.iter().filter(|(known, _)| known != key);
        let (count, size) =
            others.fold((0, 0), |(count, size), (key, value)| (count + 1, size + key.len() + value.len()));
        let left = limits::CHECKPOINT_BYTES.saturating_sub(size + key.len());
        if count >= limits::CHECKPOINT_KEYS || value.len() > left {
            return Err(CheckpointError::Quota(left as u64));
        }
        match &self.0 {
            Some(store) => store.set(key, value).map_err(CheckpointError::Evaluation),
            None => Ok(()),
        }
    }

    fn all(&self) -> Result<Vec<(String, Vec<u8>)>, EvaluationError> {
        self.0.as_ref().map_or_else(|| Ok(Vec::new()), |store| store.all())
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, sync::Mutex};

    use super::*;

    #[derive(Default)]
    struct Notes(Mutex<BTreeMap<String, Vec<u8>>>);

    impl CheckpointStore for Notes {
        fn all(&self) -> Result<Vec<(String, Vec<u8>)>, EvaluationError> {
            Ok(self.0.lock().unwrap().clone().into_iter().collect())
        }

        fn set(&self, key: &str, value: &[u8]) -> Result<(), EvaluationError> {
            self.0.lock().unwrap().insert(key.to_owned(), value.to_owned());
            Ok(())
        }
    }

    #[test]
    fn notes_are_kept_and_bounded() {
        let view = CheckpointView::new(Arc::new(Notes::default()));
        view.set("job/1", b"42").unwrap();
        assert_eq!(view.get("job/1").unwrap(), Some(b"42".to_vec()));
        assert_eq!((view.get("none").unwrap(), view.keys().unwrap()), (None, vec!["job/1".to_owned()]));
        for bad in ["", "a b", "é", "a\n", &"x".repeat(101)] {
            assert!(matches!(view.set(bad, b""), Err(CheckpointError::BadKey)), "{bad}");
        }
        assert!(matches!(view.set("large", &[0; limits::CHECKPOINT_BYTES]), Err(CheckpointError::Quota(_))));
        let kept = (0..100).take_while(|at| view.set(&format!("k{at}"), b"").is_ok()).count();
        assert_eq!(kept, limits::CHECKPOINT_KEYS - 1);
        view.set("job/1", b"43").unwrap();
    }
}
