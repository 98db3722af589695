//! What must hold of any bytes from the outside world: for fuzzing, and for the tests that replay what it found.

use crate::mail::SmtpConfig;

pub use crate::payments::test::fuzzing::payment_notices;

/// A function that panics on bytes that break a promise.
pub type Target = fn(&[u8]);

/// Every target with the name of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("payment_notices", payment_notices),
    ("smtp_addresses", smtp_addresses),
];

/// A mail server's address is understood or refused, and never shows its password.
pub fn smtp_addresses(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    let (url, sender) = match text.split_once('\n') {
        Some((url, sender)) => (url, Some(sender)),
        None => (text, None),
    };
    // Files of the operator's own authorities are not for strangers to name.
    if url.contains("tlsrootcert") {
        return;
    }
    match SmtpConfig::parse(url, sender) {
        Ok(config) => assert!(!format!("{config:?}").contains('\n')),
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
    let with_password = format!("smtps://shop:PASSWORD@{url}");
    if let Ok(config) = SmtpConfig::parse(&with_password, sender) {
        assert!(text.contains("PASSWORD") || !format!("{config:?}").contains("PASSWORD"));
    }
}
