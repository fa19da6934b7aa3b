//! A point in time for tables: to the minute in UTC, with the exact time as an attribute.

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment(String);

impl Moment {
    /// From RFC 3339 in UTC, as this server prints times.
    pub fn new(rfc3339: impl Into<String>) -> Self {
        Self(rfc3339.into())
    }

    /// For the `datetime` attribute.
    pub(crate) fn iso(&self) -> &str {
        &self.0
    }

    /// For people, with seconds and zone: `2030-05-01 08:00:59 UTC`.
    pub fn whole(&self) -> String {
        self.0.get(..19).map_or_else(|| self.0.clone(), |text| format!("{} UTC", text.replace('T', " ")))
    }

    /// For people: `2030-05-01 08:00`.
    pub fn short(&self) -> String {
        self.0.get(..16).unwrap_or(&self.0).replace('T', " ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_short_for_people_and_whole_for_programs() {
        let moment = Moment::new("2030-05-01T08:00:59.123Z");
        assert_eq!((moment.short().as_str(), moment.iso()), ("2030-05-01 08:00", "2030-05-01T08:00:59.123Z"));
        assert_eq!(moment.whole(), "2030-05-01 08:00:59 UTC");
    }
}
