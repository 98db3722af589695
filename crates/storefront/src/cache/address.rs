//! Which page is which.

use std::fmt::Write as _;

use http::Uri;

/// The longest address whose page is kept: longer ones are nobody's favourites.
const LONGEST: usize = 512;

/// A page's path with everything else that decides what it shows, in one spelling.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Address(Box<str>);

impl Address {
    /// The page at a path with these parameters, in an order that is always the same. `None` if that is too long to keep.
    pub(crate) fn of<'a>(
        uri: &Uri,
        parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Option<Self> {
        let mut address = uri.path().to_owned();
        for (name, value) in parameters {
            // Lengths before the words, so that no value can pass for another parameter.
            write!(address, "\n{}:{name}={}:{value}", name.len(), value.len()).ok()?;
            if address.len() > LONGEST {
                return None;
            }
        }
        (address.len() <= LONGEST).then(|| Self(address.into()))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(parameters: &[(&str, &str)]) -> Option<Address> {
        let uri: Uri = "/c/vases?utm_source=mail".parse().unwrap();
        Address::of(&uri, parameters.iter().copied())
    }

    #[test]
    fn an_address_is_its_path_and_what_matters_of_its_query() {
        assert_eq!(address(&[]), address(&[]));
        assert_ne!(address(&[("page", "1")]), address(&[("page", "2")]));
        assert_ne!(
            address(&[("a", "b\n1:c=1:d")]),
            address(&[("a", "b"), ("c", "d")])
        );
        assert_eq!(address(&[("a", &"x".repeat(LONGEST))]), None);
    }
}
