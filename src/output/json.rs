//! Events as JSON, one a line, for programs.

use super::event::{Event, Output};
use serde_json::json;
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

/// Writes each event as one line: its fields, `event` for its kind and `time` in seconds since the
/// epoch.
pub struct Lines(Box<dyn Write + Send>);

impl Lines {
    /// Writes to a stream.
    pub fn new(out: impl Write + Send + 'static) -> Lines {
        Lines(Box::new(out))
    }
}

impl Output for Lines {
    fn event(&mut self, event: &Event) {
        if matches!(event, Event::Live { .. }) {
            return;
        }
        let mut line = event.to_json();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        line["time"] = json!(now.as_secs_f64());
        // A reader that is gone does not stop the run.
        let _ = writeln!(self.0, "{line}");
        let _ = self.0.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_event_is_a_line() {
        let (mut reader, writer) = std::io::pipe().unwrap();
        let mut lines = Lines::new(writer);
        lines.event(&Event::Live {
            host: "h".into(),
            line: "x".into(),
        });
        lines.event(&Event::NoHostsLeft);
        lines.event(&Event::PlayStarted {
            name: "p".into(),
            hosts: vec!["h".into()],
        });
        lines.event(&Event::Message(crate::diag::Diag::warning("w", "careful")));
        drop(lines);
        let mut text = String::new();
        std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
        let mut read: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        for line in &mut read {
            assert!(line["time"].take().as_f64().unwrap() > 1.7e9);
        }
        assert_eq!(read[0], json!({"event": "no_hosts_left", "time": null}));
        let play = json!({"event": "play_started", "name": "p", "hosts": ["h"], "time": null});
        assert_eq!(read[1], play);
        assert_eq!(
            (&read[2]["event"], &read[2]["code"]),
            (&json!("message"), &json!("w"))
        );
    }
}
