//! `ansible.cfg` and the `ANSIBLE_*` variables, as far as they apply.

mod display;
mod reader;

pub use display::Display;

use crate::diag::{Diag, Result};
use reader::{Place, Reader, defaults, expand};
use std::path::{Path, PathBuf};

/// Settings. A variable of the environment wins over the file, the file over the default.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// The file that was read.
    pub file: Option<PathBuf>,
    /// `inventory`: sources.
    pub inventory: Vec<String>,
    /// `roles_path`.
    pub roles_path: Vec<PathBuf>,
    /// `collections_path`.
    pub collections_path: Vec<PathBuf>,
    /// `forks`.
    pub forks: usize,
    /// `remote_user`.
    pub remote_user: Option<String>,
    /// `remote_port`.
    pub remote_port: Option<u16>,
    /// `ask_pass`.
    pub ask_pass: bool,
    /// `connection_password_file`.
    pub connection_password_file: Option<PathBuf>,
    /// `private_key_file`.
    pub private_key_file: Option<PathBuf>,
    /// `host_key_checking`.
    pub host_key_checking: bool,
    /// `timeout`, seconds for a connection.
    pub timeout: u64,
    /// `become`.
    pub r#become: bool,
    /// `become_method`.
    pub become_method: String,
    /// `become_user`.
    pub become_user: String,
    /// `become_ask_pass`.
    pub become_ask_pass: bool,
    /// `become_password_file`.
    pub become_password_file: Option<PathBuf>,
    /// `ask_vault_pass`.
    pub ask_vault_pass: bool,
    /// `vault_password_file`.
    pub vault_password_file: Option<PathBuf>,
    /// `vault_identity_list`.
    pub vault_identity_list: Vec<String>,
    /// `gathering`: implicit, explicit or smart.
    pub gathering: String,
    /// `force_handlers`.
    pub force_handlers: bool,
    /// `error_on_missing_handler`.
    pub error_on_missing_handler: bool,
    /// `any_errors_fatal`.
    pub any_errors_fatal: bool,
    /// `stdout_callback`.
    pub stdout_callback: String,
    /// How the default callback shows what happens.
    pub display: Display,
    /// `always` of `[diff]`.
    pub diff_always: bool,
    /// `run` of `[tags]`.
    pub run_tags: Vec<String>,
    /// `skip` of `[tags]`.
    pub skip_tags: Vec<String>,
    /// `verbosity`: as many `-v`.
    pub verbosity: u8,
    /// `no_log`: results of tasks are hidden unless they say otherwise.
    pub no_log: bool,
    /// `hash_behaviour`: replace or merge.
    pub hash_behaviour: String,
    /// `allow_broken_conditionals`: conditions need not be booleans.
    pub allow_broken_conditionals: bool,
    /// `show_custom_stats`.
    pub show_custom_stats: bool,
    /// `duplicate_dict_key`: warn, error or ignore.
    pub duplicate_dict_key: String,
    /// `private_role_vars`, where it is set: roles keep their variables for themselves, or all show
    /// them.
    pub private_role_vars: Option<bool>,
    /// `log_path`.
    pub log_path: Option<PathBuf>,
    /// `strategy`.
    pub strategy: String,
    /// `fact_caching`: memory or jsonfile.
    pub fact_caching: String,
    /// `fact_caching_connection`: the directory.
    pub fact_caching_connection: Option<String>,
    /// `fact_caching_prefix`.
    pub fact_caching_prefix: String,
    /// `fact_caching_timeout`, seconds; 0 is for good.
    pub fact_caching_timeout: u64,
    /// `localhost_warning`.
    pub localhost_warning: bool,
    /// `inventory_unparsed_warning`.
    pub inventory_unparsed_warning: bool,
    /// `ssh_args` of `[ssh_connection]`.
    pub ssh_args: Option<String>,
    /// `retries` of `[ssh_connection]`.
    pub ssh_retries: u32,
}

/// Reads the settings: `ANSIBLE_CONFIG`, `./ansible.cfg`, `~/.ansible.cfg`, `/etc/ansible/ansible.cfg`.
///
/// # Errors
/// `config`: the file cannot be read or parsed, or a value is of the wrong type.
pub fn load() -> Result<Config> {
    let env = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
    let file = find(&env);
    let ini = match &file {
        Some(path) => Some(parse(path)?),
        None => None,
    };
    Config::read(&Reader {
        env: &env,
        ini: ini.as_ref(),
        file: file.as_deref(),
    })
}

fn find(env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    if let Some(path) = env("ANSIBLE_CONFIG") {
        let path = PathBuf::from(expand(&path));
        let path = if path.is_dir() {
            path.join("ansible.cfg")
        } else {
            path
        };
        if path.is_file() {
            return Some(path);
        }
    }
    let here = PathBuf::from("ansible.cfg");
    if here.is_file() && !anyone_may_write(Path::new(".")) {
        return Some(here.canonicalize().unwrap_or(here));
    }
    let home = env("HOME").map(|home| PathBuf::from(home).join(".ansible.cfg"));
    [home, Some(PathBuf::from("/etc/ansible/ansible.cfg"))]
        .into_iter()
        .flatten()
        .find(|path| path.is_file())
}

