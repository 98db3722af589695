//! What people type is text: into every field of every form, and then on every page and in every mail.

use crate::browser::{Answer, Browser};
use crate::page::Form;

use super::crawl::{Found, Full, forms, pages};

/// Ends an attribute, a tag, a script; is a tag; is a template in three languages.
const MARKUP: &str = "zq\"'></script><zq7 a=b>{{7*7}}${7*7}zq";
/// Is a script where an address is expected, and a template.
const ADDRESS: &str = "javascript:zq9('{{7*7}}{%if 1%}zqhit{%endif%}')";

/// What the page would hold if one of them had been obeyed.
const OBEYED: &[&str] = &[
    "<zq7",
    "\"'><",
    "</script><zq",
    "=b>49",
    "=b&gt;49",
    "$49zq",
    "href=\"javascript:",
    "src=\"javascript:",
    "action=\"javascript:",
    "content=\"0;url=javascript:",
    "zq9('49",
    "}zqhit'",
    "49zqhit",
];

/// Forms that would end what we are doing, or take away what is to be looked at.
const LEFT_ALONE: &[&str] = &[
    "/sign-out",
    "/sessions/",
    "/account/password",
    "/second-factor",
    "/delete",
    "/remove",
    "/cancel",
    "/cancel-payment",
    "/standing",
    "/mail/test",
];

#[track_caller]
fn is_not_obeyed(answer: &Answer, told: &str) {
    let text = String::from_utf8_lossy(&answer.body);
    for sign in OBEYED {
        let at = text.find(sign);
        let near = at.map(|at| text.chars().skip(at.saturating_sub(80)).take(200));
        let near = near.map(Iterator::collect::<String>);
        assert!(at.is_none(), "{told}: {sign:?} in: {near:?}");
    }
    for (name, value) in &answer.headers {
        let value = String::from_utf8_lossy(value.as_bytes());
        let is_told = !value.contains("<zq7") && !value.contains("javascript:");
        assert!(is_told, "{told}: {name}: {value}");
    }
    assert!(answer.status < 500, "{told}: {}", answer.status);
}

/// Sends a form with this in one field after the other, and then in all that can be typed into.
async fn fill_in(browser: &mut Browser, found: &Found) -> usize {
    let mut sent = 0;
    let names: Vec<String> = found
        .form
        .fields
        .iter()
        .map(|(name, _)| name.clone())
        .collect();
    for name in names.iter().filter(|name| *name != "csrf") {
        let Some(form) = found.again(browser).await else {
            break;
        };
        let told = format!("{} on {} with {name}", form.action, found.page);
        let answer = browser.submit(&form.with(name, MARKUP)).await;
        is_not_obeyed(&answer, &told);
        sent += 1;
    }
    if let Some(form) = found.again(browser).await {
        let told = format!("{} on {}", form.action, found.page);
        let answer = browser.submit(&everywhere(form)).await;
        is_not_obeyed(&answer, &told);
    }
    sent
}

/// The address in all fields that hold a text or nothing.
fn everywhere(mut form: Form) -> Form {
    for (name, value) in &mut form.fields {
        let is_text = value.is_empty() || value.contains(' ') || value.contains("zq");
        if name != "csrf" && is_text {
            ADDRESS.clone_into(value);
        }
    }
    form
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_is_typed_anywhere_becomes_markup_script_or_template() {
    let mut full = Full::shop().await;
    let (shop, office) = full.beginnings();
    let mut sent = 0;
    let found = forms(&pages(&mut full.shopper, &shop).await);
    let in_office = forms(&pages(&mut full.owner, &office).await);
    let is_wanted = |found: &&Found| {
        !LEFT_ALONE
            .iter()
            .any(|part| found.form.action.contains(part))
    };
    for found in found.iter().filter(is_wanted) {
        sent += fill_in(&mut full.shopper, found).await;
    }
    for found in in_office.iter().filter(is_wanted) {
        sent += fill_in(&mut full.owner, found).await;
    }
    assert!(sent > 150, "only {sent} fields were filled in");
    // An order with it all, so that it is on the pages of orders and in mails as well.
    let mut buyer = full.app.browser();
    buyer.puts("/products/oat-tumbler", "1").await.leads_to();
    buyer.checks_out().await;
    let address = buyer.get("/checkout?step=address").await.form("/checkout");
    let mut typed = address.press("step", "address");
    for name in ["name", "company", "line1", "line2", "city"] {
        typed = typed.with(name, MARKUP);
    }
    buyer.submit(&typed).await;
    let last = buyer.get("/checkout?step=payment").await;
    let placed = buyer.pays(&last, "bank_transfer").await.leads_to();
    full.app.test.run_jobs().await;
    commerce::search::catch_up(full.app.shop()).await.unwrap();

    let mut shown = 0;
    let shop = [shop, vec![placed]].concat();
    for (browser, beginnings) in [(&mut buyer, shop), (&mut full.owner, office)] {
        for seen in pages(browser, &beginnings).await {
            is_not_obeyed(&seen.answer, &seen.path);
            let text = String::from_utf8_lossy(&seen.answer.body);
            shown += usize::from(text.contains("&lt;zq7") && text.contains("{{7*7}}"));
        }
    }
    assert!(shown > 15, "it is on {shown} pages only");
    let mails: Vec<(String, String)> = full
        .app
        .test
        .rows("SELECT subject, html_body FROM mails ORDER BY id LIMIT 100")
        .await;
    assert!(mails.iter().any(|(_, html)| html.contains("&lt;zq7")));
    for (subject, html) in mails {
        assert!(!OBEYED.iter().any(|sign| html.contains(sign)), "{html}");
        assert!(!subject.contains(['\r', '\n']), "{subject}");
    }
    full.app.test.assert_clean().await;
}
