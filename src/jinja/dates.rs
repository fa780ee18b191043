//! Dates and times in templates.

use super::args::Args;
use super::obj::{Native, O, Obj};
use super::stop::{Res, Stop};
use time::{Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset};

/// A `datetime`.
pub struct DateTime(pub OffsetDateTime);

struct Delta(f64);

struct Method(&'static str, Obj);

impl Native for DateTime {
    fn type_name(&self) -> &'static str {
        "datetime"
    }

    fn attr(&self, name: &str) -> Res<Option<Obj>> {
        let t = self.0;
        let number = |n: i64| Some(Obj::from(n));
        Ok(match name {
            "year" => number(t.year().into()),
            "month" => number(u8::from(t.month()).into()),
            "day" => number(t.day().into()),
            "hour" => number(t.hour().into()),
            "minute" => number(t.minute().into()),
            "second" => number(t.second().into()),
            "microsecond" => number(t.microsecond().into()),
            "strftime" | "isoformat" | "timestamp" | "weekday" | "isoweekday" | "date" => {
                let this = Obj::native(DateTime(t));
                let name = match name {
                    "strftime" => "strftime",
                    "isoformat" => "isoformat",
                    "timestamp" => "timestamp",
                    "weekday" => "weekday",
                    "isoweekday" => "isoweekday",
                    _ => "date",
                };
                Some(Obj::native(Method(name, this)))
            }
            _ => None,
        })
    }

    fn text(&self) -> String {
        iso(self.0, ' ')
    }

    fn seconds(&self) -> Option<f64> {
        Some(self.0.unix_timestamp_nanos() as f64 / 1e9)
    }

    fn arith(&self, minus: bool, other: &Obj) -> Option<Obj> {
        let O::Native(other) = &other.kind else {
            return None;
        };
        let seconds = other.seconds()?;
        if other.type_name() == "datetime" {
            return minus.then(|| Obj::native(Delta(self.seconds().unwrap_or(0.0) - seconds)));
        }
        let by = time::Duration::seconds_f64(if minus { -seconds } else { seconds });
        Some(Obj::native(DateTime(self.0.checked_add(by)?)))
    }
}

impl Native for Delta {
    fn type_name(&self) -> &'static str {
        "timedelta"
    }

    fn attr(&self, name: &str) -> Res<Option<Obj>> {
        let days = (self.0 / 86400.0).floor();
        Ok(match name {
            "days" => Some((days as i64).into()),
            "seconds" => Some(((self.0 - days * 86400.0).floor() as i64).into()),
            "microseconds" => Some(((self.0 - self.0.floor()) * 1e6).round().into()),
            "total_seconds" => Some(Obj::native(Method("total_seconds", self.0.into()))),
            _ => None,
        })
    }

    fn text(&self) -> String {
        let days = (self.0 / 86400.0).floor();
        let rest = (self.0 - days * 86400.0) as i64;
        let clock = format!("{}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
        match days as i64 {
            0 => clock,
            n @ (1 | -1) => format!("{n} day, {clock}"),
            n => format!("{n} days, {clock}"),
        }
    }

    fn seconds(&self) -> Option<f64> {
        Some(self.0)
    }
}

impl Native for Method {
    fn type_name(&self) -> &'static str {
        "method"
    }

    fn callable(&self) -> bool {
        true
    }

    fn call(&self, args: Args) -> Res<Obj> {
        let O::Native(native) = &self.1.kind else {
            return Ok(self.1.clone());
        };
        let time = OffsetDateTime::from_unix_timestamp_nanos(
            (native.seconds().unwrap_or(0.0) * 1e9) as i128,
        )
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
        Ok(match self.0 {
            "strftime" => strftime(&args.input()?.str()?, time).into(),
            "isoformat" => iso(time, 'T').into(),
            "timestamp" => native.seconds().unwrap_or(0.0).into(),
            "weekday" => i64::from(time.weekday().number_days_from_monday()).into(),
            "isoweekday" => i64::from(time.weekday().number_from_monday()).into(),
            _ => strftime("%Y-%m-%d", time).into(),
        })
    }
}

