//! `postgresql_ping`: whether a PostgreSQL server answers.

use super::Module;
use super::common::postgresql::{Login, Session};
use crate::args::With;
use crate::diag::Result;
use crate::sys::{Known, Outcome, View};
use crate::value::unknown_json;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

/// Tells whether a PostgreSQL server answers, and its version.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// Database to connect to. Alias: db
    #[serde(default, alias = "db")]
    login_db: String,
}

type Args = With<Own, Login>;

/// The module.
pub struct PostgresqlPing;

impl Module for PostgresqlPing {
    const NAME: &'static str = "postgresql_ping";
    const FQCN: &'static str = "community.postgresql.postgresql_ping";
    const ALIASES: &'static [&'static str] = &["community.general.postgresql_ping"];
    type Args = Args;

    fn result(args: &Args, view: &dyn View, _: &[Outcome]) -> Result<Json> {
        args.shared.check(&[])?;
        let session = Session::of(&args.shared, &args.login_db, view)?;
        match session.row("SELECT pg_catalog.version() AS version") {
            Err(diag) if diag.code == "no-connection" => {
                let said = diag.message.split_once(": ").map_or("", |(_, said)| said);
                let warning = format!("PostgreSQL server is unavailable: {said}");
                Ok(told(json!(false), json!({}), said, &[warning]))
            }
            Err(diag) => Err(diag),
            Ok(Known::Unknown) => {
                let unknown = |key: &str| unknown_json(&format!("{key} of a planned server"));
                Ok(told(
                    unknown("is_available"),
                    unknown("server_version"),
                    "",
                    &[],
                ))
            }
            Ok(Known::Known(row)) => {
                let version = version(row["version"].as_str().unwrap_or_default());
                Ok(told(json!(true), version, "", &[]))
            }
        }
    }
}

fn told(available: Json, version: Json, error: &str, warnings: &[String]) -> Json {
    let mut keys =
        json!({"is_available": available, "server_version": version, "conn_err_msg": error});
    if !warnings.is_empty() {
        keys["warnings"] = json!(warnings);
    }
    keys
}

/// `PostgreSQL 15.20 (Debian ...) on ...` in parts.
fn version(raw: &str) -> Json {
    let full = raw.split_whitespace().nth(1).unwrap_or_default();
    let mut keys = Map::new();
    for (name, number) in ["major", "minor", "patch"].into_iter().zip(full.split('.')) {
        let digits: String = number.chars().take_while(char::is_ascii_digit).collect();
        if let Ok(number) = digits.parse::<u32>() {
            keys.insert(name.to_owned(), json!(number));
        }
    }
    keys.insert("full".to_owned(), json!(full));
    keys.insert("raw".to_owned(), json!(raw));
    Json::Object(keys)
}
