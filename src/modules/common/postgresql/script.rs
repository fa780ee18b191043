//! What is given to psql, and what it says to that.

use super::sql;
use crate::sys::Output;

/// Statements, one a line: the number of the line tells which of them failed.
#[derive(Clone, Debug, Default)]
pub struct Script {
    lines: Vec<String>,
}

impl Script {
    /// Adds a statement of our own, on one line, in which all that comes from elsewhere is quoted.
    pub fn ask(&mut self, statement: &str) {
        self.lines.push(format!("{statement};"));
    }

    /// Adds a text that goes to the server as it is (one statement, or several in one message):
    /// psql looks neither for its own commands nor for variables in it.
    pub fn run(&mut self, text: &str) {
        self.lines
            .push(format!("SELECT {} \\gexec", sql::literal(text)));
    }

    /// How many lines there are.
    pub fn size(&self) -> usize {
        self.lines.len()
    }

    /// The input of psql.
    pub fn input(&self) -> Vec<u8> {
        let mut text = self.lines.join("\n");
        text.push('\n');
        text.into_bytes()
    }
}

/// Why psql stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Number of the line that failed; 0 where there was no connection.
    pub line: usize,
    /// What the server said, without its severity, ending with a line break.
    pub text: String,
}

impl Fault {
    /// The fault that psql reports, if it does.
    pub fn of(output: &Output) -> Option<Fault> {
        if output.ok() {
            return None;
        }
        let said = output.err_text();
        let at_line = |severity: &str| {
            let (before, text) = said.split_once(severity)?;
            let number = before.rsplit_once("psql:<stdin>:")?.1.strip_suffix(": ")?;
            Some((number.parse().ok()?, text))
        };
        let (line, text) = ["ERROR:  ", "FATAL:  ", "error: "]
            .into_iter()
            .find_map(at_line)
            .unwrap_or_else(|| {
                let text = said
                    .split_once("psql: error: ")
                    .map_or(said.as_str(), |(_, text)| text);
                (0, text)
            });
        let text = format!("{}\n", text.trim_end());
        Some(Fault { line, text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(rc: i32, stderr: &str) -> Option<Fault> {
        Fault::of(&Output {
            rc,
            stderr: stderr.as_bytes().to_vec(),
            ..Output::default()
        })
    }

    #[test]
    fn the_line_that_failed_is_known() {
        let said =
            "psql:<stdin>:1: NOTICE:  x\npsql:<stdin>:3: ERROR:  role \"a\" does not exist\n";
        let expected = Fault {
            line: 3,
            text: "role \"a\" does not exist\n".to_owned(),
        };
        assert_eq!(fault(3, said), Some(expected));
        let said = "psql: error: connection to server failed: no\n\tIs it running?\n";
        let expected = Fault {
            line: 0,
            text: "connection to server failed: no\n\tIs it running?\n".to_owned(),
        };
        assert_eq!(fault(2, said), Some(expected));
        assert_eq!(fault(0, "psql:<stdin>:1: WARNING:  x\n"), None);
    }

    #[test]
    fn a_statement_is_one_line_and_none_of_psql() {
        let mut script = Script::default();
        script.ask("BEGIN");
        script.run("GRANT a TO \"b\\c\";\n\\! reboot");
        let text = String::from_utf8(script.input()).unwrap();
        assert_eq!(
            text,
            "BEGIN;\nSELECT E'GRANT a TO \"b\\\\c\";\\n\\\\! reboot' \\gexec\n"
        );
    }
}
