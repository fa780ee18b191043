//! Saved plans: `gxdeploy plan -o FILE`, `gxdeploy apply FILE` and `gxdeploy show FILE`.

use super::apply::{PlanArgs, Playbooks};
use super::resume::without_values;
use super::show::{Form, complain};
use crate::diag::{Diag, Exit, Result, SourceMap};
use crate::exec::record::{self, Head};
use crate::exec::saved::{Saved, is_plan};
use crate::exec::{self, Drawn, Held, PlanFile};
use crate::output::{Console, Event, Output, Screen, Secrets};
use serde_json::{Value as Json, json};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A plan that will be written to a file.
pub(super) struct Writing {
    file: PathBuf,
    drawn: Drawn,
    sources: SourceMap,
}

impl Writing {
    /// Has a run note what it plans.
    ///
    /// # Errors
    /// `plan-exists`: the file is something else. Those of `-e`.
    pub fn begin(file: &Path, words: Vec<String>, options: &mut exec::Options) -> Result<Writing> {
        let other = file.metadata().is_ok_and(|meta| meta.len() > 0) && !is_plan(file);
        if other {
            let message = format!("{} is there, and is no plan", file.display());
            return Err(Diag::error("plan-exists", message).help("name another file"));
        }
        let given = Secrets::default();
        let kept = exec::without_secrets(&options.extra_vars, &given)?;
        let saved = Saved {
            dir: std::env::current_dir().unwrap_or_default(),
            words: without_values(words),
            extra_vars: kept.words,
            withheld: kept.withheld,
            ..Saved::default()
        };
        let drawn = Drawn::new(saved, &options.secrets, given);
        options.sources.note_files();
        options.saved = Some(PlanFile::Made(drawn.clone()));
        Ok(Writing {
            file: file.to_owned(),
            drawn,
            sources: options.sources.clone(),
        })
    }

    /// Writes it, unless the run has failed.
    ///
    /// # Errors
    /// `io`.
    pub fn end(self, exit: Exit) -> Result<Exit> {
        let file = self.file.display();
        let Some(saved) = self.drawn.done(&self.sources) else {
            let message = format!("no plan was written to {file}, since planning failed");
            complain(&Diag::warning("no-plan", message));
            return Ok(exit);
        };
        saved.write(&self.file)?;
        let word = shell_words::quote(self.file.to_str().unwrap_or_default()).into_owned();
        let mut text = format!("Plan written to {file}: `gxdeploy apply {word}` does exactly that");
        if !saved.withheld.is_empty() {
            let names = saved.withheld.join(", ");
            text += &format!("\nNot in it, and to be given again with -e: {names}");
        }
        Screen::stderr().line(&text);
        Ok(exit)
    }
}

/// The plan among what `apply` was given.
///
/// # Errors
/// `plan-alone`: there is something else beside it.
pub(super) fn among(files: &[PathBuf]) -> Result<Option<&Path>> {
    match files {
        [file] => Ok(is_plan(file).then_some(file)),
        _ => match files.iter().find(|file| is_plan(file)) {
            Some(file) => {
                let message = format!("{} is a plan, and is applied alone", file.display());
                Err(Diag::error("plan-alone", message).exit(Exit::Usage))
            }
            None => Ok(None),
        },
    }
}

/// Carries out a plan. `again`: it was begun before, and is gone on with.
///
/// # Errors
/// What keeps it from being carried out: `plan-applied`, `plan-stale`, `plan-fixed`, those of
/// reading it.
pub(super) fn apply(
    given: &Playbooks,
    file: &Path,
    again: bool,
    begin: impl FnOnce(&mut exec::Options) -> Result<()>,
) -> Result<Exit> {
    let saved = Saved::read(file)?;
    if !again {
        refuse_second(&saved)?;
    }
    std::env::set_current_dir(&saved.dir).map_err(|e| Diag::io("enter", &saved.dir, &e))?;
    saved.check_files()?;
    let words = saved.words.iter().map(OsString::from).collect();
    let Ok(planned) = super::usage::parse::<PlanArgs>("gxdeploy plan", words) else {
        // The message is printed already.
        return Ok(Exit::Usage);
    };
    let mut playbooks = planned.playbooks;
    playbooks.take(given, &saved.extra_vars)?;
    let plan = PlanFile::Applied(Arc::new(Held::new(saved)));
    playbooks.run(Form::Default, |options| {
        options.sources.note_files();
        options.saved = Some(plan);
        begin(options)
    })
}

/// The run that has begun to apply a plan.
fn begun(saved: &Saved) -> Result<Option<Head>> {
    let heads = record::all()?;
    let same = |head: &Head| head.plan.as_deref() == Some(saved.id.as_str());
    Ok(heads.into_iter().find(same))
}

fn refuse_second(saved: &Saved) -> Result<()> {
    // Without records the hosts tell.
    let Ok(Some(head)) = begun(saved) else {
        return Ok(());
    };
    let (what, help) = match head.exit {
        Some(0) => ("was applied by", "make a new plan".to_owned()),
        _ => (
            "was begun by",
            format!(
                "`gxdeploy resume {}` goes on with it; or make a new plan",
                head.id
            ),
        ),
    };
    let message = format!("this plan {what} run {}", head.id);
    Err(Diag::error("plan-applied", message).help(help))
}

/// Shows a plan as it was shown when it was made.
///
/// # Errors
/// Those of reading it.
pub(super) fn show(file: &Path, as_json: bool) -> Result<Exit> {
    let saved = Saved::read(file)?;
    if as_json {
        Screen::stdout().line(&whole(&saved).to_string());
        return Ok(Exit::Ok);
    }
    let mut text = format!(
        "Plan of {}\n  in {}: gxdeploy plan {}",
        super::runs::when(saved.made),
        saved.dir.display(),
        shell_words::join(&saved.words)
    );
    if !saved.withheld.is_empty() {
        text += &format!("\n  -e: {} to be given again", saved.withheld.join(", "));
    }
    if let Ok(Some(head)) = begun(&saved) {
        text += &format!("\n  applied by run {}", head.id);
    }
    Screen::stdout().line(&text);
    let sources = SourceMap::default();
    let mut console = Console::new(Screen::stdout(), Screen::stderr(), sources, 0);
    saved.events.iter().for_each(|event| console.event(event));
    Ok(Exit::Ok)
}

fn whole(saved: &Saved) -> Json {
    let steps = saved.steps.iter().map(|step| {
        let acts = step.does.acts().map(|act| act.text.as_str());
        json!({
            "host": step.host,
            "step": step.key,
            "operations": acts.collect::<Vec<_>>(),
            "presumed": step.does.presumed,
        })
    });
    let counts = saved.events.iter().find_map(|event| match event {
        Event::RunEnded { plan, .. } => Some(plan),
        _ => None,
    });
    json!({
        "plan": saved.id,
        "made": saved.made,
        "dir": saved.dir,
        "options": saved.words,
        "extra_vars": saved.extra_vars,
        "withheld": saved.withheld,
        "hosts": saved.hosts,
        "files": saved.files.keys().map(|file| saved.shown(file)).collect::<Vec<_>>(),
        "counts": counts,
        "steps": steps.collect::<Vec<_>>(),
        "events": saved.events.iter().map(Event::to_json).collect::<Vec<_>>(),
    })
}
