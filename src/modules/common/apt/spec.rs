//! Package names as playbooks write them: `nginx`, `nginx=1.22*`, `nginx>=1.20`, `libc6:i386`.

use super::version;
use crate::diag::{Diag, Result};

/// How a version is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Any version.
    Any,
    /// `=`, where the version may be a shell pattern.
    Equal,
    /// `>=`, which is satisfied by any newer installed one.
    AtLeast,
}

/// One entry of `name`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// As written.
    pub text: String,
    /// Name, possibly with `:arch`.
    pub name: String,
    /// What the version is asked to be.
    pub relation: Relation,
    /// The version, empty for [`Relation::Any`].
    pub version: String,
}

impl Spec {
    /// Reads one entry.
    pub fn parse(text: &str) -> Spec {
        let text = text.trim();
        let (name, relation, version) = match (text.split_once(">="), text.split_once('=')) {
            (Some((name, version)), _) => (name, Relation::AtLeast, version),
            (None, Some((name, version))) => (name, Relation::Equal, version),
            (None, None) => (text, Relation::Any, ""),
        };
        Spec {
            text: text.to_owned(),
            name: name.trim().to_owned(),
            relation,
            version: version.trim().to_owned(),
        }
    }

    /// True for a name with shell wildcards.
    pub fn is_pattern(&self) -> bool {
        self.name.contains(['*', '?', '['])
    }

    /// True where this version is what is asked for.
    pub fn accepts(&self, candidate: &str) -> bool {
        match self.relation {
            Relation::Any => true,
            Relation::AtLeast => version::compare(candidate, &self.version).is_ge(),
            Relation::Equal => {
                matches(&self.version, candidate)
                    || version::compare(candidate, &self.version).is_eq()
            }
        }
    }
}

/// Reads `name`: a list whose entries may hold several names.
///
/// # Errors
/// `wrong-value` for an entry that is no package name.
pub fn parse_all(names: &[String]) -> Result<Vec<Spec>> {
    let mut specs = Vec::new();
    for name in names.iter().flat_map(|entry| entry.split(',')) {
        let spec = Spec::parse(name);
        if spec.name.is_empty() {
            continue;
        }
        if spec.name.contains(char::is_whitespace) {
            return Err(Diag::error(
                "wrong-value",
                format!("No package matching '{}' is available", spec.text),
            )
            .about("name")
            .help("write several packages as a YAML list, or separate them with commas"));
        }
        specs.push(spec);
    }
    Ok(specs)
}

/// True where a shell pattern matches a text.
pub fn matches(pattern: &str, text: &str) -> bool {
    glob::Pattern::new(pattern).is_ok_and(|p| p.matches(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_and_versions() {
        let spec = Spec::parse("nginx=1.22*");
        assert_eq!(
            (spec.name.as_str(), spec.relation),
            ("nginx", Relation::Equal)
        );
        assert!(spec.accepts("1.22.1-9") && !spec.accepts("1.24"));
        assert!(Spec::parse("git>=1:2.0").accepts("1:2.39"));
        assert!(!Spec::parse("git >= 1:2.40").accepts("1:2.39"));
        assert!(Spec::parse("a").accepts("x"));
        let all = parse_all(&["a, b".into(), "c=1".into(), String::new()]);
        assert_eq!(all.map(|s| s.len()).ok(), Some(3));
        assert!(parse_all(&["a b".into()]).is_err());
    }
}
