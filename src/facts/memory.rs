//! `memory_mb`, `memtotal_mb` and their like, in mebibytes.

use super::Facts;
use super::source::Source;
use serde_json::json;
use std::collections::HashMap;

pub(super) fn gather(source: &Source) -> Facts {
    parse(&source.text("/proc/meminfo").unwrap_or_default())
}

fn parse(text: &str) -> Facts {
    let sizes: HashMap<&str, u64> = text
        .lines()
        .filter_map(|line| {
            let (name, rest) = line.split_once(':')?;
            let kib: u64 = rest.split_whitespace().next()?.parse().ok()?;
            Some((name, kib / 1024))
        })
        .collect();
    let mb = |name: &str| sizes.get(name).copied().unwrap_or(0);
    let (total, free) = (mb("MemTotal"), mb("MemFree"));
    let without_cache = free + mb("Cached") + mb("Buffers");
    let (swap, swap_free) = (mb("SwapTotal"), mb("SwapFree"));
    Facts::from_iter([
        ("memtotal_mb".to_owned(), json!(total)),
        ("memfree_mb".to_owned(), json!(free)),
        ("swaptotal_mb".to_owned(), json!(swap)),
        ("swapfree_mb".to_owned(), json!(swap_free)),
        (
            "memory_mb".to_owned(),
            json!({
                "real": {"total": total, "used": total.saturating_sub(free), "free": free},
                "nocache": {"free": without_cache, "used": total.saturating_sub(without_cache)},
                "swap": {
                    "total": swap,
                    "free": swap_free,
                    "used": swap.saturating_sub(swap_free),
                    "cached": mb("SwapCached"),
                },
            }),
        ),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums() {
        let facts = parse(
            "MemTotal: 2048000 kB\nMemFree: 1024000 kB\nBuffers: 10240 kB\nCached: 102400 kB\nSwapTotal: 4096 kB\nSwapFree: 1024 kB\n",
        );
        assert_eq!(facts["memtotal_mb"], 2000);
        assert_eq!(
            facts["memory_mb"]["nocache"],
            json!({"free": 1110, "used": 890})
        );
        assert_eq!(facts["memory_mb"]["swap"]["used"], 3);
    }
}
