//! Who may press a button: pages of other sites may not, in whoever's browser they are open.

use hyper::body::Incoming;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Method, Request, StatusCode};
use std::sync::OnceLock;

/// The daemon's secret in every form of its pages: another site cannot read it.
pub(super) fn token() -> &'static str {
    static TOKEN: OnceLock<String> = OnceLock::new();
    TOKEN.get_or_init(|| format!("{:032x}", rand::random::<u128>()))
}

/// What of a request's head decides.
pub(super) struct Head {
    form: bool,
    browser: bool,
    other_origin: bool,
}

impl Head {
    pub fn of(request: &Request<Incoming>) -> Head {
        Head::new(request.method() == Method::POST, request.headers())
    }

    fn new(form: bool, headers: &HeaderMap) -> Head {
        let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
        let host = text(header::HOST).unwrap_or_default();
        // Behind a proxy the scheme may differ; the host may not.
        let foreign = |origin: &str| origin.split_once("://").map(|(_, host)| host) != Some(host);
        Head {
            form,
            // Scripts that call the stock page's links, such as curl, are no browsers and hold no
            // login of their own that another site could use.
            browser: text(header::USER_AGENT).is_some_and(|agent| agent.starts_with("Mozilla/"))
                || headers.contains_key("sec-fetch-site"),
            other_origin: text(header::ORIGIN).is_some_and(foreign),
        }
    }

    /// Whether it comes from one of this daemon's pages, or from no browser at all.
    pub fn may_act(&self, given: Option<&str>) -> bool {
        if self.other_origin {
            return false;
        }
        given == Some(token()) || (!self.browser && given.is_none())
    }

    pub fn is_form(&self) -> bool {
        self.form
    }

    /// Links are answered as the stock page answers them; a form's answer is fetched with GET.
    pub fn after_action(&self) -> StatusCode {
        match self.form {
            true => StatusCode::SEE_OTHER,
            false => StatusCode::MOVED_PERMANENTLY,
        }
    }
}

/// No scripts but the page's own, no frames around it, nothing kept in caches.
pub(super) fn protect(headers: &mut HeaderMap) {
    let value = HeaderValue::from_static;
    headers.insert(
        header::CONTENT_SECURITY_POLICY,
        value(
            "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
             img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    );
    headers.insert(header::CACHE_CONTROL, value("no-store"));
    headers.insert(header::REFERRER_POLICY, value("same-origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, value("nosniff"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(form: bool, headers: &[(&'static str, &'static str)]) -> Head {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_static(value));
        }
        Head::new(form, &map)
    }

    const BROWSER: (&str, &str) = ("user-agent", "Mozilla/5.0 (X11)");

    #[test]
    fn a_browser_needs_the_token() {
        let own = [BROWSER, ("host", "h:9001"), ("origin", "http://h:9001")];
        assert!(head(true, &own).may_act(Some(token())));
        assert!(!head(true, &own).may_act(None));
        assert!(!head(true, &own).may_act(Some("guessed")));
        assert!(!head(false, &[BROWSER]).may_act(None));
    }

    #[test]
    fn another_site_may_not_even_with_the_token() {
        let other = [BROWSER, ("host", "h:9001"), ("origin", "http://evil")];
        assert!(!head(true, &other).may_act(Some(token())));
        assert!(!head(true, &[("host", "h"), ("origin", "null")]).may_act(None));
    }

    #[test]
    fn a_script_may_use_the_stock_links() {
        assert!(head(false, &[("user-agent", "curl/8.0"), ("host", "h")]).may_act(None));
        assert!(!head(false, &[("sec-fetch-site", "cross-site")]).may_act(None));
    }
}
