//! Numbers and sizes.

use super::Row;
use super::seeded::Seeded;
use crate::jinja::function::Call;
use crate::value::{Kind, Value};

pub const FILTERS: &[Row] = &[
    ("filesizeformat", filesizeformat),
    ("human_readable", human_readable),
    ("human_to_bytes", human_to_bytes),
    ("log", log),
    ("pow", pow),
    ("random", random),
    ("root", root),
];

fn number(value: &Value) -> Option<f64> {
    match &value.kind {
        Kind::Int(n) => Some(*n as f64),
        Kind::Float(f) => Some(*f),
        Kind::Bool(b) => Some(f64::from(u8::from(*b))),
        Kind::Str(text) => text.text.trim().replace('_', "").parse().ok(),
        _ => None,
    }
}

/// Python's name of a value's type.
fn type_name(value: &Value) -> &'static str {
    match value.kind {
        Kind::Null => "NoneType",
        _ => value.type_name(),
    }
}

/// A number, and no text that reads as one.
fn real(value: &Value, function: &str) -> Result<f64, String> {
    let found = match value.kind {
        Kind::Int(_) | Kind::Float(_) | Kind::Bool(_) => number(value),
        _ => None,
    };
    found.ok_or_else(|| {
        format!(
            "{function}() can only be used on numbers: must be real number, not {}",
            type_name(value)
        )
    })
}

fn log(call: &Call) -> Result<Value, String> {
    let x = real(call.subject()?, "log")?;
    let base = call
        .arg(1, "base")
        .map(|base| real(base, "log"))
        .transpose()?;
    if x <= 0.0 {
        return Err("math domain error".to_owned());
    }
    Ok(Value::from(match base {
        Some(10.0) => x.log10(),
        Some(base) => x.ln() / base.ln(),
        None => x.ln(),
    }))
}

fn pow(call: &Call) -> Result<Value, String> {
    let x = real(call.subject()?, "pow")?;
    let y = real(call.arg(1, "y").ok_or("pow needs an exponent")?, "pow")?;
    Ok(Value::from(x.powf(y)))
}

fn root(call: &Call) -> Result<Value, String> {
    let x = real(call.subject()?, "root")?;
    let base = match call.arg(1, "base") {
        None => 2.0,
        Some(base) => number(base).ok_or_else(|| {
            format!(
                "root() can only be used on numbers: could not convert string to float: {}",
                base.repr()
            )
        })?,
    };
    Ok(Value::from(if base == 2.0 {
        x.sqrt()
    } else {
        x.powf(1.0 / base)
    }))
}

const UNITS: [(&str, f64); 9] = [
    ("Y", 1.208_925_819_614_629_2e24),
    ("Z", 1.180_591_620_717_411_3e21),
    ("E", 1_152_921_504_606_846_976.0),
    ("P", 1_125_899_906_842_624.0),
    ("T", 1_099_511_627_776.0),
    ("G", 1_073_741_824.0),
    ("M", 1_048_576.0),
    ("K", 1024.0),
    ("B", 1.0),
];

fn human_readable(call: &Call) -> Result<Value, String> {
    let given = call.subject()?;
    let size = match given.kind {
        Kind::Int(_) | Kind::Float(_) | Kind::Bool(_) => number(given).unwrap_or_default(),
        _ => {
            return Err(format!(
                "human_readable() failed on bad input: '>=' not supported between instances of \
                 '{}' and 'int'",
                type_name(given)
            ));
        }
    };
    let bits = call.flag(1, "isbits", false);
    let unit = call.text(2, "unit");
    let base = if bits { "bits" } else { "Bytes" };
    let found = UNITS.iter().find(|(name, limit)| match &unit {
        Some(unit) => unit.to_uppercase().starts_with(name),
        None => size >= *limit,
    });
    let (name, limit) = found.copied().unwrap_or(("B", 1.0));
    let suffix = if name == "B" {
        base.to_owned()
    } else if bits {
        format!("{name}b")
    } else {
        format!("{name}B")
    };
    Ok(Value::str(format!("{:.2} {suffix}", size / limit)))
}

fn human_to_bytes(call: &Call) -> Result<Value, String> {
    let text = call.subject()?.to_text();
    let text = text.trim();
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let bad = || format!("human_to_bytes() can't interpret following string: {text}");
    let n: f64 = digits.parse().map_err(|_| bad())?;
    let unit = match unit.trim() {
        "" => call.text(1, "default_unit").unwrap_or_default(),
        unit => unit.to_owned(),
    };
    let factor = match unit.chars().next().map(|c| c.to_ascii_uppercase()) {
        None => 1.0,
        Some(c) => UNITS
            .iter()
            .find(|(name, _)| name.starts_with(c))
            .map(|(_, f)| *f)
            .ok_or_else(bad)?,
    };
    Ok(Value::from((n * factor).round() as i64))
}

fn filesizeformat(call: &Call) -> Result<Value, String> {
    let bytes = number(call.subject()?).ok_or("not a number")?;
    let binary = call.flag(1, "binary", false);
    let base: f64 = if binary { 1024.0 } else { 1000.0 };
    if bytes == 1.0 {
        return Ok(Value::str("1 Byte"));
    }
    if bytes < base {
        return Ok(Value::str(format!("{bytes} Bytes")));
    }
    let names = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
    let mut unit = base;
    for (i, name) in names.iter().enumerate() {
        unit *= base;
        if bytes < unit || i + 1 == names.len() {
            let name = if binary {
                format!("{}iB", name.to_uppercase())
            } else {
                format!("{name}B")
            };
            return Ok(Value::str(format!("{:.1} {name}", base * bytes / unit)));
        }
    }
    Ok(Value::null())
}

/// `random`: of a number below it, of a list one of its items. With a seed the choice is stable
/// from run to run (not the one that Python makes).
fn random(call: &Call) -> Result<Value, String> {
    let value = call.subject()?;
    let seed = call.kwargs.get("seed").filter(|seed| !seed.is_null());
    let below = |n: u64| -> u64 {
        match seed {
            Some(seed) => Seeded::new(seed).below(n),
            None => rand::random::<u64>() % n.max(1),
        }
    };
    let bounded = call
        .arg(1, "start")
        .or(call.arg(2, "step"))
        .is_some_and(|v| !v.is_null());
    match &value.kind {
        Kind::List(_) if bounded => {
            Err("start and step can only be used with integer values".to_owned())
        }
        Kind::Int(end) => {
            let start = call.int(1, "start").unwrap_or(0);
            let step = call.int(2, "step").unwrap_or(1).max(1);
            let choices = (end - start + step - 1) / step;
            if choices <= 0 {
                return Err("empty range for randrange()".to_owned());
            }
            Ok(Value::from(start + below(choices as u64) as i64 * step))
        }
        Kind::List(items) if items.is_empty() => Err("random: the list is empty".to_owned()),
        Kind::List(items) => Ok(items[below(items.len() as u64) as usize].clone()),
        _ => Err("random can only be used on sequences and integers".to_owned()),
    }
}
