//! Python's `re` over `fancy_regex`: the same patterns, flags, replacement templates and order of
//! matches (empty ones included), judged by running CPython 3.11.

mod template;
mod translate;

pub use template::Template;

use std::sync::OnceLock;

/// Python's flags that callers set; patterns may set them inline too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Flags {
    /// `re.I`
    pub ignore_case: bool,
    /// `re.M`
    pub multiline: bool,
    /// `re.S`
    pub dotall: bool,
    /// `re.X`
    pub verbose: bool,
}

impl Flags {
    /// `re.M` alone.
    pub const MULTILINE: Flags = Flags {
        ignore_case: false,
        multiline: true,
        dotall: false,
        verbose: false,
    };
}

/// A compiled pattern.
#[derive(Debug)]
pub struct Pattern {
    regex: fancy_regex::Regex,
    text: String,
    /// The same pattern that refuses empty matches: what Python tries after an empty match.
    not_empty: OnceLock<Option<fancy_regex::Regex>>,
}

/// One match: byte ranges of the whole and of each group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    groups: Vec<Option<(usize, usize)>>,
}

impl Found {
    /// Start of the whole match.
    pub fn start(&self) -> usize {
        self.span(0).map_or(0, |s| s.0)
    }

    /// End of the whole match.
    pub fn end(&self) -> usize {
        self.span(0).map_or(0, |s| s.1)
    }

    /// Byte range of a group, if it took part.
    pub fn span(&self, group: usize) -> Option<(usize, usize)> {
        self.groups.get(group).copied().flatten()
    }

    /// Text of a group, if it took part.
    pub fn group<'t>(&self, text: &'t str, group: usize) -> Option<&'t str> {
        self.span(group).map(|(start, end)| &text[start..end])
    }

    /// Number of groups, the whole match not counted.
    pub fn len(&self) -> usize {
        self.groups.len() - 1
    }

    /// True for a pattern without groups.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Pattern {
    /// Compiles a pattern of Python's.
    ///
    /// # Errors
    /// What is wrong with it, in Python's words where that is simple.
    pub fn new(pattern: &str, flags: Flags) -> Result<Pattern, String> {
        let text = translate::translate(pattern, flags)?;
        let regex = build(&text, false).map_err(|e| e.to_string())?;
        Ok(Pattern {
            regex,
            text,
            not_empty: OnceLock::new(),
        })
    }

    /// Compiles a pattern that must match the whole text (`re.fullmatch`).
    ///
    /// # Errors
    /// As [`Pattern::new`].
    pub fn full(pattern: &str, flags: Flags) -> Result<Pattern, String> {
        let inner = translate::translate(pattern, flags)?;
        let text = format!(r"\A(?:{inner})\z");
        let regex = build(&text, false).map_err(|e| e.to_string())?;
        Ok(Pattern {
            regex,
            text,
            not_empty: OnceLock::new(),
        })
    }

    /// The first match at or after a byte offset (`re.search`). A pattern that exhausts the
    /// engine's patience counts as not matching.
    pub fn search_from(&self, text: &str, from: usize) -> Option<Found> {
        found(&self.regex, text, from)
    }

    /// The first match (`re.search`).
    pub fn search(&self, text: &str) -> Option<Found> {
        self.search_from(text, 0)
    }

    /// A match at the very start (`re.match`).
    pub fn match_start(&self, text: &str) -> Option<Found> {
        self.search(text).filter(|found| found.start() == 0)
    }

    /// True if there is a match anywhere.
    pub fn is_match(&self, text: &str) -> bool {
        self.regex.is_match(text).unwrap_or(false)
    }

    /// The number of a named group.
    pub fn group_number(&self, name: &str) -> Option<usize> {
        self.regex.capture_names().position(|n| n == Some(name))
    }

    /// Names and numbers of the named groups.
    pub fn group_names(&self) -> Vec<(String, usize)> {
        self.regex
            .capture_names()
            .enumerate()
            .filter_map(|(i, name)| name.map(|n| (n.to_owned(), i)))
            .collect()
    }

    /// Number of groups, the whole match not counted.
    pub fn group_count(&self) -> usize {
        self.regex.captures_len() - 1
    }

    /// All matches in Python's order (`re.finditer`): an empty match may follow a non-empty one
    /// directly.
    pub fn find_all(&self, text: &str) -> Vec<Found> {
        let mut all = Vec::new();
        let mut at = 0;
        let mut after_empty = false;
        while at <= text.len() {
            let next = if after_empty {
                self.search_not_empty(text, at)
            } else {
                self.search_from(text, at)
            };
            let Some(found) = next else { break };
            after_empty = found.start() == found.end();
            at = found.end();
            all.push(found);
        }
        all
    }

    /// After an empty match at `at`: a non-empty match there, or any match further on.
    fn search_not_empty(&self, text: &str, at: usize) -> Option<Found> {
        let here = self
            .not_empty
            .get_or_init(|| build(&self.text, true).ok())
            .as_ref()
            .and_then(|regex| found(regex, text, at))
            .filter(|found| found.start() == at);
        if here.is_some() {
            return here;
        }
        let next = at + text[at..].chars().next()?.len_utf8();
        self.search_from(text, next)
    }

    /// Replaces matches (`re.subn`); `count` 0 replaces all. Also returns how many there were.
    pub fn sub(&self, template: &Template, text: &str, count: usize) -> (String, usize) {
        let mut out = String::with_capacity(text.len());
        let mut at = 0;
        let mut done = 0;
        for found in self.find_all(text) {
            if count != 0 && done == count {
                break;
            }
            out.push_str(&text[at..found.start()]);
            template.expand(&found, text, &mut out);
            at = found.end();
            done += 1;
        }
        out.push_str(&text[at..]);
        (out, done)
    }
}

