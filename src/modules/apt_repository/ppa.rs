//! Personal package archives (`ppa:OWNER/NAME`).

use super::super::common::pgp;
use crate::diag::{Diag, Result};
use crate::sys::{Content, Endpoint, Known, Op, Owner, Request, Response, View};
use serde_json::Value as Json;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// An archive of a person or team.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ppa<'a> {
    owner: &'a str,
    name: &'a str,
}

/// Where apt looks for keys of sources that name none.
const KEYS: &str = "/etc/apt/trusted.gpg.d";

impl<'a> Ppa<'a> {
    /// Reads `ppa:OWNER/NAME`.
    pub(super) fn read(repo: &'a str) -> Option<Ppa<'a>> {
        let rest = repo.strip_prefix("ppa:")?;
        let (owner, name) = rest.split_once('/').unwrap_or((rest, "ppa"));
        Some(Ppa { owner, name })
    }

    /// The line of the list.
    pub(super) fn source(&self, codename: &str) -> String {
        format!(
            "deb https://ppa.launchpadcontent.net/{}/{}/ubuntu {codename} main",
            self.owner, self.name
        )
    }

    /// Puts the archive's key in place, unless it is there.
    ///
    /// # Errors
    /// `http-status` where the archive or its key cannot be had.
    pub(super) fn key(&self, view: &dyn View) -> Result<Option<Op>> {
        let path = self.key_path();
        if !matches!(view.lstat(&path)?, Known::Known(None)) {
            return Ok(None);
        }
        let content = match self.fetch(view)? {
            Known::Known(key) => Content::Bytes(key.into()),
            Known::Unknown => Content::Unknown,
        };
        Ok(Some(Op::Write {
            path,
            content,
            mode: Some(0o644),
            owner: Owner::default(),
            backup: None,
            validate: None,
            secret: false,
        }))
    }

    fn key_path(&self) -> PathBuf {
        Path::new(KEYS).join(format!("{}-{}.gpg", self.owner, self.name))
    }

    fn fetch(&self, view: &dyn View) -> Result<Known<Vec<u8>>> {
        let about = format!(
            "https://api.launchpad.net/1.0/~{}/+archive/{}",
            self.owner, self.name
        );
        let Known::Known(answer) = get(&about, view)? else {
            return Ok(Known::Unknown);
        };
        let about: Json = serde_json::from_slice(&answer.body).unwrap_or_default();
        let Some(print) = about["signing_key_fingerprint"].as_str() else {
            let message = format!("the archive of {} has no key", self.owner);
            return Err(Diag::error("no-key", message).about("repo"));
        };
        let key =
            format!("https://keyserver.ubuntu.com/pks/lookup?op=get&options=mr&search=0x{print}");
        let Known::Known(answer) = get(&key, view)? else {
            return Ok(Known::Unknown);
        };
        match pgp::binary(&answer.body) {
            Some(key) => Ok(Known::Known(key)),
            None => Err(Diag::error("no-key", "Unable to get required signing key").about("repo")),
        }
    }
}

fn get(url: &str, view: &dyn View) -> Result<Known<Response>> {
    let mut request = Request::new("GET", Endpoint::Url(url.to_owned()));
    request
        .headers
        .push(("Accept".into(), "application/json, */*".into()));
    request.redirects = 10;
    request.timeout = Duration::from_secs(30);
    match view.http(&request) {
        Ok(Known::Known(answer)) if answer.status != 200 => {
            let message = format!(
                "failed to fetch PPA information, error was: HTTP Error {}: {}",
                answer.status, answer.reason
            );
            Err(Diag::error("http-status", message).about("repo"))
        }
        // A dry run may come before the step that brings certificates or a name server.
        Err(error) if error.code == "http" && view.is_dry() => Ok(Known::Unknown),
        answer => answer,
    }
}
