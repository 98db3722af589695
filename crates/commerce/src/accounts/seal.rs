//! What a browser carries between two steps without being able to change it: signed, and good for minutes only.

use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use kernel::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use subtle::ConstantTimeEq;

use crate::error::Internal;
use crate::keys::{Purpose, server_key};
use crate::shop::Shop;

/// Something sealed: what it is, and until when it counts.
pub(super) trait Sealed: Serialize + DeserializeOwned {
    /// What it is for: a seal for one thing opens no other.
    const KIND: &'static str;
}

#[derive(Serialize, Deserialize)]
struct Envelope<T> {
    until: Timestamp,
    #[serde(bound(deserialize = "T: DeserializeOwned"))]
    body: T,
}

/// Seals it until then.
pub(super) async fn seal<T: Sealed>(
    shop: &Shop,
    until: Timestamp,
    body: T,
) -> Result<String, Internal> {
    let key = server_key(shop, Purpose::SealedSteps).await?;
    let envelope = serde_json::to_vec(&Envelope { until, body })?;
    Ok(written(&key, T::KIND, &envelope))
}

/// What was sealed, if it was and still counts.
pub(super) async fn open<T: Sealed>(shop: &Shop, text: &str) -> Result<Option<T>, Internal> {
    let key = server_key(shop, Purpose::SealedSteps).await?;
    let Some(envelope) = read(&key, T::KIND, text) else {
        return Ok(None);
    };
    let Envelope { until, body } = serde_json::from_slice::<Envelope<T>>(&envelope)?;
    Ok((shop.clock.now() < until).then_some(body))
}

/// An envelope with its code.
pub(crate) fn written(key: &[u8; 32], kind: &str, envelope: &[u8]) -> String {
    format!(
        "{}.{}",
        BASE64URL_NOPAD.encode(envelope),
        BASE64URL_NOPAD.encode(&mac(key, kind, envelope))
    )
}

/// The envelope, if its code is right.
pub(crate) fn read(key: &[u8; 32], kind: &str, text: &str) -> Option<Vec<u8>> {
    let (envelope, given) = text.split_once('.')?;
    let decoded = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).ok();
    let (envelope, given) = (decoded(envelope)?, decoded(given)?);
    bool::from(mac(key, kind, &envelope).ct_eq(&given)).then_some(envelope)
}

fn mac(key: &[u8; 32], kind: &str, envelope: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(kind.as_bytes());
    mac.update(&[0]);
    mac.update(envelope);
    mac.finalize().into_bytes().to_vec()
}
