//! `ssh_config`: what it says about one host. As in OpenSSH the first value of a keyword counts
//! (documented: ssh_config(5)).

use super::glob;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Files that include each other are given up at this depth, as OpenSSH does.
const DEPTH: usize = 16;

/// Keywords whose values add up.
const LISTS: [&str; 2] = ["identityfile", "certificatefile"];

/// What is known of one host.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    values: HashMap<String, Vec<String>>,
    /// The first thing that only OpenSSH itself can evaluate, with its place.
    pub beyond: Option<String>,
}

impl Settings {
    /// The first word of a keyword's value; names are in lower case.
    pub fn get(&self, keyword: &str) -> Option<&str> {
        self.words(keyword).first().map(String::as_str)
    }

    /// All words of a keyword's value.
    pub fn words(&self, keyword: &str) -> &[String] {
        self.values.get(keyword).map_or(&[], Vec::as_slice)
    }

    /// True if a keyword is set to `yes`.
    pub fn is_yes(&self, keyword: &str) -> bool {
        matches!(self.get(keyword), Some("yes" | "true"))
    }

    /// Seconds: a number, or numbers with units (`1m30s`).
    pub fn seconds(&self, keyword: &str) -> Option<u64> {
        self.get(keyword).and_then(seconds)
    }

    /// Takes note of a keyword unless it is set.
    pub fn add(&mut self, keyword: &str, words: Vec<String>) {
        let keyword = keyword.to_lowercase();
        let known = self.values.entry(keyword.clone());
        if LISTS.contains(&keyword.as_str()) {
            let known = known.or_default();
            for word in words {
                if !known.contains(&word) {
                    known.push(word);
                }
            }
        } else {
            known.or_insert(words);
        }
    }

    /// Takes note of one line, such as the argument of `-o`.
    pub fn add_line(&mut self, line: &str) {
        if let Some((keyword, words)) = split(line) {
            self.add(&keyword, words);
        }
    }

    /// Reads a file for a host. A file that is not there says nothing.
    pub fn read(&mut self, path: &Path, host: &str) {
        self.file(path, host, 0);
    }

    fn file(&mut self, path: &Path, host: &str, depth: usize) {
        if depth >= DEPTH {
            return;
        }
        let Ok(bytes) = std::fs::read(path) else {
            return;
        };
        self.text(&String::from_utf8_lossy(&bytes), path, host, depth);
    }

    fn text(&mut self, text: &str, path: &Path, host: &str, depth: usize) {
        let mut active = true;
        for (number, line) in text.lines().enumerate() {
            let Some((keyword, words)) = split(line) else {
                continue;
            };
            match keyword.as_str() {
                "host" => active = glob::any_of(words.iter().map(String::as_str), host),
                "match" => {
                    active = self.matches(&words, host).unwrap_or_else(|criterion| {
                        let place = format!("{}:{}", path.display(), number + 1);
                        self.beyond
                            .get_or_insert(format!("Match {criterion} at {place}"));
                        false
                    });
                }
                "include" if active => {
                    for word in &words {
                        for file in included(word, path) {
                            self.file(&file, host, depth + 1);
                        }
                    }
                }
                _ if active => self.add(&keyword, words),
                _ => {}
            }
        }
    }

    /// Whether the criteria of a `Match` line hold.
    ///
    /// # Errors
    /// The criterion that only OpenSSH can evaluate.
    fn matches(&self, words: &[String], host: &str) -> Result<bool, String> {
        let mut words = words.iter();
        let mut holds = true;
        while let Some(word) = words.next() {
            let (word, inline) = match word.split_once('=') {
                Some((word, value)) => (word, Some(value.to_owned())),
                None => (word.as_str(), None),
            };
            let (not, name) = match word.strip_prefix('!') {
                Some(name) => (true, name.to_lowercase()),
                None => (false, word.to_lowercase()),
            };
            // `final` means a second pass over the same files: first values stay.
            if matches!(name.as_str(), "all" | "final") && !not {
                continue;
            }
            let subject = match name.as_str() {
                "host" => self.get("hostname").unwrap_or(host).to_owned(),
                "originalhost" => host.to_owned(),
                "user" => self.get("user").map_or_else(local_user, str::to_owned),
                "localuser" => local_user(),
                _ => return Err(name),
            };
            let Some(patterns) = inline.or_else(|| words.next().cloned()) else {
                return Err(name);
            };
            holds &= glob::any_of(patterns.split(','), &subject) != not;
        }
        Ok(holds)
    }
}

