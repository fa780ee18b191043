//! Text.

use super::Family;
use crate::jinja::args::Args;
use crate::jinja::methods::text as py;
use crate::jinja::obj::{O, Obj};
use crate::jinja::stop::{Res, Stop};

pub const FAMILY: Family = &[
    ("lower", |a| Ok(text(a)?.to_lowercase().into())),
    ("upper", |a| Ok(text(a)?.to_uppercase().into())),
    ("capitalize", |a| Ok(py::capitalize(&text(a)?).into())),
    ("title", title),
    ("trim", trim),
    ("replace", replace),
    ("join", join),
    ("split", split),
    ("quote", quote),
    ("indent", indent),
    ("wordwrap", wordwrap),
    ("wordcount", wordcount),
    ("center", center),
    ("truncate", truncate),
    ("striptags", striptags),
    ("escape", escape),
    ("e", escape),
    ("forceescape", escape),
    ("comment", comment),
    ("splitlines", |a| Ok(py::lines(&text(a)?, false).into())),
    ("reverse", reverse),
];

fn text(args: &Args) -> Res<String> {
    args.input()?.text()
}

fn title(args: &Args) -> Res<Obj> {
    // Jinja's: a capital at the start of each word, words parted by blanks and brackets.
    let mut out = String::new();
    let mut start = true;
    for c in text(args)?.chars() {
        match start {
            true => out.extend(c.to_uppercase()),
            false => out.extend(c.to_lowercase()),
        }
        start = c.is_whitespace() || "-({[<".contains(c);
    }
    Ok(out.into())
}

fn trim(args: &Args) -> Res<Obj> {
    let [value, chars] = args.bind(["value", "chars"])?;
    let value = value.ok_or_else(|| args.missing("value"))?.text()?;
    let chars = chars
        .filter(|c| !c.is_none())
        .map(|c| c.str())
        .transpose()?;
    Ok(py::strip(&value, chars.as_deref(), true, true).into())
}

fn replace(args: &Args) -> Res<Obj> {
    let [value, old, new, count] = args.bind(["s", "old", "new", "count"])?;
    let value = value.ok_or_else(|| args.missing("s"))?.text()?;
    let old = old.ok_or_else(|| args.missing("old"))?.text()?;
    let new = new.ok_or_else(|| args.missing("new"))?.text()?;
    Ok(match count.filter(|c| !c.is_none()) {
        Some(count) => value
            .replacen(
                &old,
                &new,
                usize::try_from(count.int()?).unwrap_or(usize::MAX),
            )
            .into(),
        None => value.replace(&old, &new).into(),
    })
}

fn join(args: &Args) -> Res<Obj> {
    let [value, sep, attribute] = args.bind(["value", "d", "attribute"])?;
    let items = value.ok_or_else(|| args.missing("value"))?.items()?;
    let sep = sep.map_or(Ok(String::new()), |s| s.text())?;
    let mut parts = Vec::new();
    for item in items {
        let item = match &attribute {
            Some(path) if !path.is_none() => super::pick::by_path(&item, path)?,
            _ => item,
        };
        parts.push(item.text()?);
    }
    Ok(parts.join(&sep).into())
}

fn split(args: &Args) -> Res<Obj> {
    let [value, sep, max] = args.bind(["value", "sep", "maxsplit"])?;
    let value = value.ok_or_else(|| args.missing("value"))?.str()?;
    let sep = sep.filter(|s| !s.is_none()).map(|s| s.str()).transpose()?;
    let max = max.map_or(Ok(-1), |m| m.int())?;
    Ok(py::split_text(&value, sep.as_deref(), usize::try_from(max).ok(), false)?.into())
}

/// POSIX shell quoting as `shlex.quote` does it.
pub fn shell_quote(text: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "_@%+=:,./-".contains(c);
    match !text.is_empty() && text.chars().all(safe) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', "'\"'\"'")),
    }
}

fn quote(args: &Args) -> Res<Obj> {
    if args.pos.len() > 1 {
        let given = args.pos.len();
        return Err(Stop::fail(format!(
            "quote() takes 1 positional argument but {given} were given"
        )));
    }
    let value = args.input()?;
    let text = if value.is_none() {
        String::new()
    } else {
        value.text()?
    };
    Ok(shell_quote(&text).into())
}