/// A configuration in a directory that everyone may write to is not trusted.
fn anyone_may_write(dir: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(dir).is_ok_and(|m| m.permissions().mode() & 0o002 != 0)
}

fn parse(path: &Path) -> Result<ini::Ini> {
    let options = ini::ParseOption {
        enabled_quote: false,
        enabled_escape: false,
        ..ini::ParseOption::default()
    };
    ini::Ini::load_from_file_opt(path, options)
        .map_err(|e| Diag::error("config", format!("{}: {e}", path.display())))
}

impl Config {
    fn read(from: &Reader<'_>) -> Result<Config> {
        let privileges = |key: &str| Place::of("privilege_escalation", key);
        let ssh = |key: &str, variable: &str| Place::of("ssh_connection", key).named(variable);
        Ok(Config {
            file: from.file.map(Path::to_path_buf),
            inventory: from.inventory(),
            roles_path: from.paths(
                "roles_path",
                &[
                    "~/.ansible/roles",
                    "/usr/share/ansible/roles",
                    "/etc/ansible/roles",
                ],
            ),
            collections_path: from.paths(
                "collections_path",
                &["~/.ansible/collections", "/usr/share/ansible/collections"],
            ),
            forks: from.number(&defaults("forks"), 5)?,
            remote_user: from.get(&defaults("remote_user")),
            remote_port: from.optional(&defaults("remote_port"))?,
            ask_pass: from.flag(&defaults("ask_pass"), false)?,
            connection_password_file: from.path(&defaults("connection_password_file")),
            private_key_file: from.path(&defaults("private_key_file")),
            host_key_checking: from.flag(&defaults("host_key_checking"), true)?,
            timeout: from.number(&defaults("timeout"), 10)?,
            r#become: from.flag(&privileges("become"), false)?,
            become_method: from.text(&privileges("become_method"), "sudo"),
            become_user: from.text(&privileges("become_user"), "root"),
            become_ask_pass: from.flag(&privileges("become_ask_pass"), false)?,
            become_password_file: from.path(&defaults("become_password_file")),
            vault_password_file: from.path(&defaults("vault_password_file")),
            vault_identity_list: from.list(&defaults("vault_identity_list")),
            ask_vault_pass: from.flag(&defaults("ask_vault_pass"), false)?,
            gathering: from.text(&defaults("gathering"), "implicit"),
            force_handlers: from.flag(&defaults("force_handlers"), false)?,
            error_on_missing_handler: from.flag(&defaults("error_on_missing_handler"), true)?,
            any_errors_fatal: from.flag(&defaults("any_errors_fatal"), false)?,
            stdout_callback: from.text(&defaults("stdout_callback"), "default"),
            display: Display::read(from)?,
            diff_always: from.flag(
                &Place::of("diff", "always").named("ANSIBLE_DIFF_ALWAYS"),
                false,
            )?,
            run_tags: from.list(&Place::of("tags", "run").named("ANSIBLE_RUN_TAGS")),
            skip_tags: from.list(&Place::of("tags", "skip").named("ANSIBLE_SKIP_TAGS")),
            verbosity: from.number(&defaults("verbosity"), 0)?,
            no_log: from.flag(&defaults("no_log"), false)?,
            hash_behaviour: from.text(&defaults("hash_behaviour"), "replace"),
            allow_broken_conditionals: from.flag(&defaults("allow_broken_conditionals"), false)?,
            show_custom_stats: from.flag(&defaults("show_custom_stats"), false)?,
            duplicate_dict_key: from.text(
                &defaults("duplicate_dict_key").named("ANSIBLE_DUPLICATE_YAML_DICT_KEY"),
                "warn",
            ),
            private_role_vars: from.optional_flag(&defaults("private_role_vars"))?,
            log_path: from.path(&defaults("log_path")),
            strategy: from.text(&defaults("strategy"), "linear"),
            fact_caching: from.text(&cache("fact_caching", ""), "memory"),
            fact_caching_connection: from
                .get(&cache("fact_caching_connection", "_CONNECTION"))
                .map(|path| expand(&path)),
            fact_caching_prefix: from.text(&cache("fact_caching_prefix", "_PREFIX"), ""),
            fact_caching_timeout: from
                .number(&cache("fact_caching_timeout", "_TIMEOUT"), 86_400)?,
            localhost_warning: from.flag(&defaults("localhost_warning"), true)?,
            inventory_unparsed_warning: from
                .flag(&Place::of("inventory", "inventory_unparsed_warning"), true)?,
            ssh_args: from.get(&ssh("ssh_args", "ANSIBLE_SSH_ARGS")),
            ssh_retries: {
                // The older place is `[ssh_connection]`.
                let variable = "ANSIBLE_SSH_RETRIES";
                let older = from.number(&ssh("retries", variable), 0)?;
                from.number(&Place::of("connection", "retries").named(variable), older)?
            },
        })
    }
}

/// Settings of the fact cache have variables of another name.
fn cache(key: &str, end: &str) -> Place {
    defaults(key).named(&format!("ANSIBLE_CACHE_PLUGIN{end}"))
}
