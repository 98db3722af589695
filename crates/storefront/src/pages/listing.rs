//! `GET /c/{slug}` and `GET /collections/{slug}`: a category or a collection, `?sort=&page=`.

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::Internal;
use commerce::catalog::categories::{self, CategoryPage as Shelf};
use commerce::catalog::{self, Collection, Scope};
use db::Tx;
use kernel::{Code, PageRequest, Slug};
use serde::{Deserialize, Serialize};
use templates::Page;
use web::{Problem, Query};

use crate::cache::Address;
use crate::frame::{Base, category_url, collection_url};
use crate::storefront::{Storefront, Visit};
use crate::views::{self, Crumb, Link, ListOf, Listing, ListingChild, Wanted};

/// The orders of a list, the usual one first.
const SORTS: &[&str] = &["featured", "newest", "price_up", "price_down", "name"];
/// Categories offered instead of an empty one.
const SIBLINGS: usize = 3;

/// `pages/category.html`.
#[derive(Debug, Clone, Serialize)]
pub struct CategoryPage {
    /// The list.
    pub listing: Listing,
}

/// What can be asked of a list.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    pub(crate) sort: String,
    #[serde(default)]
    pub(crate) page: String,
}

impl Asked {
    /// The page asked for; the first where none is, or nothing that is a number.
    pub(crate) fn page(&self) -> PageRequest {
        PageRequest::new(self.page.parse().unwrap_or(1), views::PAGE_SIZE)
    }

    /// The order asked for; the usual one where there is no such order.
    pub(crate) fn sort(&self, sorts: &[&'static str]) -> &'static str {
        let usual = sorts.first().copied().unwrap_or_default();
        sorts
            .iter()
            .copied()
            .find(|sort| *sort == self.sort)
            .unwrap_or(usual)
    }
}

enum Of {
    Category(Shelf),
    Collection(Collection),
}

/// Shows a category.
pub(crate) async fn category(
    State(storefront): State<Storefront>,
    visit: Visit,
    Path(slug): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let slug = parse(&slug)?;
    let find = move |base: &Base| {
        let found = categories::find_in_tree(base.tree(), &slug)?;
        let count = found.count;
        Some((
            Scope::Category(found.category.id.clone()),
            Of::Category(found),
            count,
        ))
    };
    show(&storefront, &visit, asked, find).await
}

/// Shows a collection.
pub(crate) async fn collection(
    State(storefront): State<Storefront>,
    visit: Visit,
    Path(slug): Path<String>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let slug = parse(&slug)?;
    let find = move |base: &Base| {
        let found = base
            .collections()
            .iter()
            .find(|one| one.slug == slug)?
            .clone();
        let count = found.count;
        let scope = Scope::Collection(found.id.clone());
        Some((scope, Of::Collection(found), count))
    };
    show(&storefront, &visit, asked, find).await
}

/// What is no slug stands at no address.
pub(crate) fn parse(slug: &str) -> Result<Slug, Problem> {
    Slug::parse(slug).map_err(|_not_a_slug| Problem::new(Code::NotFound))
}

async fn show(
    storefront: &Storefront,
    visit: &Visit,
    asked: Asked,
    find: impl Fn(&Base) -> Option<(Scope, Of, u32)> + Send + 'static,
) -> Result<Response, Problem> {
    let number = asked.page().number().to_string();
    let parameters = [("sort", asked.sort(SORTS)), ("page", number.as_str())];
    let address = Address::of(&visit.asked.uri, parameters);
    let drawing = draw(storefront, visit, asked, find);
    storefront.kept(visit, address, drawing).await
}

/// Reads four or five statements beside the frame's, however many products there are.
async fn draw(
    storefront: &Storefront,
    visit: &Visit,
    asked: Asked,
    find: impl Fn(&Base) -> Option<(Scope, Of, u32)> + Send + 'static,
) -> Result<Response, Problem> {
    let (sort, page) = (asked.sort(SORTS), asked.page());
    let read = move |tx: &mut Tx<'_>, base: &Base| -> Result<_, Internal> {
        let Some((scope, of, total)) = find(base) else {
            return Ok(None);
        };
        let sort = catalog::Sort::ALL
            .iter()
            .copied()
            .find(|one| one.as_str() == sort)
            .unwrap_or(catalog::Sort::Featured);
        let listing = catalog::Listing { scope, sort, page };
        let cards = catalog::listing::cards_of(tx, base.now, &listing, total)?;
        Ok(Some((of, cards)))
    };
    let (base, found) = storefront.read(visit, read).await?;
    let Some((of, cards)) = found else {
        return Err(Problem::new(Code::NotFound));
    };
    if cards.number > cards.pages() {
        return Err(Problem::new(Code::NotFound));
    }
    let path = of.path();
    let wanted = Wanted {
        path: path.clone(),
        keep: Vec::new(),
        sort,
        sorts: SORTS,
    };
    let usual = Wanted {
        sort: SORTS.first().copied().unwrap_or_default(),
        ..wanted.clone()
    };
    let current = of.category_slug();
    let listing = views::listing(
        of.list(&base),
        &wanted,
        &cards,
        views::cards(&base, &cards.items),
    );
    let sheet = storefront
        .sheet(visit, &base)
        .canonical(&usual.url(cards.number))
        .showing(&cards.items)
        .noindex(wanted.sort != usual.sort);
    let page = CategoryPage { listing };
    match &current {
        Some(slug) => sheet.of_category(slug).draw(&page),
        None => sheet.draw(&page),
    }
}

impl Of {
    fn path(&self) -> String {
        match self {
            Self::Category(found) => category_url(&found.category.slug),
            Self::Collection(found) => collection_url(&found.slug),
        }
    }

