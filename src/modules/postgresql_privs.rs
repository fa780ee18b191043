//! `postgresql_privs`: privileges on what is in a PostgreSQL server.

mod catalog;
mod grant;

use super::Module;
use super::common::postgresql::{
    Fault, Login, Session, State, There, fingerprint, plain, refusal, sql,
};
use crate::args::With;
use crate::diag::{Diag, Result};
use crate::sys::{Known, Op, Outcome, View};
use catalog::Object;
use grant::Grant;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Grants and revokes privileges on objects of a PostgreSQL server, and membership in roles.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// Database to connect to. Aliases: db, database
    #[serde(alias = "db", alias = "database")]
    login_db: String,
    /// Whether the roles shall have the privileges.
    #[serde(default)]
    state: State,
    /// Privileges, separated by commas. Alias: priv
    #[serde(alias = "priv")]
    privs: Option<String>,
    /// Kind of the objects.
    #[serde(default, rename = "type")]
    kind: Object,
    /// Names of objects, separated by commas; `ALL_IN_SCHEMA` for all of a schema, `ALL_DEFAULT` for
    /// all kinds with `default_privs`. Arguments of functions are separated by colons. Alias: obj
    #[serde(alias = "obj")]
    objs: Option<String>,
    /// Schema that has the objects; `public` where absent, none with `not-specified`.
    schema: Option<String>,
    /// Roles, separated by commas; `PUBLIC` for all. Alias: role
    #[serde(alias = "role")]
    roles: String,
    /// Roles whose future objects `default_privs` is about.
    target_roles: Option<String>,
    /// Whether the roles may pass the privileges on. Alias: admin_option
    #[serde(alias = "admin_option")]
    grant_option: Option<bool>,
    /// Fail where one of the roles does not exist; otherwise it is left out.
    #[serde(default = "yes")]
    fail_on_role: bool,
}

fn yes() -> bool {
    true
}

type Args = With<Own, Login>;

/// The module.
pub struct PostgresqlPrivs;

impl Module for PostgresqlPrivs {
    const NAME: &'static str = "postgresql_privs";
    const FQCN: &'static str = "community.postgresql.postgresql_privs";
    const ALIASES: &'static [&'static str] = &["community.general.postgresql_privs"];
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let session = session(args, view)?;
        let Some(job) = Job::of(args, &session)? else {
            return Ok(Vec::new());
        };
        if job.is_planned(&session) || !job.changes(&session)? {
            return Ok(Vec::new());
        }
        let effect = session.effect("privs", &job.query, Some(&job.print));
        Ok(session.ops(&[plain(job.query)], true, vec![effect]))
    }

    fn explain(args: &Args, view: &dyn View, _: &[Op], _: bool) -> Result<Json> {
        let session = session(args, view)?;
        let mut warnings = Vec::new();
        let job = Job::warned(args, &session, &mut warnings)?;
        let mut keys = json!({"queries": job.iter().map(|job| &job.query).collect::<Vec<_>>()});
        if !warnings.is_empty() {
            keys["warnings"] = json!(warnings);
        }
        Ok(keys)
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        let session = session(args, view)?;
        let Some(fault) = session.failed(done)? else {
            return Ok(json!({}));
        };
        let query = Job::of(args, &session)?
            .map(|job| job.query)
            .unwrap_or_default();
        Err(refused(&query, &fault))
    }
}

fn session<'a>(args: &'a Args, view: &'a dyn View) -> Result<Session<'a>> {
    let names = [
        Some(&args.roles),
        args.target_roles.as_ref(),
        args.schema.as_ref(),
    ];
    args.shared
        .check(&names.map(|name| name.map(String::as_str)))?;
    Session::of(&args.shared, &args.login_db, view)
}

fn refused(query: &str, fault: &Fault) -> Box<Diag> {
    refusal(format!("Cannot execute SQL '{query}': {}", fault.text))
}

/// What is to be done, as far as the server had to be asked for it.
struct Job {
    query: String,
    /// Statement that reads all privileges that the query may change.
    status: String,
    /// Something that it needs is only planned: the server cannot try it.
    presumed: bool,
    /// Whether it changes something then: what nobody granted cannot be revoked.
    presumably: bool,
    print: String,
}

impl Job {
    fn of(args: &Args, session: &Session) -> Result<Option<Job>> {
        Job::warned(args, session, &mut Vec::new())
    }

