//! File contents by name: they travel apart from the steps.

use super::Blob;
use crate::diag::{Diag, Result};
use std::collections::HashMap;
use std::sync::Arc;

/// Where a host gets contents that the control side named.
pub trait Blobs: Send {
    /// The bytes of a content.
    ///
    /// # Errors
    /// `no-blob` where nobody sent it.
    fn get(&self, blob: &Blob) -> Result<Arc<[u8]>>;

    /// Hands the bytes of a content to `to`, piece by piece where it is large. Whether they are the
    /// right ones is known at the end.
    ///
    /// # Errors
    /// As [`Blobs::get`], and those of `to`.
    fn copy(&self, blob: &Blob, to: &mut Sink<'_>) -> Result<()> {
        to(&self.get(blob)?)
    }

    /// These contents are about to be asked for, in this order.
    fn expect(&self, _blobs: Vec<Blob>) {}
}

/// Takes the next bytes of a content.
pub type Sink<'a> = dyn FnMut(&[u8]) -> Result<()> + 'a;

/// Contents in memory, by name.
#[derive(Clone, Debug, Default)]
pub struct MemoryBlobs(HashMap<String, Arc<[u8]>>);

impl MemoryBlobs {
    /// Keeps a content and names it.
    pub fn insert(&mut self, bytes: impl Into<Arc<[u8]>>) -> Blob {
        let bytes = bytes.into();
        let blob = Blob::of(&bytes);
        self.0.insert(blob.name.clone(), bytes);
        blob
    }
}

impl Blobs for MemoryBlobs {
    fn get(&self, blob: &Blob) -> Result<Arc<[u8]>> {
        self.0.get(&blob.name).cloned().ok_or_else(|| {
            Diag::error(
                "no-blob",
                format!("the content {} was not sent to this host", blob.name),
            )
        })
    }
}
