//! The trail: one row for what a person did, none for anything else, and no way to change it unseen.

use db::{DbError, FromRow, Row, Value, params};
use serde_json::json;

use super::{Change, Filter, change, find, list};
use crate::error::Internal;
use crate::on_both;
use crate::shop::Act;
use crate::staff::Actor;
use crate::testing::TestShop;
use crate::verify::verify;

async fn rename(shop: &TestShop, actor: Actor, name: &'static str) -> Act {
    let act = shop.shop.act(actor);
    change(
        &shop.shop,
        act.clone(),
        move |tx, _| -> Result<_, Internal> {
            tx.execute("UPDATE stock_locations SET name = $1", params![name])?;
            let before = json!({ "name": "before", "kept": 1 });
            let after = json!({ "name": name, "kept": 1 });
            Ok((
                (),
                Change::new("location.rename", "location", "loc_1").between(before, after),
            ))
        },
    )
    .await
    .unwrap();
    act
}

const COLUMNS: &str =
    "sequence, id, at, actor, action, subject, before, after, previous_hash, hash";

/// A row as it is stored.
struct Copied(Vec<Value>);

impl FromRow for Copied {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        let read = COLUMNS.split(", ").map(|column| row.get(column));
        read.collect::<Result<_, _>>().map(Self)
    }
}

async fn copy(shop: &TestShop) -> Vec<Copied> {
    shop.rows(&format!("SELECT {COLUMNS} FROM audit ORDER BY sequence"))
        .await
}

async fn put_back(shop: &TestShop, rows: Vec<Copied>) {
    let write = shop.shop.db.write(move |tx| -> Result<(), DbError> {
        tx.execute("DELETE FROM audit", params![])?;
        tx.execute(
            "UPDATE counters SET value = $1 WHERE name = 'audit'",
            params![i64::try_from(rows.len()).unwrap()],
        )?;
        for Copied(values) in &rows {
            let sql = format!(
                "INSERT INTO audit ({COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
            );
            tx.execute(&sql, values)?;
        }
        Ok(())
    });
    write.await.unwrap();
}

