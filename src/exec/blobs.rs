//! The contents that hosts may ask for.

use crate::diag::{Diag, Result};
use crate::sys::{Blob, Stamp, naming};
use crate::wire::Piece;
use std::collections::HashMap;
use std::fs::{File, Metadata};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// Contents by name, for all hosts of a run.
#[derive(Default)]
pub struct Blobs {
    kept: RwLock<HashMap<String, Kept>>,
    /// Files that were named, by what tells that they are still the same.
    files: Mutex<HashMap<Stamp, Arc<Mutex<Option<Blob>>>>>,
}

#[derive(Clone)]
enum Kept {
    Bytes(Arc<[u8]>),
    /// A large file, by its path: a tree may have more of them than can be open at once.
    File(Arc<Path>),
}

impl Blobs {
    /// Keeps a content and names it.
    pub fn add(&self, bytes: Vec<u8>) -> Blob {
        let blob = Blob::of(&bytes);
        self.keep(&blob, || Kept::Bytes(bytes.into()));
        blob
    }

    /// Names a large file, which is read again as hosts ask for it; with its SHA-1 if somebody
    /// `sees` that.
    ///
    /// # Errors
    /// `io`.
    pub fn add_file(&self, path: &Path, meta: &Metadata, sees: bool) -> Result<Blob> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        let known = files.entry(Stamp::of(meta)).or_default().clone();
        drop(files);
        // Many hosts want the same file: one reads it, the others wait for what comes of it.
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(blob) = known.as_ref().filter(|blob| !sees || blob.sha1.is_some()) {
            return Ok(blob.clone());
        }
        let fail = |e| Diag::io("read", path, &e);
        let file = File::open(path).map_err(fail)?;
        let blob = naming::of_file(&file, meta.len(), sees).map_err(fail)?;
        self.keep(&blob, || Kept::File(path.into()));
        Ok(known.insert(blob).clone())
    }

    fn keep(&self, blob: &Blob, content: impl FnOnce() -> Kept) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.entry(blob.name.clone()).or_insert_with(content);
    }

    /// Reads pieces, one after the other into one buffer, and the length of each; `None` for one
    /// that is not here, or that the file does not have any more.
    pub fn read(&self, pieces: &[Piece]) -> (Vec<Option<usize>>, Vec<u8>) {
        let most = pieces.iter().map(|piece| piece.length).sum::<usize>();
        let mut bytes = Vec::with_capacity(most.min(Piece::MOST));
        let lengths = pieces
            .iter()
            .map(|piece| self.piece(piece, &mut bytes))
            .collect();
        (lengths, bytes)
    }

    fn piece(&self, piece: &Piece, to: &mut Vec<u8>) -> Option<usize> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        let content = kept.get(&piece.name)?.clone();
        drop(kept);
        let before = to.len();
        match content {
            Kept::Bytes(bytes) => {
                let from = usize::try_from(piece.from).ok()?;
                to.extend_from_slice(bytes.get(from..from.checked_add(piece.length)?)?);
            }
            Kept::File(file) => {
                let length = piece.length.min(Piece::MOST) as u64;
                let read = File::open(file).and_then(|mut file| {
                    file.seek(SeekFrom::Start(piece.from))?;
                    file.take(length).read_to_end(to)
                });
                if !read.is_ok_and(|read| read as u64 == length) {
                    to.truncate(before);
                    return None;
                }
            }
        }
        Some(to.len() - before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_of_memory_and_of_files() {
        let blobs = Blobs::default();
        let small = blobs.add(b"0123456789".to_vec());
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("large");
        std::fs::write(&path, b"abcdefghij").unwrap();
        let meta = path.metadata().unwrap();
        let large = blobs.add_file(&path, &meta, true).unwrap();
        assert_eq!(large, Blob::of(b"abcdefghij"));
        let piece = |blob: &Blob, from, length| Piece {
            name: blob.name.clone(),
            from,
            length,
        };
        let pieces = [
            piece(&small, 2, 3),
            piece(&large, 8, 2),
            piece(&large, 8, 3),
            piece(&small, 9, 2),
            piece(&Blob::of(b"?"), 0, 1),
        ];
        let (lengths, bytes) = blobs.read(&pieces);
        assert_eq!(lengths, [Some(3), Some(2), None, None, None]);
        assert_eq!(bytes, b"234ij");
        // Not read a second time.
        std::fs::remove_file(&path).unwrap();
        assert_eq!(blobs.add_file(&path, &meta, false).unwrap(), large);
    }
}
