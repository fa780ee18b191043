//! What ansible-playbook (ansible-core 2.19.14) printed, against what we print for the same events.
//!
//! `callback/NAME.VARIANT.jsonl` holds the events of a run of `callback/NAME.yml` by the original,
//! noted by a callback plugin; `NAME.VARIANT.txt` is what its default callback printed meanwhile. A
//! digit in the variant is the number of `-v`.

use gxdeploy::config::Display;
use gxdeploy::diag::SourceMap;
use gxdeploy::output::{AdHoc, Callback, Event, Output, Screen};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

fn directory(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/compat")
        .join(name)
}

#[derive(Clone, Default)]
struct Paper(Arc<Mutex<Vec<u8>>>);

impl Write for Paper {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn printed(events: &str, output: impl FnOnce(Screen, Screen) -> Box<dyn Output>) -> String {
    let paper = Paper::default();
    let mut output = output(Screen::plain(paper.clone()), Screen::plain(std::io::sink()));
    for line in events.lines() {
        let event = event(line);
        output.event(&event);
    }
    let text = paper.0.lock().unwrap().clone();
    String::from_utf8(text).unwrap()
}

/// Compares all recordings of a directory; `print` gets the events and the name of each.
fn compare(
    directory: &Path,
    least: usize,
    kept: fn(&str) -> bool,
    print: impl Fn(&str, &str) -> String,
) {
    let mut compared = 0;
    let mut differences = String::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "jsonl") {
            continue;
        }
        let read = |path: &Path| {
            let text = std::fs::read_to_string(path).unwrap();
            text.replace("@DIR@", &directory.to_string_lossy())
        };
        let lines = |text: &str| {
            text.split_inclusive('\n')
                .filter(|l| kept(l))
                .collect::<String>()
        };
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let wanted = lines(&read(&path.with_extension("txt")));
        let got = lines(&print(&read(&path), &name));
        if got != wanted {
            let diff = similar::TextDiff::from_lines(&wanted, &got);
            differences += &format!("{name}: - the original, + ours\n{}", diff.unified_diff());
        }
        compared += 1;
    }
    assert!(differences.is_empty(), "{differences}");
    assert!(compared >= least, "only {compared} cases found");
}

/// The number of plays is no part of the events. The text before the first banner (versions,
/// configuration) was not kept.
#[test]
fn playbooks_print_what_the_original_prints() {
    let kept = |line: &str| !(line.contains(" plays in ") || line.contains(" play in "));
    compare(&directory("callback"), 9, kept, |events, name| {
        let verbosity = match name.rsplit_once('.').unwrap().1 {
            "CDv" => 1,
            digit => digit.parse().unwrap_or(0),
        };
        let text = printed(events, |out, err| {
            Box::new(Callback::new(
                out,
                err,
                SourceMap::default(),
                verbosity,
                Display::default(),
            ))
        });
        text.trim_start_matches('\n').to_owned()
    });
}

/// The original also shows its inner form of the task after an error.
#[test]
fn single_modules_print_what_the_original_prints() {
    let kept = |line: &str| {
        let inner = line.starts_with("Origin: <adhoc") || line.starts_with("{'action':");
        !inner && !line.trim().is_empty()
    };
    compare(&directory("adhoc"), 12, kept, |events, name| {
        printed(events, |out, err| {
            let one_line = name.ends_with(".one");
            Box::new(AdHoc::new(out, err, SourceMap::default(), 0, one_line))
        })
    });
}

/// An event as it was written down: its fields, and its kind as `event`.
fn event(line: &str) -> Event {
    let mut fields: serde_json::Value = serde_json::from_str(line).unwrap();
    let kind = fields
        .as_object_mut()
        .unwrap()
        .shift_remove("event")
        .unwrap();
    let kind = kind.as_str().unwrap();
    let named = match kind {
        "no_hosts" | "no_hosts_left" => serde_json::json!(kind),
        _ => serde_json::json!({ kind: fields }),
    };
    serde_json::from_value(named).unwrap()
}
