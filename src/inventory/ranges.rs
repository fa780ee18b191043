//! Host ranges: `web[01:20].example.org`, `db[a:c:2]`.

/// All names that a pattern with ranges stands for, in order; `Err` says what is wrong.
pub fn expand(pattern: &str) -> Result<Vec<String>, String> {
    let Some(open) = pattern.find('[') else {
        return Ok(vec![pattern.to_owned()]);
    };
    let Some(close) = pattern[open..].find(']').map(|at| open + at) else {
        return Err("a range that begins with `[` must end with `]`".to_owned());
    };
    let (head, range, tail) = (
        &pattern[..open],
        &pattern[open + 1..close],
        &pattern[close + 1..],
    );
    if !range.contains(':') {
        // `[::1]`-like addresses and plain brackets are no ranges.
        return Ok(vec![pattern.to_owned()]);
    }
    let parts: Vec<&str> = range.split(':').collect();
    let (begin, end, step) = match parts[..] {
        [begin, end] => (begin, end, 1),
        [begin, end, step] => (
            begin,
            end,
            step.parse::<usize>()
                .ok()
                .filter(|step| *step > 0)
                .ok_or("the step of a range must be a positive number")?,
        ),
        _ => return Err("a range is written [begin:end] or [begin:end:step]".to_owned()),
    };
    let begin = if begin.is_empty() { "0" } else { begin };
    if end.is_empty() {
        return Err("the end of a range must be given".to_owned());
    }
    let tails = expand(tail)?;
    let mut names = Vec::new();
    for middle in values(begin, end, step)? {
        for tail in &tails {
            names.push(format!("{head}{middle}{tail}"));
        }
    }
    Ok(names)
}

fn values(begin: &str, end: &str, step: usize) -> Result<Vec<String>, String> {
    if let (Ok(from), Ok(to)) = (begin.parse::<u64>(), end.parse::<u64>()) {
        if begin.len() > 1 && begin.starts_with('0') && begin.len() != end.len() {
            return Err("both ends of a range with leading zeros must have equal length".into());
        }
        if to < from {
            return Err("the end of a range must not be before its beginning".to_owned());
        }
        let width = if begin.starts_with('0') {
            begin.len()
        } else {
            0
        };
        return Ok((from..=to)
            .step_by(step)
            .map(|n| format!("{n:0width$}"))
            .collect());
    }
    const LETTERS: &str = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let find = |text: &str| (text.len() == 1).then(|| LETTERS.find(text)).flatten();
    match (find(begin), find(end)) {
        (Some(from), Some(to)) if from <= to => Ok(LETTERS[from..=to]
            .chars()
            .step_by(step)
            .map(String::from)
            .collect()),
        _ => Err("a range is of numbers or of letters, from lower to higher".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::expand;

    #[test]
    fn expands_as_ansible() {
        let names = |p: &str| expand(p).map(|n| n.join(" ")).unwrap_or_else(|e| e);
        assert_eq!(names("web[1:3]"), "web1 web2 web3");
        assert_eq!(names("web[01:05:2].x"), "web01.x web03.x web05.x");
        assert_eq!(names("db[a:c]"), "dba dbb dbc");
        assert_eq!(names("a[1:2]b[x:y]"), "a1bx a1by a2bx a2by");
        assert_eq!(names("plain"), "plain");
        assert!(expand("a[1:").is_err());
        assert!(expand("a[3:1]").is_err());
        assert!(expand("a[1:]").is_err());
    }
}
