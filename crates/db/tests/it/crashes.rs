//! SQLite under murder, and on a disk that fails.
//!
//! Each test plays two parts: it starts this test binary again as a child process, which is told by an environment
//! variable to be the shop that is about to have an accident.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use db::testing::options;
use db::{Db, DbError, Location, Options, Tx, params};
use tempfile::TempDir;

use crate::MIGRATIONS;

/// Names the database file to the child.
const ACCIDENT: &str = "VITRINE_TEST_ACCIDENT";
const MURDERS: usize = 30;
const WRITERS: usize = 16;

/// An order-sized write: one tea, two chests of it, and one more in the count of all teas.
fn order(tx: &mut Tx<'_>, id: &str) -> Result<(), DbError> {
    tx.execute(
        "INSERT INTO teas (id, on_hand, name) VALUES ($1, 2, $1)",
        params![id],
    )?;
    for position in [1_i64, 2] {
        tx.execute(
            "INSERT INTO chests (tea_id, position) VALUES ($1, $2)",
            params![id, position],
        )?;
    }
    tx.execute(
        "INSERT INTO teas (id, on_hand) VALUES ('count', 1) ON CONFLICT (id) DO UPDATE SET on_hand = teas.on_hand + 1",
        params![],
    )?;
    Ok(())
}

async fn open(path: &Path) -> Db {
    let db = Db::open(&Location::Sqlite(path.to_owned()), &options()).unwrap();
    db.migrate(MIGRATIONS).await.unwrap();
    db
}

/// A folder on a real disk.
fn folder() -> TempDir {
    TempDir::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap()
}

