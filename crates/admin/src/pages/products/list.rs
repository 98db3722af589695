//! `GET /admin/products`: all products in views, and what is done to several at once.

use axum::extract::State;
use axum::response::Response;
use commerce::catalog::{
    self, CategoryNode, ProductFilter, ProductRow, ProductSort, ProductStatus, ProductView,
    workbench,
};
use commerce::staff::{EditProducts, Permission, ViewProducts};
use kernel::{CategoryId, Money, PageRequest, ProductId, Timestamp};
use serde::{Deserialize, Serialize};
use templates::{Page, Say};
use web::{Fields, Problem, Query};

use super::{Thumb, product_url};
use crate::admin::Admin;
use crate::desk::Desk;
use crate::frame::Section;
use crate::told::Told;
use crate::views::listing::{address, pages, tabs};
use crate::views::{Choice, Pages, Tab};

/// Products on a page.
const SIZE: u32 = 50;
const PATH: &str = "/admin/products";
const VIEWS: [ProductView; 6] = [
    ProductView::All,
    ProductView::Active,
    ProductView::Draft,
    ProductView::LowStock,
    ProductView::OutOfStock,
    ProductView::Archived,
];

/// `pages/products.html`.
#[derive(Debug, Clone, Serialize)]
pub struct ListPage {
    /// The views.
    pub tabs: Vec<Tab>,
    /// The view that is open.
    pub view: &'static str,
    /// What is searched for.
    pub search: String,
    /// The categories to narrow down to, everything first.
    pub categories: Vec<Choice>,
    /// The orders there are.
    pub sorts: Vec<Choice>,
    /// The products.
    pub rows: Vec<Row>,
    /// Where the list goes on.
    pub pages: Pages,
    /// Whether a search or a category narrows the list down.
    pub is_narrowed: bool,
    /// Whether products can be changed.
    pub can_edit: bool,
    /// The address of this list, to come back to.
    pub here: String,
}

/// A product in the list.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// Its id.
    pub id: String,
    /// Its page.
    pub url: String,
    /// Its name.
    pub title: String,
    /// Its first picture.
    pub thumb: Option<Thumb>,
    /// Whether it is sold.
    pub status: ProductStatus,
    /// In how many forms it comes.
    pub variants: u32,
    /// What is left of it; `None` if nobody counts.
    pub left: Option<i64>,
    /// Whether some form of it is `out`, `low` or `fine`.
    pub stock: &'static str,
    /// The cheapest.
    pub min_price: Money,
    /// The dearest; `None` if all cost the same.
    pub max_price: Option<Money>,
    /// Where it stands.
    pub categories: String,
    /// When it was last changed.
    pub changed_at: Timestamp,
}

/// What the address asks for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    view: String,
    q: String,
    category: String,
    sort: String,
    page: String,
}

impl Wanted {
    fn view(&self) -> ProductView {
        self.view.parse().unwrap_or(ProductView::All)
    }

    fn sort(&self) -> ProductSort {
        self.sort.parse().unwrap_or(ProductSort::Changed)
    }

    fn category(&self) -> Option<CategoryId> {
        self.category.parse().ok()
    }

    fn is_narrowed(&self) -> bool {
        !self.q.trim().is_empty() || self.category().is_some()
    }

    fn filter(&self, low_stock_at: u32) -> ProductFilter {
        ProductFilter {
            view: self.view(),
            search: Some(self.q.clone()).filter(|typed| !typed.trim().is_empty()),
            category: self.category(),
            sort: self.sort(),
            page: PageRequest::new(self.page.parse().unwrap_or(1), SIZE),
            low_stock_at,
        }
    }

    fn url(&self, view: ProductView, page: &str) -> String {
        let category = self.category();
        let view = Some(view).filter(|view| *view != ProductView::All);
        let sort = Some(self.sort()).filter(|sort| *sort != ProductSort::Changed);
        let chosen = [
            ("view", view.map_or("", |view| view.as_str())),
            ("q", self.q.trim()),
            ("category", category.as_ref().map_or("", CategoryId::as_str)),
            ("sort", sort.map_or("", |sort| sort.as_str())),
            ("page", page),
        ];
        address(PATH, &chosen)
    }
}

