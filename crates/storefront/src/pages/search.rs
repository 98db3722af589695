//! `GET /search?q=&sort=&page=`: what a shopper looks for.

use axum::extract::State;
use axum::response::Response;
use commerce::search::{self, Order, Results, Search, Spelling};
use kernel::{Code, PageRequest};
use serde::{Deserialize, Serialize};
use templates::Page;
use web::{Problem, Query};

use super::listing::Asked as AskedOfList;
use crate::cache::Address;
use crate::frame::Base;
use crate::storefront::{Storefront, Visit};
use crate::views::{self, Keep, Link, ListOf, Listing, Wanted, escaped};

/// The orders of results, the usual one first.
const SORTS: &[&str] = &["relevance", "newest", "price_up", "price_down"];
/// The most characters that are looked for.
const LONGEST: usize = 200;
/// Places offered where nothing is found.
const PLACES: usize = 4;
/// Where searches are.
const PATH: &str = "/search";

/// `pages/search.html`.
#[derive(Debug, Clone, Serialize)]
pub struct SearchPage {
    /// What was looked for.
    pub search: SearchView,
    /// What was found; none where nothing was looked for.
    pub listing: Option<Listing>,
}

/// What was looked for.
#[derive(Debug, Clone, Serialize)]
pub struct SearchView {
    /// The query that was answered.
    pub query: String,
    /// The query that was typed, if that is another one.
    pub corrected_from: Option<String>,
    /// The results of exactly what was typed.
    pub exact_url: Option<String>,
    /// The query's words by themselves, where nothing matched them together.
    pub words: Vec<Word>,
    /// Where else to look.
    pub popular: Vec<Link>,
}

/// A word of a query.
#[derive(Debug, Clone, Serialize)]
pub struct Word {
    /// The word.
    pub word: String,
    /// Its results.
    pub url: String,
    /// How many those are.
    pub count: u32,
}

/// What can be asked of a search.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    q: String,
    #[serde(default)]
    sort: String,
    #[serde(default)]
    page: String,
    /// Set to look for exactly what was typed.
    #[serde(default)]
    exact: String,
}

impl Asked {
    /// What is looked for: white space folded, cut to a length.
    fn text(&self) -> String {
        let folded = self.q.split_whitespace().collect::<Vec<_>>().join(" ");
        folded.chars().take(LONGEST).collect()
    }

    fn of_list(&self) -> AskedOfList {
        AskedOfList {
            sort: self.sort.clone(),
            page: self.page.clone(),
        }
    }

    fn spelling(&self) -> Spelling {
        if self.exact.is_empty() {
            Spelling::Correct
        } else {
            Spelling::AsTyped
        }
    }
}

/// Shows what was found.
pub(crate) async fn show(
    State(storefront): State<Storefront>,
    visit: Visit,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let text = asked.text();
    let list = asked.of_list();
    let number = list.page().number().to_string();
    // What the index knows is told apart by how far it has come; without one nothing is kept.
    let reached = storefront.shop().search.reached();
    let address = reached.and_then(|reached| {
        let revision = reached.revision.to_string();
        let parameters = [
            ("q", text.as_str()),
            ("sort", list.sort(SORTS)),
            ("page", number.as_str()),
            ("exact", if asked.exact.is_empty() { "" } else { "1" }),
            ("reached", revision.as_str()),
        ];
        Address::of(&visit.asked.uri, parameters)
    });
    let drawing = draw(&storefront, &visit, &asked, text.clone());
    storefront.kept(&visit, address, drawing).await
}

async fn draw(
    storefront: &Storefront,
    visit: &Visit,
    asked: &Asked,
    text: String,
) -> Result<Response, Problem> {
    // First the frame: how long the page holds is counted from before anything it shows.
    let (base, ()) = storefront.read(visit, |_, _| Ok(())).await?;
    let found = if text.is_empty() {
        None
    } else {
        Some(find(storefront, asked, text.clone()).await?)
    };
    if found
        .as_ref()
        .is_some_and(|found| found.cards.number > found.cards.pages())
    {
        return Err(Problem::new(Code::NotFound));
    }
    let shown = found.as_ref().map(|found| found.cards.items.clone());
    let page = page(&base, asked, &text, found);
    storefront
        .sheet(visit, &base)
        .showing(shown.iter().flatten())
        .noindex(true)
        .searched(&page.search.query)
        .draw(&page)
}

async fn find(storefront: &Storefront, asked: &Asked, text: String) -> Result<Results, Problem> {
    let list = asked.of_list();
    let sort = list.sort(SORTS);
    let order = Order::ALL
        .iter()
        .copied()
        .find(|order| order.as_str() == sort)
        .unwrap_or(Order::Relevance);
    let page: PageRequest = list.page();
    Ok(search::search(
        storefront.shop(),
        Search {
            text,
            order,
            page,
            spelling: asked.spelling(),
        },
    )
    .await?)
}

