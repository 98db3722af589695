//! A list of products with its sorting and its pages.

use commerce::catalog;
use kernel::Page;
use serde::Serialize;

use super::{Card, Crumb, Link};

/// Products on a page of a list.
pub(crate) const PAGE_SIZE: u32 = 24;

/// A list of products.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Listing {
    /// `category`, `collection` or `search`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// What is in it.
    pub intro: Option<String>,
    /// Its place in the shop's addresses.
    pub slug: String,
    /// The way down to it.
    pub breadcrumb: Vec<Crumb>,
    /// The categories below it.
    pub children: Vec<ListingChild>,
    /// A few beside it.
    pub siblings: Vec<Link>,
    /// Products in the whole list.
    pub total: u32,
    /// The first product of this page, from 1; 0 of nothing.
    pub first: u32,
    /// The last.
    pub last: u32,
    /// The products of this page.
    pub cards: Vec<Card>,
    /// The orders it can be in.
    pub sort: Sort,
    /// Its pages.
    pub pagination: Pagination,
}

/// A category below this one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListingChild {
    /// Its name.
    pub name: String,
    /// Its page.
    pub url: String,
    /// Products in it.
    pub count: u32,
}

/// The orders a list can be in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sort {
    /// The list's path.
    pub action: String,
    /// What the form keeps.
    pub keep: Vec<Keep>,
    /// The orders.
    pub choices: Vec<SortChoice>,
}

/// A hidden field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Keep {
    /// Its name.
    pub name: &'static str,
    /// Its value.
    pub value: String,
}

/// One order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SortChoice {
    /// Its word.
    pub value: &'static str,
    /// Whether the list is in this order.
    pub chosen: bool,
}

/// The pages of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pagination {
    /// This page, from 1.
    pub page: u32,
    /// How many there are.
    pub pages: u32,
    /// The one before.
    pub previous_url: Option<String>,
    /// The one after.
    pub next_url: Option<String>,
    /// Links to pages; gaps have no number.
    pub numbers: Vec<PageNumber>,
}

/// A page of a list, as a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PageNumber {
    /// Its number; none for a gap.
    pub number: Option<u32>,
    /// Its address; none for a gap.
    pub url: Option<String>,
    /// Whether this is the page.
    pub current: bool,
}

/// Which list, in which order.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    /// The list's path.
    pub(crate) path: String,
    /// What its address holds besides, such as what was looked for.
    pub(crate) keep: Vec<Keep>,
    /// The order it is in.
    pub(crate) sort: &'static str,
    /// The orders it can be in, the usual one first.
    pub(crate) sorts: &'static [&'static str],
}

impl Wanted {
    /// The address of a page of the list: what is usual is not written.
    pub(crate) fn url(&self, page: u32) -> String {
        let keep = self
            .keep
            .iter()
            .map(|Keep { name, value }| format!("{name}={}", escaped(value)));
        let mut pairs: Vec<String> = keep.collect();
        if self.sorts.first() != Some(&self.sort) {
            pairs.push(format!("sort={}", self.sort));
        }
        if page > 1 {
            pairs.push(format!("page={page}"));
        }
        if pairs.is_empty() {
            self.path.clone()
        } else {
            format!("{}?{}", self.path, pairs.join("&"))
        }
    }

    fn sort(&self) -> Sort {
        let choices = self.sorts.iter().map(|value| SortChoice {
            value,
            chosen: *value == self.sort,
        });
        Sort {
            action: self.path.clone(),
            keep: self.keep.clone(),
            choices: choices.collect(),
        }
    }

    fn pagination(&self, page: u32, pages: u32) -> Pagination {
        let number = |number: Option<u32>| PageNumber {
            number,
            url: number.map(|number| self.url(number)),
            current: number == Some(page),
        };
        Pagination {
            page,
            pages,
            previous_url: (page > 1).then(|| self.url(page - 1)),
            next_url: (page < pages).then(|| self.url(page + 1)),
            numbers: shown_pages(page, pages).into_iter().map(number).collect(),
        }
    }
}

/// What a list is of.
pub(crate) struct ListOf {
    pub(crate) kind: &'static str,
    pub(crate) name: String,
    pub(crate) intro: Option<String>,
    pub(crate) slug: String,
    pub(crate) breadcrumb: Vec<Crumb>,
    pub(crate) children: Vec<ListingChild>,
    pub(crate) siblings: Vec<Link>,
}

/// One page of a list.
pub(crate) fn listing(
    of: ListOf,
    wanted: &Wanted,
    page: &Page<catalog::Card>,
    cards: Vec<Card>,
) -> Listing {
    let before = page.size.saturating_mul(page.number.saturating_sub(1));
    let shown = u32::try_from(cards.len()).unwrap_or(u32::MAX);
    Listing {
        kind: of.kind,
        name: of.name,
        intro: of.intro,
        slug: of.slug,
        breadcrumb: of.breadcrumb,
        children: of.children,
        siblings: of.siblings,
        total: page.total,
        first: if shown == 0 {
            0
        } else {
            before.saturating_add(1)
        },
        last: before.saturating_add(shown),
        cards,
        sort: wanted.sort(),
        pagination: wanted.pagination(page.number, page.pages()),
    }
}

