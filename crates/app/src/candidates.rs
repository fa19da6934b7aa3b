//! Several cookies of one name: a browser sends one for each matching domain and path, and the order carries no meaning
//! (RFC 6265 §4.2.2), so the server tries each.

/// Maximum number of values: more than this server ever sets in one browser, but few enough to bound the work per
/// request.
const CANDIDATES: usize = 8;

/// The distinct, well-formed values of one cookie name. Without a cookie nothing is allocated.
#[derive(Clone, Default)]
pub struct Candidates {
    values: Vec<String>,
    is_presented: bool,
}

impl Candidates {
    /// Adds a value if it is well-formed, new, and within the maximum.
    pub fn add(&mut self, value: &str, is_well_formed: impl FnOnce(&str) -> bool) {
        self.is_presented = true;
        if self.values.len() < CANDIDATES && self.iter().all(|known| known != value) && is_well_formed(value) {
            self.values.push(value.to_string());
        }
    }

    /// Whether the request had a cookie of the name, well-formed or not.
    pub(crate) fn is_presented(&self) -> bool {
        self.is_presented
    }

    /// Whether there is no well-formed value.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    pub fn first(&self) -> Option<&str> {
        self.iter().next()
    }

    /// The values, in the order sent.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.values.iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(sent: impl IntoIterator<Item = String>) -> Candidates {
        let mut candidates = Candidates::default();
        for value in sent {
            candidates.add(&value, |value| !value.is_empty());
        }
        candidates
    }

    #[test]
    fn malformed_and_repeated_values_take_no_place_and_the_number_is_bounded() {
        let sent = (0..100).map(|n: i32| if n % 2 == 0 { String::new() } else { (n / 4).to_string() });
        let candidates = collect(sent);
        assert_eq!(candidates.iter().collect::<Vec<_>>(), ["0", "1", "2", "3", "4", "5", "6", "7"]);
        assert_eq!(candidates.first(), Some("0"));
        assert!(candidates.is_presented() && !candidates.is_empty());
    }

    #[test]
    fn a_cookie_that_is_worth_nothing_was_presented_all_the_same() {
        let worthless = collect([String::new()]);
        assert!(worthless.is_presented() && worthless.is_empty() && worthless.first().is_none());
        assert!(!Candidates::default().is_presented());
    }
}
