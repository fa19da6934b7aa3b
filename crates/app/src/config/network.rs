//! An address or network in the configuration.

use serde::Deserialize;

/// An address or a network in CIDR notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Network {
    address: std::net::IpAddr,
    prefix: u8,
}

impl Network {
    #[must_use]
    pub fn contains(&self, ip: std::net::IpAddr) -> bool {
        use std::net::IpAddr::{V4, V6};
        match (self.address, ip.to_canonical()) {
            (V4(net), V4(ip)) => prefix_equal(u32::from(net).into(), u32::from(ip).into(), 32, self.prefix),
            (V6(net), V6(ip)) => prefix_equal(net.into(), ip.into(), 128, self.prefix),
            (V4(_), V6(_)) | (V6(_), V4(_)) => false,
        }
    }
}

fn prefix_equal(a: u128, b: u128, width: u32, prefix: u8) -> bool {
    let shift = width.saturating_sub(u32::from(prefix));
    (a ^ b).checked_shr(shift).unwrap_or(0) == 0
}

impl TryFrom<String> for Network {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let problem = || format!("\"{text}\" is neither an IP address nor a network like 10.0.0.0/8");
        let (address, prefix) = text.split_once('/').map_or((text.as_str(), None), |(a, p)| (a, Some(p)));
        let address: std::net::IpAddr = address.parse().map_err(|_| problem())?;
        let widest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(widest), |p| p.parse::<u8>().map_err(|_| problem()))?;
        if prefix > widest {
            return Err(problem());
        }
        Ok(Self { address, prefix })
    }
}
