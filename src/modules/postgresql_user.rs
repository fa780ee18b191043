//! `postgresql_user`: roles of a PostgreSQL server.

mod password;

use super::common::postgresql::{
    Fault, Login, Session, State, Statement, There, fingerprint, plain, refusal, sql, told,
};
use super::common::web;
use super::{Kind, Module};
use crate::args::With;
use crate::diag::{Diag, Result};
use crate::sys::{Known, Op, Outcome, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};

/// Creates, changes and removes roles of a PostgreSQL server.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// The role. Alias: name
    #[serde(alias = "name")]
    user: String,
    /// Its password: plain, or as the server keeps it (`md5...`, `SCRAM-SHA-256$...`); none with an
    /// empty text.
    password: Option<String>,
    /// Whether there shall be the role.
    #[serde(default)]
    state: State,
    /// Database to connect to. Alias: db
    #[serde(default, alias = "db")]
    login_db: String,
    /// Fail where the role cannot be removed, since something depends on it. Alias: fail_on_role
    #[serde(default = "yes", alias = "fail_on_role")]
    fail_on_user: bool,
    /// Attributes, separated by commas: `CREATEDB,NOSUPERUSER`.
    #[serde(default)]
    role_attr_flags: String,
    /// The password is kept encrypted; servers from version 10 on know nothing else.
    #[serde(default = "yes")]
    encrypted: bool,
    /// Leave the password of a role that exists alone.
    #[serde(default)]
    no_password_changes: bool,
    /// When the password expires, as the server reads a time.
    expires: Option<String>,
    /// How many connections the role may have.
    conn_limit: Option<i64>,
    /// Comment on the role; none with an empty text.
    comment: Option<String>,
    /// Settings that sessions of the role begin with.
    #[serde(default)]
    configuration: Map<String, Json>,
    /// Take back settings that are not among these.
    #[serde(default)]
    reset_unspecified_configuration: bool,
    /// Values of settings are texts; otherwise they are put into the statement as they are.
    #[serde(default = "yes")]
    quote_configuration_values: bool,
}

fn yes() -> bool {
    true
}

type Args = With<Own, Login>;

/// The module.
pub struct PostgresqlUser;

impl Module for PostgresqlUser {
    const NAME: &'static str = "postgresql_user";
    const FQCN: &'static str = "community.postgresql.postgresql_user";
    const ALIASES: &'static [&'static str] = &["community.general.postgresql_user"];
    type Args = Args;

    /// A role that may stay is tried to be removed once.
    fn kind(args: &Args) -> Kind {
        match args.state {
            State::Absent if !args.fail_on_user => Kind::Action,
            _ => Kind::Resource,
        }
    }

    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        check(args)?;
        let session = Session::of(&args.shared, &args.login_db, view)?;
        let statements = args.statements(&session)?;
        let print = fingerprint(&args.own);
        let print = (args.state == State::Present).then_some(print.as_str());
        let effect = session.effect("role", &args.user, print);
        Ok(session.ops(&statements, true, vec![effect]))
    }

    fn explain(args: &Args, view: &dyn View, planned: &[Op], _: bool) -> Result<Json> {
        let session = Session::of(&args.shared, &args.login_db, view)?;
        let mut keys = json!({"user": args.user, "queries": []});
        if planned.is_empty() {
            return Ok(keys);
        }
        if args.state == State::Absent {
            keys["user_removed"] = json!(true);
        }
        // Ansible's check mode does not try to remove a role.
        if args.state == State::Present || !view.is_check() {
            keys["queries"] = told(&args.statements(&session)?);
        }
        Ok(keys)
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        let session = Session::of(&args.shared, &args.login_db, view)?;
        match session.failed(done)? {
            None => Ok(json!({})),
            Some(_) if args.state == State::Absent && !args.fail_on_user => {
                Ok(json!({"changed": false, "user_removed": false}))
            }
            Some(fault) => Err(args.refused(&fault, &session)?),
        }
    }
}

fn check(args: &Args) -> Result<()> {
    let values: Vec<String> = args.configuration.values().map(web::text).collect();
    let settings = args.configuration.keys().chain(&values);
    let mut texts: Vec<Option<&str>> = settings.map(|text| Some(text.as_str())).collect();
    texts.extend([
        Some(args.user.as_str()),
        Some(args.role_attr_flags.as_str()),
    ]);
    texts.extend([&args.password, &args.expires, &args.comment].map(Option::as_deref));
    args.shared.check(&texts)
}

/// The attributes of roles, each with the column of `pg_roles` that has it.
const FLAGS: [(&str, &str); 7] = [
    ("SUPERUSER", "rolsuper"),
    ("CREATEROLE", "rolcreaterole"),
    ("CREATEDB", "rolcreatedb"),
    ("INHERIT", "rolinherit"),
    ("LOGIN", "rolcanlogin"),
    ("REPLICATION", "rolreplication"),
    ("BYPASSRLS", "rolbypassrls"),
];

