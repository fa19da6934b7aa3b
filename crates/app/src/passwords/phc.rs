//! Reads the PHC strings of stored and imported password hashes: argon2id of version 19 within bounds, and nothing else.
//! What a hash says about its cost is believed only after it was compared with what this server is willing to pay.

use argon2::{
    Params,
    password_hash::phc::{Output, PasswordHash, Salt},
};

use vestibule_protocol::limits::{InputLimit, Unit, limit};

use crate::config::Passwords;

/// How many times today's memory, passes, lanes and work (memory × passes) a hash made elsewhere may need.
const FACTOR: u32 = 4;
/// The work that is accepted however little a hash of today costs, in KiB × passes. It is that of the costliest preset in wide
/// use, 64 MiB and 4 passes (`password_hash` of PHP); RFC 9106 recommends 3 passes, OWASP less memory.
const PRESET_WORK: u64 = 65_536 * 4;
/// Characters of the longest string that is looked at: the longest salt and output there are, and every number at its largest.
const MAX_LENGTH: usize = 256;
/// Bytes of an output: shorter ones are guessed too easily. A PHC string has no room for more than 64 bytes.
const MIN_OUTPUT: usize = 16;
/// The version of argon2 that RFC 9106 describes, 0x13.
const VERSION: u32 = 19;

/// The most a password hash may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Memory in KiB.
    memory_kib: u32,
    /// Passes.
    iterations: u32,
    /// Lanes.
    parallelism: u32,
    /// Memory × passes, which is what the processor time grows with. A hash at both its bounds would cost their product.
    work: u64,
}

/// The limits of password hashes, for `docs/reference/limits.md`.
pub const LIMITS: [InputLimit; 4] = [
    limit("password hash as text", MAX_LENGTH, Unit::Bytes, REFUSED, "passwords::phc::MAX_LENGTH"),
    limit(
        "memory, passes and lanes of a password hash, each",
        FACTOR as usize,
        Unit::TimesPasswords,
        REFUSED,
        "passwords::phc::FACTOR",
    ),
    limit(
        "memory × passes of a password hash",
        FACTOR as usize,
        Unit::TimesPasswords,
        REFUSED,
        "passwords::phc::FACTOR",
    ),
    limit(
        "memory × passes of a password hash, where that is more",
        PRESET_WORK as usize,
        Unit::KibPasses,
        REFUSED,
        "passwords::phc::PRESET_WORK",
    ),
];

const REFUSED: &str = "refused at import; a stored hash never matches";

impl Bounds {
    /// Four times what hashes cost today, or what they cost by default if that is more: an operator who lowers the cost must not
    /// lock out the members whose hashes are older.
    pub(super) fn of(settings: Passwords) -> Self {
        let most = |today: u32, default: u32| today.max(default).saturating_mul(FACTOR);
        let today = u64::from(settings.memory_kib) * u64::from(settings.iterations);
        Self {
            memory_kib: most(settings.memory_kib, Params::DEFAULT_M_COST),
            iterations: most(settings.iterations, Params::DEFAULT_T_COST),
            parallelism: most(settings.parallelism, Params::DEFAULT_P_COST),
            work: today.saturating_mul(u64::from(FACTOR)).max(PRESET_WORK),
        }
    }

    /// Whether this server would compute this PHC string.
    ///
    /// # Errors
    /// Why it would not.
    pub fn check(self, hash: &str) -> Result<(), BadHash> {
        AcceptedHash::parse(hash, self).map(drop)
    }
}

/// Why a password hash is not accepted. Says nothing of its salt and output.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadHash {
    #[error("the password hash is longer than {MAX_LENGTH} characters")]
    TooLong,
    #[error("the password hash is not a PHC string ($argon2id$v=19$m=…,t=…,p=…$salt$hash)")]
    NotPhc,
    #[error("the password hash is not an argon2id hash")]
    Algorithm,
    #[error("the password hash is not of argon2 version {VERSION} (v={VERSION})")]
    Version,
    #[error("the password hash must have exactly the parameters m, t and p, within the limits of RFC 9106")]
    Parameters,
    #[error("the password hash needs {name}={found}; this server accepts at most {most}")]
    TooCostly { name: &'static str, found: u32, most: u32 },
    #[error("the password hash needs m × t = {found}; this server accepts at most {most}")]
    TooMuchWork { found: u64, most: u64 },
    #[error("the salt of the password hash must have 8 to 48 bytes")]
    Salt,
    #[error("the output of the password hash must have {MIN_OUTPUT} to 64 bytes")]
    Output,
}

