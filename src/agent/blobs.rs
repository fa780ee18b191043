//! Contents that the control side holds, fetched when a step needs their bytes.

use super::inbox::{ACT, Delivery};
use super::line::{Out, send};
use crate::diag::{Diag, Result};
use crate::sys::Blob;
use crate::sys::blobs::Blobs;
use crate::wire::FromAgent;
use std::collections::HashMap;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

/// Asks for contents over the wire and keeps small ones for the rest of the session.
pub struct RemoteBlobs {
    out: Out,
    deliveries: Arc<Mutex<Receiver<Delivery>>>,
    kept: Mutex<HashMap<String, Arc<[u8]>>>,
}

/// Contents up to this size are kept: the same small file often goes to several places.
const KEEP: usize = 1 << 20;

impl RemoteBlobs {
    /// Contents that are asked for on `out` and arrive on `deliveries`.
    pub fn new(out: Out, deliveries: Arc<Mutex<Receiver<Delivery>>>) -> RemoteBlobs {
        RemoteBlobs {
            out,
            deliveries,
            kept: Mutex::default(),
        }
    }

    /// The bytes of a content by its SHA-256, checked by nobody yet; `None` if nobody has it.
    ///
    /// # Errors
    /// `connection-lost`.
    pub fn fetch(&self, sha256: &str) -> Result<Option<Vec<u8>>> {
        let request = FromAgent::NeedBlob {
            sha256: sha256.to_owned(),
        };
        self.ask(&request, sha256)
    }

    /// Tells the parent agent that a step is about to have its first effect, and waits until it may.
    ///
    /// # Errors
    /// `connection-lost`.
    pub fn may_act(&self) -> Result<()> {
        self.ask(&FromAgent::Acting, ACT).map(|_| ())
    }

    fn ask(&self, request: &FromAgent, wanted: &str) -> Result<Option<Vec<u8>>> {
        let lost = |what: &str| Diag::error("connection-lost", what);
        send(&self.out, request).map_err(|_| lost("the control side is gone"))?;
        let deliveries = self
            .deliveries
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        match deliveries.recv() {
            Ok((name, bytes)) if name == wanted => Ok(bytes),
            Ok((name, _)) => Err(lost(&format!("asked for {wanted}, got {name}"))),
            Err(_) => Err(lost("the control side is gone")),
        }
    }
}

/// One agent's contents, as its hosts ask for them.
pub struct Shared(pub Arc<RemoteBlobs>);

impl Blobs for Shared {
    fn get(&self, blob: &Blob) -> Result<Arc<[u8]>> {
        self.0.bytes(blob)
    }
}

impl RemoteBlobs {
    /// The bytes of a content.
    ///
    /// # Errors
    /// `connection-lost`, `no-content`, or `broken-content` if the bytes are not what the name says.
    pub fn bytes(&self, blob: &Blob) -> Result<Arc<[u8]>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = kept.get(&blob.sha256) {
            return Ok(bytes.clone());
        }
        let bytes = self.fetch(&blob.sha256)?.ok_or_else(|| {
            Diag::error("no-content", format!("nobody has content {}", blob.sha256))
        })?;
        if Blob::of(&bytes) != *blob {
            return Err(Diag::error(
                "broken-content",
                format!("content {} arrived damaged", blob.sha256),
            ));
        }
        let bytes: Arc<[u8]> = bytes.into();
        if bytes.len() <= KEEP {
            kept.insert(blob.sha256.clone(), bytes.clone());
        }
        Ok(bytes)
    }
}
