//! Which files `find` takes.

use super::{Args, Stamp};
use crate::args::Mode;
use crate::diag::{Diag, Result};
use crate::modules::common::text::latin1;
use crate::sys::{Command, Stat, View};
use crate::value::re::{Flags, Pattern};
use std::path::Path;

/// The options, compiled.
pub(super) struct Filter {
    patterns: Vec<Pattern>,
    excludes: Vec<Pattern>,
    contains: Option<Pattern>,
    whole_file: bool,
    encoding: Option<String>,
    age: Option<f64>,
    stamp: Stamp,
    size: Option<f64>,
    mode: Option<u32>,
    exact_mode: bool,
    now: f64,
}

impl Filter {
    pub(super) fn new(args: &Args, now: f64) -> Result<Filter> {
        let compile = |patterns: &Vec<String>, option| -> Result<Vec<Pattern>> {
            let one = |text: &String| {
                let compiled = if args.use_regex {
                    Pattern::new(text, Flags::default())
                } else {
                    Pattern::full(
                        &glob(text),
                        Flags {
                            dotall: true,
                            ..Flags::default()
                        },
                    )
                };
                compiled.map_err(|e| Diag::error("bad-regex", e).about(option))
            };
            patterns.iter().map(one).collect()
        };
        let contains = args.contains.as_deref().map(|text| {
            Pattern::new(text, Flags::default())
                .map_err(|e| Diag::error("bad-regex", e).about("contains"))
        });
        let mode = match &args.mode {
            Some(Mode::Bits(bits)) => Some(*bits),
            Some(symbolic) => Some(symbolic.apply(0, false, 0)),
            None => None,
        };
        Ok(Filter {
            patterns: compile(&args.patterns, "patterns")?,
            excludes: compile(&args.excludes, "excludes")?,
            contains: contains.transpose()?,
            whole_file: args.read_whole_file,
            encoding: args.encoding.clone(),
            age: amount("age", args.age.as_deref(), seconds)?,
            stamp: args.age_stamp,
            size: amount("size", args.size.as_deref(), bytes)?,
            mode,
            exact_mode: args.exact_mode,
            now,
        })
    }

    /// By name and stat.
    pub(super) fn takes(&self, name: &str, stat: &Stat) -> bool {
        let named = |patterns: &[Pattern]| patterns.iter().any(|p| p.match_start(name).is_some());
        let time = match self.stamp {
            Stamp::Atime => stat.atime,
            Stamp::Ctime => stat.ctime,
            Stamp::Mtime => stat.mtime,
        };
        (self.patterns.is_empty() || named(&self.patterns))
            && !named(&self.excludes)
            && within(self.age, self.now - time)
            && within(self.size, stat.size as f64)
            && self.mode.is_none_or(|mode| {
                if self.exact_mode {
                    stat.mode == mode
                } else {
                    stat.mode & mode == mode
                }
            })
    }

    /// By what is in the file, or why that cannot be read (in ansible-core 2.19.14's words).
    pub(super) fn takes_content(
        &self,
        path: &Path,
        view: &dyn View,
    ) -> Result<std::result::Result<bool, String>> {
        let Some(pattern) = &self.contains else {
            return Ok(Ok(true));
        };
        let text = match self.text(path, view)? {
            Ok(text) => text,
            Err(reason) => return Ok(Err(reason)),
        };
        Ok(Ok(if self.whole_file {
            pattern.is_match(&text)
        } else {
            text.split_inclusive('\n')
                .any(|line| pattern.match_start(line).is_some())
        }))
    }