/// A password hash that may be computed: everything in it is within bounds.
#[derive(Clone, Debug)]
pub(super) struct AcceptedHash {
    pub(super) params: Params,
    pub(super) salt: Salt,
    pub(super) output: Output,
}

impl AcceptedHash {
    /// Reads a PHC string.
    pub(super) fn parse(text: &str, bounds: Bounds) -> Result<Self, BadHash> {
        if text.len() > MAX_LENGTH {
            return Err(BadHash::TooLong);
        }
        let read = PasswordHash::new(text).map_err(|_| BadHash::NotPhc)?;
        if read.algorithm.as_str() != "argon2id" {
            return Err(BadHash::Algorithm);
        }
        if read.version != Some(VERSION) {
            return Err(BadHash::Version);
        }
        // Without one of them argon2's default would be assumed; keys and associated data are in no standard any more.
        let mut names: Vec<_> = read.params.iter().map(|(name, _)| name.as_str().to_string()).collect();
        names.sort_unstable();
        if names != ["m", "p", "t"] {
            return Err(BadHash::Parameters);
        }
        let found = |name: &str| read.params.get_decimal(name).ok_or(BadHash::Parameters);
        let (memory, passes, lanes) = (found("m")?, found("t")?, found("p")?);
        for (name, found, most) in
            [("m", memory, bounds.memory_kib), ("t", passes, bounds.iterations), ("p", lanes, bounds.parallelism)]
        {
            if found > most {
                return Err(BadHash::TooCostly { name, found, most });
            }
        }
        let work = u64::from(memory) * u64::from(passes);
        if work > bounds.work {
            return Err(BadHash::TooMuchWork { found: work, most: bounds.work });
        }
        let salt = read.salt.ok_or(BadHash::Salt)?;
        let output = read.hash.filter(|output| output.len() >= MIN_OUTPUT).ok_or(BadHash::Output)?;
        let params = Params::new(memory, passes, lanes, Some(output.len())).map_err(|_| BadHash::Parameters)?;
        Ok(Self { params, salt, output })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TODAY: Passwords = Passwords { memory_kib: 32_768, iterations: 3, parallelism: 2, concurrent: 2, queue: 8 };
    const SALT: &str = "c29tZXNhbHQ";
    const OUTPUT: &str = "bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc";

    fn parse(text: &str) -> Result<AcceptedHash, BadHash> {
        AcceptedHash::parse(text, Bounds::of(TODAY))
    }

    #[test]
    fn four_times_todays_cost_is_accepted_and_no_more() {
        let with = |m: u64, t: u64, p: u64| format!("$argon2id$v=19$m={m},t={t},p={p}${SALT}${OUTPUT}");
        let costly = |name, found, most| BadHash::TooCostly { name, found, most };
        let work = |found| Some(BadHash::TooMuchWork { found, most: 393_216 });
        for (text, expected) in [
            (with(32_768, 12, 2), None),
            (with(131_072, 3, 8), None),
            (with(98_304, 4, 8), None),
            // Each number is within its bound, and together they cost up to sixteen times a hash of today.
            (with(131_072, 12, 8), work(1_572_864)),
            (with(131_072, 4, 1), work(524_288)),
            (with(32_769, 12, 1), work(393_228)),
            (with(131_073, 1, 1), Some(costly("m", 131_073, 131_072))),
            (with(64, 13, 1), Some(costly("t", 13, 12))),
            (with(131_072, 1, 9), Some(costly("p", 9, 8))),
            (with(4_294_967_295, 1, 1), Some(costly("m", 4_294_967_295, 131_072))),
            (with(64, 4_294_967_295, 1), Some(costly("t", 4_294_967_295, 12))),
            // Past 32 bits, and less than argon2 needs.
            (with(4_294_967_296, 1, 1), Some(BadHash::Parameters)),
            (with(15, 1, 2), Some(BadHash::Parameters)),
            (with(0, 1, 1), Some(BadHash::Parameters)),
            (with(64, 0, 1), Some(BadHash::Parameters)),
            (with(64, 1, 0), Some(BadHash::Parameters)),
        ] {
            assert_eq!(parse(&text).err(), expected, "{text}");
        }
    }

    #[test]
    fn a_lowered_cost_still_accepts_four_times_the_default() {
        let cheap = Passwords { memory_kib: 8, iterations: 1, parallelism: 1, ..TODAY };
        let expected = Bounds { memory_kib: 77_824, iterations: 8, parallelism: 4, work: 262_144 };
        assert_eq!(Bounds::of(cheap), expected);
        let huge = Passwords { memory_kib: u32::MAX, iterations: u32::MAX, ..TODAY };
        assert_eq!((Bounds::of(huge).memory_kib, Bounds::of(huge).work), (u32::MAX, u64::MAX));
    }

    #[test]
    fn the_presets_of_other_servers_are_accepted_by_the_defaults() {
        let default = Passwords {
            memory_kib: Params::DEFAULT_M_COST,
            iterations: Params::DEFAULT_T_COST,
            parallelism: Params::DEFAULT_P_COST,
            ..TODAY
        };
        for (preset, (m, t, p)) in [
            ("OWASP", (47_104, 1, 1)),
            ("OWASP", (19_456, 2, 1)),
            ("OWASP", (12_288, 3, 1)),
            ("OWASP", (9_216, 4, 1)),
            ("OWASP", (7_168, 5, 1)),
            ("RFC 9106, second; argon2-cffi; argon2 of npm", (65_536, 3, 4)),
            ("password_hash of PHP", (65_536, 4, 1)),
            ("libsodium, interactive", (65_536, 2, 1)),
            ("Spring Security", (16_384, 2, 1)),
        ] {
            let text = format!("$argon2id$v=19$m={m},t={t},p={p}${SALT}${OUTPUT}");
            assert!(Bounds::of(default).check(&text).is_ok(), "{preset}: {text}");
        }
    }

    #[test]
    fn only_argon2id_of_version_19_with_its_three_parameters_is_read() {
        for (text, expected) in [
            (format!("$argon2i$v=19$m=64,t=1,p=1${SALT}${OUTPUT}"), BadHash::Algorithm),
            (format!("$argon2d$v=19$m=64,t=1,p=1${SALT}${OUTPUT}"), BadHash::Algorithm),
            (format!("$scrypt$ln=16,r=8,p=1${SALT}${OUTPUT}"), BadHash::Algorithm),
            (format!("$argon2id$v=16$m=64,t=1,p=1${SALT}${OUTPUT}"), BadHash::Version),
            (format!("$argon2id$m=64,t=1,p=1${SALT}${OUTPUT}"), BadHash::Version),
            (format!("$argon2id$v=19$m=64,t=1${SALT}${OUTPUT}"), BadHash::Parameters),
            (format!("$argon2id$v=19$m=64,t=1,p=1,data=c29tZQ${SALT}${OUTPUT}"), BadHash::Parameters),
            (format!("$argon2id$v=19$m=64,t=1,p=1,keyid=c29tZQ${SALT}${OUTPUT}"), BadHash::Parameters),
            (format!("$argon2id$v=19$m=6x,t=1,p=1${SALT}${OUTPUT}"), BadHash::Parameters),
            ("$argon2id$v=19$m=64,t=1,p=1".to_string(), BadHash::Salt),
            (format!("$argon2id$v=19$m=64,t=1,p=1${SALT}"), BadHash::Output),
            (format!("$argon2id$v=19$m=64,t=1,p=1${SALT}$c29tZXNhbHRzYWx0"), BadHash::Output),
            (format!("$argon2id$v=19$m=64,t=1,p=1$c29t${OUTPUT}"), BadHash::NotPhc),
            (format!("$argon2id$v=19$m=64,t=1,p=1${SALT}${OUTPUT}$more"), BadHash::NotPhc),
            (format!("$argon2id$v=19$m=64,t=1,p=1${}${OUTPUT}", "a".repeat(66)), BadHash::NotPhc),
            (format!("$argon2id$v=19$m=64,t=1,p=1${SALT}${}", "a".repeat(88)), BadHash::NotPhc),
            (format!("$argon2id$v=19$m=64,t=1,p=1${SALT}${}", "a".repeat(1_000_000)), BadHash::TooLong),
            (String::new(), BadHash::NotPhc),
            ("$2y$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy".to_string(), BadHash::NotPhc),
        ] {
            assert_eq!(parse(&text).err(), Some(expected), "{text:.100}");
        }
    }

    /// A string that looks like a PHC string as far as chance wants it.
    fn phc_like() -> impl Strategy<Value = String> {
        let number = prop_oneof![0..300_u64, any::<u32>().prop_map(u64::from), any::<u64>()];
        let numbers = (number.clone(), number.clone(), number.clone(), number);
        let field = || prop_oneof!["[A-Za-z0-9+/]{0,100}", "\\PC{0,20}", Just(String::new())];
        let algorithm = prop_oneof![Just("argon2id".to_string()), Just("argon2i".to_string()), "[a-z0-9-]{0,40}"];
        (algorithm, numbers, field(), field(), "[,$=]{0,2}").prop_map(|(name, (v, m, t, p), salt, output, noise)| {
            format!("${name}$v={v}$m={m},t={t},p={p}{noise}${salt}${output}")
        })
    }

    /// A hash as another server might have made it, sometimes with a byte changed.
    fn nearly_good() -> impl Strategy<Value = String> {
        let good = (8..200_000_u32, 1..20_u32, 1..12_u32)
            .prop_map(|(m, t, p)| format!("$argon2id$v=19$m={m},t={t},p={p}${SALT}${OUTPUT}"));
        (good, any::<prop::sample::Index>(), prop::option::of(any::<u8>())).prop_map(|(text, at, byte)| {
            let mut bytes = text.into_bytes();
            if let Some(byte) = byte {
                let at = at.index(bytes.len());
                bytes[at] = byte;
            }
            String::from_utf8_lossy(&bytes).into_owned()
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

        #[test]
        fn whatever_is_accepted_is_within_bounds(
            text in prop_oneof!["\\PC*", "[$a-z0-9=,]*", phc_like(), nearly_good()],
        ) {
            let bounds = Bounds::of(TODAY);
            if let Ok(hash) = AcceptedHash::parse(&text, bounds) {
                prop_assert!(hash.params.m_cost() <= bounds.memory_kib);
                prop_assert!(hash.params.t_cost() <= bounds.iterations);
                prop_assert!(hash.params.p_cost() <= bounds.parallelism);
                prop_assert!(hash.params.block_count() <= bounds.memory_kib as usize);
                prop_assert!(u64::from(hash.params.m_cost()) * u64::from(hash.params.t_cost()) <= bounds.work);
                prop_assert!((8..=48).contains(&hash.salt.len()) && (MIN_OUTPUT..=64).contains(&hash.output.len()));
                prop_assert!(text.starts_with("$argon2id$v=19$"));
            }
        }

        #[test]
        fn every_hash_within_bounds_is_accepted(
            p in 1..=8_u32,
            m in 64..=131_072_u32,
            pick in any::<prop::sample::Index>(),
        ) {
            // The passes that this memory leaves within the bound of the work.
            let passes: Vec<u32> = (1..=12).filter(|passes| m * passes <= 393_216).collect();
            let t = *pick.get(&passes);
            let hash = parse(&format!("$argon2id$v=19$m={m},t={t},p={p}${SALT}${OUTPUT}"));
            let params = hash.expect("a good hash").params;
            prop_assert_eq!((params.m_cost(), params.t_cost(), params.p_cost()), (m, t, p));
        }
    }
}
