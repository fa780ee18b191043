//! `serial`: how many hosts at a time.

use crate::diag::{Diag, Result};
use crate::value::{Kind, Value};

/// Sizes of the batches for a number of hosts; the last entry of a list is repeated.
///
/// # Errors
/// `bad-serial`.
pub fn batches(serial: &Value, hosts: usize) -> Result<Vec<usize>> {
    let entries = match &serial.kind {
        Kind::List(items) => items.to_vec(),
        _ => vec![serial.clone()],
    };
    let sizes: Vec<usize> = entries
        .iter()
        .map(|entry| size(entry, hosts))
        .collect::<Result<_>>()?;
    let mut left = hosts;
    let mut batches = Vec::new();
    let mut index = 0;
    while left > 0 {
        let wanted = sizes.get(index).or(sizes.last()).copied().unwrap_or(hosts);
        let batch = if wanted == 0 { left } else { wanted.min(left) };
        batches.push(batch);
        left -= batch;
        index += 1;
    }
    Ok(batches)
}

fn size(entry: &Value, hosts: usize) -> Result<usize> {
    let text = entry.to_text();
    let bad = || {
        Diag::error(
            "bad-serial",
            format!("serial: {text:?} is neither a number nor a percentage"),
        )
        .at(entry.span, "")
    };
    match text.trim().strip_suffix('%') {
        Some(percent) => {
            let percent: f64 = percent.trim().parse().map_err(|_| bad())?;
            Ok(((hosts as f64 * percent / 100.0) as usize).max(1))
        }
        None => {
            let n: i64 = text.trim().parse().map_err(|_| bad())?;
            Ok(usize::try_from(n).unwrap_or(0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::batches;
    use crate::value::Value;

    #[test]
    fn batches_as_ansible() {
        let list = |items: &[&str]| Value::list(items.iter().map(|i| Value::str(*i)).collect());
        assert_eq!(batches(&Value::from(2), 5).unwrap(), [2, 2, 1]);
        assert_eq!(batches(&Value::from(0), 5).unwrap(), [5]);
        assert_eq!(batches(&Value::str("30%"), 10).unwrap(), [3, 3, 3, 1]);
        assert_eq!(batches(&list(&["1", "50%"]), 6).unwrap(), [1, 3, 2]);
        assert!(batches(&Value::str("x"), 3).is_err());
    }
}
