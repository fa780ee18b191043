//! `gxdeploy vault`, and `ansible-vault`: encrypted files and values.

use super::flags::Vault;
use crate::config;
use crate::diag::{Diag, Exit, Result, reason};
use crate::exec;
use crate::output::Screen;
use crate::vault::{Secret, Secrets, files};
use files::Place;
use std::path::{Path, PathBuf};

/// Encrypts, decrypts and edits secret files and values
#[derive(Debug, clap::Parser)]
#[command(after_help = "Examples:
  gxdeploy vault encrypt group_vars/all/secret.yml
  gxdeploy vault edit group_vars/all/secret.yml
  gxdeploy vault encrypt_string --stdin-name db_password
  gxdeploy vault rekey --new-vault-password-file new.txt secret.yml")]
pub(super) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Encrypts files, or standard input
    Encrypt(Files),
    /// Decrypts files, or standard input
    Decrypt(Files),
    /// Shows encrypted files
    View(Files),
    /// Changes encrypted files in $EDITOR
    Edit(Files),
    /// Makes an encrypted file in $EDITOR
    Create(Files),
    /// Encrypts files anew with another password
    Rekey(Rekey),
    /// Encrypts strings as values for a YAML file
    #[command(name = "encrypt_string", alias = "encrypt-string")]
    EncryptString(Strings),
}

#[derive(Debug, clap::Args)]
struct Files {
    /// Files; `-` is standard input
    files: Vec<String>,
    #[command(flatten)]
    vault: Vault,
    /// The vault id to encrypt with, where there are several
    #[arg(long, value_name = "LABEL")]
    encrypt_vault_id: Option<String>,
    /// Write here in place of the file itself; `-` is standard output
    #[arg(long, value_name = "FILE")]
    output: Option<String>,
    /// Accepted for create, without effect: no terminal is asked for
    #[arg(long, hide = true)]
    skip_tty_check: bool,
    /// Tell more
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, clap::Args)]
struct Rekey {
    /// Files
    #[arg(required = true)]
    files: Vec<PathBuf>,
    #[command(flatten)]
    vault: Vault,
    /// The vault id to encrypt with, where there are several
    #[arg(long, value_name = "LABEL")]
    encrypt_vault_id: Option<String>,
    /// The new vault identity: `LABEL@FILE` or `LABEL@prompt`
    #[arg(long, value_name = "ID", conflicts_with = "new_vault_password_file")]
    new_vault_id: Option<String>,
    /// A file that holds, or a program that prints, the new password
    #[arg(long, alias = "new-vault-pass-file", value_name = "FILE")]
    new_vault_password_file: Option<PathBuf>,
    /// Tell more
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

#[derive(Debug, clap::Args)]
struct Strings {
    /// The strings; without any, standard input is read
    strings: Vec<String>,
    #[command(flatten)]
    vault: Vault,
    /// The vault id to encrypt with, where there are several
    #[arg(long, value_name = "LABEL")]
    encrypt_vault_id: Option<String>,
    /// The variable's name; may be repeated, one for each string
    #[arg(short, long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// The variable's name for what standard input holds
    #[arg(long, value_name = "NAME")]
    stdin_name: Option<String>,
    /// Ask for the string on the terminal
    #[arg(short, long)]
    prompt: bool,
    /// Show what is typed
    #[arg(long)]
    show_input: bool,
    /// Write here in place of standard output
    #[arg(long, value_name = "FILE")]
    output: Option<String>,
    /// Tell more
    #[arg(short, long, action = clap::ArgAction::Count)]
    verbose: u8,
}

/// Does what was asked for.
pub(super) fn run(args: &Args) -> Result<Exit> {
    match &args.action {
        Action::Encrypt(args) => encrypt(args)?,
        Action::Decrypt(args) => decrypt(args)?,
        Action::View(args) => {
            let secrets = secrets(&args.vault, false)?;
            for place in args.places()? {
                Place::Stream.write(&files::view(&place, &secrets)?)?;
            }
        }
        Action::Edit(args) => {
            let secrets = secrets(&args.vault, false)?;
            for path in args.paths()? {
                files::edit(&path, &secrets, &editor)?;
            }
        }
        Action::Create(args) => {
            let secrets = secrets(&args.vault, true)?;
            let secret = secrets.to_encrypt(args.encrypt_vault_id.as_deref())?;
            let [path] = &args.paths()?[..] else {
                return Err(usage("create makes one file: name one"));
            };
            files::create(path, secret, &editor)?;
        }
        Action::Rekey(args) => rekey(args)?,
        Action::EncryptString(args) => strings(args)?,
    }
    Ok(Exit::Ok)
}

fn usage(message: &str) -> Box<Diag> {
    Diag::error("usage", message).exit(Exit::Usage)
}

/// Where people watch, says that it worked.
fn done(text: &str) {
    if Screen::stdout().terminal {
        Screen::stderr().line(text);
    }
}

impl Files {
    fn places(&self) -> Result<Vec<Place>> {
        if self.files.is_empty() {
            return Ok(vec![Place::Stream]);
        }
        if self.output.is_some() && self.files.len() > 1 {
            return Err(usage("--output takes one file to read"));
        }
        Ok(self.files.iter().map(|f| Place::from_word(f)).collect())
    }

