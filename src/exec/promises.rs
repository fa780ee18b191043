//! Results that are under way, as variables: a task that was begun before they came sees them when
//! its own result is judged.

use crate::value::{Kind, Value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How the reason of a placeholder begins.
const PENDING: &str = "\u{0}pending ";

/// The results of one host that came after a placeholder of theirs was made.
#[derive(Clone, Default)]
pub struct Promises(Arc<Mutex<HashMap<String, Value>>>);

/// Stands for the result of the task with this number ([`super::results::Unit::number`]).
pub fn placeholder(number: u64) -> Value {
    Value::unknown(format!("{PENDING}{number}"))
}

impl Promises {
    /// The result has come.
    pub fn keep(&self, number: u64, result: Value) {
        self.lock().insert(format!("{PENDING}{number}"), result);
    }

    /// The result that a placeholder stands for, once it has come; any other value as it is.
    pub fn look(&self, value: &Value) -> Value {
        let result = match &value.kind {
            Kind::Unknown(why) if why.starts_with(PENDING) => self.lock().get(&**why).cloned(),
            _ => None,
        };
        result.unwrap_or_else(|| value.clone())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Value>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_placeholder_becomes_its_result() {
        let promises = Promises::default();
        let (first, second) = (placeholder(1), placeholder(2));
        promises.keep(2, Value::from(3));
        assert_eq!(promises.look(&first), first);
        assert_eq!(promises.look(&second), Value::from(3));
        assert_eq!(promises.look(&Value::unknown("x")), Value::unknown("x"));
    }
}