    fn warned(args: &Args, session: &Session, warnings: &mut Vec<String>) -> Result<Option<Job>> {
        let mut grant = Grant::of(&args.own)?;
        let listed = catalog::objects(args.kind, grant.schema.as_deref());
        let listed = listed.filter(|_| grant.all);
        let found = session.row(&format!(
            "SELECT pg_catalog.current_setting('server_version_num')::int AS version, \
             ARRAY(SELECT rolname::text FROM pg_catalog.pg_roles WHERE rolname = ANY ({roles})) AS roles, \
             EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = {schema}) AS schema, \
             ARRAY({objects}) AS objects",
            roles = sql::array(&args.roles.split(',').collect::<Vec<_>>()),
            schema = sql::literal(grant.schema.as_deref().unwrap_or_default()),
            objects = listed.as_deref().unwrap_or("SELECT ''::text WHERE false"),
        ))?;
        let mut presumed = found.is_unknown();
        let found = found.presume(Json::Null);
        args.kind
            .check_version(found["version"].as_i64(), grant.all)?;
        if listed.is_some() && !presumed {
            if found["schema"] == json!(false) && grant.schema.is_some() {
                let schema = grant.schema.as_deref().unwrap_or_default();
                return Err(Diag::error(
                    "no-such-schema",
                    format!("Schema \"{schema}\" does not exist."),
                ));
            }
            let names = found["objects"].as_array().into_iter().flatten();
            grant.objects = names
                .filter_map(|name| name.as_str().map(str::to_owned))
                .collect();
        }
        let (roles, planned) = args.roles(&found, session, warnings)?;
        presumed |= planned || args.needs_planned(session);
        if args.target_roles.is_some() && args.kind != Object::DefaultPrivs {
            warnings.push(TARGETS.to_owned());
        }
        if roles.is_empty() {
            warnings.push("No valid roles provided, nothing to do".to_owned());
            return Ok(None);
        }
        if grant.objects.is_empty() && !presumed {
            return Ok(None);
        }
        Ok(Some(Job {
            query: grant.query(&args.own, &roles)?,
            status: catalog::status(args.kind, grant.schema.as_deref(), &grant.objects),
            presumed,
            presumably: args.state == State::Present
                || roles.iter().any(|role| !role.starts_with('"')),
            print: fingerprint(&args.own),
        }))
    }

    /// True where an earlier planned step does just this.
    fn is_planned(&self, session: &Session) -> bool {
        session.there("privs", &self.query, &self.print, Known::Unknown) == There::Done
    }

    /// Tries it in a transaction that is taken back: what a statement does to privileges depends on
    /// who owns what, on who granted what to whom, and on the version of the server.
    fn changes(&self, session: &Session) -> Result<bool> {
        if self.presumed {
            return Ok(self.presumably);
        }
        let mut script = session.script();
        script.ask("BEGIN");
        script.ask(&self.status);
        script.run(&self.query);
        script.ask(&self.status);
        script.ask("ROLLBACK");
        match session.ask(&script)? {
            Known::Unknown => Ok(self.presumably),
            Known::Known(Err(fault)) => Err(refused(&self.query, &fault)),
            Known::Known(Ok(text)) => {
                let mut lines = text.lines();
                Ok(lines.next() != lines.next())
            }
        }
    }
}

const TARGETS: &str = "\"target_roles\" will be ignored Argument \"type: default_privs\" is required for usage of \
     \"target_roles\".";

/// Names that stand for a role, and the first version of the server that knows them.
const IMPLICIT: [(&str, i64); 4] = [
    ("PUBLIC", 0),
    ("CURRENT_USER", 90_500),
    ("SESSION_USER", 90_500),
    ("CURRENT_ROLE", 140_000),
];

impl Own {
    /// The roles as SQL, and whether one of them is only planned.
    fn roles(
        &self,
        found: &Json,
        session: &Session,
        warnings: &mut Vec<String>,
    ) -> Result<(Vec<String>, bool)> {
        let version = found["version"].as_i64().unwrap_or(i64::MAX);
        let mut planned = false;
        let mut roles = Vec::new();
        for role in self.roles.split(',') {
            let upper = role.to_uppercase();
            if IMPLICIT
                .iter()
                .any(|(name, since)| *name == upper && version >= *since)
            {
                roles.push(upper);
                continue;
            }
            let there = match (session.planned("role", role), found["roles"].as_array()) {
                (Some(there), _) => {
                    planned = true;
                    there
                }
                (None, Some(names)) => names.contains(&json!(role)),
                (None, None) => true,
            };
            match there {
                true => roles.push(sql::name(role)),
                false if self.fail_on_role => {
                    let message = format!("Role '{role}' does not exist");
                    return Err(Diag::error("no-such-role", message).about("roles"));
                }
                false => warnings.push(format!("Role '{role}' does not exist, pass it")),
            }
        }
        Ok((roles, planned))
    }

    /// True where an object is only planned.
    fn needs_planned(&self, session: &Session) -> bool {
        let kind = match self.kind {
            Object::Database => "db",
            Object::Group => "role",
            Object::Schema => "schema",
            _ => {
                return self
                    .schema
                    .as_deref()
                    .is_some_and(|name| session.planned("schema", name).is_some());
            }
        };
        let objs = self.objs.as_deref().unwrap_or(&self.login_db);
        objs.split(',')
            .any(|name| session.planned(kind, name).is_some())
    }
}
