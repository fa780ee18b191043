//! The conversions of ansible-core's option types, and what it says where one fails (observed:
//! ansible-core 2.19.14, `tests/compat/argspec`).

use crate::value::{Kind, Value};

const TRUE: [&str; 6] = ["1", "on", "t", "true", "y", "yes"];
const FALSE: [&str; 6] = ["0", "f", "false", "n", "no", "off"];

/// A value of the type called `kind`.
///
/// # Errors
/// Why it is none, in ansible-core's words.
pub(super) fn convert(kind: &str, value: &Value) -> Result<Value, String> {
    let of_class = |what: &str| Err(format!("{} cannot be converted to {what}", class(value)));
    match kind {
        "raw" => Ok(value.clone()),
        "str" | "path" => Ok(match value.as_str() {
            Some(_) => value.clone(),
            None => Value::str(value.to_text()).at(value.span),
        }),
        "bool" => match &value.kind {
            Kind::Bool(_) => Ok(value.clone()),
            Kind::Str(_) | Kind::Int(_) | Kind::Float(_) => boolean(value),
            _ => of_class("a bool"),
        },
        "int" => integer(value)
            .ok_or_else(|| format!("\"{}\" cannot be converted to an int", value.repr())),
        "float" => match float(value) {
            Some(number) => Ok(Value::from(number).at(value.span)),
            None => of_class("a float"),
        },
        "list" => match &value.kind {
            Kind::List(_) => Ok(value.clone()),
            Kind::Str(text) => Ok(Value::list(text.text.split(',').map(Value::str).collect())),
            Kind::Int(_) | Kind::Float(_) | Kind::Bool(_) => {
                Ok(Value::list(vec![Value::str(value.to_text())]))
            }
            _ => of_class("a list"),
        },
        "dict" => match &value.kind {
            Kind::Map(_) => Ok(value.clone()),
            Kind::Str(text) => dict(&text.text),
            _ => of_class("a dict"),
        },
        "json" | "jsonarg" => match &value.kind {
            Kind::Str(_) | Kind::List(_) | Kind::Map(_) => Ok(value.clone()),
            _ => of_class("a json string"),
        },
        "bytes" if is_amount(&value.to_text(), 'B') => Ok(value.clone()),
        "bytes" => of_class("a Byte value"),
        "bits" if is_amount(&value.to_text(), 'b') => Ok(value.clone()),
        "bits" => of_class("a Bit value"),
        _ => Err("'NoneType' object is not callable".to_owned()),
    }
}

/// How Python shows the class of a value.
fn class(value: &Value) -> String {
    format!("<class '{}'>", type_name(value))
}

/// Python's name of a value's type.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value.kind {
        Kind::Null => "NoneType",
        _ => value.type_name(),
    }
}

fn boolean(value: &Value) -> Result<Value, String> {
    let text = value.to_text().trim().to_ascii_lowercase();
    let is = |words: [&str; 6], number: f64| {
        words.contains(&text.as_str()) || text.parse::<f64>().is_ok_and(|n| n == number)
    };
    let truth = match (is(TRUE, 1.0), is(FALSE, 0.0)) {
        (true, _) => true,
        (_, true) => false,
        _ => {
            // ansible-core lists them in the order of a set, which differs from run to run.
            let words: Vec<String> = FALSE
                .iter()
                .chain(&TRUE)
                .map(|w| format!("'{w}'"))
                .collect();
            return Err(format!(
                "The value '{}' is not a valid boolean. Valid booleans include: 0, 1, {}",
                value.to_text(),
                words.join(", ")
            ));
        }
    };
    Ok(Value::from(truth).at(value.span))
}

fn integer(value: &Value) -> Option<Value> {
    let number = match &value.kind {
        Kind::Int(_) => return Some(value.clone()),
        Kind::Bool(truth) => i64::from(*truth),
        Kind::Float(_) | Kind::Str(_) => {
            let text = value.to_text();
            let text = text.trim();
            match text.parse::<i64>() {
                Ok(number) => number,
                Err(_) => {
                    let number = text.parse::<f64>().ok()?;
                    let whole = number.is_finite() && number.fract() == 0.0;
                    whole.then_some(number as i64)?
                }
            }
        }
        _ => return None,
    };
    Some(Value::from(number).at(value.span))
}

fn float(value: &Value) -> Option<f64> {
    match &value.kind {
        Kind::Int(_) | Kind::Float(_) | Kind::Bool(_) | Kind::Str(_) => {
            let text = match &value.kind {
                Kind::Bool(truth) => u8::from(*truth).to_string(),
                _ => value.to_text(),
            };
            text.trim().parse().ok()
        }
        _ => None,
    }
}

/// A dict from JSON, a Python literal or `k=v` text.
pub(super) fn dict(text: &str) -> Result<Value, String> {
    let trimmed = text.trim();
    if trimmed.starts_with('{') {
        let json = serde_json::from_str::<serde_json::Value>(trimmed);
        let literal = json.ok().map(|json| crate::value::from_json(&json));
        return literal
            .or_else(|| crate::value::python_literal(trimmed))
            .filter(|value| value.as_map().is_some())
            .ok_or_else(|| "unable to evaluate string as dictionary".to_owned());
    }
    if !trimmed.contains('=') {
        return Err("dictionary requested, could not parse JSON or key=value".to_owned());
    }
    let words = shell_words::split(&trimmed.replace(',', " ")).unwrap_or_default();
    let pairs = words.iter().filter_map(|word| word.split_once('='));
    Ok(Value::map(
        pairs.map(|(key, value)| (key, Value::str(value))).collect(),
    ))
}

/// `10M`, `1.5 GB`: a number with a unit whose last letter is `b` for bits and `B` for bytes.
fn is_amount(text: &str, last: char) -> bool {
    let text = text.trim();
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number = &text[..text.len() - unit.len()];
    let unit = unit.trim();
    let mut letters = unit.chars();
    let fits = match (letters.next(), letters.as_str()) {
        (None, _) => true,
        (Some(first), rest) if "YZEPTGMK".contains(first.to_ascii_uppercase()) => {
            rest.is_empty() || rest == last.to_string()
        }
        (Some(first), rest) => first.eq_ignore_ascii_case(&last) && rest.is_empty(),
    };
    number.parse::<f64>().is_ok() && fits
}

/// The choice that a boolean stands for, where exactly one of them means the same.
pub(super) fn choice_of_boolean(value: &Value, choices: &[Value]) -> Option<Value> {
    let words = match value.to_text().as_str() {
        "True" => TRUE,
        "False" => FALSE,
        _ => return None,
    };
    let same = |choice: &&Value| words.contains(&choice.to_text().as_str());
    let mut found = choices.iter().filter(same);
    match (found.next(), found.next()) {
        (Some(one), None) => Some(one.clone()),
        _ => None,
    }
}