fn build(text: &str, not_empty: bool) -> Result<fancy_regex::Regex, Box<fancy_regex::Error>> {
    fancy_regex::RegexBuilder::new(text)
        .find_not_empty(not_empty)
        .build()
        .map_err(Box::new)
}

fn found(regex: &fancy_regex::Regex, text: &str, from: usize) -> Option<Found> {
    let captures = regex.captures_from_pos(text, from).ok().flatten()?;
    Some(Found {
        groups: (0..captures.len())
            .map(|i| captures.get(i).map(|m| (m.start(), m.end())))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sub(pattern: &str, template: &str, text: &str) -> String {
        let pattern = Pattern::new(pattern, Flags::default()).unwrap();
        let template = Template::parse(template, &pattern).unwrap();
        pattern.sub(&template, text, 0).0
    }

    fn hit(pattern: &str, text: &str) -> Option<(usize, usize)> {
        let pattern = Pattern::new(pattern, Flags::default()).unwrap();
        pattern.search(text).and_then(|f| f.span(0))
    }

    // Expected values: python3 -c 'import re; ...' (3.11).
    #[test]
    fn empty_matches_follow_non_empty_ones() {
        assert_eq!(sub("x*", "-", "abxd"), "-a-b--d-");
        assert_eq!(sub("|a", "-", "aba"), "---b---");
        assert_eq!(sub("^", "> ", "a\nb"), "> a\nb");
        assert_eq!(sub("(?m)^", "> ", "a\nb\n"), "> a\n> b\n> ");
        assert_eq!(sub("(?m)$", "<", "a\nb\n"), "a<\nb<\n<");
        assert_eq!(sub("$", "<", "a\n"), "a<\n<");
    }

    #[test]
    fn dollar_and_big_z() {
        assert_eq!(hit("a$", "a\n"), Some((0, 1)));
        assert_eq!(hit("a$", "a\nb"), None);
        assert_eq!(hit(r"a\Z", "a\n"), None);
        assert_eq!(hit("(?m)a$", "a\nb"), Some((0, 1)));
        assert_eq!(hit("[$]", "a$"), Some((1, 2)));
    }

    #[test]
    fn braces_brackets_and_escapes_as_in_python() {
        assert_eq!(hit("a{,2}b", "aab"), Some((0, 3)));
        assert_eq!(hit("{a}", "x{a}"), Some((1, 4)));
        assert_eq!(hit("x{}", "x{}"), Some((0, 3)));
        assert_eq!(hit("a]", "a]"), Some((0, 2)));
        assert_eq!(hit("[]a]+", "a]x"), Some((0, 2)));
        assert_eq!(hit("[^]]", "]a"), Some((1, 2)));
        assert_eq!(hit("[[a]", "["), Some((0, 1)));
        assert_eq!(hit("[a&&b]+", "&&"), Some((0, 2)));
        assert_eq!(hit(r"[\w-]+", "a-b c"), Some((0, 3)));
        assert_eq!(hit(r"\<a\>", "<a>"), Some((0, 3)));
        assert_eq!(hit(r"\/\-\ \=\'\#", "/- ='#"), Some((0, 6)));
        assert_eq!(hit(r"\x41\u0042\103\0", "ABC\0"), Some((0, 4)));
        assert_eq!(hit(r"(a)\1", "aa"), Some((0, 2)));
        assert_eq!(hit(r"(?P<q>.)b(?P=q)", "xbx"), Some((0, 3)));
        assert_eq!(hit(r"a(?#no)b", "ab"), Some((0, 2)));
        assert_eq!(hit("(?x) a b # c", "ab"), Some((0, 2)));
        assert_eq!(hit("(?x)[ ]", " "), Some((0, 1)));
        assert_eq!(hit(r"[\b]", "\u{8}"), Some((0, 1)));
        assert_eq!(hit(r"(?<=ab)c", "abc"), Some((2, 3)));
        assert_eq!(hit(r"(a)?(?(1)b|c)", "c"), Some((0, 1)));
        assert!(Pattern::new(r"\q", Flags::default()).is_err());
        assert!(Pattern::new("*a", Flags::default()).is_err());
        assert!(Pattern::new("(a", Flags::default()).is_err());
    }

    #[test]
    fn templates() {
        assert_eq!(sub("(a)(?P<n>b)", r"\2\g<1>\g<n>\g<0>", "ab"), "babab");
        assert_eq!(sub("a", r"\n\t\\\101", "a"), "\n\t\\A");
        assert_eq!(sub("(a)|b", r"[\1]", "ab"), "[a][]");
        assert_eq!(sub("a", r"$1\.", "a"), r"$1\.");
        let pattern = Pattern::new("a", Flags::default()).unwrap();
        let error = |t| Template::parse(t, &pattern).unwrap_err();
        assert_eq!(error(r"\D"), r"bad escape \D at position 0");
        assert_eq!(error(r"x\1"), "invalid group reference 1 at position 2");
        assert_eq!(error(r"\g<z>"), "unknown group name 'z'");
    }

    #[test]
    fn flags_and_full() {
        let flags = Flags {
            ignore_case: true,
            dotall: true,
            ..Flags::default()
        };
        let pattern = Pattern::new("A.B", flags).unwrap();
        assert!(pattern.is_match("a\nb"));
        let full = Pattern::full("a|ab", Flags::default()).unwrap();
        assert!(full.is_match("ab"));
        assert!(!full.is_match("ab\n"));
    }
}
