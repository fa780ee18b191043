//! `debconf`: answers to the questions that packages ask.

use super::Module;
use super::common::{command, web};
use crate::args::Raw;
use crate::diag::{Diag, Result};
use crate::sys::{Algorithm, Effect, Known, Op, View};
use crate::value::unknown_json;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::path::Path;

/// Answers a package's question in advance, or tells the answers that there are.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// The package. Alias: pkg
    #[serde(alias = "pkg")]
    name: String,
    /// The question. Aliases: selection, setting
    #[serde(alias = "selection", alias = "setting")]
    question: Option<String>,
    /// Its type.
    vtype: Option<Type>,
    /// The answer; a list for `multiselect`. Alias: answer
    #[serde(alias = "answer")]
    value: Option<Raw>,
    /// The question counts as not asked yet.
    #[serde(default)]
    unseen: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Type {
    Boolean,
    Error,
    Multiselect,
    Note,
    Password,
    Seen,
    Select,
    String,
    Text,
    Title,
}

impl Type {
    fn name(self) -> &'static str {
        match self {
            Type::Boolean => "boolean",
            Type::Error => "error",
            Type::Multiselect => "multiselect",
            Type::Note => "note",
            Type::Password => "password",
            Type::Seen => "seen",
            Type::Select => "select",
            Type::String => "string",
            Type::Text => "text",
            Type::Title => "title",
        }
    }
}

/// Where answers are kept that nobody else may read.
const PASSWORDS: &str = "/var/cache/debconf/passwords.dat";

/// The module.
pub struct Debconf;

impl Module for Debconf {
    const NAME: &'static str = "debconf";
    const FQCN: &'static str = "ansible.builtin.debconf";
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let Some(answer) = args.answer()? else {
            return Ok(Vec::new());
        };
        let known = selections(&args.name, view)?;
        if let Known::Known(known) = &known
            && answer.is_given(known, &args.name, view)?
        {
            return Ok(Vec::new());
        }
        let mut argv = vec![command::required(view, "debconf-set-selections")?];
        if args.unseen {
            argv.push("-u".to_owned());
        }
        let text = answer.text();
        let line = [&args.name, answer.question, answer.vtype.name(), &text].join(" ");
        let set = command::c_locale(argv).stdin(line.into_bytes());
        // Effects are shown, and an answer may be a password.
        let sum = Algorithm::Sha256.of(text.as_bytes());
        let effect = Effect::Assume(key(&args.name, answer.question), json!(sum));
        Ok(vec![command::run(set, vec![effect])])
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], diff: bool) -> Result<Json> {
        let known = match selections(&args.name, view)? {
            Known::Known(known) => json!(known),
            Known::Unknown => unknown_json("answers of a package that is not there yet"),
        };
        let answer = args.answer()?.filter(|_| !planned.is_empty());
        let Some(answer) = answer else {
            return Ok(json!({"msg": "", "current": known}));
        };
        let current = json!({answer.question: answer.text()});
        let mut previous = match known.get(answer.question) {
            Some(value) => json!({answer.question: value}),
            None => known,
        };
        if previous.get(answer.question).is_none() {
            previous[answer.question] = json!("");
        }
        let mut keys = json!({"msg": "", "current": current, "previous": previous, "diff": {}});
        if diff {
            let mut after = previous.clone();
            after[answer.question] = json!(answer.text());
            keys["diff"] = json!({"before": previous, "after": after});
        }
        Ok(keys)
    }
}

fn key(package: &str, question: &str) -> String {
    format!("debconf:{package}:{question}")
}

/// The answer that is wanted.
struct Answer<'a> {
    question: &'a str,
    vtype: Type,
    /// As text, or a list for `multiselect`.
    value: Json,
}

impl Args {
    fn answer(&self) -> Result<Option<Answer<'_>>> {
        let (question, vtype, value) = match (&self.question, self.vtype, &self.value) {
            (None, None, None) => return Ok(None),
            (Some(question), Some(vtype), Some(Raw(value))) if !value.is_null() => {
                (question, vtype, value)
            }
            _ => {
                let message = "parameters are required together: question, vtype, value";
                return Err(Diag::error("missing-option", message));
            }
        };
        let value = match value {
            Json::Array(items) if vtype == Type::Multiselect => {
                if let Some(item) = items.iter().find(|item| !item.is_string()) {
                    let message = format!("Invalid value provided for 'multiselect': {item}");
                    return Err(Diag::error("bad-value", message));
                }
                json!(items.iter().map(web::text).collect::<Vec<_>>())
            }
            value if vtype == Type::Boolean => json!(web::text(value).to_lowercase()),
            value => json!(web::text(value)),
        };
        Ok(Some(Answer {
            question,
            vtype,
            value,
        }))
    }
}

impl Answer<'_> {
    fn text(&self) -> String {
        match &self.value {
            Json::Array(items) => {
                let items: Vec<&str> = items.iter().filter_map(Json::as_str).collect();
                items.join(", ")
            }
            value => web::text(value),
        }
    }

    /// True where the database has this answer.
    fn is_given(&self, known: &Map<String, Json>, package: &str, view: &dyn View) -> Result<bool> {
        if let Some(planned) = view.assumed(&key(package, self.question)) {
            return Ok(planned == json!(Algorithm::Sha256.of(self.text().as_bytes())));
        }
        let Some(given) = known.get(self.question).and_then(Json::as_str) else {
            return Ok(false);
        };
        Ok(match (self.vtype, &self.value) {
            (Type::Boolean, value) => json!(given.to_lowercase()) == *value,
            (Type::Password, value) => Some(web::text(value)) == password(self.question, view)?,
            (Type::Multiselect, Json::Array(items)) => {
                let mut given: Vec<&str> = given.split(',').map(str::trim).collect();
                given.sort_unstable();
                let mut wanted: Vec<&str> = items.iter().filter_map(Json::as_str).collect();
                wanted.sort_unstable();
                wanted == given
            }
            (_, value) => json!(given) == *value,
        })
    }
}

/// What `debconf-show` tells of a package: a star before what was asked, question and answer.
fn selections(package: &str, view: &dyn View) -> Result<Known<Map<String, Json>>> {
    let show = command::required(view, "debconf-show")?;
    let Known::Known(output) = command::query(view, [show.as_str(), package])? else {
        return Ok(Known::Unknown);
    };
    if !output.ok() {
        let said = output.err_text();
        return Err(Diag::error("debconf", said.trim_end()));
    }
    let mut known = Map::new();
    for line in output.text().lines() {
        if let Some((question, answer)) = line.split_once(':') {
            let question = question.trim_matches('*').trim().to_owned();
            known.insert(question, json!(answer.trim()));
        }
    }
    Ok(Known::Known(known))
}

/// A password from the database itself: no program shows it.
fn password(question: &str, view: &dyn View) -> Result<Option<String>> {
    let Known::Known(Some(bytes)) = view.read(Path::new(PASSWORDS))? else {
        return Ok(None);
    };
    let text = String::from_utf8_lossy(&bytes);
    let name = format!("Name: {question}");
    let mut entries = text.split("\n\n");
    let entry = entries.find(|entry| entry.lines().any(|line| line == name));
    Ok(entry.and_then(|entry| {
        let value = entry.lines().find_map(|line| line.strip_prefix("Value:"))?;
        Some(value.trim().to_owned())
    }))
}
