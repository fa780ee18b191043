//! Character sets by the names that Python has for them.

/// How text is written as bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// `utf-8`
    Utf8,
    /// `utf-16`: in this machine's order, with a mark of it in front.
    Utf16,
    /// `utf-16-le`
    Utf16Le,
    /// `utf-16-be`
    Utf16Be,
    /// `utf-32`, with a mark in front.
    Utf32,
    /// `latin-1`
    Latin1,
    /// `ascii`
    Ascii,
    /// `windows-1252`
    Windows1252,
}

/// What Windows-1252 has from 0x80 to 0x9f; a control character where it has nothing.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}',
    '\u{90}', '‘', '’', '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

impl Charset {
    /// The character set of a name; the empty one is UTF-8.
    ///
    /// # Errors
    /// Python's words for a name that is not known.
    pub fn named(name: &str) -> Result<Charset, String> {
        Ok(
            match name.to_ascii_lowercase().replace(['_', ' '], "-").as_str() {
                "" | "utf-8" | "utf8" | "u8" => Charset::Utf8,
                "utf-16" | "utf16" | "u16" => Charset::Utf16,
                "utf-16-le" | "utf-16le" | "utf16-le" => Charset::Utf16Le,
                "utf-16-be" | "utf-16be" | "utf16-be" => Charset::Utf16Be,
                "utf-32" | "utf32" | "u32" => Charset::Utf32,
                "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" | "8859" | "cp819" | "l1" => {
                    Charset::Latin1
                }
                "ascii" | "us-ascii" | "646" => Charset::Ascii,
                "windows-1252" | "cp1252" | "1252" => Charset::Windows1252,
                _ => return Err(format!("unknown encoding: {name}")),
            },
        )
    }

    /// Text as bytes.
    ///
    /// # Errors
    /// Python's words for a character that the character set does not have.
    pub fn encode(self, text: &str) -> Result<Vec<u8>, String> {
        Ok(match self {
            Charset::Utf8 => text.as_bytes().to_vec(),
            Charset::Utf16 => {
                let units = text.encode_utf16().flat_map(u16::to_le_bytes);
                [0xff, 0xfe].into_iter().chain(units).collect()
            }
            Charset::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Charset::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Charset::Utf32 => {
                let units = text.chars().flat_map(|c| u32::from(c).to_le_bytes());
                [0xff, 0xfe, 0, 0].into_iter().chain(units).collect()
            }
            Charset::Latin1 | Charset::Ascii | Charset::Windows1252 => {
                let bytes = text.chars().enumerate();
                bytes
                    .map(|(at, c)| self.byte(c).ok_or_else(|| self.unfit(c, at)))
                    .collect::<Result<_, _>>()?
            }
        })
    }

    fn byte(self, c: char) -> Option<u8> {
        let plain = u8::try_from(u32::from(c)).ok();
        match self {
            Charset::Ascii => plain.filter(u8::is_ascii),
            Charset::Windows1252 => match WINDOWS_1252.iter().position(|known| *known == c) {
                Some(at) => u8::try_from(0x80 + at).ok(),
                None => plain.filter(|byte| !(0x80..0xa0).contains(byte)),
            },
            _ => plain,
        }
    }

    fn unfit(self, c: char, at: usize) -> String {
        let code = u32::from(c);
        let shown = match code {
            0..=0xff => format!("\\x{code:02x}"),
            0x100..=0xffff => format!("\\u{code:04x}"),
            _ => format!("\\U{code:08x}"),
        };
        let (name, why) = match self {
            Charset::Ascii => ("ascii", "ordinal not in range(128)"),
            Charset::Windows1252 => ("charmap", "character maps to <undefined>"),
            _ => ("latin-1", "ordinal not in range(256)"),
        };
        format!("'{name}' codec can't encode character '{shown}' in position {at}: {why}")
    }

    /// Bytes as text. What is no text in this character set becomes U+FFFD.
    pub fn decode(self, bytes: &[u8]) -> String {
        let units = |of: fn([u8; 2]) -> u16, bytes: &[u8]| -> String {
            let pairs = bytes.chunks_exact(2).map(|pair| of([pair[0], pair[1]]));
            String::from_utf16_lossy(&pairs.collect::<Vec<_>>())
        };
        match self {
            Charset::Utf8 | Charset::Ascii => String::from_utf8_lossy(bytes).into_owned(),
            Charset::Utf16 => match bytes {
                [0xfe, 0xff, rest @ ..] => units(u16::from_be_bytes, rest),
                [0xff, 0xfe, rest @ ..] => units(u16::from_le_bytes, rest),
                rest => units(u16::from_le_bytes, rest),
            },
            Charset::Utf16Le => units(u16::from_le_bytes, bytes),
            Charset::Utf16Be => units(u16::from_be_bytes, bytes),
            Charset::Utf32 => {
                let bytes = bytes.strip_prefix(&[0xff, 0xfe, 0, 0]).unwrap_or(bytes);
                let quads = bytes.chunks_exact(4);
                let codes = quads.map(|q| u32::from_le_bytes([q[0], q[1], q[2], q[3]]));
                codes
                    .map(|code| char::from_u32(code).unwrap_or('\u{fffd}'))
                    .collect()
            }
            Charset::Latin1 => bytes.iter().map(|byte| char::from(*byte)).collect(),
            Charset::Windows1252 => {
                let character = |byte: &u8| match byte {
                    0x80..=0x9f => WINDOWS_1252[usize::from(byte - 0x80)],
                    byte => char::from(*byte),
                };
                bytes.iter().map(character).collect()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_writes() {
        let bytes = |name: &str, text: &str| Charset::named(name).unwrap().encode(text);
        assert_eq!(bytes("latin-1", "aé").unwrap(), b"a\xe9");
        assert_eq!(bytes("windows-1252", "a€").unwrap(), b"a\x80");
        assert_eq!(bytes("utf-16", "a").unwrap(), b"\xff\xfea\0");
        assert_eq!(
            bytes("ascii", "aé").unwrap_err(),
            "'ascii' codec can't encode character '\\xe9' in position 1: ordinal not in range(128)"
        );
        assert_eq!(
            Charset::named("rot13").unwrap_err(),
            "unknown encoding: rot13"
        );
    }

    #[test]
    fn what_was_written_is_read_again() {
        for name in [
            "utf-8",
            "utf-16",
            "utf_16_be",
            "utf-16-le",
            "utf-32",
            "cp1252",
        ] {
            let set = Charset::named(name).unwrap();
            let text = "Straße – 5 €";
            assert_eq!(set.decode(&set.encode(text).unwrap()), text, "{name}");
        }
    }
}
