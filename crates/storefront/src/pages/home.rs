//! `GET /`: the start page.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use commerce::Internal;
use commerce::accounts;
use commerce::catalog::{self, Shown};
use commerce::media::Picture;
use db::Tx;
use kernel::{CategoryId, CollectionId, Slug};
use serde::Serialize;
use templates::Page;
use web::{Peer, Problem};

use super::empty_shop::{Empty, EmptyShopPage};
use crate::cache::Address;
use crate::frame::{Base, category_link, category_url, collection_url, product_url};
use crate::say::Say;
use crate::storefront::{Storefront, Visit};
use crate::views::{self, Card, Link, PictureView};

/// Cards in a row.
const ROW: u32 = 8;
/// Rows at most.
const ROWS: usize = 4;
/// Categories as tiles at most.
const TILES: usize = 6;

/// `pages/home.html`.
#[derive(Debug, Clone, Serialize)]
pub struct HomePage {
    /// The statement at the top.
    pub hero: Hero,
    /// Rows of products.
    pub rows: Vec<Row>,
    /// Categories.
    pub tiles: Vec<Tile>,
    /// The story band.
    pub story: Option<Story>,
}

/// The statement at the top.
#[derive(Debug, Clone, Serialize)]
pub struct Hero {
    /// What is sold.
    pub title: String,
    /// One or two sentences.
    pub text: Option<String>,
    /// A picture beside it.
    pub picture: Option<PictureView>,
    /// The product the picture shows.
    pub picture_url: Option<String>,
    /// The one thing to do.
    pub primary: Option<Link>,
    /// Another.
    pub secondary: Option<Link>,
}

/// A row of products.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its title.
    pub title: String,
    /// Where all of them are.
    pub url: Option<String>,
    /// How many those are.
    pub total: u32,
    /// The first of them.
    pub cards: Vec<Card>,
}

/// A category as a tile.
#[derive(Debug, Clone, Serialize)]
pub struct Tile {
    /// Its name.
    pub name: String,
    /// Its page.
    pub url: String,
    /// The picture of its first product.
    pub picture: Option<PictureView>,
    /// Products in it.
    pub count: u32,
}

/// The story band.
#[derive(Debug, Clone, Serialize)]
pub struct Story {
    /// Its title.
    pub title: String,
    /// Its text.
    pub text: String,
    /// Where it goes on.
    pub link: Option<Link>,
    /// Its picture.
    pub picture: Option<PictureView>,
}

/// What the page reads: sixteen statements beside the frame's, however many products, collections and categories there are.
struct Read {
    claimed: bool,
    all: Vec<catalog::Card>,
    rows: Vec<(CollectionId, Vec<catalog::Card>)>,
    hero: Option<Shown>,
    pictures: HashMap<CategoryId, Picture>,
}

/// Shows the start page; that of an empty shop while there is nothing on sale.
pub(crate) async fn show(
    State(storefront): State<Storefront>,
    visit: Visit,
    peer: Peer,
) -> Result<Response, Problem> {
    // Before there is anything on sale, the owner's page is another one.
    let here = peer.on_this_machine.then_some(("here", ""));
    let address = Address::of(&visit.asked.uri, here);
    let drawing = draw(&storefront, &visit, peer);
    storefront.kept(&visit, address, drawing).await
}

async fn draw(storefront: &Storefront, visit: &Visit, peer: Peer) -> Result<Response, Problem> {
    let (base, read) = storefront.read(visit, read).await?;
    let shown = read.rows.iter().flat_map(|(_, cards)| cards);
    let sheet = storefront
        .sheet(visit, &base)
        .showing(shown.chain(&read.all))
        .canonical("/");
    if base.on_sale() == 0 {
        let for_owner = peer.on_this_machine;
        let data = storefront.data().filter(|_| for_owner).map(str::to_owned);
        let claimed = read.claimed;
        // What only the owner may see is kept by no cache, and what ends with a claim neither.
        let sheet = if for_owner || !claimed {
            sheet.private()
        } else {
            sheet
        };
        return sheet.noindex(true).draw(&EmptyShopPage {
            empty: Empty {
                claimed,
                for_owner,
                data,
            },
        });
    }
    sheet.draw(&page(&base, &read, &storefront.words()?))
}

fn read(tx: &mut Tx<'_>, base: &Base) -> Result<Read, Internal> {
    let home = &base.settings().home;
    let wanted = home.collection_slugs.iter().filter_map(|slug| {
        base.collections()
            .iter()
            .find(|one| one.slug.as_str() == slug)
    });
    let collections: Vec<CollectionId> = wanted.take(ROWS).map(|one| one.id.clone()).collect();
    let hero = home
        .product_slug
        .as_deref()
        .and_then(|slug| Slug::parse(slug).ok());
    let tiles: Vec<CategoryId> = base
        .shelves()
        .take(TILES)
        .map(|node| node.category.id.clone())
        .collect();
    Ok(Read {
        // Whoever sells something is known to own the shop.
        claimed: base.on_sale() > 0 || accounts::count(tx)? > 0,
        all: catalog::listing::first_cards(tx, base.now, catalog::Scope::All, ROW)?,
        rows: catalog::listing::first_of_collections(tx, base.now, &collections, ROW)?,
        hero: match hero {
            Some(slug) => catalog::page::product_page(tx, base.now, &slug)?,
            None => None,
        },
        pictures: catalog::categories::pictures(tx, &tiles)?,
    })
}

