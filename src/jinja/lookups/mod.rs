//! Lookups: data from the control side, one file for each family.

mod files;
mod galaxy;
mod lists;
mod password;
mod settings;
mod tables;
mod terms;
mod variables;

use super::args::Args;
use super::env::Env;
use super::function::{Call, Frame, from_value};
use super::functions::{self, first_undefined};
use super::obj::{O, Obj};
use super::stop::{Res, Stop};
use crate::diag::Diag;
use crate::value::{Kind, Map, Value};
use std::collections::HashMap;
use std::rc::Rc;

/// What a lookup is asked.
pub struct Ask<'a> {
    /// The evaluation it is part of.
    pub frame: &'a Frame,
    /// Terms.
    pub terms: &'a [Value],
    /// Options.
    pub options: &'a Map,
}

impl Ask<'_> {
    /// A text option.
    pub fn text(&self, name: &str) -> Option<String> {
        self.options.get(name).map(Value::to_text)
    }

    /// A boolean option.
    pub fn flag(&self, name: &str, default: bool) -> bool {
        self.options
            .get(name)
            .map_or(default, super::function::truthy)
    }
}

/// A lookup: the list it finds.
pub type Lookup = fn(&Ask<'_>) -> Result<Vec<Value>, String>;

fn tables() -> impl Iterator<Item = &'static (&'static str, Lookup)> {
    [
        files::LOOKUPS,
        galaxy::LOOKUPS,
        lists::LOOKUPS,
        password::LOOKUPS,
        settings::LOOKUPS,
        tables::LOOKUPS,
        variables::LOOKUPS,
    ]
    .into_iter()
    .flatten()
}

/// Runs a lookup by name, short or full.
pub fn run(
    frame: &Frame,
    name: &str,
    terms: &[Value],
    options: &Map,
) -> Result<Vec<Value>, String> {
    let short = short(name);
    match tables().find(|(known, _)| *known == short) {
        Some((_, lookup)) => lookup(&Ask {
            frame,
            terms,
            options,
        }),
        None => {
            let near = crate::diag::nearest(short, tables().map(|(name, _)| *name));
            let hint = near
                .map(|near| format!(" (did you mean {near:?}?)"))
                .unwrap_or_default();
            Err(format!("The lookup plugin '{name}' was not found.{hint}"))
        }
    }
}

/// A name without `ansible.builtin.` and the collections whose plugins are built in.
pub fn short(name: &str) -> &str {
    const COLLECTIONS: [&str; 7] = [
        "ansible.builtin.",
        "ansible.legacy.",
        "ansible._protomatter.",
        "community.general.",
        "ansible.utils.",
        "galaxyproject.general.",
        "ansible.netcommon.",
    ];
    COLLECTIONS
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(name)
}

/// What a table has for a name with or without its collection. What belongs to ansible-core's inner
/// collections has its whole name there.
pub fn named<'a, T>(table: &'a HashMap<&'static str, T>, name: &str) -> Option<&'a T> {
    table.get(name).or_else(|| table.get(short(name)))
}

/// `lookup('name', terms..., options)`
pub fn lookup(args: Args) -> Res<Obj> {
    ask(args, false)
}

/// `query('name', terms..., options)`
pub fn query(args: Args) -> Res<Obj> {
    ask(args, true)
}

/// Runs a lookup from a template. Several results are joined with commas unless a list is wanted.
fn ask(mut args: Args, as_list: bool) -> Res<Obj> {
    // An undefined `default` matters only where there is nothing better.
    let fallback = args.kw.iter_mut().find_map(|(name, value)| {
        let undefined = &**name == "default" && value.is_undefined();
        let stand_in: Obj = O::Str(NO_DEFAULT.into()).into();
        undefined.then(|| std::mem::replace(value, stand_in))
    });
    if let Some(bad) = first_undefined(&args) {
        return Ok(bad);
    }
    let call = Call::new(&args)?;
    let Some((name, terms)) = call.args.split_first() else {
        return Err(Stop::fail("lookup() missing the name of the lookup"));
    };
    let mut options = call.kwargs.clone();
    let wanted = options.remove("wantlist");
    let as_list = as_list || wanted.is_some_and(|w| super::function::truthy(&w));
    let errors = options
        .remove("errors")
        .map_or_else(|| "strict".to_owned(), |mode| mode.to_text());
    let name = name.to_text();
    let found = match run(&call.frame, &name, terms, &options) {
        Ok(found) => found,
        Err(text) if (errors == "ignore" || errors == "warn") && !no_such_plugin(&text) => {
            return Ok(if as_list {
                Vec::new().into()
            } else {
                Obj::none()
            });
        }
        Err(text) if text.contains("is undefined") => return Ok(Obj::undefined(text)),
        Err(text) => return Err(failure(&name, &text)),
    };
    if let Some(fallback) = fallback
        && found.iter().any(|v| v.as_str() == Some(NO_DEFAULT))
    {
        return Ok(unset(&name, terms, fallback));
    }
    if let Some(why) = found.iter().find_map(|v| match &v.kind {
        Kind::Unknown(why) => Some(why.clone()),
        _ => None,
    }) {
        return Err(Stop::Unknown(why));
    }
    if as_list {
        return Ok(from_value(&Value::list(found)));
    }
    Ok(match found.as_slice() {
        [one] => from_value(one),
        [] => Vec::new().into(),
        many if many.iter().all(|v| v.as_str().is_some()) => {
            let texts: Vec<String> = many.iter().map(Value::to_text).collect();
            texts.join(",").into()
        }
        many => from_value(&Value::list(many.to_vec())),
    })
}

/// Stands for an undefined `default`.
const NO_DEFAULT: &str = "\0undefined";

/// The undefined value that a lookup falls back to; `env` says more than `undef()` does.
fn unset(lookup: &str, terms: &[Value], fallback: Obj) -> Obj {
    match &fallback.kind {
        O::Undefined(undef) if short(lookup) == "env" && undef.message == functions::NO_HINT => {
            let name = terms.first().map(Value::to_text).unwrap_or_default();
            Obj::undefined(format!("The environment variable '{name}' is not set."))
        }
        _ => fallback,
    }
}

/// Runs a lookup for `with_NAME`.
pub fn for_loop(env: &Rc<Env>, name: &str, terms: &Obj) -> Res<Vec<Obj>> {
    let terms = match &terms.use_it()?.kind {
        O::List(list) | O::Tuple(list) => list.items()?,
        _ => vec![terms.clone()],
    };
    let mut values = Vec::new();
    for term in terms.iter().filter(|t| !matches!(t.kind, O::Omit)) {
        // Where files are looked for, an undefined name is only one that is not there.
        match (term.to_value(), short(name)) {
            (Ok(value), _) => values.push(value),
            (Err(Stop::Undefined(_)), "first_found") => {}
            (Err(stop), _) => return Err(stop),
        }
    }
    let frame = Frame::new(env);
    let found = run(&frame, name, &values, &Map::new()).map_err(|text| failure(name, &text))?;
    Ok(found.iter().map(from_value).collect())
}

fn no_such_plugin(text: &str) -> bool {
    text.contains("was not found.") && text.starts_with("The lookup plugin")
}

fn failure(name: &str, text: &str) -> Stop {
    let code = match no_such_plugin(text) {
        true => "unknown-lookup",
        false => "lookup",
    };
    let text = match code {
        "lookup" => format!("The lookup plugin '{name}' failed: {text}"),
        _ => text.to_owned(),
    };
    Stop::Fail(Diag::error(code, text))
}