fn page(base: &Base, asked: &Asked, text: &str, found: Option<Results>) -> SearchPage {
    let Some(found) = found else {
        let search = SearchView {
            popular: base.places(PLACES),
            ..SearchView::for_query(text)
        };
        return SearchPage {
            search,
            listing: None,
        };
    };
    let mut keep = vec![Keep {
        name: "q",
        value: text.to_owned(),
    }];
    if asked.spelling() == Spelling::AsTyped {
        keep.push(Keep {
            name: "exact",
            value: "1".to_owned(),
        });
    }
    let wanted = Wanted {
        path: PATH.to_owned(),
        keep,
        sort: asked.of_list().sort(SORTS),
        sorts: SORTS,
    };
    let answered = found.corrected.clone().unwrap_or_else(|| text.to_owned());
    let of = ListOf {
        kind: "search",
        name: answered.clone(),
        intro: None,
        slug: String::new(),
        breadcrumb: Vec::new(),
        children: Vec::new(),
        siblings: Vec::new(),
    };
    let cards = views::cards(base, &found.cards.items);
    let nothing = cards.is_empty();
    let corrected = found.corrected.is_some();
    let words = found.words.into_iter().filter(|(_, count)| *count > 0);
    SearchPage {
        search: SearchView {
            corrected_from: corrected.then(|| text.to_owned()),
            exact_url: corrected.then(|| format!("{}&exact=1", url(text))),
            words: words
                .map(|(word, count)| Word {
                    url: url(&word),
                    word,
                    count,
                })
                .collect(),
            popular: if nothing {
                base.places(PLACES)
            } else {
                Vec::new()
            },
            ..SearchView::for_query(&answered)
        },
        listing: Some(views::listing(of, &wanted, &found.cards, cards)),
    }
}

fn url(text: &str) -> String {
    format!("{PATH}?q={}", escaped(text))
}

impl SearchView {
    fn for_query(query: &str) -> Self {
        Self {
            query: query.to_owned(),
            corrected_from: None,
            exact_url: None,
            words: Vec::new(),
            popular: Vec::new(),
        }
    }
}

impl Page for SearchPage {
    const TEMPLATE: &'static str = "pages/search.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let found = SearchView::for_query("planter");
        let corrected = SearchView {
            corrected_from: Some("plantr".to_owned()),
            exact_url: Some("/search?q=plantr&exact=1".to_owned()),
            ..found.clone()
        };
        let word = Word {
            word: "cup".to_owned(),
            url: "/search?q=cup".to_owned(),
            count: 3,
        };
        let popular = vec![Link {
            name: "Vases".to_owned(),
            url: "/c/vases".to_owned(),
        }];
        let list = views::listing_sample("search");
        let none = Listing {
            total: 0,
            first: 0,
            last: 0,
            cards: Vec::new(),
            ..list.clone()
        };
        let page = |search, listing| Self { search, listing };
        vec![
            ("found", page(found.clone(), Some(list.clone()))),
            ("corrected", page(corrected, Some(list))),
            (
                "nothing",
                page(
                    SearchView {
                        words: vec![word],
                        popular: popular.clone(),
                        ..found.clone()
                    },
                    Some(none.clone()),
                ),
            ),
            ("nothing at all", page(found, Some(none))),
            (
                "no query",
                page(
                    SearchView {
                        popular,
                        ..SearchView::for_query("")
                    },
                    None,
                ),
            ),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(q: &str) -> Asked {
        Asked {
            q: q.to_owned(),
            ..Asked::default()
        }
    }

    fn found(corrected: Option<&str>, words: &[(&str, u32)]) -> Results {
        Results {
            cards: kernel::Page::new(PageRequest::new(1, 24), 0, Vec::new()),
            corrected: corrected.map(str::to_owned),
            words: words
                .iter()
                .map(|(word, count)| ((*word).to_owned(), *count))
                .collect(),
        }
    }

    #[test]
    fn what_is_looked_for_is_folded_and_not_endless() {
        assert_eq!(asked("  oat   cup ").text(), "oat cup");
        assert_eq!(asked(" ").text(), "");
        assert_eq!(asked(&"é".repeat(500)).text().chars().count(), LONGEST);
    }

    #[test]
    fn a_correction_says_so_and_leads_to_what_was_typed() {
        let page = page(
            &Base::sample(),
            &asked("plantr & co"),
            "plantr & co",
            Some(found(Some("planter & co"), &[])),
        );
        assert_eq!(page.search.query, "planter & co");
        assert_eq!(page.search.corrected_from.as_deref(), Some("plantr & co"));
        assert_eq!(
            page.search.exact_url.as_deref(),
            Some("/search?q=plantr+%26+co&exact=1")
        );
    }

    #[test]
    fn words_that_find_nothing_either_are_not_offered() {
        let page = page(
            &Base::sample(),
            &asked("oat sofa"),
            "oat sofa",
            Some(found(None, &[("oat", 3), ("sofa", 0)])),
        );
        let words: Vec<_> = page
            .search
            .words
            .iter()
            .map(|word| (word.url.as_str(), word.count))
            .collect();
        assert_eq!(words, [("/search?q=oat", 3)]);
    }

    #[test]
    fn every_order_offered_is_one_the_search_knows() {
        for sort in SORTS {
            assert!(
                Order::ALL.iter().any(|order| order.as_str() == *sort),
                "{sort}"
            );
        }
    }
}
