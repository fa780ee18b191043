//! The kernel's routing tables.

use crate::facts::source::Source;
use serde_json::{Value as Json, json};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A way out.
#[derive(Debug, PartialEq)]
pub(super) struct Route {
    pub device: String,
    pub gateway: Option<String>,
}

/// The route of `/proc/net/route` for an address: the longest prefix, then the lowest metric.
pub(super) fn ipv4(table: &str, peer: IpAddr) -> Option<Route> {
    let IpAddr::V4(peer) = peer else { return None };
    let hex = |text: &str| u32::from_str_radix(text, 16).ok().map(u32::swap_bytes);
    let rows = table.lines().skip(1).filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [device, to, gateway, flags, _, _, metric, mask, ..] = words.as_slice() else {
            return None;
        };
        let (to, mask) = (hex(to)?, hex(mask)?);
        let up = u32::from_str_radix(flags, 16).ok()? & 1 == 1;
        let metric: u32 = metric.parse().ok()?;
        (up && u32::from(peer) & mask == to).then_some((
            mask.count_ones(),
            metric,
            *device,
            hex(gateway)?,
        ))
    });
    let best = rows.min_by_key(|(len, metric, _, _)| (u32::MAX - len, *metric))?;
    let gateway = (best.3 != 0).then(|| Ipv4Addr::from(best.3).to_string());
    Some(Route {
        device: best.2.to_owned(),
        gateway,
    })
}

/// The same of `/proc/net/ipv6_route`.
pub(super) fn ipv6(table: &str, peer: IpAddr) -> Option<Route> {
    const REJECT: u32 = 0x200;
    let IpAddr::V6(peer) = peer else { return None };
    let peer = u128::from(peer);
    let rows = rows6(table).filter(|r| {
        let mask = u128::MAX.checked_shl(128 - r.prefix).unwrap_or(0);
        r.flags & REJECT == 0 && r.device != "lo" && peer & mask == r.to
    });
    let best = rows.min_by_key(|r| (128 - r.prefix, r.metric))?;
    let gateway = (best.gateway != 0).then(|| Ipv6Addr::from(best.gateway).to_string());
    Some(Route {
        device: best.device.to_owned(),
        gateway,
    })
}

struct Row6<'a> {
    to: u128,
    prefix: u32,
    gateway: u128,
    metric: u32,
    flags: u32,
    device: &'a str,
}

fn rows6(table: &str) -> impl Iterator<Item = Row6<'_>> {
    table.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [to, prefix, _, _, gateway, metric, _, _, flags, device] = words.as_slice() else {
            return None;
        };
        Some(Row6 {
            to: u128::from_str_radix(to, 16).ok()?,
            prefix: u32::from_str_radix(prefix, 16).ok()?,
            gateway: u128::from_str_radix(gateway, 16).ok()?,
            metric: u32::from_str_radix(metric, 16).ok()?,
            flags: u32::from_str_radix(flags, 16).ok()?,
            device,
        })
    })
}

/// Addresses that this host answers to: the kernel's `local` table.
pub(super) fn local(source: &Source) -> Json {
    let trie = source.text("/proc/net/fib_trie").unwrap_or_default();
    let table = source.text("/proc/net/ipv6_route").unwrap_or_default();
    json!({"ipv4": local4(&trie), "ipv6": local6(&table)})
}

fn local4(trie: &str) -> Vec<String> {
    let mut address = "";
    let mut found: Vec<String> = Vec::new();
    for line in trie.lines().map(str::trim) {
        if let Some(rest) = line.strip_prefix("|-- ") {
            address = rest;
        } else if let (Some((prefix, _)), true) = (line.split_once(' '), line.ends_with("LOCAL")) {
            let text = match prefix {
                "/32" => address.to_owned(),
                _ => format!("{address}{prefix}"),
            };
            if !found.contains(&text) {
                found.push(text);
            }
        }
    }
    found
}

fn local6(table: &str) -> Vec<String> {
    const LOCAL: u32 = 0x8000_0000;
    let mut found: Vec<String> = Vec::new();
    for row in rows6(table).filter(|r| r.flags & LOCAL != 0) {
        let address = Ipv6Addr::from(row.to).to_string();
        let text = match row.prefix {
            128 => address,
            prefix => format!("{address}/{prefix}"),
        };
        if !found.contains(&text) {
            found.push(text);
        }
    }
    found.sort_unstable();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn longest_prefix_then_metric() {
        let table = "Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n\
            wlan0 00000000 0102000A 0003 0 0 600 00000000 0 0 0\n\
            eth0 00000000 010200C0 0003 0 0 100 00000000 0 0 0\n\
            eth0 000200C0 00000000 0001 0 0 0 00FFFFFF 0 0 0\n";
        let far = ipv4(table, IpAddr::from([8, 8, 8, 8])).unwrap();
        assert_eq!(
            (far.device.as_str(), far.gateway.as_deref()),
            ("eth0", Some("192.0.2.1"))
        );
        let near = ipv4(table, IpAddr::from([192, 0, 2, 7])).unwrap();
        assert_eq!(near.gateway, None);
        assert_eq!(ipv4("head\n", IpAddr::from([8, 8, 8, 8])), None);
    }

    #[test]
    fn local_addresses() {
        let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 10.77.0.1\n        /32 host LOCAL\n     |-- 127.0.0.0\n        /8 host LOCAL\nLocal:\n     |-- 10.77.0.1\n        /32 host LOCAL\n        /16 link UNICAST\n";
        assert_eq!(local4(trie), ["10.77.0.1", "127.0.0.0/8"]);
    }
}
