//! What nodes tell each other about their rate limits: how much each key was used in the last seconds, as bytes.

use std::{net::Ipv4Addr, time::Duration};

use vestibule_domain::{
    id::{ProjectNo, UserId},
    limit::IpKey,
    project::LimitName,
    secret::TokenHash,
};

use super::{Counter, CounterKey, CounterSubject};

/// The format; a node of another release may write another one, which is ignored.
const FORMAT: u8 = 1;

/// How much a key was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) key: CounterKey,
    /// The refill time of what was used.
    pub(crate) used: Duration,
    /// The refill time of the whole quota.
    pub(crate) capacity: Duration,
}

/// What was used within about a second; rounds of a node are numbered from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Round {
    pub(crate) number: u64,
    pub(crate) shares: Vec<Share>,
}

/// The counters that are kept in memory, but those of the settings.
const FIXED: [Counter; 17] = [
    Counter::TokenPerIp,
    Counter::RevocationPerIp,
    Counter::TokenPerUser,
    Counter::TokenPerKey,
    Counter::CodePerUser,
    Counter::SettingsActionPerUser,
    Counter::AdminPerKey,
    Counter::AdminRefusedPerIp,
    Counter::TokenPerApplication,
    Counter::DevicePerIp,
    Counter::DevicePerProject,
    Counter::DevicePoll,
    Counter::DevicePollPerIp,
    Counter::UserCodePerIp,
    Counter::PushedPerIp,
    Counter::LoginMethodChangePerUser,
    Counter::ProviderPerIp,
];
/// The codes of [`FIXED`] begin here, those of [`LimitName::ALL`] at 0.
const FIRST_FIXED: u8 = 128;

fn code_of(counter: Counter) -> Option<u8> {
    let place = if let Counter::Setting(name) = counter {
        LimitName::ALL.iter().position(|one| *one == name)?
    } else {
        FIXED.iter().position(|one| *one == counter)? + usize::from(FIRST_FIXED)
    };
    u8::try_from(place).ok()
}

fn read_counter(code: u8) -> Option<Counter> {
    match code.checked_sub(FIRST_FIXED) {
        Some(place) => FIXED.get(usize::from(place)).copied(),
        None => LimitName::ALL.get(usize::from(code)).copied().map(Counter::Setting),
    }
}

/// The rounds as bytes.
pub(crate) fn write_rounds(rounds: &[Round]) -> Vec<u8> {
    let mut bytes = vec![FORMAT];
    for round in rounds {
        let known: Vec<(u8, &Share)> =
            round.shares.iter().filter_map(|share| Some((code_of(share.key.1)?, share))).collect();
        bytes.extend_from_slice(&round.number.to_be_bytes());
        bytes.extend_from_slice(&u32::try_from(known.len()).unwrap_or(u32::MAX).to_be_bytes());
        for (code, share) in known {
            let (project, _, subject) = share.key;
            bytes.extend_from_slice(&project.0.to_be_bytes());
            bytes.push(code);
            write_subject(&mut bytes, subject);
            for time in [share.used, share.capacity] {
                bytes.extend_from_slice(&u64::try_from(time.as_micros()).unwrap_or(u64::MAX).to_be_bytes());
            }
        }
    }
    bytes
}

fn write_subject(bytes: &mut Vec<u8>, subject: CounterSubject) {
    match subject {
        CounterSubject::Ip(IpKey::V4(address)) => {
            bytes.push(0);
            bytes.extend_from_slice(&address.octets());
        }
        CounterSubject::Ip(IpKey::V6Network(network)) => {
            bytes.push(1);
            bytes.extend_from_slice(&network.to_be_bytes());
        }
        CounterSubject::User(id) => {
            bytes.push(2);
            bytes.extend_from_slice(id.as_bytes());
        }
        CounterSubject::LoginId(hash) => {
            bytes.push(3);
            bytes.extend_from_slice(&hash.0);
        }
        CounterSubject::Application(hash) => {
            bytes.push(4);
            bytes.extend_from_slice(&hash.0);
        }
        CounterSubject::Device(hash) => {
            bytes.push(5);
            bytes.extend_from_slice(&hash.0);
        }
        CounterSubject::Project => bytes.push(6),
    }
}

/// Reads what [`write_rounds`] wrote; `None` when it is something else.
pub(crate) fn read_rounds(bytes: &[u8]) -> Option<Vec<Round>> {
    let mut reader = Reader(bytes);
    let [FORMAT] = reader.take()? else { return None };
    let mut rounds = Vec::new();
    while !reader.0.is_empty() {
        let number = u64::from_be_bytes(reader.take()?);
        let count = u32::from_be_bytes(reader.take()?);
        let shares = (0..count).map(|_| reader.share()).collect::<Option<Vec<Share>>>()?;
        rounds.push(Round { number, shares });
    }
    Some(rounds)
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn share(&mut self) -> Option<Share> {
        let project = ProjectNo(i64::from_be_bytes(self.take()?));
        let [code] = self.take()?;
        let [kind] = self.take()?;
        let subject = match kind {
            0 => CounterSubject::Ip(IpKey::V4(Ipv4Addr::from(self.take::<4>()?))),
            1 => CounterSubject::Ip(IpKey::V6Network(u64::from_be_bytes(self.take()?))),
            2 => CounterSubject::User(UserId::from_bytes(self.take()?)),
            3 => CounterSubject::LoginId(TokenHash(self.take()?)),
            4 => CounterSubject::Application(TokenHash(self.take()?)),
            5 => CounterSubject::Device(TokenHash(self.take()?)),
            6 => CounterSubject::Project,
            _ => return None,
        };
        let used = Duration::from_micros(u64::from_be_bytes(self.take()?));
        let capacity = Duration::from_micros(u64::from_be_bytes(self.take()?));
        Some(Share { key: (project, read_counter(code)?, subject), used, capacity })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounds_are_read_as_they_were_written() {
        let subjects = [
            CounterSubject::Ip(IpKey::V4(Ipv4Addr::new(192, 0, 2, 7))),
            CounterSubject::Ip(IpKey::V6Network(0x2001_0db8_0000_0001)),
            CounterSubject::User(UserId::from_bytes([7; 16])),
            CounterSubject::LoginId(TokenHash([9; 32])),
            CounterSubject::Application(TokenHash([4; 32])),
            CounterSubject::Device(TokenHash([5; 32])),
            CounterSubject::Project,
        ];
        let counters = FIXED.into_iter().chain(LimitName::ALL.map(Counter::Setting));
        let share = |counter, subject, number: u64| Share {
            key: (ProjectNo(3), counter, subject),
            used: Duration::from_micros(number),
            capacity: Duration::from_secs(number),
        };
        let shares: Vec<Share> = (1..)
            .zip(counters.flat_map(|counter| subjects.map(|subject| (counter, subject))))
            .map(|(number, (counter, subject))| share(counter, subject, number))
            .collect();
        let rounds = [Round { number: 4, shares }, Round { number: 6, shares: Vec::new() }];
        let bytes = write_rounds(&rounds);
        assert_eq!(read_rounds(&bytes).as_deref(), Some(rounds.as_slice()));
        assert_eq!(read_rounds(&bytes[..bytes.len() - 1]), None);
        assert_eq!(read_rounds(&[2]), None);
        assert_eq!(read_rounds(&[]), None);
    }
}
