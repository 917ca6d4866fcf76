//! How much of a person's address is recorded.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// Bits of an IPv4 network: what providers hand out, and what the open web's analytics cut addresses to.
const IPV4_BITS: u32 = 24;

/// Bits of an IPv6 network: one site, as RFC 6177 assigns them.
const IPV6_BITS: u32 = 48;

/// The longest name of a host that DNS has, in bytes.
const MAX_HOST_BYTES: usize = 253;

/// How much of the address that a request came from is recorded.
///
/// An address is personal data, and of little use: a visitor's is shared or changes. A network is enough to tell one
/// visitor's uploads from another's in an investigation, together with the principal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Addresses {
    /// The network it is in: `192.0.2.0/24`, `2001:db8:1::/48`.
    #[default]
    Network,
    /// All of it.
    Full,
    /// Nothing.
    None,
}

/// The text names no policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is none of them")]
pub struct AddressesError;

impl FromStr for Addresses {
    type Err = AddressesError;

    fn from_str(text: &str) -> Result<Self, AddressesError> {
        match text {
            "network" => Ok(Self::Network),
            "full" => Ok(Self::Full),
            "none" => Ok(Self::None),
            _ => Err(AddressesError),
        }
    }
}

impl Addresses {
    /// What is recorded of `address`. S3 names a service of AWS by its host, which is nobody's address and stays; what is
    /// neither is left out.
    pub(crate) fn recorded(self, address: &str) -> Option<String> {
        let Ok(address) = address.parse::<IpAddr>() else {
            return is_host(address).then(|| address.to_owned());
        };
        match self {
            Self::None => None,
            Self::Full => Some(address.to_canonical().to_string()),
            Self::Network => Some(network(address.to_canonical())),
        }
    }
}

fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX << (u32::BITS - IPV4_BITS);
            let network = Ipv4Addr::from_bits(address.to_bits() & mask);
            format!("{network}/{IPV4_BITS}")
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX << (u128::BITS - IPV6_BITS);
            let network = Ipv6Addr::from_bits(address.to_bits() & mask);
            format!("{network}/{IPV6_BITS}")
        }
    }
}

fn is_host(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'.' || byte == b'-';
    // A last part with a letter: what looks like a number is a mistyped address.
    let named = text
        .rsplit('.')
        .next()
        .is_some_and(|last| last.bytes().any(|byte| byte.is_ascii_alphabetic()));
    named && text.len() <= MAX_HOST_BYTES && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_cut_to_its_network() {
        for (address, network) in [
            ("192.0.2.17", "192.0.2.0/24"),
            ("::ffff:192.0.2.17", "192.0.2.0/24"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1::/48"),
        ] {
            let recorded = Addresses::Network.recorded(address);
            assert_eq!(recorded.as_deref(), Some(network));
            assert_eq!(Addresses::None.recorded(address), None);
        }
        let full = Addresses::Full.recorded("192.0.2.17");
        assert_eq!(full.as_deref(), Some("192.0.2.17"));
    }

    #[test]
    fn a_service_keeps_its_name_and_anything_else_is_left_out() {
        let host = "s3.amazonaws.com";
        assert_eq!(Addresses::None.recorded(host).as_deref(), Some(host));
        let long = "a".repeat(254);
        for other in ["", "192.0.2", "1.2.3.400", "a b", "[::1]:80", long.as_str()] {
            assert_eq!(Addresses::Full.recorded(other), None, "{other}");
        }
    }
}
