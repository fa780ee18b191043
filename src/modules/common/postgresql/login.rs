//! How a module gets to its server.

use super::sql;
use crate::args::Raw;
use crate::diag::{Diag, Result};
use crate::modules::common::{command, web};
use crate::sys::{Command, View};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Options of the connection.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Login {
    /// Role to connect as; `PGUSER` or `postgres` where absent. Alias: login
    #[serde(alias = "login")]
    login_user: Option<String>,
    /// Its password.
    login_password: Option<String>,
    /// Host of the server; the Unix socket where absent. Alias: host
    #[serde(alias = "host")]
    login_host: Option<String>,
    /// Directory of the Unix socket. Alias: unix_socket
    #[serde(alias = "unix_socket")]
    login_unix_socket: Option<String>,
    /// Port of the server; `PGPORT` or 5432 where absent. Alias: port
    #[serde(alias = "port")]
    login_port: Option<u16>,
    /// Whether the connection is encrypted.
    #[serde(default)]
    ssl_mode: SslMode,
    /// File with certificates of authorities that the server's is held against. Alias: ssl_rootcert
    #[serde(alias = "ssl_rootcert")]
    ca_cert: Option<String>,
    /// File with the client's certificate.
    ssl_cert: Option<String>,
    /// File with the key of the client's certificate.
    ssl_key: Option<String>,
    /// Further parameters of libpq; they come over the other options.
    connect_params: Option<Raw>,
    /// Role to switch to after connecting.
    session_role: Option<String>,
    /// False: names that look like an attempt to smuggle statements in are refused.
    #[serde(default = "yes")]
    trust_input: bool,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[schemars(inline)]
enum SslMode {
    /// If the server asks for it.
    Allow,
    /// Never.
    Disable,
    /// If the server can.
    #[default]
    Prefer,
    /// Always.
    Require,
    /// Always, and the server's certificate comes from a known authority.
    VerifyCa,
    /// As `verify-ca`, and it is issued for the name of the host.
    VerifyFull,
}

impl SslMode {
    fn name(self) -> &'static str {
        match self {
            SslMode::Allow => "allow",
            SslMode::Disable => "disable",
            SslMode::Prefer => "prefer",
            SslMode::Require => "require",
            SslMode::VerifyCa => "verify-ca",
            SslMode::VerifyFull => "verify-full",
        }
    }
}

fn given(option: &Option<String>) -> Option<&str> {
    option.as_deref().filter(|text| !text.is_empty())
}

impl Login {
    /// The role to switch to.
    pub fn session_role(&self) -> Option<&str> {
        given(&self.session_role)
    }

    /// The role that connects.
    pub fn user(&self, view: &dyn View) -> String {
        let env = || view.env("PGUSER").filter(|name| !name.is_empty());
        let user = given(&self.login_user).map(str::to_owned).or_else(env);
        user.unwrap_or_else(|| "postgres".to_owned())
    }

    fn port(&self, view: &dyn View) -> u16 {
        let env = || view.env("PGPORT")?.parse().ok();
        self.login_port.or_else(env).unwrap_or(5432)
    }

    fn host(&self) -> Option<&str> {
        let socket = given(&self.login_unix_socket);
        given(&self.login_host)
            .filter(|host| *host != "localhost" || socket.is_none())
            .or(socket)
    }

    /// A name of the server, for what is assumed of it: servers of this host are told apart by port.
    pub fn server(&self, view: &dyn View) -> String {
        let local = ["localhost", "127.0.0.1", "::1"];
        let host = self
            .host()
            .filter(|host| !local.contains(host) && !host.starts_with('/'));
        format!("{}:{}", host.unwrap_or_default(), self.port(view))
    }

    /// A program that understands libpq's variables, with the connection in its environment.
    pub fn environment(&self, mut command: Command, db: &str, view: &dyn View) -> Command {
        for (name, value) in [
            ("PGUSER", Some(self.user(view))),
            ("PGPORT", Some(self.port(view).to_string())),
            ("PGHOST", self.host().map(str::to_owned)),
            ("PGDATABASE", Some(db.to_owned())),
            ("PGPASSWORD", self.login_password.clone()),
            ("PGSSLMODE", Some(self.ssl_mode.name().to_owned())),
            ("PGSSLROOTCERT", self.ca_cert.clone()),
            ("PGSSLCERT", self.ssl_cert.clone()),
            ("PGSSLKEY", self.ssl_key.clone()),
        ] {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                command = command.env(name, value);
            }
        }
        command
    }

    /// Where the server is, as words for PostgreSQL's programs.
    pub fn flags(&self, view: &dyn View) -> Vec<String> {
        let mut words: Vec<String> = self
            .host()
            .map(|host| format!("--host={host}"))
            .into_iter()
            .collect();
        words.push(format!("--port={}", self.port(view)));
        words.push(format!("--username={}", self.user(view)));
        words
    }

    /// `psql` that reads statements from its input.
    pub fn psql(&self, program: &str, db: &str, view: &dyn View) -> Command {
        // No start-up file, no table borders, rows only, no chatter, never ask for a password.
        let words = [program, "-XAtqw", "-v", "ON_ERROR_STOP=1", "-f", "-"];
        let psql = command::c_locale(words).env("PGCLIENTENCODING", "UTF8");
        let mut psql = self.environment(psql, db, view);
        let Some(Json::Object(more)) = self.connect_params.as_ref().map(|raw| &raw.0) else {
            return psql;
        };
        let mut words = Vec::new();
        for (name, value) in more {
            match name.as_str() {
                "password" => psql = psql.env("PGPASSWORD", web::text(value)),
                _ => words.push(format!("{name}={}", sql::parameter(&web::text(value)))),
            }
        }
        if !words.is_empty() {
            psql.argv.extend(["-d".to_owned(), words.join(" ")]);
        }
        psql
    }

    /// Refuses names that look like more than a name, where the input is not trusted, and what psql
    /// could be told only where everybody sees it.
    ///
    /// # Errors
    /// `dangerous-input`, `bad-options`.
    pub fn check(&self, names: &[Option<&str>]) -> Result<()> {
        if self
            .connect_params
            .as_ref()
            .is_some_and(|raw| raw.0.get("sslpassword").is_some())
        {
            let message = "`sslpassword` would be seen in the list of processes";
            return Err(Diag::error("bad-options", message)
                .about("connect_params")
                .help("name a key without a password (ssl_key)"));
        }
        if self.trust_input {
            return Ok(());
        }
        let names = names.iter().copied().chain([self.session_role()]).flatten();
        let bad: Vec<&str> = names.filter(|name| sql::is_dangerous(name)).collect();
        if bad.is_empty() {
            return Ok(());
        }
        let message = format!("Passed input '{}' is potentially dangerous", bad.join(", "));
        Err(Diag::error("dangerous-input", message))
    }
}
