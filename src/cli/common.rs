//! Flags of the verbs that reach hosts, with the letters of Ansible's programs.

use super::flags::{Hosts, Vault};
use crate::config::{self, Config};
use crate::diag::{Diag, Exit, Result};
use crate::exec::{self, BecomeOptions, Options, Tags};
use std::path::{Path, PathBuf};

/// Which hosts, as whom, with which variables: for everything that reaches hosts
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Common {
    /// Variables: `key=value`, YAML or JSON, or `@FILE`; may be repeated
    #[arg(short, long = "extra-vars", value_name = "VARS")]
    extra_vars: Vec<String>,
    /// Change nothing, predict what would change
    #[arg(short = 'C', long)]
    pub check: bool,
    /// Show differences of files and settings
    #[arg(short = 'D', long)]
    pub diff: bool,
    /// How many hosts at the same time [default: the configuration's, else 5]
    #[arg(short, long, value_name = "N")]
    forks: Option<usize>,
    /// Tell more; up to -vvvv
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// Tell what the connections cost: times, round trips, bytes
    #[arg(long)]
    stats: bool,
    /// Forget cached facts of all hosts first
    #[arg(long)]
    flush_cache: bool,
    /// Directories of further modules; accepted and ignored, since modules are built in
    #[arg(short = 'M', long, value_name = "DIR", hide = true)]
    module_path: Vec<PathBuf>,
    #[command(flatten)]
    pub hosts: Hosts,
    #[command(flatten)]
    pub vault: Vault,
    #[command(flatten)]
    connection: Connection,
    #[command(flatten)]
    r#become: Become,
}

/// How to reach hosts
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection")]
struct Connection {
    /// Log in as this user
    #[arg(short, long = "user", value_name = "USER")]
    user: Option<String>,
    /// The key to log in with
    #[arg(long, alias = "key-file", value_name = "FILE")]
    private_key: Option<PathBuf>,
    /// `ssh` or `local` [default: ssh, local for this machine]
    #[arg(short, long, value_name = "TYPE")]
    connection: Option<String>,
    /// Seconds to wait for a connection
    #[arg(short = 'T', long, value_name = "SECONDS")]
    timeout: Option<u64>,
    /// Seconds for which a connection that broke is tried to be made again, 0 for never
    /// [default: GXDEPLOY_RECONNECT, else 60]
    #[arg(long, value_name = "SECONDS")]
    reconnect: Option<u64>,
    /// Ask for the password to log in with
    #[arg(short = 'k', long, conflicts_with = "connection_password_file")]
    ask_pass: bool,
    /// A file that holds that password
    #[arg(long, alias = "conn-pass-file", value_name = "FILE")]
    connection_password_file: Option<PathBuf>,
    /// Arguments for ssh, as one word, such as `-o ProxyJump=gate`
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    ssh_common_args: Option<String>,
    /// More arguments for ssh
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true)]
    ssh_extra_args: Option<String>,
    /// Accepted and ignored: files travel over the same connection
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true, hide = true)]
    sftp_extra_args: Option<String>,
    /// Accepted and ignored: files travel over the same connection
    #[arg(long, value_name = "ARGS", allow_hyphen_values = true, hide = true)]
    scp_extra_args: Option<String>,
}

/// Who to be on the hosts
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Privileges")]
struct Become {
    /// Become another user, root unless said otherwise
    #[arg(id = "become", short, long)]
    enabled: bool,
    /// By which program [default: sudo]
    #[arg(id = "become_method", long = "become-method", value_name = "METHOD")]
    method: Option<String>,
    /// Whom to become [default: root]
    #[arg(id = "become_user", long = "become-user", value_name = "USER")]
    user: Option<String>,
    /// Ask for the password that takes
    #[arg(
        id = "ask_become_pass",
        short = 'K',
        long = "ask-become-pass",
        conflicts_with = "become_password_file"
    )]
    ask: bool,
    /// A file that holds that password
    #[arg(
        id = "become_password_file",
        long = "become-password-file",
        alias = "become-pass-file",
        value_name = "FILE"
    )]
    password_file: Option<PathBuf>,
}

