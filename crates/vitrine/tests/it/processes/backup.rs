//! Saving the shop while it sells, bringing it back, and the doctor's visit.

use std::path::Path;
use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use commerce::catalog::Color;
use commerce::media::{self, ReadyPicture};
use commerce::testing::{euros, operator};
use db::{Location, params};
use kernel::VariantId;
use object_store::local::LocalFileSystem;

use super::server::{Server, run, words};
use super::visitor::{Bought, Door, Visitor};
use super::{database_in, folder, open, set_up};

const BUYERS: u32 = 8;
const PICTURE: &[u8] = include_bytes!("../../../../../demo/pictures/320/brass-scoop-1.webp");

fn backup(data: &Path, out: &Path) -> Output {
    run(&[&"backup", &out, &"--data", &data])
}

fn restore(from: &Path, data: &Path) -> Output {
    run(&[&"restore", &from, &"--data", &data])
}

fn assert_success(output: &Output) {
    assert!(output.status.success(), "{}", words(output));
}

fn assert_refused(output: &Output, reasons: &[&str]) {
    let said = words(output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    for reason in reasons {
        assert!(said.contains(reason), "{reason:?} in {said}");
    }
}

/// Buys again and again until told to stop, and tells of each order.
fn buy_on(
    number: u32,
    door: &Door,
    vase: &VariantId,
    (enough, told): &(Arc<AtomicBool>, Sender<String>),
) {
    for purchase in 0..1_000 {
        if enough.load(Ordering::SeqCst) {
            return;
        }
        let mut visitor = Visitor::new(number * 1_000 + purchase, &[door]);
        assert!(visitor.takes(vase, 1));
        visitor.fills_in().expect("the form is taken");
        match visitor.pays() {
            Bought::Order { path, .. } => told
                .send(path.replace("/orders/", ""))
                .expect("somebody listens"),
            Bought::No(why) => panic!("buyer {number} was turned away: {why}"),
        }
    }
}

/// A rush with a backup in the middle of it: the orders told of before it began, and after.
fn rush(data: &Path, to: &Path, vase: &VariantId) -> (Vec<String>, Vec<String>) {
    let server = Server::start(data, &[]);
    let enough = Arc::new(AtomicBool::new(false));
    let (report, orders) = channel();
    let buyers: Vec<_> = (0..BUYERS)
        .map(|number| {
            let (door, vase, told) = (
                Door::at(server.address),
                vase.clone(),
                (Arc::clone(&enough), report.clone()),
            );
            thread::spawn(move || buy_on(number, &door, &vase, &told))
        })
        .collect();
    drop(report);
    let mut before: Vec<String> = orders.iter().take(12).collect();
    before.extend(orders.try_iter());
    let made = backup(data, to);
    assert_success(&made);
    // The storm went on over the backup: somebody still buys.
    let after = orders.recv().expect("the rush goes on");
    enough.store(true, Ordering::SeqCst);
    let after: Vec<String> = std::iter::once(after).chain(orders.iter()).collect();
    for buyer in buyers {
        buyer.join().expect("nobody gives up");
    }
    assert!(server.stop().success());
    (before, after)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_in_a_storm_of_checkouts_comes_back_whole_with_every_order_told_of_before() {
    let (shop, away) = (folder(), folder());
    let (_, location) = database_in(&shop);
    let test = set_up(&location).await;
    let vase = test.product("Storm vase", euros(2_500), 100_000).await;
    test.shop.db.close().await;
    let (data, out, new) = (
        shop.path().to_owned(),
        away.path().join("backup"),
        away.path().join("shop"),
    );
    let to = out.clone();
    let (before, after) = tokio::task::spawn_blocking(move || rush(&data, &to, &vase))
        .await
        .unwrap();

    let brought_back = restore(&out, &new);
    assert_success(&brought_back);
    assert!(
        words(&brought_back).contains("The books balance"),
        "{}",
        words(&brought_back)
    );
    let verdict = run(&[&"verify", &"--data", &new]);
    assert_success(&verdict);
    let db = open(&Location::Sqlite(new.join("shop.sqlite"))).await;
    let there: Vec<(String,)> = db
        .read::<_, db::DbError, _>(|tx| {
            tx.query(
                "SELECT link_token FROM orders WHERE status = 'placed'",
                params![],
            )
        })
        .await
        .unwrap();
    db.close().await;
    let there: Vec<String> = there.into_iter().map(|(token,)| token).collect();
    let missing: Vec<_> = before
        .iter()
        .filter(|order| !there.contains(order))
        .collect();
    assert!(
        missing.is_empty(),
        "told of before the backup began, and gone: {missing:?}"
    );
    assert!(before.len() >= 12 && !after.is_empty());
    // The shop goes on where the backup was.
    let server = Server::start(&new, &[]);
    let page = Visitor::new(1, &[&Door::at(server.address)]).get(&format!("/orders/{}", before[0]));
    assert_eq!(page.status, 200);
    assert!(server.stop().success());
}

/// A backup of a shop with one picture; the files of the picture, as paths in the backup.
async fn backup_with_a_picture(shop: &Path, out: &Path) -> Vec<String> {
    let test = set_up(&Location::Sqlite(shop.join("shop.sqlite"))).await;
    std::fs::create_dir(shop.join("media")).unwrap();
    let store = LocalFileSystem::new_with_prefix(shop.join("media")).unwrap();
    let shop_with_files = commerce::Shop {
        media: Arc::new(store),
        ..test.shop.clone()
    };
    let ready = ReadyPicture {
        files: vec![(320, bytes::Bytes::from_static(PICTURE))],
        ground: Color::parse("#f4f1ea").unwrap(),
    };
    media::install(&shop_with_files, operator().may(), ready)
        .await
        .unwrap();
    test.shop.db.close().await;
    assert_success(&backup(shop, out));
    let list: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("manifest.json")).unwrap()).unwrap();
    let files = list["files"].as_array().unwrap().iter();
    let paths = files.map(|file| file["path"].as_str().unwrap().to_owned());
    paths.filter(|path| path.starts_with("media/")).collect()
}

