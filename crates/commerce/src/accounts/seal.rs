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
    let mac = mac(&key, T::KIND, &envelope);
    Ok(format!(
        "{}.{}",
        BASE64URL_NOPAD.encode(&envelope),
        BASE64URL_NOPAD.encode(&mac)
    ))
}

/// What was sealed, if it was and still counts.
pub(super) async fn open<T: Sealed>(shop: &Shop, text: &str) -> Result<Option<T>, Internal> {
    let Some((envelope, given)) = text.split_once('.') else {
        return Ok(None);
    };
    let (Ok(envelope), Ok(given)) = (
        BASE64URL_NOPAD.decode(envelope.as_bytes()),
        BASE64URL_NOPAD.decode(given.as_bytes()),
    ) else {
        return Ok(None);
    };
    let key = server_key(shop, Purpose::SealedSteps).await?;
    if !bool::from(mac(&key, T::KIND, &envelope).ct_eq(&given)) {
        return Ok(None);
    }
    let Envelope { until, body } = serde_json::from_slice::<Envelope<T>>(&envelope)?;
    Ok((shop.clock.now() < until).then_some(body))
}

fn mac(key: &[u8; 32], kind: &str, envelope: &[u8]) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(kind.as_bytes());
    mac.update(&[0]);
    mac.update(envelope);
    mac.finalize().into_bytes().to_vec()
}