/// Shows the list.
pub(crate) async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewProducts>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let asked = wanted.clone();
    let (base, (rows, tree)) = admin
        .read(&desk.staff, move |tx, base| {
            let filter = asked.filter(base.settings.selling.low_stock_at);
            let rows = catalog::list_products(tx, &filter)?;
            Ok((rows, catalog::categories::read_tree(tx)?))
        })
        .await?;
    let say = admin.words()?;
    let low = i64::from(base.settings.selling.low_stock_at);
    let page = ListPage {
        tabs: tabs((&VIEWS, wanted.view()), (&say, "products.view"), |view| {
            wanted.url(view, "")
        }),
        view: wanted.view().as_str(),
        search: wanted.q.clone(),
        categories: category_choices(&tree, wanted.category().as_ref(), &say),
        sorts: ProductSort::ALL
            .iter()
            .map(|sort| Choice {
                value: sort.to_string(),
                label: say.text(&format!("products.sort.{sort}")),
                chosen: *sort == wanted.sort(),
            })
            .collect(),
        pages: pages(&rows, &say, |page| wanted.url(wanted.view(), page)),
        rows: rows.items.into_iter().map(|row| row_of(row, low)).collect(),
        is_narrowed: wanted.is_narrowed(),
        can_edit: desk.staff.holds(EditProducts::NAME),
        here: wanted.url(wanted.view(), &wanted.page),
    };
    admin
        .sheet(&desk.staff, &base)
        .section(Section::Products)
        .draw(&page)
}

fn row_of(row: ProductRow, low: i64) -> Row {
    Row {
        url: product_url(&row.id),
        id: row.id.to_string(),
        thumb: row.picture.as_ref().map(|picture| Thumb::of(picture, 160)),
        title: row.title,
        status: row.status,
        variants: row.variant_count,
        left: row.stock.map(|stock| stock.left),
        stock: match row.stock {
            Some(stock) if stock.least <= 0 => "out",
            Some(stock) if stock.least <= low => "low",
            Some(_) | None => "fine",
        },
        max_price: Some(row.max_price).filter(|max| *max != row.min_price),
        min_price: row.min_price,
        categories: row.categories.join(", "),
        changed_at: row.changed_at,
    }
}

/// The tree as entries of a select box, each level a little further in, behind "everything".
fn category_choices(tree: &[CategoryNode], chosen: Option<&CategoryId>, say: &Say) -> Vec<Choice> {
    fn add(
        level: &[CategoryNode],
        depth: usize,
        chosen: Option<&CategoryId>,
        to: &mut Vec<Choice>,
    ) {
        for node in level {
            to.push(Choice {
                value: node.category.id.to_string(),
                label: format!("{}{}", "\u{2003}".repeat(depth), node.category.title),
                chosen: chosen == Some(&node.category.id),
            });
            add(&node.children, depth.saturating_add(1), chosen, to);
        }
    }
    let mut choices = vec![Choice {
        value: String::new(),
        label: say.text("products.every_category"),
        chosen: chosen.is_none(),
    }];
    add(tree, 0, chosen, &mut choices);
    choices
}

