//! `date_time`: the host's clock, in its time zone.

use super::source::Source;
use super::{Facts, kernel};
use serde_json::{Value as Json, json};

pub(super) fn gather(source: &Source) -> Facts {
    let fact = at(source.now()).unwrap_or(Json::Null);
    Facts::from_iter([("date_time".to_owned(), fact)])
}

fn at(now: f64) -> Option<Json> {
    let epoch = now.floor() as i64;
    let micro = ((now - now.floor()) * 1e6) as u32;
    let t = kernel::local(epoch)?;
    let utc = time::OffsetDateTime::from_unix_timestamp(epoch).ok()?;
    let utc_date = format!(
        "{:04}-{:02}-{:02}",
        utc.year(),
        u8::from(utc.month()),
        utc.day()
    );
    let utc_time = format!("{:02}:{:02}:{:02}", utc.hour(), utc.minute(), utc.second());
    let date = format!("{:04}-{:02}-{:02}", t.year, t.month, t.day);
    let clock = format!("{:02}:{:02}:{:02}", t.hour, t.minute, t.second);
    let basic = format!("{}T{}", date.replace('-', ""), clock.replace(':', ""));
    Some(json!({
        "year": t.year.to_string(),
        "month": format!("{:02}", t.month),
        "weekday": WEEKDAYS[t.weekday as usize % 7],
        "weekday_number": t.weekday.to_string(),
        "weeknumber": format!("{:02}", week(t.yearday, t.weekday)),
        "day": format!("{:02}", t.day),
        "hour": format!("{:02}", t.hour),
        "minute": format!("{:02}", t.minute),
        "second": format!("{:02}", t.second),
        "epoch": epoch.to_string(),
        "epoch_int": epoch.to_string(),
        "date": date,
        "time": clock,
        "iso8601_micro": format!("{utc_date}T{utc_time}.{micro:06}Z"),
        "iso8601": format!("{utc_date}T{utc_time}Z"),
        "iso8601_basic": format!("{basic}{micro:06}"),
        "iso8601_basic_short": basic,
        "tz": t.zone,
        "tz_dst": summer_zone(epoch, &t.zone),
        "tz_offset": offset(t.offset),
    }))
}

const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];

/// C's `%W`: weeks begin on Monday, days before the first one are in week 0.
fn week(yearday: i32, weekday: i32) -> i32 {
    (yearday + 7 - (weekday + 6) % 7) / 7
}

fn offset(seconds: i64) -> String {
    let sign = if seconds < 0 { '-' } else { '+' };
    let minutes = seconds.abs() / 60;
    format!("{sign}{:02}{:02}", minutes / 60, minutes % 60)
}

/// The name of the zone while daylight saving is on; the usual name where it never is.
fn summer_zone(epoch: i64, zone: &str) -> String {
    let months = (0..12).filter_map(|m| kernel::local(epoch + m * 2_629_800));
    let summer = months.filter(|t| t.daylight).map(|t| t.zone).next();
    summer.unwrap_or_else(|| zone.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_and_offsets() {
        // 1 January 2024 was a Monday, 1 January 2023 a Sunday.
        assert_eq!(week(0, 1), 1);
        assert_eq!(week(0, 0), 0);
        assert_eq!(week(327, 2), 47);
        assert_eq!(offset(-12_600), "-0330");
        assert_eq!(offset(0), "+0000");
    }

    #[test]
    fn utc_forms() {
        let fact = at(1_795_510_896.461_01).unwrap();
        assert_eq!(fact["iso8601"], "2026-11-24T09:01:36Z");
        assert_eq!(fact["epoch"], "1795510896");
    }
}
