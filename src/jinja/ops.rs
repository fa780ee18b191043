//! Python's operators.

use super::container::{no_attribute, to_key};
use super::ir::Op;
use super::methods;
use super::obj::{O, Obj};
use super::stop::{Res, Stop};
use std::cmp::Ordering;

/// Applies an operator.
pub fn binary(op: Op, a: &Obj, b: &Obj) -> Res<Obj> {
    a.use_it()?;
    b.use_it()?;
    Ok(match op {
        Op::Eq => equal(a, b)?.into(),
        Op::Ne => (!equal(a, b)?).into(),
        Op::Lt => (compare(a, b, "<")? == Some(Ordering::Less)).into(),
        Op::Le => matches!(compare(a, b, "<=")?, Some(Ordering::Less | Ordering::Equal)).into(),
        Op::Gt => (compare(a, b, ">")? == Some(Ordering::Greater)).into(),
        Op::Ge => matches!(
            compare(a, b, ">=")?,
            Some(Ordering::Greater | Ordering::Equal)
        )
        .into(),
        Op::In => contains(b, a)?.into(),
        Op::NotIn => (!contains(b, a)?).into(),
        Op::Concat => (a.text()? + &b.text()?).into(),
        Op::Add => add(a, b)?,
        Op::Mul => mul(a, b)?,
        Op::Rem if a.as_str().is_some() => super::format::percent(a, b)?,
        Op::Sub if matches!(a.kind, O::Native(_)) => date_arith(a, b, true)?,
        Op::Sub | Op::Div | Op::FloorDiv | Op::Rem | Op::Pow => arithmetic(op, a, b)?,
    })
}

fn symbol(op: Op) -> &'static str {
    match op {
        Op::Sub => "-",
        Op::Div => "/",
        Op::FloorDiv => "//",
        Op::Rem => "%",
        Op::Pow => "** or pow()",
        Op::Mul => "*",
        _ => "+",
    }
}

fn unsupported(op: Op, a: &Obj, b: &Obj) -> Stop {
    Stop::fail(format!(
        "unsupported operand type(s) for {}: '{}' and '{}'",
        symbol(op),
        a.type_name(),
        b.type_name()
    ))
}

fn date_arith(a: &Obj, b: &Obj, minus: bool) -> Res<Obj> {
    let op = if minus { Op::Sub } else { Op::Add };
    match &a.kind {
        O::Native(native) => native.arith(minus, b).ok_or_else(|| unsupported(op, a, b)),
        _ => Err(unsupported(op, a, b)),
    }
}

fn add(a: &Obj, b: &Obj) -> Res<Obj> {
    match (&a.kind, &b.kind) {
        (O::Str(x), O::Str(y)) => Ok(format!("{x}{y}").into()),
        (O::List(x), O::List(y)) => Ok([x.items()?, y.items()?].concat().into()),
        (O::Tuple(x), O::Tuple(y)) => Ok(Obj::tuple([x.items()?, y.items()?].concat())),
        (O::Str(_) | O::List(_) | O::Tuple(_), _) => Err(Stop::fail(format!(
            "can only concatenate {0} (not \"{1}\") to {0}",
            a.type_name(),
            b.type_name()
        ))),
        (O::Native(_), _) => date_arith(a, b, false),
        _ => arithmetic(Op::Add, a, b),
    }
}

fn mul(a: &Obj, b: &Obj) -> Res<Obj> {
    let times = |n: i64| usize::try_from(n).unwrap_or(0);
    match (&a.kind, &b.kind) {
        (O::Str(s), O::Int(n)) | (O::Int(n), O::Str(s)) => {
            repeated(s.len(), *n).map(|()| s.repeat(times(*n)).into())
        }
        (O::Str(s), O::Bool(n)) | (O::Bool(n), O::Str(s)) => Ok(s.repeat(usize::from(*n)).into()),
        (O::List(l), O::Int(n)) | (O::Int(n), O::List(l)) => {
            repeated(l.len(), *n)?;
            Ok(cycled(&l.items()?, times(*n)).into())
        }
        (O::Tuple(l), O::Int(n)) | (O::Int(n), O::Tuple(l)) => {
            repeated(l.len(), *n)?;
            Ok(Obj::tuple(cycled(&l.items()?, times(*n))))
        }
        _ => arithmetic(Op::Mul, a, b),
    }
}

fn cycled(items: &[Obj], times: usize) -> Vec<Obj> {
    (0..times).flat_map(|_| items.iter().cloned()).collect()
}

/// Refuses to build what would not fit into memory.
fn repeated(len: usize, times: i64) -> Res<()> {
    let total = (len as i128) * i128::from(times);
    if total > 1 << 30 {
        return Err(Stop::fail("the repeated value is larger than 1 GiB"));
    }
    Ok(())
}

/// Integers of more than 64 bits do not fit into a variable; they become floats.
fn int(value: i128) -> Obj {
    match i64::try_from(value) {
        Ok(n) => n.into(),
        Err(_) => (value as f64).into(),
    }
}

