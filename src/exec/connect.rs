//! Which way leads to a host's agent.

use super::run::Run;
use super::session::Session;
use crate::diag::{Diag, Result};
use crate::jinja::Context;
use crate::play::ast::Common;
use crate::transport;
use crate::vars::SharedScope;

/// Connects to a host as its variables, the task's keywords and the command line say.
///
/// # Errors
/// `connection`, with the reason.
pub fn open(
    run: &Run,
    host: &str,
    keywords: &Common,
    scope: &SharedScope,
    context: &Context,
) -> Result<Session> {
    let variable = |name: &str| -> Result<Option<String>> {
        match scope.get(name) {
            Some(value) => {
                let value = run.engine.render(&value, scope, context)?;
                Ok(Some(value.to_text()).filter(|_| !value.is_null()))
            }
            None => Ok(None),
        }
    };
    let keyword = match &keywords.connection {
        Some(value) => Some(run.engine.render(value, scope, context)?.to_text()),
        None => None,
    };
    let connection = variable("ansible_connection")?
        .or(keyword)
        .or_else(|| run.options.connection.clone())
        .unwrap_or_else(|| "ssh".to_owned());
    let connection = connection.rsplit('.').next().unwrap_or(&connection);
    let link = match connection {
        "local" => transport::local()?,
        other => {
            return Err(Diag::error(
                "connection",
                format!("host {host}: there is no connection plugin `{other}`"),
            )
            .help("known ones: local"));
        }
    };
    Session::open(link, run.blobs.clone())
}