fn iso(t: OffsetDateTime, between: char) -> String {
    let mut text = strftime(&format!("%Y-%m-%d{between}%H:%M:%S"), t);
    if t.microsecond() > 0 {
        text.push_str(&format!(".{:06}", t.microsecond()));
    }
    text
}

/// The local offset of a moment, as libc knows it.
pub fn local(t: OffsetDateTime) -> OffsetDateTime {
    UtcOffset::local_offset_at(t).map_or(t, |offset| t.to_offset(offset))
}

/// `now(utc=False, fmt=None)`
pub fn now(args: Args) -> Res<Obj> {
    let [utc, format] = args.bind(["utc", "fmt"])?;
    let mut time = OffsetDateTime::now_utc();
    if !utc.map_or(Ok(false), |u| u.truth())? {
        time = local(time);
    }
    match format.filter(|f| !f.is_none()) {
        Some(format) => Ok(strftime(&format.str()?, time).into()),
        None => {
            let naive = PrimitiveDateTime::new(time.date(), time.time());
            Ok(Obj::native(DateTime(naive.assume_utc())))
        }
    }
}

/// C's `strftime` in the C locale.
pub fn strftime(format: &str, t: OffsetDateTime) -> String {
    let mut out = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut code = chars.next().unwrap_or('%');
        let plain = code == '-';
        if plain {
            code = chars.next().unwrap_or('-');
        }
        let text = field(code, t);
        match plain {
            true => {
                let short = text.trim_start_matches('0');
                out.push_str(if short.is_empty() { "0" } else { short });
            }
            false => out.push_str(&text),
        }
    }
    out
}

fn field(code: char, t: OffsetDateTime) -> String {
    let month = t.month().to_string();
    let day = t.weekday().to_string();
    let hour12 = match t.hour() % 12 {
        0 => 12,
        h => h,
    };
    match code {
        'Y' => t.year().to_string(),
        'C' => format!("{:02}", t.year() / 100),
        'y' => format!("{:02}", t.year() % 100),
        'm' => format!("{:02}", u8::from(t.month())),
        'd' => format!("{:02}", t.day()),
        'e' => format!("{:2}", t.day()),
        'H' => format!("{:02}", t.hour()),
        'I' => format!("{hour12:02}"),
        'M' => format!("{:02}", t.minute()),
        'S' => format!("{:02}", t.second()),
        'f' => format!("{:06}", t.microsecond()),
        'j' => format!("{:03}", t.ordinal()),
        'p' => if t.hour() < 12 { "AM" } else { "PM" }.into(),
        'B' => month,
        'b' | 'h' => month[..3].into(),
        'A' => day,
        'a' => day[..3].into(),
        'w' => t.weekday().number_days_from_sunday().to_string(),
        'u' => t.weekday().number_from_monday().to_string(),
        'U' => format!("{:02}", t.sunday_based_week()),
        'W' => format!("{:02}", t.monday_based_week()),
        'V' => format!("{:02}", t.iso_week()),
        'G' => t.to_iso_week_date().0.to_string(),
        's' => t.unix_timestamp().to_string(),
        'z' => {
            let (h, m, _) = t.offset().as_hms();
            let sign = if t.offset().is_negative() { '-' } else { '+' };
            format!("{sign}{:02}{:02}", h.abs(), m.abs())
        }
        'Z' => if t.offset().is_utc() { "UTC" } else { "" }.into(),
        'F' => strftime("%Y-%m-%d", t),
        'T' | 'X' => strftime("%H:%M:%S", t),
        'D' | 'x' => strftime("%m/%d/%y", t),
        'R' => strftime("%H:%M", t),
        'r' => strftime("%I:%M:%S %p", t),
        'c' => strftime("%a %b %e %H:%M:%S %Y", t),
        'n' => "\n".into(),
        't' => "\t".into(),
        '%' => "%".into(),
        other => format!("%{other}"),
    }
}

