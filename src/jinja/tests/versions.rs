//! Versions: the schemes that the test `version` knows (observed: ansible-core 2.19.14).

use crate::jinja::function::Call;
use crate::value::re::{Flags, Pattern};
use std::cmp::Ordering;

const OPERATORS: [(&str, Holds); 14] = [
    ("==", Ordering::is_eq),
    ("=", Ordering::is_eq),
    ("eq", Ordering::is_eq),
    ("<", Ordering::is_lt),
    ("lt", Ordering::is_lt),
    ("<=", Ordering::is_le),
    ("le", Ordering::is_le),
    (">", Ordering::is_gt),
    ("gt", Ordering::is_gt),
    (">=", Ordering::is_ge),
    ("ge", Ordering::is_ge),
    ("!=", Ordering::is_ne),
    ("<>", Ordering::is_ne),
    ("ne", Ordering::is_ne),
];

const SCHEMES: [(&str, Compare); 5] = [
    ("loose", loose),
    ("strict", strict),
    ("semver", semantic),
    ("semantic", semantic),
    ("pep440", pep440),
];

/// What an order must be.
type Holds = fn(Ordering) -> bool;
/// The order of two versions, or why there is none.
type Compare = fn(&str, &str) -> Result<Ordering, String>;

/// `version(other, operator='eq', strict=None, version_type=None)`
pub fn version(call: &Call) -> Result<bool, String> {
    let value = call.subject()?;
    let (left, right) = (value.to_text(), call.text(1, "version").unwrap_or_default());
    if left.is_empty() {
        return Err("Input version value cannot be empty".to_owned());
    }
    if right.is_empty() {
        return Err("Version parameter to compare against cannot be empty".to_owned());
    }
    let operator = call.text(2, "operator").unwrap_or_else(|| "eq".to_owned());
    let strict = call.arg(3, "strict").filter(|value| !value.is_null());
    let kind = call.text(4, "version_type").filter(|kind| !kind.is_empty());
    let scheme = match (strict, kind.as_deref()) {
        (Some(_), Some(_)) => {
            return Err("Cannot specify both 'strict' and 'version_type'".to_owned());
        }
        (Some(strict), None) if strict.truthy() => "strict",
        (_, None) => "loose",
        (None, Some(kind)) => kind,
    };
    let compare = named(&SCHEMES, scheme, "version")?;
    let holds = match OPERATORS.iter().any(|(name, _)| *name == operator) {
        true => named(&OPERATORS, &operator, "operator")?,
        false => {
            let known = quoted(&OPERATORS);
            return Err(format!(
                "Invalid operator type ({operator}). Must be one of {known}"
            ));
        }
    };
    compare(&left, &right)
        .map(holds)
        .map_err(|e| format!("Version comparison failed: {e}"))
}

fn named<T: Copy>(table: &[(&str, T)], name: &str, what: &str) -> Result<T, String> {
    let found = table.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| *value).ok_or_else(|| {
        let known = quoted(table);
        format!("Invalid {what} type ({name}). Must be one of {known}")
    })
}

fn quoted<T>(table: &[(&str, T)]) -> String {
    let names: Vec<String> = table.iter().map(|(name, _)| format!("'{name}'")).collect();
    names.join(", ")
}

/// A run of digits, of small letters, or of anything else between dots, as Python's LooseVersion
/// splits them.
#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Number(u64),
    Text(&'a str),
}

fn parts(text: &str) -> Vec<Part<'_>> {
    let class = |c: char| match c {
        '0'..='9' => 0,
        'a'..='z' => 1,
        '.' => 2,
        _ => 3,
    };
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let end = rest.find(|c| class(c) != class(first));
        let (run, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        match class(first) {
            2 => {}
            0 => parts.push(run.parse().map_or(Part::Text(run), Part::Number)),
            _ => parts.push(Part::Text(run)),
        }
    }
    parts
}

/// LooseVersion's order: numbers and texts cannot be compared with each other.
fn loose(a: &str, b: &str) -> Result<Ordering, String> {
    let (a, b) = (parts(a), parts(b));
    for (x, y) in a.iter().zip(&b) {
        let order = match (x, y) {
            (Part::Number(x), Part::Number(y)) => x.cmp(y),
            (Part::Text(x), Part::Text(y)) => x.cmp(y),
            (x, y) => {
                let name = |part: &Part| match part {
                    Part::Number(_) => "int",
                    Part::Text(_) => "str",
                };
                return Err(format!(
                    "'<' not supported between instances of '{}' and '{}'",
                    name(x),
                    name(y)
                ));
            }
        };
        if order != Ordering::Equal {
            return Ok(order);
        }
    }
    Ok(a.len().cmp(&b.len()))
}

/// LooseVersion's order for sorting; numbers come before texts.
pub fn sort_order(a: &str, b: &str) -> Ordering {
    loose(a, b).unwrap_or_else(|_| a.cmp(b))
}

/// The groups of a version that has a form.
fn matched(form: &str, text: &str) -> Result<Option<Vec<Option<String>>>, String> {
    let flags = Flags {
        ignore_case: true,
        ..Flags::default()
    };
    let form = Pattern::new(form, flags)?;
    Ok(form.search(text).map(|found| {
        let group = |n| found.group(text, n).map(str::to_owned);
        (0..=found.len()).map(group).collect()
    }))
}

