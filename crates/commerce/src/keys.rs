//! Keys the nodes of one shop share: made once, by whichever node asks first, and the same after every restart.

use db::params;

use crate::error::Internal;
use crate::shop::Shop;

/// What a key is for. A key serves one purpose only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Form tokens.
    FormTokens,
    /// The test gateway's signatures.
    TestGateway,
    /// What a browser carries between two steps of signing in.
    SealedSteps,
}

impl Purpose {
    const fn name(self) -> &'static str {
        match self {
            Self::FormTokens => "form_tokens",
            Self::TestGateway => "test_gateway",
            Self::SealedSteps => "sealed_steps",
        }
    }
}

/// The shop's key for a purpose.
pub async fn server_key(shop: &Shop, purpose: Purpose) -> Result<[u8; 32], Internal> {
    let mut fresh = vec![0_u8; 32];
    getrandom::fill(&mut fresh)
        .map_err(|error| Internal::bug(format!("no random bytes: {error}")))?;
    let now = shop.clock.now();
    let key: Vec<u8> = shop
        .db
        .write(move |tx| -> Result<Vec<u8>, Internal> {
            tx.execute(
                "INSERT INTO server_keys (name, key, created_at) VALUES ($1, $2, $3) ON CONFLICT (name) DO NOTHING",
                params![purpose.name(), fresh, now],
            )?;
            let (key,): (Vec<u8>,) = tx.query_one("SELECT key FROM server_keys WHERE name = $1", params![purpose.name()])?;
            Ok(key)
        })
        .await?;
    key.try_into()
        .map_err(|_key: Vec<u8>| Internal::bug("a stored key is not 32 bytes long"))
}
