//! `vitrine admin`, and how a shop that is served lets its first person in.

use std::path::Path;

use commerce::accounts::{
    AcceptError, AcceptInvitation, Browser, LinkError, Password, Role, SignIn, SignInError,
    accept_invitation, find_by_email, list_staff, sign_in, use_link,
};
use commerce::testing::TestShop;
use kernel::{Email, Secret};

use super::server::{Server, run_in, run_reading, words};
use super::{database_in, folder, open, set_up};

const PASSWORD: &str = "een blauwe kom met thee";

/// A folder with a shop that nobody has claimed.
async fn unclaimed() -> tempfile::TempDir {
    let folder = folder();
    let (_, location) = database_in(&folder);
    set_up(&location).await.shop.db.close().await;
    folder
}

/// The shop of a folder, for a look from beside.
async fn look_into(folder: &tempfile::TempDir) -> TestShop {
    let (_, location) = database_in(folder);
    let db = open(&location).await;
    let mut shop = TestShop::sqlite().await;
    shop.shop.db = db;
    shop.shop.clock = std::sync::Arc::new(kernel::SystemClock);
    shop
}

/// Runs `vitrine admin …` and answers with what it said; panics unless it went as wanted.
fn admin(folder: &Path, arguments: &[&str], status: i32) -> String {
    let mut all = vec!["admin"];
    all.extend(arguments);
    let output = run_in(folder, &all);
    assert_eq!(
        output.status.code(),
        Some(status),
        "{all:?}: {}",
        words(&output)
    );
    words(&output)
}

/// The token of the link to this page, somewhere in the text.
fn token(text: &str, page: &str) -> Secret {
    let sign = format!("/admin/{page}?token=");
    let (_, rest) = text
        .split_once(&sign)
        .unwrap_or_else(|| panic!("no link to {page} in {text}"));
    Secret::parse(rest.split_whitespace().next().unwrap()).unwrap()
}

