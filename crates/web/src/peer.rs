//! Who is at the other end of a connection, as far as it can be believed.

use std::convert::Infallible;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use axum::extract::FromRequestParts;
use http::HeaderMap;
use http::request::Parts;

/// A range of addresses, such as `10.0.0.0/8` or `::1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: u128,
    mask: u128,
}

/// Why a text is not a network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an address or network; write it like 10.0.0.0/8 or 192.0.2.7")]
pub struct NotANetwork(String);

impl FromStr for Network {
    type Err = NotANetwork;

    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let refused = || NotANetwork(text.to_owned());
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (
                address,
                Some(bits.parse::<u32>().map_err(|_not_a_number| refused())?),
            ),
            None => (text, None),
        };
        let address: IpAddr = address
            .trim()
            .parse()
            .map_err(|_not_an_address| refused())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        if bits > width {
            return Err(refused());
        }
        // IPv4 lives in the last 32 bits of the mapped range.
        let bits = if address.is_ipv4() { bits + 96 } else { bits };
        let mask = if bits == 0 {
            0
        } else {
            u128::MAX << (128 - bits)
        };
        Ok(Self {
            base: number(address) & mask,
            mask,
        })
    }
}

impl Network {
    /// Whether the address is in the range.
    pub fn contains(self, address: IpAddr) -> bool {
        number(address) & self.mask == self.base
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().to_bits(),
        IpAddr::V6(v6) => v6.to_bits(),
    }
}

/// The socket's own peer, put into a request's extensions by the server.
#[derive(Debug, Clone, Copy)]
pub struct SocketPeer(pub SocketAddr);

/// The client of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The client's address: the socket's, or the one a trusted proxy reports.
    pub address: IpAddr,
    /// Whether the client talks TLS to the trusted proxy in front. `None` without one.
    pub secure: Option<bool>,
    /// Whether the request comes from this very machine and no proxy was in between.
    pub on_this_machine: bool,
}

impl Peer {
    /// A client about whom nothing is known: a request made in a test, without a socket.
    pub const UNKNOWN: Self = Self {
        address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        secure: None,
        on_this_machine: false,
    };

    /// What is counted as one network: the address, or the first half of one of IPv6.
    pub fn household(&self) -> String {
        Household::of(self.address).0.to_string()
    }

    /// Reads `X-Forwarded-For` and `X-Forwarded-Proto`, but only from a proxy the operator has named: everyone else can
    /// write what they like there. Of several addresses the last one that is not itself a trusted proxy counts.
    pub(crate) fn of(socket: Option<SocketPeer>, headers: &HeaderMap, trusted: &[Network]) -> Self {
        let Some(SocketPeer(socket)) = socket else {
            return Self::UNKNOWN;
        };
        let direct = socket.ip().to_canonical();
        let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
        let forwarded = [
            "forwarded",
            "x-forwarded-for",
            "x-forwarded-host",
            "x-real-ip",
        ]
        .iter()
        .any(|name| headers.contains_key(*name));
        let mut peer = Self {
            address: direct,
            secure: None,
            on_this_machine: direct.is_loopback() && !forwarded,
        };
        if !is_trusted(direct) {
            return peer;
        }
        let hops = headers
            .get_all("x-forwarded-for")
            .iter()
            .filter_map(|value| value.to_str().ok())
            .collect::<Vec<_>>()
            .join(",");
        for hop in hops
            .rsplit(',')
            .map(str::trim)
            .filter(|hop| !hop.is_empty())
        {
            // Something unreadable in the chain: believe nothing beyond it.
            let Ok(address) = hop.parse::<IpAddr>() else {
                break;
            };
            peer.address = address.to_canonical();
            if !is_trusted(peer.address) {
                break;
            }
        }
        let proto = headers
            .get("x-forwarded-proto")
            .and_then(|value| value.to_str().ok());
        peer.secure = proto.map(|proto| proto.trim().eq_ignore_ascii_case("https"));
        peer
    }
}

/// What counts as one visitor for limits: an IPv4 address, or the /64 network a household or server gets in IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Household(IpAddr);

impl Household {
    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(v4) => IpAddr::V4(v4),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 64))),
        })
    }
}

impl<S: Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts
            .extensions
            .get::<Self>()
            .copied()
            .unwrap_or(Self::UNKNOWN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn peer(socket: &str, headers: &[(&'static str, &str)], trusted: &[&str]) -> Peer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, value.parse().unwrap());
        }
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        Peer::of(Some(SocketPeer(socket.parse().unwrap())), &map, &trusted)
    }

    #[test]
    fn a_stranger_cannot_say_where_he_comes_from() {
        let seen = peer(
            "203.0.113.9:4000",
            &[
                ("x-forwarded-for", "10.0.0.1"),
                ("x-forwarded-proto", "https"),
            ],
            &["127.0.0.1"],
        );
        assert_eq!(
            (seen.address.to_string().as_str(), seen.secure),
            ("203.0.113.9", None)
        );
    }

    #[test]
    fn behind_trusted_proxies_the_last_untrusted_address_counts() {
        let headers = [
            ("x-forwarded-for", "6.6.6.6, 198.51.100.7, 10.1.2.3"),
            ("x-forwarded-proto", "https"),
        ];
        let seen = peer("127.0.0.1:4000", &headers, &["127.0.0.1", "10.0.0.0/8"]);
        assert_eq!(
            (seen.address.to_string().as_str(), seen.secure),
            ("198.51.100.7", Some(true))
        );
        let garbled = peer(
            "127.0.0.1:4000",
            &[("x-forwarded-for", "198.51.100.7, <script>")],
            &["127.0.0.1"],
        );
        assert_eq!(garbled.address.to_string(), "127.0.0.1");
    }

    #[test]
    fn a_proxy_on_the_same_machine_is_not_the_owner() {
        assert!(peer("127.0.0.1:4000", &[], &[]).on_this_machine);
        assert!(peer("[::1]:4000", &[], &[]).on_this_machine);
        assert!(!peer("127.0.0.1:4000", &[("x-forwarded-for", "127.0.0.1")], &[]).on_this_machine);
        assert!(!peer("127.0.0.1:4000", &[("forwarded", "for=x")], &[]).on_this_machine);
        assert!(!peer("192.168.1.2:4000", &[], &[]).on_this_machine);
    }

    #[test]
    fn networks_are_read_exactly() {
        let network = |text: &str| text.parse::<Network>();
        assert!(
            network("10.0.0.0/8")
                .unwrap()
                .contains("10.255.0.1".parse().unwrap())
        );
        assert!(
            !network("10.0.0.0/8")
                .unwrap()
                .contains("11.0.0.1".parse().unwrap())
        );
        assert!(
            network("0.0.0.0/0")
                .unwrap()
                .contains("1.2.3.4".parse().unwrap())
        );
        assert!(network("::1").unwrap().contains("::1".parse().unwrap()));
        for bad in ["10.0.0.0/33", "x", "", "10.0.0.0/", "::/129"] {
            assert!(network(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_household_is_a_v4_address_or_a_v6_network() {
        let household = |text: &str| Household::of(text.parse().unwrap());
        assert_eq!(
            household("2001:db8:1:2::1"),
            household("2001:db8:1:2:ffff::9")
        );
        assert_ne!(household("2001:db8:1:2::1"), household("2001:db8:1:3::1"));
        assert_eq!(household("::ffff:192.0.2.1"), household("192.0.2.1"));
        assert_ne!(household("192.0.2.1"), household("192.0.2.2"));
    }
}
