//! Opening the shop, closing it, and what it says when it cannot be opened.

use std::path::Path;

use commerce::testing::euros;
use db::params;

use super::server::{Server, run_in, words};
use super::visitor::{Bought, Door, Visitor};
use super::{database_in, folder, open, set_up};

/// The home page of a server.
fn home(server: &Server) -> String {
    let answer = Visitor::new(1, &[&Door::at(server.address)]).get("/");
    assert_eq!(answer.status, 200);
    answer.body
}

#[test]
fn an_empty_shop_says_how_to_fill_it_and_closes_in_order() {
    let folder = folder();
    let server = Server::start(folder.path(), &[]);
    // Whoever sits at the machine is told what to do; buyers, who come through the proxy, need not know.
    let place = folder.path().to_str().unwrap();
    let mut owner = Visitor::at_the_machine(&Door::at(server.address));
    let page = owner.get("/").body;
    assert!(
        page.contains("serve --demo") && page.contains(place),
        "{page}"
    );
    let page = home(&server);
    assert!(
        !page.contains("serve --demo") && !page.contains(place),
        "{page}"
    );
    assert!(server.stop().success());
    let verdict = run_in(folder.path(), &["verify"]);
    assert!(verdict.status.success(), "{}", words(&verdict));
}

#[test]
fn one_folder_is_served_by_one_process_at_a_time() {
    let folder = folder();
    let first = Server::start(folder.path(), &[]);
    let second = run_in(folder.path(), &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(second.status.code(), Some(1));
    let said = words(&second);
    assert!(
        said.contains("already open") && said.contains("--data"),
        "{said}"
    );
    home(&first);
    // The commands beside it go on working.
    let listed = run_in(folder.path(), &["order", "list"]);
    assert!(listed.status.success(), "{}", words(&listed));
    let migrated = run_in(folder.path(), &["migrate"]);
    assert!(migrated.status.success(), "{}", words(&migrated));
    // Nothing has to be cleared away after a power cut.
    first.kill();
    let after = Server::start(folder.path(), &[]);
    home(&after);
    assert!(after.stop().success());
}

#[test]
fn an_address_in_use_is_told_with_what_to_do() {
    let (one, other) = (folder(), folder());
    let first = Server::start(one.path(), &[]);
    let second = run_in(
        other.path(),
        &["serve", "--listen", &first.address.to_string()],
    );
    assert_eq!(second.status.code(), Some(1));
    let said = words(&second);
    assert!(
        said.contains("cannot listen on") && said.contains("--listen"),
        "{said}"
    );
}

#[test]
fn bad_options_stop_the_start_with_a_sentence() {
    let folder = folder();
    let data = folder.path();
    let tries: [(&[&str], &str); 6] = [
        (&["serve", "--listten", "127.0.0.1:0"], "--listen"),
        (&["serve", "--listen", "somewhere"], "--listen"),
        (&["serve", "--database", "mysql://x"], "postgres://"),
        (&["serve", "--public-url", "shop"], "--public-url"),
        (&["serve", "--smtp", "smtp://localhost"], "--mail-from"),
        (&["sell"], "sell"),
    ];
    for (options, hint) in tries {
        let output = run_in(data, options);
        assert_eq!(output.status.code(), Some(2), "{options:?}");
        assert!(
            words(&output).contains(hint),
            "{options:?}: {}",
            words(&output)
        );
        assert!(!words(&output).contains("panicked"));
    }
    std::fs::write(
        data.join("vitrine.toml"),
        "publick_url = \"https://shop.example\"\n",
    )
    .unwrap();
    let output = run_in(data, &["serve"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(words(&output).contains("publick_url"), "{}", words(&output));
    assert!(!data.join("shop.sqlite").exists(), "nothing was begun");
}

#[test]
fn commands_on_a_folder_without_a_shop_say_how_to_open_one() {
    let folder = folder();
    let empty = folder.path().join("nowhere");
    for command in [["verify"].as_slice(), &["mail", "list"], &["order", "list"]] {
        let output = run_in(&empty, command);
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert!(
            words(&output).contains("vitrine serve"),
            "{command:?}: {}",
            words(&output)
        );
    }
    assert!(!empty.exists(), "looking makes nothing");
}

/// Serves a shop with one product, sells one piece, and closes. Answers with the order's page.
async fn sell_one(data: &tempfile::TempDir) -> String {
    let (_, location) = database_in(data);
    let test = set_up(&location).await;
    let vase = test.product("Heron jug", euros(5_400), 3).await;
    test.shop.db.close().await;
    let path = data.path().to_owned();
    let selling = tokio::task::spawn_blocking(move || {
        let server = Server::start(&path, &[]);
        let mut visitor = Visitor::new(1, &[&Door::at(server.address)]);
        assert!(visitor.takes(&vase, 1));
        visitor.fills_in().expect("the form is taken");
        let Bought::Order {
            path: order,
            total_minor,
        } = visitor.pays()
        else {
            panic!("it is for sale")
        };
        assert_eq!(total_minor, 5_890);
        // What was begun is finished before it closes or when it opens again: the mail is written by a job.
        wait_for_the_mail(&path);
        assert!(server.stop().success());
        order
    });
    selling.await.unwrap()
}

/// Reads the outbox until the mail is in it.
fn wait_for_the_mail(data: &Path) {
    let deadline = std::time::Instant::now() + std::time::Duration::from_mins(1);
    while !words(&run_in(data, &["mail", "list"])).contains("noor@example.com") {
        assert!(std::time::Instant::now() < deadline, "no mail is written");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sold_piece_is_in_the_lists_of_the_command_line_after_the_shop_has_closed() {
    let folder = folder();
    let order = sell_one(&folder).await;
    let mails = words(&run_in(folder.path(), &["mail", "list"]));
    assert_eq!(mails.matches("noor@example.com").count(), 1, "{mails}");
    assert!(
        mails.contains("kept"),
        "without a mail server it is kept: {mails}"
    );
    let id = mails
        .split_whitespace()
        .next()
        .expect("it begins with its id")
        .to_owned();
    let mail = words(&run_in(folder.path(), &["mail", "show", &id]));
    assert!(
        mail.contains("Heron jug") && mail.contains(&order),
        "{mail}"
    );
    let orders = words(&run_in(folder.path(), &["order", "list"]));
    assert!(
        orders.contains("Noor de Wit") && orders.contains("58.90"),
        "{orders}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn verify_names_the_row_that_is_wrong() {
    let folder = folder();
    sell_one(&folder).await;
    let verdict = run_in(folder.path(), &["verify"]);
    assert_eq!(verdict.status.code(), Some(0), "{}", words(&verdict));

    let (_, location) = database_in(&folder);
    let db = open(&location).await;
    let damaged: Result<String, db::DbError> = db
        .write(|tx| {
            let sql = "UPDATE stock_levels SET on_hand = on_hand + 1 WHERE on_hand > 0 RETURNING variant_id";
            Ok(tx.query_one::<(String,)>(sql, params![])?.0)
        })
        .await;
    let damaged = damaged.unwrap();
    db.close().await;
    let verdict = run_in(folder.path(), &["verify"]);
    assert_eq!(verdict.status.code(), Some(1));
    let said = words(&verdict);
    assert!(
        said.contains(&damaged) && said.contains("stock figures are the sums of the ledger"),
        "{said}"
    );
}
