//! The daemon: where it listens, and what it runs.

use super::Args;
use crate::diag::{Diag, Result};
use crate::supervisor::rpc::client;
use crate::sys::{Endpoint, Known, Request, View};
use crate::value::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where the configuration is looked for, in supervisor's order.
const CONFIGS: [&str; 2] = ["/etc/supervisord.conf", "/etc/supervisor/supervisord.conf"];

/// Debian's socket: where a daemon listens that is only planned.
const SOCKET: &str = "unix:///var/run/supervisor.sock";

/// A process of the daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its group.
    pub group: String,
    /// Its name within the group.
    pub name: String,
    /// `RUNNING`, `STOPPED` ...
    pub state: String,
}

impl Process {
    /// The name that supervisorctl shows.
    pub fn title(&self) -> String {
        if self.group == self.name {
            self.name.clone()
        } else {
            format!("{}:{}", self.group, self.name)
        }
    }
}

/// A daemon, and how to speak to it.
pub struct Server {
    endpoint: Endpoint,
    auth: Option<String>,
    /// An earlier planned step installs or starts it: it cannot be asked.
    planned: bool,
}

impl Server {
    /// Finds the daemon: options, then the `[supervisorctl]` section, then what the daemon itself
    /// is told to listen on.
    ///
    /// # Errors
    /// `no-supervisor` where there is no configuration, `wrong-value` for a URL that is none.
    pub fn find(args: &Args, view: &dyn View) -> Result<Server> {
        let mut planned = [
            "package:supervisor",
            "service:supervisor",
            "service:supervisord",
        ]
        .iter()
        .any(|key| view.assumed(key).is_some());
        let mut url = args.server_url.clone();
        let mut user = args.username.clone();
        let mut password = args.password.clone();
        if url.is_none() {
            match config(args, view)? {
                Known::Known(Some(text)) => {
                    let get = |section: &str, key: &str| setting(&text, section, key);
                    url = get("supervisorctl", "serverurl").or_else(|| {
                        let socket = get("unix_http_server", "file");
                        let port = get("inet_http_server", "port");
                        socket
                            .map(|file| format!("unix://{file}"))
                            .or_else(|| port.map(|port| tcp(&port)))
                    });
                    let http = ["supervisorctl", "unix_http_server", "inet_http_server"];
                    let first = |key: &str| http.iter().find_map(|s| get(s, key));
                    user = user.or_else(|| first("username"));
                    password = password.or_else(|| first("password"));
                }
                Known::Known(None) if !planned => {
                    return Err(Diag::error(
                        "no-supervisor",
                        "there is no configuration of supervisord on this host",
                    )
                    .note(format!("looked at: {}", CONFIGS.join(", ")))
                    .help(
                        "install supervisor first, or say where the daemon listens (server_url)",
                    ));
                }
                _ => planned = true,
            }
        }
        let auth = user.map(|user| client::basic_auth(&user, password.as_deref().unwrap_or("")));
        Ok(Server {
            endpoint: endpoint(url.as_deref().unwrap_or(SOCKET))?,
            auth,
            planned,
        })
    }

    /// A call, ready to be sent.
    pub fn request(&self, method: &str, params: &[Value]) -> Request {
        let mut headers = vec![("Content-Type".to_owned(), "text/xml".to_owned())];
        if let Some(auth) = &self.auth {
            headers.push(("Authorization".to_owned(), auth.clone()));
        }
        Request {
            headers,
            body: client::encode_call(method, params),
            // A start waits for `startsecs`, a stop for `stopwaitsecs`.
            timeout: Duration::from_secs(3600),
            proxy: false,
            ..Request::new("POST", self.endpoint.clone())
        }
    }

