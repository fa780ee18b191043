//! Command lines as Python's getopt reads them: letters in one word, long names cut short.

/// Long name, letter (empty for none), whether it takes a value.
pub type Row = (&'static str, &'static str, bool);

/// An option that was given.
#[derive(Debug)]
pub struct Given {
    /// Its long name.
    pub name: &'static str,
    /// `-c` or `--configuration`.
    pub written: String,
    /// Empty for one that takes none.
    pub value: String,
}

/// The options, and the words from the first on that is none.
///
/// # Errors
/// The text of a usage error.
pub fn parse(
    words: Vec<String>,
    rows: &'static [Row],
) -> Result<(Vec<Given>, Vec<String>), String> {
    let mut given = Vec::new();
    let mut words = words.into_iter().peekable();
    while let Some(word) = words.next_if(|w| w.starts_with('-') && w != "-") {
        if word == "--" {
            break;
        }
        if let Some(long) = word.strip_prefix("--") {
            let (name, inline) = match long.split_once('=') {
                Some((name, value)) => (name, Some(value.to_owned())),
                None => (long, None),
            };
            let row = long_option(name, rows)?;
            let value = match (row.2, inline) {
                (true, Some(value)) => value,
                (true, None) => words
                    .next()
                    .ok_or(format!("option --{name} requires argument"))?,
                (false, None) => String::new(),
                (false, Some(_)) => {
                    return Err(format!("option --{name} must not have an argument"));
                }
            };
            given.push(Given {
                name: row.0,
                written: format!("--{}", row.0),
                value,
            });
            continue;
        }
        let mut letters = word[1..].chars();
        while let Some(letter) = letters.next() {
            let row = rows.iter().find(|o| o.1.starts_with(letter));
            let row = row.ok_or(format!("option -{letter} not recognized"))?;
            let mut value = String::new();
            if row.2 {
                value = letters.by_ref().collect();
                if value.is_empty() {
                    let missing = || format!("option -{letter} requires argument");
                    value = words.next().ok_or_else(missing)?;
                }
            }
            given.push(Given {
                name: row.0,
                written: format!("-{letter}"),
                value,
            });
        }
    }
    Ok((given, words.collect()))
}

fn long_option(name: &str, rows: &'static [Row]) -> Result<&'static Row, String> {
    if let Some(row) = rows.iter().find(|o| o.0 == name) {
        return Ok(row);
    }
    let mut near = rows.iter().filter(|o| o.0.starts_with(name));
    match (near.next(), near.next()) {
        (Some(row), None) => Ok(row),
        (Some(_), Some(_)) => Err(format!("option --{name} not a unique prefix")),
        _ => Err(format!("option --{name} not recognized")),
    }
}

/// Refuses an option that was given twice (observed: 4.3.0).
///
/// # Errors
/// The text of a usage error.
pub fn once(given: &[Given]) -> Result<(), String> {
    for (at, option) in given.iter().enumerate() {
        if given[..at].iter().any(|before| before.name == option.name) {
            let written = &option.written;
            return Err(format!("conflicting command line option '{written}'"));
        }
    }
    Ok(())
}
