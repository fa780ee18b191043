//! Checksums of files.

use super::naming::Namer;
use md5::Digest;
// OpenSSL's, which is there for TLS anyway, are nearly twice as fast as those of the sha1 and sha2 crates.
use openssl::sha::{Sha1, Sha224, Sha256, Sha384, Sha512};
use serde::{Deserialize, Serialize};
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
    /// What contents are called here ([`super::naming`]); not for users.
    #[serde(skip)]
    #[schemars(skip)]
    Name,
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
        let sum = self.of_all(&mut |take| {
            take(bytes);
            Ok(())
        });
        // Nothing is read.
        sum.unwrap_or_default()
    }

    /// The sum of all that can be read.
    ///
    /// # Errors
    /// Those of the reader.
    pub fn of_reader(self, mut reader: impl Read) -> io::Result<String> {
        self.of_all(&mut |take| each(&mut reader, take))
    }

    fn of_all(self, pour: &mut dyn FnMut(&mut Take<'_>) -> io::Result<()>) -> io::Result<String> {
        macro_rules! sum {
            ($new:expr, $finish:ident) => {{
                let mut digest = $new;
                pour(&mut |bytes| digest.update(bytes))?;
                hex(&digest.$finish())
            }};
        }
        Ok(match self {
            Algorithm::Md5 => sum!(md5::Md5::new(), finalize),
            Algorithm::Sha1 => sum!(Sha1::new(), finish),
            Algorithm::Sha224 => sum!(Sha224::new(), finish),
            Algorithm::Sha256 => sum!(Sha256::new(), finish),
            Algorithm::Sha384 => sum!(Sha384::new(), finish),
            Algorithm::Sha512 => sum!(Sha512::new(), finish),
            Algorithm::Name => {
                let mut namer = Namer::default();
                pour(&mut |bytes| namer.update(bytes))?;
                namer.end()
            }
        })
    }
}

/// Takes the next bytes.
type Take<'a> = dyn FnMut(&[u8]) + 'a;

/// Bytes in lower-case hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, b| {
        // Writing to a String cannot fail.
        let _ = write!(out, "{b:02x}");
        out
    })
}

/// Does two things at the same time.
pub(super) fn both(one: &mut (dyn FnMut() + Send), other: &mut dyn FnMut()) {
    std::thread::scope(|scope| {
        scope.spawn(one);
        other();
    });
}

/// Reads to the end, some bytes at a time.
fn each(reader: &mut dyn Read, take: &mut Take<'_>) -> io::Result<()> {
    // Most files are small.
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match reader.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(n) => {
                take(&buffer[..n]);
                if n == buffer.len() {
                    buffer.resize(PART, 0);
                }
            }
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

/// What is read at once of a large file.
const PART: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

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

    #[test]
    fn what_is_read_in_parts_has_the_sum_of_the_whole() {
        let all: Vec<u8> = (0..3 * PART as u64).map(|n| ((n * n) >> 9) as u8).collect();
        let ends = [0, 1, 16 << 10, (16 << 10) + 1, PART + (16 << 10), 3 * PART];
        for end in ends {
            let bytes = &all[..end];
            for algorithm in [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256] {
                assert_eq!(
                    algorithm.of_reader(bytes).unwrap(),
                    algorithm.of(bytes),
                    "{end}"
                );
            }
        }
        // The crates' and OpenSSL's are the same.
        let other = sha2::Sha256::digest(&all);
        assert_eq!(Algorithm::Sha256.of(&all), hex(&other));
    }
}
