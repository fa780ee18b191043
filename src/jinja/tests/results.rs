//! Tests of registered results.

use super::OnObjects;
use crate::jinja::args::Args;
use crate::jinja::obj::{O, Obj};
use crate::jinja::stop::{Res, Stop};

pub const FAMILY: &[(&str, OnObjects)] = &[
    ("changed", changed),
    ("change", changed),
    ("failed", |a| field(a, "failed")),
    ("failure", |a| field(a, "failed")),
    ("succeeded", |a| Ok(!field(a, "failed")?)),
    ("success", |a| Ok(!field(a, "failed")?)),
    ("successful", |a| Ok(!field(a, "failed")?)),
    ("skipped", |a| field(a, "skipped")),
    ("skip", |a| field(a, "skipped")),
    ("started", |a| background(a, "started")),
    ("finished", |a| background(a, "finished")),
    ("timedout", |a| field(a, "timedout")),
    ("reachable", |a| Ok(!field(a, "unreachable")?)),
    ("unreachable", |a| field(a, "unreachable")),
];

fn field(args: &Args, name: &str) -> Res<bool> {
    let value = args.input()?;
    let O::Dict(dict) = &value.use_it()?.kind else {
        return Err(Stop::fail(format!(
            "The '{}' test expects a dictionary",
            args.name
        )));
    };
    dict.get_str(name)?.as_ref().map_or(Ok(false), truth)
}

/// A task that was not in the background has started and finished.
fn background(args: &Args, name: &str) -> Res<bool> {
    if let O::Dict(dict) = &args.input()?.use_it()?.kind
        && dict.get_str(name)?.is_none()
    {
        return Ok(true);
    }
    field(args, name)
}

fn truth(value: &Obj) -> Res<bool> {
    match &value.kind {
        O::Str(_) => Ok(crate::jinja::function::truthy(&value.to_value()?)),
        _ => value.truth(),
    }
}

/// A loop's result has changed if one of its rounds has.
fn changed(args: &Args) -> Res<bool> {
    let O::Dict(dict) = &args.input()?.use_it()?.kind else {
        return field(args, "changed");
    };
    if let Some(changed) = dict.get_str("changed")? {
        return truth(&changed);
    }
    let Some(rounds) = dict.get_str("results")? else {
        return Ok(false);
    };
    let mut doubt = None;
    for round in rounds.items()? {
        let O::Dict(round) = &round.use_it()?.kind else {
            continue;
        };
        match round.get_str("changed")?.as_ref().map(truth) {
            Some(Ok(true)) => return Ok(true),
            Some(Err(stop)) => doubt = Some(stop),
            _ => {}
        }
    }
    doubt.map_or(Ok(false), Err)
}