fn arithmetic(op: Op, a: &Obj, b: &Obj) -> Res<Obj> {
    let (Some(x), Some(y)) = (a.as_number(), b.as_number()) else {
        return Err(unsupported(op, a, b));
    };
    let both_int = !matches!(a.kind, O::Float(_)) && !matches!(b.kind, O::Float(_));
    if matches!(op, Op::Div | Op::FloorDiv | Op::Rem) && y == 0.0 {
        let text = match (op, both_int) {
            (Op::Div, true) => "division by zero",
            (Op::Div, false) => "float division by zero",
            (_, true) => "integer division or modulo by zero",
            (_, false) => "float modulo",
        };
        return Err(Stop::fail(text));
    }
    if both_int {
        let (i, j) = (i128::from(a.int()?), i128::from(b.int()?));
        match op {
            Op::Add => return Ok(int(i + j)),
            Op::Sub => return Ok(int(i - j)),
            Op::Mul => return Ok(int(i * j)),
            Op::FloorDiv => {
                return Ok(int(
                    i.div_euclid(j) - i128::from(j < 0 && i.rem_euclid(j) != 0)
                ));
            }
            Op::Rem => {
                let rest = i.rem_euclid(j.abs());
                return Ok(int(if j < 0 && rest != 0 { rest + j } else { rest }));
            }
            Op::Pow if j >= 0 => {
                return Ok(u32::try_from(j)
                    .ok()
                    .and_then(|j| i.checked_pow(j))
                    .map_or_else(|| x.powf(y).into(), int));
            }
            _ => {}
        }
    }
    Ok(match op {
        Op::Add => x + y,
        Op::Sub => x - y,
        Op::Mul => x * y,
        Op::Div => x / y,
        Op::FloorDiv => (x / y).floor(),
        Op::Rem => x - y * (x / y).floor(),
        _ => x.powf(y),
    }
    .into())
}

/// The negative of a number.
pub fn negate(a: &Obj) -> Res<Obj> {
    match a.use_it()?.kind {
        O::Int(n) => Ok(int(-i128::from(n))),
        O::Bool(b) => Ok((-i64::from(b)).into()),
        O::Float(f) => Ok((-f).into()),
        _ => Err(Stop::fail(format!(
            "bad operand type for unary -: '{}'",
            a.type_name()
        ))),
    }
}

/// Python's `==`; stops where it depends on an unknown or undefined part.
pub fn equal(a: &Obj, b: &Obj) -> Res<bool> {
    Ok(match (&a.use_it()?.kind, &b.use_it()?.kind) {
        (O::Str(x), O::Str(y)) => x == y,
        (O::Bytes(x), O::Bytes(y)) => x == y,
        (O::None, O::None) | (O::Omit, O::Omit) => true,
        (O::List(x), O::List(y)) | (O::Tuple(x), O::Tuple(y)) => {
            if x.len() != y.len() {
                return Ok(false);
            }
            for (i, j) in x.items()?.iter().zip(&y.items()?) {
                if !equal(i, j)? {
                    return Ok(false);
                }
            }
            true
        }
        (O::Dict(x), O::Dict(y)) => {
            if x.len() != y.len() {
                return Ok(false);
            }
            for (key, value) in x.pairs()? {
                match y.get(&key)? {
                    Some(other) if equal(&value, &other)? => {}
                    _ => return Ok(false),
                }
            }
            true
        }
        (O::Int(x), O::Int(y)) => x == y,
        (O::Native(x), O::Native(y)) => match (x.seconds(), y.seconds()) {
            (Some(x), Some(y)) => x == y,
            _ => std::rc::Rc::ptr_eq(x, y),
        },
        _ => match (a.as_number(), b.as_number()) {
            (Some(x), Some(y)) => x == y,
            _ => false,
        },
    })
}

/// Python's order; `None` for NaN.
pub fn compare(a: &Obj, b: &Obj, op: &str) -> Res<Option<Ordering>> {
    match (&a.use_it()?.kind, &b.use_it()?.kind) {
        (O::Str(x), O::Str(y)) => Ok(Some(x.cmp(y))),
        (O::Int(x), O::Int(y)) => Ok(Some(x.cmp(y))),
        (O::List(x), O::List(y)) | (O::Tuple(x), O::Tuple(y)) => {
            let (x, y) = (x.items()?, y.items()?);
            for (i, j) in x.iter().zip(&y) {
                if !equal(i, j)? {
                    return compare(i, j, op);
                }
            }
            Ok(Some(x.len().cmp(&y.len())))
        }
        (O::Native(x), O::Native(y)) if x.seconds().is_some() => match (x.seconds(), y.seconds()) {
            (Some(x), Some(y)) => Ok(x.partial_cmp(&y)),
            _ => Ok(None),
        },
        _ => match (a.as_number(), b.as_number()) {
            (Some(x), Some(y)) => Ok(x.partial_cmp(&y)),
            _ => Err(Stop::fail(format!(
                "'{op}' not supported between instances of '{}' and '{}'",
                a.type_name(),
                b.type_name()
            ))),
        },
    }
}

