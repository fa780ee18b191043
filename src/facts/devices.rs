//! `devices`, `device_links` and `lvm`: block devices.

use super::Facts;
use super::source::Source;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

pub(super) fn gather(source: &Source) -> Facts {
    let links = Links::read(source);
    let devices: Map<String, Json> = source
        .list("/sys/block")
        .into_iter()
        .map(|name| {
            let fact = device(source, &name, &links);
            (name, fact)
        })
        .collect();
    Facts::from_iter([
        ("devices".to_owned(), json!(devices)),
        ("device_links".to_owned(), links.all()),
        ("lvm".to_owned(), lvm(source)),
    ])
}

/// Further names of block devices, by device.
struct Links {
    ids: BTreeMap<String, Vec<String>>,
    labels: BTreeMap<String, Vec<String>>,
    uuids: BTreeMap<String, Vec<String>>,
    masters: BTreeMap<String, Vec<String>>,
}

impl Links {
    fn read(source: &Source) -> Links {
        let by = |kind: &str| {
            let dir = format!("/dev/disk/by-{kind}");
            let mut names: BTreeMap<String, Vec<String>> = BTreeMap::new();
            for name in source.list(&dir) {
                if let Some(device) = source.link_name(format!("{dir}/{name}")) {
                    names.entry(device).or_default().push(name);
                }
            }
            names
        };
        let mut masters: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for master in source.list("/sys/block") {
            for slave in source.list(format!("/sys/block/{master}/slaves")) {
                masters.entry(slave).or_default().push(master.clone());
            }
        }
        Links {
            ids: by("id"),
            labels: by("label"),
            uuids: by("uuid"),
            masters,
        }
    }

    fn all(&self) -> Json {
        json!({
            "ids": self.ids,
            "labels": self.labels,
            "uuids": self.uuids,
            "masters": self.masters,
        })
    }

    fn of(&self, device: &str) -> Json {
        let get = |names: &BTreeMap<String, Vec<String>>| names.get(device).cloned();
        json!({
            "ids": get(&self.ids).unwrap_or_default(),
            "labels": get(&self.labels).unwrap_or_default(),
            "uuids": get(&self.uuids).unwrap_or_default(),
            "masters": get(&self.masters).unwrap_or_default(),
        })
    }
}

fn device(source: &Source, name: &str, links: &Links) -> Json {
    let dir = format!("/sys/block/{name}");
    let line = |file: &str| source.line(format!("{dir}/{file}"));
    let sectors = source.number(format!("{dir}/size")).unwrap_or(0);
    let prefix_names = source
        .list(&dir)
        .into_iter()
        .filter(|n| n.starts_with(name));
    let partitions: Map<String, Json> = prefix_names
        .map(|part| {
            let fact = partition(source, &format!("{dir}/{part}"), &part, links);
            (part, fact)
        })
        .collect();
    let mut fact = json!({
        "virtual": 1,
        "links": links.of(name),
        "vendor": line("device/vendor"),
        "model": line("device/model"),
        "sas_address": line("device/sas_address"),
        "sas_device_handle": line("device/sas_device_handle"),
        "removable": line("removable"),
        "rotational": line("queue/rotational"),
        "support_discard": line("queue/discard_granularity"),
        "scheduler_mode": line("queue/scheduler").map_or_else(String::new, |s| scheduler(&s)),
        "partitions": partitions,
        "sectors": sectors,
        "sectorsize": line("queue/logical_block_size").unwrap_or_else(|| "512".into()),
        "size": size(sectors * 512),
        "host": "",
        "holders": holders(source, &dir),
    });
    if let Some(serial) = line("device/serial").or_else(|| line("serial")) {
        fact["serial"] = json!(serial);
    }
    if let Some(wwn) = line("device/wwid").or_else(|| line("wwid")) {
        fact["wwn"] = json!(wwn);
    }
    fact
}

fn partition(source: &Source, dir: &str, name: &str, links: &Links) -> Json {
    let number = |file: &str| source.number(format!("{dir}/{file}")).unwrap_or(0);
    let sectors = number("size");
    let uuid = links.uuids.get(name).and_then(|names| names.first());
    json!({
        "links": links.of(name),
        "start": number("start").to_string(),
        "sectors": sectors,
        "sectorsize": 512,
        "size": size(sectors * 512),
        "uuid": uuid,
        "holders": holders(source, dir),
    })
}

fn holders(source: &Source, dir: &str) -> Vec<String> {
    let names = source.list(format!("{dir}/holders")).into_iter();
    let holders = names.map(|holder| {
        // A device-mapper device is known by its own name.
        let mapper = source.line(format!("/sys/block/{holder}/dm/name"));
        mapper.unwrap_or(holder)
    });
    holders.collect()
}

/// The chosen one of `noop [deadline] cfq`.
fn scheduler(text: &str) -> String {
    let inside = text
        .split_once('[')
        .and_then(|(_, rest)| rest.split_once(']'));
    inside.map_or_else(String::new, |(name, _)| name.to_owned())
}

/// Bytes in the unit that suits, two decimals: `256.00 GB`.
fn size(bytes: i64) -> String {
    const UNITS: [(&str, u32); 5] = [("TB", 40), ("GB", 30), ("MB", 20), ("KB", 10), ("Bytes", 0)];
    let unit = UNITS.iter().find(|(_, shift)| bytes >> shift > 0);
    let (name, shift) = unit.copied().unwrap_or(("Bytes", 0));
    format!("{:.2} {name}", bytes as f64 / (1u64 << shift) as f64)
}

/// Volume groups and their parts, which only LVM's programs know and only to root.
fn lvm(source: &Source) -> Json {
    if source.me().uid != Some(0) || source.which("vgs").is_none() {
        return json!("N/A");
    }
    let rows = |program: &str| -> Vec<Vec<String>> {
        let options = [
            "--noheadings",
            "--nosuffix",
            "--units",
            "g",
            "--separator",
            ",",
        ];
        let words: Vec<&str> = [program].into_iter().chain(options).collect();
        let text = source.query(&words).map(|o| o.text()).unwrap_or_default();
        let lines = text
            .lines()
            .map(|l| l.split(',').map(|w| w.trim().to_owned()).collect());
        lines.collect()
    };
    let mut lvm = json!({"vgs": {}, "lvs": {}, "pvs": {}});
    for row in rows("vgs") {
        if let [name, pvs, lvs, _, _, size, free, ..] = row.as_slice() {
            lvm["vgs"][name] =
                json!({"size_g": size, "free_g": free, "num_lvs": lvs, "num_pvs": pvs});
        }
    }
    for row in rows("lvs") {
        if let [name, group, _, size, ..] = row.as_slice() {
            lvm["lvs"][name] = json!({"size_g": size, "vg": group});
        }
    }
    for row in rows("pvs") {
        if let [name, group, _, _, size, free, ..] = row.as_slice() {
            lvm["pvs"][name] = json!({"size_g": size, "free_g": free, "vg": group});
        }
    }
    lvm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_schedulers() {
        assert_eq!(size(536_870_912 * 512), "256.00 GB");
        assert_eq!(size(0), "0.00 Bytes");
        assert_eq!(size(1536), "1.50 KB");
        assert_eq!(scheduler("none [mq-deadline] kyber"), "mq-deadline");
        assert_eq!(scheduler(""), "");
    }
}
