//! The vault passwords of a run.

use super::options::Options;
use super::prompt;
use crate::config::Config;
use crate::diag::{Diag, Result};
use crate::vault::{Secret, Secrets, from_file};
use std::path::PathBuf;

/// Collects them from the command line and the configuration.
///
/// # Errors
/// `vault`: a file cannot be read, or there is no terminal to ask on.
pub fn collect(options: &Options, config: &Config) -> Result<Secrets> {
    let mut secrets = Vec::new();
    for id in config.vault_identity_list.iter().chain(&options.vault_ids) {
        let (label, source) = id.rsplit_once('@').unwrap_or(("default", id));
        let label = if label.is_empty() { "default" } else { label };
        secrets.push(if source.starts_with("prompt") {
            ask(label, &format!("Vault password ({label}):"))?
        } else {
            from_file(label, &PathBuf::from(source))?
        });
    }
    for file in config
        .vault_password_file
        .iter()
        .chain(&options.vault_password_files)
    {
        secrets.push(from_file("default", file)?);
    }
    if options.ask_vault_password {
        secrets.push(ask("default", "Vault password:")?);
    }
    Ok(Secrets::new(secrets))
}

fn ask(label: &str, text: &str) -> Result<Secret> {
    prompt::ask(text, false)
        .map(|password| Secret::new(label, &password))
        .map_err(|_| {
            Diag::error(
                "vault",
                "there is no terminal to ask for the vault password on",
            )
        })
}