/// The name of whoever runs this program.
pub fn local_user() -> String {
    let passwd = nix::unistd::User::from_uid(nix::unistd::geteuid());
    match passwd {
        Ok(Some(user)) => user.name,
        _ => std::env::var("USER").unwrap_or_default(),
    }
}

/// The files that an `Include` names. Relative ones lie where the user's or the system's own do.
fn included(word: &str, from: &Path) -> Vec<PathBuf> {
    let path = PathBuf::from(home_expanded(word));
    let path = if path.is_absolute() {
        path
    } else if from.starts_with("/etc/ssh") {
        Path::new("/etc/ssh").join(path)
    } else {
        PathBuf::from(home_expanded("~/.ssh")).join(path)
    };
    let found = glob_files(&path.to_string_lossy());
    found.unwrap_or_default()
}

fn glob_files(pattern: &str) -> Option<Vec<PathBuf>> {
    let mut files: Vec<PathBuf> = ::glob::glob(pattern).ok()?.filter_map(Result::ok).collect();
    files.sort_unstable();
    Some(files)
}

/// The home directory in the sense of OpenSSH: the account's, whatever `HOME` says.
fn home() -> PathBuf {
    match nix::unistd::User::from_uid(nix::unistd::getuid()) {
        Ok(Some(user)) => user.dir,
        _ => PathBuf::from(std::env::var_os("HOME").unwrap_or_else(|| "/".into())),
    }
}

/// A path with `~/` replaced.
pub fn home_expanded(path: &str) -> String {
    match path.strip_prefix('~') {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            format!("{}{rest}", home().display())
        }
        _ => path.to_owned(),
    }
}

/// Keyword, in lower case, and the words of a line; `None` for comments and empty lines.
fn split(line: &str) -> Option<(String, Vec<String>)> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let end = line
        .find(|c: char| c.is_whitespace() || c == '=')
        .unwrap_or(line.len());
    let (keyword, rest) = line.split_at(end);
    let rest = rest.trim_start();
    let rest = rest.strip_prefix('=').unwrap_or(rest);
    let keyword = keyword.trim_matches('"').to_lowercase();
    let words = words(rest);
    match keyword.is_empty() || words.is_empty() {
        true => None,
        false => Some((keyword, words)),
    }
}

/// Words with quotes; a `#` where a word would begin ends the line.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut chars = text.chars().peekable();
    loop {
        while chars.next_if(|c| c.is_whitespace()).is_some() {}
        match chars.peek() {
            None | Some('#') => return words,
            Some(_) => {}
        }
        let (mut word, mut quote) = (String::new(), None);
        while let Some(c) = chars.next() {
            match (c, quote) {
                ('\\', _) if matches!(chars.peek(), Some('"' | '\'' | '\\')) => {
                    word.extend(chars.next());
                }
                (c, Some(open)) if c == open => quote = None,
                ('"' | '\'', None) => quote = Some(c),
                (c, None) if c.is_whitespace() => break,
                (c, _) => word.push(c),
            }
        }
        words.push(word);
    }
}

