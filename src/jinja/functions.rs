//! Global functions of templates.

use super::args::Args;
use super::container::Dict;
use super::lookups;
use super::obj::{Native, O, Obj};
use super::stop::{Res, Stop, Undef};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

type Body = fn(Args) -> Res<Obj>;

struct Function(&'static str, Body);

impl Native for Function {
    fn type_name(&self) -> &'static str {
        "function"
    }

    fn callable(&self) -> bool {
        true
    }

    fn text(&self) -> String {
        format!("<function {}>", self.0)
    }

    fn call(&self, mut args: Args) -> Res<Obj> {
        args.name = self.0.into();
        if !matches!(self.0, "undef" | "lookup" | "query" | "q")
            && let Some(bad) = first_undefined(&args)
        {
            return Ok(bad);
        }
        (self.1)(args)
    }
}

/// The first undefined argument: a call with one is undefined itself.
pub fn first_undefined(args: &Args) -> Option<Obj> {
    args.pos
        .iter()
        .chain(args.kw.iter().map(|(_, v)| v))
        .find(|a| a.is_undefined())
        .cloned()
}

/// The global function of that name.
pub fn global(name: &str) -> Option<Obj> {
    let (name, body): (&'static str, Body) = match name {
        "range" => ("range", range),
        "dict" => ("dict", dict),
        "namespace" => ("namespace", namespace),
        "lookup" => ("lookup", lookups::lookup),
        "query" => ("query", lookups::query),
        "q" => ("q", lookups::query),
        "undef" => ("undef", undef),
        "now" => ("now", super::dates::now),
        "cycler" => ("cycler", cycler),
        "joiner" => ("joiner", joiner),
        "omit" => return Some(O::Omit.into()),
        _ => return None,
    };
    Some(Obj::native(Function(name, body)))
}

/// The value of `a if b` where `b` is false: nothing in text, an error as a result.
pub fn no_else() -> Obj {
    Obj::native(NoElse)
}

struct NoElse;

impl Native for NoElse {
    fn type_name(&self) -> &'static str {
        "Undefined"
    }

    fn text(&self) -> String {
        String::new()
    }

    fn items(&self) -> Option<Vec<Obj>> {
        Some(Vec::new())
    }
}

struct Range(Vec<i64>, String);

impl Native for Range {
    fn type_name(&self) -> &'static str {
        "range"
    }

    fn text(&self) -> String {
        self.1.clone()
    }

    fn items(&self) -> Option<Vec<Obj>> {
        Some(self.0.iter().map(|n| (*n).into()).collect())
    }
}

fn range(args: Args) -> Res<Obj> {
    let [a, b, c] = args.bind(["start", "stop", "step"])?;
    let first = a.ok_or_else(|| args.missing("stop"))?.int()?;
    let (start, stop) = match b {
        Some(stop) => (first, stop.int()?),
        None => (0, first),
    };
    let step = c.map_or(Ok(1), |s| s.int())?;
    if step == 0 {
        return Err(Stop::fail("range() arg 3 must not be zero"));
    }
    let count = if step > 0 {
        (stop.saturating_sub(start).saturating_add(step - 1)) / step
    } else {
        (start.saturating_sub(stop).saturating_sub(step + 1)) / -step
    };
    if count > 10_000_000 {
        return Err(Stop::fail("range() is too long"));
    }
    let numbers = (0..count.max(0)).map(|i| start + i * step).collect();
    let text = match step {
        1 => format!("range({start}, {stop})"),
        _ => format!("range({start}, {stop}, {step})"),
    };
    Ok(Obj::native(Range(numbers, text)))
}

fn dict(args: Args) -> Res<Obj> {
    let dict = Dict::default();
    if let Some(from) = args.pos.first() {
        fill(&dict, from)?;
    }
    for (key, value) in &args.kw {
        dict.set(key.as_ref().into(), value.clone());
    }
    Ok(dict.into())
}