fn indent(args: &Args) -> Res<Obj> {
    let [value, width, first, blank] = args.bind(["s", "width", "first", "blank"])?;
    let value = value.ok_or_else(|| args.missing("s"))?.text()?;
    let pad = match width {
        Some(w) => match &w.kind {
            O::Str(s) => s.to_string(),
            _ => " ".repeat(usize::try_from(w.int()?).unwrap_or(0)),
        },
        None => "    ".to_owned(),
    };
    let first = first.map_or(Ok(false), |f| f.truth())?;
    let blank = blank.map_or(Ok(false), |b| b.truth())?;
    let value = value + "\n";
    let mut lines: Vec<String> = Vec::new();
    let body = value.strip_suffix('\n').unwrap_or(&value);
    for (i, line) in body.split('\n').enumerate() {
        let plain = (i == 0 && !first) || (line.is_empty() && !blank && i > 0);
        lines.push(if plain {
            line.to_owned()
        } else {
            format!("{pad}{line}")
        });
    }
    Ok(lines.join("\n").into())
}

fn wordwrap(args: &Args) -> Res<Obj> {
    let [value, width, long, newline, hyphens] = args.bind([
        "s",
        "width",
        "break_long_words",
        "wrapstring",
        "break_on_hyphens",
    ])?;
    let value = value.ok_or_else(|| args.missing("s"))?.text()?;
    let width = width.map_or(Ok(79), |w| w.int())?.max(1) as usize;
    let long = long.map_or(Ok(true), |l| l.truth())?;
    let hyphens = hyphens.map_or(Ok(true), |h| h.truth())?;
    let newline = newline
        .filter(|n| !n.is_none())
        .map_or(Ok("\n".to_owned()), |n| n.text())?;
    let lines: Vec<String> = value
        .lines()
        .map(|line| wrap(line, width, long, hyphens).join(&newline))
        .collect();
    Ok(lines.join(&newline).into())
}

fn wrap(line: &str, width: usize, long: bool, hyphens: bool) -> Vec<String> {
    let mut chunks: Vec<String> = Vec::new();
    let mut chunk = String::new();
    for c in line.chars() {
        let turn = chunk
            .chars()
            .last()
            .is_some_and(|last| last.is_whitespace() != c.is_whitespace());
        let hyphen = hyphens && chunk.len() > 1 && chunk.ends_with('-') && c.is_alphabetic();
        if turn || hyphen {
            chunks.push(std::mem::take(&mut chunk));
        }
        chunk.push(c);
    }
    chunks.push(chunk);
    let mut lines = vec![String::new()];
    for chunk in chunks {
        let mut rest: Vec<char> = chunk.chars().collect();
        loop {
            let used = lines.last().map_or(0, |l| l.chars().count());
            if used + rest.len() <= width {
                break;
            }
            if rest.first().is_some_and(|c| c.is_whitespace()) {
                lines.push(String::new());
                rest.clear();
            } else if rest.len() > width && long {
                let take = width - used.min(width);
                let head: String = rest.drain(..take).collect();
                if let Some(last) = lines.last_mut() {
                    last.push_str(&head);
                }
                lines.push(String::new());
            } else if used > 0 {
                lines.push(String::new());
            } else {
                break;
            }
        }
        if let Some(last) = lines.last_mut() {
            last.extend(rest);
        }
    }
    lines
        .into_iter()
        .map(|l| l.trim_end().to_owned())
        .filter(|l| !l.is_empty() || line.is_empty())
        .collect()
}

fn wordcount(args: &Args) -> Res<Obj> {
    let text = text(args)?;
    Ok(text
        .split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|w| !w.is_empty())
        .count()
        .into())
}

fn center(args: &Args) -> Res<Obj> {
    let [value, width] = args.bind(["value", "width"])?;
    let value = value.ok_or_else(|| args.missing("value"))?.text()?;
    let width = width.map_or(Ok(80), |w| w.int())?;
    Ok(py::center(&value, usize::try_from(width).unwrap_or(0), " ").into())
}

