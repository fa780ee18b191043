//! Where the key comes from.

use super::super::common::pgp;
use super::super::common::place::Place;
use super::{Args, Number};
use crate::diag::{Diag, Result};
use crate::sys::{Endpoint, Known, Request, View};
use std::time::Duration;

impl Args {
    /// The number of the key, as given or as the key has it; nothing where only apply can tell.
    pub(super) fn number(&self, view: &dyn View) -> Result<Option<Number>> {
        self.exclusive()?;
        if let Some(id) = &self.id {
            return Number::read(id).map(Some);
        }
        if self.keyserver.is_some() {
            let message = "Missing key_id, required with keyserver.";
            return Err(Diag::error("missing-option", message).about("id"));
        }
        let Known::Known(key) = self.key(view)? else {
            return Ok(None);
        };
        match pgp::ids(&key).first() {
            Some(key) => Number::read(key.id()).map(Some),
            None => Err(Diag::error("no-key", "Invalid key_id")),
        }
    }

    fn exclusive(&self) -> Result<()> {
        let given = [
            ("data", self.data.is_some()),
            ("file", self.file.is_some()),
            ("keyserver", self.keyserver.is_some()),
            ("url", self.url.is_some()),
        ];
        if given.iter().filter(|(_, is_given)| *is_given).count() > 1 {
            let message = "parameters are mutually exclusive: data|file|keyserver|url";
            return Err(Diag::error("conflicting-options", message));
        }
        Ok(())
    }

    /// The key in binary form.
    pub(super) fn key(&self, view: &dyn View) -> Result<Known<Vec<u8>>> {
        let (from, bytes) = match (&self.data, &self.file, &self.keyserver, &self.url) {
            (Some(data), ..) => (
                "inline data".to_owned(),
                Known::Known(data.clone().into_bytes()),
            ),
            (_, Some(file), ..) => self.file_bytes(file, view)?,
            (_, _, Some(server), _) => {
                let number = self.id.as_deref().unwrap_or_default();
                (server.clone(), self.fetch(&lookup(server, number), view)?)
            }
            (.., Some(url)) => (url.clone(), self.fetch(url, view)?),
            _ => {
                let message = "there is no key to add: url, data, file and keyserver are missing";
                return Err(Diag::error("missing-option", message));
            }
        };
        let Known::Known(bytes) = bytes else {
            return Ok(Known::Unknown);
        };
        pgp::binary(&bytes)
            .map(Known::Known)
            .ok_or_else(|| Diag::error("no-key", format!("Unable to extract key from '{from}'")))
    }

    fn file_bytes(&self, file: &str, view: &dyn View) -> Result<(String, Known<Vec<u8>>)> {
        let place = Place::of(file, view)?;
        let bytes = match view.read(&place.at)? {
            Known::Known(Some(bytes)) => Known::Known(bytes.to_vec()),
            Known::Unknown => Known::Unknown,
            Known::Known(None) => {
                let message = format!("Unable to extract key from '{}'", place.shown);
                return Err(Diag::error("no-such-file", message).about("file"));
            }
        };
        Ok((place.shown, bytes))
    }

    fn fetch(&self, url: &str, view: &dyn View) -> Result<Known<Vec<u8>>> {
        let mut request = Request::new("GET", Endpoint::Url(url.to_owned()));
        request.redirects = 10;
        request.timeout = Duration::from_secs(30);
        request.verify = self.validate_certs;
        match view.http(&request) {
            Ok(Known::Known(answer)) if answer.status == 200 => Ok(Known::Known(answer.body)),
            Ok(Known::Known(answer)) => {
                let message = match &self.keyserver {
                    Some(server) if answer.status == 404 => {
                        let id = self.id.as_deref().unwrap_or_default();
                        format!("Key {id} not found on keyserver {server}")
                    }
                    _ => format!(
                        "Failed to download key at {url}: HTTP Error {}: {}",
                        answer.status, answer.reason
                    ),
                };
                Err(Diag::error("http-status", message))
            }
            Ok(Known::Unknown) => Ok(Known::Unknown),
            // A dry run may come before the step that brings certificates or a name server.
            Err(error) if error.code == "http" && view.is_dry() => Ok(Known::Unknown),
            Err(error) => Err(error),
        }
    }
}

/// The address at which a key server has a key (draft-shaw-openpgp-hkp-00).
fn lookup(server: &str, id: &str) -> String {
    let (scheme, rest) = server.split_once("://").unwrap_or(("hkp", server));
    let host = rest.trim_end_matches('/');
    let base = match scheme {
        "hkp" if host.contains(':') => format!("http://{host}"),
        "hkp" => format!("http://{host}:11371"),
        "hkps" => format!("https://{host}"),
        other => format!("{other}://{host}"),
    };
    let id = id.trim_start_matches("0x").trim_start_matches("0X");
    format!("{base}/pks/lookup?op=get&options=mr&search=0x{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn key_servers_are_asked_by_http() {
        let at = |server| lookup(server, "0xAB");
        let query = "/pks/lookup?op=get&options=mr&search=0xAB";
        assert_eq!(at("k.org"), format!("http://k.org:11371{query}"));
        assert_eq!(at("hkp://k.org:80"), format!("http://k.org:80{query}"));
        assert_eq!(at("hkps://k.org"), format!("https://k.org{query}"));
    }
}
