//! The start page of a shop that sells nothing yet. Told by [`super::home`].

use serde::Serialize;
use templates::Page;

/// `pages/empty_shop.html`.
#[derive(Debug, Clone, Serialize)]
pub struct EmptyShopPage {
    /// What it says.
    pub empty: Empty,
}

/// What the page of an empty shop says.
#[derive(Debug, Clone, Serialize)]
pub struct Empty {
    /// Whether somebody owns the shop; if not, everybody reads how its owner claims it, and nothing that claims it.
    pub claimed: bool,
    /// Whether whoever asks sits at this machine: then how to fill the shop.
    pub for_owner: bool,
    /// Where the shop keeps its data.
    pub data: Option<String>,
}

impl Page for EmptyShopPage {
    const TEMPLATE: &'static str = "pages/empty_shop.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let page = |claimed, for_owner, data: Option<&str>| Self {
            empty: Empty {
                claimed,
                for_owner,
                data: data.map(str::to_owned),
            },
        };
        vec![
            ("visitor", page(true, false, None)),
            ("owner", page(true, true, Some("/var/lib/vitrine"))),
            ("owner of something unnamed", page(true, true, None)),
            ("nobody owns it", page(false, false, None)),
            (
                "nobody owns it, seen from its machine",
                page(false, true, Some("/var/lib/vitrine")),
            ),
        ]
    }
}