impl Common {
    /// These flags as options of a run; asks for passwords where that was wanted.
    ///
    /// # Errors
    /// Those of the configuration, password files and prompts.
    pub fn options(&self) -> Result<Options> {
        let config = config::load()?;
        let login = &self.connection;
        let file = login.connection_password_file.as_deref();
        let connection_password = password(
            login.ask_pass,
            file,
            (config.ask_pass, &config.connection_password_file),
            "SSH password:",
        )?;
        Ok(Options {
            inventory: self.hosts.inventory.clone(),
            limit: self.hosts.limit.clone(),
            extra_vars: self.all_vars(),
            check: self.check,
            diff: self.diff || config.diff_always,
            r#become: self
                .r#become
                .options(&config, connection_password.as_deref())?,
            connection: login.connection.clone(),
            remote_user: login.user.clone(),
            private_key: login.private_key.clone(),
            timeout: login.timeout,
            reconnect: reconnect(login.reconnect)?,
            connection_password,
            forks: self.forks.unwrap_or(0),
            verbosity: self.verbose.saturating_add(config.verbosity),
            stats: self.stats,
            flush_cache: self.flush_cache,
            vault_ids: self.vault.ids.clone(),
            vault_password_files: self.vault.password_files.clone(),
            ask_vault_password: self.vault.ask || config.ask_vault_pass,
            ..Options::default()
        })
    }

    /// An option that was given and says what is carried out, on which hosts and as whom.
    pub fn settled(&self) -> Option<&'static str> {
        let (login, other) = (&self.connection, &self.r#become);
        let given = [
            ("--inventory", !self.hosts.inventory.is_empty()),
            ("--limit", self.hosts.limit.is_some()),
            ("--list-hosts", self.hosts.list_hosts),
            ("--check", self.check),
            ("--user", login.user.is_some()),
            ("--connection", login.connection.is_some()),
            ("--ssh-common-args", login.ssh_common_args.is_some()),
            ("--ssh-extra-args", login.ssh_extra_args.is_some()),
            ("--become", other.enabled),
            ("--become-method", other.method.is_some()),
            ("--become-user", other.user.is_some()),
        ];
        given.into_iter().find_map(|(name, is)| is.then_some(name))
    }

    /// Takes over the options that only say how something is carried out, and passwords; `-e`
    /// comes behind the variables that are known.
    pub fn take(&mut self, given: &Common, extra_vars: &[String]) {
        self.extra_vars = [extra_vars, &given.extra_vars].concat();
        self.verbose = given.verbose;
        self.diff |= given.diff;
        self.stats |= given.stats;
        self.flush_cache |= given.flush_cache;
        self.forks = given.forks.or(self.forks);
        self.vault.ids.extend_from_slice(&given.vault.ids);
        let files = &given.vault.password_files;
        self.vault.password_files.extend_from_slice(files);
        self.vault.ask |= given.vault.ask;
        let (login, other) = (&mut self.connection, &given.connection);
        login.timeout = other.timeout.or(login.timeout);
        login.reconnect = other.reconnect.or(login.reconnect);
        login.private_key = other.private_key.clone().or(login.private_key.take());
        login.ask_pass |= other.ask_pass;
        if other.connection_password_file.is_some() {
            login
                .connection_password_file
                .clone_from(&other.connection_password_file);
            login.ask_pass = false;
        }
        let (own, other) = (&mut self.r#become, &given.r#become);
        own.ask |= other.ask;
        if other.password_file.is_some() {
            own.password_file.clone_from(&other.password_file);
            own.ask = false;
        }
    }

    /// `-e`, and the flags that are the same as variables. Those come first: `-e` has the last word.
    fn all_vars(&self) -> Vec<String> {
        let named = [
            ("ansible_ssh_common_args", &self.connection.ssh_common_args),
            ("ansible_ssh_extra_args", &self.connection.ssh_extra_args),
        ];
        let named = named.iter().filter_map(|(name, value)| {
            Some(serde_json::json!({ *name: value.as_ref()? }).to_string())
        });
        named.chain(self.extra_vars.iter().cloned()).collect()
    }
}

/// The flag, or else the variable of the environment.
fn reconnect(flag: Option<u64>) -> Result<Option<u64>> {
    const NAME: &str = "GXDEPLOY_RECONNECT";
    match std::env::var(NAME) {
        Ok(text) if flag.is_none() && !text.is_empty() => match text.trim().parse() {
            Ok(seconds) => Ok(Some(seconds)),
            Err(_) => {
                let message = format!("{NAME} is not a number of seconds: {text:?}");
                Err(Diag::error("config", message))
            }
        },
        _ => Ok(flag),
    }
}

impl Become {
    fn options(&self, config: &Config, login: Option<&str>) -> Result<BecomeOptions> {
        let question = match login {
            Some(_) => "BECOME password [defaults to SSH password]:",
            None => "BECOME password:",
        };
        let settings = (config.become_ask_pass, &config.become_password_file);
        let answer = password(self.ask, self.password_file.as_deref(), settings, question)?;
        Ok(BecomeOptions {
            enabled: self.enabled || config.r#become,
            method: self
                .method
                .clone()
                .unwrap_or_else(|| config.become_method.clone()),
            user: self
                .user
                .clone()
                .unwrap_or_else(|| config.become_user.clone()),
            password: match answer {
                // Enter alone: the same as for the login.
                Some(empty) if empty.is_empty() => login.map(str::to_owned),
                answer => answer,
            },
        })
    }
}

/// A password by asking or from a file (`-` is standard input), or else by what the configuration says
/// of these; the file's last line break does not belong to it.
fn password<'a>(
    mut wanted: bool,
    mut file: Option<&'a Path>,
    (configured, configured_file): (bool, &'a Option<PathBuf>),
    question: &str,
) -> Result<Option<String>> {
    if !wanted && file.is_none() {
        wanted = configured;
        file = configured_file.as_deref();
    }
    if let Some(path) = file {
        let text = match path.as_os_str() == "-" {
            true => std::io::read_to_string(std::io::stdin()),
            false => std::fs::read_to_string(path),
        };
        let text = text.map_err(|e| Diag::io("read", path, &e))?;
        return Ok(Some(text.trim_end_matches(['\r', '\n']).to_owned()));
    }
    match wanted {
        true => ask(question).map(Some),
        false => Ok(None),
    }
}

/// A program that runs unattended must not hang: without a terminal this is an error.
fn ask(question: &str) -> Result<String> {
    exec::ask(question, false).map_err(|_| {
        Diag::error(
            "no-terminal",
            format!("cannot ask `{question}`: there is no terminal"),
        )
        .help("give it in a file (--become-password-file, --connection-password-file)")
    })
}

/// What of a playbook is run
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Tasks")]
pub(super) struct Selection {
    /// Only plays and tasks with one of these tags; may be repeated
    #[arg(short, long, value_name = "TAGS")]
    tags: Vec<String>,
    /// Without plays and tasks that have one of these tags; may be repeated
    #[arg(long, value_name = "TAGS")]
    skip_tags: Vec<String>,
    /// Start at the task with this name
    #[arg(long, value_name = "NAME")]
    start_at_task: Option<String>,
    /// Ask before each task
    #[arg(long)]
    step: bool,
    /// Run handlers even where a task has failed
    #[arg(long)]
    force_handlers: bool,
}

impl Selection {
    /// An option that was given.
    pub fn given(&self) -> Option<&'static str> {
        let given = [
            ("--tags", !self.tags.is_empty()),
            ("--skip-tags", !self.skip_tags.is_empty()),
            ("--start-at-task", self.start_at_task.is_some()),
            ("--step", self.step),
            ("--force-handlers", self.force_handlers),
        ];
        given.into_iter().find_map(|(name, is)| is.then_some(name))
    }

