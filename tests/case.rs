//! Test cases of modules: reading them, running them, comparing. See tests/modules/README.md.

use gxdeploy::diag::{Diag, Result, SourceMap, Span};
use gxdeploy::modules::{self, Control, FileSearch, Flags, RenderOptions, StepResult};
use gxdeploy::sys::fake::{FakeHost, State};
use gxdeploy::sys::{Blob, Host, MemoryBlobs, Op, View};
use gxdeploy::value::from_json;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub name: String,
    #[serde(default)]
    pub args: Json,
    #[serde(default)]
    host: State,
    #[serde(default)]
    control: ControlState,
    #[serde(default)]
    pub diff: bool,
    #[serde(default)]
    pub expect: Expect,
    pub dry: Option<Expect>,
    #[serde(skip)]
    pub module: String,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ControlState {
    files: BTreeMap<String, String>,
    render: BTreeMap<String, Option<String>>,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expect {
    ops: Option<Vec<String>>,
    changed: Option<bool>,
    failed: Option<bool>,
    result: Option<Json>,
    error: Option<String>,
    message: Option<String>,
    files: Option<BTreeMap<String, Json>>,
}

/// All cases under `tests/modules`.
pub fn all() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/modules");
    let mut cases = Vec::new();
    for dir in entries(&root).into_iter().filter(|p| p.is_dir()) {
        let module = dir.file_name().unwrap().to_string_lossy().into_owned();
        for file in entries(&dir) {
            if file.extension().is_none_or(|e| e != "json") {
                continue;
            }
            let text = std::fs::read_to_string(&file).unwrap();
            let read: Vec<Case> =
                serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", file.display()));
            cases.extend(read.into_iter().map(|case| Case {
                module: module.clone(),
                ..case
            }));
        }
    }
    assert!(!cases.is_empty());
    cases
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    found.sort();
    found
}

/// What came of running a case.
pub struct Ran {
    pub step: StepResult,
    pub ops: Vec<Op>,
}

impl Case {
    pub fn entry(&self) -> &'static modules::Entry {
        modules::find(&self.module).unwrap_or_else(|| panic!("no module {}", self.module))
    }

    pub fn title(&self) -> String {
        format!("{}: {}", self.module, self.name)
    }

    /// True where the arguments hold something that only apply will tell.
    pub fn is_unknown(&self) -> bool {
        from_json(&self.args).find_unknown().is_some()
            || self.control.render.values().any(Option::is_none)
    }

    /// Arguments ready for the host, and the host with the contents that `prepare` named.
    pub fn ready(&self) -> Result<(Json, FakeHost)> {
        let mut host = self
            .host
            .host()
            .unwrap_or_else(|e| panic!("{}: {e}", self.title()));
        let args = match &self.args {
            Json::Null => json!({}),
            args => args.clone(),
        };
        let entry = self.entry();
        let checked = (entry.check)(&from_json(&args), &SourceMap::default())?;
        let control = TestControl {
            state: &self.control,
            blobs: RefCell::default(),
        };
        let prepared = (entry.prepare)(&checked, &control)?;
        host.blobs = control.blobs.into_inner();
        Ok((prepared, host))
    }

    pub fn run(&self, args: &Json, host: &mut dyn Host) -> StepResult {
        modules::run(
            &self.module,
            args,
            host,
            &Flags {
                diff: self.diff,
                ..Flags::default()
            },
        )
    }

    /// Runs on the fake host and compares. Says what differs.
    pub fn check(&self) -> std::result::Result<(), String> {
        match self.ready() {
            Err(diag) => self.expect.compare(&refused(diag), None),
            Ok((args, mut host)) => {
                let step = self.run(&args, &mut host);
                let ops = std::mem::take(&mut host.performed);
                self.expect.compare(&Ran { step, ops }, Some(&host))
            }
        }
    }
}

fn refused(diag: Box<Diag>) -> Ran {
    Ran {
        step: StepResult::failed(diag),
        ops: Vec::new(),
    }
}

