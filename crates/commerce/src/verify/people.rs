//! The invariants about people: that what they do is in the audit trail, and who may sign in.

use super::rules::Rule;

/// What a person did leaves rows that carry the act; each act has one row in the trail, by the same person.
macro_rules! acts {
    ($($table:literal),+) => {
        &[
            $(
                Rule {
                    invariant: "what people do is in the audit trail",
                    fault: concat!("audit rows of an act that wrote to ", $table),
                    sql: concat!(
                        "SELECT t.id, CAST(0 AS BIGINT), CAST(1 AS BIGINT)
                           FROM ", $table, " t LEFT JOIN audit a ON a.id = t.act_id AND a.actor = t.actor
                          WHERE t.act_id IS NOT NULL AND (t.actor = 'operator' OR t.actor LIKE 'staff:%') AND a.id IS NULL"
                    ),
                },
                Rule {
                    invariant: "what people do is in the audit trail",
                    fault: concat!("acts of staff behind a row of ", $table),
                    sql: concat!(
                        "SELECT t.id, CAST(0 AS BIGINT), CAST(1 AS BIGINT) FROM ", $table, " t
                          WHERE t.actor LIKE 'staff:%' AND t.act_id IS NULL"
                    ),
                },
            )+
        ]
    };
}

/// Each act in each table that people write to.
pub(super) const ACTS: &[Rule] = acts![
    "order_timeline",
    "stock_movements",
    "refunds",
    "fulfillments"
];

/// Every other invariant about people.
pub(super) const RULES: &[Rule] = &[
    Rule {
        invariant: "what people do is in the audit trail",
        fault: "accounts behind a row of the audit trail",
        sql: "SELECT a.id, CAST(0 AS BIGINT), CAST(1 AS BIGINT) FROM audit a
               WHERE a.actor LIKE 'staff:%' AND NOT EXISTS (SELECT 1 FROM staff s WHERE 'staff:' || s.id = a.actor)",
    },
    Rule {
        invariant: "what people do is in the audit trail",
        fault: "audit rows of somebody who did not do it",
        sql: "SELECT id, CAST(1 AS BIGINT), CAST(0 AS BIGINT) FROM audit WHERE actor <> 'operator' AND actor NOT LIKE 'staff:%'",
    },
    Rule {
        invariant: "accounts are counted, and none is ever deleted",
        fault: "accounts against the counter",
        sql: "SELECT c.name, x.accounts, c.value
                FROM counters c CROSS JOIN (SELECT COUNT(*) AS accounts FROM staff) x
               WHERE c.name = 'staff' AND c.value <> x.accounts",
    },
    Rule {
        invariant: "the shop has an owner",
        fault: "owners who are not shut out",
        sql: "SELECT MIN(s.id), CAST(0 AS BIGINT), CAST(1 AS BIGINT) FROM staff s WHERE s.role = 'owner'
              HAVING COUNT(*) > 0 AND SUM(CASE WHEN s.disabled_at IS NULL THEN 1 ELSE 0 END) = 0",
    },
    Rule {
        invariant: "whoever is shut out is out",
        fault: "sessions of somebody shut out that were not ended",
        sql: "SELECT e.id, CAST(1 AS BIGINT), CAST(0 AS BIGINT) FROM staff_sessions e JOIN staff s ON s.id = e.staff_id
               WHERE s.disabled_at IS NOT NULL AND e.ended_at IS NULL",
    },
    Rule {
        invariant: "whoever is shut out is out",
        fault: "open links of somebody shut out",
        sql: "SELECT s.id, COUNT(*), CAST(0 AS BIGINT) FROM staff_links l JOIN staff s ON s.id = l.staff_id
               WHERE s.disabled_at IS NOT NULL AND l.used_at IS NULL GROUP BY s.id",
    },
    Rule {
        invariant: "a shop is claimed once",
        fault: "links to claim a shop that has accounts",
        sql: "SELECT l.purpose, COUNT(*), CAST(0 AS BIGINT) FROM staff_links l
               WHERE l.purpose = 'claim' AND EXISTS (SELECT 1 FROM staff) GROUP BY l.purpose",
    },
    Rule {
        invariant: "codes belong to a second factor",
        fault: "recovery codes without a second factor",
        sql: "SELECT s.id, COUNT(*), CAST(0 AS BIGINT) FROM staff_recovery_codes r JOIN staff s ON s.id = r.staff_id
               WHERE s.totp_secret IS NULL GROUP BY s.id",
    },
    Rule {
        invariant: "codes belong to a second factor",
        fault: "steps of the clock used without a second factor",
        sql: "SELECT id, totp_last_step, CAST(0 AS BIGINT) FROM staff WHERE totp_secret IS NULL AND totp_last_step IS NOT NULL",
    },
    Rule {
        invariant: "order numbers are unique and given at placement",
        fault: "the number before this one",
        sql: "SELECT o.id, CAST(0 AS BIGINT), o.number - 1 FROM orders o
               WHERE o.number > 1001 AND NOT EXISTS (SELECT 1 FROM orders p WHERE p.number = o.number - 1)",
    },
    Rule {
        invariant: "order numbers are unique and given at placement",
        fault: "the last number given against the counter",
        sql: "SELECT c.name, x.last, c.value
                FROM counters c CROSS JOIN (SELECT COALESCE(MAX(number), 1000) AS last FROM orders) x
               WHERE c.name = 'order_number' AND c.value <> x.last",
    },
];

