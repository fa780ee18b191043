//! What the result tells of an answer.

use super::super::common::file_attrs::describe;
use super::super::common::web;
use super::{Args, Exchange};
use crate::diag::Result;
use crate::sys::{Known, Outcome, Response, View};
use crate::value::unknown_json;
use serde_json::{Map, Value as Json, json};

impl Args {
    /// The result of an exchange. No answer at all is status -1, as in Ansible: playbooks wait for
    /// a service with `until: reply.status == 200`.
    pub(super) fn tell(
        &self,
        answer: Result<Known<Response>>,
        done: &[Outcome],
        view: &dyn View,
    ) -> Result<Json> {
        match answer {
            Ok(Known::Known(answer)) if self.may_differ(answer.status.into(), done, view) => {
                Ok(self.unknown())
            }
            Ok(Known::Known(answer)) if answer.is_silence() => Ok(self.unanswered(&answer.reason)),
            Ok(Known::Known(answer)) => self.told(&answer, done, view),
            Ok(Known::Unknown) => Ok(self.unknown()),
            Err(error) if error.code != "http" => Err(error),
            Err(_) if self.may_differ(-1, done, view) => Ok(self.unknown()),
            Err(error) => Ok(self.unanswered(&error.message)),
        }
    }

    /// True where a dry run got an answer that fails the step: what is planned before it may well
    /// be what makes it right.
    fn may_differ(&self, status: i64, done: &[Outcome], view: &dyn View) -> bool {
        view.is_dry() && done.is_empty() && !self.is_success(status)
    }

    fn unknown(&self) -> Json {
        let mut keys = Map::new();
        for key in ["status", "msg", "content", "json"] {
            let why = format!("{key} of the answer of {}", self.shared.shown());
            keys.insert(key.to_owned(), unknown_json(&why));
        }
        keys.insert("changed".into(), json!(false));
        keys.insert("url".into(), json!(self.shared.shown()));
        Json::Object(keys)
    }

    fn unanswered(&self, why: &str) -> Json {
        let mut keys = json!({
            "changed": false,
            "elapsed": 0,
            "redirected": false,
            "status": -1,
            "url": self.shared.shown(),
            "msg": web::refusal(why),
        });
        if !self.is_success(-1) {
            keys["failed"] = json!(true);
            keys["msg"] = json!(self.refusal(-1, &web::refusal(why)));
        }
        keys
    }

    fn refusal(&self, status: i64, message: &str) -> String {
        let wanted: Vec<String> = self.status_code.iter().map(i64::to_string).collect();
        let wanted = wanted.join(", ");
        format!("Status code was {status} and not [{wanted}]: {message}")
    }

    fn told(&self, answer: &Response, done: &[Outcome], view: &dyn View) -> Result<Json> {
        let mut keys = header_keys(answer);
        let status = i64::from(answer.status);
        let success = self.is_success(status);
        let url = web_address(
            &answer.url,
            &self.shared.shown(),
            self.unix_socket.is_some(),
        );
        if let Some(place) = self.dest(&url, view)? {
            keys.extend(describe(&place.at, view)?);
            keys.insert("path".into(), json!(place.shown));
        }
        let content = String::from_utf8_lossy(&answer.body);
        let may_be_json = is_json(answer);
        if may_be_json && let Ok(value) = serde_json::from_slice::<Json>(&answer.body) {
            keys.insert("json".into(), value);
        }
        if self.return_content {
            keys.insert("content".into(), json!(content));
        }
        if success && answer.status >= 300 && !may_be_json && !self.return_content {
            keys.insert("body".into(), json!(content));
        }
        if answer.status < 300 {
            keys.extend(cookies(answer));
        }
        let message = web::message(answer);
        keys.insert("redirected".into(), json!(url != self.shared.shown()));
        keys.insert("url".into(), json!(url));
        keys.insert("status".into(), json!(status));
        keys.insert("elapsed".into(), json!(0));
        // A file that was fetched counts as changed, whatever it held before (observed:
        // ansible-core 2.19.14).
        let fetched = success && self.dest.is_some() && answer.status != 304;
        let changed = fetched || done.contains(&Outcome::Done);
        keys.insert("changed".into(), json!(changed));
        if success {
            keys.insert("msg".into(), json!(message));
        } else {
            keys.insert("failed".into(), json!(true));
            keys.insert("msg".into(), json!(self.refusal(status, &message)));
        }
        Ok(Json::Object(keys))
    }
}

/// The address that answered; a socket's answer has none of its own.
fn web_address(answered: &str, asked: &str, is_socket: bool) -> String {
    if is_socket || answered.is_empty() {
        return asked.to_owned();
    }
    answered.to_owned()
}

fn is_json(answer: &Response) -> bool {
    let kind = answer.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    kind.ends_with("/json") || kind.ends_with("+json") || kind.ends_with("/javascript")
}

/// Header lines as keys: `Content-Type` is `content_type`; lines of one name are joined.
fn header_keys(answer: &Response) -> Map<String, Json> {
    let mut keys: Map<String, Json> = Map::new();
    for (name, value) in &answer.headers {
        let key = name.to_ascii_lowercase().replace('-', "_");
        let value = match key.as_str() {
            "location" => absolute(value, &answer.url),
            _ => value.clone(),
        };
        let joined = match keys.get(&key).and_then(Json::as_str) {
            Some(before) => format!("{before}, {value}"),
            None => value,
        };
        keys.insert(key, json!(joined));
    }
    keys
}

/// A redirect's address in full.
fn absolute(location: &str, base: &str) -> String {
    let Some((scheme, rest)) = base.split_once("://") else {
        return location.to_owned();
    };
    if location.contains("://") {
        return location.to_owned();
    }
    if location.starts_with("//") {
        return format!("{scheme}:{location}");
    }
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if location.starts_with('/') {
        return format!("{scheme}://{host}{location}");
    }
    let dir = path
        .rsplit_once('/')
        .map_or(String::new(), |(dir, _)| format!("{dir}/"));
    format!("{scheme}://{host}/{dir}{location}")
}

/// `cookies` and `cookies_string`.
fn cookies(answer: &Response) -> Map<String, Json> {
    let mut jar = Map::new();
    for (name, value) in &answer.headers {
        if name.eq_ignore_ascii_case("set-cookie")
            && let Some((cookie, value)) = value.split(';').next().and_then(|c| c.split_once('='))
        {
            jar.insert(cookie.trim().to_owned(), json!(value.trim()));
        }
    }
    let string: Vec<String> = jar
        .iter()
        .map(|(name, value)| format!("{name}={}", value.as_str().unwrap_or_default()))
        .collect();
    let mut keys = Map::new();
    keys.insert("cookies_string".into(), json!(string.join("; ")));
    keys.insert("cookies".into(), Json::Object(jar));
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_are_told_in_full() {
        let base = "http://h:1/a/b?c";
        assert_eq!(absolute("/x", base), "http://h:1/x");
        assert_eq!(absolute("x", base), "http://h:1/a/x");
        assert_eq!(absolute("//g/x", base), "http://g/x");
        assert_eq!(absolute("https://g/", base), "https://g/");
        assert_eq!(absolute("x", "http://h"), "http://h/x");
    }
}