fn page(base: &Base, read: &Read, say: &Say) -> HomePage {
    let home = &base.settings().home;
    let story = home.story_title.clone().zip(home.story_text.clone());
    HomePage {
        hero: hero(base, read),
        rows: rows(base, read, say),
        tiles: tiles(base, read),
        story: story.map(|(title, text)| Story {
            title,
            text,
            link: None,
            picture: None,
        }),
    }
}

fn hero(base: &Base, read: &Read) -> Hero {
    let (home, shop) = (&base.settings().home, &base.settings().shop);
    let (picture, picture_url) = match &read.hero {
        Some(Shown::Product(page)) => {
            let product = &page.product;
            let picture = page
                .pictures
                .first()
                .map(|picture| views::product_picture(picture, &product.title));
            (picture, Some(product_url(&product.slug)))
        }
        Some(Shown::Gone { .. }) | None => first_picture(&read.all),
    };
    let category = home.category_slug.as_deref().and_then(|wanted| {
        let slug = Slug::parse(wanted).ok()?;
        catalog::categories::find_in_tree(base.tree(), &slug)
    });
    let chosen = category.map(|found| Link {
        name: found.category.title,
        url: category_url(&found.category.slug),
    });
    let mut others = base.shelves().map(category_link);
    let primary = chosen.or_else(|| others.next());
    let secondary = others.find(|other| Some(other) != primary.as_ref());
    Hero {
        title: home
            .headline
            .clone()
            .or_else(|| shop.tagline.clone())
            .unwrap_or_else(|| shop.name.clone()),
        text: home.text.clone().or_else(|| shop.intro.clone()),
        picture,
        picture_url,
        primary,
        secondary,
    }
}

/// The first picture there is, where the merchant has chosen none.
fn first_picture(cards: &[catalog::Card]) -> (Option<PictureView>, Option<String>) {
    let pictured = cards
        .iter()
        .find_map(|card| Some((card, card.picture.as_ref()?)));
    match pictured {
        Some((card, picture)) => (
            Some(views::product_picture(picture, &card.title)),
            Some(product_url(&card.slug)),
        ),
        None => (None, None),
    }
}

/// The merchant's rows; without any, a row of what there is.
fn rows(base: &Base, read: &Read, say: &Say) -> Vec<Row> {
    let row = |(id, cards): &(CollectionId, Vec<catalog::Card>)| {
        let collection = base.collections().iter().find(|one| one.id == *id)?;
        Some(Row {
            title: collection.title.clone(),
            url: Some(collection_url(&collection.slug)),
            total: collection.count,
            cards: views::cards(base, full_rows(cards)),
        })
    };
    let mut rows: Vec<Row> = read.rows.iter().filter_map(row).collect();
    if rows.is_empty() {
        let cards = views::cards(base, full_rows(&read.all));
        rows.push(Row {
            title: say.text("home.all"),
            url: None,
            total: base.on_sale(),
            cards,
        });
    }
    rows
}

/// Four or eight, where there are as many: a row with holes looks like a shop that is running out.
fn full_rows(cards: &[catalog::Card]) -> &[catalog::Card] {
    let shown = if cards.len() > 4 && cards.len() < 8 {
        4
    } else {
        cards.len()
    };
    cards.get(..shown).unwrap_or(cards)
}

fn tiles(base: &Base, read: &Read) -> Vec<Tile> {
    let tile = |node: &catalog::CategoryNode| Tile {
        name: node.category.title.clone(),
        url: category_url(&node.category.slug),
        picture: read
            .pictures
            .get(&node.category.id)
            .map(|picture| views::picture(picture, &node.category.title)),
        count: node.count,
    };
    base.shelves().take(TILES).map(tile).collect()
}

impl Page for HomePage {
    const TEMPLATE: &'static str = "pages/home.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let link = |name: &str| Link {
            name: name.to_owned(),
            url: "/c/vases".to_owned(),
        };
        let cards = views::card_samples();
        let picture = cards.iter().find_map(|card| card.picture.clone());
        let full = Self {
            hero: Hero {
                title: "Good things for slow mornings".to_owned(),
                text: Some("Stoneware from small workshops.".to_owned()),
                picture: picture.clone(),
                picture_url: Some("/products/tarn-vase".to_owned()),
                primary: Some(link("See the vases")),
                secondary: Some(link("New arrivals")),
            },
            rows: vec![
                Row {
                    title: "New".to_owned(),
                    url: Some("/collections/new".to_owned()),
                    total: 24,
                    cards: cards.clone(),
                },
                Row {
                    title: "Back in stock".to_owned(),
                    url: None,
                    total: 5,
                    cards,
                },
            ],
            tiles: vec![
                Tile {
                    name: "Vases".to_owned(),
                    url: "/c/vases".to_owned(),
                    picture: picture.clone(),
                    count: 12,
                },
                Tile {
                    name: "Bowls".to_owned(),
                    url: "/c/bowls".to_owned(),
                    picture: None,
                    count: 1,
                },
            ],
            story: Some(Story {
                title: "Made in Wren".to_owned(),
                text: "By four people.".to_owned(),
                link: Some(link("About us")),
                picture,
            }),
        };
        let bare = Self {
            hero: Hero {
                title: "New shop".to_owned(),
                text: None,
                picture: None,
                picture_url: None,
                primary: None,
                secondary: None,
            },
            rows: Vec::new(),
            tiles: Vec::new(),
            story: None,
        };
        vec![("full", full), ("bare", bare)]
    }
}
