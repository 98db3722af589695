//! Who may come in where: the table is made from the routes that are served, so that none can be forgotten.

mod objects;

use admin::{Needs, Route};
use commerce::accounts::Role;

use crate::browser::Browser;
use crate::harness::App;

/// An address that fits the pattern and names nothing there is.
pub(crate) fn example(route: &Route) -> String {
    let parts = route.path.split('/').map(|part| match part {
        "{number}" => "999999",
        "{token}" => "00000000000000000000000000",
        part if part.starts_with('{') => "none_00000000000000000000000000",
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

async fn ask(browser: &mut Browser, route: &Route) -> u16 {
    let path = example(route);
    let answer = if route.method == "get" {
        browser.get(&path).await
    } else {
        let token = browser.token().await;
        browser.post(&path, &[("csrf", &token)]).await
    };
    answer.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_lets_in_exactly_the_roles_that_hold_what_it_needs() {
    let app = App::new().await;
    let routes = admin::all_routes();
    for role in Role::ALL {
        let mut wrong = Vec::new();
        for route in &routes {
            // A session of its own for each: some of them end it.
            let status = ask(&mut app.staff(*role).await, route).await;
            let let_in = match route.needs {
                Needs::Nothing | Needs::SigningIn => true,
                Needs::Permission(name) => role.holds(name),
            };
            let is_right = (status != 403) == let_in && status < 500;
            let told = format!("{} {}: {status}", route.method, route.path);
            wrong.extend((!is_right).then_some(told));
        }
        assert!(wrong.is_empty(), "{role}: {wrong:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_comes_past_the_door_without_signing_in() {
    let app = App::new().await;
    app.staff(Role::Owner).await;
    let before = app.everything().await;
    for route in admin::all_routes() {
        let needs_nothing = route.needs == Needs::Nothing;
        let mut stranger = app.browser();
        let path = example(&route);
        let answer = if route.method == "get" {
            stranger.get(&path).await
        } else {
            stranger.post(&path, &[]).await
        };
        if needs_nothing {
            assert_ne!(answer.status, 401, "{} {}", route.method, route.path);
        } else if route.method == "get" {
            assert_eq!(answer.status, 303, "{}", route.path);
            assert!(answer.leads_to().starts_with("/admin/sign-in?next="));
        } else {
            assert_eq!(answer.status, 401, "{}", route.path);
        }
        assert!(answer.status < 500, "{} {}", route.method, route.path);
    }
    app.assert_unchanged_since(&before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_of_the_back_office_without_its_token_changes_nothing() {
    let app = App::new().await;
    let mut owner = app.staff(Role::Owner).await;
    let before = app.everything().await;
    let routes = admin::all_routes();
    for route in routes.iter().filter(|route| route.method == "post") {
        let path = example(route);
        for fields in [&[][..], &[("csrf", "")], &[("csrf", "AAAA")]] {
            let answer = owner.post(&path, fields).await;
            assert_eq!(answer.status, 403, "{}", route.path);
        }
    }
    app.assert_unchanged_since(&before).await;
}

#[test]
fn no_route_is_listed_twice() {
    let mut all: Vec<(&str, &str)> = admin::all_routes()
        .iter()
        .map(|route| (route.method, route.path))
        .collect();
    all.sort_unstable();
    let count = all.len();
    all.dedup();
    assert_eq!(all.len(), count);
    assert!(count > 40, "the routes were found");
}
