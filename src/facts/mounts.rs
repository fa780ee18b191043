//! `mounts`: file systems on devices and network shares, with their sizes.

use super::source::Source;
use super::{Facts, kernel};
use serde_json::{Value as Json, json};
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::mpsc;
use std::time::Duration;

pub(super) fn gather(source: &Source) -> Facts {
    let table = source.text("/proc/self/mounts").unwrap_or_default();
    let binds = bind_mounts(&source.text("/proc/self/mountinfo").unwrap_or_default());
    let uuids = uuids(source);
    let mounts: Vec<Json> = parse(&table)
        .into_iter()
        .map(|mut mount| {
            if binds.contains(&mount.path) {
                mount.options.push_str(",bind");
            }
            let uuid = uuids.get(&source.resolve(&mount.device));
            let uuid = uuid.map_or("N/A", String::as_str);
            mount.fact(uuid, source.request.timeout)
        })
        .collect();
    Facts::from_iter([("mounts".to_owned(), json!(mounts))])
}

#[derive(Debug, PartialEq)]
struct Mount {
    device: String,
    path: String,
    kind: String,
    options: String,
    dump: i64,
    pass: i64,
}

/// The lines that are about devices (`/dev/...`) or shares (`server:/path`).
fn parse(table: &str) -> Vec<Mount> {
    let mounts = table.lines().filter_map(|line| {
        let words: Vec<String> = line.split(' ').map(unescape).collect();
        let [device, path, kind, options, dump, pass] = words.as_slice() else {
            return None;
        };
        let real = (device.starts_with('/') || device.contains(":/")) && kind != "none";
        real.then(|| Mount {
            device: device.clone(),
            path: path.clone(),
            kind: kind.clone(),
            options: options.clone(),
            dump: dump.parse().unwrap_or(0),
            pass: pass.parse().unwrap_or(0),
        })
    });
    mounts.collect()
}

/// The kernel writes blanks in paths as `\040`.
fn unescape(word: &str) -> String {
    let mut out = String::new();
    let mut rest = word;
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let code = rest
            .get(at + 1..at + 4)
            .and_then(|d| u8::from_str_radix(d, 8).ok());
        match code {
            Some(byte) => {
                out.push(char::from(byte));
                rest = &rest[at + 4..];
            }
            None => {
                out.push('\\');
                rest = &rest[at + 1..];
            }
        }
    }
    out + rest
}

/// Mount points that show a part of a file system only.
fn bind_mounts(info: &str) -> HashSet<String> {
    let parts = info.lines().filter_map(|line| {
        let words: Vec<&str> = line.split(' ').collect();
        (*words.get(3)? != "/").then(|| unescape(words[4]))
    });
    parts.collect()
}

fn uuids(source: &Source) -> HashMap<PathBuf, String> {
    const DIR: &str = "/dev/disk/by-uuid";
    let names = source.list(DIR).into_iter();
    names
        .map(|name| (source.resolve(format!("{DIR}/{name}")), name))
        .collect()
}

impl Mount {
    fn fact(&self, uuid: &str, timeout: Duration) -> Json {
        let mut fact = json!({
            "mount": self.path,
            "device": self.device,
            "fstype": self.kind,
            "options": self.options,
            "dump": self.dump,
            "passno": self.pass,
            "uuid": uuid,
        });
        match self.space(timeout) {
            Ok(Some(space)) => {
                fact["size_total"] = json!(space.fragment_size * space.blocks);
                fact["size_available"] = json!(space.fragment_size * space.available);
                fact["block_size"] = json!(space.block_size);
                fact["block_total"] = json!(space.blocks);
                fact["block_available"] = json!(space.available);
                fact["block_used"] = json!(space.blocks - space.available);
                fact["inode_total"] = json!(space.inodes);
                fact["inode_available"] = json!(space.inodes_available);
                fact["inode_used"] = json!(space.inodes - space.inodes_available);
            }
            Ok(None) => {}
            Err(_) => fact["note"] = json!("Could not get extra information due to timeout"),
        }
        fact
    }

    /// A share whose server is gone would hold up everything, so shares are asked from a thread
    /// that may be left behind.
    fn space(&self, timeout: Duration) -> Result<Option<kernel::Space>, mpsc::RecvTimeoutError> {
        let path = PathBuf::from(&self.path);
        if self.device.starts_with('/') {
            return Ok(kernel::space(&path));
        }
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || send.send(kernel::space(&path)));
        receive.recv_timeout(timeout)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_devices_and_shares() {
        let table = "proc /proc proc rw 0 0\n/dev/sda1 /my\\040data ext4 rw,relatime 0 1\nnas:/vol /nfs nfs4 rw 0 0\ntmpfs /run tmpfs rw 0 0\n";
        let paths: Vec<String> = parse(table).into_iter().map(|m| m.path).collect();
        assert_eq!(paths, ["/my data", "/nfs"]);
    }

    #[test]
    fn finds_bind_mounts() {
        let info =
            "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 8:1 /srv /mnt rw - ext4 /dev/sda1 rw\n";
        assert_eq!(bind_mounts(info), HashSet::from(["/mnt".to_owned()]));
    }
}
