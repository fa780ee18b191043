//! `postgresql_ext`: extensions of a database.

use super::Module;
use super::common::postgresql::{
    Login, Session, State, Statement, There, fingerprint, plain, refusal, sql, told,
};
use crate::args::With;
use crate::diag::{Diag, Result};
use crate::sys::{Known, Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Installs, updates and removes extensions of a PostgreSQL database.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// The extension. Alias: name
    #[serde(alias = "name")]
    ext: String,
    /// Database that has it. Alias: db
    #[serde(alias = "db")]
    login_db: String,
    /// Schema for its objects.
    schema: Option<String>,
    /// Whether there shall be the extension.
    #[serde(default)]
    state: State,
    /// Install what it needs too, or remove what needs it.
    #[serde(default)]
    cascade: bool,
    /// Its version; `latest` updates it.
    version: Option<String>,
    /// Comment on it; none with an empty text.
    comment: Option<String>,
}

type Args = With<Own, Login>;

/// The module.
pub struct PostgresqlExt;

impl Module for PostgresqlExt {
    const NAME: &'static str = "postgresql_ext";
    const FQCN: &'static str = "community.postgresql.postgresql_ext";
    const ALIASES: &'static [&'static str] = &["community.general.postgresql_ext"];
    type Args = Args;

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        let session = session(args, view)?;
        let statements = args.job(&session)?.statements;
        let print = fingerprint(&args.own);
        let print = (args.state == State::Present).then_some(print.as_str());
        let effect = session.effect(&args.kind(), &args.ext, print);
        Ok(session.ops(&statements, false, vec![effect]))
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        let job = args.job(&session(args, view)?)?;
        let version = match planned.is_empty() {
            true => &job.before,
            false => &job.after,
        };
        let mut keys = json!({
            "db": args.login_db, "ext": args.ext, "prev_version": job.before, "version": version,
            "queries": told(&job.statements),
        });
        if args.version.is_some() && args.state == State::Absent {
            keys["warnings"] = json!(["Parameter version is ignored when state=absent"]);
        }
        Ok(keys)
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        match session(args, view)?.failed(done)? {
            None => Ok(json!({})),
            Some(fault) => {
                let message = format!("Management of PostgreSQL extension failed: {}", fault.text);
                Err(refusal(message))
            }
        }
    }
}

fn session<'a>(args: &'a Args, view: &'a dyn View) -> Result<Session<'a>> {
    let texts = [
        Some(&args.ext),
        args.schema.as_ref(),
        args.version.as_ref(),
        args.comment.as_ref(),
    ];
    args.shared
        .check(&texts.map(|text| text.map(String::as_str)))?;
    Session::of(&args.shared, &args.login_db, view)
}

/// What is to be done.
struct Job {
    /// Statements, each also as results show it.
    statements: Vec<Statement>,
    /// The version before; empty without the extension.
    before: String,
    /// The version afterwards.
    after: String,
}

fn wrong(message: String) -> Box<Diag> {
    Diag::error("no-such-extension", message)
}

impl Own {
    fn kind(&self) -> String {
        format!("ext:{}", self.login_db)
    }

    fn wanted(&self) -> Option<&str> {
        self.version
            .as_deref()
            .filter(|version| !version.is_empty())
    }

    fn look(&self, session: &Session, kind: &str) -> Result<There> {
        let read = match session.planned(kind, &self.ext) {
            Some(_) => Known::Unknown,
            None => session.row(&format!(
                "SELECT e.extversion AS version, a.default_version, \
                 ARRAY(SELECT v.version FROM pg_catalog.pg_available_extension_versions v WHERE v.name = {ext}) \
                 AS versions, \
                 EXISTS (SELECT 1 FROM pg_catalog.pg_extension_update_paths(a.name) p WHERE p.source = e.extversion \
                 AND p.target = {target} AND p.path IS NOT NULL) AS path, \
                 pg_catalog.obj_description(e.oid, 'pg_extension') AS comment \
                 FROM (SELECT 1) one LEFT JOIN pg_catalog.pg_extension e ON e.extname = {ext} \
                 LEFT JOIN pg_catalog.pg_available_extensions a ON a.name = {ext}",
                ext = sql::literal(&self.ext),
                target = match self.wanted() {
                    Some(version) if version != "latest" => sql::literal(version),
                    _ => "a.default_version".to_owned(),
                },
            ))?,
        };
        Ok(session.there(kind, &self.ext, &fingerprint(self), read))
    }