    fn paths(&self) -> Result<Vec<PathBuf>> {
        if self.files.is_empty() || self.files.iter().any(|f| f == "-") {
            return Err(usage("this works on files: name at least one"));
        }
        Ok(self.files.iter().map(PathBuf::from).collect())
    }

    fn target(&self, from: &Place) -> Place {
        self.output
            .as_deref()
            .map_or_else(|| from.clone(), Place::from_word)
    }
}

fn encrypt(args: &Files) -> Result<()> {
    let secrets = secrets(&args.vault, true)?;
    let secret = secrets.to_encrypt(args.encrypt_vault_id.as_deref())?;
    for from in args.places()? {
        files::encrypt_file(&from, &args.target(&from), secret)?;
    }
    done("Encryption successful");
    Ok(())
}

fn decrypt(args: &Files) -> Result<()> {
    let secrets = secrets(&args.vault, false)?;
    for from in args.places()? {
        files::decrypt_file(&from, &args.target(&from), &secrets)?;
    }
    done("Decryption successful");
    Ok(())
}

fn rekey(args: &Rekey) -> Result<()> {
    let old = secrets(&args.vault, false)?;
    let new = Vault {
        ids: args.new_vault_id.iter().cloned().collect(),
        password_files: args.new_vault_password_file.iter().cloned().collect(),
        ask: false,
    };
    let new = match new.ids.is_empty() && new.password_files.is_empty() {
        true => Secrets::new(vec![ask_twice()?]),
        false => collect(&new, &config::Config::default())?,
    };
    let secret = new.to_encrypt(args.encrypt_vault_id.as_deref())?;
    for path in &args.files {
        files::rekey(path, &old, secret)?;
    }
    Screen::stderr().line("Rekey successful");
    Ok(())
}

fn strings(args: &Strings) -> Result<()> {
    let secrets = secrets(&args.vault, true)?;
    let secret = secrets.to_encrypt(args.encrypt_vault_id.as_deref())?;
    let mut texts: Vec<(Option<&str>, Vec<u8>)> = Vec::new();
    if args.prompt {
        let text = ask("String to encrypt:", args.show_input)?;
        texts.push((args.names.first().map(String::as_str), text.into_bytes()));
    }
    for (i, text) in args.strings.iter().enumerate().filter(|(_, t)| *t != "-") {
        texts.push((
            args.names.get(i).map(String::as_str),
            text.clone().into_bytes(),
        ));
    }
    if texts.is_empty() || args.stdin_name.is_some() || args.strings.iter().any(|s| s == "-") {
        texts.push((args.stdin_name.as_deref(), Place::Stream.read()?));
    }
    let mut out = String::new();
    for (name, text) in texts {
        if text.is_empty() {
            return Err(usage("there is nothing to encrypt: the string is empty"));
        }
        out.push_str(&files::as_yaml(name, &files::seal(&text, secret)?));
    }
    let target = args
        .output
        .as_deref()
        .map_or(Place::Stream, Place::from_word);
    target.write(out.as_bytes())?;
    done("Encryption successful");
    Ok(())
}

/// The passwords of the command line and the configuration; where there are none, they are asked
/// for, a new one twice.
fn secrets(vault: &Vault, new: bool) -> Result<Secrets> {
    let config = config::load()?;
    let given = collect(vault, &config)?;
    match (given.is_empty(), new) {
        (false, _) => Ok(given),
        (true, true) => Ok(Secrets::new(vec![ask_twice()?])),
        (true, false) => Ok(Secrets::new(vec![Secret::new(
            "default",
            &ask("Vault password:", false)?,
        )])),
    }
}

fn collect(vault: &Vault, config: &config::Config) -> Result<Secrets> {
    let options = exec::Options {
        vault_ids: vault.ids.clone(),
        vault_password_files: vault.password_files.clone(),
        ask_vault_password: vault.ask,
        ..exec::Options::default()
    };
    exec::vault_secrets(&options, config)
}

fn ask(question: &str, echo: bool) -> Result<String> {
    exec::ask(question, echo).map_err(|_| {
        Diag::error(
            "vault",
            format!("cannot ask `{question}`: there is no terminal"),
        )
        .help("give the password with --vault-password-file")
    })
}

fn ask_twice() -> Result<Secret> {
    let first = ask("New Vault password:", false)?;
    if first != ask("Confirm New Vault password:", false)? {
        return Err(Diag::error("vault", "Passwords do not match"));
    }
    if first.trim().is_empty() {
        return Err(Diag::error("vault", "the password is empty"));
    }
    Ok(Secret::new("default", &first))
}

/// Opens a file in `$EDITOR`, which may have arguments.
fn editor(path: &Path) -> Result<()> {
    let chosen = ["VISUAL", "EDITOR"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.trim().is_empty()));
    let command = chosen.unwrap_or_else(|| "vi".to_owned());
    let failed = |why: String| Diag::error("editor", format!("editor `{command}`: {why}"));
    let words = shell_words::split(&command).map_err(|e| failed(e.to_string()))?;
    let Some((program, arguments)) = words.split_first() else {
        return Err(failed("it has no name".to_owned()));
    };
    let status = std::process::Command::new(program)
        .args(arguments)
        .arg(path)
        .status()
        .map_err(|e| failed(reason(&e)))?;
    match status.success() {
        true => Ok(()),
        false => Err(failed(format!(
            "it ended with {status}; nothing was changed"
        ))),
    }
}
