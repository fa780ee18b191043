//! A command line as words, split as Python's `shlex.split` does.

/// Splits a line at white space; quotes and backslashes as in a POSIX shell, `#` is no comment.
///
/// # Errors
/// Python's sentence: `No closing quotation`, `No escaped character`.
pub fn split(line: &str) -> Result<Vec<String>, &'static str> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\'' | '"' => quoted(&mut chars, c, word.get_or_insert_default())?,
            '\\' => {
                let next = chars.next().ok_or("No escaped character")?;
                word.get_or_insert_default().push(next);
            }
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

/// Takes all up to the closing quote. Only double quotes know escapes, and only of `"` and `\`.
fn quoted(chars: &mut std::str::Chars, quote: char, word: &mut String) -> Result<(), &'static str> {
    loop {
        match chars.next().ok_or("No closing quotation")? {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => {
                let next = chars.next().ok_or("No escaped character")?;
                if next != '"' && next != '\\' {
                    word.push('\\');
                }
                word.push(next);
            }
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn splits_like_python() {
        // Each line was given to CPython 3.11.
        let cases: [(&str, &[&str]); 8] = [
            ("a  b\tc\n", &["a", "b", "c"]),
            ("a '' \"\"", &["a", "", ""]),
            (r#"'a b'"c d"e"#, &["a bc de"]),
            (r#""a\"b\n\\""#, &[r#"a"b\n\"#]),
            (r"a\ b\'c", &["a b'c"]),
            ("echo #x", &["echo", "#x"]),
            (r"'a\'", &[r"a\"]),
            ("é=ü", &["é=ü"]),
        ];
        for (line, words) in cases {
            assert_eq!(split(line).unwrap(), words, "{line}");
        }
        assert_eq!(split("'a"), Err("No closing quotation"));
        assert_eq!(split("a\\"), Err("No escaped character"));
    }
}
