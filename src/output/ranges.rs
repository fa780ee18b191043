//! Names of hosts in few words: `gat-[1:98]`, as an inventory would write them.

use std::collections::HashMap;

/// Fewer numbers than this are listed.
const FOLDED: usize = 3;

/// A name, or several that differ in a number only, and how many that are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// As shown.
    pub text: String,
    /// How many names.
    pub count: usize,
}

/// Names folded to ranges, in the order in which their kinds first appear.
pub fn folded<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Part> {
    let mut kinds: Vec<Vec<Name>> = Vec::new();
    let mut known: HashMap<(&str, &str), usize> = HashMap::new();
    for name in names.into_iter().map(Name::of) {
        let at = *known.entry((name.before, name.after)).or_insert_with(|| {
            kinds.push(Vec::new());
            kinds.len() - 1
        });
        kinds[at].push(name);
    }
    kinds.into_iter().flat_map(parts).collect()
}

/// The first parts, and how many names are left.
pub fn shown(parts: &[Part], most: usize) -> String {
    let named = parts.iter().take(most);
    let text: Vec<&str> = named.map(|part| part.text.as_str()).collect();
    let left: usize = parts.iter().skip(most).map(|part| part.count).sum();
    match left {
        0 => text.join(", "),
        left => format!("{} and {left} more", text.join(", ")),
    }
}

/// A name around its number.
#[derive(Clone, Copy)]
struct Name<'a> {
    before: &'a str,
    digits: &'a str,
    after: &'a str,
}

impl<'a> Name<'a> {
    /// The number that tells a host from others: the last one of its first label, or of all where
    /// that has none; of an address the last one.
    fn of(name: &'a str) -> Name<'a> {
        let is_address = name.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let label = match is_address {
            true => name.len(),
            false => name.find('.').unwrap_or(name.len()),
        };
        let is_digit = |c: char| c.is_ascii_digit();
        let within = [label, name.len()]
            .into_iter()
            .find(|end| name[..*end].contains(is_digit));
        let end = within
            .and_then(|end| name[..end].rfind(is_digit))
            .map_or(0, |last| last + 1);
        let start = name[..end].rfind(|c| !is_digit(c)).map_or(0, |at| {
            at + name[at..].chars().next().map_or(1, char::len_utf8)
        });
        let start = start.min(end);
        Name {
            before: &name[..start],
            digits: &name[start..end],
            after: &name[end..],
        }
    }

    fn number(&self) -> Option<u64> {
        self.digits.parse().ok()
    }

    fn whole(&self) -> String {
        format!("{}{}{}", self.before, self.digits, self.after)
    }

    /// Whether this is the name after another one, counted in the same way.
    fn follows(&self, last: &Name<'_>, first: &Name<'_>) -> bool {
        let width = match first.digits.starts_with('0') {
            true => first.digits.len(),
            false => 0,
        };
        let next = last.number().and_then(|number| number.checked_add(1));
        next.is_some_and(|next| format!("{next:0width$}") == self.digits)
    }
}

fn parts(mut names: Vec<Name<'_>>) -> Vec<Part> {
    names.sort_by_key(|name| (name.number(), name.digits.len()));
    let mut parts = Vec::new();
    let mut rest = names.as_slice();
    while let [first, ..] = rest {
        let length = 1 + rest
            .windows(2)
            .take_while(|pair| pair[1].follows(&pair[0], first))
            .count();
        let (run, left) = rest.split_at(length);
        rest = left;
        match run {
            [first, .., last] if run.len() >= FOLDED => parts.push(Part {
                text: format!(
                    "{}[{}:{}]{}",
                    first.before, first.digits, last.digits, first.after
                ),
                count: run.len(),
            }),
            few => parts.extend(few.iter().map(|name| Part {
                text: name.whole(),
                count: 1,
            })),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(names: &[&str]) -> String {
        shown(&folded(names.iter().copied()), 10)
    }

    #[test]
    fn names_that_count_are_folded() {
        let hundred: Vec<String> = (1..=100).map(|n| format!("gat-{n}")).collect();
        let hundred: Vec<&str> = hundred.iter().map(String::as_str).collect();
        assert_eq!(text(&hundred), "gat-[1:100]");
        let some: Vec<&str> = hundred.iter().copied().filter(|h| *h != "gat-7").collect();
        assert_eq!(text(&some), "gat-[1:6], gat-[8:100]");
        assert_eq!(text(&["vm08", "vm09", "vm10", "vm1"]), "vm1, vm[08:10]");
        assert_eq!(text(&["vm1", "vm2"]), "vm1, vm2");
        assert_eq!(
            text(&["a1.x2.org", "db", "a3.x2.org", "a2.x2.org"]),
            "a[1:3].x2.org, db"
        );
        assert_eq!(
            text(&["10.0.0.9", "10.0.0.10", "10.0.0.11"]),
            "10.0.0.[9:11]"
        );
        assert_eq!(text(&["web.r1", "web.r2", "web.r3"]), "web.r[1:3]");
    }

    #[test]
    fn what_is_too_much_is_counted() {
        let parts = folded(["a", "b", "c1", "c2", "c3", "d"]);
        assert_eq!(shown(&parts, 2), "a, b and 4 more");
        assert_eq!(shown(&parts, 4), "a, b, c[1:3], d");
    }

    proptest! {
        #[test]
        fn no_name_is_lost(names in proptest::collection::btree_set("[a-zé.]{0,3}[0-9]{0,2}[a-z.]{0,2}", 0..30)) {
            let parts = folded(names.iter().map(String::as_str));
            prop_assert_eq!(parts.iter().map(|part| part.count).sum::<usize>(), names.len());
            for part in parts.iter().filter(|part| part.count == 1) {
                prop_assert!(names.contains(&part.text));
            }
        }
    }
}