/// This very test, as a process of its own with its accident at `path`.
fn child(test: &str, path: &Path, mut command: Command) -> Child {
    command
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(ACCIDENT, path);
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn accident() -> Option<PathBuf> {
    std::env::var_os(ACCIDENT).map(PathBuf::from)
}

/// One line, written at once, past the test harness.
fn say(line: &str) {
    std::io::stdout()
        .lock()
        .write_all(format!("{line}\n").as_bytes())
        .unwrap();
}

/// Everything that was acknowledged is in the file; everything in the file is whole.
async fn examine(path: &Path, acknowledged: &BTreeSet<String>) -> usize {
    let db = open(path).await;
    let examination = db.read::<_, DbError, _>(|tx| {
        let integrity: Vec<(String,)> = tx.query("PRAGMA integrity_check", params![])?;
        assert_eq!(integrity, [("ok".to_owned(),)]);
        let chests: (i64,) = tx.query_one("SELECT COUNT(*) FROM chests", params![])?;
        let count: Option<(i64,)> =
            tx.query_opt("SELECT on_hand FROM teas WHERE id = 'count'", params![])?;
        let teas: Vec<(String,)> = tx.query(
            "SELECT id FROM teas WHERE id <> 'count' ORDER BY id",
            params![],
        )?;
        Ok((teas, chests.0, count.map_or(0, |(count,)| count)))
    });
    let (teas, chests, count) = examination.await.unwrap();
    let stored: BTreeSet<String> = teas.into_iter().map(|(id,)| id).collect();
    let lost: Vec<_> = acknowledged.difference(&stored).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let teas = i64::try_from(stored.len()).unwrap();
    assert_eq!(
        (chests, count),
        (2 * teas, teas),
        "every order is there whole or not at all"
    );
    db.close().await;
    stored.len()
}

#[tokio::test]
async fn a_shop_killed_at_any_moment_has_every_order_it_acknowledged() {
    if let Some(path) = accident() {
        return sell_for_ever(&path).await;
    }
    let folder = folder();
    let path = folder.path().join("shop.sqlite");
    let random = RandomState::new();
    let mut acknowledged = BTreeSet::new();
    for murder in 0..MURDERS {
        let test = "crashes::a_shop_killed_at_any_moment_has_every_order_it_acknowledged";
        let mut child = child(test, &path, Command::new(std::env::current_exe().unwrap()));
        let moment = 1 + usize::try_from(random.hash_one(murder) % 300).unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut seen = 0;
        while seen < moment {
            let line = lines
                .next()
                .expect("the shop sells until it is killed")
                .unwrap();
            seen += usize::from(remember(&line, &mut acknowledged));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it said between our decision and its death counts too; a torn last line was never said.
        for line in lines.map_while(Result::ok) {
            remember(&line, &mut acknowledged);
        }
        let stored = examine(&path, &acknowledged).await;
        assert!(
            stored >= acknowledged.len() && stored <= acknowledged.len() + WRITERS * (murder + 1)
        );
    }
}

/// Notes an acknowledgement. Its end mark tells a whole line from one cut off by death.
fn remember(line: &str, acknowledged: &mut BTreeSet<String>) -> bool {
    // The test harness of the child begins the first line.
    let id = line
        .rsplit_once("sold ")
        .and_then(|(_, rest)| rest.strip_suffix('.'));
    id.is_some_and(|id| acknowledged.insert(id.to_owned()))
}

async fn sell_for_ever(path: &Path) {
    let db = open(path).await;
    let me = std::process::id();
    let writers = (0..WRITERS).map(|writer| {
        let db = db.clone();
        tokio::spawn(async move {
            for number in 0_u64.. {
                let id = format!("{me}-{writer}-{number}");
                let named = id.clone();
                db.write(move |tx| order(tx, &named)).await.unwrap();
                say(&format!("sold {id}."));
            }
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
}

#[tokio::test]
async fn after_the_disk_failed_a_write_no_other_is_accepted_and_a_restart_finds_all_that_was_acknowledged()
 {
    if let Some(path) = accident() {
        return sell_until_the_disk_fails(&path).await;
    }
    let folder = folder();
    let path = folder.path().join("shop.sqlite");
    open(&path).await.close().await;
    // Past this size every write to a file fails, with an error that is not "disk full".
    let mut shell = Command::new("sh");
    shell
        .args(["-c", r#"trap "" XFSZ; ulimit -f 1600; exec "$0" "$@""#])
        .arg(std::env::current_exe().unwrap());
    let test = "crashes::after_the_disk_failed_a_write_no_other_is_accepted_and_a_restart_finds_all_that_was_acknowledged";
    let output = child(test, &path, shell).wait_with_output().unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let mut acknowledged = BTreeSet::new();
    let others: Vec<&str> = output
        .lines()
        .filter(|line| !remember(line, &mut acknowledged))
        .collect();
    assert!(acknowledged.len() >= 10, "{output}");
    assert!(
        others
            .iter()
            .any(|line| line.starts_with("failed UnknownCommit(")),
        "{output}"
    );
    assert_eq!(
        others
            .iter()
            .filter(|line| line.starts_with("later Poisoned("))
            .count(),
        3,
        "{output}"
    );
    assert!(
        others.contains(&format!("reading {}", acknowledged.len()).as_str()),
        "{output}"
    );
    assert!(
        !others.iter().any(|line| line.starts_with("accepted")),
        "{output}"
    );

    let stored = examine(&path, &acknowledged).await;
    assert!(stored == acknowledged.len() || stored == acknowledged.len() + 1);
}

async fn sell_until_the_disk_fails(path: &Path) {
    let options = Options {
        group_commit: false,
        ..options()
    };
    let db = Db::open(&Location::Sqlite(path.to_owned()), &options).unwrap();
    let sell = |number: usize| {
        let db = db.clone();
        async move {
            db.write(move |tx| order(tx, &format!("tea {number}")))
                .await
        }
    };
    for number in 0..10_000 {
        match sell(number).await {
            Ok(()) => say(&format!("sold tea {number}.")),
            Err(error) => {
                say(&format!("failed {error:?}"));
                break;
            }
        }
    }
    for number in 20_000..20_003 {
        match sell(number).await {
            Ok(()) => say("accepted"),
            Err(error) => say(&format!("later {error:?}")),
        }
    }
    let sold = db.read::<(i64,), DbError, _>(|tx| {
        tx.query_one("SELECT COUNT(*) FROM teas WHERE id <> 'count'", params![])
    });
    say(&format!("reading {}", sold.await.unwrap().0));
}
