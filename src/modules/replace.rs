//! `replace`: all matches of a pattern in a file.

use super::common::edit::{Editable, How};
use super::common::file_attrs::FileAttrs;
use super::common::text::{Coding, latin1};
use super::common::write::backup_of;
use super::{Kind, Module};
use crate::args::With;
use crate::diag::{Diag, Result};
use crate::sys::{Known, Op, Outcome, View};
use crate::value::re::{Flags, Pattern, Template};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Replaces all matches of a pattern in a file.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// The file. Aliases: dest, destfile, name
    #[serde(alias = "dest", alias = "destfile", alias = "name")]
    path: String,
    /// The pattern; `^` and `$` match at every line.
    regexp: String,
    /// What to put in place; `\1` and `\g<name>` are groups.
    #[serde(default)]
    replace: String,
    /// Only what comes after this pattern.
    after: Option<String>,
    /// Only what comes before this pattern.
    before: Option<String>,
    /// Keep the old file with a time in its name.
    #[serde(default)]
    backup: bool,
    /// Command that must accept the new file (`%s`) before it takes its place.
    validate: Option<String>,
    /// Encoding of the file: utf-8 or latin-1.
    #[serde(default = "utf8")]
    encoding: String,
}

fn utf8() -> String {
    "utf-8".into()
}

type Args = With<Own, FileAttrs>;

/// The module.
pub struct Replace;

impl Module for Replace {
    const NAME: &'static str = "replace";
    const FQCN: &'static str = "ansible.builtin.replace";
    type Args = Args;

    /// Planned once: the replacement may match the pattern again.
    fn kind(_: &Args) -> Kind {
        Kind::Action
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let file = open(args, view)?;
        let how = How {
            attrs: &args.shared,
            backup: args.backup,
            validate: args.validate.as_deref(),
        };
        file.finish(args.change(&file)?.text.as_deref(), how, view)
    }

    fn plan_more(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Vec<Op>> {
        Editable::open(&args.path, view)?.settle(&args.shared, view)
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        let file = open(args, view)?;
        let message = args.change(&file)?.message;
        let mut keys = json!({"rc": 0, "msg": file.message(&message, &args.shared, view)?});
        if let Some(path) = backup_of(planned) {
            keys["backup_file"] = path;
        }
        Ok(keys)
    }
}

fn open(args: &Own, view: &dyn View) -> Result<Editable> {
    let mut file = Editable::open(&args.path, view)?;
    if file.is_missing() {
        return Err(file.missing("Path", " !"));
    }
    let encoding = args.encoding.to_ascii_lowercase().replace('_', "-");
    match encoding.as_str() {
        "utf-8" | "utf8" | "ascii" | "us-ascii" => {}
        "latin-1" | "latin1" | "iso-8859-1" | "iso8859-1" => {
            file.coding = Coding::Latin1;
            file.text = view
                .read(&file.target)?
                .map(|bytes| bytes.map(|bytes| latin1(&bytes)));
        }
        _ => {
            return Err(Diag::error(
                "bad-encoding",
                format!("unknown encoding {:?}", args.encoding),
            )
            .help("it is utf-8 or latin-1")
            .about("encoding"));
        }
    }
    Ok(file)
}

#[derive(Default)]
struct Change {
    text: Option<String>,
    message: String,
}

impl Own {
    fn change(&self, file: &Editable) -> Result<Change> {
        let Known::Known(Some(text)) = &file.text else {
            return Ok(Change::default());
        };
        let import = |text: &str| file.coding.import(text);
        let (start, end) = match self.section(text, &import)? {
            Ok(range) => range,
            Err(pattern) => {
                return Ok(Change {
                    text: None,
                    message: format!(
                        "Pattern for before/after params did not match the given file: {pattern}"
                    ),
                });
            }
        };
        let pattern = compile(&import(&self.regexp), Flags::MULTILINE, "regexp")?;
        let template = Template::parse(&import(&self.replace), &pattern).map_err(|e| {
            let message = format!("Unable to process replace due to error: {e}");
            Diag::error("bad-template", message).about("replace")
        })?;
        let section = &text[start..end];
        let (new, count) = pattern.sub(&template, section, 0);
        if new == section {
            return Ok(Change::default());
        }
        Ok(Change {
            text: Some([&text[..start], &new, &text[end..]].concat()),
            message: format!("{count} replacements made"),
        })
    }

    /// The part of the text between `after` and `before`, or the pattern that did not match.
    fn section(
        &self,
        text: &str,
        import: &dyn Fn(&str) -> String,
    ) -> Result<Result<(usize, usize), String>> {
        let pattern = match (&self.after, &self.before) {
            (Some(after), Some(before)) => format!("{after}(?P<subsection>.*?){before}"),
            (Some(after), None) => format!("{after}(?P<subsection>.*)"),
            (None, Some(before)) => format!("(?P<subsection>.*){before}"),
            (None, None) => return Ok(Ok((0, text.len()))),
        };
        let flags = Flags {
            dotall: true,
            ..Flags::default()
        };
        let compiled = compile(&import(&pattern), flags, "after")?;
        let number = compiled.group_number("subsection").unwrap_or(0);
        let found = compiled.search(text);
        Ok(found.and_then(|found| found.span(number)).ok_or(pattern))
    }
}

fn compile(pattern: &str, flags: Flags, option: &str) -> Result<Pattern> {
    Pattern::new(pattern, flags).map_err(|e| Diag::error("bad-regex", e).about(option))
}
