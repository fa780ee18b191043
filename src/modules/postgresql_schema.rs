//! `postgresql_schema`: schemas of a database.

use super::Module;
use super::common::postgresql::{
    Login, Session, State, Statement, There, fingerprint, plain, refusal, sql, told,
};
use crate::args::With;
use crate::diag::Result;
use crate::sys::{Known, Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Creates, changes and removes schemas of a PostgreSQL database.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// The schema. Alias: name
    #[serde(alias = "name")]
    schema: String,
    /// Role that owns it.
    #[serde(default)]
    owner: String,
    /// Database that has it. Aliases: db, database
    #[serde(default = "postgres", alias = "db", alias = "database")]
    login_db: String,
    /// Remove what is in it too.
    #[serde(default)]
    cascade_drop: bool,
    /// Whether there shall be the schema.
    #[serde(default)]
    state: State,
    /// Comment on it; none with an empty text.
    comment: Option<String>,
}

fn postgres() -> String {
    "postgres".to_owned()
}

type Args = With<Own, Login>;

/// The module.
pub struct PostgresqlSchema;

impl Module for PostgresqlSchema {
    const NAME: &'static str = "postgresql_schema";
    const FQCN: &'static str = "community.postgresql.postgresql_schema";
    const ALIASES: &'static [&'static str] = &["community.general.postgresql_schema"];
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let session = session(args, view)?;
        let statements = args.statements(&session)?;
        let print = fingerprint(&args.own);
        let print = (args.state == State::Present).then_some(print.as_str());
        let effect = session.effect("schema", &args.schema, print);
        Ok(session.ops(&statements, false, vec![effect]))
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        let mut keys = json!({"schema": args.schema});
        if view.is_check() {
            return Ok(keys);
        }
        keys["queries"] = match planned.is_empty() {
            true => json!([]),
            false => told(&args.statements(&session(args, view)?)?),
        };
        Ok(keys)
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        match session(args, view)?.failed(done)? {
            None => Ok(json!({})),
            Some(fault) => Err(refusal(format!("Database query failed: {}", fault.text))),
        }
    }
}

fn session<'a>(args: &'a Args, view: &'a dyn View) -> Result<Session<'a>> {
    let texts = [
        Some(args.schema.as_str()),
        Some(args.owner.as_str()),
        args.comment.as_deref(),
    ];
    args.shared.check(&texts)?;
    Session::of(&args.shared, &args.login_db, view)
}

impl Own {
    /// Statements, each also as results show it.
    fn statements(&self, session: &Session) -> Result<Vec<Statement>> {
        let name = sql::name(&self.schema);
        let found = self.look(session)?;
        let none = found == There::No;
        let now = match found {
            There::Done if self.state == State::Present => return Ok(Vec::new()),
            There::Is(now) => now,
            _ => json!({}),
        };
        let mut statements = Vec::new();
        if self.state == State::Absent {
            let end = if self.cascade_drop { " CASCADE" } else { "" };
            statements.extend((!none).then(|| plain(format!("DROP SCHEMA {name}{end}"))));
            return Ok(statements);
        }
        let owner = sql::name(&self.owner);
        match self.owner.is_empty() {
            true if none => statements.push(plain(format!("CREATE SCHEMA {name}"))),
            false if none => {
                statements.push(plain(format!("CREATE SCHEMA {name} AUTHORIZATION {owner}")))
            }
            false if now["owner"] != json!(self.owner) => {
                statements.push(plain(format!("ALTER SCHEMA {name} OWNER TO {owner}")));
            }
            _ => {}
        }
        if let Some(comment) = &self.comment
            && (none || comment != now["comment"].as_str().unwrap_or_default())
        {
            let about = format!("COMMENT ON SCHEMA {name} IS");
            let form = |value: String| format!("{about} {value}");
            statements.push((form(sql::literal(comment)), form(sql::shown(comment))));
        }
        Ok(statements)
    }

    fn look(&self, session: &Session) -> Result<There> {
        let read = match session.planned("schema", &self.schema) {
            Some(_) => Known::Unknown,
            None => session.row(&format!(
                "SELECT pg_catalog.pg_get_userbyid(nspowner) AS owner, \
                 pg_catalog.obj_description(oid, 'pg_namespace') AS comment \
                 FROM pg_catalog.pg_namespace WHERE nspname = {}",
                sql::literal(&self.schema)
            ))?,
        };
        Ok(session.there("schema", &self.schema, &fingerprint(self), read))
    }
}
