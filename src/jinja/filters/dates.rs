//! Time.

use super::Row;
use crate::jinja::function::Call;
use crate::value::Value;
use time::OffsetDateTime;

pub const FILTERS: &[Row] = &[("strftime", strftime)];

fn local(time: OffsetDateTime) -> OffsetDateTime {
    match time::UtcOffset::local_offset_at(time) {
        Ok(offset) => time.to_offset(offset),
        Err(_) => time,
    }
}

/// `'%Y' | strftime(seconds, utc)`
fn strftime(call: &Call) -> Result<Value, String> {
    let format = call.subject()?.to_text();
    let time = match call.arg(1, "second").filter(|v| !v.is_null()) {
        Some(second) => {
            let seconds: f64 = second
                .to_text()
                .parse()
                .map_err(|_| format!("Invalid value for epoch value ({})", second.to_text()))?;
            OffsetDateTime::from_unix_timestamp_nanos((seconds * 1e9) as i128)
                .map_err(|e| e.to_string())?
        }
        None => OffsetDateTime::now_utc(),
    };
    let time = if call.flag(2, "utc", false) {
        time
    } else {
        local(time)
    };
    Ok(Value::str(formatted(time, &format)))
}

const DAYS: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// Python's `strftime` in the C locale.
pub fn formatted(t: OffsetDateTime, format: &str) -> String {
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let Some(directive) = chars.next() else {
            out.push('%');
            break;
        };
        out.push_str(&field(t, directive));
    }
    out
}

fn field(t: OffsetDateTime, directive: char) -> String {
    let day = DAYS[t.weekday().number_days_from_monday() as usize];
    let month = MONTHS[u8::from(t.month()) as usize - 1];
    let hour12 = match t.hour() % 12 {
        0 => 12,
        h => h,
    };
    let (oh, om, _) = t.offset().as_hms();
    match directive {
        'Y' => format!("{:04}", t.year()),
        'm' => format!("{:02}", u8::from(t.month())),
        'd' => format!("{:02}", t.day()),
        'e' => format!("{:2}", t.day()),
        'H' => format!("{:02}", t.hour()),
        'I' => format!("{hour12:02}"),
        'M' => format!("{:02}", t.minute()),
        'S' => format!("{:02}", t.second()),
        'f' => format!("{:06}", t.microsecond()),
        'p' => if t.hour() < 12 { "AM" } else { "PM" }.to_owned(),
        'a' => day[..3].to_owned(),
        'A' => day.to_owned(),
        'b' | 'h' => month[..3].to_owned(),
        'B' => month.to_owned(),
        'y' => format!("{:02}", t.year().rem_euclid(100)),
        'j' => format!("{:03}", t.ordinal()),
        'u' => t.weekday().number_from_monday().to_string(),
        'w' => t.weekday().number_days_from_sunday().to_string(),
        'U' => format!("{:02}", t.sunday_based_week()),
        'W' => format!("{:02}", t.monday_based_week()),
        'V' => format!("{:02}", t.iso_week()),
        's' => t.unix_timestamp().to_string(),
        'F' => formatted(t, "%Y-%m-%d"),
        'T' | 'X' => formatted(t, "%H:%M:%S"),
        'D' | 'x' => formatted(t, "%m/%d/%y"),
        'R' => formatted(t, "%H:%M"),
        'c' => formatted(t, "%a %b %e %H:%M:%S %Y"),
        'z' => format!(
            "{}{:02}{:02}",
            if t.offset().is_negative() { '-' } else { '+' },
            oh.abs(),
            om.abs()
        ),
        'Z' => if t.offset().is_utc() { "UTC" } else { "" }.to_owned(),
        'n' => "\n".to_owned(),
        't' => "\t".to_owned(),
        '%' => "%".to_owned(),
        other => format!("%{other}"),
    }
}