/// Adds the entries of a dict or of a list of pairs.
pub fn fill(dict: &Dict, from: &Obj) -> Res<()> {
    if let O::Dict(other) = &from.use_it()?.kind {
        for (key, value) in other.pairs()? {
            dict.set(key, value);
        }
        return Ok(());
    }
    for pair in from.items()? {
        match &pair.items()?[..] {
            [key, value] => dict.set(super::container::to_key(key)?, value.clone()),
            other => {
                return Err(Stop::fail(format!(
                    "dictionary update sequence element has length {}; 2 is required",
                    other.len()
                )));
            }
        }
    }
    Ok(())
}

struct Namespace(RefCell<Vec<(Arc<str>, Obj)>>);

impl Native for Namespace {
    fn type_name(&self) -> &'static str {
        "Namespace"
    }

    fn attr(&self, name: &str) -> Res<Option<Obj>> {
        let vars = self.0.borrow();
        Ok(vars
            .iter()
            .find(|(n, _)| &**n == name)
            .map(|(_, v)| v.clone()))
    }

    fn set_attr(&self, name: &Arc<str>, value: Obj) -> Res<()> {
        let mut vars = self.0.borrow_mut();
        match vars.iter_mut().find(|(n, _)| n == name) {
            Some(slot) => slot.1 = value,
            None => vars.push((name.clone(), value)),
        }
        Ok(())
    }
}

fn namespace(args: Args) -> Res<Obj> {
    let all = dict(args)?.dict()?;
    let vars = all
        .pairs()?
        .into_iter()
        .map(|(k, v)| (k.to_value().to_text().into(), v))
        .collect();
    Ok(Obj::native(Namespace(RefCell::new(vars))))
}

/// What `undef()` says where it is given nothing to say.
pub const NO_HINT: &str = "Mandatory variable has not been overridden";

fn undef(args: Args) -> Res<Obj> {
    let [hint] = args.bind(["hint"])?;
    let message = match hint {
        Some(hint) if !hint.is_none() => hint.text()?,
        _ => NO_HINT.to_owned(),
    };
    Ok(O::Undefined(Rc::new(Undef {
        message,
        ..Undef::default()
    }))
    .into())
}

struct Cycler(Rc<(Vec<Obj>, Cell<usize>)>, &'static str);

impl Native for Cycler {
    fn type_name(&self) -> &'static str {
        "Cycler"
    }

    fn callable(&self) -> bool {
        !self.1.is_empty()
    }

    fn attr(&self, name: &str) -> Res<Option<Obj>> {
        Ok(match name {
            "current" => Some(self.0.0[self.0.1.get()].clone()),
            "next" => Some(Obj::native(Cycler(self.0.clone(), "next"))),
            "reset" => Some(Obj::native(Cycler(self.0.clone(), "reset"))),
            _ => None,
        })
    }

    fn call(&self, _args: Args) -> Res<Obj> {
        let (items, at) = &*self.0;
        if self.1 == "reset" {
            at.set(0);
            return Ok(Obj::none());
        }
        let now = items[at.get()].clone();
        at.set((at.get() + 1) % items.len());
        Ok(now)
    }
}

fn cycler(args: Args) -> Res<Obj> {
    if args.pos.is_empty() {
        return Err(Stop::fail("at least one item has to be provided"));
    }
    Ok(Obj::native(Cycler(Rc::new((args.pos, Cell::new(0))), "")))
}

struct Joiner(Obj, Cell<bool>);

impl Native for Joiner {
    fn type_name(&self) -> &'static str {
        "Joiner"
    }

    fn callable(&self) -> bool {
        true
    }

    fn call(&self, _args: Args) -> Res<Obj> {
        match self.1.replace(true) {
            true => Ok(self.0.clone()),
            false => Ok("".into()),
        }
    }
}

fn joiner(args: Args) -> Res<Obj> {
    let [sep] = args.bind(["sep"])?;
    Ok(Obj::native(Joiner(
        sep.unwrap_or_else(|| ", ".into()),
        Cell::new(false),
    )))
}
