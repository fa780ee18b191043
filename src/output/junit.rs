//! A JUnit report: one suite a host, one case a task.

use super::event::{Event, Outcome, Output, Status};
use crate::diag::Diag;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event as Xml};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Collects the run and writes the file at its end.
pub struct Junit {
    path: PathBuf,
    play: String,
    suites: BTreeMap<String, Vec<Case>>,
    /// Where the user hears that the file could not be written.
    failed: Box<dyn FnMut(&Diag) + Send>,
}

struct Case {
    play: String,
    name: String,
    seconds: f64,
    status: Status,
    ignored: bool,
    message: String,
    output: String,
}

impl Junit {
    /// Writes `path` when the run ends; `failed` hears of errors.
    pub fn new(path: PathBuf, failed: impl FnMut(&Diag) + Send + 'static) -> Junit {
        Junit {
            path,
            play: String::new(),
            suites: BTreeMap::new(),
            failed: Box::new(failed),
        }
    }

    fn add(&mut self, outcome: &Outcome) {
        let text = |key: &str| outcome.result[key].as_str().unwrap_or_default();
        let role = outcome.task.role.iter().map(|role| format!("{role} : "));
        let case = Case {
            play: self.play.clone(),
            name: role.collect::<String>() + &outcome.task.name,
            seconds: outcome.duration,
            status: outcome.status,
            ignored: outcome.ignored,
            message: text("msg").to_owned(),
            output: [text("stdout"), text("stderr")]
                .join("\n")
                .trim()
                .to_owned(),
        };
        self.suites
            .entry(outcome.host.clone())
            .or_default()
            .push(case);
    }

    fn report(&self) -> std::io::Result<Vec<u8>> {
        let mut xml = Writer::new_with_indent(Vec::new(), b' ', 2);
        xml.write_event(Xml::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        xml.write_event(Xml::Start(BytesStart::new("testsuites")))?;
        for (host, cases) in &self.suites {
            suite(&mut xml, host, cases)?;
        }
        xml.write_event(Xml::End(BytesEnd::new("testsuites")))?;
        let mut bytes = xml.into_inner();
        bytes.push(b'\n');
        Ok(bytes)
    }
}

fn suite(xml: &mut Writer<Vec<u8>>, host: &str, cases: &[Case]) -> std::io::Result<()> {
    let count = |wanted: fn(&Case) -> bool| cases.iter().filter(|c| wanted(c)).count().to_string();
    let mut start = BytesStart::new("testsuite");
    start.push_attribute(("name", clean(host).as_str()));
    start.push_attribute(("tests", cases.len().to_string().as_str()));
    start.push_attribute(("failures", count(Case::is_failure).as_str()));
    start.push_attribute((
        "errors",
        count(|c| c.status == Status::Unreachable).as_str(),
    ));
    start.push_attribute(("skipped", count(|c| c.status == Status::Skipped).as_str()));
    let seconds: f64 = cases.iter().map(|c| c.seconds).sum();
    start.push_attribute(("time", format!("{seconds:.3}").as_str()));
    xml.write_event(Xml::Start(start))?;
    for case in cases {
        case.write(xml)?;
    }
    xml.write_event(Xml::End(BytesEnd::new("testsuite")))
}

impl Case {
    fn is_failure(&self) -> bool {
        self.status == Status::Failed && !self.ignored
    }

    fn write(&self, xml: &mut Writer<Vec<u8>>) -> std::io::Result<()> {
        let mut start = BytesStart::new("testcase");
        start.push_attribute(("classname", clean(&self.play).as_str()));
        start.push_attribute(("name", clean(&self.name).as_str()));
        start.push_attribute(("time", format!("{:.3}", self.seconds).as_str()));
        let inner = match self.status {
            Status::Failed if !self.ignored => Some("failure"),
            Status::Unreachable => Some("error"),
            Status::Skipped => Some("skipped"),
            _ => None,
        };
        if inner.is_none() && self.output.is_empty() {
            return xml.write_event(Xml::Empty(start));
        }
        xml.write_event(Xml::Start(start))?;
        if let Some(name) = inner {
            let mut element = BytesStart::new(name);
            if !self.message.is_empty() {
                element.push_attribute(("message", clean(&self.message).as_str()));
            }
            xml.write_event(Xml::Empty(element))?;
        }
        if !self.output.is_empty() {
            xml.write_event(Xml::Start(BytesStart::new("system-out")))?;
            xml.write_event(Xml::Text(BytesText::new(&clean(&self.output))))?;
            xml.write_event(Xml::End(BytesEnd::new("system-out")))?;
        }
        xml.write_event(Xml::End(BytesEnd::new("testcase")))
    }
}

/// Without the control characters that XML cannot hold.
fn clean(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() || matches!(c, '\n' | '\t'))
        .collect()
}

impl Output for Junit {
    fn event(&mut self, event: &Event) {
        match event {
            Event::PlayStarted { name, .. } => self.play.clone_from(name),
            Event::TaskEnded(outcome) => self.add(outcome),
            Event::RunEnded { .. } => {
                let written = self
                    .report()
                    .and_then(|bytes| std::fs::write(&self.path, bytes));
                if let Err(error) = written {
                    (self.failed)(&Diag::io("write", &self.path, &error));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::tests::outcome;
    use serde_json::json;

    #[test]
    fn suites_and_cases() {
        let mut junit = Junit::new("unused".into(), |_| {});
        junit.event(&Event::PlayStarted {
            name: "Web".into(),
            hosts: vec!["h1".into()],
        });
        let mut bad = outcome(
            "h1",
            Status::Failed,
            json!({"msg": "no <disk>", "stdout": "a\u{1b}b"}),
        );
        bad.duration = 1.5;
        junit.event(&Event::TaskEnded(outcome("h1", Status::Ok, json!({}))));
        junit.event(&Event::TaskEnded(bad));
        insta::assert_snapshot!(String::from_utf8(junit.report().unwrap()).unwrap(), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <testsuites>
          <testsuite name="h1" tests="2" failures="1" errors="0" skipped="0" time="1.500">
            <testcase classname="Web" name="task" time="0.000"/>
            <testcase classname="Web" name="task" time="1.500">
              <failure message="no &lt;disk&gt;"/>
              <system-out>ab</system-out>
            </testcase>
          </testsuite>
        </testsuites>
        "#);
    }
}
