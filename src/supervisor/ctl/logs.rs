//! `tail` and `maintail`.

use super::commands::{Done, Session};
use super::server::Failure;
use crate::supervisor::config::kinds::integer;
use crate::supervisor::rpc::fault::code;
use crate::value::Value;

/// How many bytes are shown where nobody says.
const TAIL: i64 = 1600;

/// The part of a log that is asked for.
#[derive(Debug, PartialEq)]
enum Part {
    Last(i64),
    Followed,
}

/// `-f`, `-100`.
fn part(word: &str) -> Option<Part> {
    match word.strip_prefix('-')? {
        "f" => Some(Part::Followed),
        number => {
            let number = integer(number).ok()?;
            // No more goes into an int of XML-RPC.
            Some(Part::Last(i32::try_from(number).ok()?.into()))
        }
    }
}

impl Session {
    fn too(&mut self, what: &str, command: &str) -> Done {
        self.refuse(&format!("Error: too {what} arguments"));
        self.help(command);
        Ok(())
    }

    pub(super) fn tail(&mut self, words: &[&str]) -> Done {
        if words.is_empty() {
            return self.too("few", "tail");
        }
        if words.len() > 3 {
            return self.too("many", "tail");
        }
        let (modifier, rest) = match words {
            [first, rest @ ..] if first.starts_with('-') => (Some(*first), rest),
            all => (None, all),
        };
        let (name, channel) = match rest {
            [name] => (*name, "stdout"),
            [] => {
                self.refuse("Error: tail requires process name");
                return Ok(());
            }
            // What is between is passed over (observed: 4.3.0).
            [name, .., channel] => match channel.to_lowercase().as_str() {
                "stdout" => (*name, "stdout"),
                "stderr" => (*name, "stderr"),
                channel => {
                    self.refuse(&format!("Error: bad channel '{channel}'"));
                    return Ok(());
                }
            },
        };
        let Some(wanted) = modifier.map_or(Some(Part::Last(TAIL)), part) else {
            let modifier = modifier.unwrap_or_default();
            self.refuse(&format!("Error: bad argument {modifier}"));
            return Ok(());
        };
        match wanted {
            Part::Followed => self.follow(&format!("/logtail/{name}/{channel}")),
            Part::Last(bytes) => {
                let method = match channel {
                    "stderr" => "readProcessStderrLog",
                    _ => "readProcessStdoutLog",
                };
                self.last(method, name, &[name.into(), (-bytes).into(), 0.into()])
            }
        }
    }

    pub(super) fn maintail(&mut self, words: &[&str]) -> Done {
        let wanted = match words {
            [] => Part::Last(TAIL),
            [word] => match part(word) {
                Some(wanted) => wanted,
                None => {
                    self.refuse(&format!("Error: bad argument {word}"));
                    return Ok(());
                }
            },
            _ => return self.too("many", "maintail"),
        };
        match wanted {
            Part::Followed => self.follow("/mainlogtail"),
            Part::Last(bytes) => self.last("readLog", "supervisord", &[(-bytes).into(), 0.into()]),
        }
    }

    /// The end of a log; `about` is whose it is.
    fn last(&mut self, method: &str, about: &str, params: &[Value]) -> Done {
        match self.server.call(&format!("supervisor.{method}"), params) {
            Ok(part) => self.say(part.as_str().unwrap_or_default()),
            Err(Failure::Fault(fault)) => {
                let why = match fault.code {
                    code::NO_FILE => "no log file",
                    code::BAD_NAME => "no such process name",
                    _ => "unknown error reading log",
                };
                self.refuse(&format!("{about}: ERROR ({why})"));
            }
            Err(other) => return Err(other),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts() {
        assert_eq!(part("-f"), Some(Part::Followed));
        assert_eq!(part("-100"), Some(Part::Last(100)));
        assert_eq!(part("-1_0"), Some(Part::Last(10)));
        assert_eq!(part("-99999999999"), None);
        assert_eq!((part("-x"), part("x"), part("-")), (None, None, None));
    }
}
