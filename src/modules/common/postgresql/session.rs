//! One connection of a step to its server, and what earlier planned steps make of that server.

use super::{Fault, Login, Script, sql};
use crate::args;
use crate::diag::{Diag, Result};
use crate::modules::common::command;
use crate::sys::{Algorithm, Effect, Known, Op, Outcome, View};
use serde::Serialize;
use serde_json::{Value as Json, json};

/// A role, a database ...
#[derive(Clone, Debug, PartialEq)]
pub enum There {
    /// There is none.
    No,
    /// It is like this.
    Is(Json),
    /// An earlier planned step makes it; what it will be like is not looked at.
    Planned,
    /// An earlier planned step makes it just so.
    Done,
}

/// Where a step finds its server.
pub struct Session<'a> {
    login: &'a Login,
    db: &'a str,
    view: &'a dyn View,
    psql: String,
}

impl<'a> Session<'a> {
    /// A session of a database; of the one that bears the role's name where `db` is empty.
    ///
    /// # Errors
    /// `no-such-program` where the host has no psql.
    pub fn of(login: &'a Login, db: &'a str, view: &'a dyn View) -> Result<Session<'a>> {
        let psql = command::required(view, "psql")?;
        Ok(Session {
            login,
            db,
            view,
            psql,
        })
    }

    /// Begins a script: as the session's role.
    pub fn script(&self) -> Script {
        let mut script = Script::default();
        if let Some(role) = self.login.session_role() {
            script.run(&format!("SET ROLE {}", sql::name(role)));
        }
        script
    }

    /// Has a script that changes nothing read something. Unknown where an earlier planned step
    /// brings the server, or what is needed to get to it.
    ///
    /// # Errors
    /// Those of the connection and of the role to switch to.
    pub fn ask(&self, script: &Script) -> Result<Known<Result<String, Fault>>> {
        let command = self
            .login
            .psql(&self.psql, self.db, self.view)
            .stdin(script.input());
        let Known::Known(output) = self.view.query(&command)? else {
            return Ok(Known::Unknown);
        };
        match Fault::of(&output) {
            None => Ok(Known::Known(Ok(output.text()))),
            Some(fault) if fault.line == 0 && self.may_come() => Ok(Known::Unknown),
            Some(fault) => self
                .of_statement(fault)
                .map(|fault| Known::Known(Err(fault))),
        }
    }

    /// As [`Session::ask`], for one statement that answers with a JSON value.
    ///
    /// # Errors
    /// Those of the server too.
    pub fn json(&self, select: &str) -> Result<Known<Json>> {
        let mut script = self.script();
        script.ask(select);
        match self.ask(&script)? {
            Known::Unknown => Ok(Known::Unknown),
            Known::Known(Ok(text)) => serde_json::from_str(&text).map(Known::Known).map_err(|e| {
                Diag::error(
                    "psql",
                    format!("psql answered something else than JSON: {e}"),
                )
            }),
            Known::Known(Err(fault)) => {
                // Where in a statement of ours it is tells nobody anything.
                let said = fault.text.split("\nLINE ").next().unwrap_or_default();
                Err(Diag::error("database", said))
            }
        }
    }

    /// The one row of a query as an object; null where there is none.
    ///
    /// # Errors
    /// As [`Session::json`].
    pub fn row(&self, select: &str) -> Result<Known<Json>> {
        let row = format!("SELECT pg_catalog.row_to_json(f) FROM ({select}) f");
        self.json(&format!("SELECT coalesce(({row}), 'null')"))
    }

    /// Runs statements, in one transaction or each by itself; nothing where there are none.
    /// [`Session::failed`] tells how that went.
    pub fn ops(&self, statements: &[Statement], whole: bool, effects: Vec<Effect>) -> Vec<Op> {
        if statements.is_empty() {
            return Vec::new();
        }
        let mut script = self.script();
        if whole {
            script.ask("BEGIN");
        }
        for (text, _) in statements {
            script.run(text);
        }
        if whole {
            script.ask("COMMIT");
        }
        let command = self
            .login
            .psql(&self.psql, self.db, self.view)
            .stdin(script.input());
        vec![command::attempt(command, effects)]
    }

    /// The statement of a transaction that a fault is about.
    pub fn culprit<'s>(&self, statements: &'s [Statement], fault: &Fault) -> &'s str {
        // The first line after those that every script has is `BEGIN`.
        let index = fault.line.checked_sub(self.script().size() + 2);
        let statement = index.and_then(|index| statements.get(index));
        statement.map_or("", |(_, shown)| shown)
    }

    /// The fault of the last script that ran, if it failed.
    ///
    /// # Errors
    /// As [`Session::ask`].
    pub fn failed(&self, done: &[Outcome]) -> Result<Option<Fault>> {
        let fault = command::answers(done).next_back().and_then(Fault::of);
        fault.map(|fault| self.of_statement(fault)).transpose()
    }

    fn of_statement(&self, fault: Fault) -> Result<Fault> {
        match fault.line {
            0 => {
                let message = format!("unable to connect to database: {}", fault.text);
                Err(Diag::error("no-connection", message))
            }
            1 if self.login.session_role().is_some() => Err(Diag::error(
                "no-such-role",
                format!("Could not switch role: {}", fault.text),
            )),
            _ => Ok(fault),
        }
    }

    /// True where the server, the database or the role of the connection is only planned.
    fn may_come(&self) -> bool {
        let some = |prefix: &str| !self.view.assumptions(prefix).is_empty();
        some("package:postgresql")
            || some("service:postgresql")
            || self.planned("db", self.db).is_some()
            || self.planned("role", &self.login.user(self.view)).is_some()
    }

    fn key(&self, kind: &str, name: &str) -> String {
        format!("postgresql:{}:{kind}:{name}", self.login.server(self.view))
    }

    /// What earlier planned steps make of something: whether it is there.
    pub fn planned(&self, kind: &str, name: &str) -> Option<bool> {
        Some(self.view.assumed(&self.key(kind, name))? != json!(null))
    }

    /// What is there. `read` has the server's answer; `print` is the [`fingerprint`] of what this step wants.
    pub fn there(&self, kind: &str, name: &str, print: &str, read: Known<Json>) -> There {
        match self.view.assumed(&self.key(kind, name)) {
            Some(Json::Null) => return There::No,
            Some(planned) if planned == json!(print) => return There::Done,
            Some(_) => return There::Planned,
            None => {}
        }
        match read {
            Known::Known(found) if !found.is_null() => There::Is(found),
            _ => There::No,
        }
    }

    /// Something will be there as a step with this [`fingerprint`] wants it; gone with `None`.
    pub fn effect(&self, kind: &str, name: &str, print: Option<&str>) -> Effect {
        Effect::Assume(self.key(kind, name), json!(print))
    }
}

/// The error of a step that the server refused. As in the original it changed nothing then.
pub fn refusal(message: String) -> Box<Diag> {
    Diag::error("database", message).with("changed", false)
}

/// A statement, and as results show it: without passwords.
pub type Statement = (String, String);

/// A statement that is shown as it is.
pub fn plain(text: String) -> Statement {
    (text.clone(), text)
}

/// Statements as results show them.
pub fn told(statements: &[Statement]) -> Json {
    let shown = statements.iter().map(|(_, shown)| json!(shown));
    Json::Array(shown.collect())
}

/// Tells what one step wants from what another one wants. So short that it gives nothing away of a
/// password.
pub fn fingerprint(args: &impl Serialize) -> String {
    short(&args::to_json(args).unwrap_or_default())
}

fn short(json: &Json) -> String {
    let mut sum = Algorithm::Sha256.of(json.to_string().as_bytes());
    sum.truncate(4);
    sum
}
