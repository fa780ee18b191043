//! Output on its way to the log, line by line: looked through for the line that says "ready", and
//! put into another form where that is asked for.

use super::config::Program;
use super::config::extra::{Check, LogFormat};
use super::watch::{Report, Reports};
use std::borrow::Cow;

/// A line is not kept waiting for its end beyond this many bytes.
const LONGEST: usize = 64 * 1024;

/// The tap of one channel of one copy.
#[derive(Debug)]
pub struct Tap {
    format: LogFormat,
    process: String,
    channel: &'static str,
    ready: Option<(fancy_regex::Regex, Reports, i32)>,
    partial: Vec<u8>,
}

impl Tap {
    /// The tap a program asks for; `None` where bytes go on as they are.
    pub fn new(
        program: &Program,
        group: &str,
        channel: &'static str,
        pid: i32,
        reports: &Reports,
    ) -> Option<Tap> {
        let ready = program.extra.ready.as_ref();
        let ready = ready.and_then(|probe| match &probe.check {
            Check::Log(pattern) => fancy_regex::Regex::new(pattern).ok(),
            _ => None,
        });
        let format = program.extra.log_format;
        if ready.is_none() && format == LogFormat::Plain {
            return None;
        }
        Some(Tap {
            format,
            process: format!("{group}:{}", program.name),
            channel,
            ready: ready.map(|r| (r, reports.clone(), pid)),
            partial: Vec::new(),
        })
    }

    /// Takes what was read and gives what is to be written.
    pub fn feed<'a>(&mut self, bytes: &'a [u8]) -> Cow<'a, [u8]> {
        let mut out = Vec::new();
        self.partial.extend_from_slice(bytes);
        let whole = std::mem::take(&mut self.partial);
        let mut rest = whole.as_slice();
        while let Some(at) = rest.iter().position(|b| *b == b'\n') {
            self.line(&rest[..at], &mut out);
            rest = &rest[at + 1..];
        }
        if rest.len() > LONGEST {
            self.line(rest, &mut out);
            rest = &[];
        }
        self.partial = rest.to_vec();
        match self.format {
            LogFormat::Plain => Cow::Borrowed(bytes),
            _ => Cow::Owned(out),
        }
    }

    /// What is left of a last line without an end.
    pub fn finish(&mut self) -> Vec<u8> {
        let mut out = Vec::new();
        let rest = std::mem::take(&mut self.partial);
        if !rest.is_empty() {
            self.line(&rest, &mut out);
        }
        out
    }

    fn line(&mut self, line: &[u8], out: &mut Vec<u8>) {
        let text = String::from_utf8_lossy(line);
        if let Some((pattern, reports, pid)) = &self.ready
            && pattern.is_match(text.as_ref()).unwrap_or(false)
        {
            // The daemon is about to end when nobody listens.
            let _ = reports.send(Report::Ready(*pid));
            self.ready = None;
        }
        match self.format {
            LogFormat::Plain => {}
            LogFormat::Timestamp => {
                out.extend_from_slice(super::mainlog::stamp().as_bytes());
                out.push(b' ');
                out.extend_from_slice(line);
                out.push(b'\n');
            }
            LogFormat::Json => {
                let json = serde_json::json!({
                    "time": super::mainlog::stamp(),
                    "process": self.process,
                    "channel": self.channel,
                    "line": text.trim_end_matches('\r'),
                });
                out.extend_from_slice(json.to_string().as_bytes());
                out.push(b'\n');
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tokio::sync::mpsc;

    fn tap(format: LogFormat, pattern: Option<&str>) -> (Tap, mpsc::UnboundedReceiver<Report>) {
        let (reports, receiver) = mpsc::unbounded_channel();
        let ready = pattern.map(|p| (fancy_regex::Regex::new(p).unwrap(), reports, 7));
        let tap = Tap {
            format,
            process: "g:p".into(),
            channel: "stdout",
            ready,
            partial: Vec::new(),
        };
        (tap, receiver)
    }

    #[test]
    fn a_line_in_two_pieces_is_one() {
        let (mut tap, mut reports) = tap(LogFormat::Json, Some("^up$"));
        assert!(tap.feed(b"u").is_empty());
        let out = tap.feed(b"p\nrest").into_owned();
        let json: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(json["line"], "up");
        assert_eq!(json["process"], "g:p");
        assert!(matches!(reports.try_recv(), Ok(Report::Ready(7))));
        let json: serde_json::Value = serde_json::from_slice(&tap.finish()).unwrap();
        assert_eq!(json["line"], "rest");
    }

    proptest! {
        #[test]
        fn no_line_is_lost_wherever_it_is_cut(
            lines in prop::collection::vec("[a-z]{0,9}", 0..20), cut in 1_usize..9,
        ) {
            let text: String = lines.iter().map(|l| format!("{l}\n")).collect();
            let (mut tap, _reports) = tap(LogFormat::Timestamp, None);
            let mut out = Vec::new();
            for piece in text.as_bytes().chunks(cut) {
                out.extend_from_slice(&tap.feed(piece));
            }
            let out = String::from_utf8(out).unwrap();
            let found: Vec<&str> = out.lines().filter_map(|l| l.splitn(3, ' ').nth(2)).collect();
            prop_assert_eq!(found, lines);
        }
    }
}
