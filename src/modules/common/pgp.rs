//! OpenPGP keys: their text form, and the numbers of the keys they hold.

use base64::Engine;
use sha1::Digest;

const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";

/// True for keys in their text form.
pub fn is_armored(bytes: &[u8]) -> bool {
    bytes.windows(BEGIN.len()).any(|w| w == BEGIN.as_bytes())
}

/// Keys in their binary form, which apt takes from `.gpg` files. Nothing for what holds no keys.
pub fn binary(bytes: &[u8]) -> Option<Vec<u8>> {
    if !is_armored(bytes) {
        return (!ids(bytes).is_empty()).then(|| bytes.to_vec());
    }
    let text = String::from_utf8_lossy(bytes);
    let mut out = Vec::new();
    for block in text.split(BEGIN).skip(1) {
        let block = block.split(END).next()?;
        // Header lines, an empty line, base64, and a checksum that starts with `=`.
        let lines = block.lines().skip(1).map(str::trim);
        let body: String = lines
            .skip_while(|line| !line.is_empty())
            .take_while(|line| !line.starts_with('='))
            .collect();
        out.extend(base64::prelude::BASE64_STANDARD.decode(body).ok()?);
    }
    (!ids(&out).is_empty()).then_some(out)
}

/// A key of a file: main keys and subkeys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The fingerprint in upper-case hexadecimal.
    pub fingerprint: String,
    /// It belongs to the main key before it.
    pub sub: bool,
}

impl Key {
    /// The number that programs show: 16 digits.
    pub fn id(&self) -> &str {
        match self.fingerprint.len() {
            40 => &self.fingerprint[24..],
            // Version 6 counts from the front.
            len => &self.fingerprint[..len.min(16)],
        }
    }
}

/// The keys in a binary file, in order.
pub fn ids(bytes: &[u8]) -> Vec<Key> {
    let blocks = blocks(bytes).into_iter();
    blocks.flat_map(|block| block.keys).collect()
}

/// A main key with all that belongs to it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Block<'a> {
    /// The main key and its subkeys.
    pub keys: Vec<Key>,
    /// All its packets.
    pub bytes: &'a [u8],
}

/// A binary file, taken apart by main keys.
pub fn blocks(bytes: &[u8]) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut rest, mut start) = (bytes, bytes);
    while let Some((tag, body, after)) = packet(rest) {
        if tag == 6 {
            start = rest;
            blocks.push(Block::default());
        }
        if let Some(block) = blocks.last_mut() {
            block.bytes = &start[..start.len() - after.len()];
            if matches!(tag, 6 | 14)
                && let Some(fingerprint) = fingerprint(body)
            {
                let sub = tag == 14;
                block.keys.push(Key { fingerprint, sub });
            }
        }
        rest = after;
    }
    blocks
}

/// Tag, body, and what follows (RFC 9580, section 4.2).
fn packet(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let first = *bytes.first()?;
    if first & 0x80 == 0 {
        return None;
    }
    let (tag, length, header) = if first & 0x40 != 0 {
        let (length, octets) = new_length(bytes.get(1..)?)?;
        (first & 0x3f, length, 1 + octets)
    } else {
        let octets = 1usize
            .checked_shl(u32::from(first & 3))
            .filter(|n| *n < 8)?;
        let length = bytes.get(1..=octets)?;
        let length = length.iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
        ((first >> 2) & 0xf, length, 1 + octets)
    };
    let body = bytes.get(header..)?.get(..length)?;
    Some((tag, body, &bytes[header + length..]))
}

fn new_length(bytes: &[u8]) -> Option<(usize, usize)> {
    let at = |n: usize| bytes.get(n).map(|byte| usize::from(*byte));
    Some(match at(0)? {
        short @ 0..192 => (short, 1),
        first @ 192..224 => (((first - 192) << 8) + at(1)? + 192, 2),
        255 => (at(1)? << 24 | at(2)? << 16 | at(3)? << 8 | at(4)?, 5),
        // Keys do not come in parts.
        _ => return None,
    })
}

fn fingerprint(body: &[u8]) -> Option<String> {
    let length = u32::try_from(body.len()).ok()?;
    let digest = match body.first()? {
        4 => {
            let mut hash = sha1::Sha1::new();
            hash.update([0x99]);
            hash.update(u16::try_from(length).ok()?.to_be_bytes());
            hash.update(body);
            hash.finalize().to_vec()
        }
        version @ (5 | 6) => {
            let mut hash = sha2::Sha256::new();
            hash.update([if *version == 5 { 0x9a } else { 0x9b }]);
            hash.update(length.to_be_bytes());
            hash.update(body);
            hash.finalize().to_vec()
        }
        _ => return None,
    };
    Some(digest.iter().map(|byte| format!("{byte:02X}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A made-up key packet of version 4, in old and new form.
    #[test]
    fn keys_are_found_in_packets_of_both_forms() {
        let body = [4, 0, 0, 0, 1, 1, 0, 1, 1];
        let mut old = vec![0x98, 9];
        old.extend(body);
        let mut new = vec![0xc0 | 14, 9];
        new.extend(body);
        let both = [old.clone(), new].concat();
        let twice = [both.clone(), old.clone()].concat();
        let parts: Vec<&[u8]> = blocks(&twice).into_iter().map(|b| b.bytes).collect();
        assert_eq!(parts, [both.as_slice(), old.as_slice()]);
        let keys = ids(&both);
        assert_eq!(keys.len(), 2);
        assert_eq!((keys[0].sub, keys[1].sub), (false, true));
        assert_eq!(keys[0].fingerprint, keys[1].fingerprint);
        assert_eq!(keys[0].id(), &keys[0].fingerprint[24..]);

        let armored = format!(
            "{BEGIN}\nComment: x\n\n{}\n=abcd\n{END}\n",
            base64::prelude::BASE64_STANDARD.encode(&both)
        );
        assert_eq!(binary(armored.as_bytes()), Some(both.clone()));
        assert_eq!(binary(&both), Some(both));
        assert_eq!(binary(b"text"), None);
        assert_eq!(binary(&[]), None);
    }
}
