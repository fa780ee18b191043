//! One setting: a variable of the environment, else the file, else a default.

use crate::diag::{Diag, Result};
use std::path::{Path, PathBuf};

/// Where a setting is looked for.
#[derive(Clone, Debug)]
pub(super) struct Place {
    variable: String,
    section: String,
    key: String,
}

impl Place {
    /// A key of a section, whose variable is `ANSIBLE_KEY`.
    pub fn of(section: &str, key: &str) -> Place {
        Place {
            variable: format!("ANSIBLE_{}", key.to_ascii_uppercase()),
            section: section.to_owned(),
            key: key.to_owned(),
        }
    }

    /// With a variable of another name.
    pub fn named(mut self, variable: &str) -> Place {
        variable.clone_into(&mut self.variable);
        self
    }
}

/// A key of `[defaults]`.
pub(super) fn defaults(key: &str) -> Place {
    Place::of("defaults", key)
}

/// What settings are read from.
pub(super) struct Reader<'a> {
    /// Variables that are set and not empty.
    pub env: &'a dyn Fn(&str) -> Option<String>,
    /// The file's content.
    pub ini: Option<&'a ini::Ini>,
    /// The file.
    pub file: Option<&'a Path>,
}

impl Reader<'_> {
    /// The setting as it stands.
    pub fn get(&self, place: &Place) -> Option<String> {
        let from_file = || {
            let value = self.ini?.get_from(Some(&place.section), &place.key)?;
            // Comments behind a value begin with ` ;`.
            let value = value.split(" ;").next().unwrap_or(value).trim();
            (!value.is_empty()).then(|| value.to_owned())
        };
        (self.env)(&place.variable).or_else(from_file)
    }

    /// A text.
    pub fn text(&self, place: &Place, default: &str) -> String {
        self.get(place).unwrap_or_else(|| default.to_owned())
    }

    /// Yes or no.
    ///
    /// # Errors
    /// `config`: something else.
    pub fn flag(&self, place: &Place, default: bool) -> Result<bool> {
        let Some(text) = self.get(place) else {
            return Ok(default);
        };
        match text.to_ascii_lowercase().as_str() {
            "y" | "yes" | "on" | "1" | "true" | "t" => Ok(true),
            "n" | "no" | "off" | "0" | "false" | "f" => Ok(false),
            _ => Err(wrong(place, &text, "a boolean")),
        }
    }

    /// A number.
    ///
    /// # Errors
    /// `config`: something else.
    pub fn number<T: std::str::FromStr>(&self, place: &Place, default: T) -> Result<T> {
        Ok(self.optional(place)?.unwrap_or(default))
    }

    /// A number, if it is set.
    ///
    /// # Errors
    /// `config`: something else.
    pub fn optional<T: std::str::FromStr>(&self, place: &Place) -> Result<Option<T>> {
        let text = self.get(place);
        let number = text.map(|text| text.parse().map_err(|_| wrong(place, &text, "a number")));
        number.transpose()
    }

    /// A boolean that need not be set.
    pub fn optional_flag(&self, place: &Place) -> Result<Option<bool>> {
        match self.get(place) {
            None => Ok(None),
            Some(_) => self.flag(place, false).map(Some),
        }
    }

    /// Texts with commas between them.
    pub fn list(&self, place: &Place) -> Vec<String> {
        let text = self.text(place, "");
        let parts = text.split(',').map(str::trim);
        let parts = parts.filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    }

    /// A file.
    pub fn path(&self, place: &Place) -> Option<PathBuf> {
        self.get(place).map(|text| self.relative(&text))
    }

    /// A path of the file is relative to the file.
    fn relative(&self, text: &str) -> PathBuf {
        let path = PathBuf::from(expand(text.trim()));
        match self.file.and_then(Path::parent) {
            Some(dir) if path.is_relative() => dir.join(path),
            _ => path,
        }
    }

    /// Directories of `[defaults]` with colons between them.
    pub fn paths(&self, key: &str, default: &[&str]) -> Vec<PathBuf> {
        let place = defaults(key);
        // What a variable of the environment names is relative to the working directory.
        let from_env = (self.env)(&place.variable).is_some();
        let text = self.text(&place, "");
        let given = text.split(':').filter(|part| !part.trim().is_empty());
        let mut paths: Vec<PathBuf> = given
            .map(|part| match from_env {
                true => PathBuf::from(expand(part.trim())),
                false => self.relative(part),
            })
            .collect();
        if paths.is_empty() {
            paths.extend(default.iter().map(|path| PathBuf::from(expand(path))));
        }
        paths
    }

    /// The sources of the inventory.
    pub fn inventory(&self) -> Vec<String> {
        let text = self.text(&defaults("inventory"), "");
        // `host,` is a list of one host; several paths are separated by commas too.
        let parts = self.list(&defaults("inventory"));
        if text.contains(',') && !parts.iter().all(|part| self.relative(part).exists()) {
            return vec![text];
        }
        let paths = parts.iter().map(|part| self.relative(part));
        paths
            .map(|path| path.to_string_lossy().into_owned())
            .collect()
    }
}

