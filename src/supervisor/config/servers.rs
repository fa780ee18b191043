//! `[unix_http_server]` and `[inet_http_server]`, any number of each.

use super::expand::Names;
use super::ini::Ini;
use super::kinds;
use super::program::Reader;

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// A socket file.
    Unix {
        /// Its path.
        path: String,
        /// Its mode.
        mode: u32,
        /// User and group that own it.
        owner: Option<(u32, Option<u32>)>,
    },
    /// A TCP port; an empty host is every interface.
    Inet {
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
    },
}

/// One listening server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// The section it is from.
    pub section: String,
    /// Where.
    pub address: Address,
    /// User name and password (clear, or `{SHA}` and hexadecimal digits).
    pub login: Option<(String, String)>,
}

/// User name and password.
type Login = Option<(String, String)>;

pub(super) fn read(ini: &Ini, names: &Names) -> Result<Vec<Server>, String> {
    let mut servers = Vec::new();
    for kind in ["inet_http_server", "unix_http_server"] {
        let is =
            |s: &&String| *s == kind || s.strip_prefix(kind).is_some_and(|r| r.starts_with(':'));
        for section in ini.sections.keys().filter(is) {
            let names = names.clone();
            let reader = Reader {
                ini,
                section,
                names,
            };
            let (address, login) = match kind {
                "unix_http_server" => unix(&reader)?,
                _ => inet(&reader)?,
            };
            servers.push(Server {
                section: section.clone(),
                address,
                login,
            });
        }
    }
    Ok(servers)
}

fn unix(reader: &Reader<'_>) -> Result<(Address, Login), String> {
    let section = reader.section;
    let Some(file) = reader.text("file")? else {
        return Err(format!("section [{section}] has no file value"));
    };
    let login = login(reader)?;
    let owner = match reader.text("chown")? {
        None => None,
        Some(text) => Some(owner(&text).ok_or(format!("Invalid sockchown value {text}"))?),
    };
    let mode = match reader.text("chmod")? {
        None => 0o700,
        Some(text) => kinds::octal(&text).map_err(|_| format!("Invalid chmod value {text}"))?,
    };
    let path = kinds::home(&file);
    Ok((Address::Unix { path, mode, owner }, login))
}

pub(super) fn owner(text: &str) -> Option<(u32, Option<u32>)> {
    let (user, group) = match text.split_once(':') {
        Some((user, group)) => (user, Some(group)),
        None => (text, None),
    };
    let uid = kinds::user(user).ok()?;
    let gid = match group {
        Some(group) => Some(kinds::group(group).ok()?),
        None => None,
    };
    Some((uid, gid))
}

fn inet(reader: &Reader<'_>) -> Result<(Address, Login), String> {
    let section = reader.section;
    let login = login(reader)?;
    let Some(text) = reader.text("port")? else {
        return Err(format!("section [{section}] has no port value"));
    };
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, port),
        None => ("", text.as_str()),
    };
    if port.is_empty() && text.contains(':') {
        return Err("no port number specified in ''".into());
    }
    let port = port
        .trim()
        .parse()
        .map_err(|_| format!("not a valid port number: '{port}' "))?;
    let host = if host == "*" { "" } else { host };
    let host = host.to_lowercase();
    Ok((Address::Inet { host, port }, login))
}

fn login(reader: &Reader<'_>) -> Result<Login, String> {
    match (reader.text("username")?, reader.text("password")?) {
        (Some(username), Some(password)) => Ok(Some((username, password))),
        (None, None) => Ok(None),
        _ => Err(format!(
            "Section [{}] contains incomplete authentication: If a username or a password is specified, both the username and password must be specified",
            reader.section
        )),
    }
}
