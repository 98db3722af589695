//! Statements, values and errors are the same on both databases.

use db::{Db, DbError, FromRow, Row, Value, in_list, params, store_contract};

use crate::{MIGRATIONS, add, shelf};

#[derive(Debug, PartialEq)]
struct Tea {
    id: String,
    on_hand: i64,
    name: Option<String>,
    organic: Option<bool>,
    picture: Option<Vec<u8>>,
}

impl FromRow for Tea {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            on_hand: row.get("on_hand")?,
            name: row.get("name")?,
            organic: row.get("organic")?,
            picture: row.get("picture")?,
        })
    }
}

const SELECT: &str = "SELECT id, on_hand, name, organic, picture FROM teas ORDER BY id";

/// The error of one statement on its own.
async fn refused(db: &Db, sql: &'static str, params: &[Value]) -> DbError {
    let params = params.to_vec();
    let result: Result<u64, DbError> = db.write(move |tx| tx.execute(sql, &params)).await;
    result.unwrap_err()
}

store_contract! {
    migrations = MIGRATIONS;

    async fn every_kind_of_value_comes_back_as_it_was_stored(db: &Db) {
        let insert = "INSERT INTO teas (id, on_hand, name, organic, picture) VALUES ($1, $2, $3, $4, $5)";
        let bytes: Vec<u8> = (0..=255).collect();
        let picture = bytes.clone();
        db.write::<_, DbError, _>(move |tx| {
            tx.execute(insert, params!["a", i64::MAX, "Ünï ☕ 'quoted' \"too\" $1", true, picture])?;
            tx.execute(insert, params!["b", 0_i64, None::<String>, None::<bool>, None::<Vec<u8>>])?;
            tx.execute(insert, params!["c", 0_i64, "", false, Vec::<u8>::new()])
        })
        .await
        .unwrap();
        let teas: Vec<Tea> = db.read::<_, DbError, _>(|tx| tx.query(SELECT, params![])).await.unwrap();
        let tea = |id: &str, on_hand, name: Option<&str>, organic, picture| {
            Tea { id: id.to_owned(), on_hand, name: name.map(str::to_owned), organic, picture }
        };
        assert_eq!(teas, [
            tea("a", i64::MAX, Some("Ünï ☕ 'quoted' \"too\" $1"), Some(true), Some(bytes)),
            tea("b", 0, None, None, None),
            tea("c", 0, Some(""), Some(false), Some(Vec::new())),
        ]);
    }

    async fn the_smallest_number_comes_back_too(db: &Db) {
        add(db, "a", 1).await.unwrap();
        let row: Result<(i64, bool), DbError> = db
            .write(|tx| {
                tx.execute("INSERT INTO chests (tea_id, position) VALUES ($1, $2)", params!["a", i64::MIN])?;
                tx.query_one("SELECT position, position < 0 FROM chests", params![])
            })
            .await;
        assert_eq!(row, Ok((i64::MIN, true)));
    }

    async fn parameters_are_known_by_their_number_wherever_they_stand(db: &Db) {
        let rows: Result<(String, i64), DbError> = db
            .write(|tx| {
                let sql = "INSERT INTO teas (name, on_hand, id) VALUES ($2, CAST($1 AS BIGINT) + $1, $2) RETURNING id, on_hand";
                let first: (String, i64) = tx.query_one(sql, params![21_i64, "oolong"])?;
                let again: (String, i64) = tx.query_one(sql, params![4_i64, "sencha"])?;
                assert_eq!(again, ("sencha".to_owned(), 8));
                Ok(first)
            })
            .await;
        assert_eq!(rows, Ok(("oolong".to_owned(), 42)));
        assert_eq!(shelf(db).await, ["oolong", "sencha"]);
    }

    async fn too_few_or_too_many_parameters_are_refused(db: &Db) {
        let sql = "UPDATE teas SET on_hand = $2 WHERE id = $1";
        assert_eq!(refused(db, sql, params!["a"]).await, DbError::Parameters { expected: 2, given: 1 });
        assert_eq!(refused(db, sql, params!["a", 1_i64, 2_i64]).await, DbError::Parameters { expected: 2, given: 3 });
    }

    async fn execute_counts_the_rows_it_changed_and_no_others(db: &Db) {
        let counts = db.write::<_, DbError, _>(|tx| {
            let insert = "INSERT INTO teas (id, on_hand) VALUES ($1, 1), ($2, 2), ($3, 3)";
            Ok([
                tx.execute(insert, params!["a", "b", "c"])?,
                tx.execute("UPDATE teas SET on_hand = on_hand + 1 WHERE on_hand > $1", params![1_i64])?,
                tx.execute("UPDATE teas SET on_hand = 9 WHERE id = $1", params!["no such tea"])?,
                tx.execute("INSERT INTO teas (id, on_hand) VALUES ($1, 1) ON CONFLICT (id) DO NOTHING", params!["a"])?,
                tx.execute("DELETE FROM teas WHERE id = $1 RETURNING id", params!["a"])?,
                tx.execute("CREATE TABLE pots (id TEXT)", params![])?,
            ])
        });
        assert_eq!(counts.await, Ok([3, 2, 0, 0, 1, 0]));
    }

    async fn one_row_or_none_or_too_many_are_told_apart(db: &Db) {
        add(db, "a", 1).await.unwrap();
        add(db, "b", 1).await.unwrap();
        let by_stock = "SELECT id FROM teas WHERE on_hand = $1";
        let by_id = "SELECT id FROM teas WHERE id = $1";
        db.read::<_, DbError, _>(move |tx| {
            assert_eq!(tx.query_opt::<(String,)>(by_id, params!["a"]), Ok(Some(("a".to_owned(),))));
            assert_eq!(tx.query_opt::<(String,)>(by_id, params!["z"]), Ok(None));
            assert_eq!(tx.query_one::<(String,)>(by_id, params!["z"]), Err(DbError::NoRow));
            assert_eq!(tx.query_one::<(String,)>(by_stock, params![1_i64]), Err(DbError::TooManyRows));
            assert_eq!(tx.query_opt::<(String,)>(by_stock, params![1_i64]), Err(DbError::TooManyRows));
            // None of these is a failed statement: the transaction goes on.
            assert_eq!(tx.query_one::<(String,)>(by_id, params!["b"]), Ok(("b".to_owned(),)));
            Ok(())
        })
        .await
        .unwrap();
    }

    async fn an_in_list_finds_its_members_and_an_empty_one_finds_nothing(db: &Db) {
        for id in ["a", "b", "c"] {
            add(db, id, 1).await.unwrap();
        }
        let found = db.read::<_, DbError, _>(|tx| {
            let sql = format!("SELECT id FROM teas WHERE on_hand = $1 AND id IN ({}) ORDER BY id", in_list(2, 2));
            let some: Vec<(String,)> = tx.query(&sql, params![1_i64, "c", "a"])?;
            let none: Vec<(String,)> = tx.query(&format!("SELECT id FROM teas WHERE id IN ({})", in_list(1, 0)), params![])?;
            Ok((some, none))
        });
        assert_eq!(found.await, Ok((vec![("a".to_owned(),), ("c".to_owned(),)], vec![])));
    }

    async fn text_is_ordered_by_its_bytes(db: &Db) {
        for id in ["b", "a", "B", "A", "a-b", "ab", "a b", "é", "z", "Z", "_", "10", "9"] {
            add(db, id, 1).await.unwrap();
        }
        assert_eq!(shelf(db).await, ["10", "9", "A", "B", "Z", "_", "a", "a b", "a-b", "ab", "b", "z", "é"]);
        let above: Result<(i64,), DbError> = db.read(|tx| tx.query_one("SELECT COUNT(*) FROM teas WHERE id > $1", params!["a"])).await;
        assert_eq!(above, Ok((6,)));
    }

    async fn a_second_row_with_the_same_key_is_a_unique_violation_of_its_columns(db: &Db) {
        db.write::<_, DbError, _>(|tx| {
            tx.execute("INSERT INTO teas (id, on_hand, name) VALUES ('a', 1, 'Assam')", params![])?;
            tx.execute("INSERT INTO chests (tea_id, position, label) VALUES ('a', 1, 'Top')", params![])
        })
        .await
        .unwrap();
        let unique = |constraint: &str| DbError::UniqueViolation { constraint: constraint.to_owned() };
        let tea = "INSERT INTO teas (id, on_hand, name) VALUES ($1, 1, $2)";
        let chest = "INSERT INTO chests (tea_id, position, label) VALUES ($1, $2, $3)";
        assert_eq!(refused(db, tea, params!["a", "Other"]).await, unique("teas.id"));
        assert_eq!(refused(db, tea, params!["b", "Assam"]).await, unique("teas.name"));
        assert_eq!(refused(db, chest, params!["a", 1_i64, "Other"]).await, unique("chests.tea_id, chests.position"));
        assert_eq!(refused(db, chest, params!["a", 2_i64, "TOP"]).await, unique("chests_label_folded"));
        assert!(refused(db, tea, params!["a", "Other"]).await.is_unique_violation_of("teas.id"));
        assert_eq!(shelf(db).await, ["a"]);
    }

    async fn what_the_tables_forbid_is_refused_by_name(db: &Db) {
        add(db, "a", 1).await.unwrap();
        let chest = "INSERT INTO chests (tea_id, position) VALUES ($1, $2)";
        assert_eq!(refused(db, chest, params!["no such tea", 1_i64]).await, DbError::ForeignKey);
        assert_eq!(refused(db, chest, params!["a", None::<i64>]).await, DbError::NotNull { column: "chests.position".to_owned() });
        assert_eq!(
            refused(db, "UPDATE teas SET on_hand = on_hand - $1", params![2_i64]).await,
            DbError::CheckViolation { constraint: "teas_on_hand_is_not_negative".to_owned() }
        );
        db.write::<_, DbError, _>(move |tx| tx.execute(chest, params!["a", 1_i64])).await.unwrap();
        assert_eq!(refused(db, "DELETE FROM teas WHERE id = $1", params!["a"]).await, DbError::ForeignKey);
        assert_eq!(shelf(db).await, ["a"]);
    }

    async fn a_value_of_the_wrong_kind_is_refused(db: &Db) {
        let tea = "INSERT INTO teas (id, on_hand) VALUES ($1, $2)";
        for wrong in [params!["a", "many"], params!["a", vec![1_u8]]] {
            let error = refused(db, tea, wrong).await;
            assert!(matches!(error, DbError::WrongType { .. }), "{error:?}");
        }
        let error = refused(db, "INSERT INTO teas (id, on_hand, picture) VALUES ($1, 1, $2)", params!["a", "a text"]).await;
        assert!(matches!(error, DbError::WrongType { .. }), "{error:?}");
        let error = refused(db, tea, params!["zero\0byte", 1_i64]).await;
        assert!(matches!(error, DbError::WrongType { .. }), "{error:?}");
        assert_eq!(shelf(db).await, Vec::<String>::new());
    }

    async fn a_column_read_as_the_wrong_type_names_itself(db: &Db) {
        add(db, "a", 1).await.unwrap();
        let by_name = db.read::<Vec<Tea>, DbError, _>(|tx| tx.query("SELECT id, on_hand AS name FROM teas", params![]));
        let error = by_name.await.unwrap_err();
        assert_eq!(error, DbError::NoColumn("on_hand".to_owned()));
        let by_place = db.read::<Vec<(i64,)>, DbError, _>(|tx| tx.query("SELECT id FROM teas", params![]));
        let error = by_place.await.unwrap_err();
        assert!(matches!(&error, DbError::Stored(stored) if stored.found.contains("column 1")), "{error:?}");
        let fraction = db.read::<Vec<(i64,)>, DbError, _>(|tx| tx.query("SELECT 1.5 AS half", params![]));
        let error = fraction.await.unwrap_err();
        assert!(matches!(&error, DbError::WrongType { detail } if detail.contains("CAST")), "{error:?}");
    }

    async fn a_mistake_in_the_sql_quotes_the_statement(db: &Db) {
        let error = refused(db, "UPDATE   teas\n SET no_such_column = 1", params![]).await;
        assert!(matches!(&error, DbError::Statement { sql, .. } if sql == "UPDATE teas SET no_such_column = 1"), "{error:?}");
        let error = refused(db, "UPDATE teas SET name = \"double quotes are for names\"", params![]).await;
        assert!(matches!(error, DbError::Statement { .. }), "{error:?}");
    }
}
