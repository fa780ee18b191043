//! Terms that carry options: `key file=x.csv delimiter=;`.

use crate::play::split;
use crate::value::{Map, Value};

/// A term taken apart.
pub struct Term {
    /// What is none of the options.
    pub key: Option<String>,
    /// The options of the call, under those of the term.
    options: Map,
}

impl Term {
    /// Takes a term apart; only options among `known` may stand in it.
    ///
    /// # Errors
    /// An open quote, an option that there is not.
    pub fn parse(term: &str, options: &Map, known: &[&str]) -> Result<Term, String> {
        let found = split::parse_kv(term, false)
            .ok_or("failed at splitting arguments, either an unbalanced jinja2 block or quotes")?;
        let mut options = options.clone();
        for pair in found.pairs {
            if !known.contains(&pair.key.as_str()) {
                return Err(format!("{} is not a valid option", pair.key));
            }
            options.insert(pair.key.as_str(), pair.value);
        }
        Ok(Term {
            key: found
                .free
                .map(|key| key.trim_end().to_owned())
                .filter(|key| !key.is_empty()),
            options,
        })
    }

    /// An option as it is.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.options.get(name).filter(|value| !value.is_null())
    }

    /// A text option.
    pub fn text(&self, name: &str, default: &str) -> String {
        self.get(name)
            .map_or_else(|| default.to_owned(), Value::to_text)
    }

    /// A boolean option.
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.get(name)
            .map_or(default, crate::jinja::function::truthy)
    }

    /// A number option.
    ///
    /// # Errors
    /// It is none.
    pub fn number(&self, lookup: &str, name: &str, default: i64) -> Result<i64, String> {
        match self.get(name) {
            None => Ok(default),
            Some(value) => number(lookup, name, &value.to_text()),
        }
    }
}

/// A whole number, in hexadecimal or octal too.
///
/// # Errors
/// It is none.
pub fn number(lookup: &str, name: &str, text: &str) -> Result<i64, String> {
    let trimmed = text.trim();
    let (negative, digits) = match trimmed.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, trimmed),
    };
    let parsed = if let Some(hex) = digits.strip_prefix("0x") {
        i64::from_str_radix(hex, 16)
    } else if digits.len() > 1 && digits.starts_with('0') {
        i64::from_str_radix(digits, 8)
    } else {
        digits.parse()
    };
    parsed.map(|n| if negative { -n } else { n }).map_err(|_| {
        format!(
            "Config '{name}' for '{lookup}' lookup plugin has an invalid value: Invalid value \
             provided for 'integer': {}",
            Value::str(text).repr()
        )
    })
}