fn wrong(place: &Place, text: &str, what: &str) -> Box<Diag> {
    let key = &place.key;
    Diag::error("config", format!("setting `{key}`: {text:?} is not {what}"))
}

/// `~/` and `$HOME` at their values.
pub(super) fn expand(text: &str) -> String {
    let home = std::env::var("HOME").unwrap_or_default();
    match text.strip_prefix("~/") {
        Some(rest) => format!("{home}/{rest}"),
        None => text.replace("$HOME", &home),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T>(text: &str, variables: &[(&str, &str)], run: impl FnOnce(&Reader<'_>) -> T) -> T {
        let ini = ini::Ini::load_from_str(text).unwrap();
        let env = |name: &str| {
            let found = variables.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        run(&Reader {
            env: &env,
            ini: Some(&ini),
            file: Some(Path::new("/etc/ansible/ansible.cfg")),
        })
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let text = "[defaults]\nforks = 7 ; many\nno_log = maybe\n";
        read(text, &[], |from| {
            assert_eq!(from.number(&defaults("forks"), 5).unwrap(), 7);
            assert_eq!(from.number(&defaults("timeout"), 10).unwrap(), 10);
            assert_eq!(
                from.optional::<u16>(&defaults("remote_port")).unwrap(),
                None
            );
            let error = from.flag(&defaults("no_log"), false).unwrap_err();
            assert_eq!(
                error.message,
                "setting `no_log`: \"maybe\" is not a boolean"
            );
        });
        let variables = [("ANSIBLE_FORKS", "9"), ("ANSIBLE_NO_LOG", "On")];
        read(text, &variables, |from| {
            assert_eq!(from.number(&defaults("forks"), 5).unwrap(), 9);
            assert!(from.flag(&defaults("no_log"), false).unwrap());
        });
    }

    #[test]
    fn paths_of_the_file_are_relative_to_it() {
        let text = "[defaults]\nroles_path = roles:/srv/roles\nlog_path = log\n";
        read(text, &[], |from| {
            let roles = from.paths("roles_path", &["/usr/roles"]);
            assert_eq!(
                roles,
                ["/etc/ansible/roles", "/srv/roles"].map(PathBuf::from)
            );
            let other = from.paths("collections_path", &["/usr/c"]);
            assert_eq!(other, [PathBuf::from("/usr/c")]);
            assert_eq!(
                from.path(&defaults("log_path")),
                Some("/etc/ansible/log".into())
            );
        });
        read(text, &[("ANSIBLE_ROLES_PATH", "own")], |from| {
            assert_eq!(from.paths("roles_path", &[]), [PathBuf::from("own")]);
        });
    }

    #[test]
    fn lists_and_inventories() {
        let text = "[defaults]\ninventory = a.example.org,\n[tags]\nrun = a, b,,c\n";
        read(text, &[], |from| {
            assert_eq!(from.list(&Place::of("tags", "run")), ["a", "b", "c"]);
            assert_eq!(from.inventory(), ["a.example.org,"]);
        });
        let text = "[defaults]\ninventory = hosts\n";
        read(text, &[], |from| {
            assert_eq!(from.inventory(), ["/etc/ansible/hosts"])
        });
    }
}
