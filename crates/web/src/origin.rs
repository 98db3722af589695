//! Where the shop lives on the web: scheme, host and port.

use std::fmt;

use http::Uri;

/// An origin such as `https://shop.example` or `http://localhost:8080`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    secure: bool,
    /// Host and, unless it is the scheme's own, port; in lower case.
    authority: String,
}

/// Why a text is not an origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an origin; write it like https://shop.example, without a path")]
pub struct NotAnOrigin(String);

impl Origin {
    /// Reads an origin; a single slash at the end is forgiven.
    pub fn parse(text: &str) -> Result<Self, NotAnOrigin> {
        let refused = || NotAnOrigin(text.to_owned());
        let trimmed = text.trim();
        let uri: Uri = trimmed.parse().map_err(|_not_a_uri| refused())?;
        let secure = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(refused()),
        };
        let authority = uri.authority().ok_or_else(refused)?.as_str();
        let has_path = uri.path() != "/" || uri.query().is_some() || trimmed.contains('#');
        if authority.contains('@') || has_path {
            return Err(refused());
        }
        Ok(Self {
            secure,
            authority: normal(authority, secure),
        })
    }

    /// Whether pages are served over TLS, here or by the proxy in front.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether a `Host` header names this origin.
    pub(crate) fn is_at(&self, host: &str) -> bool {
        self.authority == normal(host, self.secure)
    }
}

/// An authority in lower case without the port its scheme implies.
fn normal(authority: &str, secure: bool) -> String {
    let lower = authority.to_ascii_lowercase();
    let implied = if secure { ":443" } else { ":80" };
    lower.strip_suffix(implied).unwrap_or(&lower).to_owned()
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}://{}",
            if self.secure { "https" } else { "http" },
            self.authority
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port_and_no_more() {
        assert_eq!(
            Origin::parse("https://Shop.Example:443/")
                .unwrap()
                .to_string(),
            "https://shop.example"
        );
        assert_eq!(
            Origin::parse(" http://localhost:8080 ")
                .unwrap()
                .to_string(),
            "http://localhost:8080"
        );
        assert!(
            Origin::parse("http://[::1]:8080")
                .unwrap()
                .is_at("[::1]:8080")
        );
        for bad in [
            "",
            "shop.example",
            "ftp://x",
            "https://x/path",
            "https://x/?q",
            "https://u@x",
            "https://x#y",
            "https://",
            "null",
        ] {
            assert_eq!(
                Origin::parse(bad),
                Err(NotAnOrigin(bad.to_owned())),
                "{bad}"
            );
        }
    }
}
