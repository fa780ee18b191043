//! The HTTP servers: calls and followed logs, over Unix sockets and TCP.

use super::clients::Busy;
use super::config::Server;
use super::group::Shared;
use super::rpc::{methods, xml};
use base64::Engine as _;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Frame, Incoming};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use std::cell::Cell;
use std::convert::Infallible;
use std::path::PathBuf;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;

/// No call is larger.
const MAX_BODY: usize = 8 << 20;
/// No more is read of the body of a request that is refused.
const UNREAD: usize = 64 << 10;
/// A followed log starts so many bytes back.
const TAIL: i64 = 1024;
/// How often a followed log is looked at, only while somebody follows it.
const FOLLOW_EVERY: Duration = Duration::from_millis(250);

pub(super) type Reply = Response<UnsyncBoxBody<Bytes, Infallible>>;
type Login = Rc<Option<(String, String)>>;

/// Serves one connection until the client goes.
pub fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin + 'static,
    shared: &Shared,
    server: &Server,
) {
    let login: Login = Rc::new(server.login.clone());
    let clients = {
        let sup = shared.borrow();
        if !sup.clients.make_room(&sup.log) {
            return;
        }
        sup.clients.clone()
    };
    let busy = Rc::new(Cell::new(0));
    let counter = busy.clone();
    let shared = shared.clone();
    let service = hyper::service::service_fn(move |request| {
        let (shared, login, busy) = (shared.clone(), login.clone(), counter.clone());
        async move { Ok::<_, Infallible>(handle(request, &shared, &login, &busy).await) }
    });
    let visit = clients.visit();
    let number = visit.number();
    let patience = clients.patience();
    let task = tokio::task::spawn_local(async move {
        let _visit = visit;
        // A client that breaks off is no concern of the daemon's.
        let _ = hyper::server::conn::http1::Builder::new()
            .timer(hyper_util::rt::TokioTimer::new())
            .title_case_headers(true)
            .header_read_timeout(patience)
            .serve_connection(TokioIo::new(stream), service)
            .await;
    });
    clients.serve(number, task.abort_handle(), busy);
}

async fn handle(
    request: Request<Incoming>,
    shared: &Shared,
    login: &Login,
    busy: &Rc<Cell<u32>>,
) -> Reply {
    let patience = shared.borrow().clients.patience();
    if !allowed(&request, login) {
        // A client that is still sending would see a broken connection instead of the answer.
        let _ = body(request.into_body(), UNREAD, patience).await;
        let mut reply = error(StatusCode::UNAUTHORIZED);
        let realm = hyper::header::HeaderValue::from_static("Basic realm=\"default\"");
        reply
            .headers_mut()
            .insert(hyper::header::WWW_AUTHENTICATE, realm);
        return reply;
    }
    let path = request.uri().path().to_owned();
    if path.starts_with("/RPC2") {
        return call(request, shared, busy, patience).await;
    }
    let followed = path.starts_with("/mainlogtail") || path.starts_with("/logtail/");
    if followed && !matches!(*request.method(), Method::GET | Method::HEAD) {
        return error(StatusCode::BAD_REQUEST);
    }
    if path.starts_with("/mainlogtail") {
        let file = shared.borrow().log.with_file(|f| f.path().to_path_buf());
        return follow(file, busy);
    }
    if let Some(name) = path.strip_prefix("/logtail/") {
        return follow(log_of(shared, name), busy);
    }
    if path == "/metrics" {
        let page = super::metrics::page(&shared.borrow());
        return reply(
            StatusCode::OK,
            "text/plain; version=0.0.4",
            page.into_bytes(),
        );
    }
    if path == "/ok.html" {
        return reply(StatusCode::OK, "text/html", "OK".into());
    }
    let unknown = match *request.method() {
        Method::GET | Method::HEAD => StatusCode::NOT_FOUND,
        _ => StatusCode::BAD_REQUEST,
    };
    let page = super::web::page(request, shared).await;
    page.unwrap_or_else(|| error(unknown))
}

async fn call(
    request: Request<Incoming>,
    shared: &Shared,
    busy: &Rc<Cell<u32>>,
    patience: Duration,
) -> Reply {
    if request.method() != Method::POST {
        return error(StatusCode::BAD_REQUEST);
    }
    if request
        .headers()
        .get(hyper::header::CONTENT_LENGTH)
        .is_none()
    {
        return error(StatusCode::LENGTH_REQUIRED);
    }
    let body = match body(request.into_body(), MAX_BODY, patience).await {
        Ok(body) => body,
        Err(status) => return error(status),
    };
    let Ok(call) = xml::decode_call(&body) else {
        return error(StatusCode::BAD_REQUEST);
    };
    let _busy = Busy::begin(busy);
    let answer = xml::encode_response(&methods::answer(shared, &call).await);
    if answer.len() > super::memory::LARGE {
        shared.borrow_mut().settle();
    }
    reply(StatusCode::OK, "text/xml", answer)
}

