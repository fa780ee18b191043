//! `log_path`: what is shown, in a file, each piece of text with its time and process.

use super::screen::Screen;
use crate::modules::common::local_time;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::SystemTime;

/// The file, which several runs may write to.
#[derive(Debug)]
pub struct Log {
    file: File,
    user: String,
}

impl Log {
    /// Goes on with a file, or makes it.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn open(path: &Path) -> io::Result<Log> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        let uid = nix::unistd::getuid();
        let user = nix::unistd::User::from_uid(uid).ok().flatten();
        let user = user.map_or_else(|| uid.to_string(), |user| user.name);
        Ok(Log { file, user })
    }

    /// Where texts and messages are written.
    ///
    /// # Errors
    /// What the kernel says of another descriptor.
    pub fn screens(self) -> io::Result<(Screen, Screen)> {
        let other = Log {
            file: self.file.try_clone()?,
            user: self.user.clone(),
        };
        Ok((Screen::plain(self), Screen::plain(other)))
    }

    /// A text as a record (observed: ansible-core 2.19.14).
    fn record(&self, text: &str, now: SystemTime) -> String {
        let since = now
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let at = local_time::local(since.as_secs_f64());
        let level = match text {
            text if text.starts_with("[ERROR]") => "ERROR",
            text if text.starts_with("[WARNING]") => "WARNING",
            _ => "INFO",
        };
        format!(
            "{}-{:02}-{:02} {:02}:{:02}:{:02},{:03} p={} u={} n=ansible {level}| {text}\n",
            at.year,
            at.month,
            at.day,
            at.hour,
            at.minute,
            at.second,
            since.subsec_millis(),
            std::process::id(),
            self.user,
        )
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_matches('\n');
        if !text.is_empty() {
            let record = self.record(text, SystemTime::now());
            self.file.write_all(record.as_bytes())?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_is_a_record() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let (mut out, mut err) = Log::open(&path).unwrap().screens().unwrap();
        out.line("\nTASK [a] ***");
        err.line("[WARNING]: two\nlines");
        out.line("");
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(
            lines[0].ends_with(" n=ansible INFO| TASK [a] ***"),
            "{text}"
        );
        let process = format!(" p={} u=", std::process::id());
        assert_eq!(
            lines[0].find(&process),
            Some("2026-11-24 22:40:01,050".len())
        );
        assert!(
            lines[1].ends_with(" n=ansible WARNING| [WARNING]: two"),
            "{text}"
        );
        assert_eq!(lines[2], "lines");
    }
}