/// C's `strptime` for the codes that dates in playbooks use.
pub fn strptime(text: &str, format: &str) -> Res<OffsetDateTime> {
    let wrong = || {
        Stop::fail(format!(
            "time data '{text}' does not match format '{format}'"
        ))
    };
    let mut rest = text;
    let (mut year, mut month, mut day) = (1900, 1u8, 1u8);
    let (mut hour, mut minute, mut second, mut micro) = (0u8, 0u8, 0u8, 0u32);
    let (mut pm, mut offset) = (None, UtcOffset::UTC);
    let format = format
        .replace("%F", "%Y-%m-%d")
        .replace("%T", "%H:%M:%S")
        .replace("%R", "%H:%M")
        .replace("%D", "%m/%d/%y");
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c != '%' {
            if c.is_whitespace() {
                rest = rest.trim_start();
            } else {
                rest = rest.strip_prefix(c).ok_or_else(wrong)?;
            }
            continue;
        }
        let mut number = |most: usize| -> Res<u32> {
            let len = rest
                .bytes()
                .take(most)
                .take_while(u8::is_ascii_digit)
                .count();
            let n = rest[..len].parse().map_err(|_| wrong())?;
            rest = &rest[len..];
            Ok(n)
        };
        match chars.next() {
            Some('Y') => year = number(4)? as i32,
            Some('y') => {
                let n = number(2)? as i32;
                year = if n < 69 { 2000 + n } else { 1900 + n };
            }
            Some('m') => month = number(2)? as u8,
            Some('d' | 'e') => day = number(2)? as u8,
            Some('H' | 'I') => hour = number(2)? as u8,
            Some('M') => minute = number(2)? as u8,
            Some('S') => second = number(2)? as u8,
            Some('f') => {
                let before = rest.len();
                let n = {
                    let len = rest.bytes().take(6).take_while(u8::is_ascii_digit).count();
                    let n: u32 = rest[..len].parse().map_err(|_| wrong())?;
                    rest = &rest[len..];
                    n
                };
                micro = n * 10u32.pow(6 - (before - rest.len()) as u32);
            }
            Some('b' | 'B' | 'h') => {
                let found = (1..=12u8).find_map(|n| {
                    let name = Month::try_from(n).ok()?.to_string();
                    let len = if rest.starts_with(&name) {
                        name.len()
                    } else {
                        3
                    };
                    rest.get(..len)?
                        .eq_ignore_ascii_case(&name[..len])
                        .then_some((n, len))
                });
                let (n, len) = found.ok_or_else(wrong)?;
                month = n;
                rest = &rest[len..];
            }
            Some('a' | 'A') => {
                rest = rest.trim_start_matches(|c: char| c.is_alphabetic());
            }
            Some('p') => {
                pm = Some(rest.get(..2).ok_or_else(wrong)?.eq_ignore_ascii_case("PM"));
                rest = &rest[2..];
            }
            Some('z') => {
                if let Some(after) = rest.strip_prefix('Z') {
                    rest = after;
                    continue;
                }
                let sign = if rest.starts_with('-') { -1 } else { 1 };
                let digits: String = rest[1.min(rest.len())..]
                    .chars()
                    .filter(char::is_ascii_digit)
                    .take(4)
                    .collect();
                let n: i32 = digits.parse().map_err(|_| wrong())?;
                offset = UtcOffset::from_whole_seconds(sign * (n / 100 * 3600 + n % 100 * 60))
                    .map_err(|_| wrong())?;
                rest = rest.trim_start_matches([
                    '+', '-', ':', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
                ]);
            }
            Some('Z') => rest = rest.trim_start_matches(|c: char| c.is_alphabetic()),
            Some('%') => rest = rest.strip_prefix('%').ok_or_else(wrong)?,
            _ => return Err(wrong()),
        }
    }
    if !rest.is_empty() {
        return Err(Stop::fail(format!("unconverted data remains: {rest}")));
    }
    match pm {
        Some(true) if hour < 12 => hour += 12,
        Some(false) if hour == 12 => hour = 0,
        _ => {}
    }
    let date = Month::try_from(month)
        .ok()
        .and_then(|m| Date::from_calendar_date(year, m, day).ok());
    let time = Time::from_hms_micro(hour, minute, second, micro).ok();
    match (date, time) {
        (Some(date), Some(time)) => Ok(PrimitiveDateTime::new(date, time).assume_offset(offset)),
        _ => Err(wrong()),
    }
}

/// A `datetime` as an object.
pub fn object(t: OffsetDateTime) -> Obj {
    Obj::native(DateTime(t))
}
