//! Names and values as SQL.

use crate::diag::{Diag, Result};

/// A value as a literal on one line, whatever is in it.
pub fn literal(value: &str) -> String {
    if !value.contains(['\\', '\n', '\r']) {
        return format!("'{}'", value.replace('\'', "''"));
    }
    let mut text = String::from("E'");
    for c in value.chars() {
        match c {
            '\'' => text.push_str("''"),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            c => text.push(c),
        }
    }
    text.push('\'');
    text
}

/// A value as a literal in what results show: everything but quotes stays as it is.
pub fn shown(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

/// Literals of an array.
pub fn array<S: AsRef<str>>(values: &[S]) -> String {
    let items: Vec<String> = values.iter().map(|value| literal(value.as_ref())).collect();
    format!("ARRAY[{}]::text[]", items.join(", "))
}

/// A name as it is, quoted.
pub fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The name of a role, which may be quoted already.
///
/// # Errors
/// `bad-name`: there is a quote that is not doubled.
pub fn role(name: &str) -> Result<String> {
    let inner = match (name.starts_with('"'), name.ends_with('"') && name.len() > 1) {
        (true, true) => &name[1..name.len() - 1],
        (false, false) if !name.is_empty() => name,
        _ => {
            let message = "The value of the user-field can't contain a double-quote in the end \
                           if it doesn't start with one and vice-versa.";
            return Err(Diag::error("bad-name", message));
        }
    };
    if inner.replace("\"\"", "").contains('"') {
        let message = "User escaped identifiers must escape extra quotes";
        return Err(Diag::error("bad-name", message));
    }
    Ok(format!("\"{inner}\""))
}

/// A value of a connection string.
pub fn parameter(value: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() && c != '\'' && c != '\\';
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// True for a text that looks like more than a name: a quote and a comment, a set operation, or a
/// second statement (observed: community.postgresql 4.2.0).
pub fn is_dangerous(text: &str) -> bool {
    const SETS: [&str; 3] = ["UNION", "INTERSECT", "EXCEPT"];
    const STATEMENTS: [&str; 7] = [
        "SELECT", "UPDATE", "INSERT", "DELETE", "DROP", "TRUNCATE", "ALTER",
    ];
    let follows = |line: &str, first: &[&str], then: &[&str]| {
        first.iter().any(|first| {
            let rest = line.split_once(first).map(|(_, rest)| rest);
            rest.is_some_and(|rest| then.iter().any(|then| rest.contains(then)))
        })
    };
    text.to_uppercase().split('\n').any(|line| {
        follows(line, &["'", "\""], &["--"])
            || follows(line, &SETS, &["SELECT"])
            || follows(line, &[";"], &STATEMENTS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_stay_values() {
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'\nb"), "E'a\\\\''\\nb'");
        assert_eq!(array(&["a", "b'"]), "ARRAY['a', 'b''']::text[]");
        assert_eq!(name("a\"b"), "\"a\"\"b\"");
        assert_eq!(parameter("5"), "5");
        assert_eq!(parameter("-c x='1'"), "'-c x=\\'1\\''");
    }

    #[test]
    fn roles_may_be_quoted_already() {
        assert_eq!(role("a.b").ok().as_deref(), Some("\"a.b\""));
        assert_eq!(role("\"a\"").ok().as_deref(), Some("\"a\""));
        for bad in ["\"a", "a\"", "a\"b", "\"", ""] {
            assert!(role(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn statements_in_names_are_seen() {
        for bad in ["a' --", "x union select 1", "a; drop table b"] {
            assert!(is_dangerous(bad), "{bad}");
        }
        for good in ["galaxy", "select", "drop; it", "a--b", "--'"] {
            assert!(!is_dangerous(good), "{good}");
        }
    }
}