#[cfg(test)]
mod tests {
    use super::super::tests::{judged_with, populated};
    use super::{ACTS, RULES};
    use crate::accounts::{
        Invite, Role, SignedIn, change_role, disable, find_invited, reset_password_link,
    };
    use crate::inventory::{AdjustStock, MovementKind, adjust_stock};
    use crate::on_both;
    use crate::orders::{RefundOrder, refund_order};
    use crate::testing::{TestShop, euros, operator};

    /// What is wrong with the rows, and the words by which the judge must name it.
    const DEFECTS: &[(&str, &str)] = &[
        (
            "DELETE FROM audit WHERE action = 'order.ship'",
            "wrote to order_timeline",
        ),
        (
            "DELETE FROM audit WHERE action = 'order.ship'",
            "wrote to fulfillments",
        ),
        (
            "DELETE FROM audit WHERE action = 'order.refund'",
            "wrote to refunds",
        ),
        (
            "DELETE FROM audit WHERE action = 'stock.adjust'",
            "wrote to stock_movements",
        ),
        (
            "UPDATE audit SET actor = 'operator' WHERE action = 'stock.adjust'",
            "wrote to stock_movements",
        ),
        (
            "UPDATE order_timeline SET act_id = NULL WHERE actor LIKE 'staff:%'",
            "behind a row of order_timeline",
        ),
        (
            "UPDATE stock_movements SET act_id = NULL",
            "behind a row of stock_movements",
        ),
        (
            "UPDATE refunds SET act_id = NULL",
            "behind a row of refunds",
        ),
        (
            "UPDATE fulfillments SET act_id = NULL, actor = (SELECT 'staff:' || MIN(id) FROM staff)",
            "behind a row of fulfillments",
        ),
        (
            "UPDATE audit SET actor = 'staff:stf_nobody' WHERE action = 'order.ship'",
            "accounts behind a row of the audit trail",
        ),
        (
            "UPDATE audit SET actor = 'system' WHERE action = 'order.ship'",
            "somebody who did not do it",
        ),
        (
            "UPDATE counters SET value = value + 1 WHERE name = 'staff'",
            "accounts against the counter",
        ),
        (
            "UPDATE staff SET disabled_at = 1",
            "owners who are not shut out",
        ),
        (
            "UPDATE staff SET disabled_at = 1",
            "sessions of somebody shut out",
        ),
        (
            "UPDATE staff SET disabled_at = 1",
            "open links of somebody shut out",
        ),
        (
            "UPDATE staff_links SET purpose = 'claim', staff_id = NULL",
            "links to claim a shop",
        ),
        (
            "INSERT INTO staff_recovery_codes (staff_id, code_hash) SELECT id, 'x' FROM staff",
            "recovery codes without a second factor",
        ),
        (
            "UPDATE staff SET totp_last_step = 5",
            "steps of the clock used",
        ),
        (
            "UPDATE orders SET number = 1999 WHERE number = 1002",
            "the number before this one",
        ),
        (
            "UPDATE orders SET number = NULL, placed_at = NULL WHERE number = 1003",
            "the number before this one",
        ),
        (
            "UPDATE counters SET value = value + 1 WHERE name = 'order_number'",
            "the last number given",
        ),
    ];