fn seconds(text: &str) -> Option<u64> {
    let (mut total, mut digits) = (0u64, String::new());
    for c in text.chars() {
        let unit = match c.to_ascii_lowercase() {
            '0'..='9' => {
                digits.push(c);
                continue;
            }
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86400,
            'w' => 604_800,
            _ => return None,
        };
        let count: u64 = std::mem::take(&mut digits).parse().ok()?;
        total = total.checked_add(count.checked_mul(unit)?)?;
    }
    match digits.is_empty() {
        true => (!text.is_empty()).then_some(total),
        false => total.checked_add(digits.parse().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(text: &str, host: &str) -> Settings {
        let mut settings = Settings::default();
        settings.text(text, Path::new("config"), host, 0);
        settings
    }

    #[test]
    fn the_first_value_counts() {
        let text = "
            # a comment
            Host web* !web9
              HostName = \"10.0.0.1\"   # behind
              Port 2222
              IdentityFile ~/.ssh/a
            Host *
              Port 22
              User admin
              IdentityFile ~/.ssh/b
              ConnectTimeout 1m30
        ";
        let web = of(text, "web1");
        assert_eq!(web.get("hostname"), Some("10.0.0.1"));
        assert_eq!(web.get("port"), Some("2222"));
        assert_eq!(web.get("user"), Some("admin"));
        assert_eq!(web.words("identityfile"), ["~/.ssh/a", "~/.ssh/b"]);
        assert_eq!(web.seconds("connecttimeout"), Some(90));
        assert_eq!(of(text, "web9").get("port"), Some("22"));
        assert_eq!(of(text, "web9").get("hostname"), None);
    }

    #[test]
    fn match_is_evaluated_or_left_to_openssh() {
        let text = "User me\nMatch host a*,b user me\nPort 1\nMatch originalhost=c\nPort 2\nMatch all\nPort 3\n";
        assert_eq!(of(text, "a1").get("port"), Some("1"));
        assert_eq!(of(text, "c").get("port"), Some("2"));
        assert_eq!(of(text, "d").get("port"), Some("3"));
        assert_eq!(of(text, "d").beyond, None);
        let exec = of("\nMatch host x exec \"test -f /x\"\nPort 1", "x");
        assert_eq!(exec.beyond.as_deref(), Some("Match exec at config:2"));
        assert_eq!(exec.get("port"), None);
        let not = of("Match !host a\nPort 1", "b");
        assert_eq!(not.get("port"), Some("1"));
    }

    #[test]
    fn files_are_included_where_the_block_applies() {
        let dir = tempfile::tempdir().unwrap();
        let (main, part) = (dir.path().join("config"), dir.path().join("10.conf"));
        std::fs::write(&part, "User part\nHost other\nPort 9\n").unwrap();
        let text = format!("Host a\nInclude {}/*.conf\nPort 7\n", dir.path().display());
        std::fs::write(&main, text).unwrap();
        let mut a = Settings::default();
        a.read(&main, "a");
        assert_eq!((a.get("user"), a.get("port")), (Some("part"), Some("7")));
        let mut other = Settings::default();
        other.read(&main, "other");
        assert_eq!((other.get("user"), other.get("port")), (None, None));
        std::fs::write(&main, format!("Include {}\nUser u", main.display())).unwrap();
        let mut circle = Settings::default();
        circle.read(&main, "a");
        assert_eq!(circle.get("user"), Some("u"));
    }

    #[test]
    fn times() {
        for (text, expected) in [
            ("10", Some(10)),
            ("2m", Some(120)),
            ("1h5", Some(3605)),
            ("", None),
            ("x", None),
            ("m", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn whatever_stands_there_is_read(text in "(?s).{0,200}", host in "[a-z.]{0,8}") {
            of(&text, &host);
        }

        #[test]
        fn words_come_back_from_quotes(words_in in proptest::collection::vec("[a-z #=\"\\\\']{1,8}", 1..5)) {
            let quoted: Vec<String> = words_in
                .iter()
                .map(|w| format!("\"{}\"", w.replace('\\', "\\\\").replace('"', "\\\"")))
                .collect();
            prop_assert_eq!(words(&quoted.join(" ")), words_in);
        }

        #[test]
        fn settings_do_not_depend_on_case_or_layout(
            keyword in "[a-zA-Z]{3,12}", value in "[a-z0-9]{1,8}", gap in "[ \t]{1,3}|[ ]?=[ ]?",
        ) {
            prop_assume!(!matches!(keyword.to_lowercase().as_str(), "host" | "match" | "include"));
            let settings = of(&format!("  {keyword}{gap}{value}  "), "x");
            prop_assert_eq!(settings.get(&keyword.to_lowercase()), Some(value.as_str()));
        }
    }
}