    fn category_slug(&self) -> Option<Slug> {
        match self {
            Self::Category(found) => Some(found.category.slug.clone()),
            Self::Collection(_) => None,
        }
    }

    fn list(self, base: &Base) -> ListOf {
        match self {
            Self::Category(found) => category_list(found, base),
            Self::Collection(found) => ListOf {
                kind: "collection",
                breadcrumb: vec![Crumb {
                    name: found.title.clone(),
                    url: None,
                }],
                name: found.title,
                intro: Some(found.intro).filter(|intro| !intro.is_empty()),
                slug: found.slug.to_string(),
                children: Vec::new(),
                siblings: base.places(SIBLINGS),
            },
        }
    }
}

fn category_list(found: Shelf, base: &Base) -> ListOf {
    let above = found.path.iter().map(|category| Crumb {
        name: category.title.clone(),
        url: Some(category_url(&category.slug)),
    });
    let here = Crumb {
        name: found.category.title.clone(),
        url: None,
    };
    let children = found
        .children
        .iter()
        .filter(|child| child.count > 0)
        .map(|child| ListingChild {
            name: child.category.title.clone(),
            url: category_url(&child.category.slug),
            count: child.count,
        });
    let beside = found.siblings.iter().map(|category| Link {
        name: category.title.clone(),
        url: category_url(&category.slug),
    });
    let mut siblings: Vec<Link> = beside.take(SIBLINGS).collect();
    if siblings.is_empty() {
        siblings = base.places(SIBLINGS);
    }
    ListOf {
        kind: "category",
        breadcrumb: above.chain(std::iter::once(here)).collect(),
        name: found.category.title,
        intro: Some(found.category.intro).filter(|intro| !intro.is_empty()),
        slug: found.category.slug.to_string(),
        children: children.collect(),
        siblings,
    }
}

impl Page for CategoryPage {
    const TEMPLATE: &'static str = "pages/category.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let category = views::listing_sample("category");
        let empty = Listing {
            intro: None,
            total: 0,
            first: 0,
            last: 0,
            cards: Vec::new(),
            children: Vec::new(),
            ..category.clone()
        };
        vec![
            ("category", Self { listing: category }),
            (
                "collection",
                Self {
                    listing: views::listing_sample("collection"),
                },
            ),
            ("empty", Self { listing: empty }),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_asked_for_leniently() {
        let asked = |sort: &str, page: &str| Asked {
            sort: sort.to_owned(),
            page: page.to_owned(),
        };
        assert_eq!(asked("", "").sort(SORTS), "featured");
        assert_eq!(asked("price_up", "2").sort(SORTS), "price_up");
        assert_eq!(
            asked("price_up; DROP TABLE products", "2").sort(SORTS),
            "featured"
        );
        for (page, number) in [
            ("", 1),
            ("0", 1),
            ("7", 7),
            ("-1", 1),
            ("x", 1),
            ("99999999999999", 1),
        ] {
            assert_eq!(asked("", page).page().number(), number, "{page}");
        }
    }

    #[test]
    fn every_order_offered_is_one_the_catalogue_knows() {
        for sort in SORTS {
            assert!(
                catalog::Sort::ALL.iter().any(|one| one.as_str() == *sort),
                "{sort}"
            );
        }
    }
}
