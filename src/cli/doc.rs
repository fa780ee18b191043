//! `gxdeploy doc`: modules and their options, from the types themselves.

use crate::diag::{Diag, Exit, Result};
use crate::modules::{self, Entry};
use crate::output::Screen;
use crate::value::order;
use serde_json::{Value as Json, json};

/// Shows what a module does and which options it takes
#[derive(Debug, clap::Parser)]
#[command(after_help = "Examples:
  gxdeploy doc copy                          One module
  gxdeploy doc -l                            All modules, one line each
  gxdeploy doc --json copy                   The options as JSON Schema
  gxdeploy doc -s copy                       A task to fill in")]
pub(super) struct Args {
    /// Modules, by short or full name
    #[arg(required_unless_present = "list")]
    modules: Vec<String>,
    /// List all modules
    #[arg(short, long)]
    list: bool,
    /// JSON in place of text
    #[arg(short, long)]
    json: bool,
    /// A task with all options, to fill in
    #[arg(short, long, conflicts_with = "json")]
    snippet: bool,
    /// Kind of plugin; only modules are documented
    #[arg(short = 't', long = "type", default_value = "module", value_parser = ["module"])]
    kind: String,
}

pub(super) fn run(args: Args) -> Result<Exit> {
    let mut screen = Screen::stdout();
    if args.list {
        screen.line(&list(args.json));
        return Ok(Exit::Ok);
    }
    let found: Vec<&Entry> = args
        .modules
        .iter()
        .map(|name| find(name))
        .collect::<Result<_>>()?;
    if args.json {
        let schemas = found
            .iter()
            .map(|e| (e.fqcn.to_owned(), json!((e.schema)())));
        let all: serde_json::Map<String, Json> = schemas.collect();
        screen.line(&serde_json::to_string_pretty(&all).unwrap_or_default());
        return Ok(Exit::Ok);
    }
    for entry in found {
        let options = Options::of(entry);
        let bold = |text: &str| match screen.colour {
            true => format!("\x1b[1m{text}\x1b[0m"),
            false => text.to_owned(),
        };
        let text = match args.snippet {
            true => options.snippet(),
            false => options.page(screen.width, bold),
        };
        screen.line(&text);
    }
    Ok(Exit::Ok)
}

fn find(name: &str) -> Result<&'static Entry> {
    modules::find(name).ok_or_else(|| {
        Diag::error("unknown-module", format!("there is no module `{name}`"))
            .did_you_mean(name, modules::names())
    })
}

fn list(as_json: bool) -> String {
    let mut entries: Vec<(&str, String)> = modules::all()
        .iter()
        .map(|e| (e.fqcn, Options::of(e).summary()))
        .collect();
    order::sort_by_key(&mut entries, |(name, _)| *name);
    if as_json {
        let map: serde_json::Map<String, Json> = entries
            .into_iter()
            .map(|(n, s)| (n.to_owned(), json!(s)))
            .collect();
        return serde_json::to_string_pretty(&map).unwrap_or_default();
    }
    let width = entries
        .iter()
        .map(|(name, _)| name.len())
        .max()
        .unwrap_or(0);
    let lines = entries
        .iter()
        .map(|(name, summary)| format!("{name:width$}  {summary}"));
    lines.collect::<Vec<_>>().join("\n")
}

/// What the schema of a module's arguments says.
struct Options<'a> {
    entry: &'a Entry,
    description: String,
    options: Vec<OneOption>,
}

struct OneOption {
    name: String,
    description: String,
    required: bool,
    kind: String,
    default: Option<Json>,
    /// Each with its meaning, which may be empty.
    choices: Vec<(String, String)>,
    aliases: Vec<String>,
}

