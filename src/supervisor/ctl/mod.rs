//! supervisorctl: commands, their lines and exit codes.

mod commands;
mod complete;
mod daemon;
mod follow;
mod help;
mod input;
mod logs;
mod more;
mod server;

use super::config::expand;
use super::config::ini::{Ini, directory, utf8};
use super::getopt;
use commands::Session;
use rustyline::error::ReadlineError;
use server::Server;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};

/// Runs supervisorctl with its arguments, its name first, and returns its exit code.
pub fn supervisorctl_main(args: &[OsString]) -> u8 {
    let words: Vec<String> = args
        .iter()
        .map(|a| a.to_string_lossy().into_owned())
        .collect();
    let prog = words.first().map_or("supervisorctl", String::as_str);
    match run(prog, words.get(1..).unwrap_or_default()) {
        Ok(code) => code,
        Err(text) => {
            let _ = writeln!(std::io::stderr(), "Error: {text}\nFor help, use {prog} -h");
            2
        }
    }
}

#[derive(Default)]
struct Options {
    configuration: Option<String>,
    serverurl: Option<String>,
    username: Option<String>,
    password: Option<String>,
    history: Option<String>,
    help: bool,
    action: Vec<String>,
}

static OPTIONS: [getopt::Row; 7] = [
    ("configuration", "c", true),
    ("serverurl", "s", true),
    ("username", "u", true),
    ("password", "p", true),
    ("history-file", "r", true),
    ("interactive", "i", false),
    ("help", "h", false),
];

fn parse(words: &[String]) -> Result<Options, String> {
    let (given, action) = getopt::parse(words.to_vec(), &OPTIONS)?;
    let mut options = Options {
        action,
        help: given.iter().any(|o| o.name == "help"),
        ..Options::default()
    };
    if options.help {
        return Ok(options);
    }
    getopt::once(&given)?;
    for option in given {
        let value = Some(option.value);
        match option.name {
            "configuration" => options.configuration = value,
            "serverurl" => options.serverurl = value,
            "username" => options.username = value,
            "password" => options.password = value,
            "history-file" => options.history = value,
            _ => {}
        }
    }
    Ok(options)
}

fn run(prog: &str, words: &[String]) -> Result<u8, String> {
    let options = parse(words)?;
    if options.help {
        let text = format!(
            "Usage: {prog} [options] [action [arguments]]\n\nOptions:\n-c/--configuration FILENAME\n-h/--help\n-i/--interactive\n-s/--serverurl URL\n-u/--username USERNAME\n-p/--password PASSWORD\n-r/--history-file FILENAME\n"
        );
        let _ = std::io::stdout().write_all(text.as_bytes());
        return Ok(0);
    }
    let Configured {
        server,
        prompt,
        history,
    } = configure(prog, &options)?;
    let mut session = Session::new(server);
    if !options.action.is_empty() {
        // Even with -i there is no shell after it (observed: 4.3.0).
        session.one(&options.action.join(" "));
        return Ok(session.code);
    }
    session.interactive = true;
    shell(&mut session, &prompt, history.as_deref())?;
    Ok(0)
}

/// What options and configuration say together.
struct Configured {
    server: Server,
    prompt: String,
    history: Option<PathBuf>,
}

fn configure(prog: &str, options: &Options) -> Result<Configured, String> {
    let file = match &options.configuration {
        Some(file) => Some(PathBuf::from(file)),
        // The daemon may be where it is by default.
        None => super::flags::search(prog).ok(),
    };
    let mut ini = Ini::default();
    if let Some(file) = &file {
        let text = std::fs::read(file)
            .map_err(|_| format!("could not find config file {}", file.display()))?;
        ini.read(file, utf8(&text)?)?;
        if !ini.sections.contains_key("supervisorctl") && options.serverurl.is_none() {
            return Err(".ini file does not include supervisorctl section".into());
        }
    }
    let mut names: expand::Names = std::env::vars()
        .map(|(k, v)| (format!("ENV_{k}"), expand::Word::Text(v)))
        .collect();
    if let Some(file) = &file {
        let here = expand::Word::Text(directory(file));
        names.insert("here".into(), here);
    }
    let get = |option: &str| match ini.get("supervisorctl", option) {
        Some(entry) => {
            let name = format!("supervisorctl.{option}");
            expand::expand(&entry.value, &names, &name).map(Some)
        }
        None => Ok(None),
    };
    let or = |given: &Option<String>, option: &str| match given {
        Some(value) => Ok(Some(value.clone())),
        None => get(option),
    };
    let url = or(&options.serverurl, "serverurl")?;
    let username = or(&options.username, "username")?.filter(|u| !u.is_empty());
    let password = or(&options.password, "password")?;
    let login = username.map(|u| (u, password.unwrap_or_default()));
    let url = url.unwrap_or_else(|| "http://localhost:9001".into());
    let prompt = get("prompt")?.unwrap_or_else(|| "supervisor".into());
    let history = or(&options.history, "history_file")?.filter(|file| !file.is_empty());
    Ok(Configured {
        server: Server::new(&url, login),
        prompt,
        history: history.map(|file| home(&file)),
    })
}

/// `~` at the start is the user's directory.
fn home(file: &str) -> PathBuf {
    match (file.strip_prefix("~/"), std::env::var_os("HOME")) {
        (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
        _ => PathBuf::from(file),
    }
}

/// Reads commands until the end of input or `quit`.
fn shell(session: &mut Session, prompt: &str, history: Option<&Path>) -> Result<(), String> {
    let prompt = format!("{prompt}> ");
    session.one("status");
    if std::io::stdin().is_terminal() {
        return edited(session, &prompt, history).map_err(|e| e.to_string());
    }
    loop {
        session.say_bare(&prompt);
        match input::line() {
            Some(line) => {
                if !session.one(&line) {
                    return Ok(());
                }
            }
            None => {
                session.say("");
                return Ok(());
            }
        }
    }
}

/// The shell on a terminal: line editing, completion, history.
fn edited(session: &mut Session, prompt: &str, history: Option<&Path>) -> rustyline::Result<()> {
    let config = rustyline::Config::builder()
        .completion_type(rustyline::CompletionType::List)
        .build();
    let mut editor = rustyline::Editor::with_config(config)?;
    editor.set_helper(Some(complete::Words::default()));
    if let Some(file) = history {
        // The first time there is none.
        let _ = editor.load_history(file);
    }
    loop {
        if let Some(words) = editor.helper_mut() {
            words.server = Some(session.server.again());
        }
        match editor.readline(prompt) {
            Ok(line) => {
                editor.add_history_entry(&line)?;
                if !session.one(&line) {
                    break;
                }
            }
            Err(ReadlineError::Interrupted) => {}
            Err(_) => {
                session.say("");
                break;
            }
        }
    }
    if let Some(file) = history {
        editor.save_history(file)?;
    }
    Ok(())
}