on_both! {
    async fn what_a_person_does_has_one_row_and_what_the_shop_does_has_none(shop: &TestShop) {
        let before = shop.read(|tx| Ok(list(tx, &Filter::default(), 200)?)).await.len();
        let act = rename(shop, Actor::Operator, "Attic").await;
        for actor in [Actor::System, Actor::Shopper, Actor::Gateway("test".to_owned())] {
            rename(shop, actor, "Cellar").await;
        }
        let trail = shop.read(|tx| Ok(list(tx, &Filter::default(), 200)?)).await;
        assert_eq!(trail.len(), before + 1);
        let (id, newest) = (act.id.clone(), trail.first().unwrap().clone());
        assert_eq!((&newest.id, newest.at, &newest.actor), (&act.id, act.now, &Actor::Operator));
        assert_eq!((newest.action.as_str(), newest.subject.as_str()), ("location.rename", "location:loc_1"));
        assert_eq!((newest.before.clone(), newest.after.clone()), (Some(json!({ "name": "before" })), Some(json!({ "name": "Attic" }))));
        assert_eq!(shop.read(move |tx| Ok(find(tx, &id)?)).await, Some(newest));
        shop.assert_clean().await;
    }

    async fn what_changed_nothing_has_no_row_and_what_failed_has_neither(shop: &TestShop) {
        let count = || async { shop.rows::<(i64, i64)>("SELECT (SELECT COUNT(*) FROM audit), (SELECT value FROM counters WHERE name = 'audit')").await };
        let before = count().await;
        change(&shop.shop, shop.shop.act(Actor::Operator), |_, _| Ok::<_, DbError>(((), Change::none()))).await.unwrap();
        let failed = change(&shop.shop, shop.shop.act(Actor::Operator), |tx, _| {
            tx.execute("UPDATE stock_locations SET name = 'Gone'", params![])?;
            Err::<((), Change), Internal>(Internal::bug("no"))
        });
        assert!(failed.await.is_err());
        assert_eq!(count().await, before);
        assert_eq!(shop.rows::<(String,)>("SELECT name FROM stock_locations").await, [("Workshop".to_owned(),)]);
    }

    async fn one_act_cannot_have_two_rows(shop: &TestShop) {
        let act = rename(shop, Actor::Operator, "Attic").await;
        let again = change(&shop.shop, act, |_, _| Ok::<_, DbError>(((), Change::new("location.rename", "location", "loc_1"))));
        assert!(again.await.unwrap_err().is_unique_violation());
        shop.assert_clean().await;
    }

    async fn the_trail_is_read_newest_first_by_who_what_and_page(shop: &TestShop) {
        rename(shop, Actor::Operator, "Attic").await;
        let staff = Actor::Staff(kernel::StaffId::new(&kernel::RandomIds));
        for name in ["One", "Two", "Three"] {
            rename(shop, staff.clone(), name).await;
        }
        let by = Filter { actor: Some(staff), ..Filter::default() };
        let names = |filter: Filter, limit| async move {
            let rows = shop.read(move |tx| Ok(list(tx, &filter, limit)?)).await;
            rows.into_iter().map(|row| (row.sequence, row.after.unwrap()["name"].as_str().unwrap().to_owned())).collect::<Vec<_>>()
        };
        let first = names(by.clone(), 2).await;
        assert_eq!(first.iter().map(|row| row.1.as_str()).collect::<Vec<_>>(), ["Three", "Two"]);
        let next = names(Filter { before: Some(first[1].0), ..by }, 2).await;
        assert_eq!(next.iter().map(|row| row.1.as_str()).collect::<Vec<_>>(), ["One"]);
        let subject = Filter { subject: Some("location:loc_1".to_owned()), action: Some("location.rename".to_owned()), ..Filter::default() };
        assert_eq!(names(subject, 200).await.len(), 4);
        let elsewhere = Filter { subject: Some("location:loc_2".to_owned()), ..Filter::default() };
        assert_eq!(names(elsewhere, 200).await, []);
    }

    async fn writes_at_once_are_numbered_without_gaps(shop: &TestShop) {
        let all = (0..24).map(|_| rename(shop, Actor::Operator, "Busy"));
        futures_util::future::join_all(all).await;
        shop.assert_clean().await;
    }

    async fn a_trail_somebody_has_touched_says_where(shop: &TestShop) {
        for name in ["One", "Two", "Three", "Four"] {
            rename(shop, Actor::Operator, name).await;
        }
        let touched = [
            ("UPDATE audit SET after = '{}' WHERE sequence = 2", "row 2 is not what was written"),
            ("UPDATE audit SET actor = 'system' WHERE sequence = 1", "row 1 is not what was written"),
            ("UPDATE audit SET at = at + 1 WHERE sequence = 3", "row 3 is not what was written"),
            ("UPDATE audit SET before = NULL WHERE sequence = (SELECT MAX(sequence) FROM audit)", "is not what was written"),
            ("DELETE FROM audit WHERE sequence = 3", "row 4 follows row 2"),
            ("DELETE FROM audit WHERE sequence = 1", "row 2 follows row 0"),
            ("DELETE FROM audit WHERE sequence = (SELECT MAX(sequence) FROM audit)", "were written"),
            ("UPDATE counters SET value = value + 1 WHERE name = 'audit'", "were written"),
            ("UPDATE audit SET sequence = -sequence WHERE sequence IN (2, 3)", "row 4 follows row 1"),
        ];
        for (sql, named) in touched {
            let undo = copy(shop).await;
            shop.tamper(sql).await;
            let breaches = verify(&shop.shop).await.unwrap();
            assert!(breaches.iter().any(|breach| breach.what.contains(named)), "{sql}: {breaches:#?}");
            put_back(shop, undo).await;
            shop.assert_clean().await;
        }
    }
}