/// An attribute as its column and whether it is set.
fn flag(word: &str) -> Option<(&'static str, bool)> {
    let column = |name: &str| {
        FLAGS
            .iter()
            .find(|(flag, _)| *flag == name)
            .map(|(_, column)| *column)
    };
    match column(word) {
        Some(column) => Some((column, true)),
        None => column(word.strip_prefix("NO")?).map(|column| (column, false)),
    }
}

impl Own {
    fn flags(&self) -> Result<Vec<String>> {
        let mut flags: Vec<String> = Vec::new();
        for word in self
            .role_attr_flags
            .split(',')
            .filter(|word| !word.is_empty())
        {
            let word = word.to_uppercase();
            if !flags.contains(&word) {
                flags.push(word);
            }
        }
        let bad: Vec<&str> = flags
            .iter()
            .map(String::as_str)
            .filter(|word| flag(word).is_none())
            .collect();
        if bad.is_empty() {
            return Ok(flags);
        }
        let message = format!("Invalid role_attr_flags specified: {}", bad.join(" "));
        Err(Diag::error("bad-value", message).about("role_attr_flags"))
    }

    fn settings(&self) -> Result<Vec<(&str, String)>> {
        let quoted = self.quote_configuration_values;
        if quoted
            && self
                .configuration
                .keys()
                .any(|key| key.contains(['"', '\'']))
        {
            let message = "The key of a configuration may not contain single or double quotes";
            return Err(Diag::error("bad-value", message).about("configuration"));
        }
        let texts = self
            .configuration
            .iter()
            .map(|(key, value)| (key.as_str(), web::text(value)));
        Ok(texts.collect())
    }

    /// The part of a statement that sets the password, and as results show it.
    fn password_words(&self, password: &str) -> [String; 2] {
        let crypt = if self.encrypted {
            "ENCRYPTED"
        } else {
            "UNENCRYPTED"
        };
        [sql::literal(password), "%(password)s".to_owned()]
            .map(|value| format!("WITH {crypt} PASSWORD {value}"))
    }

    /// The end of a statement: what the role's sessions may do, and until when.
    fn limit_words(&self) -> [Vec<String>; 2] {
        let mut both = [Vec::new(), Vec::new()];
        if let Some(expires) = &self.expires {
            both[0].push(format!("VALID UNTIL {}", sql::literal(expires)));
            both[1].push("VALID UNTIL %(expires)s".to_owned());
        }
        if let Some(limit) = self.conn_limit {
            both.iter_mut()
                .for_each(|words| words.push(format!("CONNECTION LIMIT {limit}")));
        }
        both
    }

    fn create(&self, name: &str, flags: &str) -> Statement {
        let given = self
            .password
            .as_deref()
            .filter(|password| !password.is_empty());
        let password = given.map(|password| self.password_words(password));
        let limits = self.limit_words();
        let [text, shown] = [0, 1].map(|form| {
            let mut words = vec![format!("CREATE USER {name}")];
            words.extend(password.as_ref().map(|both| both[form].clone()));
            words.extend(limits[form].iter().cloned());
            words.push(flags.to_owned());
            words.join(" ")
        });
        (text, shown)
    }

    fn alter(&self, name: &str, flags: &str, password: bool) -> Statement {
        let password = match self.password.as_deref() {
            Some("") if password => Some(["WITH PASSWORD NULL"; 2].map(str::to_owned)),
            Some(text) if password => Some(self.password_words(text)),
            _ => None,
        };
        let limits = self.limit_words();
        let [text, shown] = [0, 1].map(|form| {
            let mut words = vec![format!("ALTER USER {name}")];
            match &password {
                Some(both) => words.extend([both[form].clone(), flags.to_owned()]),
                None if !flags.is_empty() => words.push(format!("WITH {flags}")),
                None => {}
            }
            if !self.no_password_changes {
                words.extend(limits[form].iter().cloned());
            }
            words.join(" ")
        });
        (text, shown)
    }

    /// What of a role that is there differs; `None` where nothing does.
    fn changes(&self, name: &str, flags: &[String], role: &Json) -> Option<Statement> {
        let unset = flags.iter().filter_map(|word| flag(word));
        let flagged = unset
            .into_iter()
            .any(|(column, wanted)| role[column] != json!(wanted));
        let flags = flags.join(" ");
        if self.no_password_changes {
            return flagged.then(|| self.alter(name, &flags, false));
        }
        let given = self.password.as_deref();
        let password =
            given.is_some_and(|text| password::differs(text, self.encrypted, &self.user, role));
        let expires = self.expires.is_some() && role["until"] != json!(true);
        let limited = self
            .conn_limit
            .is_some_and(|limit| role["rolconnlimit"] != json!(limit));
        (flagged || password || expires || limited).then(|| self.alter(name, &flags, password))
    }