#[tokio::test]
async fn what_is_damaged_or_missing_in_a_backup_is_named_and_nothing_is_restored() {
    let (shop, away) = (folder(), folder());
    let (out, new) = (away.path().join("backup"), away.path().join("shop"));
    let pictures = backup_with_a_picture(shop.path(), &out).await;
    assert!(!pictures.is_empty());
    for (file, word) in [
        (pictures[0].as_str(), "is damaged"),
        ("shop.sqlite", "is damaged"),
    ] {
        let whole = std::fs::read(out.join(file)).unwrap();
        let mut bytes = whole.clone();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(out.join(file), bytes).unwrap();
        assert_refused(
            &restore(&out, &new),
            &[&format!("{file} {word}"), "nothing was restored"],
        );
        std::fs::remove_file(out.join(file)).unwrap();
        assert_refused(&restore(&out, &new), &[&format!("{file} cannot be read")]);
        std::fs::write(out.join(file), whole).unwrap();
    }
    let names: Vec<_> = std::fs::read_dir(away.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["backup"], "nothing is left behind");

    let list = std::fs::read_to_string(out.join("manifest.json")).unwrap();
    std::fs::write(
        out.join("manifest.json"),
        list.replace("shop.sqlite", "../shop.sqlite"),
    )
    .unwrap();
    assert_refused(&restore(&out, &new), &["no file of a shop"]);
    std::fs::remove_file(out.join("manifest.json")).unwrap();
    assert_refused(&restore(&out, &new), &["not a finished backup"]);
    std::fs::write(out.join("manifest.json"), &list).unwrap();

    assert_success(&restore(&out, &new));
    for picture in &pictures {
        assert_eq!(
            std::fs::read(new.join(picture)).unwrap(),
            std::fs::read(out.join(picture)).unwrap()
        );
    }
    std::fs::write(new.join("mark"), "mine").unwrap();
    assert_refused(&restore(&out, &new), &["is not empty", "--data"]);
    assert_eq!(std::fs::read_to_string(new.join("mark")).unwrap(), "mine");
}

#[tokio::test]
async fn a_backup_is_private_and_is_never_written_over_anything_or_into_the_shop() {
    let (shop, away) = (folder(), folder());
    let (_, location) = database_in(&shop);
    assert_refused(
        &backup(shop.path(), &away.path().join("none")),
        &["there is no shop in"],
    );
    set_up(&location).await.shop.db.close().await;
    let out = away.path().join("backup");
    assert_success(&backup(shop.path(), &out));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let rights = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(
            (rights(&out), rights(&out.join("shop.sqlite"))),
            (0o700, 0o600)
        );
    }
    assert_refused(&backup(shop.path(), &out), &["is not empty"]);
    assert_refused(
        &backup(shop.path(), &shop.path().join("backup")),
        &["inside the data folder"],
    );
    assert!(!shop.path().join("backup").exists());
}

#[tokio::test]
async fn the_doctor_names_what_is_missing_and_what_to_do() {
    let shop = folder();
    let doctor = |options: &[&str]| {
        let place = shop.path();
        match options {
            [smtp, from] => run(&[
                &"doctor",
                &"--data",
                &place,
                &"--smtp",
                smtp,
                &"--mail-from",
                from,
            ]),
            _ => run(&[&"doctor", &"--data", &place]),
        }
    };
    assert_refused(&doctor(&[]), &["problem  database", "vitrine serve"]);

    let (_, location) = database_in(&shop);
    set_up(&location).await.shop.db.close().await;
    let visit = doctor(&[]);
    assert_success(&visit);
    let said = words(&visit);
    for line in [
        "ok       database",
        "is sound",
        "ok       clock",
        "warning  mail",
        "warning  public address",
        "Problems: 0.",
    ] {
        assert!(said.contains(line), "{line:?} in {said}");
    }
    // A port nobody listens on: it was ours a moment ago.
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let smtp = format!("smtp://{nobody}");
    assert_refused(
        &doctor(&[&smtp, "shop@example.com"]),
        &["problem  mail", "--smtp"],
    );
}