/// Gives several products another state; the toast behind it gives back what they had.
pub(crate) async fn set_status(
    State(admin): State<Admin>,
    desk: Desk<EditProducts>,
    fields: Fields,
) -> Result<Response, Problem> {
    let mut wanted: Vec<(ProductId, ProductStatus)> = Vec::new();
    if let Some(to) = fields.get("to").and_then(|word| word.parse().ok()) {
        let ids = fields.with_prefix("id.");
        wanted.extend(ids.filter_map(|(id, _)| Some((id.parse().ok()?, to))));
    }
    for (word, ids) in fields.with_prefix("give.") {
        let Ok(status) = word.parse::<ProductStatus>() else {
            continue;
        };
        let ids = ids.split(',').filter_map(|id| id.parse().ok());
        wanted.extend(ids.map(|id| (id, status)));
    }
    wanted.truncate(workbench::AT_ONCE);
    let back = match fields.get("back") {
        Some(back) if back == PATH || back.starts_with("/admin/products?") => back.to_owned(),
        Some(back) if back.strip_prefix("/admin/products/").is_some_and(is_id) => back.to_owned(),
        Some(_) | None => PATH.to_owned(),
    };
    if wanted.is_empty() {
        return desk
            .staff
            .done(&back, &Told::new("products.told.none_chosen"));
    }
    let to = wanted.first().map_or(ProductStatus::Draft, |(_, to)| *to);
    let is_undo = fields.get("to").is_none();
    let shop = admin.shop().clone();
    let before =
        web::run(async move { workbench::set_statuses(&shop, desk.by, wanted).await }).await??;
    let count = i64::try_from(before.len()).unwrap_or(i64::MAX);
    let told = if before.is_empty() {
        Told::new("products.told.unchanged")
    } else if is_undo {
        Told::new("products.told.undone").count(count)
    } else {
        let told = Told::new(&format!("products.told.{to}")).count(count);
        let mut given: Vec<(String, String)> = vec![("back".to_owned(), back.clone())];
        for status in ProductStatus::ALL {
            let had = before.iter().filter(|(_, had)| had == status);
            let ids: Vec<&str> = had.map(|(id, _)| id.as_str()).collect();
            if !ids.is_empty() {
                given.push((format!("give.{status}"), ids.join(",")));
            }
        }
        let given: Vec<(&str, &str)> = given
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        told.undo("/admin/products/status", &given)
    };
    desk.staff.done(&back, &told)
}

fn is_id(text: &str) -> bool {
    text.parse::<ProductId>().is_ok()
}

impl Page for ListPage {
    const TEMPLATE: &'static str = "pages/products.html";

    #[expect(clippy::too_many_lines, reason = "a sample is one long list of values")]
    fn samples() -> Vec<(&'static str, Self)> {
        let euros = |minor| kernel::Currency::EUR.minor(minor);
        let row = Row {
            id: "prod_1".to_owned(),
            url: "/admin/products/prod_1".to_owned(),
            title: "Tarn vase <tall>".to_owned(),
            thumb: Some(Thumb {
                src: "/media/abc/320.webp".to_owned(),
                alt: String::new(),
            }),
            status: ProductStatus::Active,
            variants: 4,
            left: Some(12),
            stock: "low",
            min_price: euros(4_400),
            max_price: Some(euros(6_800)),
            categories: "Vases".to_owned(),
            changed_at: Timestamp::from_millis(1_763_900_000_000),
        };
        let plain = Row {
            thumb: None,
            status: ProductStatus::Draft,
            variants: 1,
            left: None,
            stock: "fine",
            max_price: None,
            categories: String::new(),
            ..row.clone()
        };
        let sold_out = Row {
            status: ProductStatus::Archived,
            left: Some(-2),
            stock: "out",
            ..row.clone()
        };
        let full = Self {
            tabs: vec![Tab {
                label: "All".to_owned(),
                url: PATH.to_owned(),
                current: true,
                count: None,
            }],
            view: "all",
            search: "tarn".to_owned(),
            categories: vec![Choice {
                value: String::new(),
                label: "Every category".to_owned(),
                chosen: true,
            }],
            sorts: vec![Choice {
                value: "changed".to_owned(),
                label: "Last changed".to_owned(),
                chosen: true,
            }],
            rows: vec![row, plain, sold_out],
            pages: Pages {
                number: 2,
                previous_url: Some(PATH.to_owned()),
                next_url: Some(format!("{PATH}?page=3")),
                total: "more than 1,000".to_owned(),
                first: 51,
                last: 100,
            },
            is_narrowed: true,
            can_edit: true,
            here: format!("{PATH}?page=2"),
        };
        let nothing = Pages {
            number: 1,
            previous_url: None,
            next_url: None,
            total: "0".to_owned(),
            first: 0,
            last: 0,
        };
        let no_match = Self {
            rows: Vec::new(),
            pages: nothing.clone(),
            ..full.clone()
        };
        let empty = Self {
            is_narrowed: false,
            search: String::new(),
            ..no_match.clone()
        };
        let reader = Self {
            can_edit: false,
            ..empty.clone()
        };
        let drafts = Self {
            view: "draft",
            ..empty.clone()
        };
        vec![
            ("full", full),
            ("no_match", no_match),
            ("empty", empty),
            ("reader", reader),
            ("no_drafts", drafts),
        ]
    }
}
