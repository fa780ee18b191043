//! Checksums of files.

use serde::{Deserialize, Serialize};
use sha2::Digest;
use std::fmt::Write;
use std::io::{self, Read};

/// A way to sum up bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum Algorithm {
    /// MD5.
    Md5,
    /// SHA-1: Ansible's `checksum`.
    Sha1,
    /// SHA-224.
    Sha224,
    /// SHA-256.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

impl Algorithm {
    /// By its name in lower case.
    pub fn named(name: &str) -> Option<Algorithm> {
        Some(match name {
            "md5" => Algorithm::Md5,
            "sha1" => Algorithm::Sha1,
            "sha224" => Algorithm::Sha224,
            "sha256" => Algorithm::Sha256,
            "sha384" => Algorithm::Sha384,
            "sha512" => Algorithm::Sha512,
            _ => return None,
        })
    }

    /// The sum in lower-case hexadecimal.
    pub fn of(self, bytes: &[u8]) -> String {
        // Reading from memory cannot fail.
        self.of_reader(bytes).unwrap_or_default()
    }

    /// The sum of all that can be read.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn of_reader(self, reader: impl Read) -> io::Result<String> {
        match self {
            Algorithm::Md5 => sum::<md5::Md5>(reader),
            Algorithm::Sha1 => sum::<sha1::Sha1>(reader),
            Algorithm::Sha224 => sum::<sha2::Sha224>(reader),
            Algorithm::Sha256 => sum::<sha2::Sha256>(reader),
            Algorithm::Sha384 => sum::<sha2::Sha384>(reader),
            Algorithm::Sha512 => sum::<sha2::Sha512>(reader),
        }
    }
}

/// Sums up a content as its bytes come.
#[derive(Default)]
pub struct Hasher {
    sha256: sha2::Sha256,
}

impl Hasher {
    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
    }

    /// The SHA-256 of all of them.
    pub fn sha256(self) -> String {
        hex(&self.sha256.finalize())
    }
}

/// Names the content of a file without holding it in memory.
///
/// # Errors
/// Those of reading it.
pub fn blob_of_file(file: &std::fs::File) -> io::Result<super::Blob> {
    let (mut sha256, mut sha1) = (sha2::Sha256::new(), sha1::Sha1::new());
    let mut size = 0;
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let read = match (&mut &*file).read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) => return Err(e),
        };
        sha256.update(&buffer[..read]);
        sha1.update(&buffer[..read]);
        size += read as u64;
    }
    Ok(super::Blob {
        sha256: hex(&sha256.finalize()),
        sha1: hex(&sha1.finalize()),
        size,
    })
}

/// Bytes in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, b| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{b:02x}");
        out
    })
}

fn sum<D: Digest>(mut reader: impl Read) -> io::Result<String> {
    let mut digest = D::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => digest.update(&buffer[..n]),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    Ok(hex(&digest.finalize()))
}

#[cfg(test)]
mod tests {
    use super::Algorithm;

    #[test]
    fn known_sums() {
        assert_eq!(
            Algorithm::Sha1.of(b"abc"),
            "a9993e364706816aba3e25717850c26c9cd0d89d"
        );
        assert_eq!(Algorithm::Md5.of(b""), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(Algorithm::named("sha512"), Some(Algorithm::Sha512));
        assert_eq!(Algorithm::named("crc"), None);
    }
}
