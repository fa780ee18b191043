//! Playbooks: lists of plays, and of further playbooks.

use super::ast::{Common, Playbook};
use super::fields::{self, malformed};
use super::files::{Loader, home, plain};
use super::imports::path_shown;
use super::keywords::{self, Place};
use super::one_play::{self, Imported};
use super::roles::collection_roots;
use super::site::{Link, Parser, Site, words};
use crate::diag::{Diag, Result, Span};
use crate::modules;
use crate::value::{Key, Kind, Map, Value};
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Loader {
    /// Reads a playbook with all it imports. `name` is a path or `NAMESPACE.COLLECTION.NAME`.
    ///
    /// # Errors
    /// What is wrong with it, at its place; `file-not-found` if there is none.
    pub fn playbook(&self, name: &Path) -> Result<Playbook> {
        let mut p = Parser {
            loader: self,
            roles: Vec::new(),
            handlers: Vec::new(),
        };
        let site = Site {
            base: plain(Path::new("")),
            ..Site::default()
        };
        let path = match in_collection(&p, &name.to_string_lossy(), &site) {
            Some(path) => path,
            None if name.is_dir() => {
                let message = format!("{} is a directory, not a playbook", name.display());
                return Err(Diag::error("file-not-found", message));
            }
            None if !name.exists() => {
                let message = format!("there is no playbook {}", name.display());
                return Err(Diag::error("file-not-found", message));
            }
            None => plain(name),
        };
        let mut playbook = Playbook::default();
        file(
            &mut p,
            &path,
            Span::NONE,
            &site,
            &mut Vec::new(),
            &mut playbook,
        )?;
        Ok(playbook)
    }
}

/// The file of `NAMESPACE.COLLECTION.NAME`.
fn in_collection(p: &Parser, name: &str, site: &Site) -> Option<PathBuf> {
    let parts: Vec<&str> = name.split('.').collect();
    let [space, collection, rest @ ..] = parts.as_slice() else {
        return None;
    };
    if rest.is_empty() || !parts.iter().all(|part| fields::is_identifier(part)) {
        return None;
    }
    let file = rest.join("/");
    collection_roots(p, site)
        .iter()
        .flat_map(|root| {
            let dir = root.join(space).join(collection).join("playbooks");
            ["yml", "yaml", "json"].map(|ext| dir.join(format!("{file}.{ext}")))
        })
        .find(|path| path.is_file())
}

fn file(
    p: &mut Parser,
    path: &Path,
    from: Span,
    site: &Site,
    around: &mut Vec<Imported>,
    into: &mut Playbook,
) -> Result<()> {
    let mut site = site.through(Link {
        key: format!("playbook:{}", path.display()),
        shown: path_shown(path),
        span: from,
    })?;
    site.file = path.to_path_buf();
    site.base = path.parent().map(Path::to_path_buf).unwrap_or_default();
    site.dirs = vec![site.base.clone()];
    p.loader.add_base(&site.base);
    let value = p.loader.yaml(path, from)?;
    let entries = match &value.kind {
        Kind::List(entries) if !entries.is_empty() => entries,
        Kind::Null | Kind::List(_) => {
            let message = format!(
                "A playbook must contain at least one play: {}",
                path_shown(path)
            );
            return Err(malformed("empty-playbook", message, value.span));
        }
        _ => {
            let message = format!("a playbook is a list of plays, not a {}", value.type_name());
            return Err(
                malformed("not-a-list", message, value.span).help("begin each play with `- `")
            );
        }
    };
    for entry in entries.iter() {
        let Kind::Map(map) = &entry.kind else {
            let message = format!(
                "a playbook holds plays and `import_playbook`, not a {}",
                entry.type_name()
            );
            return Err(malformed("not-a-play", message, entry.span));
        };
        match import_key(map) {
            Some((key, name)) => import(p, map, key, name, &site, around, into)?,
            None => into
                .plays
                .push(Arc::new(one_play::read(p, entry, &site, around)?)),
        }
    }
    Ok(())
}

fn import_key(map: &Map) -> Option<(&Key, &Value)> {
    map.iter().find(|(key, _)| {
        key.as_str()
            .and_then(modules::find)
            .is_some_and(|entry| entry.name == "import_playbook")
    })
}

fn import(
    p: &mut Parser,
    map: &Map,
    import: &Key,
    name: &Value,
    site: &Site,
    around: &mut Vec<Imported>,
    into: &mut Playbook,
) -> Result<()> {
    let mut common = Common::default();
    for (word, key, value) in words(map) {
        if key == import {
            continue;
        }
        if keywords::find(&word, Place::ImportPlaybook).is_none() {
            return Err(keywords::unknown(key, Place::ImportPlaybook));
        }
        common.set(&word, value)?;
    }
    let Some(name) = fields::text("import_playbook", name)? else {
        let message = "`import_playbook` names no playbook";
        return Err(malformed("missing-option", message, import.span));
    };
    let rendered = p.render(&name, site, &common.vars)?.to_text();
    let path = match in_collection(p, &rendered, site) {
        Some(path) => path,
        None => plain(&site.base.join(home(&rendered))),
    };
    if !path.is_file() {
        let what = format!("playbook {rendered:?}");
        return Err(super::imports::not_found(&what, &[path], name.span));
    }
    around.push(Imported { common });
    let end = file(p, &path, name.span, site, around, into);
    around.pop();
    end
}
