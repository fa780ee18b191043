//! What contents are called: by their SHA-256; a large one by that of the SHA-256s of its parts, which
//! all processors make at once.

use super::digest::{both, hex};
use super::{Algorithm, Blob};
use openssl::sha::{Sha256, sha256};
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The length of a part, in bytes. What is not longer has no parts.
const PART: usize = Blob::LARGE as usize;

/// What is read at once: it is summed up before it has left the processor's cache.
const READ: usize = 128 * 1024;

/// More processors than this are left to others.
const MOST: usize = 4;

/// Names a content as its bytes come.
#[derive(Default)]
pub struct Namer {
    part: Sha256,
    /// Bytes of it.
    filled: usize,
    /// The sums of the parts before.
    parts: Option<Sha256>,
}

impl Namer {
    /// Takes the next bytes.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.filled == PART {
                let part = std::mem::take(&mut self.part).finish();
                self.parts.get_or_insert_default().update(&part);
                self.filled = 0;
            }
            let (these, rest) = bytes.split_at(bytes.len().min(PART - self.filled));
            self.part.update(these);
            self.filled += these.len();
            bytes = rest;
        }
    }

    /// The name of all of them.
    pub fn end(self) -> String {
        let part = self.part.finish();
        match self.parts {
            None => hex(&part),
            Some(mut parts) => {
                parts.update(&part);
                hex(&parts.finish())
            }
        }
    }
}

/// Names the content of a file of this length that was just opened, without holding a large one in
/// memory; with its SHA-1 if somebody `sees` it.
///
/// # Errors
/// Those of reading it; it has become shorter.
pub fn of_file(file: &File, size: u64, sees: bool) -> io::Result<Blob> {
    if size <= Blob::LARGE {
        let mut bytes = Vec::new();
        (&mut &*file).read_to_end(&mut bytes)?;
        return Ok(Blob::of(&bytes));
    }
    let (mut name, mut sha1) = (Ok(String::new()), None);
    match sees {
        true => both(
            &mut || sha1 = Some(Algorithm::Sha1.of_reader(file)),
            &mut || name = name_of(file, size),
        ),
        false => name = name_of(file, size),
    }
    Ok(Blob {
        name: name?,
        sha1: sha1.transpose()?,
        size,
    })
}

/// The name of the content of a file of this length.
///
/// # Errors
/// As [`of_file`].
pub(super) fn name_of(file: &File, size: u64) -> io::Result<String> {
    let count = usize::try_from(size.div_ceil(PART as u64)).unwrap_or(usize::MAX);
    if count < 2 {
        return Algorithm::Name.of_reader(file);
    }
    let (next, sums) = (AtomicUsize::new(0), Mutex::new(Ok(vec![[0; 32]; count])));
    let work = || {
        let mut buffer = vec![0; READ];
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            if at >= count {
                return;
            }
            let from = at as u64 * PART as u64;
            let sum = sum_of(file, from, size.min(from + PART as u64), &mut buffer);
            let mut sums = sums.lock().unwrap_or_else(PoisonError::into_inner);
            match (&mut *sums, sum) {
                (Ok(sums), Ok(sum)) => sums[at] = sum,
                (sums @ Ok(_), Err(e)) => *sums = Err(e),
                (Err(_), _) => return,
            }
        }
    };
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 1..processors.min(MOST).min(count) {
            scope.spawn(work);
        }
        work();
    });
    let sums = sums.into_inner().unwrap_or_else(PoisonError::into_inner)?;
    Ok(hex(&sha256(sums.as_flattened())))
}

/// The sum of a part of a file.
fn sum_of(file: &File, mut from: u64, end: u64, buffer: &mut [u8]) -> io::Result<[u8; 32]> {
    let mut sum = Sha256::new();
    while from < end {
        let left = usize::try_from(end - from).unwrap_or(usize::MAX);
        let these = &mut buffer[..left.min(READ)];
        file.read_exact_at(these, from)?;
        sum.update(these);
        from += these.len() as u64;
    }
    Ok(sum.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Seek, Write};

    #[test]
    fn a_name_is_the_same_however_it_is_made() {
        let all: Vec<u8> = (0..5 * PART as u64).map(|n| ((n * n) >> 9) as u8).collect();
        for size in [
            0,
            1,
            PART - 1,
            PART,
            PART + 1,
            2 * PART,
            5 * PART - 3,
            5 * PART,
        ] {
            let bytes = &all[..size];
            let mut file = tempfile::tempfile().unwrap();
            file.write_all(bytes).unwrap();
            let mut namer = Namer::default();
            bytes.chunks(1000).for_each(|bytes| namer.update(bytes));
            let name = namer.end();
            assert_eq!(name, Blob::of(bytes).name, "{size}");
            assert_eq!(name == Algorithm::Sha256.of(bytes), size <= PART);
            file.rewind().unwrap();
            assert_eq!(of_file(&file, size as u64, true).unwrap(), Blob::of(bytes));
            if size > PART {
                assert!(of_file(&file, size as u64 + 1, false).is_err());
            }
        }
    }
}
