//! `loadavg`, `uptime_seconds` and `is_chroot`.

use super::Facts;
use super::source::Source;
use serde_json::json;

pub(super) fn average(source: &Source) -> Facts {
    let text = source.line("/proc/loadavg").unwrap_or_default();
    let values: Vec<f64> = text
        .split(' ')
        .take(3)
        .filter_map(|w| w.parse().ok())
        .collect();
    let [one, five, fifteen] = values.as_slice() else {
        return Facts::new();
    };
    let fact = json!({"1m": one, "5m": five, "15m": fifteen});
    Facts::from_iter([("loadavg".to_owned(), fact)])
}

pub(super) fn uptime(source: &Source) -> Facts {
    let text = source.line("/proc/uptime").unwrap_or_default();
    let seconds = text.split('.').next().and_then(|s| s.parse::<u64>().ok());
    let fact = seconds.map(|s| ("uptime_seconds".to_owned(), json!(s)));
    Facts::from_iter(fact)
}

/// True where `/` is not the root that process 1 has.
pub(super) fn chroot(source: &Source) -> Facts {
    let by_name = source.environment().contains_key("debian_chroot");
    let root = source.stat("/").map(|s| (s.dev, s.ino));
    let init = source.stat("/proc/1/root/.").map(|s| (s.dev, s.ino));
    let is = by_name || (init.is_some() && root != init);
    Facts::from_iter([("is_chroot".to_owned(), json!(is))])
}
