//! Names of storage initiators: fibre channel, iSCSI, NVMe.

use super::Facts;
use super::source::Source;
use serde_json::json;

pub(super) fn fibre_channel(source: &Source) -> Facts {
    let hosts = source.list("/sys/class/fc_host");
    let names: Vec<String> = hosts
        .iter()
        .filter_map(|h| source.line(format!("/sys/class/fc_host/{h}/port_name")))
        .map(|name| name.trim_start_matches("0x").to_owned())
        .collect();
    Facts::from_iter([("fibre_channel_wwn".to_owned(), json!(names))])
}

pub(super) fn iscsi(source: &Source) -> Facts {
    let text = source
        .text("/etc/iscsi/initiatorname.iscsi")
        .unwrap_or_default();
    let name = text.lines().find_map(|l| l.strip_prefix("InitiatorName="));
    Facts::from_iter([("iscsi_iqn".to_owned(), json!(name.unwrap_or("").trim()))])
}

pub(super) fn nvme(source: &Source) -> Facts {
    let name = source.line("/etc/nvme/hostnqn").unwrap_or_default();
    Facts::from_iter([("hostnqn".to_owned(), json!(name))])
}
