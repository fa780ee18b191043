//! Loose arguments, strict types.
//!
//! After rendering, arguments are strings as often as not. [`check`] turns an argument dict into a
//! module's typed `Args` with Ansible's conversions, keeps the place of every value for errors and
//! proposes the nearest option for an unknown one. What comes out is plain JSON that the agent
//! reads back with [`read`].

mod de;
mod fields;
pub mod kinds;
mod with;
mod words;

pub use de::from_value;
pub use fields::{fields, takes_any};
pub use kinds::{Csv, Mode, Raw};
pub use with::With;
pub use words::complete;

use crate::diag::{Diag, Result, SourceMap};
use crate::value::Value;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

/// Checks an argument dict against `T` and returns it typed.
///
/// `module` is named in messages. Values of `None` count as absent (Ansible's rule for `omit` and
/// empty options).
///
/// # Errors
/// `unknown-option`, `missing-option`, `wrong-type`, each at the place of the key or value.
pub fn check<T: DeserializeOwned>(module: &str, args: &Value, sources: &SourceMap) -> Result<T> {
    let known = fields::<T>();
    if let Some(map) = args.as_map()
        && !takes_any::<T>()
    {
        for (key, _) in map {
            let name = key.to_value().to_text();
            if !known.contains(&name.as_str()) {
                let mut diag = unknown(module, &name, &known).at(key.span, "no such option");
                // Results speak of a wrong value first.
                if let Err(wrong) = from_value::<T>(args, sources) {
                    diag.data = wrong.data;
                }
                return Err(diag);
            }
        }
    }
    from_value(args, sources).map_err(|e| e.at_if_none(args.span))
}

/// The error for an option that a module does not have.
pub fn unknown(module: &str, name: &str, known: &[&'static str]) -> Box<Diag> {
    let diag = Diag::error(
        "unknown-option",
        format!("unknown option `{name}` of `{module}`"),
    )
    .did_you_mean(name, known.iter().copied());
    if diag.help.is_some() {
        return diag;
    }
    diag.help(format!("its options are: {}", known.join(", ")))
}

/// Typed arguments as JSON for the wire.
pub fn to_json<T: Serialize>(args: &T) -> Result<Json> {
    serde_json::to_value(args).map_err(|e| Diag::error("args", format!("cannot encode: {e}")))
}

/// Typed arguments from the wire.
pub fn read<T: DeserializeOwned>(json: &Json) -> Result<T> {
    de::from_wire(json).map_err(|e| Diag::error("args", format!("cannot decode: {}", e.message)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::Map;
    use serde::Deserialize;

    #[derive(Debug, Serialize, Deserialize)]
    struct Own {
        #[serde(default)]
        cacheable: bool,
    }

    #[test]
    fn raw_beside_a_struct_takes_any_option() {
        assert!(!takes_any::<Own>());
        assert!(takes_any::<With<Own, Raw>>());
        let map: Map = [("cacheable", Value::str("yes")), ("x", Value::from(1))]
            .into_iter()
            .collect();
        let args = Value::map(map);
        let sources = SourceMap::default();
        let read = check::<With<Own, Raw>>("set_fact", &args, &sources).unwrap();
        assert!(read.own.cacheable);
        assert_eq!(read.shared.0["x"], 1);
        assert_eq!(
            check::<Own>("x", &args, &sources).unwrap_err().code,
            "unknown-option"
        );
    }
}
