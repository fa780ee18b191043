//! The patterns of `ssh_config` and `known_hosts`: `*`, `?` and a leading `!`.

/// True if a text as a whole matches a pattern. Host names have no case.
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let text: Vec<char> = text.to_lowercase().chars().collect();
    // Where the last star is, and how much of the text it has eaten.
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, eaten)) => {
                    star = Some((at, eaten + 1));
                    p = at + 1;
                    t = eaten + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// True if one pattern of a list matches and none of those with `!` does.
pub fn any_of<'a>(patterns: impl IntoIterator<Item = &'a str>, text: &str) -> bool {
    let mut found = false;
    for pattern in patterns {
        match pattern.strip_prefix('!') {
            Some(not) if matches(not, text) => return false,
            Some(_) => {}
            None => found |= matches(pattern, text),
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("web?", "web1", true),
            ("web?", "web10", false),
            ("*.example.org", "a.Example.ORG", true),
            ("10.0.*.1", "10.0.3.1", true),
            ("a*b*c", "aXbXbXc", true),
            ("a*b*c", "aXbX", false),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        assert!(any_of(["web*", "!web9"], "web1"));
        assert!(!any_of(["web*", "!web9"], "web9"));
        assert!(!any_of(["!web9"], "web1"));
    }

    proptest! {
        #[test]
        fn a_text_matches_itself_and_stars(text in "[a-z0-9.:-]{0,20}", cut in 0usize..21) {
            prop_assert!(matches(&text, &text));
            let cut = cut.min(text.len());
            let starred = format!("{}*", &text[..cut]);
            prop_assert!(matches(&starred, &text));
        }

        #[test]
        fn any_pattern_ends(pattern in "[a*?]{0,12}", text in "[ab]{0,12}") {
            // A star more never matches less.
            let wider = format!("{pattern}*");
            prop_assert!(!matches(&pattern, &text) || matches(&wider, &text));
        }
    }
}
