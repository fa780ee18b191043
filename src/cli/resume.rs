//! `gxdeploy resume`: goes on with a run that did not come to its end.

use super::apply;
use crate::diag::{Diag, Exit, Result};
use crate::exec::record;
use std::ffi::OsString;

/// Goes on with a run: with the hosts and from the tasks that were not finished
///
/// Steps that are done are not run again: what they came to is taken from the record of the run, and
/// from the journals of the hosts where this side had not heard of it any more. A step that failed
/// is run again. The options are those of the run; passwords are asked for again, and values of
/// `-e` that are no files have to be given again, since they are not written down.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  gxdeploy resume                       The last run
  gxdeploy resume 4f1 -e version=24.1   The one whose name ends so
  gxdeploy resume -- -vv --forks 20     With more options of `apply`")]
pub(super) struct Args {
    /// The run, as `gxdeploy runs` names it, or the end of its name [default: the last]
    run: Option<String>,
    /// Variables that the run had, and that are not in files; may be repeated
    #[arg(short, long = "extra-vars", value_name = "VARS")]
    extra_vars: Vec<String>,
    /// Further options of `apply`
    #[arg(last = true, value_name = "OPTIONS")]
    more: Vec<String>,
}

/// Goes on.
pub(super) fn run(args: &Args) -> Result<Exit> {
    let head = record::find(args.run.as_deref())?;
    if head.exit == Some(0) {
        let message = format!("run {} came to its end, nothing is left to do", head.id);
        return Err(Diag::error("run-ended", message).help("`gxdeploy apply` runs it anew"));
    }
    if head.runs() {
        let message = format!("run {} is still going on, as process {}", head.id, head.pid);
        return Err(Diag::error("run-goes-on", message));
    }
    std::env::set_current_dir(&head.dir).map_err(|e| Diag::io("enter", &head.dir, &e))?;
    let more = args
        .extra_vars
        .iter()
        .flat_map(|vars| ["-e", vars.as_str()]);
    let words = head.words.iter().map(String::as_str).chain(more);
    let words = words.chain(args.more.iter().map(String::as_str));
    match super::usage::parse::<apply::Args>("gxdeploy apply", words.map(OsString::from).collect())
    {
        Ok(apply) => apply::again(&apply, &head.id),
        // The message is printed already.
        Err(_) => Ok(Exit::Usage),
    }
}

/// The words of a command line without what may be secret: values of `-e`, unless they name a file.
pub(super) fn without_values(words: Vec<String>) -> Vec<String> {
    let mut kept = Vec::new();
    let mut words = words.into_iter();
    while let Some(word) = words.next() {
        let long = word.strip_prefix("--extra-vars");
        let (flags, value) = match (&long, takes_vars(&word)) {
            (Some(""), _) => (Some(String::new()), words.next()),
            (Some(value), _) => (
                Some(String::new()),
                value.strip_prefix('=').map(str::to_owned),
            ),
            (None, Some((flags, ""))) => (Some(flags), words.next()),
            (None, Some((flags, value))) => (Some(flags), Some(value.to_owned())),
            (None, None) => (None, None),
        };
        let Some(flags) = flags else {
            kept.push(word);
            continue;
        };
        if !flags.is_empty() {
            kept.push(format!("-{flags}"));
        }
        if let Some(file) = value.filter(|value| value.starts_with('@')) {
            kept.extend(["-e".to_owned(), file]);
        }
    }
    kept
}

/// Splits `-bve VALUE`: the flags before `e`, and what follows in the same word.
fn takes_vars(word: &str) -> Option<(String, &str)> {
    let letters = word
        .strip_prefix('-')
        .filter(|rest| !rest.starts_with('-'))?;
    let at = letters.find('e')?;
    let alone = |letter: char| "CDvbkKJ".contains(letter);
    let value = letters[at + 1..].trim_start_matches('=');
    letters[..at]
        .chars()
        .all(alone)
        .then(|| (letters[..at].to_owned(), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_left_out() {
        let kept = |text: &str| {
            let words = text.split_whitespace().map(str::to_owned).collect();
            without_values(words).join(" ")
        };
        assert_eq!(kept("-i h -e pw=x site.yml"), "-i h site.yml");
        assert_eq!(kept("-bve pw=x -epw=y -e @f.yml p"), "-bv -e @f.yml p");
        assert_eq!(kept("--extra-vars pw=x --extra-vars=@f -b p"), "-e @f -b p");
        assert_eq!(
            kept("-u me -l web --private-key k"),
            "-u me -l web --private-key k"
        );
    }
}
