//! Types of options that need their own conversion.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Permission bits: octal text (`"0644"`, `"u=rw,g=r"`), or a number that YAML read from octal.
///
/// What the user wrote is kept, since `X` and `+`/`-` need the file's own bits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub enum Mode {
    /// All twelve bits.
    Bits(u32),
    /// `u+rwX,go-w` and the like, or `preserve`.
    Symbolic(String),
}

/// The newtype names by which the argument deserializer knows these types.
pub(super) const MODE: &str = "$mode";
pub(super) const RAW: &str = "$raw";

impl<'de> Deserialize<'de> for Mode {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Mode, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Bits(u32),
            Symbolic(String),
        }
        #[derive(Deserialize)]
        #[serde(rename = "$mode")]
        struct Named(Form);
        Ok(match Named::deserialize(d)?.0 {
            Form::Bits(bits) => Mode::Bits(bits),
            Form::Symbolic(text) => Mode::parse(&text).map_err(serde::de::Error::custom)?,
        })
    }
}

impl Mode {
    /// Reads the text of a mode.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Mode, String> {
        let text = text.trim();
        let digits = text.strip_prefix("0o").unwrap_or(text);
        if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) {
            return match u32::from_str_radix(digits, 8) {
                Ok(bits) if bits <= 0o7777 => Ok(Mode::Bits(bits)),
                _ => Err(format!("mode {text:?} is not an octal number up to 7777")),
            };
        }
        if text == "preserve" || symbolic_is_valid(text) {
            return Ok(Mode::Symbolic(text.to_owned()));
        }
        Err(format!(
            "mode {text:?} is neither octal (\"0644\") nor symbolic (\"u=rw,g=r,o=r\")"
        ))
    }

    /// The bits for a file that has `current` now. `umask` is applied where a clause names nobody.
    pub fn apply(&self, current: u32, is_dir: bool, umask: u32) -> u32 {
        match self {
            Mode::Bits(bits) => *bits,
            Mode::Symbolic(text) => text.split(',').fold(current, |mode, clause| {
                apply_clause(mode, clause, is_dir, umask)
            }),
        }
    }
}

fn symbolic_is_valid(text: &str) -> bool {
    !text.is_empty()
        && text.split(',').all(|clause| {
            let rest = clause.trim_start_matches(['u', 'g', 'o', 'a']);
            let mut chars = rest.chars();
            matches!(chars.next(), Some('+' | '-' | '='))
                && chars.all(|c| "rwxXstugo+-=".contains(c))
        })
}

/// One clause such as `go+rX` or `u=rw-x`.
fn apply_clause(mut mode: u32, clause: &str, is_dir: bool, umask: u32) -> u32 {
    let ops_at = clause.find(['+', '-', '=']).unwrap_or(clause.len());
    let (who, mut rest) = clause.split_at(ops_at);
    let nobody = who.is_empty();
    let who = if nobody || who.contains('a') {
        "ugo"
    } else {
        who
    };
    while let Some(op) = rest.chars().next() {
        rest = &rest[1..];
        let end = rest.find(['+', '-', '=']).unwrap_or(rest.len());
        let (perms, next) = rest.split_at(end);
        rest = next;
        let mut bits = 0;
        let mut mask = 0;
        for class in who.chars() {
            let shift = match class {
                'u' => 6,
                'g' => 3,
                _ => 0,
            };
            mask |= 0o7 << shift;
            bits |= class_bits(perms, mode, is_dir) << shift;
            if perms.contains('s') {
                bits |= match class {
                    'u' => 0o4000,
                    'g' => 0o2000,
                    _ => 0,
                };
            }
        }
        if perms.contains('t') {
            bits |= 0o1000;
        }
        if nobody {
            bits &= !umask | 0o7000;
        }
        mode = match op {
            '+' => mode | bits,
            '-' => mode & !bits,
            _ => {
                let special = who.chars().fold(0, |m, c| {
                    m | match c {
                        'u' => 0o4000,
                        'g' => 0o2000,
                        _ => 0o1000,
                    }
                });
                (mode & !(mask | special)) | bits
            }
        };
    }
    mode
}

fn class_bits(perms: &str, mode: u32, is_dir: bool) -> u32 {
    perms.chars().fold(0, |bits, c| {
        bits | match c {
            'r' => 4,
            'w' => 2,
            'x' => 1,
            'X' if is_dir || mode & 0o111 != 0 => 1,
            'u' => (mode >> 6) & 7,
            'g' => (mode >> 3) & 7,
            'o' => mode & 7,
            _ => 0,
        }
    })
}

/// A list that may be written as one comma-separated string; the usual type of a list option.
/// (A plain `Vec<T>` converts in the same way; this name is for places that want to say so.)
pub type Csv = Vec<String>;

/// Any value as it was given, with no conversion: bodies, dicts, defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Raw(pub Json);

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Raw, D::Error> {
        #[derive(Deserialize)]
        #[serde(rename = "$raw")]
        struct Named(Json);
        Ok(Raw(Named::deserialize(d)?.0))
    }
}

impl JsonSchema for Raw {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "raw".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "description": "any value" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn symbolic_modes_follow_chmod() {
        let apply =
            |text: &str, mode, dir| Mode::parse(text).map(|m| m.apply(mode, dir, 0o022)).ok();
        assert_eq!(apply("0755", 0, false), Some(0o755));
        assert_eq!(apply("u=rw,g=r,o=", 0o777, false), Some(0o640));
        assert_eq!(apply("a+X", 0o644, false), Some(0o644));
        assert_eq!(apply("a+X", 0o644, true), Some(0o755));
        assert_eq!(apply("+w", 0o444, false), Some(0o644));
        assert_eq!(apply("g+s,o+t", 0o755, true), Some(0o3755));
        assert_eq!(apply("g=u", 0o640, false), Some(0o660));
        assert_eq!(apply("u=rwx-x", 0, false), Some(0o600));
        assert!(Mode::parse("rw-r--r--").is_err());
        assert!(Mode::parse("0999").is_err());
    }
}
