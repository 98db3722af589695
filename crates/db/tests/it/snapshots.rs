//! A copy taken while others write.

use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, mpsc};

use db::testing::{TestDatabase, options};
use db::{Db, DbError, Location, SnapshotError, params};
use tempfile::TempDir;

use crate::{MIGRATIONS, add, on_hand, shelf};

/// Puts tea number `n` on the shelf together with its chest, in one transaction.
async fn put(db: &Db, n: i64) {
    db.write(move |tx| {
        let id = format!("tea{n:06}");
        let picture = vec![0x5A_u8; 3_000];
        tx.execute(
            "INSERT INTO teas (id, on_hand, picture) VALUES ($1, $2, $3)",
            params![id, n, picture],
        )?;
        tx.execute(
            "INSERT INTO chests (tea_id, position) VALUES ($1, $2)",
            params![id, n],
        )?;
        Ok::<_, DbError>(())
    })
    .await
    .unwrap();
}

/// Goes on putting teas on the shelf, and tells which was answered last.
async fn go_on(db: Db, answered: Arc<AtomicI64>) {
    for n in 401..=1_200 {
        put(&db, n).await;
        answered.store(n, Ordering::SeqCst);
    }
}

fn opened(file: &Path) -> Db {
    Db::open(&Location::Sqlite(file.to_owned()), &options()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_taken_in_a_storm_of_writes_is_whole_and_holds_what_was_answered_before_and_a_prefix()
 {
    let db = TestDatabase::sqlite(MIGRATIONS).await;
    for n in 1..=400 {
        put(&db, n).await;
    }
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("copy.sqlite");
    let answered = Arc::new(AtomicI64::new(400));
    let writer = tokio::spawn(go_on(Db::clone(&db), Arc::clone(&answered)));
    // Between two steps of the copy somebody writes: at every step it waits until one more write was answered.
    let seen = Arc::clone(&answered);
    let (report, steps) = mpsc::channel();
    let before = answered.load(Ordering::SeqCst);
    db.snapshot(&copy, move |progress| {
        let now = seen.load(Ordering::SeqCst);
        while now < 1_200 && seen.load(Ordering::SeqCst) == now {
            std::thread::yield_now();
        }
        report.send(progress).unwrap();
    })
    .await
    .unwrap();
    let after = answered.load(Ordering::SeqCst);
    writer.await.unwrap();
    let steps: Vec<_> = steps.iter().collect();
    let last = steps.last().unwrap();
    assert!(steps.len() > 1 && last.done == last.total, "{steps:?}");
    assert!(
        steps.windows(2).all(|two| two[0].done < two[1].done),
        "it never starts anew: {steps:?}"
    );
    assert!(after > before, "others wrote meanwhile");

    let copied = opened(&copy);
    assert_eq!(copied.examine().await.unwrap(), Vec::<String>::new());
    let ids = shelf(&copied).await;
    let count = i64::try_from(ids.len()).unwrap();
    assert!(
        (before..=after).contains(&count),
        "{before} <= {count} <= {after}"
    );
    let expected: Vec<String> = (1..=count).map(|n| format!("tea{n:06}")).collect();
    assert_eq!(ids, expected, "a prefix of the commits, without a gap");
    let (chests,): (i64,) = copied
        .read::<_, DbError, _>(|tx| tx.query_one("SELECT COUNT(*) FROM chests", params![]))
        .await
        .unwrap();
    assert_eq!(chests, count, "no half transaction");
}

#[tokio::test]
async fn a_copy_is_one_private_file_that_a_shop_can_go_on_with() {
    let db = TestDatabase::sqlite(MIGRATIONS).await;
    add(&db, "sencha", 7).await.unwrap();
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("copy.sqlite");
    db.snapshot(&copy, |_| {}).await.unwrap();
    let names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["copy.sqlite"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&copy).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let copied = opened(&copy);
    assert_eq!(copied.schema_version().await.unwrap(), 1);
    add(&copied, "oolong", 3).await.unwrap();
    assert_eq!(on_hand(&copied, "sencha").await, 7);
    assert_eq!(shelf(&db).await, ["sencha"], "the original is untouched");
}

#[tokio::test]
async fn a_file_that_is_there_is_not_written_over() {
    let db = TestDatabase::sqlite(MIGRATIONS).await;
    let folder = TempDir::new().unwrap();
    let copy = folder.path().join("copy.sqlite");
    std::fs::write(&copy, "precious").unwrap();
    let error = db.snapshot(&copy, |_| {}).await.unwrap_err();
    assert!(
        matches!(error, SnapshotError::CannotWrite { .. }),
        "{error}"
    );
    assert_eq!(std::fs::read_to_string(&copy).unwrap(), "precious");
}

#[tokio::test]
async fn a_damaged_database_is_named_and_gives_no_copy() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("shop.sqlite");
    let db = opened(&file);
    db.migrate(MIGRATIONS).await.unwrap();
    for n in 1..=50 {
        put(&db, n).await;
    }
    db.close().await;
    let mut bytes = std::fs::read(&file).unwrap();
    let middle = bytes.len() / 2 / 4_096 * 4_096;
    bytes[middle..middle + 4_096].fill(0xA5);
    std::fs::write(&file, bytes).unwrap();

    let db = opened(&file);
    assert_ne!(db.examine().await.unwrap(), Vec::<String>::new());
    let copy = folder.path().join("copy.sqlite");
    let error = db.snapshot(&copy, |_| {}).await.unwrap_err();
    assert!(
        matches!(error, SnapshotError::Damaged(_) | SnapshotError::Failed(_)),
        "{error}"
    );
    assert!(!copy.exists());
}

#[tokio::test]
async fn postgres_is_sent_to_its_own_tools() {
    let Some(db) = TestDatabase::postgres(MIGRATIONS).await else {
        return;
    };
    let folder = TempDir::new().unwrap();
    let error = db
        .snapshot(&folder.path().join("copy"), |_| {})
        .await
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("pg_dump --format=custom --file=shop.dump --dbname='postgres"),
        "{error}"
    );
}
