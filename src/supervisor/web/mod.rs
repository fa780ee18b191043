//! The web page: what runs, its logs, and buttons. Paths and actions are those of supervisor 4.3.0
//! (observed); looks, live state and the guard against cross-site requests are not.

mod actions;
mod guard;
mod view;

use super::group::Shared;
use super::http::{Reply, error, redirect, reply};
use hyper::body::Incoming;
use hyper::{Method, Request, StatusCode};
use std::collections::HashMap;

/// No form is larger.
const MAX_FORM: usize = 1 << 16;
/// How much of a log `/tail.html` shows where it is not told.
const TAIL: i64 = 1024;

/// The parameters of a query or a form.
pub(super) type Params = HashMap<String, String>;

/// Answers a request for a page; `None` if there is no such page.
pub(super) async fn page(request: Request<Incoming>, shared: &Shared) -> Option<Reply> {
    let path = request.uri().path().to_owned();
    match path.as_str() {
        "/" | "/index.html" => Some(index(request, shared).await),
        "/tail.html" => Some(tail(&query(&request), shared).await),
        "/stylesheets/supervisor.css" => Some(fixed("text/css", view::STYLE)),
        "/live.js" => Some(fixed("text/javascript", view::SCRIPT)),
        _ => None,
    }
}

async fn index(request: Request<Incoming>, shared: &Shared) -> Reply {
    let head = guard::Head::of(&request);
    let mut params = query(&request);
    if request.method() == Method::POST {
        let patience = shared.borrow().clients.patience();
        match super::http::body(request.into_body(), MAX_FORM, patience).await {
            Ok(body) => params.extend(decode(&body)),
            Err(status) => return error(status),
        }
    }
    let Some(action) = params.get("action") else {
        return html(view::index(shared, &params).await);
    };
    let Some(action) = actions::Action::parse(action, params.get("processname")) else {
        return error(StatusCode::INTERNAL_SERVER_ERROR);
    };
    if !head.may_act(params.get("token").map(String::as_str)) {
        return match head.is_form() {
            true => error(StatusCode::FORBIDDEN),
            // A link, perhaps another site's: only a click on this page's own button counts.
            false => html(view::confirm(&action)),
        };
    }
    let message = actions::perform(shared, &action).await;
    let group = params.get("group").map(String::as_str).unwrap_or_default();
    redirect(
        head.after_action(),
        &format!("/?group={}&message={}", encode(group), encode(&message)),
    )
}

async fn tail(params: &Params, shared: &Shared) -> Reply {
    let limit = params.get("limit").and_then(|l| l.parse().ok());
    let name = params.get("processname").map(String::as_str);
    let channel = params.get("channel").map_or("stdout", String::as_str);
    html(
        view::tail(
            shared,
            name.unwrap_or_default(),
            channel,
            limit.unwrap_or(TAIL),
        )
        .await,
    )
}

fn html(page: String) -> Reply {
    let mut reply = reply(
        StatusCode::OK,
        "text/html; charset=utf-8",
        page.into_bytes(),
    );
    guard::protect(reply.headers_mut());
    reply
}

fn fixed(kind: &'static str, text: &str) -> Reply {
    reply(StatusCode::OK, kind, text.as_bytes().to_vec())
}

fn query(request: &Request<Incoming>) -> Params {
    decode(request.uri().query().unwrap_or_default().as_bytes())
}

/// `a=b&c=d` with percent signs and plus signs undone.
fn decode(text: &[u8]) -> Params {
    text.split(|b| *b == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut halves = pair.splitn(2, |b| *b == b'=');
            let mut half = || plain(halves.next().unwrap_or_default());
            (half(), half())
        })
        .collect()
}

fn plain(text: &[u8]) -> String {
    let hex = |b: u8| char::from(b).to_digit(16);
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(b) = text.get(at) {
        let pair = (text.get(at + 1).copied(), text.get(at + 2).copied());
        match (b, pair) {
            (b'+', _) => out.push(b' '),
            (b'%', (Some(high), Some(low))) => match (hex(high), hex(low)) {
                (Some(high), Some(low)) => {
                    out.extend(u8::try_from(high * 16 + low));
                    at += 2;
                }
                _ => out.push(b'%'),
            },
            (b, _) => out.push(*b),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// Percent-encodes everything but what every URL may hold.
fn encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, b| {
        match b {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(b));
            }
            _ => out.push_str(&format!("%{b:02X}")),
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forms_are_read() {
        let params = decode(b"action=stop&processname=gx%3Ahandler0&x&=&a=1+2%zz");
        assert_eq!(params["action"], "stop");
        assert_eq!(params["processname"], "gx:handler0");
        assert_eq!(params["x"], "");
        assert_eq!(params["a"], "1 2%zz");
    }

    proptest! {
        #[test]
        fn what_is_encoded_comes_back(text in "\\PC{0,40}") {
            let params = decode(format!("k={}", encode(&text)).as_bytes());
            prop_assert_eq!(&params["k"], &text);
        }

        #[test]
        fn any_query_is_read(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = decode(&bytes);
        }
    }
}