fn typed(email: &str, password: &str) -> SignIn {
    SignIn {
        email: email.to_owned(),
        password: Password::typed(password),
        from: Browser::default(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_let_in_at_the_command_line_chooses_a_password_with_the_link() {
    let folder = unclaimed().await;
    let said = admin(folder.path(), &["list"], 0);
    assert!(said.contains("Nobody works here yet"), "{said}");
    let said = admin(
        folder.path(),
        &[
            "create",
            "--email",
            "ines@example.com",
            "--name",
            "Ines Vermeer",
        ],
        0,
    );
    assert!(
        said.contains("http://127.0.0.1:8080/admin/invitation?token="),
        "{said}"
    );
    let shop = look_into(&folder).await;
    let accept = |password: &str| AcceptInvitation {
        token: token(&said, "invitation"),
        password: Password::typed(password),
        from: Browser::default(),
    };
    let refused = accept_invitation(&shop.shop, accept("password1234")).await;
    assert!(
        matches!(refused, Err(AcceptError::BadPassword(_))),
        "{refused:?}"
    );
    accept_invitation(&shop.shop, accept(PASSWORD))
        .await
        .unwrap();
    let again = accept_invitation(&shop.shop, accept(PASSWORD)).await;
    assert!(matches!(again, Err(AcceptError::Spent)), "{again:?}");
    sign_in(&shop.shop, typed("ines@example.com", PASSWORD))
        .await
        .unwrap();
    shop.shop.db.close().await;
    let said = admin(folder.path(), &["list"], 0);
    assert!(
        said.contains("owner") && said.contains("Ines Vermeer") && said.contains("last signed in"),
        "{said}"
    );
    let verdict = run_in(folder.path(), &["verify"]);
    assert!(verdict.status.success(), "{}", words(&verdict));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_can_be_piped_in_and_a_bad_one_makes_no_account() {
    let folder = unclaimed().await;
    let create = [
        "admin",
        "create",
        "--email",
        "joris@example.com",
        "--name",
        "Joris",
        "--role",
        "fulfilment",
        "--password-stdin",
    ];
    for (bad, said) in [
        ("short\n", "12 characters"),
        ("joris jaagt joris\n", "e-mail address"),
        ("", "12 characters"),
    ] {
        let output = run_reading(folder.path(), &create, bad);
        assert_eq!(output.status.code(), Some(1));
        assert!(words(&output).contains(said), "{bad:?}: {}", words(&output));
    }
    let output = run_reading(folder.path(), &create, &format!("{PASSWORD}\nnot this\n"));
    assert!(output.status.success(), "{}", words(&output));
    assert!(
        !words(&output).contains(PASSWORD),
        "a password is not repeated"
    );
    let shop = look_into(&folder).await;
    let staff = shop.shop.db.read(list_staff).await.unwrap();
    assert_eq!(
        staff
            .iter()
            .map(|member| (member.email.as_str(), member.role))
            .collect::<Vec<_>>(),
        [("joris@example.com", Role::Fulfilment)]
    );
    sign_in(&shop.shop, typed("joris@example.com", PASSWORD))
        .await
        .unwrap();
    let wrong = sign_in(&shop.shop, typed("joris@example.com", "not this, surely")).await;
    assert!(matches!(wrong, Err(SignInError::Wrong)), "{wrong:?}");
    shop.shop.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_cannot_be_let_in_or_out_is_told_why() {
    let folder = unclaimed().await;
    let path = folder.path();
    let create = |email: &'static str, role: &'static str| {
        ["create", "--email", email, "--name", "Ines", "--role", role]
    };
    let said = admin(path, &create("ines@example.com", "queen"), 1);
    assert!(
        said.contains("no role queen") && said.contains("fulfilment"),
        "{said}"
    );
    let said = admin(path, &create("ines", "owner"), 1);
    assert!(said.contains("name@example.com"), "{said}");
    admin(path, &create("ines@example.com", "owner"), 0);
    let said = admin(path, &create("INES@example.com", "viewer"), 1);
    assert!(said.contains("has an account already"), "{said}");
    for command in ["link", "disable", "enable"] {
        let said = admin(path, &[command, "nobody@example.com"], 1);
        assert!(
            said.contains("nobody@example.com") && said.contains("vitrine admin list"),
            "{said}"
        );
    }
    let said = admin(path, &["disable", "ines@example.com"], 1);
    assert!(said.contains("needs an owner"), "{said}");
    assert!(!admin(path, &["list"], 0).contains("shut out"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_lets_in_once_and_whoever_is_shut_out_gets_none() {
    let folder = unclaimed().await;
    let path = folder.path();
    admin(
        path,
        &["create", "--email", "ines@example.com", "--name", "Ines"],
        0,
    );
    admin(
        path,
        &[
            "create",
            "--email",
            "bo@example.com",
            "--name",
            "Bo",
            "--role",
            "viewer",
        ],
        0,
    );
    let said = admin(path, &["link", "bo@example.com"], 0);
    let link = token(&said, "link");
    let shop = look_into(&folder).await;
    let now = use_link(&shop.shop, &link, Browser::default())
        .await
        .unwrap();
    assert_eq!(shop.who(&now.session).await.unwrap().member().name, "Bo");
    let again = use_link(&shop.shop, &link, Browser::default()).await;
    assert!(matches!(again, Err(LinkError::Spent)), "{again:?}");
    let before = token(&admin(path, &["link", "bo@example.com"], 0), "link");
    let said = admin(path, &["disable", "bo@example.com"], 0);
    assert!(
        said.contains("signed out everywhere") && said.contains("vitrine admin enable"),
        "{said}"
    );
    assert_eq!(shop.who(&now.session).await, None);
    assert!(
        use_link(&shop.shop, &before, Browser::default())
            .await
            .is_err()
    );
    admin(path, &["link", "bo@example.com"], 1);
    assert!(admin(path, &["list"], 0).contains("shut out since"));
    admin(path, &["enable", "bo@example.com"], 0);
    admin(path, &["link", "bo@example.com"], 0);
    shop.assert_clean().await;
    shop.shop.db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_nobody_owns_says_how_to_claim_it_until_somebody_does() {
    let folder = unclaimed().await;
    let server = Server::start(folder.path(), &[]);
    let address = server.address;
    let link = server.says("Claim it: ");
    assert!(
        link.starts_with(&format!("http://{address}/admin/setup?token=")),
        "{link}"
    );
    token(&link, "setup");
    server.kill();
    // Each start prints one of its own.
    let server = Server::start(folder.path(), &[]);
    assert_ne!(
        token(&server.says("Claim it: "), "setup"),
        token(&link, "setup")
    );
    assert!(server.stop().success());
    admin(
        folder.path(),
        &["create", "--email", "ines@example.com", "--name", "Ines"],
        0,
    );
    let server = Server::start(folder.path(), &[]);
    let heard = server.hears_until("Ctrl-C");
    assert!(
        !heard.contains("Claim it") && !heard.contains("token="),
        "{heard}"
    );
    assert!(server.stop().success());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_shop_has_an_owner_and_every_start_lets_her_in() {
    let folder = folder();
    let mut sessions = Vec::new();
    for _start in 0..2 {
        let server = Server::start(folder.path(), &["--demo"]);
        let link = server.says("within 15 minutes: ");
        assert!(
            link.starts_with(&format!("http://{}/admin/link?token=", server.address)),
            "{link}"
        );
        let shop = look_into(&folder).await;
        let now = use_link(&shop.shop, &token(&link, "link"), Browser::default())
            .await
            .unwrap();
        let ines = shop.who(&now.session).await.unwrap();
        assert_eq!(
            (
                ines.member().name.as_str(),
                ines.member().role,
                ines.member().has_password
            ),
            ("Ines Vermeer", Role::Owner, false)
        );
        sessions.push(now.session);
        shop.shop.db.close().await;
        server.kill();
    }
    let shop = look_into(&folder).await;
    let ines = Email::parse("ines@example.com").unwrap();
    let found = shop.read(move |tx| Ok(find_by_email(tx, &ines)?)).await;
    assert!(found.is_some() && shop.who(&sessions[0]).await.is_some());
    shop.shop.db.close().await;
}
