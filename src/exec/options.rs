//! What a run is asked to do.

use super::tags::Tags;
use std::path::PathBuf;

/// The options of `plan`, `apply` and `run`, after the command line and the configuration.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Playbooks in order.
    pub playbooks: Vec<PathBuf>,
    /// One ad hoc task in place of playbooks.
    pub ad_hoc: Option<AdHoc>,
    /// `-i`, as given; empty follows the configuration.
    pub inventory: Vec<String>,
    /// `-l`.
    pub limit: Option<String>,
    /// `-e`, as given.
    pub extra_vars: Vec<String>,
    /// `-t` and `--skip-tags`.
    pub tags: Tags,
    /// Nothing is changed: `plan`, or `apply --check`.
    pub check: bool,
    /// The truthful dry run: opaque commands count as such and are not skipped as in Ansible.
    pub plan: bool,
    /// `--diff`.
    pub diff: bool,
    /// `-b` and its companions.
    pub r#become: BecomeOptions,
    /// `-c`.
    pub connection: Option<String>,
    /// `-u`.
    pub remote_user: Option<String>,
    /// `remote_port` of the configuration.
    pub remote_port: Option<u16>,
    /// `--private-key`.
    pub private_key: Option<PathBuf>,
    /// `-T`, seconds.
    pub timeout: Option<u64>,
    /// `--reconnect`: seconds for which a connection that broke is tried to be made again; 0 for
    /// never.
    pub reconnect: Option<u64>,
    /// `retries` of the configuration: how often a host that does not answer is tried again.
    pub ssh_retries: u32,
    /// `ssh_args` of the configuration.
    pub ssh_args: Option<String>,
    /// `host_key_checking` of the configuration is off.
    pub skip_host_key_check: bool,
    /// `-k`'s answer.
    pub connection_password: Option<String>,
    /// `-f`; 0 follows the configuration.
    pub forks: usize,
    /// Number of `-v`.
    pub verbosity: u8,
    /// An output shows whole results, not only those of failures.
    pub results_shown: bool,
    /// `--start-at-task`.
    pub start_at_task: Option<String>,
    /// `--step`.
    pub step: bool,
    /// `--flush-cache`.
    pub flush_cache: bool,
    /// `--force-handlers`.
    pub force_handlers: bool,
    /// `--vault-id` values.
    pub vault_ids: Vec<String>,
    /// `--vault-password-file` values.
    pub vault_password_files: Vec<PathBuf>,
    /// `--ask-vault-pass`.
    pub ask_vault_password: bool,
    /// What ansible-playbook would only notice when a task runs waits until then, as there.
    pub late_faults: bool,
    /// `--stats`: tell what the connections cost.
    pub stats: bool,
    /// `--detailed-exitcode`: 2 where there are changes.
    pub detailed_exitcode: bool,
    /// Where the run is written down, and what earlier attempts at it have done.
    pub record: Option<(super::record::Record, super::replay::Once)>,
    /// The plan that is made or applied.
    pub saved: Option<super::foresee::PlanFile>,
    /// What to do where another run has a host.
    pub lock: super::lock::Lock,
    /// All texts of the run, shared with the outputs.
    pub sources: crate::diag::SourceMap,
    /// Texts that outputs mask; whoever learns of one adds it.
    pub secrets: crate::output::Secrets,
}

/// How to become somebody else where neither variables nor keywords say.
#[derive(Clone, Debug)]
pub struct BecomeOptions {
    /// `-b`.
    pub enabled: bool,
    /// `--become-method`.
    pub method: String,
    /// `--become-user`.
    pub user: String,
    /// `-K`'s answer.
    pub password: Option<String>,
}

impl Default for BecomeOptions {
    fn default() -> BecomeOptions {
        BecomeOptions {
            enabled: false,
            method: "sudo".to_owned(),
            user: "root".to_owned(),
            password: None,
        }
    }
}

/// One task for a pattern of hosts.
#[derive(Clone, Debug, Default)]
pub struct AdHoc {
    /// Pattern.
    pub hosts: String,
    /// `-m`.
    pub module: String,
    /// `-a`, as given.
    pub args: String,
}
