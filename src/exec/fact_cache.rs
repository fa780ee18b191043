//! Facts that outlast a run: `fact_caching = jsonfile`.

use crate::config::Config;
use crate::value::{Kind, Map, Value, from_json};
use std::path::PathBuf;
use std::time::Duration;

/// A directory with one JSON file for each host.
pub struct FactCache {
    dir: PathBuf,
    prefix: String,
    /// Older files do not count; `None` keeps them for good.
    timeout: Option<Duration>,
}

impl FactCache {
    /// The cache that the configuration asks for, if it does.
    pub fn of(config: &Config) -> Option<FactCache> {
        let kind = config.fact_caching.rsplit('.').next()?;
        let dir = config.fact_caching_connection.as_ref()?;
        (kind == "jsonfile").then(|| FactCache {
            dir: PathBuf::from(dir),
            prefix: config.fact_caching_prefix.clone(),
            timeout: Some(config.fact_caching_timeout)
                .filter(|seconds| *seconds > 0)
                .map(Duration::from_secs),
        })
    }

    fn file(&self, host: &str) -> PathBuf {
        self.dir
            .join(format!("{}{}", self.prefix, host.replace('/', "_")))
    }

    /// What is known of a host. What cannot be read is not known.
    pub fn load(&self, host: &str) -> Option<Map> {
        let file = self.file(host);
        let age = std::fs::metadata(&file).ok()?.modified().ok()?.elapsed();
        if let (Some(timeout), Ok(age)) = (self.timeout, age)
            && age > timeout
        {
            return None;
        }
        let text = std::fs::read_to_string(&file).ok()?;
        match from_json(&serde_json::from_str(&text).ok()?).kind {
            Kind::Map(map) => Some(Map::clone(&map)),
            _ => None,
        }
    }

    /// Keeps the facts of a host; none at all take the file away. A cache that cannot be written is
    /// one that is not there: the run does not depend on it.
    pub fn store(&self, host: &str, facts: &Map) {
        let mut kept = facts.clone();
        kept.remove("ansible_facts");
        let file = self.file(host);
        if kept.is_empty() {
            let _ = std::fs::remove_file(file);
            return;
        }
        let text = Value::map(kept).to_json().to_string();
        if std::fs::read_to_string(&file).is_ok_and(|old| old == text) {
            return;
        }
        let _ = std::fs::create_dir_all(&self.dir);
        let new = self.dir.join(format!(".{}.new", self.prefix));
        if std::fs::write(&new, text).is_ok() {
            let _ = std::fs::rename(&new, file);
        }
    }

    /// Forgets all hosts (`--flush-cache`).
    pub fn flush(&self) {
        let entries = std::fs::read_dir(&self.dir).into_iter().flatten();
        for entry in entries.flatten() {
            let name = entry.file_name();
            if name.to_string_lossy().starts_with(&self.prefix) {
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let cache = FactCache {
            dir: dir.path().join("cache"),
            prefix: "p_".to_owned(),
            timeout: Some(Duration::from_secs(60)),
        };
        assert!(cache.load("web").is_none());
        let facts: Map = [
            ("ansible_x", Value::from(1)),
            ("ansible_facts", Value::null()),
        ]
        .into_iter()
        .collect();
        cache.store("web", &facts);
        let back = cache.load("web").unwrap();
        assert_eq!(Value::map(back).repr(), "{'ansible_x': 1}");
        cache.store("web", &Map::new());
        assert!(cache.load("web").is_none());
        cache.store("web", &facts);
        cache.flush();
        assert!(cache.load("web").is_none());
    }
}
