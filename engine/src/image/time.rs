//! Points in civil time as file systems record them. Knows no clock and no time zone: everything
//! is UTC.

use std::fmt;

/// A file time: seconds since 1970-01-01T00:00:00Z, possibly negative, and nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time {
    /// Whole seconds since the epoch, rounded towards the past.
    pub secs: i64,
    /// Nanoseconds after that second, below 1,000,000,000.
    pub nanos: u32,
}

impl fmt::Display for Time {
    /// Date and time of day, to the second.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Civil { year, month, day, hour, minute, second } = Civil::of(self.secs);
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02} UTC")
    }
}

impl Time {
    /// The second `secs` after the epoch.
    pub const fn from_secs(secs: i64) -> Time {
        Time { secs, nanos: 0 }
    }

    /// 1900-01-01T00:00:00Z, the first time a directory record can hold (ECMA-119, 9.1.5).
    pub const FIRST_SHORT: Time = Time::from_secs(-2_208_988_800);

    /// 2155-12-31T23:59:59Z, the last time a directory record can hold (ECMA-119, 9.1.5).
    pub const LAST_SHORT: Time = Time::from_secs(5_869_583_999);

    /// The seven bytes of a directory record (ECMA-119, 9.1.5), and whether they hold this time to
    /// the second; outside 1900 to 2155 they hold the nearest time that they can.
    pub fn short(self) -> ([u8; 7], bool) {
        let kept = self.clamp(Time::FIRST_SHORT, Time { nanos: 999_999_999, ..Time::LAST_SHORT });
        let c = Civil::of(kept.secs);
        let bytes =
            [(c.year - 1900) as u8, c.month, c.day, c.hour, c.minute, c.second, /* UTC */ 0];
        (bytes, kept == self)
    }

    /// The time that these seven bytes mean; `None` where they are all zero or no date
    /// (ECMA-119, 9.1.5).
    pub fn from_short(bytes: [u8; 7]) -> Option<Time> {
        let [year, month, day, hour, minute, second, offset] = bytes;
        let civil = Civil { year: 1900 + i64::from(year), month, day, hour, minute, second };
        let secs = civil.secs()?;
        Some(Time::from_secs(secs - i64::from(offset as i8) * 15 * 60))
    }

    /// The seventeen bytes of a volume descriptor (ECMA-119, 8.4.26.1); all digits zero, which
    /// means "not specified", outside the years 1 to 9999.
    pub fn long(self) -> [u8; 17] {
        let mut out = *b"0000000000000000\0";
        let c = Civil::of(self.secs);
        if (1..=9999).contains(&c.year) {
            let fields = [
                (c.year as u64, 4),
                (c.month.into(), 2),
                (c.day.into(), 2),
                (c.hour.into(), 2),
                (c.minute.into(), 2),
                (c.second.into(), 2),
                (u64::from(self.nanos / 10_000_000), 2),
            ];
            let mut at = 0;
            for (mut value, digits) in fields {
                for i in (at..at + digits).rev() {
                    out[i] = b'0' + (value % 10) as u8;
                    value /= 10;
                }
                at += digits;
            }
        }
        out
    }

    /// The year, and month, day, hour, minute and second in UTC.
    pub(super) fn civil(self) -> (i64, [u8; 5]) {
        let c = Civil::of(self.secs);
        (c.year, [c.month, c.day, c.hour, c.minute, c.second])
    }

    /// The time of a year, and month, day, hour, minute and second in UTC; `None` if they are no
    /// date.
    pub(super) fn from_civil(year: i64, fields: [u8; 5]) -> Option<Time> {
        let [month, day, hour, minute, second] = fields;
        Civil { year, month, day, hour, minute, second }.secs().map(Time::from_secs)
    }

    /// The time that these seventeen bytes mean; `None` where not specified or no date
    /// (ECMA-119, 8.4.26.1).
    pub fn from_long(bytes: &[u8; 17]) -> Option<Time> {
        let number = |from: usize, to: usize| -> Option<u16> {
            bytes[from..to]
                .iter()
                .try_fold(0, |n: u16, &d| d.is_ascii_digit().then(|| n * 10 + u16::from(d - b'0')))
        };
        let small = |from: usize| number(from, from + 2).map(|n| n as u8);
        let civil = Civil {
            year: number(0, 4)?.into(),
            month: small(4)?,
            day: small(6)?,
            hour: small(8)?,
            minute: small(10)?,
            second: small(12)?,
        };
        let secs = civil.secs()?;
        let nanos = u32::from(small(14)?) * 10_000_000;
        Some(Time { secs: secs - i64::from(bytes[16] as i8) * 15 * 60, nanos })
    }
}

