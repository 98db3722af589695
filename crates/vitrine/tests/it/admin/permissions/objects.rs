//! The same table with what there is: objects of this shop, and those of another, by the forms that are on their pages.

use std::collections::{BTreeMap, HashMap};

use admin::{Needs, Route};
use commerce::accounts::{self, Invite, Role};
use commerce::testing::operator;

use crate::browser::Browser;
use crate::harness::App;
use crate::page::Form;

/// What there is of every kind that has addresses: the address of one of them by the pattern it fits.
struct Objects(Vec<(&'static str, String)>);

impl Objects {
    /// Stocks a shop with one of everything; gives what an address needs to name it.
    async fn of(app: &App) -> Self {
        let mug = app.sells("Mug", 900, 9).await;
        app.shelf("Cups", None, std::slice::from_ref(&mug.slug))
            .await;
        app.collects("Gifts", std::slice::from_ref(&mug.slug)).await;
        app.ordered(&mug, 2).await;
        let colleague = Invite {
            name: "Joris Bakker".to_owned(),
            email: "joris@post.example".to_owned(),
            role: Role::Viewer,
        };
        let colleague = accounts::invite(app.shop(), operator().may(), colleague)
            .await
            .unwrap();
        let number = app.number("SELECT MAX(number) FROM orders").await;
        let mut all = vec![
            ("/admin/orders/{number}", number.to_string()),
            ("/admin/inventory/{variant}", mug.variant.to_string()),
            ("/admin/staff/{id}", colleague.id.to_string()),
        ];
        for (pattern, sql) in [
            ("/admin/products/{id}", "SELECT id FROM products"),
            ("/admin/categories/{id}", "SELECT id FROM categories"),
            ("/admin/collections/{id}", "SELECT id FROM collections"),
            ("/admin/customers/{id}", "SELECT id FROM customers"),
            ("/admin/mails/{id}", "SELECT id FROM mails"),
            (
                "/admin/settings/delivery/zones/{id}",
                "SELECT id FROM delivery_zones",
            ),
            (
                "/admin/settings/delivery/methods/{id}",
                "SELECT id FROM delivery_methods",
            ),
        ] {
            all.push((pattern, app.text(sql).await));
        }
        Self(all)
    }

    /// The route's address for what there is. A route to a kind of thing that is not listed here fails the test.
    fn address(&self, route: &Route) -> String {
        if route.method == "get" && route.path == "/admin/orders/packing-slips" {
            return format!("{}?n={}", route.path, self.0[0].1);
        }
        if !route.path.contains('{') {
            return route.path.to_owned();
        }
        let found = self.0.iter().find(|(pattern, _)| {
            let rest = route.path.strip_prefix(pattern);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        });
        let (pattern, id) =
            found.unwrap_or_else(|| panic!("there is nothing of the kind of {}", route.path));
        let (start, _) = pattern.split_once('{').unwrap();
        route.path.replacen(pattern, &format!("{start}{id}"), 1)
    }
}

/// Every form that an owner finds on the pages of the shop, by where it is sent.
async fn forms(app: &App, objects: &Objects) -> HashMap<String, Form> {
    let mut owner = app.staff(Role::Owner).await;
    let mut found = HashMap::new();
    for route in by_permission().iter().filter(|route| route.method == "get") {
        let page = owner.get(&objects.address(route)).await;
        assert!(page.status < 400, "{}: {}", route.path, page.status);
        if page.header("content-type").starts_with("text/html") {
            for form in Form::all(&page.text()) {
                found.entry(form.action.clone()).or_insert(form);
            }
        }
    }
    found
}

/// The routes that take a permission, what ends things last.
fn by_permission() -> Vec<Route> {
    let mut routes: Vec<Route> = admin::all_routes()
        .into_iter()
        .filter(|route| matches!(route.needs, Needs::Permission(_)))
        .collect();
    routes.sort_by_key(|route| {
        let ends = ["/delete", "/standing"].map(|end| route.path.ends_with(end));
        (route.method == "post", ends.contains(&true))
    });
    routes
}

fn holds(role: Role, route: &Route) -> bool {
    match route.needs {
        Needs::Nothing | Needs::SigningIn => true,
        Needs::Permission(name) => role.holds(name),
    }
}

/// Asks for a page, or sends the form that is on one, with the token of whoever asks.
async fn ask(
    browser: &mut Browser,
    (route, address): (&Route, &str),
    (forms, token): (&HashMap<String, Form>, &str),
) -> u16 {
    if route.method == "get" {
        return browser.get(address).await.status;
    }
    let form = forms.get(address).cloned();
    let form = form.unwrap_or_else(|| Form::of(address, &[]));
    let mut form = form.with("csrf", token);
    form.method = "post".to_owned();
    browser.submit(&form).await.status
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_there_is_opens_to_exactly_the_roles_that_hold_what_it_needs() {
    for role in Role::ALL {
        let app = App::new().await;
        let objects = Objects::of(&app).await;
        let forms = forms(&app, &objects).await;
        let mut browser = app.staff(*role).await;
        let token = browser.token().await;
        let mut wrong = Vec::new();
        // First all that the role may not do, with forms that an owner could send: nothing comes of it.
        let before = app.everything().await;
        let (may, may_not): (Vec<Route>, Vec<Route>) = by_permission()
            .into_iter()
            .partition(|route| holds(*role, route));
        for route in &may_not {
            let address = objects.address(route);
            let status = ask(&mut browser, (route, &address), (&forms, &token)).await;
            let told = format!("{} {address}: {status}", route.method);
            wrong.extend((status != 403).then_some(told));
        }
        app.assert_unchanged_since(&before).await;
        for route in &may {
            let address = objects.address(route);
            let status = ask(&mut browser, (route, &address), (&forms, &token)).await;
            // What another form has changed meanwhile may be refused, but it is there and they may.
            let is_offered = route.method == "get" || forms.contains_key(&address);
            let is_right = match status {
                401 | 403 | 500.. => false,
                404 => !is_offered,
                _ => true,
            };
            let told = format!("{} {address}: {status}", route.method);
            wrong.extend((!is_right).then_some(told));
        }
        assert!(wrong.is_empty(), "{role}: {wrong:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_belongs_to_another_shop_is_not_there_for_anybody() {
    let app = App::new().await;
    let other = App::new().await;
    Objects::of(&app).await;
    let objects = Objects::of(&other).await;
    // Numbers of orders are alike in every shop: one that only the other has.
    let again = other.sells("Bowl", 900, 9).await;
    other.ordered(&again, 1).await;
    let number = other.number("SELECT MAX(number) FROM orders").await;
    let objects = Objects(
        objects
            .0
            .into_iter()
            .map(|(pattern, id)| match pattern {
                "/admin/orders/{number}" => (pattern, number.to_string()),
                _ => (pattern, id),
            })
            .collect(),
    );
    let forms = forms(&other, &objects).await;
    let mut browsers = BTreeMap::new();
    for role in Role::ALL {
        let mut browser = app.staff(*role).await;
        let token = browser.token().await;
        browsers.insert(role.as_str(), (*role, browser, token));
    }
    let before = app.everything().await;
    let mut wrong = Vec::new();
    for route in by_permission() {
        if objects.address(&route) == route.path {
            // It names nothing.
            continue;
        }
        let address = objects.address(&route);
        for (role, browser, token) in browsers.values_mut() {
            let status = ask(browser, (&route, &address), (&forms, token)).await;
            let is_right = match (holds(*role, &route), route.method) {
                (false, _) => status == 403,
                (true, "get") => status == 404,
                (true, _) => (400..500).contains(&status) && status != 403,
            };
            let told = format!("{role}: {} {address}: {status}", route.method);
            wrong.extend((!is_right).then_some(told));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    app.assert_unchanged_since(&before).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_ends_a_session_of_somebody_else() {
    let app = App::new().await;
    let mut owner = app.staff(Role::Owner).await;
    let mut viewer = app.staff(Role::Viewer).await;
    // What another browser of hers would end.
    let theirs = app.staff(Role::Owner).await.get("/admin/account").await;
    let end = theirs.form("/admin/account/sessions/end");
    let session = end.value("session").to_owned();
    let token = viewer.token().await;
    let fields = [("csrf", token.as_str()), ("session", session.as_str())];
    viewer.post("/admin/account/sessions/end", &fields).await;
    assert_eq!(owner.get("/admin/account").await.status, 200);
    let mut second = app.staff(Role::Viewer).await;
    let page = second.get("/admin/account").await;
    second
        .submit(&page.form("/admin/account/sessions/end"))
        .await
        .leads_to();
    assert_eq!(viewer.get("/admin/account").await.status, 303);
    assert_eq!(second.get("/admin/account").await.status, 200);
}