/// Python's `in`.
pub fn contains(container: &Obj, item: &Obj) -> Res<bool> {
    match &container.use_it()?.kind {
        O::Str(text) => match &item.use_it()?.kind {
            O::Str(part) => Ok(text.contains(part.as_ref())),
            _ => Err(Stop::fail(format!(
                "'in <string>' requires string as left operand, not {}",
                item.type_name()
            ))),
        },
        O::Dict(dict) => Ok(dict.has(&to_key(item)?)),
        O::None | O::Bool(_) | O::Int(_) | O::Float(_) => Err(Stop::fail(format!(
            "argument of type '{}' is not iterable",
            container.type_name()
        ))),
        _ => {
            // A known match decides; only otherwise do unknown items matter.
            let mut doubt = None;
            for other in container.items()? {
                match equal(item, &other) {
                    Ok(true) => return Ok(true),
                    Ok(false) => {}
                    Err(stop) => doubt = doubt.or(Some(stop)),
                }
            }
            doubt.map_or(Ok(false), Err)
        }
    }
}

/// `a.name`: attribute, then item.
pub fn attribute(a: &Obj, name: &std::sync::Arc<str>) -> Res<Obj> {
    match &a.kind {
        O::Undefined(_) => return Ok(a.clone()),
        O::Unknown(why, _) => return Ok(O::Unknown(why.clone(), false).into()),
        O::Native(native) => {
            if let Some(found) = native.attr(name)? {
                return Ok(found);
            }
        }
        O::Dict(dict) => {
            if methods::has(a, name) {
                return Ok(methods::bound(a, name));
            }
            if let Some(found) = dict.get_str(name)? {
                return Ok(found);
            }
        }
        _ if methods::has(a, name) => return Ok(methods::bound(a, name)),
        _ => {}
    }
    no_attribute(a, &Obj::from(O::Str(name.clone())))
}

/// `a[key]`: item, then attribute.
pub fn item(a: &Obj, key: &Obj) -> Res<Obj> {
    match &a.kind {
        O::Undefined(_) => return Ok(a.clone()),
        O::Unknown(why, _) => return Ok(O::Unknown(why.clone(), false).into()),
        _ => {}
    }
    key.use_it()?;
    let found = match (&a.kind, &key.kind) {
        (O::Dict(dict), _) => dict.get(&to_key(key)?)?,
        (O::List(list) | O::Tuple(list), O::Int(_) | O::Bool(_)) => {
            match index(key.int()?, list.len()) {
                Some(i) => list.get(i)?,
                None => None,
            }
        }
        (O::Str(text), O::Int(n)) => index(*n, text.chars().count())
            .and_then(|i| text.chars().nth(i))
            .map(|c| c.to_string().into()),
        (O::Native(_), O::Int(n)) => {
            let items = a.items().unwrap_or_default();
            index(*n, items.len()).map(|i| items[i].clone())
        }
        _ => None,
    };
    if let Some(found) = found {
        return Ok(found);
    }
    if let O::Str(name) = &key.kind {
        if let O::Native(native) = &a.kind
            && let Some(found) = native.attr(name)?
        {
            return Ok(found);
        }
        if methods::has(a, name) {
            return Ok(methods::bound(a, name));
        }
    }
    no_attribute(a, key)
}

/// A Python index as a position.
pub fn index(n: i64, len: usize) -> Option<usize> {
    let n = if n < 0 { n + len as i64 } else { n };
    usize::try_from(n).ok().filter(|i| *i < len)
}

/// `a[start:stop:step]`.
pub fn slice(a: &Obj, bounds: [Option<i64>; 3]) -> Res<Obj> {
    match &a.use_it()?.kind {
        O::Str(text) => {
            let chars: Vec<char> = text.chars().collect();
            let picked: String = pick(chars.len(), bounds)?
                .into_iter()
                .map(|i| chars[i])
                .collect();
            Ok(picked.into())
        }
        O::List(_) | O::Tuple(_) | O::Native(_) => {
            let items = a.items()?;
            let picked = pick(items.len(), bounds)?
                .into_iter()
                .map(|i| items[i].clone())
                .collect();
            Ok(match &a.kind {
                O::Tuple(_) => Obj::tuple(picked),
                _ => Obj::from(picked),
            })
        }
        _ => Err(Stop::fail(format!(
            "'{}' object is not subscriptable",
            a.type_name()
        ))),
    }
}

fn pick(len: usize, [start, stop, step]: [Option<i64>; 3]) -> Res<Vec<usize>> {
    let len = len as i64;
    let step = step.unwrap_or(1);
    if step == 0 {
        return Err(Stop::fail("slice step cannot be zero"));
    }
    let (low, high) = if step > 0 { (0, len) } else { (-1, len - 1) };
    let bound = |n: i64| (if n < 0 { n.saturating_add(len) } else { n }).clamp(low, high);
    let mut at = start.map_or(if step > 0 { low } else { high }, bound);
    let stop = stop.map_or(if step > 0 { high } else { low }, bound);
    let mut picked = Vec::new();
    while (step > 0 && at < stop) || (step < 0 && at > stop) {
        picked.push(at as usize);
        at = at.saturating_add(step);
    }
    Ok(picked)
}
