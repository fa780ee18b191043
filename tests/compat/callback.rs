//! What ansible-playbook (ansible-core 2.19.14) printed, against what we print for the same events.
//!
//! `callback/NAME.VARIANT.jsonl` holds the events of a run of `callback/NAME.yml` by the original,
//! noted by a callback plugin; `NAME.VARIANT.txt` is what its default callback printed meanwhile. A
//! digit in the variant is the number of `-v`.

use gxdeploy::diag::SourceMap;
use gxdeploy::output::{Callback, Event, Output, Screen};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/compat/callback")
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

fn printed(events: &str, verbosity: u8) -> String {
    let paper = Paper::default();
    let screens = (Screen::plain(paper.clone()), Screen::plain(std::io::sink()));
    let mut callback = Callback::new(screens.0, screens.1, SourceMap::default(), verbosity);
    for line in events.lines() {
        let event: Event = serde_json::from_str(line).unwrap();
        callback.event(&event);
    }
    let text = paper.0.lock().unwrap().clone();
    String::from_utf8(text).unwrap()
}

/// Without the number of plays, which is no part of the events. The text before the first banner
/// (versions, configuration) was not kept.
fn expected(text: &str) -> String {
    let lines = text.split_inclusive('\n');
    let kept = lines.filter(|l| !(l.contains(" plays in ") || l.contains(" play in ")));
    format!("\n{}", kept.collect::<String>())
}

#[test]
fn prints_what_the_original_prints() {
    let directory = directory();
    let mut compared = 0;
    let mut differences = String::new();
    for entry in std::fs::read_dir(&directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|e| e != "jsonl") {
            continue;
        }
        let read = |path: &Path| {
            let text = std::fs::read_to_string(path).unwrap();
            text.replace("@DIR@", &directory.to_string_lossy())
        };
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        let variant = name.rsplit_once('.').unwrap().1;
        let verbosity = match variant {
            "CDv" => 1,
            digit => digit.parse().unwrap_or(0),
        };
        let wanted = expected(&read(&path.with_extension("txt")));
        let got = printed(&read(&path), verbosity);
        if got != wanted {
            let diff = similar::TextDiff::from_lines(&wanted, &got);
            differences += &format!("{name}: - the original, + ours\n{}", diff.unified_diff());
        }
        compared += 1;
    }
    assert!(differences.is_empty(), "{differences}");
    assert!(compared >= 9, "only {compared} cases found");
}
