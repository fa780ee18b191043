//! `locale_gen`: languages and encodings that programs can speak.

use super::Module;
use super::common::command;
use crate::diag::{Diag, Result};
use crate::sys::{Content, Effect, Known, Op, Outcome, Owner, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use std::path::Path;

/// Makes locales, or removes them.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Names with encoding, such as `de_DE.UTF-8`.
    name: Vec<String>,
    /// Whether they shall be there.
    #[serde(default)]
    state: State,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum State {
    /// They are there.
    #[default]
    Present,
    /// They are not.
    Absent,
}

const WANTED: &str = "/etc/locale.gen";
const SUPPORTED: &str = "/usr/share/i18n/SUPPORTED";

/// The module.
pub struct LocaleGen;

impl Module for LocaleGen {
    const NAME: &'static str = "locale_gen";
    const FQCN: &'static str = "community.general.locale_gen";
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        if view.stat(Path::new(WANTED))? == Known::Known(None) {
            let message = format!(
                "/var/lib/locales/supported.d and {WANTED} are missing. Is the package \"locales\" \
                 installed?"
            );
            return Err(Diag::error("no-locales", message));
        }
        let there = there(view)?;
        args.check(&there, view)?;
        let is_there = |name: &String| match view.assumed(&key(name)) {
            Some(planned) => planned == json!(true),
            None => there.contains(&uniform(name)),
        };
        if args.name.iter().all(is_there) == (args.state == State::Present) {
            return Ok(Vec::new());
        }
        let content = match view.read(Path::new(WANTED))? {
            Known::Known(Some(bytes)) => {
                let text = String::from_utf8_lossy(&bytes);
                Content::Bytes(args.edit(&text).into_bytes().into())
            }
            _ => Content::Unknown,
        };
        let is_wanted = json!(args.state == State::Present);
        let effects = args.name.iter();
        let effects = effects.map(|name| Effect::Assume(key(name), is_wanted.clone()));
        let generate = command::c_locale([command::required(view, "locale-gen")?]);
        Ok(vec![
            Op::Write {
                path: WANTED.into(),
                content,
                mode: None,
                owner: Owner::default(),
                backup: None,
                validate: None,
                secret: false,
            },
            command::run(generate, effects.collect()),
        ])
    }

    fn result(args: &Args, _: &dyn View, _: &[Outcome]) -> Result<Json> {
        Ok(json!({"name": args.name, "mechanism": "glibc", "ubuntu_mode": false}))
    }
}

fn key(name: &str) -> String {
    format!("locale:{}", uniform(name))
}

/// Programs write encodings in two ways.
fn uniform(name: &str) -> String {
    const FORMS: [(&str, &str); 10] = [
        (".utf8", ".UTF-8"),
        (".eucjp", ".EUC-JP"),
        (".iso885915", ".ISO-8859-15"),
        (".cp1251", ".CP1251"),
        (".koi8r", ".KOI8-R"),
        (".armscii8", ".ARMSCII-8"),
        (".euckr", ".EUC-KR"),
        (".gbk", ".GBK"),
        (".gb18030", ".GB18030"),
        (".euctw", ".EUC-TW"),
    ];
    FORMS
        .iter()
        .fold(name.to_owned(), |name, (from, to)| name.replace(from, to))
}

/// The locales that can be used now.
fn there(view: &dyn View) -> Result<Vec<String>> {
    let Known::Known(output) = command::query(view, ["locale", "-a"])? else {
        return Ok(Vec::new());
    };
    if !output.ok() {
        let said = output.err_text();
        return Err(Diag::error("no-locales", said.trim_end()));
    }
    Ok(output.text().lines().map(uniform).collect())
}

impl Args {
    /// Refuses names that no locale has.
    fn check(&self, there: &[String], view: &dyn View) -> Result<()> {
        let text = match view.read(Path::new(SUPPORTED))? {
            Known::Known(Some(bytes)) => String::from_utf8_lossy(&bytes).into_owned(),
            // The package comes with a planned step.
            _ if view.is_dry() => return Ok(()),
            _ => {
                let message = format!("there is no file {SUPPORTED}");
                return Err(Diag::error("no-locales", message));
            }
        };
        let is_known = |name: &&String| {
            let mut names = text.lines().filter_map(entry);
            names.any(|(found, _)| found == *name) || there.contains(&uniform(name))
        };
        let strange: Vec<&str> = self
            .name
            .iter()
            .filter(|name| !is_known(name))
            .map(String::as_str)
            .collect();
        if strange.is_empty() {
            return Ok(());
        }
        let message = format!(
            "The following locales you have entered are not available on your system: {}",
            strange.join(", ")
        );
        Err(Diag::error("no-such-locale", message).about("name"))
    }

    /// The file with the lines of these locales switched on or off.
    fn edit(&self, text: &str) -> String {
        let line = |line: &str| {
            let bare = line.strip_prefix('#').unwrap_or(line).trim_start();
            let name = self.name.iter().find(|name| {
                let rest = bare.strip_prefix(name.as_str());
                rest.is_some_and(|rest| rest.len() > 1 && rest.starts_with(' '))
            });
            match (name, self.state) {
                (None, _) => line.to_owned(),
                (Some(_), State::Present) => bare.to_owned(),
                (Some(_), State::Absent) => format!("# {bare}"),
            }
        };
        let mut out: String = text.split('\n').map(line).collect::<Vec<_>>().join("\n");
        if text.is_empty() {
            out.clear();
        }
        out
    }
}

/// Name and character set of a line, be it commented out.
fn entry(line: &str) -> Option<(&str, &str)> {
    let bare = line.trim();
    let bare = bare.strip_prefix('#').unwrap_or(bare).trim_start();
    let (name, charset) = bare.split_once(' ')?;
    Some((name, charset.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_switched_on_and_off() {
        let mut args = Args {
            name: vec!["de_DE.UTF-8".into(), "C.UTF-8".into()],
            state: State::Present,
        };
        let text = "# text\n#  de_DE.UTF-8 UTF-8\n# de_DE ISO-8859-1\nen_US UTF-8\n";
        let on = "# text\nde_DE.UTF-8 UTF-8\n# de_DE ISO-8859-1\nen_US UTF-8\n";
        assert_eq!(args.edit(text), on);
        args.state = State::Absent;
        let off = "# text\n# de_DE.UTF-8 UTF-8\n# de_DE ISO-8859-1\nen_US UTF-8\n";
        assert_eq!(args.edit(on), off);
    }
}
