//! Commands about the daemon as a whole: which one, its version, its configuration, its end.

use super::commands::{Done, Session, full};
use super::input;
use crate::value::Value;

impl Session {
    /// Whether a command that takes no words has none; else it says so.
    pub(super) fn alone(&mut self, command: &str, words: &[&str]) -> bool {
        if !words.is_empty() {
            self.refuse(&format!("Error: {command} accepts no arguments"));
            self.help(command);
        }
        words.is_empty()
    }

    pub(super) fn version(&mut self, words: &[&str]) -> Done {
        if self.alone("version", words) {
            let version = self.server.call("supervisor.getSupervisorVersion", &[])?;
            self.say(version.as_str().unwrap_or_default());
        }
        Ok(())
    }

    pub(super) fn avail(&mut self, words: &[&str]) -> Done {
        if !self.alone("avail", words) {
            return Ok(());
        }
        let all = self.server.call("supervisor.getAllConfigInfo", &[])?;
        for info in all.as_list().unwrap_or_default() {
            let yes = |key: &str| info.get(key).is_some_and(Value::truthy);
            let number = |key: &str| info.get(key).map(Value::to_text).unwrap_or_default();
            self.say(&format!(
                "{:32} {:9} {:9} {}:{}",
                full(info),
                if yes("inuse") { "in use" } else { "avail" },
                if yes("autostart") { "auto" } else { "manual" },
                number("group_prio"),
                number("process_prio"),
            ));
        }
        Ok(())
    }

    /// Speaks to another daemon from now on.
    pub(super) fn open(&mut self, words: &[&str]) -> Done {
        let url = words.join(" ");
        let known = url.starts_with("http://") || url.starts_with("unix://");
        if !known {
            self.refuse("ERROR: url must be http:// or unix://");
            return Ok(());
        }
        self.server = self.server.elsewhere(&url);
        self.one("status");
        // Opening it has worked, whatever runs there (as in supervisorctl 4.3.0).
        self.code = 0;
        Ok(())
    }

    /// In a shell somebody is asked first.
    fn sure(&self, question: &str) -> bool {
        if !self.interactive {
            return true;
        }
        self.say_bare(&format!("{question} y/N? "));
        input::line().is_some_and(|answer| answer.trim_start().to_lowercase().starts_with('y'))
    }

    pub(super) fn shutdown(&mut self, words: &[&str]) -> Done {
        if self.alone("shutdown", words)
            && self.sure("Really shut the remote supervisord process down")
        {
            self.server.call("supervisor.shutdown", &[])?;
            self.say("Shut down");
        }
        Ok(())
    }

    pub(super) fn reload(&mut self, words: &[&str]) -> Done {
        if self.alone("reload", words) && self.sure("Really restart the remote supervisord process")
        {
            self.server.call("supervisor.restart", &[])?;
            self.say("Restarted supervisord");
        }
        Ok(())
    }
}
