//! What axe-core finds on a page.

use serde_json::Value;

use crate::harness::Browser;

/// axe-core 4.14.1 (MPL-2.0), as its makers ship it.
const AXE: &str = include_str!("../../assets/axe.min.js");

/// Fails with every serious or critical finding on the page as it stands.
pub(crate) async fn assert_accessible(browser: &Browser, what: &str) {
    let serious = serious_findings(browser).await;
    assert!(
        serious.is_empty(),
        "{what}: {}",
        serde_json::to_string_pretty(&serious).expect("JSON")
    );
}

/// What is seriously or critically wrong with the page as it stands.
pub(crate) async fn serious_findings(browser: &Browser) -> Vec<Value> {
    browser
        .client
        .execute(AXE, Vec::new())
        .await
        .expect("axe loads");
    let run = "const done = arguments[arguments.length - 1];
        axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations'] })
           .then(found => done(found.violations.map(v => ({ id: v.id, impact: v.impact, help: v.help, nodes: v.nodes.map(n => n.html) }))),
                 error => done([{ id: 'axe', impact: 'critical', help: String(error), nodes: [] }]));";
    let found = browser
        .client
        .execute_async(run, Vec::new())
        .await
        .expect("axe runs");
    let Value::Array(found) = found else {
        panic!("axe answered {found}")
    };
    found
        .into_iter()
        .filter(|finding| matches!(finding["impact"].as_str(), Some("serious" | "critical")))
        .collect()
}
