//! `uri`: sends a request to a web service and looks at the answer.

mod answer;
mod body;

use super::common::file_attrs::FileAttrs;
use super::common::place::{Place, is_dir, is_missing, may_be_dir, stat};
use super::common::ran;
use super::common::web::{self, Web};
use super::common::write::Rewrite;
use super::{Control, FileSearch, Kind, Module};
use crate::args::{Raw, With};
use crate::diag::{Diag, Result};
use crate::sys::{
    Algorithm, Blob, Content, Declared, Endpoint, Known, Op, Outcome, Request, Response, View,
};
use body::BodyFormat;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json, json};
use std::path::PathBuf;

/// Sends an HTTP request.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Own {
    /// `GET`, `POST` and so on.
    #[serde(default = "get")]
    method: String,
    /// What to send: text, or a dict or list that `body_format` turns into text.
    body: Option<Raw>,
    /// How a dict or list is written; it sets `Content-Type` too.
    #[serde(default)]
    body_format: BodyFormat,
    /// File whose content is the body.
    src: Option<String>,
    /// `src` is on the host.
    #[serde(default)]
    remote_src: bool,
    /// Status codes that are a success.
    #[serde(default = "ok")]
    status_code: Vec<i64>,
    /// Put the body of the answer into the result, as `content`.
    #[serde(default)]
    return_content: bool,
    /// File to put the body of the answer in; inside of a directory it is named as in the address.
    dest: Option<String>,
    /// Nothing is sent where this exists.
    creates: Option<String>,
    /// Nothing is sent where this does not exist.
    removes: Option<String>,
    /// Which redirects are followed.
    #[serde(default)]
    follow_redirects: Redirects,
    /// PEM file of the host with the authorities to trust.
    ca_path: Option<String>,
    /// Unix socket to send the request to.
    unix_socket: Option<String>,
    /// The body that the control side has read.
    #[serde(rename = "$blob", default)]
    #[schemars(skip)]
    blob: Option<Blob>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
enum Redirects {
    /// Those of GET and HEAD.
    #[default]
    Safe,
    /// All.
    #[serde(alias = "yes", alias = "true", alias = "True")]
    All,
    /// None.
    #[serde(alias = "no", alias = "false", alias = "False")]
    None,
    /// Those of GET, HEAD and POST.
    Urllib2,
}

fn get() -> String {
    "GET".to_owned()
}

fn ok() -> Vec<i64> {
    vec![200]
}

type Args = With<Own, With<Web, FileAttrs>>;

/// Seconds, where the user gives none.
const TIMEOUT: u64 = 30;

/// The module.
pub struct Uri;

impl Module for Uri {
    const NAME: &'static str = "uri";
    const FQCN: &'static str = "ansible.builtin.uri";
    type Args = Args;

    fn kind(_: &Args) -> Kind {
        Kind::Action
    }

    fn prepare(mut args: Args, control: &dyn Control) -> Result<Args> {
        let method = args.method.to_ascii_uppercase();
        if method.is_empty() || !method.bytes().all(|b| b.is_ascii_uppercase()) {
            let message = "Parameter 'method' needs to be a single word in uppercase, like GET or \
                           POST.";
            return Err(Diag::error("bad-method", message).at(control.span("method"), ""));
        }
        args.own.method = method;
        if args.src.is_some() && args.body.is_some() {
            let message = "parameters are mutually exclusive: body|src";
            return Err(Diag::error("conflicting-options", message));
        }
        if let (Some(src), false) = (&args.src, args.remote_src) {
            let bytes = control.read(&control.find(FileSearch::Files, src)?, true)?;
            args.own.blob = Some(control.blob(bytes));
        }
        Ok(args)
    }

    /// A request that only reads is sent by `result`: it changes nothing, so a dry run may send it.
    fn plan(args: &Args, view: &dyn View) -> Result<Vec<Op>> {
        if args.reads_only() || args.idle(view)?.is_some() {
            return Ok(Vec::new());
        }
        Ok(vec![args.operation(false, view)?])
    }

