//! `ansible.cfg` and the `ANSIBLE_*` variables, as far as they apply.

use crate::diag::{Diag, Result};
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
    /// `display_skipped_hosts`.
    pub display_skipped_hosts: bool,
    /// `hash_behaviour`: replace or merge.
    pub hash_behaviour: String,
    /// `show_custom_stats`.
    pub show_custom_stats: bool,
    /// `duplicate_dict_key`: warn, error or ignore.
    pub duplicate_dict_key: String,
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
    let reader = Reader {
        env: &env,
        ini: ini.as_ref(),
        dir: file.as_deref().and_then(Path::parent),
    };
    reader.config(file.clone())
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

fn expand(text: &str) -> String {
    let home = std::env::var("HOME").unwrap_or_default();
    match text.strip_prefix("~/") {
        Some(rest) => format!("{home}/{rest}"),
        None => text.replace("$HOME", &home),
    }
}

struct Reader<'a> {
    env: &'a dyn Fn(&str) -> Option<String>,
    ini: Option<&'a ini::Ini>,
    dir: Option<&'a Path>,
}

impl Reader<'_> {
    fn get(&self, variable: &str, section: &str, key: &str) -> Option<String> {
        let from_file = || {
            let value = self.ini?.get_from(Some(section), key)?;
            // Comments behind a value begin with ` ;`.
            let value = value.split(" ;").next().unwrap_or(value).trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        (self.env)(variable).or_else(from_file)
    }

    fn flag(&self, variable: &str, section: &str, key: &str, default: bool) -> Result<bool> {
        match self.get(variable, section, key) {
            None => Ok(default),
            Some(text) => match text.to_ascii_lowercase().as_str() {
                "y" | "yes" | "on" | "1" | "true" | "t" => Ok(true),
                "n" | "no" | "off" | "0" | "false" | "f" => Ok(false),
                _ => Err(Diag::error(
                    "config",
                    format!("setting `{key}`: {text:?} is not a boolean"),
                )),
            },
        }
    }

    fn number<T: std::str::FromStr>(
        &self,
        variable: &str,
        section: &str,
        key: &str,
        default: T,
    ) -> Result<T> {
        match self.get(variable, section, key) {
            None => Ok(default),
            Some(text) => text.parse().map_err(|_| {
                Diag::error(
                    "config",
                    format!("setting `{key}`: {text:?} is not a number"),
                )
            }),
        }
    }

    /// A path of the file is relative to the file.
    fn path(&self, text: &str) -> PathBuf {
        let path = PathBuf::from(expand(text.trim()));
        match self.dir {
            Some(dir) if path.is_relative() => dir.join(path),
            _ => path,
        }
    }

    fn paths(&self, variable: &str, section: &str, key: &str) -> Vec<PathBuf> {
        // What a variable of the environment names is relative to the working directory.
        let from_env = (self.env)(variable).is_some();
        let path = |text: &str| match from_env {
            true => PathBuf::from(expand(text.trim())),
            false => self.path(text),
        };
        self.get(variable, section, key)
            .map(|text| {
                text.split(':')
                    .filter(|p| !p.trim().is_empty())
                    .map(path)
                    .collect()
            })
            .unwrap_or_default()
    }

    /// The older place is `[ssh_connection]`.
    fn retries(&self) -> Result<u32> {
        let older = self.number("ANSIBLE_SSH_RETRIES", "ssh_connection", "retries", 0)?;
        self.number("ANSIBLE_SSH_RETRIES", "connection", "retries", older)
    }

    fn config(&self, file: Option<PathBuf>) -> Result<Config> {
        let d = "defaults";
        let text = |variable: &str, section: &str, key: &str, default: &str| {
            self.get(variable, section, key)
                .unwrap_or_else(|| default.to_owned())
        };
        let list = |text: String| -> Vec<String> {
            text.split(',')
                .map(|s| s.trim().to_owned())
                .filter(|s| !s.is_empty())
                .collect()
        };
        let mut roles_path = self.paths("ANSIBLE_ROLES_PATH", d, "roles_path");
        let home = PathBuf::from(std::env::var("HOME").unwrap_or_default());
        if roles_path.is_empty() {
            roles_path = vec![
                home.join(".ansible/roles"),
                PathBuf::from("/usr/share/ansible/roles"),
                PathBuf::from("/etc/ansible/roles"),
            ];
        }
        let mut collections_path = self.paths("ANSIBLE_COLLECTIONS_PATH", d, "collections_path");
        if collections_path.is_empty() {
            collections_path = vec![
                home.join(".ansible/collections"),
                PathBuf::from("/usr/share/ansible/collections"),
            ];
        }
        let inventory = self
            .get("ANSIBLE_INVENTORY", d, "inventory")
            .map(|text| self.inventory(&text))
            .unwrap_or_default();
        let path = |variable: &str, key: &str| self.get(variable, d, key).map(|p| self.path(&p));
        let p = "privilege_escalation";
        Ok(Config {
            inventory,
            roles_path,
            collections_path,
            forks: self.number("ANSIBLE_FORKS", d, "forks", 5)?,
            remote_user: self.get("ANSIBLE_REMOTE_USER", d, "remote_user"),
            private_key_file: path("ANSIBLE_PRIVATE_KEY_FILE", "private_key_file"),
            host_key_checking: self.flag(
                "ANSIBLE_HOST_KEY_CHECKING",
                d,
                "host_key_checking",
                true,
            )?,
            timeout: self.number("ANSIBLE_TIMEOUT", d, "timeout", 10)?,
            r#become: self.flag("ANSIBLE_BECOME", p, "become", false)?,
            become_method: text("ANSIBLE_BECOME_METHOD", p, "become_method", "sudo"),
            become_user: text("ANSIBLE_BECOME_USER", p, "become_user", "root"),
            become_ask_pass: self.flag("ANSIBLE_BECOME_ASK_PASS", p, "become_ask_pass", false)?,
            vault_password_file: path("ANSIBLE_VAULT_PASSWORD_FILE", "vault_password_file"),
            vault_identity_list: list(text(
                "ANSIBLE_VAULT_IDENTITY_LIST",
                d,
                "vault_identity_list",
                "",
            )),
            gathering: text("ANSIBLE_GATHERING", d, "gathering", "implicit"),
            force_handlers: self.flag("ANSIBLE_FORCE_HANDLERS", d, "force_handlers", false)?,
            error_on_missing_handler: self.flag(
                "ANSIBLE_ERROR_ON_MISSING_HANDLER",
                d,
                "error_on_missing_handler",
                true,
            )?,
            any_errors_fatal: self.flag(
                "ANSIBLE_ANY_ERRORS_FATAL",
                d,
                "any_errors_fatal",
                false,
            )?,
            stdout_callback: text("ANSIBLE_STDOUT_CALLBACK", d, "stdout_callback", "default"),
            display_skipped_hosts: self.flag(
                "ANSIBLE_DISPLAY_SKIPPED_HOSTS",
                d,
                "display_skipped_hosts",
                true,
            )?,
            hash_behaviour: text("ANSIBLE_HASH_BEHAVIOUR", d, "hash_behaviour", "replace"),
            show_custom_stats: self.flag(
                "ANSIBLE_SHOW_CUSTOM_STATS",
                d,
                "show_custom_stats",
                false,
            )?,
            duplicate_dict_key: text(
                "ANSIBLE_DUPLICATE_YAML_DICT_KEY",
                d,
                "duplicate_dict_key",
                "warn",
            ),
            log_path: path("ANSIBLE_LOG_PATH", "log_path"),
            strategy: text("ANSIBLE_STRATEGY", d, "strategy", "linear"),
            fact_caching: text("ANSIBLE_CACHE_PLUGIN", d, "fact_caching", "memory"),
            fact_caching_connection: self
                .get(
                    "ANSIBLE_CACHE_PLUGIN_CONNECTION",
                    d,
                    "fact_caching_connection",
                )
                .map(|path| expand(&path)),
            fact_caching_prefix: text("ANSIBLE_CACHE_PLUGIN_PREFIX", d, "fact_caching_prefix", ""),
            fact_caching_timeout: self.number(
                "ANSIBLE_CACHE_PLUGIN_TIMEOUT",
                d,
                "fact_caching_timeout",
                86_400,
            )?,
            localhost_warning: self.flag(
                "ANSIBLE_LOCALHOST_WARNING",
                d,
                "localhost_warning",
                true,
            )?,
            inventory_unparsed_warning: self.flag(
                "ANSIBLE_INVENTORY_UNPARSED_WARNING",
                "inventory",
                "inventory_unparsed_warning",
                true,
            )?,
            ssh_args: self.get("ANSIBLE_SSH_ARGS", "ssh_connection", "ssh_args"),
            ssh_retries: self.retries()?,
            file,
        })
    }

    fn inventory(&self, text: &str) -> Vec<String> {
        // `host,` is a list of one host; several paths are separated by commas too.
        let parts: Vec<&str> = text
            .split(',')
            .map(str::trim)
            .filter(|s| !s.is_empty())
            .collect();
        if text.contains(',') && !parts.iter().all(|p| self.path(p).exists()) {
            return vec![text.to_owned()];
        }
        parts
            .into_iter()
            .map(|p| self.path(p).to_string_lossy().into_owned())
            .collect()
    }
}
