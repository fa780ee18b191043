//! `local`: facts that the host's owner keeps under `facts.d`.

use super::Facts;
use super::source::Source;
use serde_json::{Map, Value as Json, json};

/// Executable `.fact` files are run and answer in JSON (or INI); the others hold JSON or INI.
/// What goes wrong is the value, as with Ansible.
pub(super) fn gather(source: &Source) -> Facts {
    let directory = &source.request.fact_path;
    let mut local = Map::new();
    for file in source.list(directory) {
        let Some(name) = file.strip_suffix(".fact") else {
            continue;
        };
        let path = directory.join(&file);
        let shown = path.to_string_lossy();
        let Some(stat) = source.stat(&path) else {
            let text = format!("Could not stat fact ({shown}): No such file or directory");
            local.insert(name.to_owned(), Json::from(text));
            continue;
        };
        let executable = stat.is_file() && stat.mode & 0o111 != 0;
        let text = match executable {
            true => run(source, &shown),
            false => source
                .text(&path)
                .ok_or_else(|| format!("error loading fact - cannot read {shown}")),
        };
        let value = text.and_then(|text| {
            let json: Option<Json> = serde_json::from_str(&text).ok();
            if json.is_none() && has_open_percent(&text) {
                let what = "error loading facts as ini - please check content";
                return Err(format!("{what}: {shown}"));
            }
            json.or_else(|| ini(&text)).ok_or_else(|| {
                format!("error loading facts as JSON or ini - please check content: {shown}")
            })
        });
        local.insert(name.to_owned(), value.unwrap_or_else(Json::from));
    }
    Facts::from_iter([("local".to_owned(), Json::Object(local))])
}

fn run(source: &Source, path: &str) -> Result<String, String> {
    match source.query(&[path]) {
        Some(output) if output.ok() => Ok(output.text()),
        Some(output) => Err(format!(
            "Failure executing fact script ({path}), rc: {}, err: {}",
            output.rc,
            output.err_text()
        )),
        None => Err(format!("Could not execute fact script ({path})")),
    }
}

/// A percent sign that begins nothing is what the original's parser refuses in values.
fn has_open_percent(text: &str) -> bool {
    let value = |line: &str| {
        line.split_once(['=', ':'])
            .map(|(_, value)| value.to_owned())
    };
    text.lines().filter_map(value).any(|value| {
        let rest = value.replace("%%", "");
        rest.match_indices('%')
            .any(|(at, _)| !rest[at + 1..].starts_with('('))
    })
}

#[cfg(test)]
fn read(text: &str) -> Option<Json> {
    serde_json::from_str(text).ok().or_else(|| ini(text))
}

/// Python's `ConfigParser` without interpolation: sections of options, names in lower case,
/// continuation lines are indented. `None` where it would refuse.
fn ini(text: &str) -> Option<Json> {
    let mut sections: Map<String, Json> = Map::new();
    let mut section: Option<String> = None;
    let mut option: Option<String> = None;
    for line in text.lines() {
        let trimmed = line.trim();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            continue;
        }
        if line.starts_with([' ', '\t'])
            && let (Some(section), Some(option)) = (&section, &option)
        {
            let value = &mut sections[section][option];
            *value = json!(format!("{}\n{trimmed}", value.as_str().unwrap_or_default()));
            continue;
        }
        if let Some(name) = trimmed.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
            sections.entry(name).or_insert_with(|| json!({}));
            section = Some(name.to_owned());
            option = None;
            continue;
        }
        let (name, value) = trimmed.split_once(['=', ':'])?;
        let name = name.trim().to_lowercase();
        sections.get_mut(section.as_ref()?)?[&name] = json!(value.trim());
        option = Some(name);
    }
    Some(Json::Object(sections))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_or_ini() {
        assert_eq!(read("{\"x\": [1]}"), Some(json!({"x": [1]})));
        assert_eq!(
            read("[Main]\nKey = Val ue\n  more\nother: 1\n# no\n"),
            Some(json!({"Main": {"key": "Val ue\nmore", "other": "1"}}))
        );
        assert_eq!(read("what\n"), None);
        assert_eq!(read("a = b\n"), None);
    }
}