    fn plan_more(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Vec<Op>> {
        match done {
            [Outcome::Answered(first)] if args.shared.is_asked(first) => {
                Ok(vec![args.operation(true, view)?])
            }
            [.., Outcome::Answered(answer)] => args.store(Some(answer), view),
            [Outcome::Unknown] => args.store(None, view),
            _ => args.settle(done, view),
        }
    }

    fn result(args: &Args, view: &dyn View, done: &[Outcome]) -> Result<Json> {
        if done.is_empty()
            && let Some(why) = args.idle(view)?
        {
            let mut keys = Map::new();
            ran::set_text(&mut keys, "stdout", &why);
            return Ok(Json::Object(keys));
        }
        if view.is_check() {
            let msg = "This action (uri) does not support check mode.";
            return Ok(json!({"changed": false, "skipped": true, "msg": msg}));
        }
        let answer = match answered(done) {
            Some(answer) => Ok(Known::Known(answer.clone())),
            None if done.is_empty() => args.ask(view),
            None => Ok(Known::Unknown),
        };
        args.tell(answer, done, view)
    }
}

/// The last answer among the outcomes.
fn answered(done: &[Outcome]) -> Option<&Response> {
    done.iter().rev().find_map(|outcome| match outcome {
        Outcome::Answered(answer) => Some(answer),
        _ => None,
    })
}

/// Sending them asks a server for something and changes nothing.
fn is_safe(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS")
}

trait Exchange {
    fn reads_only(&self) -> bool;
    fn idle(&self, view: &dyn View) -> Result<Option<String>>;
    fn request(&self, asked: bool, view: &dyn View) -> Result<Request>;
    fn operation(&self, asked: bool, view: &dyn View) -> Result<Op>;
    fn ask(&self, view: &dyn View) -> Result<Known<Response>>;
    fn is_success(&self, status: i64) -> bool;
    fn dest(&self, url: &str, view: &dyn View) -> Result<Option<Place>>;
    fn store(&self, answer: Option<&Response>, view: &dyn View) -> Result<Vec<Op>>;
    fn settle(&self, done: &[Outcome], view: &dyn View) -> Result<Vec<Op>>;
}

impl Exchange for Args {
    fn reads_only(&self) -> bool {
        is_safe(&self.method) && self.dest.is_none()
    }

    /// Why nothing is sent.
    fn idle(&self, view: &dyn View) -> Result<Option<String>> {
        if let Some(path) = &self.creates {
            let place = Place::of(path, view)?;
            if stat(&place.at, view)?.is_some() {
                return Ok(Some(format!("skipped, since '{}' exists", place.shown)));
            }
        }
        if let Some(path) = &self.removes {
            let place = Place::of(path, view)?;
            if is_missing(&place.at, view)? {
                let why = format!("skipped, since '{}' does not exist", place.shown);
                return Ok(Some(why));
            }
        }
        Ok(None)
    }

    fn request(&self, asked: bool, view: &dyn View) -> Result<Request> {
        let mut request = self.shared.request(&self.method, TIMEOUT, asked, view)?;
        request.tls.authorities = web::pem(self.ca_path.as_deref(), view)?;
        request.redirects = match self.follow_redirects {
            Redirects::All => web::REDIRECTS,
            Redirects::Safe if matches!(self.method.as_str(), "GET" | "HEAD") => web::REDIRECTS,
            Redirects::Urllib2 if matches!(self.method.as_str(), "GET" | "HEAD" | "POST") => {
                web::REDIRECTS
            }
            _ => 0,
        };
        self.put_body(&mut request, view)?;
        if let Some(socket) = &self.unix_socket {
            request.endpoint = over_socket(&mut request, &Place::of(socket, view)?.at);
        }
        if !self.shared.force
            && let Some(dest) = self.dest(&self.shared.url, view)?
            && let Some(old) = stat(&dest.at, view)?.filter(|s| !s.is_dir())
        {
            web::only_newer(&mut request, &old);
        }
        Ok(request)
    }