    fn job(&self, session: &Session) -> Result<Job> {
        let (found, known) = match self.look(session, &self.kind())? {
            There::Is(found) => (found, true),
            There::Done => {
                let version = self.version.clone().unwrap_or_default();
                return Ok(Job {
                    statements: Vec::new(),
                    before: version.clone(),
                    after: version,
                });
            }
            There::Planned => (json!({"version": ""}), false),
            There::No => (json!({}), false),
        };
        let before = found["version"].as_str();
        let mut job = Job {
            statements: Vec::new(),
            before: before.unwrap_or_default().to_owned(),
            after: String::new(),
        };
        let name = sql::name(&self.ext);
        let version = self.real_version(&found, known)?;
        if self.state == State::Absent {
            let end = if self.cascade { " CASCADE" } else { "" };
            let drop = format!("DROP EXTENSION {name}{end}");
            job.statements.extend(before.map(|_| plain(drop)));
            return Ok(job);
        }
        job.after = version.to_owned();
        match (before, self.wanted()) {
            (None, wanted) => {
                if known && !has(&found, version) {
                    let what = if wanted == Some("latest") {
                        "Latest"
                    } else {
                        "Passed"
                    };
                    return Err(wrong(format!(
                        "{what} version '{version}' is not available"
                    )));
                }
                job.statements.push(self.create(&name));
            }
            (Some(now), Some(wanted)) if now != version => {
                if known && found["path"] != json!(true) {
                    return Err(no_path(wanted, version, now));
                }
                job.statements.push(both(|value| match wanted {
                    "latest" => format!("ALTER EXTENSION {name} UPDATE"),
                    wanted => format!("ALTER EXTENSION {name} UPDATE TO {}", value(wanted)),
                }));
            }
            (Some(now), _) => job.after = now.to_owned(),
        }
        if let Some(comment) = &self.comment
            && comment != found["comment"].as_str().unwrap_or_default()
        {
            let about = format!("COMMENT ON EXTENSION {name} IS");
            job.statements
                .push(both(|value| format!("{about} {}", value(comment))));
        }
        Ok(job)
    }

    /// The version that is meant.
    fn real_version<'a>(&'a self, found: &'a Json, known: bool) -> Result<&'a str> {
        if let Some(version) = self.wanted().filter(|version| *version != "latest") {
            return Ok(version);
        }
        if known && found["versions"].as_array().is_none_or(Vec::is_empty) {
            return Err(wrong(format!("Extension {} is not available", self.ext)));
        }
        match found["default_version"].as_str() {
            Some(version) => Ok(version),
            None if known => Err(wrong(
                "Passed version 'latest' but no default_version available in extension control file".to_owned(),
            )),
            None => Ok(""),
        }
    }

    fn create(&self, name: &str) -> Statement {
        both(|value| {
            let mut words = vec![format!("CREATE EXTENSION {name}")];
            words.extend(
                self.schema
                    .as_ref()
                    .filter(|name| !name.is_empty())
                    .map(|schema| format!("WITH SCHEMA {}", sql::name(schema))),
            );
            let version = self.wanted().filter(|version| *version != "latest");
            words.extend(version.map(|version| format!("VERSION {}", value(version))));
            words.extend(self.cascade.then(|| "CASCADE".to_owned()));
            words.join(" ")
        })
    }
}

/// A statement, and as results show it.
fn both(text: impl Fn(fn(&str) -> String) -> String) -> Statement {
    (text(sql::literal), text(sql::shown))
}

fn has(found: &Json, version: &str) -> bool {
    found["versions"]
        .as_array()
        .is_some_and(|versions| versions.contains(&json!(version)))
}

fn no_path(wanted: &str, version: &str, now: &str) -> Box<Diag> {
    wrong(match wanted {
        "latest" => format!(
            "Latest version '{version}' has no valid update path from the currently installed version '{now}'"
        ),
        wanted => format!(
            "Passed version '{wanted}' has no valid update path from the currently installed version '{now}' \
             or the passed version is not available"
        ),
    })
}
