//! One network interface, from `/sys/class/net`.

use crate::facts::source::Source;
use serde_json::{Value as Json, json};
use std::net::Ipv6Addr;

/// The facts of an interface, without its addresses.
pub(super) fn describe(source: &Source, device: &str) -> Json {
    let dir = format!("/sys/class/net/{device}");
    let line = |file: &str| source.line(format!("{dir}/{file}"));
    let number = |file: &str| source.number(format!("{dir}/{file}"));
    let mut fact = json!({
        "device": device,
        "active": line("operstate").as_deref() != Some("down"),
        "type": kind(number("type")),
        "promisc": line("flags").is_some_and(|f| promiscuous(&f)),
    });
    let mut set = |name: &str, value: Option<Json>| {
        if let Some(value) = value {
            fact[name] = value;
        }
    };
    let hardware = line("address").filter(|a| a != "00:00:00:00:00:00");
    set("macaddress", hardware.map(Json::from));
    set("mtu", number("mtu").map(Json::from));
    set("speed", number("speed").map(Json::from));
    set(
        "module",
        source
            .link_name(format!("{dir}/device/driver/module"))
            .map(Json::from),
    );
    set(
        "pciid",
        source.link_name(format!("{dir}/device")).map(Json::from),
    );
    set(
        "perm_macaddress",
        line("bonding_slave/perm_hwaddr").map(Json::from),
    );
    if source.is_dir(format!("{dir}/bridge")) {
        set("type", Some(json!("bridge")));
        set(
            "interfaces",
            Some(json!(source.list(format!("{dir}/brif")))),
        );
        set(
            "id",
            Some(json!(line("bridge/bridge_id").unwrap_or_default())),
        );
        set("stp", Some(json!(number("bridge/stp_state") == Some(1))));
    }
    if source.is_dir(format!("{dir}/bonding")) {
        let first = |file: &str| {
            let text = line(&format!("bonding/{file}")).unwrap_or_default();
            json!(text.split_whitespace().next().unwrap_or_default())
        };
        let slaves = line("bonding/slaves").unwrap_or_default();
        set("type", Some(json!("bonding")));
        set(
            "slaves",
            Some(json!(slaves.split_whitespace().collect::<Vec<_>>())),
        );
        set("mode", Some(first("mode")));
        set("miimon", Some(first("miimon")));
        set("lacp_rate", Some(first("lacp_rate")));
        set("primary", line("bonding/primary").map(Json::from));
        set(
            "all_slaves_active",
            Some(json!(number("bonding/all_slaves_active") == Some(1))),
        );
    }
    fact
}

/// By ARPHRD number.
fn kind(number: Option<i64>) -> &'static str {
    match number {
        Some(1) => "ether",
        Some(32) => "infiniband",
        Some(512) => "ppp",
        Some(772) => "loopback",
        Some(65534) => "tunnel",
        _ => "unknown",
    }
}

/// `IFF_PROMISC` in the flags, which are written as `0x1003`.
fn promiscuous(flags: &str) -> bool {
    let number = flags.strip_prefix("0x").unwrap_or(flags);
    i64::from_str_radix(number, 16).is_ok_and(|flags| flags & 0x100 != 0)
}

/// An IPv6 address of an interface.
pub(super) struct Ipv6 {
    pub device: String,
    pub address: Ipv6Addr,
    prefix: u8,
    scope: &'static str,
}

impl Ipv6 {
    pub fn fact(&self) -> Json {
        json!({
            "address": self.address.to_string(),
            "prefix": self.prefix.to_string(),
            "scope": self.scope,
        })
    }
}

/// Reads `/proc/net/if_inet6`: address, interface number, prefix, scope and flags in hexadecimal,
/// and the name.
pub(super) fn ipv6(table: &str) -> Vec<Ipv6> {
    let rows = table.lines().filter_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [address, _, prefix, scope, _, device] = words.as_slice() else {
            return None;
        };
        Some(Ipv6 {
            device: (*device).to_owned(),
            address: u128::from_str_radix(address, 16).ok()?.into(),
            prefix: u8::from_str_radix(prefix, 16).ok()?,
            scope: match *scope {
                "10" => "host",
                "20" => "link",
                "40" => "site",
                _ => "global",
            },
        })
    });
    rows.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_kernels_table() {
        let table = "fe80000000000000004c00fffe000005 02 40 20 80     eth0\n";
        let read = ipv6(table);
        assert_eq!(
            read[0].fact(),
            json!({"address": "fe80::4c:ff:fe00:5", "prefix": "64", "scope": "link"})
        );
        assert_eq!(read[0].device, "eth0");
        assert!(promiscuous("0x1103") && !promiscuous("0x1003"));
    }
}
