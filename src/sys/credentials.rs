//! Passwords in addresses (`https://user:password@host/`), which are not told.

/// What stands in the place of a password (Ansible's).
const HIDDEN: &str = "********";

/// The text without the passwords of addresses in it.
pub fn without_passwords(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        shown.push_str(before);
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '\'' | '"' | '`');
        let authority = &after[..after.find(ends).unwrap_or(after.len())];
        rest = after;
        let Some((account, _)) = authority.rsplit_once('@') else {
            continue;
        };
        if let Some((user, _)) = account.split_once(':') {
            shown.push_str(user);
            shown.push(':');
            shown.push_str(HIDDEN);
            rest = &after[account.len()..];
        }
    }
    shown + rest
}

#[cfg(test)]
mod tests {
    use super::without_passwords;

    #[test]
    fn only_passwords_are_hidden() {
        for (text, shown) in [
            (
                "git clone https://u:p@h/x.git d",
                "git clone https://u:********@h/x.git d",
            ),
            (
                "'https://u:p@s@h:8/x' and ftp://a:b@c",
                "'https://u:********@h:8/x' and ftp://a:********@c",
            ),
            (
                "ssh://git@h/x:y@z http://h/a:b@c",
                "ssh://git@h/x:y@z http://h/a:b@c",
            ),
            ("a: b@c, ://, x://", "a: b@c, ://, x://"),
            ("", ""),
        ] {
            assert_eq!(without_passwords(text), shown);
        }
    }
}
