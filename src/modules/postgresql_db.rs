//! `postgresql_db`: databases of a PostgreSQL server.

mod dump;

use super::common::postgresql::{
    Login, Session, Statement, There, fingerprint, plain, refusal, sql, told,
};
use super::{Kind, Module};
use crate::args::With;
use crate::diag::{Diag, Result};
use crate::sys::{Effect, Known, Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

/// Creates, changes, renames, dumps, restores and removes databases of a PostgreSQL server.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// The database. Alias: name
    #[serde(alias = "name")]
    db: String,
    /// Role that owns it.
    #[serde(default)]
    owner: String,
    /// Database that it is made from.
    #[serde(default)]
    template: String,
    /// Encoding, such as `UTF-8`.
    #[serde(default)]
    encoding: String,
    /// Order of texts (`C.UTF-8`).
    #[serde(default)]
    lc_collate: String,
    /// Classes of characters (`C.UTF-8`).
    #[serde(default)]
    lc_ctype: String,
    /// Locale of ICU.
    #[serde(default)]
    icu_locale: String,
    /// Who provides the locale: `libc` or `icu`.
    #[serde(default)]
    locale_provider: String,
    /// What shall become of it.
    #[serde(default)]
    state: State,
    /// File of a dump, or the new name.
    #[serde(default)]
    target: String,
    /// Further words for the program that dumps or restores.
    #[serde(default)]
    target_opts: String,
    /// Database to connect to.
    #[serde(default = "maintenance")]
    maintenance_db: String,
    /// How many connections it may have.
    #[serde(default)]
    conn_limit: String,
    /// Tablespace.
    #[serde(default)]
    tablespace: String,
    /// Further words for `pg_dump`.
    dump_extra_args: Option<String>,
    /// Remove it even where it is in use.
    #[serde(default)]
    force: bool,
    /// Comment on it; none with an empty text.
    comment: Option<String>,
}

fn maintenance() -> String {
    "postgres".to_owned()
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum State {
    /// It is removed.
    Absent,
    /// It is written to a file.
    Dump,
    /// It is there.
    #[default]
    Present,
    /// It gets another name.
    Rename,
    /// It is filled from a file.
    Restore,
}

type Args = With<Own, Login>;

/// The module.
pub struct PostgresqlDb;

impl Module for PostgresqlDb {
    const NAME: &'static str = "postgresql_db";
    const FQCN: &'static str = "community.postgresql.postgresql_db";
    const ALIASES: &'static [&'static str] = &["community.general.postgresql_db"];
    type Args = Args;

    fn kind(args: &Args) -> Kind {
        match args.copies() {
            true => Kind::Action,
            false => Kind::Resource,
        }
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        check(args)?;
        if args.copies() {
            return dump::plan(args, view);
        }
        let session = session(args, view)?;
        let statements = args.statements(&session)?;
        Ok(session.ops(&statements, false, args.effects(&session)))
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        if args.copies() {
            return Ok(json!({}));
        }
        let mut keys = json!({"db": args.db, "executed_commands": []});
        // Ansible's check mode only compares.
        if !planned.is_empty() && !view.is_check() {
            keys["executed_commands"] = told(&args.statements(&session(args, view)?)?);
        }
        if args.state == State::Rename {
            keys["warnings"] = json!([RENAME]);
        }
        Ok(keys)
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        if args.copies() {
            return dump::result(args, view, done);
        }
        let fault = session(args, view)?.failed(done)?;
        match fault {
            None => Ok(json!({})),
            Some(fault) => Err(refusal(format!("Database query failed: {}", fault.text))),
        }
    }
}

const RENAME: &str = "The rename choice of the state option is deprecated and will be removed in version 5.0.0. \
     Use the community.postgresql.postgresql_query module instead.";

fn session<'a>(args: &'a Args, view: &'a dyn View) -> Result<Session<'a>> {
    Session::of(&args.shared, &args.maintenance_db, view)
}

fn check(args: &Args) -> Result<()> {
    let wrong = match args.state {
        State::Rename if args.target.is_empty() => {
            "The \"target\" option must be defined when the \"rename\" option is used."
        }
        State::Rename if args.target == args.db => {
            "The \"name/db\" option and the \"target\" option cannot be the same."
        }
        State::Rename if args.maintenance_db == args.db => {
            "The \"maintenance_db\" option and the \"name/db\" option cannot be the same."
        }
        _ => {
            let mut texts = [
                &args.owner,
                &args.conn_limit,
                &args.encoding,
                &args.db,
                &args.template,
                &args.tablespace,
            ]
            .map(|text| Some(text.as_str()))
            .to_vec();
            texts.push(args.comment.as_deref());
            return args.shared.check(&texts);
        }
    };
    Err(Diag::error("bad-options", wrong))
}