/// The first and the last page, this one and those around it; `None` where others are left out.
fn shown_pages(page: u32, pages: u32) -> Vec<Option<u32>> {
    let mut shown = Vec::new();
    let mut last = 0;
    for number in 1..=pages {
        let near = number.abs_diff(page) <= 1 || number == 1 || number == pages;
        // A gap of one page is that page.
        let bridge = (number == 2 && page == 4) || (number + 1 == pages && page + 3 == pages);
        if !(near || bridge) {
            continue;
        }
        if number > last + 1 {
            shown.push(None);
        }
        shown.push(Some(number));
        last = number;
    }
    shown
}

/// A value as it stands in a query.
pub(crate) fn escaped(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    for byte in value.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            b' ' => out.push('+'),
            other => {
                for digit in [other >> 4, other & 0xf] {
                    out.extend(
                        char::from_digit(digit.into(), 16).map(|digit| digit.to_ascii_uppercase()),
                    );
                }
                let at = out.len().saturating_sub(2);
                out.insert(at, '%');
            }
        }
    }
    out
}

/// A long list, somewhere in the middle.
pub(crate) fn sample(kind: &'static str) -> Listing {
    let wanted = Wanted {
        path: "/c/vases".to_owned(),
        keep: if kind == "search" {
            vec![Keep {
                name: "q",
                value: "vase & co".to_owned(),
            }]
        } else {
            Vec::new()
        },
        sort: "price_up",
        sorts: &["featured", "newest", "price_up", "price_down", "name"],
    };
    let cards = super::card::samples();
    Listing {
        kind,
        name: "Vases".to_owned(),
        intro: Some("Thrown and dipped by hand.".to_owned()),
        slug: "vases".to_owned(),
        breadcrumb: vec![
            Crumb {
                name: "Tableware".to_owned(),
                url: Some("/c/tableware".to_owned()),
            },
            Crumb {
                name: "Vases".to_owned(),
                url: None,
            },
        ],
        children: vec![ListingChild {
            name: "Tall".to_owned(),
            url: "/c/tall".to_owned(),
            count: 4,
        }],
        siblings: vec![Link {
            name: "Bowls".to_owned(),
            url: "/c/bowls".to_owned(),
        }],
        total: 230,
        first: 97,
        last: 101,
        cards,
        sort: wanted.sort(),
        pagination: wanted.pagination(5, 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(sort: &'static str, query: Option<&str>) -> Wanted {
        let keep = query.map(|query| Keep {
            name: "q",
            value: query.to_owned(),
        });
        Wanted {
            path: "/c/vases".to_owned(),
            keep: keep.into_iter().collect(),
            sort,
            sorts: &["featured", "newest"],
        }
    }

    #[test]
    fn what_is_usual_is_not_written_into_an_address() {
        assert_eq!(wanted("featured", None).url(1), "/c/vases");
        assert_eq!(wanted("newest", None).url(1), "/c/vases?sort=newest");
        assert_eq!(wanted("newest", None).url(3), "/c/vases?sort=newest&page=3");
        assert_eq!(
            wanted("featured", Some("blue & grey")).url(2),
            "/c/vases?q=blue+%26+grey&page=2"
        );
        assert_eq!(escaped("café/50%"), "caf%C3%A9%2F50%25");
    }

    #[test]
    fn pages_around_the_present_one_are_linked_and_gaps_shown() {
        let numbers = |page, pages| {
            let shown = shown_pages(page, pages).into_iter();
            shown
                .map(|number| number.map_or_else(|| "…".to_owned(), |number| number.to_string()))
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(numbers(1, 1), "1");
        assert_eq!(numbers(2, 3), "1 2 3");
        assert_eq!(numbers(1, 10), "1 2 … 10");
        assert_eq!(numbers(4, 10), "1 2 3 4 5 … 10");
        assert_eq!(numbers(5, 10), "1 … 4 5 6 … 10");
        assert_eq!(numbers(7, 10), "1 … 6 7 8 9 10");
        assert_eq!(numbers(10, 10), "1 … 9 10");
    }

    #[test]
    fn the_ends_of_a_list_lead_nowhere_further() {
        let pagination = |page| wanted("featured", None).pagination(page, 3);
        assert_eq!(
            (pagination(1).previous_url, pagination(3).next_url),
            (None, None)
        );
        assert_eq!(pagination(2).previous_url, Some("/c/vases".to_owned()));
        assert_eq!(pagination(2).next_url, Some("/c/vases?page=3".to_owned()));
        let current: Vec<bool> = pagination(2)
            .numbers
            .iter()
            .map(|number| number.current)
            .collect();
        assert_eq!(current, [false, true, false]);
    }
}
