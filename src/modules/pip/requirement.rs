//! Requirements as far as they can be understood without pip: a name and versions.

use std::cmp::Ordering;

/// A name with conditions on its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requirement {
    /// In its normal form.
    pub name: String,
    conditions: Vec<(String, String)>,
}

/// The normal form of a name: lower case, `-` for `_` and `.`.
pub fn normal(name: &str) -> String {
    let mut out = String::new();
    for c in name.trim().chars() {
        let c = if matches!(c, '_' | '.') {
            '-'
        } else {
            c.to_ascii_lowercase()
        };
        if !(c == '-' && out.ends_with('-')) {
            out.push(c);
        }
    }
    out
}

/// The lines of a requirements file, without comments; continued lines are one.
pub fn lines(text: &str) -> Vec<String> {
    text.replace("\\\n", " ")
        .lines()
        .map(|line| match line.find(" #") {
            Some(at) => line[..at].trim(),
            None => line.trim(),
        })
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

impl Requirement {
    /// Reads one requirement; `None` for URLs, options, extras, markers and what else only pip
    /// understands.
    pub fn parse(text: &str) -> Option<Requirement> {
        let text = text.trim();
        let end = text
            .find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)))
            .unwrap_or(text.len());
        let (name, rest) = text.split_at(end);
        if name.is_empty() || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
            return None;
        }
        let mut conditions = Vec::new();
        for part in rest.split(',').map(str::trim).filter(|p| !p.is_empty()) {
            let at = part.find(|c: char| !"<>=!~".contains(c))?;
            let (operator, version) = part.split_at(at);
            let known = ["==", ">=", "<=", ">", "<", "!=", "~="].contains(&operator);
            if !known
                || !version
                    .trim()
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || ".*+-!".contains(c))
            {
                return None;
            }
            conditions.push((operator.to_owned(), version.trim().to_owned()));
        }
        Some(Requirement {
            name: normal(name),
            conditions,
        })
    }

    /// Whether a version will do; `None` where only pip can tell.
    pub fn accepts(&self, version: &str) -> Option<bool> {
        let mut all = true;
        for (operator, wanted) in &self.conditions {
            all &= holds(operator, wanted, version)?;
        }
        Some(all)
    }
}

fn holds(operator: &str, wanted: &str, version: &str) -> Option<bool> {
    if operator == "==" && wanted == version {
        return Some(true);
    }
    if let Some(prefix) = wanted.strip_suffix(".*") {
        let prefix = numbers(prefix)?;
        let same = numbers(version)?.starts_with(&prefix);
        return match operator {
            "==" => Some(same),
            "!=" => Some(!same),
            _ => None,
        };
    }
    let (have, want) = (numbers(version)?, numbers(wanted)?);
    let order = compare(&have, &want);
    Some(match operator {
        "==" => order == Ordering::Equal,
        "!=" => order != Ordering::Equal,
        ">=" => order != Ordering::Less,
        "<=" => order != Ordering::Greater,
        ">" => order == Ordering::Greater,
        "<" => order == Ordering::Less,
        "~=" => {
            order != Ordering::Less && have.starts_with(want.get(..want.len().checked_sub(1)?)?)
        }
        _ => return None,
    })
}

/// `1.2.3` as numbers; releases with letters are left to pip.
fn numbers(version: &str) -> Option<Vec<u64>> {
    version.split('.').map(|part| part.parse().ok()).collect()
}

fn compare(a: &[u64], b: &[u64]) -> Ordering {
    let part = |v: &[u64], i: usize| v.get(i).copied().unwrap_or(0);
    (0..a.len().max(b.len()))
        .map(|i| part(a, i).cmp(&part(b, i)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn understands_plain_requirements_only() {
        let accepts = |text: &str, version: &str| Requirement::parse(text)?.accepts(version);
        assert_eq!(accepts("Foo_Bar", "1"), Some(true));
        assert_eq!(accepts("foo==1.0", "1.0.0"), Some(true));
        assert_eq!(accepts("foo >= 1.2, < 2", "1.10"), Some(true));
        assert_eq!(accepts("foo<2", "2.0"), Some(false));
        assert_eq!(accepts("foo~=1.4.2", "1.5"), Some(false));
        assert_eq!(accepts("foo==1.*", "1.9"), Some(true));
        assert_eq!(accepts("foo>1", "2.0rc1"), None);
        for odd in [
            "git+https://x/y",
            "foo[extra]",
            "-r other",
            "./dir",
            "foo; python_version<'3'",
        ] {
            assert_eq!(Requirement::parse(odd), None, "{odd}");
        }
        assert_eq!(lines("a==1 # x\n# y\n\nb \\\n >=2\n"), ["a==1", "b   >=2"]);
    }
}
