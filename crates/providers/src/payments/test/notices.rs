//! What the provider tells the shop unasked: signed, delivered until taken, checked on arrival.
//!
//! The signature header is `t=<seconds since 1970>,v1=<HMAC-SHA256 of "t.body", in lower-case hex>`. It is signed anew for
//! each delivery; the event's id in the body stays.

use commerce::checkout::receive_notice;
use commerce::ports::gateway::{Notice, NoticeError};
use commerce::shop::Shop;
use data_encoding::HEXLOWER;
use db::DbError;
use hmac::{Hmac, KeyInit, Mac};
use kernel::time::MINUTE;
use kernel::{PaymentId, Timestamp};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::{CODE, TestGateway, books};

/// How far the time of signing may be from now, either way.
pub const TOLERANCE: i64 = 5 * MINUTE;

/// The secret that notices are signed with. Its `Debug` keeps it out of logs.
#[derive(Clone)]
pub(super) struct Key([u8; 32]);

impl Key {
    pub(super) const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    fn mac(&self, time: &str, body: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.0).expect("HMAC takes a key of any length");
        mac.update(time.as_bytes());
        mac.update(b".");
        mac.update(body);
        mac
    }

    /// The signature header for a body sent now.
    pub(super) fn sign(&self, now: Timestamp, body: &[u8]) -> String {
        let time = now.millis().div_euclid(1_000).to_string();
        let signature = HEXLOWER.encode(&self.mac(&time, body).finalize().into_bytes());
        format!("t={time},v1={signature}")
    }

    /// Checks the signature, comparing in constant time, and then the time that was signed with it.
    fn check(&self, header: &str, body: &[u8], now: Timestamp) -> Result<(), NoticeError> {
        let (time, signature) = parse(header).ok_or(NoticeError::BadSignature)?;
        self.mac(time, body)
            .verify_slice(&signature)
            .map_err(|_mismatch| NoticeError::BadSignature)?;
        let signed_at = time
            .parse::<i64>()
            .ok()
            .and_then(|seconds| seconds.checked_mul(1_000))
            .ok_or(NoticeError::BadTime)?;
        let age = now.since(Timestamp::from_millis(signed_at));
        if (-TOLERANCE..=TOLERANCE).contains(&age) {
            Ok(())
        } else {
            Err(NoticeError::BadTime)
        }
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

/// The two fields of the header, in their one form: no other order, no spaces, nothing twice.
fn parse(header: &str) -> Option<(&str, Vec<u8>)> {
    let (time, signature) = header.strip_prefix("t=")?.split_once(",v1=")?;
    let digits =
        !time.is_empty() && time.len() <= 18 && time.bytes().all(|byte| byte.is_ascii_digit());
    let signature = HEXLOWER.decode(signature.as_bytes()).ok()?;
    digits.then_some((time, signature))
}

/// What a notice says.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    /// The event.
    id: String,
    /// What happened, for people who read along: the shop asks.
    #[serde(rename = "type")]
    kind: String,
    /// To which payment.
    payment: PaymentId,
}

/// A notice ready to be delivered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedNotice {
    /// The event, the same in every delivery.
    pub event_id: String,
    /// The signature header.
    pub signature: String,
    /// The body.
    pub body: Vec<u8>,
}

pub(super) fn read(
    key: &Key,
    (signature, body): (&str, &[u8]),
    now: Timestamp,
) -> Result<Notice, NoticeError> {
    key.check(signature, body, now)?;
    let body: Body = serde_json::from_slice(body).map_err(|_unreadable| NoticeError::Unreadable)?;
    Ok(Notice {
        event_id: body.id,
        payment: body.payment,
    })
}

impl TestGateway {
    /// Takes the notices that are due, signed now.
    ///
    /// One that is not [marked delivered](Self::mark_delivered) is due again half a minute later, then after longer and
    /// longer pauses, for about a day.
    pub async fn due_notices(&self) -> Result<Vec<SignedNotice>, DbError> {
        let now = self.clock.now();
        // Looking costs less than a write that finds nothing.
        if !self.db.read(move |tx| books::any_due(tx, now)).await? {
            return Ok(Vec::new());
        }
        let due = self.db.write(move |tx| books::take_due(tx, now)).await?;
        Ok(due
            .into_iter()
            .map(|notice| self.signed(now, notice))
            .collect())
    }

    /// Notes that the shop took a notice.
    pub async fn mark_delivered(&self, event_id: &str) -> Result<(), DbError> {
        let (now, event_id) = (self.clock.now(), event_id.to_owned());
        self.db
            .write(move |tx| books::mark_delivered(tx, now, &event_id))
            .await
    }

    /// Delivers the due notices through the door that every gateway's notices come in by; says how many were taken.
    ///
    /// For the server's loop, every second or so. What the shop does not take is tried again later.
    pub async fn deliver_due_notices(&self, shop: &Shop) -> Result<usize, DbError> {
        let mut taken: usize = 0;
        for notice in self.due_notices().await? {
            match receive_notice(shop, CODE, &notice.signature, &notice.body).await {
                Ok(()) => {
                    self.mark_delivered(&notice.event_id).await?;
                    taken = taken.saturating_add(1);
                }
                Err(error) => {
                    tracing::warn!(event.id = notice.event_id, %error, "The shop did not take notice {}; it is tried again", notice.event_id);
                }
            }
        }
        Ok(taken)
    }

    fn signed(&self, now: Timestamp, notice: books::DueNotice) -> SignedNotice {
        let body = Body {
            id: notice.event_id.clone(),
            kind: notice.kind,
            payment: notice.payment,
        };
        let body = serde_json::to_vec(&body).expect("three texts are always JSON");
        SignedNotice {
            event_id: notice.event_id,
            signature: self.key.sign(now, &body),
            body,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_what_anyone_else_would_compute() {
        let mut bytes = [0; 32];
        for (value, byte) in (0..).zip(&mut bytes) {
            *byte = value;
        }
        // By Python: hmac.new(bytes(range(32)), b'1795428000.{"id":"evt_1"}', hashlib.sha256).hexdigest()
        let expected =
            "t=1795428000,v1=bbd3dac296452b82192c3847fe0ce142da310b82f409afbf61320e9c4eac8b1d";
        let now = Timestamp::from_millis(1_795_428_000_999);
        assert_eq!(Key::new(bytes).sign(now, br#"{"id":"evt_1"}"#), expected);
        assert_eq!(
            Key::new(bytes).check(expected, br#"{"id":"evt_1"}"#, now),
            Ok(())
        );
    }
}
