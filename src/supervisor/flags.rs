//! supervisord's command line.

use super::config::{Daemon, kinds, level};
use super::getopt;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Long name, letter, whether it takes a value.
static OPTIONS: [getopt::Row; 21] = [
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
    /// All of them.
    set: Vec<getopt::Given>,
}

impl Flags {
    /// Reads the arguments after the program's name.
    ///
    /// # Errors
    /// The text of a usage error.
    pub fn parse(args: &[OsString]) -> Result<Flags, String> {
        let words = args.iter().map(|a| a.to_string_lossy().into_owned());
        let (given, rest) = getopt::parse(words.collect(), &OPTIONS)?;
        let mut flags = Flags::default();
        for option in &given {
            match option.name {
                "help" => flags.help = true,
                "version" => flags.version = true,
                "check" => flags.check = true,
                "configuration" => flags.configuration = Some(option.value.clone()),
                _ => {}
            }
        }
        if flags.help || flags.version {
            return Ok(flags);
        }
        getopt::once(&given)?;
        flags.set = given;
        let rest: Vec<String> = rest.iter().map(|w| crate::value::quote_repr(w)).collect();
        match rest.is_empty() {
            true => Ok(flags),
            false => Err(format!(
                "positional arguments are not supported: [{}]",
                rest.join(", ")
            )),
        }
    }

    /// Overrides what the file says.
    ///
    /// # Errors
    /// The text of a usage error.
    pub fn apply(&self, daemon: &mut Daemon) -> Result<(), String> {
        for option in &self.set {
            let (written, value) = (&option.written, &option.value);
            override_one(daemon, option.name, value).map_err(|why| match option.name {
                // The user is looked up later than the other values (observed: 4.3.0).
                "user" => why,
                _ => format!("invalid value for {written} '{value}': {why}"),
            })?;
        }
        Ok(())
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
    let program = executable(prog);
    let parent = |path: &Path| path.parent().unwrap_or(Path::new("")).to_path_buf();
    let above = parent(&parent(&program));
    let places = [
        above.join("etc/supervisord.conf"),
        above.join("supervisord.conf"),
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

/// The program by the name it was called: a bare one was found on PATH.
fn executable(prog: &str) -> PathBuf {
    if prog.contains('/') {
        return PathBuf::from(prog);
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|dir| dir.join(prog));
    places.find(|p| p.is_file()).unwrap_or(PathBuf::from(prog))
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
