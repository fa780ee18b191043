//! What the firmware says of the machine.

use super::Facts;
use super::source::Source;
use serde_json::json;

/// Fact names and files of `/sys/devices/virtual/dmi/id`; `NA` where there is none.
const FILES: &[(&str, &str)] = &[
    ("bios_date", "bios_date"),
    ("bios_vendor", "bios_vendor"),
    ("bios_version", "bios_version"),
    ("board_asset_tag", "board_asset_tag"),
    ("board_name", "board_name"),
    ("board_serial", "board_serial"),
    ("board_vendor", "board_vendor"),
    ("board_version", "board_version"),
    ("chassis_asset_tag", "chassis_asset_tag"),
    ("chassis_serial", "chassis_serial"),
    ("chassis_vendor", "chassis_vendor"),
    ("chassis_version", "chassis_version"),
    ("product_name", "product_name"),
    ("product_serial", "product_serial"),
    ("product_uuid", "product_uuid"),
    ("product_version", "product_version"),
    ("system_vendor", "sys_vendor"),
];

pub(super) fn gather(source: &Source) -> Facts {
    let na = || "NA".to_owned();
    let facts = FILES.iter().map(|(fact, file)| {
        let value = read(source, file).unwrap_or_else(na);
        ((*fact).to_owned(), json!(value))
    });
    let form = read(source, "chassis_type")
        .and_then(|n| n.parse::<usize>().ok())
        .map(|n| FORMS.get(n).copied().unwrap_or("unknown"));
    let form = ("form_factor".to_owned(), json!(form.unwrap_or("NA")));
    facts.chain([form]).collect()
}

/// One value of the firmware's tables.
pub(super) fn read(source: &Source, file: &str) -> Option<String> {
    source.line(format!("/sys/devices/virtual/dmi/id/{file}"))
}

/// Chassis types by number: System Management BIOS reference specification, table 17.
const FORMS: &[&str] = &[
    "Unknown",
    "Other",
    "Unknown",
    "Desktop",
    "Low Profile Desktop",
    "Pizza Box",
    "Mini Tower",
    "Tower",
    "Portable",
    "Laptop",
    "Notebook",
    "Hand Held",
    "Docking Station",
    "All In One",
    "Sub Notebook",
    "Space-saving",
    "Lunch Box",
    "Main Server Chassis",
    "Expansion Chassis",
    "Sub Chassis",
    "Bus Expansion Chassis",
    "Peripheral Chassis",
    "RAID Chassis",
    "Rack Mount Chassis",
    "Sealed-case PC",
    "Multi-system",
    "CompactPCI",
    "AdvancedTCA",
    "Blade",
    "Blade Enclosure",
    "Tablet",
    "Convertible",
    "Detachable",
    "IoT Gateway",
    "Embedded PC",
    "Mini PC",
    "Stick PC",
];