    /// All processes; unknown where the daemon is only planned.
    ///
    /// # Errors
    /// `supervisor-refused`, and those of the connection.
    pub fn processes(&self, view: &dyn View) -> Result<Known<Vec<Process>>> {
        if self.planned {
            return Ok(Known::Unknown);
        }
        let request = self.request("supervisor.getAllProcessInfo", &[]);
        let Known::Known(response) = view.http(&request)? else {
            return Ok(Known::Unknown);
        };
        if response.status != 200 {
            let text = match response.status {
                401 => "Server requires authentication".to_owned(),
                status => format!("supervisord answered HTTP {status} {}", response.reason),
            };
            return Err(Diag::error("supervisor-refused", text));
        }
        let answer = client::decode_response(&response.body)
            .map_err(|fault| Diag::error("supervisor-refused", fault.text))?;
        let field = |item: &Value, key: &str| {
            let value = item.get(key).and_then(Value::as_str);
            value.unwrap_or_default().to_owned()
        };
        let items = answer.as_list().unwrap_or_default();
        Ok(Known::Known(
            items
                .iter()
                .map(|item| Process {
                    group: field(item, "group"),
                    name: field(item, "name"),
                    state: field(item, "statename"),
                })
                .collect(),
        ))
    }
}

fn config(args: &Args, view: &dyn View) -> Result<Known<Option<String>>> {
    let own = args.config.as_deref().map(|path| vec![path]);
    for path in own.unwrap_or_else(|| CONFIGS.to_vec()) {
        let path = crate::sys::path::expand(path, view)?;
        match view.read(&path)? {
            Known::Known(Some(bytes)) => {
                let here = path.parent().map_or(PathBuf::new(), Path::to_path_buf);
                let text = String::from_utf8_lossy(&bytes);
                let text = text.replace("%(here)s", &here.display().to_string());
                return Ok(Known::Known(Some(text)));
            }
            Known::Known(None) => {}
            Known::Unknown => return Ok(Known::Unknown),
        }
    }
    Ok(Known::Known(None))
}

/// A setting of supervisor's configuration, without its comment.
fn setting(text: &str, section: &str, key: &str) -> Option<String> {
    let mut inside = false;
    for line in text.lines() {
        let line = line.split(" ;").next().unwrap_or(line).trim();
        if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
            inside = name == section;
        } else if inside && !line.starts_with([';', '#']) {
            let Some((name, value)) = line.split_once(['=', ':']) else {
                continue;
            };
            if name.trim() == key {
                return Some(value.trim().to_owned());
            }
        }
    }
    None
}

/// `9001`, `:9001`, `*:9001` or `host:9001` as a URL.
fn tcp(port: &str) -> String {
    let (host, port) = port.rsplit_once(':').unwrap_or(("", port));
    let host = if matches!(host, "" | "*" | "0.0.0.0") {
        "localhost"
    } else {
        host
    };
    format!("http://{host}:{port}")
}

fn endpoint(url: &str) -> Result<Endpoint> {
    if let Some(path) = url.strip_prefix("unix://") {
        return Ok(Endpoint::Unix(PathBuf::from(path), client::PATH.to_owned()));
    }
    if url.starts_with("http://") || url.starts_with("https://") {
        return Ok(Endpoint::Url(format!(
            "{}{}",
            url.trim_end_matches('/'),
            client::PATH
        )));
    }
    Err(Diag::error(
        "wrong-value",
        format!("{url:?} is not a URL of supervisord (unix:///path or http://host:port)"),
    )
    .about("server_url"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_supervisors_configuration() {
        let text = "[unix_http_server]\nfile=/run/s.sock   ; (the path)\n;chmod=1\n[supervisorctl]\n; serverurl=x\nserverurl=unix:///run/s.sock\n";
        assert_eq!(
            setting(text, "unix_http_server", "file").as_deref(),
            Some("/run/s.sock")
        );
        assert_eq!(
            setting(text, "supervisorctl", "serverurl").as_deref(),
            Some("unix:///run/s.sock")
        );
        assert_eq!(setting(text, "inet_http_server", "port"), None);
        assert_eq!(tcp("*:9001"), "http://localhost:9001");
    }
}
