//! The shop's books beside those of the company that takes the money.

use std::collections::BTreeMap;

use commerce::testing::TestShop;

/// What one side says of a payment: what it is for, what is held, captured and given back.
type Entry = (String, i64, i64, i64, i64);

/// Every payment stands alike in both books. One that the company never heard of holds nothing.
pub(super) async fn assert_agree(test: &TestShop) {
    let theirs: BTreeMap<String, Entry> = lines(test
        .rows(
            "SELECT idempotency_key, currency, amount_minor,
                    CASE WHEN state = 'approved' THEN amount_minor - voided_minor ELSE 0 END, captured_minor, refunded_minor
               FROM test_gateway_payments ORDER BY idempotency_key",
        )
        .await);
    let mut ours: BTreeMap<String, Entry> = lines(test
        .rows(
            "SELECT id, currency, amount_minor,
                    CASE WHEN status IN ('authorized', 'captured') THEN authorized_minor ELSE 0 END, captured_minor, refunded_minor
               FROM payments WHERE gateway = 'test' ORDER BY id",
        )
        .await);
    ours.retain(|id, (_, _, held, captured, _)| {
        theirs.contains_key(id) || *held > 0 || *captured > 0
    });
    assert_eq!(
        ours, theirs,
        "our books on the left, the gateway's on the right"
    );
}

fn lines(rows: Vec<(String, String, i64, i64, i64, i64)>) -> BTreeMap<String, Entry> {
    let line = |(id, currency, amount, held, captured, refunded)| {
        (id, (currency, amount, held, captured, refunded))
    };
    rows.into_iter().map(line).collect()
}