impl Expect {
    pub fn compare(&self, ran: &Ran, view: Option<&dyn View>) -> std::result::Result<(), String> {
        let lines: Vec<String> = ran.ops.iter().map(Op::to_string).collect();
        let result = &ran.step.result;
        let code = ran.step.diag.as_ref().map(|d| d.code.as_str());
        let mut wrong = Vec::new();
        if self.ops.as_ref().is_some_and(|ops| *ops != lines) {
            wrong.push("ops");
        }
        let changed = self.changed.map(Json::from);
        if changed.is_some_and(|changed| result["changed"] != changed) {
            wrong.push("changed");
        }
        if self
            .failed
            .is_some_and(|failed| failed != ran.step.is_failed())
        {
            wrong.push("failed");
        }
        if self
            .result
            .as_ref()
            .is_some_and(|part| !covers(part, Some(result)))
        {
            wrong.push("result");
        }
        match &self.error {
            Some(error) if code != Some(error) => wrong.push("error"),
            // An error that the case does not mention.
            None if code.is_some() && self.failed != Some(true) => wrong.push("error"),
            _ => {}
        }
        if self.message.as_ref().is_some_and(|m| !says(&ran.step, m)) {
            wrong.push("message");
        }
        let mut files = self.files.iter().flatten();
        if let Some(view) = view
            && !files.all(|(path, file)| holds(view, path, file))
        {
            wrong.push("files");
        }
        if wrong.is_empty() {
            return Ok(());
        }
        let actual = json!({
            "ops": lines,
            "error": code,
            "result": result,
            "files": view.map(|view| tree(view, self.files.iter().flatten().map(|(p, _)| p))),
        });
        Err(format!("{} differ; actual: {actual:#}", wrong.join(", ")))
    }
}

fn says(step: &StepResult, text: &str) -> bool {
    step.diag.as_ref().is_some_and(|d| d.message.contains(text))
        || step.result["msg"]
            .as_str()
            .is_some_and(|m| m.contains(text))
}

/// True where `part` is contained in `whole`.
fn covers(part: &Json, whole: Option<&Json>) -> bool {
    match (part, whole) {
        (Json::String(text), None) => text == "$absent",
        (Json::String(text), Some(_)) if text == "$any" => true,
        (Json::Object(part), Some(Json::Object(whole))) => {
            part.iter().all(|(key, part)| covers(part, whole.get(key)))
        }
        (Json::Array(part), Some(Json::Array(whole))) => {
            part.len() == whole.len() && part.iter().zip(whole).all(|(p, w)| covers(p, Some(w)))
        }
        (part, whole) => whole == Some(part),
    }
}

/// The file at a path in the form of a case.
fn describe(view: &dyn View, path: &str) -> Json {
    let path = Path::new(path);
    let Some(Some(stat)) = view.lstat(path).unwrap().known() else {
        return json!("$absent");
    };
    let owner = |id: Option<u32>| id.and_then(|id| view.user_by_id(id).unwrap());
    let group = |id: Option<u32>| id.and_then(|id| view.group_by_id(id).unwrap());
    let mut file = json!({
        "mode": format!("{:04o}", stat.mode),
        "owner": owner(stat.uid).map_or(json!(stat.uid), |u| json!(u.name)),
        "group": group(stat.gid).map_or(json!(stat.gid), |g| json!(g.name)),
        "mtime": stat.mtime,
        "dir": stat.is_dir(),
    });
    if let Some(target) = &stat.target {
        file["link"] = json!(target);
    } else if let Some(Some(bytes)) = view.read(path).unwrap().known() {
        file["content"] = json!(String::from_utf8_lossy(&bytes));
    }
    file
}

fn holds(view: &dyn View, path: &str, expected: &Json) -> bool {
    let actual = describe(view, path);
    match expected {
        Json::String(text) if text == "$absent" => actual == *expected,
        Json::String(text) => actual["content"] == **text,
        Json::Null => actual["dir"] == json!(true),
        part => covers(part, Some(&actual)),
    }
}

fn tree<'a>(view: &dyn View, paths: impl Iterator<Item = &'a String>) -> Json {
    paths.map(|p| (p.clone(), describe(view, p))).collect()
}

struct TestControl<'a> {
    state: &'a ControlState,
    blobs: RefCell<MemoryBlobs>,
}

const CONTROL: &str = "/control";

impl Control for TestControl<'_> {
    fn find(&self, _: FileSearch, name: &str) -> Result<PathBuf> {
        let name = name.strip_prefix("/control/").unwrap_or(name);
        if self.state.files.keys().any(|file| {
            file == name || file.starts_with(&format!("{}/", name.trim_end_matches('/')))
        }) {
            return Ok(Path::new(CONTROL).join(name));
        }
        Err(Diag::error(
            "file-not-found",
            format!("could not find {name}"),
        ))
    }

    fn read(&self, path: &Path, _: bool) -> Result<Vec<u8>> {
        let name = path.strip_prefix(CONTROL).unwrap_or(path);
        match self.state.files.get(&name.display().to_string()) {
            Some(text) => Ok(text.clone().into_bytes()),
            None => Err(Diag::error("io", format!("cannot read {}", path.display()))),
        }
    }

    fn render(&self, _: &Path, text: &str, _: &RenderOptions) -> Result<Option<String>> {
        Ok(match self.state.render.get(text) {
            Some(rendered) => rendered.clone(),
            None => Some(text.to_owned()),
        })
    }

    fn blob(&self, bytes: Vec<u8>) -> Blob {
        self.blobs.borrow_mut().insert(bytes)
    }

    fn span(&self, _: &str) -> Span {
        Span::NONE
    }
}