    fn operation(&self, asked: bool, view: &dyn View) -> Result<Op> {
        let effect = if is_safe(&self.method) {
            Declared::Effects(Vec::new())
        } else {
            Declared::Opaque
        };
        let mut request = self.request(asked, view)?;
        request.may_fail = true;
        Ok(Op::Http {
            request,
            into: None,
            effect,
        })
    }

    fn ask(&self, view: &dyn View) -> Result<Known<Response>> {
        let answer = view.http(&self.request(false, view)?)?;
        match answer {
            Known::Known(first) if self.shared.is_asked(&first) => {
                view.http(&self.request(true, view)?)
            }
            answer => Ok(answer),
        }
    }

    fn is_success(&self, status: i64) -> bool {
        self.status_code.contains(&status)
    }

    /// The file for the body of an answer that came from `url`.
    fn dest(&self, url: &str, view: &dyn View) -> Result<Option<Place>> {
        let Some(dest) = &self.dest else {
            return Ok(None);
        };
        let place = Place::of(dest, view)?;
        if !is_dir(&place.at, view)? {
            return Ok(Some(place));
        }
        let name = web::file_name(url).unwrap_or_else(|| "index.html".to_owned());
        Ok(Some(place.child(&name)))
    }

    /// Puts the body in its file; `None` is an answer that only apply will bring.
    fn store(&self, answer: Option<&Response>, view: &dyn View) -> Result<Vec<Op>> {
        let url = answer.map_or(self.shared.url.as_str(), |a| a.url.as_str());
        let Some(dest) = self.dest(url, view)? else {
            return Ok(Vec::new());
        };
        let attrs = &self.shared.shared;
        let content = match answer {
            Some(answer) if answer.is_silence() || !self.is_success(answer.status.into()) => {
                return Ok(Vec::new());
            }
            Some(answer) if answer.status == 304 => return attrs.ops(&dest.at, view),
            Some(answer) => {
                let sum = Algorithm::Sha1.of(&answer.body);
                let current = view.digest(&dest.at, Algorithm::Sha1)?;
                if current == Known::Known(Some(sum)) {
                    return attrs.ops(&dest.at, view);
                }
                Content::Bytes(answer.body.as_slice().into())
            }
            None => Content::Unknown,
        };
        let dir = crate::sys::path::parent(&dest.at);
        if !may_be_dir(dir, view)? {
            let message = format!("Destination dir '{}' not writable", dir.display());
            return Err(Diag::error("no-such-directory", message).about("dest"));
        }
        let rewrite = Rewrite {
            path: &dest.at,
            attrs,
            backup: false,
            validate: None,
        };
        Ok(vec![rewrite.op(content, view)?])
    }

    /// What a written file still lacks.
    fn settle(&self, done: &[Outcome], view: &dyn View) -> Result<Vec<Op>> {
        match answered(done) {
            Some(answer) if self.is_success(answer.status.into()) => {
                match self.dest(&answer.url, view)? {
                    Some(dest) => self.shared.shared.ops(&dest.at, view),
                    None => Ok(Vec::new()),
                }
            }
            _ => Ok(Vec::new()),
        }
    }
}

/// The same request to a socket: the server's name goes into a header line.
fn over_socket(request: &mut Request, socket: &std::path::Path) -> Endpoint {
    let Endpoint::Url(url) = &request.endpoint else {
        return request.endpoint.clone();
    };
    let rest = url
        .split_once("://")
        .map_or("", |(_, rest)| rest)
        .to_owned();
    let (host, path) = match rest.find(['/', '?']) {
        Some(at) => rest.split_at(at),
        None => (rest.as_str(), ""),
    };
    let slash = if path.starts_with('/') { "" } else { "/" };
    let target = format!("{slash}{path}");
    web::set_default(request, "Host", host);
    Endpoint::Unix(PathBuf::from(socket), target)
}
