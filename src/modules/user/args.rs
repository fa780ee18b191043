//! The options of `user`.

use crate::args::Raw;
use crate::modules::group::State;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Creates, changes and removes accounts.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
pub struct Args {
    /// Login name. Alias: user
    #[serde(alias = "user")]
    pub name: String,
    /// Whether it shall be there.
    #[serde(default)]
    pub state: State,
    /// Number; chosen by the system where absent.
    #[serde(default)]
    pub uid: Option<u32>,
    /// Allow a number that another account has.
    #[serde(default)]
    pub non_unique: bool,
    /// Lowest number to choose.
    #[serde(default)]
    pub uid_min: Option<u32>,
    /// Highest number to choose.
    #[serde(default)]
    pub uid_max: Option<u32>,
    /// The comment field.
    #[serde(default)]
    pub comment: Option<String>,
    /// Primary group, by name or number.
    #[serde(default)]
    pub group: Option<String>,
    /// Further groups; with an empty list it is taken out of all others.
    #[serde(default)]
    pub groups: Option<Vec<String>>,
    /// Add to `groups` and stay in the others.
    #[serde(default)]
    pub append: bool,
    /// Login shell.
    #[serde(default)]
    pub shell: Option<String>,
    /// Home directory.
    #[serde(default)]
    pub home: Option<String>,
    /// Make the home directory where it is missing. Alias: createhome
    #[serde(default = "yes", alias = "createhome")]
    pub create_home: bool,
    /// Move the old home directory to the new place.
    #[serde(default)]
    pub move_home: bool,
    /// Directory whose content a new home directory gets.
    #[serde(default)]
    pub skeleton: Option<String>,
    /// File mode creation mask for a new home directory.
    #[serde(default)]
    pub umask: Option<String>,
    /// Hashed password, or `*` or `!` for none.
    #[serde(default)]
    pub password: Option<String>,
    /// Whether a password is changed for accounts that are there.
    #[serde(default)]
    pub update_password: UpdatePassword,
    /// Whether the password is locked.
    #[serde(default)]
    pub password_lock: Option<bool>,
    /// Days after which a password must be changed.
    #[serde(default)]
    pub password_expire_max: Option<i64>,
    /// Days before which a password must not be changed.
    #[serde(default)]
    pub password_expire_min: Option<i64>,
    /// Days of warning before a password expires.
    #[serde(default)]
    pub password_expire_warn: Option<i64>,
    /// Days after which an expired password disables the account.
    #[serde(default)]
    pub password_expire_account_disable: Option<i64>,
    /// When the account expires, in seconds since the epoch; negative for never.
    #[serde(default)]
    pub expires: Option<f64>,
    /// A system account.
    #[serde(default)]
    pub system: bool,
    /// With `state: absent`, remove it even while it is in use; with `generate_ssh_key`, replace
    /// keys.
    #[serde(default)]
    pub force: bool,
    /// With `state: absent`, remove its home directory and mail too.
    #[serde(default)]
    pub remove: bool,
    /// Use the `l...` programs of libuser, for hosts whose accounts come from the network.
    #[serde(default)]
    pub local: bool,
    /// Generate an SSH key.
    #[serde(default)]
    pub generate_ssh_key: bool,
    /// Length of the key; ssh-keygen's choice where absent.
    #[serde(default)]
    pub ssh_key_bits: Option<u32>,
    /// Kind of the key.
    #[serde(default = "rsa")]
    pub ssh_key_type: String,
    /// Its file, from the home directory; `.ssh/id_TYPE` where absent.
    #[serde(default)]
    pub ssh_key_file: Option<String>,
    /// Its comment; `ansible-generated on HOST` where absent.
    #[serde(default)]
    pub ssh_key_comment: Option<String>,
    /// Its passphrase; none where absent.
    #[serde(default)]
    pub ssh_key_passphrase: Option<String>,
    /// SELinux user.
    #[serde(default)]
    pub seuser: Option<String>,
    /// Of other systems.
    #[serde(default)]
    pub authorization: Option<Raw>,
    /// Of other systems.
    #[serde(default)]
    pub hidden: Option<Raw>,
    /// Of other systems.
    #[serde(default)]
    pub login_class: Option<Raw>,
    /// Of other systems.
    #[serde(default)]
    pub profile: Option<Raw>,
    /// Of other systems.
    #[serde(default)]
    pub role: Option<Raw>,
}

/// When a password is set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum UpdatePassword {
    /// Whenever it differs.
    #[default]
    Always,
    /// Only for new accounts.
    OnCreate,
}

fn yes() -> bool {
    true
}

fn rsa() -> String {
    "rsa".into()
}

impl Args {
    /// `useradd`, or `luseradd` for local accounts only.
    pub fn program(&self, name: &str) -> String {
        if self.local {
            format!("l{name}")
        } else {
            name.to_owned()
        }
    }

    /// What the `expires` option means as a day since the epoch; negative for never.
    pub fn expiry_day(&self) -> Option<i64> {
        let seconds = self.expires?;
        Some(if seconds < 0.0 {
            -1
        } else {
            (seconds / 86400.0) as i64
        })
    }
}
