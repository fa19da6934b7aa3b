//! Elapsed time in words ("two hours ago"), which needs no time zone.

use crate::text::Text;

/// Elapsed seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Elapsed {
    seconds: u64,
}

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

impl Elapsed {
    pub fn from_seconds(seconds: u64) -> Self {
        Self { seconds }
    }

    /// The text, in the largest unit of which at least one has passed.
    pub fn text(self) -> Text {
        let count = |unit: u64| u32::try_from(self.seconds / unit).unwrap_or(u32::MAX);
        match self.seconds {
            0..=119 => Text::new("elapsed-now"),
            120..HOUR => Text::new("elapsed-minutes").with("count", count(MINUTE)),
            HOUR..DAY => Text::new("elapsed-hours").with("count", count(HOUR)),
            DAY..5_184_000 => Text::new("elapsed-days").with("count", count(DAY)),
            5_184_000..63_072_000 => Text::new("elapsed-months").with("count", count(30 * DAY)),
            63_072_000.. => Text::new("elapsed-years").with("count", count(365 * DAY)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_whole_unit_is_said() {
        let cases = [
            (0, "elapsed-now", None),
            (119, "elapsed-now", None),
            (120, "elapsed-minutes", Some(2)),
            (HOUR, "elapsed-hours", Some(1)),
            (2 * DAY - 1, "elapsed-days", Some(1)),
            (60 * DAY, "elapsed-months", Some(2)),
            (730 * DAY, "elapsed-years", Some(2)),
        ];
        for (seconds, key, count) in cases {
            let expected = match count {
                Some(count) => Text::new(key).with("count", count as u32),
                None => Text::new(key),
            };
            assert_eq!(Elapsed::from_seconds(seconds).text(), expected, "{seconds} seconds");
        }
    }
}