    /// A shop where staff did what the operator did in `populated`, and somebody was shut out.
    async fn staffed(shop: &TestShop) {
        populated(shop).await;
        let (ines, _) = shop.hire("ines@example.com", Role::Owner).await;
        let (gone, session) = shop.hire("gone@example.com", Role::Viewer).await;
        let gone = gone.member().id.clone();
        reset_password_link(&shop.shop, operator().may(), gone.clone())
            .await
            .unwrap();
        let to = (gone.clone(), 1);
        let version = change_role(&shop.shop, ines.may().unwrap(), to, Role::Support)
            .await
            .unwrap();
        let link = reset_password_link(&shop.shop, operator().may(), gone.clone())
            .await
            .unwrap();
        disable(&shop.shop, ines.may().unwrap(), (gone, version))
            .await
            .unwrap();
        let at = shop.shop.clock.now();
        assert_eq!(shop.who(&session).await, None);
        assert_eq!(
            shop.read(move |tx| Ok(find_invited(tx, at, &link)?)).await,
            None
        );
        let invite = Invite {
            name: "New".to_owned(),
            email: "new@example.com".to_owned(),
            role: Role::Viewer,
        };
        crate::accounts::invite(&shop.shop, ines.may().unwrap(), invite)
            .await
            .unwrap();
        works(shop, &ines).await;
        shop.run_jobs().await;
    }

    /// A member of staff corrects the stock and gives money back.
    async fn works(shop: &TestShop, who: &SignedIn) {
        let variant: Vec<(kernel::VariantId,)> = shop
            .rows("SELECT variant_id FROM stock_levels ORDER BY variant_id LIMIT 1")
            .await;
        let cmd = AdjustStock {
            variant_id: variant[0].0.clone(),
            location_id: shop.location.clone(),
            kind: MovementKind::Adjusted,
            change: 1,
            reason: "found one".to_owned(),
        };
        adjust_stock(&shop.shop, who.may().unwrap(), cmd)
            .await
            .unwrap();
        let order: Vec<(kernel::OrderId,)> =
            shop.rows("SELECT id FROM orders WHERE number = 1002").await;
        let cmd = RefundOrder {
            request_key: "by Ines".to_owned(),
            order_id: order[0].0.clone(),
            lines: Vec::new(),
            delivery: Some(euros(10)),
            reason: "a kindness".to_owned(),
        };
        refund_order(&shop.shop, who.may().unwrap(), cmd)
            .await
            .unwrap();
    }

    on_both! {
        async fn the_judge_names_what_is_wrong_with_people_and_their_trail(shop: &TestShop) {
            staffed(shop).await;
            shop.assert_clean().await;
            let mut all = Vec::new();
            for (sql, named) in DEFECTS {
                let (changed, breaches) = judged_with(shop, sql).await;
                assert!(changed > 0, "{sql}: nothing was corrupted");
                assert!(breaches.iter().any(|breach| breach.to_string().contains(named)), "{sql} is not named by {named:?}: {breaches:#?}");
                all.extend(breaches.into_iter().map(|breach| breach.to_string()));
            }
            let silent: Vec<&str> = ACTS.iter().chain(RULES).map(|rule| rule.fault)
                .filter(|fault| !all.iter().any(|line| line.contains(fault)))
                .collect();
            assert!(silent.is_empty(), "no defect wakes these rules: {silent:#?}");
            shop.assert_clean().await;
        }
    }
}