/// A request's body of at most so many bytes, all of which arrive within `patience`.
///
/// # Errors
/// The status for one that is larger, takes too long, or breaks off.
pub(super) async fn body(
    body: Incoming,
    most: usize,
    patience: Duration,
) -> Result<Bytes, StatusCode> {
    if body.size_hint().lower() > most as u64 {
        return Err(StatusCode::PAYLOAD_TOO_LARGE);
    }
    let whole = tokio::time::timeout(patience, Limited::new(body, most).collect()).await;
    match whole {
        Ok(Ok(whole)) => Ok(whole.to_bytes()),
        Ok(Err(e)) if e.is::<LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

fn allowed(request: &Request<Incoming>, login: &Login) -> bool {
    let Some((username, password)) = login.as_ref() else {
        return true;
    };
    let given = request.headers().get(hyper::header::AUTHORIZATION);
    let given = given.and_then(|h| h.to_str().ok());
    let given = given
        .and_then(|h| h.split_once(' '))
        .filter(|(kind, _)| kind.eq_ignore_ascii_case("basic"));
    let engine = base64::engine::general_purpose::STANDARD;
    let given = given.and_then(|(_, packed)| engine.decode(packed.trim()).ok());
    let given = given.and_then(|bytes| String::from_utf8(bytes).ok());
    let Some((user, pass)) = given.as_deref().and_then(|g| g.split_once(':')) else {
        return false;
    };
    let right = match password.strip_prefix("{SHA}") {
        Some(digest) => same(digest.to_lowercase().as_bytes(), sha1_hex(pass).as_bytes()),
        None => same(password.as_bytes(), pass.as_bytes()),
    };
    same(username.as_bytes(), user.as_bytes()) & right
}

fn sha1_hex(text: &str) -> String {
    use sha1::Digest as _;
    let digest = sha1::Sha1::digest(text.as_bytes());
    digest.iter().map(|b| format!("{b:02x}")).collect()
}

/// Equality that takes as long for a wrong start as for a wrong end.
fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |acc, (x, y)| acc | (x ^ y)) == 0
}

pub(super) fn reply(status: StatusCode, kind: &'static str, body: Vec<u8>) -> Reply {
    let mut reply = Response::new(Full::new(Bytes::from(body)).boxed_unsync());
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    let value = hyper::header::HeaderValue::from_static;
    headers.insert(hyper::header::SERVER, value("Medusa/1.12"));
    headers.insert(hyper::header::CONTENT_TYPE, value(kind));
    reply
}

/// Sends the client elsewhere.
pub(super) fn redirect(status: StatusCode, to: &str) -> Reply {
    let mut reply = reply(status, "text/html", Vec::new());
    // What no header can hold goes to the start page.
    let to = hyper::header::HeaderValue::from_str(to)
        .unwrap_or(hyper::header::HeaderValue::from_static("/"));
    reply.headers_mut().insert(hyper::header::LOCATION, to);
    reply
}

pub(super) fn error(status: StatusCode) -> Reply {
    let text = format!(
        "<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n<h1>Error response</h1>\r\n<p>Error code {}.\r\n<p>Message: {}.\r\n</body>\r\n",
        status.as_u16(),
        status.canonical_reason().unwrap_or_default()
    );
    reply(status, "text/html", text.into_bytes())
}

fn log_of(shared: &Shared, rest: &str) -> Option<PathBuf> {
    let (name, channel) = match rest.split_once('/') {
        Some((name, channel)) => (name, channel),
        None => (rest, "stdout"),
    };
    let name = name.replace("%3A", ":").replace("%3a", ":");
    let sup = shared.borrow();
    let (group, Some(n)) = sup.find(&name)? else {
        return None;
    };
    let running = &sup.groups[group].procs[n];
    let log = match channel {
        "stdout" => running.stdout.as_ref(),
        "stderr" => running.stderr.as_ref(),
        _ => None,
    };
    log.map(|l| l.borrow().path().to_path_buf())
}

/// A body that arrives piece by piece.
struct Pieces(mpsc::Receiver<Bytes>);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(cx).map(|b| b.map(|b| Ok(Frame::data(b))))
    }
}

fn follow(file: Option<PathBuf>, busy: &Rc<Cell<u32>>) -> Reply {
    let Some(file) = file.filter(|f| f.exists()) else {
        return error(StatusCode::NOT_FOUND);
    };
    let (to, pieces) = mpsc::channel(1);
    let busy = Busy::begin(busy);
    tokio::task::spawn_local(async move {
        let _busy = busy;
        let size = |file: &PathBuf| {
            let meta = std::fs::metadata(file);
            meta.map_or(0, |m| i64::try_from(m.len()).unwrap_or(i64::MAX))
        };
        let mut at = (size(&file) - TAIL).max(0);
        while !to.is_closed() {
            let end = size(&file);
            if end < at {
                at = 0;
            }
            if end > at {
                let bytes = super::logs::read(&file, at, (end - at).min(1 << 16));
                let bytes = bytes.unwrap_or_default();
                at += bytes.len() as i64;
                if to.send(bytes.into()).await.is_err() {
                    return;
                }
            } else {
                tokio::time::sleep(FOLLOW_EVERY).await;
            }
        }
    });
    let mut answer = reply(StatusCode::OK, "text/plain;charset=utf-8", Vec::new());
    *answer.body_mut() = Pieces(pieces).boxed_unsync();
    answer
}
