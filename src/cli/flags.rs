//! Flags that every verb with an inventory has.

use std::path::PathBuf;

/// The inventory and what is taken from it
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Hosts")]
pub(super) struct Hosts {
    /// An inventory: file, directory, program, or host names with a comma; may be repeated
    #[arg(short, long, alias = "inventory-file", value_name = "INVENTORY")]
    pub inventory: Vec<String>,
    /// Only hosts that match this pattern too (`@FILE`: one host a line)
    #[arg(short, long, value_name = "PATTERN")]
    pub limit: Option<String>,
    /// Print the hosts that match, do nothing else
    #[arg(long)]
    pub list_hosts: bool,
}

/// Secrets for vaulted files and values
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Vault")]
pub(super) struct Vault {
    /// A vault identity: `LABEL@FILE` or `LABEL@prompt`; may be repeated
    #[arg(long = "vault-id", value_name = "ID")]
    pub ids: Vec<String>,
    /// A file that holds, or a program that prints, a vault password; may be repeated
    #[arg(
        long = "vault-password-file",
        alias = "vault-pass-file",
        value_name = "FILE"
    )]
    pub password_files: Vec<PathBuf>,
    /// Ask for the vault password
    #[arg(
        short = 'J',
        id = "ask_vault_pass",
        long = "ask-vault-pass",
        alias = "ask-vault-password",
        conflicts_with = "password_files"
    )]
    pub ask: bool,
}