    /// Adds these flags to the options of a run.
    pub fn add_to(&self, options: &mut Options) {
        let split = |words: &[String]| -> Vec<String> {
            let names = words.iter().flat_map(|w| w.split(','));
            names
                .map(|n| n.trim().to_owned())
                .filter(|n| !n.is_empty())
                .collect()
        };
        options.tags = Tags {
            only: split(&self.tags),
            skip: split(&self.skip_tags),
        };
        options.start_at_task.clone_from(&self.start_at_task);
        options.step = self.step;
        options.force_handlers = self.force_handlers;
    }
}

/// Refuses a file that is not there before anything else is done.
///
/// # Errors
/// `no-such-playbook`, with exit code 1 as ansible-playbook has it.
pub(super) fn must_exist(playbooks: &[PathBuf]) -> Result<()> {
    for path in playbooks {
        if path.exists() {
            continue;
        }
        let message = format!("the playbook: {} could not be found", path.display());
        let near = path.parent().and_then(|dir| nearby(path, dir));
        let diag = Diag::error("no-such-playbook", message).exit(Exit::Failed);
        return Err(match near {
            Some(near) => diag.help(format!("did you mean {near:?}?")),
            None => diag,
        });
    }
    Ok(())
}

fn nearby(path: &Path, dir: &Path) -> Option<String> {
    let dir = if dir.as_os_str().is_empty() {
        Path::new(".")
    } else {
        dir
    };
    let names: Vec<String> = std::fs::read_dir(dir)
        .ok()?
        .filter_map(|e| e.ok()?.file_name().into_string().ok())
        .filter(|n| n.ends_with(".yml") || n.ends_with(".yaml"))
        .collect();
    let wanted = path.file_name()?.to_string_lossy().into_owned();
    let near = crate::diag::nearest(&wanted, names.iter().map(String::as_str))?;
    Some(path.with_file_name(near).display().to_string())
}