fn number(text: Option<&String>) -> u64 {
    text.and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// Python's StrictVersion: two or three numbers, then `a` or `b` with a number.
fn strict(a: &str, b: &str) -> Result<Ordering, String> {
    type Key = ([u64; 3], bool, Option<(String, u64)>);
    let key = |text: &str| -> Result<Key, String> {
        let form = r"^(\d+)\.(\d+)(?:\.(\d+))?(?:([ab])(\d+))?$";
        let Some(groups) = matched(form, text)? else {
            return Err(format!("invalid version number '{text}'"));
        };
        let at = |n: usize| groups.get(n).and_then(Option::as_ref);
        let early = at(4).map(|letter| (letter.clone(), number(at(5))));
        Ok((
            [number(at(1)), number(at(2)), number(at(3))],
            early.is_none(),
            early,
        ))
    };
    Ok(key(a)?.cmp(&key(b)?))
}

/// A dotted word of a semantic or a local version: numbers are ordered by value.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Word {
    Number(u64),
    Text(String),
}

fn words(text: &str, separators: &[char]) -> Vec<Word> {
    text.split(separators)
        .map(|word| {
            word.parse()
                .map_or_else(|_| Word::Text(word.to_lowercase()), Word::Number)
        })
        .collect()
}

/// Semantic Versioning 2.0.0.
fn semantic(a: &str, b: &str) -> Result<Ordering, String> {
    let key = |text: &str| -> Result<([u64; 3], bool, Vec<Word>), String> {
        let form = concat!(
            r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)",
            r"(?:-((?:0|[1-9]\d*|\d*[a-z-][0-9a-z-]*)(?:\.(?:0|[1-9]\d*|\d*[a-z-][0-9a-z-]*))*))?",
            r"(?:\+[0-9a-z-]+(?:\.[0-9a-z-]+)*)?$",
        );
        let Some(groups) = matched(form, text)? else {
            return Err(format!("invalid semantic version '{text}'"));
        };
        let at = |n: usize| groups.get(n).and_then(Option::as_ref);
        let early = at(4).map(|early| words(early, &['.']));
        Ok((
            [number(at(1)), number(at(2)), number(at(3))],
            early.is_none(),
            early.unwrap_or_default(),
        ))
    };
    Ok(key(a)?.cmp(&key(b)?))
}

/// What PEP 440 orders versions by: epoch, numbers, pre-release, post-release, development
/// release, local version.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Pep440 {
    epoch: u64,
    release: Vec<u64>,
    /// A development release of no pre-release is before all of them, no pre-release after.
    pre: (u8, String, u64),
    post: Option<u64>,
    /// Whether it is none, then its number.
    dev: (bool, u64),
    local: Option<Vec<LocalWord>>,
}

/// Words are before numbers in local versions.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum LocalWord {
    Text(String),
    Number(u64),
}

fn pep440(a: &str, b: &str) -> Result<Ordering, String> {
    let key = |text: &str| -> Result<Pep440, String> {
        let form = concat!(
            r"^\s*v?(?:(\d+)!)?(\d+(?:\.\d+)*)",
            r"(?:[-_.]?(alpha|a|beta|b|preview|pre|c|rc)[-_.]?(\d+)?)?",
            r"(?:(-(\d+))|([-_.]?(?:post|rev|r)[-_.]?(\d+)?))?",
            r"([-_.]?dev[-_.]?(\d+)?)?",
            r"(?:\+([a-z0-9]+(?:[-_.][a-z0-9]+)*))?\s*$",
        );
        let Some(groups) = matched(form, text)? else {
            return Err(format!("Invalid version: '{text}'"));
        };
        let at = |n: usize| groups.get(n).and_then(Option::as_ref);
        let mut release: Vec<u64> = at(2)
            .map(|numbers| numbers.split('.').map(|n| n.parse().unwrap_or(0)).collect())
            .unwrap_or_default();
        while release.last() == Some(&0) {
            release.pop();
        }
        let letter = at(3).map(|word| match word.to_lowercase().as_str() {
            "alpha" | "a" => "a",
            "beta" | "b" => "b",
            _ => "rc",
        });
        let post = match (at(5), at(7)) {
            (Some(_), _) => Some(number(at(6))),
            (None, Some(_)) => Some(number(at(8))),
            (None, None) => None,
        };
        let dev = at(9).map(|_| number(at(10)));
        let pre = match letter {
            Some(letter) => (1, letter.to_owned(), number(at(4))),
            None if post.is_none() && dev.is_some() => (0, String::new(), 0),
            None => (2, String::new(), 0),
        };
        let local = at(11).map(|local| {
            let words = words(local, &['.', '-', '_']).into_iter();
            let words = words.map(|word| match word {
                Word::Number(n) => LocalWord::Number(n),
                Word::Text(text) => LocalWord::Text(text),
            });
            words.collect()
        });
        Ok(Pep440 {
            epoch: number(at(1)),
            release,
            pre,
            post,
            dev: (dev.is_none(), dev.unwrap_or(0)),
            local,
        })
    };
    Ok(key(a)?.cmp(&key(b)?))
}
