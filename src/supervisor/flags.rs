//! supervisord's command line, as Python's getopt reads it.

use super::config::{Daemon, kinds, level};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Long name, letter, whether it takes a value.
const OPTIONS: [(&str, &str, bool); 21] = [
    ("configuration", "c", true),
    ("nodaemon", "n", false),
    ("silent", "s", false),
    ("help", "h", false),
    ("version", "v", false),
    ("user", "u", true),
    ("umask", "m", true),
    ("directory", "d", true),
    ("logfile", "l", true),
    ("logfile_maxbytes", "y", true),
    ("logfile_backups", "z", true),
    ("loglevel", "e", true),
    ("pidfile", "j", true),
    ("identifier", "i", true),
    ("childlogdir", "q", true),
    ("nocleanup", "k", false),
    ("minfds", "a", true),
    ("strip_ansi", "t", false),
    ("minprocs", "", true),
    ("profile_options", "", true),
    ("check", "", false),
];

/// What the command line says.
#[derive(Debug, Default)]
pub struct Flags {
    /// `-c`
    pub configuration: Option<String>,
    /// `-h`
    pub help: bool,
    /// `-v`
    pub version: bool,
    /// Only test the configuration.
    pub check: bool,
    /// As written, long name and value.
    set: Vec<(&'static str, String, String)>,
}

impl Flags {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// The text of a usage error.
    pub fn parse(args: &[OsString]) -> Result<Flags, String> {
        let mut flags = Flags::default();
        let words: Vec<String> = args
            .iter()
            .map(|a| a.to_string_lossy().into_owned())
            .collect();
        let mut words = words.into_iter().peekable();
        while let Some(word) = words.next_if(|w| w.starts_with('-') && w != "-") {
            if word == "--" {
                break;
            }
            if let Some(long) = word.strip_prefix("--") {
                let (name, inline) = match long.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (long, None),
                };
                let row = long_option(name)?;
                let value = match (row.2, inline) {
                    (true, Some(value)) => value,
                    (true, None) => words
                        .next()
                        .ok_or(format!("option --{name} requires argument"))?,
                    (false, None) => String::new(),
                    (false, Some(_)) => {
                        return Err(format!("option --{name} must not have an argument"));
                    }
                };
                flags.take(row.0, format!("--{}", row.0), value);
                continue;
            }
            let mut letters = word[1..].chars();
            while let Some(letter) = letters.next() {
                let row = OPTIONS.iter().find(|o| o.1.starts_with(letter));
                let row = row.ok_or(format!("option -{letter} not recognized"))?;
                let mut value = String::new();
                if row.2 {
                    value = letters.by_ref().collect();
                    if value.is_empty() {
                        let missing = || format!("option -{letter} requires argument");
                        value = words.next().ok_or_else(missing)?;
                    }
                }
                flags.take(row.0, format!("-{letter}"), value);
            }
        }
        let rest: Vec<String> = words.map(|w| crate::value::quote_repr(&w)).collect();
        if !rest.is_empty() && !flags.help {
            return Err(format!(
                "positional arguments are not supported: [{}]",
                rest.join(", ")
            ));
        }
        Ok(flags)
    }

    fn take(&mut self, name: &'static str, written: String, value: String) {
        match name {
            "configuration" => self.configuration = Some(value),
            "help" => self.help = true,
            "version" => self.version = true,
            "check" => self.check = true,
            _ => self.set.push((name, written, value)),
        }
    }

    /// Overrides what the file says.
    ///
    /// # Errors
    /// The text of a usage error.
    pub fn apply(&self, daemon: &mut Daemon) -> Result<(), String> {
        for (name, written, value) in &self.set {
            override_one(daemon, name, value).map_err(|why| match *name {
                // The user is looked up later than the other values (observed: 4.3.0).
                "user" => why,
                _ => format!("invalid value for {written} '{value}': {why}"),
            })?;
        }
        Ok(())
    }
}

fn long_option(name: &str) -> Result<&'static (&'static str, &'static str, bool), String> {
    if let Some(row) = OPTIONS.iter().find(|o| o.0 == name) {
        return Ok(row);
    }
    let mut near = OPTIONS.iter().filter(|o| o.0.starts_with(name));
    match (near.next(), near.next()) {
        (Some(row), None) => Ok(row),
        (Some(_), Some(_)) => Err(format!("option --{name} not a unique prefix")),
        _ => Err(format!("option --{name} not recognized")),
    }
}

fn override_one(daemon: &mut Daemon, name: &str, value: &str) -> Result<(), String> {
    let count = |v: &str| kinds::integer(v).map(|n| u64::try_from(n).unwrap_or(0));
    match name {
        "nodaemon" => daemon.nodaemon = true,
        "silent" => daemon.silent = true,
        "nocleanup" => daemon.nocleanup = true,
        "strip_ansi" => daemon.strip_ansi = true,
        "user" => daemon.user = Some(kinds::user(value)?),
        "umask" => daemon.umask = kinds::octal(value)?,
        "directory" => daemon.directory = Some(kinds::directory(value)?),
        "logfile" => daemon.logfile = kinds::file_in_directory(value)?,
        "logfile_maxbytes" => daemon.logfile_maxbytes = kinds::bytes(value)?,
        "logfile_backups" => daemon.logfile_backups = count(value)? as u32,
        "loglevel" => daemon.loglevel = level(value)?,
        "pidfile" => daemon.pidfile = kinds::file_in_directory(value)?,
        "identifier" => daemon.identifier = value.to_owned(),
        "childlogdir" => daemon.childlogdir = kinds::directory(value)?,
        "minfds" => daemon.minfds = count(value)?,
        "minprocs" => daemon.minprocs = count(value)?,
        _ => {}
    }
    Ok(())
}

/// The configuration file where none is named.
///
/// # Errors
/// The text of a usage error.
pub fn search(prog: &str) -> Result<PathBuf, String> {
    let program = Path::new(prog).parent().unwrap_or(Path::new(""));
    let places = [
        program.join("../etc/supervisord.conf"),
        program.join("../supervisord.conf"),
        "supervisord.conf".into(),
        "etc/supervisord.conf".into(),
        "/etc/supervisord.conf".into(),
        "/etc/supervisor/supervisord.conf".into(),
    ];
    let found = places.iter().find(|p| p.exists()).cloned();
    let paths: Vec<String> = places.iter().map(|p| p.display().to_string()).collect();
    found.ok_or(format!(
        "No config file found at default paths ({}); use the -c option to specify a config file at a different path",
        paths.join(", ")
    ))
}

/// The text of `-h`.
pub fn daemon_help(prog: &str) -> String {
    let mut text = format!("Usage: {prog} [options]\n\nOptions:\n");
    for (long, letter, value) in OPTIONS {
        let letter = match letter {
            "" => String::new(),
            letter => format!("-{letter}/"),
        };
        let value = if value { " VALUE" } else { "" };
        text.push_str(&format!("{letter}--{long}{value}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_errors() {
        let parse = |words: &[&str]| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            Flags::parse(&words).map(|f| f.set.len()).unwrap_err()
        };
        assert_eq!(parse(&["--foo"]), "option --foo not recognized");
        assert_eq!(
            parse(&["x"]),
            "positional arguments are not supported: ['x']"
        );
        assert_eq!(parse(&["-x"]), "option -x not recognized");
        assert_eq!(parse(&["-c"]), "option -c requires argument");
    }
}
