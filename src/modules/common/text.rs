//! File contents as text that regular expressions can work on, whatever their encoding.

/// How bytes became characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// The bytes are UTF-8.
    Utf8,
    /// They are not: each byte stands as the character of its number, and so do the bytes of option
    /// texts, as when Python works on `bytes`.
    Bytes,
    /// Latin-1 by the user's word: characters are what they are.
    Latin1,
}

impl Coding {
    /// Reads bytes.
    pub fn read(bytes: &[u8]) -> (String, Coding) {
        match std::str::from_utf8(bytes) {
            Ok(text) => (text.to_owned(), Coding::Utf8),
            Err(_) => (latin1(bytes), Coding::Bytes),
        }
    }

    /// An option's text as it would stand in such a file.
    pub fn import(self, text: &str) -> String {
        match self {
            Coding::Utf8 | Coding::Latin1 => text.to_owned(),
            Coding::Bytes => latin1(text.as_bytes()),
        }
    }

    /// The bytes to write. A character that Latin-1 lacks is written as UTF-8.
    pub fn bytes(self, text: &str) -> Vec<u8> {
        match self {
            Coding::Utf8 => text.as_bytes().to_vec(),
            Coding::Bytes | Coding::Latin1 => {
                let mut bytes = Vec::with_capacity(text.len());
                for c in text.chars() {
                    match u8::try_from(u32::from(c)) {
                        Ok(byte) => bytes.push(byte),
                        Err(_) => bytes.extend(c.to_string().into_bytes()),
                    }
                }
                bytes
            }
        }
    }
}

/// Each byte as the character of its number.
pub fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|b| char::from(*b)).collect()
}

/// Lines with their ends, split at `\n` only.
pub fn lines(text: &str) -> Vec<String> {
    text.split_inclusive('\n').map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_survive() {
        let bytes = b"\xe9=1\n";
        let (text, coding) = Coding::read(bytes);
        assert_eq!(coding, Coding::Bytes);
        assert_eq!(coding.bytes(&text), bytes);
        assert_eq!(coding.bytes(&coding.import("é")), "é".as_bytes());
        assert_eq!(Coding::Latin1.bytes("é"), [0xe9]);
    }
}
