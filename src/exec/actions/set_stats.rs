//! `set_stats`.

use super::{arguments, flag};
use crate::diag::{Diag, Result};
use crate::exec::host::{HostRun, Stop};
use crate::exec::results::Judged;
use crate::exec::task::Job;
use crate::value::{Kind, Map, Value};
use std::sync::Arc;

/// `set_stats`
pub fn set_stats(host: &mut HostRun, job: &Job) -> Result<(), Stop> {
    let Some(args) = arguments(host, job)? else {
        return Ok(());
    };
    let Some(Kind::Map(data)) = args.get("data").map(|v| &v.kind) else {
        let message = "The 'data' option needs to be a dictionary/hash";
        let diag = Diag::error("wrong-type", message);
        return host.end(job, Judged::failed(diag.at_if_none(job.task.args.span)));
    };
    let names = data.keys().map(|key| key.to_value().to_text());
    if let Some(name) = names
        .into_iter()
        .find(|name| !super::set_fact::is_variable(name))
    {
        let diag = Diag::error(
            "bad-variable-name",
            format!("Invalid variable name '{name}'."),
        );
        return host.end(job, Judged::failed(diag.at_if_none(job.task.args.span)));
    }
    let per_host = flag(&args, "per_host", false);
    let aggregate = flag(&args, "aggregate", true);
    let whose = per_host.then(|| host.host.clone());
    host.run.set_stats(whose, data, aggregate);
    let stats: Map = [
        ("data", Value::new(Kind::Map(data.clone()))),
        ("per_host", Value::from(per_host)),
        ("aggregate", Value::from(aggregate)),
    ]
    .into_iter()
    .collect();
    let result: Map = [
        ("changed", Value::from(false)),
        ("ansible_stats", Value::map(stats)),
    ]
    .into_iter()
    .collect();
    host.end(job, Judged::of_value(Value::map(result)))
}

/// What is there with what is new added: what has no sum is replaced.
pub fn added(old: &Value, new: &Value) -> Value {
    match (&old.kind, &new.kind) {
        (Kind::Map(a), Kind::Map(b)) => {
            let mut sum = Map::clone(a);
            for (key, value) in b.iter() {
                sum.insert(key.clone(), value.clone());
            }
            Value::map(sum)
        }
        (Kind::List(a), Kind::List(b)) => {
            let all = a.iter().chain(b.iter()).cloned();
            Value::new(Kind::List(Arc::new(all.collect())))
        }
        (Kind::Int(a), Kind::Int(b)) => Value::from(a.saturating_add(*b)),
        (Kind::Float(a), Kind::Float(b)) => Value::from(a + b),
        (Kind::Str(a), Kind::Str(b)) => Value::str(format!("{}{}", a.text, b.text)),
        _ => new.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::python_literal;

    #[test]
    fn figures_add_up() {
        let sum = |a: &str, b: &str| {
            let (a, b) = (python_literal(a).unwrap(), python_literal(b).unwrap());
            added(&a, &b).repr()
        };
        assert_eq!(sum("1", "2"), "3");
        assert_eq!(sum("[1]", "[2]"), "[1, 2]");
        assert_eq!(sum("'a'", "'b'"), "'ab'");
        assert_eq!(sum("{'a': 1}", "{'b': 2}"), "{'a': 1, 'b': 2}");
        assert_eq!(sum("1", "'b'"), "'b'");
    }
}