    /// Statements for the comment and the settings, over those that there are.
    fn rest(&self, name: &str, role: &Json) -> Result<Vec<Statement>> {
        let mut statements = Vec::new();
        if let Some(comment) = &self.comment
            && comment != role["comment"].as_str().unwrap_or_default()
        {
            let about = format!("COMMENT ON ROLE {} IS", sql::name(&self.user));
            statements.push((
                format!("{about} {}", sql::literal(comment)),
                format!("{about} {}", sql::shown(comment)),
            ));
        }
        let current = role["rolconfig"].as_array().into_iter().flatten();
        let current: Vec<(&str, &str)> = current
            .filter_map(|item| item.as_str()?.split_once('='))
            .collect();
        let wanted = self.settings()?;
        if self.reset_unspecified_configuration {
            let unnamed = current
                .iter()
                .filter(|(key, _)| wanted.iter().all(|(name, _)| name != key));
            statements.extend(
                unnamed.map(|(key, _)| plain(format!("ALTER ROLE {name} RESET \"{key}\";"))),
            );
        }
        for (key, value) in wanted
            .into_iter()
            .filter(|(key, value)| !current.contains(&(key, value)))
        {
            let value = match self.quote_configuration_values {
                true => format!("'{}'", value.replace('\'', "''")),
                false => value,
            };
            statements.push(plain(format!(
                "ALTER ROLE {name} SET \"{key}\" TO {value};"
            )));
        }
        Ok(statements)
    }

    /// What the server is asked for; `password` is where it has that.
    fn select(&self, password: &str) -> String {
        let until = match &self.expires {
            Some(expires) if !self.no_password_changes => sql::literal(expires),
            _ => "NULL".to_owned(),
        };
        format!(
            "SELECT r.*, ({password}) AS password, \
             r.rolvaliduntil IS NOT DISTINCT FROM {until}::timestamptz AS until, \
             pg_catalog.shobj_description(r.oid, 'pg_authid') AS comment, \
             pg_catalog.current_setting('password_encryption') AS encryption \
             FROM pg_catalog.pg_roles r WHERE r.rolname = {}",
            sql::literal(&self.user),
        )
    }

    fn role(&self, session: &Session) -> Result<There> {
        let print = fingerprint(self);
        if self.user == "PUBLIC" {
            return Err(self.is_public());
        }
        let planned = session.planned("role", &self.user).is_some();
        let read = match planned {
            true => Known::Unknown,
            false => self.read(session)?,
        };
        Ok(session.there("role", &self.user, &print, read))
    }

    /// Not every role may see passwords (observed: they count as different then).
    fn read(&self, session: &Session) -> Result<Known<Json>> {
        let kept = "SELECT a.rolpassword FROM pg_catalog.pg_authid a WHERE a.oid = r.oid";
        match session.row(&self.select(kept)) {
            Err(diag) if diag.message.starts_with("permission denied") => {
                session.row(&self.select("r.rolpassword"))
            }
            other => other,
        }
    }

    fn is_public(&self) -> Box<Diag> {
        let message = if self.password.is_some() {
            "cannot change the password for PUBLIC user"
        } else if !self.role_attr_flags.is_empty() {
            "cannot change the role_attr_flags for PUBLIC user"
        } else {
            "Can't find user PUBLIC in 'pg_roles'"
        };
        Diag::error("bad-name", message).about("user")
    }
}

impl Own {
    fn statements(&self, session: &Session) -> Result<Vec<Statement>> {
        let flags = self.flags()?;
        let name = sql::role(&self.user)?;
        let role = self.role(session)?;
        let drop = || vec![plain(format!("DROP USER {name}"))];
        match (self.state, role) {
            (State::Absent, There::No) | (State::Present, There::Done) => Ok(Vec::new()),
            (State::Absent, _) => Ok(drop()),
            (State::Present, There::No) => {
                let mut statements = vec![self.create(&name, &flags.join(" "))];
                statements.extend(self.rest(&name, &json!({}))?);
                Ok(statements)
            }
            (State::Present, There::Is(role)) => {
                let mut statements: Vec<Statement> =
                    self.changes(&name, &flags, &role).into_iter().collect();
                statements.extend(self.rest(&name, &role)?);
                Ok(statements)
            }
            (State::Present, There::Planned) => {
                let all =
                    self.password.is_some() || self.expires.is_some() || self.conn_limit.is_some();
                let alter = (all && !self.no_password_changes) || !flags.is_empty();
                let password = self.password.is_some() && !self.no_password_changes;
                let mut statements = Vec::new();
                if alter {
                    statements.push(self.alter(&name, &flags.join(" "), password));
                }
                statements.extend(self.rest(&name, &json!({}))?);
                Ok(statements)
            }
        }
    }
    /// The error of a statement that the server refused.
    fn refused(&self, fault: &Fault, session: &Session) -> Result<Box<Diag>> {
        let statements = self.statements(session)?;
        let shown = session.culprit(&statements, fault);
        let what = match shown.get(..7) {
            Some("CREATE ") => "Unable to add user with given requirement due to : ".to_owned(),
            Some("COMMENT") => "Unable to add comment on role: ".to_owned(),
            Some("DROP US") => "Unable to remove user: ".to_owned(),
            Some("ALTER R") => format!(
                "Unable to update configuration for '{}' due to: ",
                self.user
            ),
            _ => String::new(),
        };
        Ok(refusal(format!("{what}{}", fault.text)))
    }
}