impl<'a> Options<'a> {
    fn of(entry: &'a Entry) -> Options<'a> {
        let schema = json!((entry.schema)());
        let required: Vec<&str> = schema["required"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .collect();
        let properties = schema["properties"].as_object().into_iter().flatten();
        let mut options: Vec<OneOption> = properties
            .map(|(name, of)| OneOption::of(name, of, required.contains(&name.as_str())))
            .collect();
        order::sort_by(&mut options, |a, b| {
            (!a.required, &a.name).cmp(&(!b.required, &b.name))
        });
        Options {
            entry,
            description: schema["description"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            options,
        }
    }

    /// The first sentence.
    fn summary(&self) -> String {
        let first = self.description.split("\n\n").next().unwrap_or_default();
        first.replace('\n', " ").trim_end_matches('.').to_owned()
    }

    fn page(&self, width: usize, bold: impl Fn(&str) -> String) -> String {
        let mut out = format!("> MODULE {}\n", bold(self.entry.fqcn));
        out += &wrapped(&self.description, 2, width);
        let also: Vec<&str> = self
            .entry
            .aliases
            .iter()
            .copied()
            .filter(|a| !a.starts_with("ansible."))
            .collect();
        if !also.is_empty() {
            out += &format!("\nAlso known as: {}\n", also.join(", "));
        }
        if self.options.is_empty() {
            return out + "\nIt takes no options.\n";
        }
        out += &format!("\n{} (= marks a required one):\n", bold("OPTIONS"));
        for option in &self.options {
            out += &option.page(width, &bold);
        }
        out
    }

    fn snippet(&self) -> String {
        let mut out = format!("- name: {}\n  {}:\n", self.summary(), self.entry.fqcn);
        for option in &self.options {
            let mark = if option.required { "(required) " } else { "" };
            let text = option
                .description
                .split("\n\n")
                .next()
                .unwrap_or_default()
                .replace('\n', " ");
            out += &format!("      {:<22} # {mark}{text}\n", format!("{}:", option.name));
        }
        out
    }
}

impl OneOption {
    fn of(name: &str, schema: &Json, required: bool) -> OneOption {
        let text = schema["description"].as_str().unwrap_or_default();
        let (description, aliases) = split_aliases(text);
        let default = schema.get("default").cloned().filter(|d| !d.is_null());
        OneOption {
            name: name.to_owned(),
            description,
            required,
            kind: kind(schema),
            default,
            choices: choices(schema),
            aliases,
        }
    }

    fn page(&self, width: usize, bold: &impl Fn(&str) -> String) -> String {
        let mark = if self.required { '=' } else { '-' };
        let mut out = format!("\n{mark} {}\n", bold(&self.name));
        out += &wrapped(&self.description, 8, width);
        let mut fact = |name: &str, value: String| out += &format!("        {name}: {value}\n");
        if !self.aliases.is_empty() {
            fact("aliases", format!("[{}]", self.aliases.join(", ")));
        }
        if !self.choices.is_empty() {
            let names: Vec<&str> = self.choices.iter().map(|(name, _)| name.as_str()).collect();
            fact("choices", format!("[{}]", names.join(", ")));
        }
        if !self.required {
            fact(
                "default",
                self.default.as_ref().map_or("null".to_owned(), plain),
            );
        }
        fact("type", self.kind.clone());
        for (name, meaning) in self.choices.iter().filter(|(_, m)| !m.is_empty()) {
            out += &wrapped(&format!("{name}: {meaning}"), 10, width);
        }
        out
    }
}

/// Takes `Alias: name` and `Aliases: a, b` out of a description.
fn split_aliases(text: &str) -> (String, Vec<String>) {
    for word in ["Aliases:", "Alias:"] {
        let Some((before, after)) = text.split_once(word) else {
            continue;
        };
        let end = after.find(['.', '\n']).unwrap_or(after.len());
        let names = after[..end]
            .split(',')
            .map(|n| n.trim().trim_matches('`').to_owned());
        let rest = after[end..].trim_start_matches('.').trim();
        let description = format!("{} {rest}", before.trim());
        return (
            description.trim().to_owned(),
            names.filter(|n| !n.is_empty()).collect(),
        );
    }
    (text.trim().to_owned(), Vec::new())
}

/// Python's names of the types, as Ansible's documentation has them.
fn kind(schema: &Json) -> String {
    let of = |name: &str| {
        match name {
            "string" => "str",
            "boolean" => "bool",
            "integer" => "int",
            "number" => "float",
            "array" => "list",
            "object" => "dict",
            other => return other.to_owned(),
        }
        .to_owned()
    };
    let name = match &schema["type"] {
        Json::String(name) => of(name),
        Json::Array(names) => {
            let name = names.iter().filter_map(Json::as_str).find(|n| *n != "null");
            name.map_or_else(|| "raw".to_owned(), of)
        }
        _ if !choices(schema).is_empty() => "str".to_owned(),
        _ => alternatives(schema)
            .find(|s| s["type"] != "null")
            .map_or_else(|| "raw".to_owned(), kind),
    };
    match schema["items"]["type"].as_str() {
        Some(items) if name == "list" => format!("list of {}", of(items)),
        _ => name,
    }
}

fn alternatives(schema: &Json) -> impl Iterator<Item = &Json> {
    let lists = ["oneOf", "anyOf"]
        .into_iter()
        .filter_map(|k| schema[k].as_array());
    lists.flatten()
}

fn choices(schema: &Json) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let meaning = schema["description"].as_str().unwrap_or_default();
    if let Some(constant) = schema.get("const").filter(|c| !c.is_null()) {
        found.push((plain(constant), meaning.replace('\n', " ")));
    }
    for value in schema["enum"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|v| !v.is_null())
    {
        found.push((plain(value), String::new()));
    }
    for part in alternatives(schema) {
        found.extend(choices(part));
    }
    found
}

fn plain(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Paragraphs broken into lines.
fn wrapped(text: &str, indent: usize, width: usize) -> String {
    let mut out = String::new();
    for paragraph in text.split("\n\n") {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            if !line.is_empty() && indent + line.len() + 1 + word.len() > width.min(100) {
                out += &format!("{:indent$}{line}\n", "");
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        if !line.is_empty() {
            out += &format!("{:indent$}{line}\n", "");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page() {
        let page = Options::of(find("slurp").unwrap()).page(79, str::to_owned);
        insta::assert_snapshot!(page, @r"
        > MODULE ansible.builtin.slurp
          Reads a file of the host into the result.

        OPTIONS (= marks a required one):

        = src
                The file.
                aliases: [path]
                type: str
        ");
    }

    #[test]
    fn aliases_leave_the_text() {
        let (text, aliases) = split_aliases("The file. Aliases: dest, name. Must exist.");
        assert_eq!((text.as_str(), aliases.len()), ("The file. Must exist.", 2));
    }

    #[test]
    fn types_and_choices() {
        let schema = json!({"anyOf": [{"oneOf": [
            {"const": "present", "description": "Is there."}, {"enum": ["absent"]},
        ]}, {"type": "null"}]});
        assert_eq!(kind(&schema), "str");
        assert_eq!(
            choices(&schema)[0],
            ("present".to_owned(), "Is there.".to_owned())
        );
        assert_eq!(choices(&schema).len(), 2);
        assert_eq!(
            kind(&json!({"type": ["array", "null"], "items": {"type": "string"}})),
            "list of str"
        );
    }

    /// Every module documents itself and every option of it.
    #[test]
    fn nothing_is_undocumented() {
        for entry in modules::all() {
            let options = Options::of(entry);
            assert!(
                !options.description.is_empty(),
                "{} has no description",
                entry.name
            );
            for option in options.options {
                assert!(
                    !option.description.is_empty(),
                    "{}.{}",
                    entry.name,
                    option.name
                );
            }
        }
    }
}
