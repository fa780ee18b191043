//! `--output`: who shows what happens.

use crate::config::{self, Config};
use crate::diag::{Diag, Exit, Result, SourceMap, render};
use crate::exec::{self, Listing, PlanFile};
use crate::output::{AdHoc, Annotations, Callback, Console, Junit, Lines, Log, Masked, Output};
use crate::output::{Screen, Secrets, Tee};

/// What is printed, and where reports go
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct Show {
    /// `default`, `ansible`, `json`, `github`, or `junit=FILE`; may be repeated
    #[arg(short = 'O', long, value_name = "KIND")]
    output: Vec<String>,
}

/// The form a program prints in when nothing else is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// gxdeploy's own.
    Default,
    /// ansible-playbook's.
    Ansible,
    /// `ansible`'s, as blocks.
    AdHoc,
    /// `ansible -o`'s.
    OneLine,
}

impl Show {
    /// Carries a run out and shows it.
    ///
    /// # Errors
    /// `unknown-output`.
    pub fn run(&self, mut options: exec::Options, form: Form) -> Result<Exit> {
        options.late_faults = self.as_ansible(form);
        options.results_shown = options.verbosity > 0
            || matches!(form, Form::AdHoc | Form::OneLine)
            || self.kinds().any(|kind| kind == "json");
        for password in [&options.connection_password, &options.r#become.password] {
            password.iter().for_each(|text| options.secrets.add(text));
        }
        let (sources, secrets) = (options.sources.clone(), options.secrets.clone());
        let config = config::load()?;
        let mut output = self.open(form, &config, options.verbosity, &sources, secrets.clone())?;
        if let Some(log) = log(&config, &sources, options.verbosity)? {
            output = Box::new(Tee(vec![
                output,
                Box::new(Masked::new(secrets.clone(), log)),
            ]));
        }
        let record = options.record.as_ref().map(|(record, _)| record.clone());
        if let Some(record) = &record {
            let noted = Masked::new(secrets, Box::new(record.clone()));
            output = Box::new(Tee(vec![output, Box::new(noted)]));
        }
        if let Some(PlanFile::Made(drawn)) = &options.saved {
            output = Box::new(Tee(vec![output, Box::new(drawn.clone())]));
        }
        let exit = exec::run(options, output);
        if let (Some(record), true) = (record, exit != Exit::Ok && form == Form::Default) {
            let text = format!("`gxdeploy resume` goes on with run {}", record.id());
            Screen::stderr().line(&text);
        }
        Ok(exit)
    }

    /// True where the output is to read as ansible-playbook's.
    fn as_ansible(&self, form: Form) -> bool {
        form == Form::Ansible || self.kinds().any(|kind| kind == "ansible")
    }

    fn kinds(&self) -> impl Iterator<Item = &str> {
        self.output.iter().flat_map(|kinds| kinds.split(','))
    }

    /// Lists what a run would consist of.
    ///
    /// # Errors
    /// `unknown-output`.
    pub fn list(&self, options: exec::Options, form: Form, what: Listing) -> Result<Exit> {
        let (sources, secrets) = (options.sources.clone(), options.secrets.clone());
        let output = self.open(form, &config::load()?, options.verbosity, &sources, secrets)?;
        Ok(match exec::list(options, what, output) {
            Ok(text) => {
                Screen::stdout().line(&text);
                Exit::Ok
            }
            Err(exit) => exit,
        })
    }

    /// The outputs that were asked for, secrets masked.
    fn open(
        &self,
        form: Form,
        config: &Config,
        verbosity: u8,
        sources: &SourceMap,
        secrets: Secrets,
    ) -> Result<Box<dyn Output>> {
        let mut outputs: Vec<Box<dyn Output>> = Vec::new();
        let mut on_screen = false;
        for kind in self.kinds() {
            let (name, file) = kind.split_once('=').unwrap_or((kind, ""));
            on_screen |= matches!(name, "default" | "ansible" | "json");
            outputs.push(match (name, file) {
                ("default", "") => screen(Form::Default, config, verbosity, sources),
                ("ansible", "") => screen(Form::Ansible, config, verbosity, sources),
                ("json", "") => Box::new(Lines::new(std::io::stdout())),
                ("github", "") => Box::new(Annotations::new(Screen::stdout(), sources.clone())),
                ("junit", file) if !file.is_empty() => Box::new(Junit::new(file.into(), complain)),
                _ => return Err(unknown(kind)),
            });
        }
        if !on_screen {
            outputs.insert(0, screen(form, config, verbosity, sources));
        }
        Ok(Box::new(Masked::new(secrets, Box::new(Tee(outputs)))))
    }
}

fn screen(form: Form, config: &Config, verbosity: u8, sources: &SourceMap) -> Box<dyn Output> {
    let (mut out, err, sources) = (Screen::stdout(), Screen::stderr(), sources.clone());
    if verbosity > 0 && form != Form::Default {
        out.line(&match &config.file {
            Some(file) => format!("Using {} as config file", file.display()),
            None => "No config file found; using defaults".to_owned(),
        });
    }
    match form {
        Form::Default => Box::new(Console::new(out, err, sources, verbosity)),
        Form::Ansible => {
            let display = config.display.clone();
            Box::new(Callback::new(out, err, sources, verbosity, display))
        }
        Form::AdHoc => Box::new(AdHoc::new(out, err, sources, verbosity, false)),
        Form::OneLine => Box::new(AdHoc::new(out, err, sources, verbosity, true)),
    }
}

/// The log that the configuration wants (`log_path`), in Ansible's form.
fn log(config: &Config, sources: &SourceMap, verbosity: u8) -> Result<Option<Box<dyn Output>>> {
    let Some(path) = &config.log_path else {
        return Ok(None);
    };
    let log = Log::open(path).map_err(|e| Diag::io("write the log", path, &e))?;
    let (out, err) = log
        .screens()
        .map_err(|e| Diag::io("write the log", path, &e))?;
    let callback = Callback::new(out, err, sources.clone(), verbosity, config.display.clone());
    Ok(Some(Box::new(callback)))
}

pub(super) fn complain(diag: &Diag) {
    let mut screen = Screen::stderr();
    let text = render(diag, &SourceMap::default(), screen.colour);
    screen.line(&text);
}

fn unknown(kind: &str) -> Box<Diag> {
    const KINDS: [&str; 5] = ["default", "ansible", "json", "github", "junit=FILE"];
    Diag::error("unknown-output", format!("there is no output `{kind}`"))
        .help(format!("one of: {}", KINDS.join(", ")))
        .exit(Exit::Usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_checked() {
        let open = |kinds: &[&str]| {
            let show = Show {
                output: kinds.iter().map(|k| (*k).to_owned()).collect(),
            };
            show.open(
                Form::Default,
                &Config::default(),
                0,
                &SourceMap::default(),
                Secrets::default(),
            )
            .err()
        };
        assert!(open(&[]).is_none());
        assert!(open(&["json", "junit=x.xml"]).is_none());
        assert!(open(&["json,github"]).is_none());
        for wrong in ["jsno", "junit", "json=x"] {
            assert_eq!(open(&[wrong]).unwrap().exit, Exit::Usage);
        }
    }
}