    fn text(&self, path: &Path, view: &dyn View) -> Result<std::result::Result<String, String>> {
        let unreadable = || {
            let encoding = self.encoding.as_deref();
            let default = "None (default determined by the Python built-in function \"open\")";
            format!(
                "Failed to read the file {} due to an encoding error. current encoding: {}",
                path.display(),
                encoding.unwrap_or(default)
            )
        };
        let encoding = self.encoding.as_deref().unwrap_or("utf-8");
        let bytes = view.read(path)?.known().flatten().unwrap_or_default();
        let name = encoding.to_ascii_lowercase().replace('_', "-");
        Ok(match name.as_str() {
            "utf-8" | "utf8" => String::from_utf8(bytes.to_vec()).map_err(|_| unreadable()),
            "latin-1" | "latin1" | "iso-8859-1" => Ok(latin1(&bytes)),
            "ascii" | "us-ascii" if bytes.is_ascii() => Ok(latin1(&bytes)),
            "ascii" | "us-ascii" => Err(unreadable()),
            // The C library of the host knows the others.
            _ => {
                let path = path.display().to_string();
                let command = Command::new(["iconv", "-f", encoding, "-t", "UTF-8", &path]);
                match view.query(&command)?.known() {
                    Some(output) if output.ok() => Ok(output.text()),
                    Some(output)
                        if String::from_utf8_lossy(&output.stderr).contains("sequence") =>
                    {
                        Err(unreadable())
                    }
                    _ => Err(format!("unknown encoding: {encoding}")),
                }
            }
        })
    }
}

/// At least a positive amount, at most a negative one.
fn within(limit: Option<f64>, value: f64) -> bool {
    limit.is_none_or(|limit| {
        if limit >= 0.0 {
            value >= limit
        } else {
            value <= limit.abs()
        }
    })
}

fn seconds(unit: char) -> Option<f64> {
    Some(match unit {
        's' => 1.0,
        'm' => 60.0,
        'h' => 3600.0,
        'd' => 86400.0,
        'w' => 604_800.0,
        _ => return None,
    })
}

fn bytes(unit: char) -> Option<f64> {
    let power = "bkmgt".find(unit)?;
    Some(1024_f64.powi(i32::try_from(power).ok()?))
}

fn amount(option: &str, text: Option<&str>, unit: fn(char) -> Option<f64>) -> Result<Option<f64>> {
    let Some(text) = text else {
        return Ok(None);
    };
    let lower = text.trim().to_ascii_lowercase();
    let (digits, factor) = match lower.chars().next_back() {
        Some(last) if last.is_ascii_alphabetic() => (&lower[..lower.len() - 1], unit(last)),
        _ => (lower.as_str(), Some(1.0)),
    };
    match (digits.parse::<i64>(), factor) {
        (Ok(number), Some(factor)) => Ok(Some(number as f64 * factor)),
        _ => Err(
            Diag::error("wrong-value", format!("failed to process {option}"))
                .with(option, text)
                .about(option),
        ),
    }
}

/// A shell pattern as a regular expression, by Python's `fnmatch`.
fn glob(pattern: &str) -> String {
    let chars: Vec<char> = pattern.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while at < chars.len() {
        let c = chars[at];
        at += 1;
        match c {
            '*' => out.push_str(".*"),
            '?' => out.push('.'),
            '[' => {
                let from = at + usize::from(chars.get(at) == Some(&'!'));
                let close = (from + 1..chars.len()).find(|i| chars[*i] == ']');
                let Some(close) = close else {
                    out.push_str("\\[");
                    continue;
                };
                let inner: String = chars[from..close].iter().collect();
                out.push('[');
                out.push_str(if from > at { "^" } else { "" });
                out.push_str(&inner.replace('\\', "\\\\"));
                out.push(']');
                at = close + 1;
            }
            c if c.is_alphanumeric() || c == '_' => out.push(c),
            c => {
                out.push('\\');
                out.push(c);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shell_patterns() {
        let matches = |pattern: &str, name: &str| {
            Pattern::full(&glob(pattern), Flags::default())
                .unwrap()
                .is_match(name)
        };
        assert!(matches("*.txt", "a.txt"));
        assert!(!matches("*.txt", "a.txtx"));
        assert!(matches("[!a]?", "bc"));
        assert!(!matches("[!a]?", "ac"));
        assert!(matches("a[", "a["));
    }

    #[test]
    fn amounts() {
        let age = |text| amount("age", Some(text), seconds).map_err(|e| e.message);
        assert_eq!(age("2d"), Ok(Some(172_800.0)));
        assert_eq!(age("-1w"), Ok(Some(-604_800.0)));
        assert_eq!(age("xx"), Err("failed to process age".into()));
        assert_eq!(amount("size", Some("1k"), bytes).ok(), Some(Some(1024.0)));
        assert!(within(Some(-10.0), 5.0) && !within(Some(10.0), 5.0));
    }
}