fn truncate(args: &Args) -> Res<Obj> {
    let [value, length, killwords, end, leeway] =
        args.bind(["s", "length", "killwords", "end", "leeway"])?;
    let value = value.ok_or_else(|| args.missing("s"))?.text()?;
    let length = length.map_or(Ok(255), |l| l.int())?.max(0) as usize;
    let leeway = leeway
        .filter(|l| !l.is_none())
        .map_or(Ok(5), |l| l.int())?
        .max(0) as usize;
    let end = end.map_or(Ok("...".to_owned()), |e| e.text())?;
    if value.chars().count() <= length + leeway {
        return Ok(value.into());
    }
    let keep = length.saturating_sub(end.chars().count());
    let cut: String = value.chars().take(keep).collect();
    let cut = match killwords.map_or(Ok(false), |k| k.truth())? {
        true => cut,
        false => cut
            .rsplit_once(' ')
            .map_or(cut.clone(), |(a, _)| a.to_owned()),
    };
    Ok((cut + &end).into())
}

fn striptags(args: &Args) -> Res<Obj> {
    let mut out = String::new();
    let mut inside = false;
    for c in text(args)?.chars() {
        match c {
            '<' => inside = true,
            '>' if inside => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    let words: Vec<&str> = out.split_whitespace().collect();
    let plain = words
        .join(" ")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&#34;", "\"")
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
    Ok(plain.into())
}

/// Escapes for HTML as MarkupSafe does.
pub fn html_escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\'', "&#39;")
        .replace('"', "&#34;")
}

fn escape(args: &Args) -> Res<Obj> {
    Ok(html_escape(&text(args)?).into())
}

fn times(text: &str, count: i64) -> Vec<&str> {
    vec![text; usize::try_from(count).unwrap_or(0)]
}

fn comment(args: &Args) -> Res<Obj> {
    let style = match args.pos.get(1).or_else(|| args.kwarg("style")) {
        Some(style) => style.text()?,
        None => "plain".to_owned(),
    };
    let (begin, decoration, end) = match style.as_str() {
        "plain" => ("", "# ", ""),
        "erlang" => ("", "% ", ""),
        "c" => ("", "// ", ""),
        "cblock" => ("/*", " * ", " */"),
        "xml" => ("<!--", " - ", "-->"),
        other => return Err(args.fail(format!("Invalid style '{other}'."))),
    };
    let option = |name: &str, default: &str| match args.kwarg(name) {
        Some(value) => value.text(),
        None => Ok(default.to_owned()),
    };
    let newline = option("newline", "\n")?;
    let begin = option("beginning", begin)?;
    let end = option("end", end)?;
    let decoration = option("decoration", decoration)?;
    let prefix = option("prefix", decoration.trim_end())?;
    let postfix = option("postfix", decoration.trim_end())?;
    let count = |name: &str| args.kwarg(name).map_or(Ok(1), Obj::int);
    let (before, after) = (count("prefix_count")?, count("postfix_count")?);
    let text = text(args)?;
    let mut out = String::new();
    if !begin.is_empty() {
        out.push_str(&begin);
        out.push_str(&newline);
    }
    if prefix == newline {
        out.push_str(&times(&newline, before).concat());
    } else if !prefix.is_empty() && before > 0 {
        out.push_str(&times(&prefix, before).join(&newline));
        out.push_str(&newline);
    }
    let mut lines = Vec::new();
    for part in text.split(&newline) {
        let full = format!("{decoration}{part}");
        // A decorated empty line has no blanks at its end.
        lines.push(match part.is_empty() {
            true => decoration.trim_end().to_owned(),
            false => full,
        });
    }
    out.push_str(&lines.join(&newline));
    for postfix in times(&postfix, after) {
        out.push_str(&newline);
        out.push_str(postfix);
    }
    if !end.is_empty() {
        out.push_str(&newline);
        out.push_str(&end);
    }
    Ok(out.into())
}

fn reverse(args: &Args) -> Res<Obj> {
    let value = args.input()?;
    if let O::Str(s) = &value.kind {
        return Ok(s.chars().rev().collect::<String>().into());
    }
    let mut items = value.items()?;
    items.reverse();
    Ok(items.into())
}