impl Own {
    /// True for a state that is no state, but a copy of what is there.
    fn copies(&self) -> bool {
        matches!(self.state, State::Dump | State::Restore)
    }

    fn name(&self) -> String {
        sql::name(&self.db)
    }

    fn effects(&self, session: &Session) -> Vec<Effect> {
        let print = fingerprint(self);
        match self.state {
            State::Absent => vec![session.effect("db", &self.db, None)],
            State::Rename => vec![
                session.effect("db", &self.db, None),
                session.effect("db", &self.target, Some(&print)),
            ],
            _ => vec![session.effect("db", &self.db, Some(&print))],
        }
    }

    fn statements(&self, session: &Session) -> Result<Vec<Statement>> {
        let found = self.look(&self.db, session)?;
        match self.state {
            State::Absent => self.removed(&found, session),
            State::Rename => self.renamed(&found, session),
            _ => match found {
                There::No => Ok(self.create()),
                There::Is(db) => self.changes(&db),
                There::Planned => Ok(self.set(&json!({}))),
                There::Done => Ok(Vec::new()),
            },
        }
    }

    fn look(&self, name: &str, session: &Session) -> Result<There> {
        let read = match session.planned("db", name) {
            Some(_) => Known::Unknown,
            None => session.row(&self.select(name))?,
        };
        Ok(session.there("db", name, &fingerprint(self), read))
    }

    fn select(&self, name: &str) -> String {
        format!(
            "SELECT d.*, r.rolname AS owner, pg_catalog.pg_encoding_to_char(d.encoding) AS encoding_name, \
             pg_catalog.pg_char_to_encoding({encoding}) AS wanted, s.spcname AS tablespace, \
             pg_catalog.shobj_description(d.oid, 'pg_database') AS comment \
             FROM pg_catalog.pg_database d \
             JOIN pg_catalog.pg_roles r ON r.oid = d.datdba \
             JOIN pg_catalog.pg_tablespace s ON s.oid = d.dattablespace WHERE d.datname = {name}",
            encoding = sql::literal(&self.encoding),
            name = sql::literal(name),
        )
    }

    fn removed(&self, found: &There, session: &Session) -> Result<Vec<Statement>> {
        let drop = format!("DROP DATABASE {}", self.name());
        if *found == There::No {
            return Ok(Vec::new());
        }
        if !self.force {
            return Ok(vec![plain(drop)]);
        }
        let version = "SELECT pg_catalog.current_setting('server_version_num')::int AS number";
        let number = session
            .row(version)?
            .known()
            .and_then(|row| row["number"].as_i64());
        if number.is_none_or(|number| number >= 130_000) {
            return Ok(vec![plain(format!("{drop} WITH (FORCE)"))]);
        }
        let name = sql::literal(&self.db);
        let end = format!(
            "UPDATE pg_database SET datallowconn = false WHERE datname={name}; \
             SELECT pg_terminate_backend(pg_stat_activity.pid) FROM pg_stat_activity \
             WHERE pg_stat_activity.datname={name} AND pid <> pg_backend_pid()"
        );
        Ok(vec![(end, String::new()), plain(drop)])
    }

    fn renamed(&self, found: &There, session: &Session) -> Result<Vec<Statement>> {
        let target = self.look(&self.target, session)?;
        let message = match (*found != There::No, target != There::No) {
            (true, true) => "Both the source and the target databases exist.",
            (false, true) => return Ok(Vec::new()),
            (false, false) => "The source and the target databases do not exist.",
            (true, false) => {
                let target = sql::name(&self.target);
                return Ok(vec![plain(format!(
                    "ALTER DATABASE {} RENAME TO {target}",
                    self.name()
                ))]);
            }
        };
        Err(Diag::error("no-such-database", message).with("warnings", vec![RENAME]))
    }

