//! Questions: whatever is in them, they change nothing and are never our fault.

use std::collections::BTreeSet;

use crate::browser::Browser;
use crate::page::{Form, escaped};

use super::crawl::{Full, Seen, pages};

/// SQL, numbers nobody counts to, texts nobody types.
const ODD: &[&str] = &[
    "' OR 1=1 --",
    "'; DROP TABLE orders; --",
    "\" OR \"\"=\"",
    "1) UNION SELECT token_hash FROM staff_sessions --",
    "%' AND 1=1 AND '%'='",
    "\\",
    "-1",
    "0",
    "99999999999999999999",
    "1e309",
    "NaN",
    "../../etc/passwd",
    "{{7*7}}",
    "a AND b OR NOT (c",
    "*",
    "\u{202e}\u{0}",
    "\u{1f419}",
    "",
];

/// Addresses with each field of a query replaced by each of them: those that links have, and those that forms would make.
fn asked(seen: &[Seen]) -> BTreeSet<String> {
    let mut queries: BTreeSet<(String, Vec<String>)> = BTreeSet::new();
    for page in seen {
        if let Some((path, query)) = page.path.split_once('?') {
            let names = query.split('&').filter_map(|pair| pair.split('=').next());
            queries.insert((path.to_owned(), names.map(str::to_owned).collect()));
        }
        let text = String::from_utf8_lossy(&page.answer.body).into_owned();
        for form in Form::all(&text).iter().filter(|form| form.method == "get") {
            let path = form.action.split('?').next().unwrap_or_default();
            let names = form.fields.iter().map(|(name, _)| name.clone()).collect();
            queries.insert((path.to_owned(), names));
        }
    }
    let mut all = BTreeSet::new();
    for (path, names) in queries {
        for name in names.iter().chain([&"page".to_owned(), &"sort".to_owned()]) {
            all.extend(
                ODD.iter()
                    .map(|odd| format!("{path}?{name}={}", escaped(odd))),
            );
        }
    }
    all
}

async fn ask_all(browser: &mut Browser, from: &[String]) -> usize {
    let seen = pages(browser, from).await;
    let asked = asked(&seen);
    for address in &asked {
        let answer = browser.get(address).await;
        assert!(answer.status < 500, "{address}: {}", answer.status);
        let text = String::from_utf8_lossy(&answer.body);
        let is_told = text.contains("SELECT ") && !address.contains("SELECT");
        assert!(
            !is_told && !text.contains("syntax error"),
            "{address}: {text}"
        );
    }
    asked.len()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_question_to_shop_or_office_changes_anything_or_is_our_fault_whatever_is_in_it() {
    let mut full = Full::shop().await;
    let (shop, office) = full.beginnings();
    // The shop makes some of its keys when they are first needed.
    pages(&mut full.owner, &office).await;
    let before = full.app.everything().await;
    let mut count = ask_all(&mut full.shopper, &shop).await;
    count += ask_all(&mut full.owner, &office).await;
    assert!(count > 500, "only {count} questions were asked");
    full.app.assert_unchanged_since(&before).await;
    full.app.test.assert_clean().await;
}
