//! `interfaces`, one dict for each of them, `default_ipv4`, `all_ipv4_addresses` and their like.

mod interface;
mod routes;

use super::source::Source;
use super::{Facts, kernel};
use interface::Ipv6;
use serde_json::{Map, Value as Json, json};
use std::net::{IpAddr, Ipv4Addr};

/// A public address of each family: the interface towards it is the default one (the same as
/// Ansible's `ip route get`).
const FAR_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(8, 8, 8, 8));
const FAR_V6: IpAddr = IpAddr::V6(std::net::Ipv6Addr::new(
    0x2404, 0x6800, 0x400a, 0x800, 0, 0, 0, 0x1012,
));

pub(super) fn gather(source: &Source) -> Facts {
    let devices = source.list("/sys/class/net");
    let devices = devices
        .iter()
        .filter(|d| source.is_dir(format!("/sys/class/net/{d}")));
    let mut interfaces: Map<String, Json> = devices
        .map(|d| (d.clone(), interface::describe(source, d)))
        .collect();
    let addresses = kernel::addresses();
    let addresses6 = interface::ipv6(&source.text("/proc/net/if_inet6").unwrap_or_default());
    for address in &addresses {
        add_ipv4(&mut interfaces, address);
    }
    for address in &addresses6 {
        let Some(Json::Object(of)) = interfaces.get_mut(&address.device) else {
            continue;
        };
        let list = of.entry("ipv6").or_insert_with(|| json!([]));
        list.as_array_mut()
            .into_iter()
            .for_each(|l| l.push(address.fact()));
    }
    let shown4 = addresses.iter().filter(|a| !a.address.is_loopback());
    let shown4: Vec<String> = shown4.map(|a| a.address.to_string()).collect();
    let shown6 = addresses6.iter().filter(|a| !a.address.is_loopback());
    let shown6: Vec<String> = shown6.map(|a| a.address.to_string()).collect();
    let mut facts = Facts::new();
    facts.insert(
        "default_ipv4".into(),
        default_ipv4(source, &interfaces, &addresses),
    );
    facts.insert(
        "default_ipv6".into(),
        default_ipv6(source, &interfaces, &addresses6),
    );
    facts.insert("all_ipv4_addresses".into(), json!(shown4));
    facts.insert("all_ipv6_addresses".into(), json!(shown6));
    facts.insert("locally_reachable_ips".into(), routes::local(source));
    facts.insert(
        "interfaces".into(),
        json!(interfaces.keys().collect::<Vec<_>>()),
    );
    facts.extend(interfaces);
    facts
}

/// Aliases (`eth0:1`) count as interfaces of their own, with `_` for the colon.
fn add_ipv4(interfaces: &mut Map<String, Json>, address: &kernel::Address) {
    let name = address.label.replace(':', "_");
    let Json::Object(of) = interfaces.entry(name).or_insert_with(|| json!({})) else {
        return;
    };
    if of.contains_key("ipv4") {
        let more = of.entry("ipv4_secondaries").or_insert_with(|| json!([]));
        more.as_array_mut()
            .into_iter()
            .for_each(|m| m.push(ipv4(address)));
    } else {
        of.insert("ipv4".into(), ipv4(address));
    }
}

fn ipv4(a: &kernel::Address) -> Json {
    let mask = u32::from(a.netmask);
    json!({
        "address": a.address.to_string(),
        "broadcast": a.broadcast.map_or_else(String::new, |b| b.to_string()),
        "netmask": a.netmask.to_string(),
        "network": Ipv4Addr::from(u32::from(a.address) & mask).to_string(),
        "prefix": mask.count_ones().to_string(),
    })
}

fn default_ipv4(
    source: &Source,
    interfaces: &Map<String, Json>,
    addresses: &[kernel::Address],
) -> Json {
    let table = source.text("/proc/net/route").unwrap_or_default();
    let (Some(route), Some(IpAddr::V4(own))) =
        (routes::ipv4(&table, FAR_V4), kernel::source_address(FAR_V4))
    else {
        return json!({});
    };
    let mut fact = json!({"interface": route.device, "address": own.to_string()});
    if let Some(gateway) = route.gateway {
        fact["gateway"] = json!(gateway);
    }
    if let Some(address) = addresses.iter().find(|a| a.address == own) {
        merge(
            &mut fact,
            &ipv4(address),
            &["broadcast", "netmask", "network", "prefix"],
        );
        fact["alias"] = json!(address.label);
    }
    if let Some(device) = interfaces.get(&route.device) {
        merge(&mut fact, device, &["macaddress", "mtu", "type"]);
    }
    fact
}

fn default_ipv6(source: &Source, interfaces: &Map<String, Json>, addresses: &[Ipv6]) -> Json {
    let table = source.text("/proc/net/ipv6_route").unwrap_or_default();
    let (Some(route), Some(IpAddr::V6(own))) =
        (routes::ipv6(&table, FAR_V6), kernel::source_address(FAR_V6))
    else {
        return json!({});
    };
    let mut fact = json!({"interface": route.device, "address": own.to_string()});
    if let Some(gateway) = route.gateway {
        fact["gateway"] = json!(gateway);
    }
    if let Some(address) = addresses.iter().find(|a| a.address == own) {
        merge(&mut fact, &address.fact(), &["prefix", "scope"]);
    }
    if let Some(device) = interfaces.get(&route.device) {
        merge(&mut fact, device, &["macaddress", "mtu", "type"]);
    }
    fact
}

fn merge(into: &mut Json, from: &Json, keys: &[&str]) {
    for key in keys {
        if let Some(value) = from.get(key) {
            into[*key] = value.clone();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(label: &str, last: u8) -> kernel::Address {
        kernel::Address {
            label: label.to_owned(),
            address: Ipv4Addr::new(10, 0, 0, last),
            netmask: Ipv4Addr::new(255, 255, 255, 0),
            broadcast: None,
        }
    }

    #[test]
    fn aliases_and_secondaries() {
        let mut interfaces = Map::new();
        for (label, last) in [("eth0", 5), ("eth0", 6), ("eth0:1", 7)] {
            add_ipv4(&mut interfaces, &address(label, last));
        }
        assert_eq!(interfaces["eth0"]["ipv4"]["network"], "10.0.0.0");
        assert_eq!(
            interfaces["eth0"]["ipv4_secondaries"][0]["address"],
            "10.0.0.6"
        );
        assert_eq!(interfaces["eth0_1"]["ipv4"]["prefix"], "24");
    }
}
