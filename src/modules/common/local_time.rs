//! The host's clock as text, in its own time zone.

use nix::libc;
use std::mem::MaybeUninit;

/// Broken-down local time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// Year, such as 2024.
    pub year: i32,
    /// 1 to 12.
    pub month: i32,
    /// 1 to 31.
    pub day: i32,
    /// 0 to 23.
    pub hour: i32,
    /// 0 to 59.
    pub minute: i32,
    /// 0 to 60.
    pub second: i32,
}

/// Local time of a moment given in seconds since the epoch.
pub fn local(seconds: f64) -> Moment {
    let time = seconds.floor() as libc::time_t;
    let mut tm = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are valid, and a zeroed `tm` is a valid value if the call fails.
    let tm = unsafe {
        libc::localtime_r(&raw const time, tm.as_mut_ptr());
        tm.assume_init()
    };
    Moment {
        year: tm.tm_year + 1900,
        month: tm.tm_mon + 1,
        day: tm.tm_mday,
        hour: tm.tm_hour,
        minute: tm.tm_min,
        second: tm.tm_sec,
    }
}

/// Seconds since the epoch of a local time, as C's `mktime` finds them.
pub fn epoch(moment: Moment) -> f64 {
    // SAFETY: all fields of `tm` are numbers or a pointer for which zero is valid.
    let mut tm: libc::tm = unsafe { std::mem::zeroed() };
    tm.tm_year = moment.year - 1900;
    tm.tm_mon = moment.month - 1;
    tm.tm_mday = moment.day;
    tm.tm_hour = moment.hour;
    tm.tm_min = moment.minute;
    tm.tm_sec = moment.second;
    tm.tm_isdst = -1;
    // SAFETY: the pointer is valid for the call.
    unsafe { libc::mktime(&raw mut tm) as f64 }
}

/// Reads a time by a format of C's `strptime` with numbers only (`%Y %m %d %H %M %S %y %j %s`);
/// what the format leaves out is the start of the year 1900, as in Python.
///
/// # Errors
/// Python's sentence about text that does not fit.
pub fn parse(text: &str, format: &str) -> Result<f64, String> {
    let misfit = || format!("time data '{text}' does not match format '{format}'");
    let mut rest = text;
    let mut moment = Moment {
        year: 1900,
        month: 1,
        day: 1,
        ..Moment::default()
    };
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        if c.is_whitespace() {
            rest = rest.trim_start();
            continue;
        }
        if c != '%' {
            rest = rest.strip_prefix(c).ok_or_else(misfit)?;
            continue;
        }
        let code = chars.next().unwrap_or('%');
        let (digits, slot) = match code {
            'Y' => (4, &mut moment.year),
            'y' => (2, &mut moment.year),
            'm' => (2, &mut moment.month),
            'd' => (2, &mut moment.day),
            'H' => (2, &mut moment.hour),
            'M' => (2, &mut moment.minute),
            'S' => (2, &mut moment.second),
            '%' => {
                rest = rest.strip_prefix('%').ok_or_else(misfit)?;
                continue;
            }
            _ => return Err(format!("'{code}' is a bad directive in format '{format}'")),
        };
        let length = rest
            .bytes()
            .take(digits)
            .take_while(u8::is_ascii_digit)
            .count();
        let number: i32 = rest[..length].parse().map_err(|_| misfit())?;
        rest = &rest[length..];
        *slot = match code {
            'y' if number < 69 => number + 2000,
            'y' => number + 1900,
            _ => number,
        };
    }
    if !rest.is_empty() {
        return Err(format!("unconverted data remains: {rest}"));
    }
    let in_range = (1..=12).contains(&moment.month)
        && (1..=31).contains(&moment.day)
        && moment.hour < 24
        && moment.minute < 60
        && moment.second < 62;
    if !in_range {
        return Err(misfit());
    }
    Ok(epoch(moment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let seconds = parse("202202081414.30", "%Y%m%d%H%M.%S").unwrap();
        let moment = local(seconds);
        assert_eq!((moment.year, moment.month, moment.day), (2022, 2, 8));
        assert_eq!((moment.hour, moment.minute, moment.second), (14, 14, 30));
    }

    #[test]
    fn misfits_are_told() {
        assert_eq!(
            parse("xx", "%Y%m%d").unwrap_err(),
            "time data 'xx' does not match format '%Y%m%d'"
        );
        assert_eq!(
            parse("20221", "%Y").unwrap_err(),
            "unconverted data remains: 1"
        );
        assert!(parse("202213", "%Y%m").is_err());
    }
}
