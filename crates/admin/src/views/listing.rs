//! What lists share: their address with what was chosen, and where they go on.

use kernel::{LongPage, Total};
use templates::Say;

use super::{Pages, Tab};

/// The address of a list: only what differs from what it shows by itself is named.
pub(crate) fn address(path: &str, chosen: &[(&str, &str)]) -> String {
    let said: Vec<&(&str, &str)> = chosen
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    if said.is_empty() {
        return path.to_owned();
    }
    let query = serde_urlencoded::to_string(&said).unwrap_or_default();
    format!("{path}?{query}")
}

/// The views of a list, without numbers. `labels` is the beginning of their names' keys.
pub(crate) fn tabs<V: std::fmt::Display + PartialEq + Copy>(
    (views, open): (&[V], V),
    (say, labels): (&Say, &str),
    address: impl Fn(V) -> String,
) -> Vec<Tab> {
    let tabs = views.iter().map(|view| Tab {
        label: say.text(&format!("{labels}.{view}")),
        url: address(*view),
        current: *view == open,
        count: None,
    });
    tabs.collect()
}

/// How many, in words.
pub(crate) fn count(total: Total, say: &Say) -> String {
    let number = say.number(i64::from(total.number()));
    match total {
        Total::Exactly(_) => number,
        Total::MoreThan(_) => say.with("common.pages.more_than", &[("count", number)]),
    }
}

/// The number of a tab, short; nothing where there is nothing to do.
pub(crate) fn tab_count(total: Total, say: &Say) -> Option<String> {
    if total.is_none() {
        return None;
    }
    let number = say.number(i64::from(total.number()));
    Some(match total {
        Total::Exactly(_) => number,
        Total::MoreThan(_) => format!("{number}+"),
    })
}

/// Where a list goes on. `address` is that of the page of a number, empty for the first.
pub(crate) fn pages<T>(page: &LongPage<T>, say: &Say, address: impl Fn(&str) -> String) -> Pages {
    let at = |number: u32| {
        if number <= 1 {
            address("")
        } else {
            address(&number.to_string())
        }
    };
    let shown = u32::try_from(page.items.len()).unwrap_or(u32::MAX);
    let before = page.number.saturating_sub(1).saturating_mul(page.size);
    Pages {
        number: page.number,
        previous_url: page
            .has_previous()
            .then(|| at(page.number.saturating_sub(1))),
        next_url: page.has_next.then(|| at(page.number.saturating_add(1))),
        total: count(page.total, say),
        first: if shown == 0 {
            0
        } else {
            before.saturating_add(1)
        },
        last: if shown == 0 {
            0
        } else {
            before.saturating_add(shown)
        },
    }
}