    fn create(&self) -> Vec<Statement> {
        let mut both = [(); 2].map(|()| vec![format!("CREATE DATABASE {}", self.name())]);
        let mut add = |keyword: &str, value: &str, forms: [String; 2]| {
            for (words, form) in both.iter_mut().zip(forms) {
                if !value.is_empty() {
                    words.push(format!("{keyword} {form}"));
                }
            }
        };
        let name = |value: &str| [(); 2].map(|()| sql::name(value));
        let text = |value: &str| [sql::literal(value), sql::shown(value)];
        add("OWNER", &self.owner, name(&self.owner));
        add("TEMPLATE", &self.template, name(&self.template));
        add("ENCODING", &self.encoding, text(&self.encoding));
        add("LC_COLLATE", &self.lc_collate, text(&self.lc_collate));
        add("LC_CTYPE", &self.lc_ctype, text(&self.lc_ctype));
        add("ICU_LOCALE", &self.icu_locale, text(&self.icu_locale));
        add(
            "LOCALE_PROVIDER",
            &self.locale_provider,
            text(&self.locale_provider),
        );
        add("TABLESPACE", &self.tablespace, name(&self.tablespace));
        let limit = [(); 2].map(|()| self.conn_limit.clone());
        add("CONNECTION LIMIT", &self.conn_limit, limit);
        let [text, shown] = both.map(|words| words.join(" "));
        let mut statements = vec![(text, shown)];
        statements.extend(
            self.comment
                .as_deref()
                .filter(|text| !text.is_empty())
                .map(|text| self.commented(text)),
        );
        statements
    }

    fn commented(&self, comment: &str) -> Statement {
        let about = format!("COMMENT ON DATABASE {} IS", self.name());
        let form = |value: String| format!("{about} {value}");
        (form(sql::literal(comment)), form(sql::shown(comment)))
    }

    /// Statements for a database that is there.
    fn changes(&self, db: &Json) -> Result<Vec<Statement>> {
        let text = |key: &str| db[key].as_str().unwrap_or_default().to_owned();
        let icu = if db["datlocale"].is_null() {
            "daticulocale"
        } else {
            "datlocale"
        };
        let provider = match db["datlocprovider"].as_str() {
            Some("c") => "libc",
            Some("i") => "icu",
            _ => "",
        };
        let same = self.encoding.is_empty() || db["wanted"] == db["encoding"];
        let encoding = if same {
            String::new()
        } else {
            text("encoding_name")
        };
        let fixed = [
            (
                "database encoding is not supported. Current encoding: ",
                same,
                encoding,
            ),
            (
                "LC_COLLATE is not supported. Current LC_COLLATE: ",
                self.lc_collate.is_empty(),
                text("datcollate"),
            ),
            (
                "LC_CTYPE is not supported.Current LC_CTYPE: ",
                self.lc_ctype.is_empty(),
                text("datctype"),
            ),
            (
                "ICU_LOCALE is not supported.Current ICU_LOCALE: ",
                self.icu_locale.is_empty(),
                text(icu),
            ),
            (
                "LOCALE_PROVIDER is not supported.Current LOCALE_PROVIDER: ",
                self.locale_provider.is_empty(),
                provider.to_owned(),
            ),
        ];
        let wanted = [
            "",
            &self.lc_collate,
            &self.lc_ctype,
            &self.icu_locale,
            &self.locale_provider,
        ];
        for ((what, fits, current), wanted) in fixed.into_iter().zip(wanted) {
            if !fits && current != *wanted {
                return Err(Diag::error(
                    "not-supported",
                    format!("Changing {what}{current}"),
                ));
            }
        }
        Ok(self.set(db))
    }

    /// Sets what can be set, where it is another in `db`.
    fn set(&self, db: &Json) -> Vec<Statement> {
        let name = self.name();
        let differs = |key: &str, wanted: &str| !wanted.is_empty() && db[key] != json!(wanted);
        let mut statements = Vec::new();
        if differs("owner", &self.owner) {
            statements.push(plain(format!(
                "ALTER DATABASE {name} OWNER TO {}",
                sql::name(&self.owner)
            )));
        }
        let limit = db["datconnlimit"].to_string();
        if !self.conn_limit.is_empty() && self.conn_limit != limit {
            statements.push(plain(format!(
                "ALTER DATABASE {name} CONNECTION LIMIT {}",
                self.conn_limit
            )));
        }
        if differs("tablespace", &self.tablespace) {
            let space = sql::name(&self.tablespace);
            statements.push(plain(format!(
                "ALTER DATABASE {name} SET TABLESPACE {space}"
            )));
        }
        if let Some(comment) = &self.comment
            && comment != db["comment"].as_str().unwrap_or_default()
        {
            statements.push(self.commented(comment));
        }
        statements
    }
}
