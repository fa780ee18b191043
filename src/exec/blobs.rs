//! The contents that hosts may ask for.

use crate::sys::Blob;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

/// Contents by SHA-256, for all hosts of a run.
#[derive(Default)]
pub struct Blobs {
    kept: RwLock<HashMap<String, Arc<[u8]>>>,
}

impl Blobs {
    /// Keeps a content and names it.
    pub fn add(&self, bytes: Vec<u8>) -> Blob {
        let blob = Blob::of(&bytes);
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.entry(blob.sha256.clone())
            .or_insert_with(|| bytes.into());
        blob
    }

    /// The bytes of a content.
    pub fn read(&self, sha256: &str) -> Option<Arc<[u8]>> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.get(sha256).cloned()
    }
}