/// A date of the proleptic Gregorian calendar and a time of day.
struct Civil {
    year: i64,
    month: u8,
    day: u8,
    hour: u8,
    minute: u8,
    second: u8,
}

const DAY: i64 = 86_400;

impl Civil {
    /// Years are counted from March, so that the leap day ends one; 400 of them are an era of
    /// 146,097 days.
    fn of(secs: i64) -> Civil {
        let days = secs.div_euclid(DAY) + 719_468;
        let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let of_year = day - (365 * year + year / 4 - year / 100);
        let march = (5 * of_year + 2) / 153;
        let month = if march < 10 { march + 3 } else { march - 9 };
        let clock = secs.rem_euclid(DAY);
        Civil {
            year: era * 400 + year + i64::from(month <= 2),
            month: month as u8,
            day: (of_year - (153 * march + 2) / 5 + 1) as u8,
            hour: (clock / 3600) as u8,
            minute: (clock / 60 % 60) as u8,
            second: (clock % 60) as u8,
        }
    }

    /// `None` if this is no date or no time of day. A leap second counts as the one before.
    fn secs(&self) -> Option<i64> {
        let leap = self.year % 4 == 0 && (self.year % 100 != 0 || self.year % 400 == 0);
        let length = match self.month {
            2 => 28 + u8::from(leap),
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        if !(1..=length).contains(&self.day)
            || self.hour > 23
            || self.minute > 59
            || self.second > 60
        {
            return None;
        }
        let year = self.year - i64::from(self.month <= 2);
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let march = i64::from(if self.month > 2 { self.month - 3 } else { self.month + 9 });
        let of_year = (153 * march + 2) / 5 + i64::from(self.day) - 1;
        let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
        let clock = i64::from(self.hour) * 3600
            + i64::from(self.minute) * 60
            + i64::from(self.second.min(59));
        Some(days * DAY + clock)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_form_as_other_writers_record_it() {
        // 2026-11-22T18:02:03Z by date(1).
        let (bytes, exact) = Time::from_secs(1_795_370_523).short();
        assert_eq!((bytes, exact), ([126, 11, 22, 18, 2, 3, 0], true));
        // The same instant recorded at +01:00 (four quarters of an hour).
        assert_eq!(
            Time::from_short([126, 11, 22, 19, 2, 3, 4]),
            Some(Time::from_secs(1_795_370_523))
        );
        assert_eq!(Time::from_short([0; 7]), None);
        assert_eq!(Time::from_short([100, 2, 30, 0, 0, 0, 0]), None);
    }

    #[test]
    fn times_that_do_not_fit_become_the_nearest_that_does() {
        assert_eq!(Time::from_secs(i64::MIN).short(), ([0, 1, 1, 0, 0, 0, 0], false));
        assert_eq!(Time::from_secs(i64::MAX).short(), ([255, 12, 31, 23, 59, 59, 0], false));
        assert_eq!(Time::FIRST_SHORT.short(), ([0, 1, 1, 0, 0, 0, 0], true));
        assert_eq!(Time::LAST_SHORT.short(), ([255, 12, 31, 23, 59, 59, 0], true));
        assert_eq!(Time::from_secs(i64::MAX).long(), *b"0000000000000000\0");
    }

    #[test]
    fn long_form_there_and_back() {
        let time = Time { secs: 951_782_400, nanos: 120_000_000 };
        assert_eq!(time.long(), *b"2000022900000012\0");
        assert_eq!(Time::from_long(&time.long()), Some(time));
        assert_eq!(Time::from_long(b"0000000000000000\0"), None);
        for secs in [-62_135_596_800, -1, 0, 4_102_444_800, 253_402_300_799] {
            let time = Time::from_secs(secs);
            assert_eq!(Time::from_long(&time.long()), Some(time));
        }
    }
}
