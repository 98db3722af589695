//! `/admin/settings/home`: what the shop's first page says.

use axum::extract::State;
use axum::response::Response;
use commerce::catalog::{self, Shown};
use commerce::settings::{HomeSettings, NewSection, Settings, Versions, load_versioned};
use commerce::staff::{EditSettings, ViewSettings};
use http::StatusCode;
use kernel::Slug;
use serde::{Deserialize, Serialize};
use templates::Page;
use web::{Form, Problem};

use super::{Difference, SectionForm, optional, save_as_seen};
use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::Section;
use crate::told::Told;
use crate::views::{Choice, FormError};

const HERE: &str = "/admin/settings/home";
/// Rows of products the first page can have.
const ROWS: usize = 4;

/// `pages/settings/home.html`.
#[derive(Debug, Clone, Serialize)]
pub struct HomeTextsPage {
    /// What is wrong with what was sent.
    pub errors: Vec<FormError>,
    /// What somebody else has changed meanwhile.
    pub conflict: Vec<Difference>,
    /// The fields.
    pub form: HomeForm,
    /// Categories the button can lead to.
    pub categories: Vec<Choice>,
    /// Collections for each of the rows.
    pub rows: Vec<RowView>,
}

/// The choice of one row.
#[derive(Debug, Clone, Serialize)]
pub struct RowView {
    /// The field's name.
    pub name: String,
    /// Which row, from 1.
    pub number: usize,
    /// Collections to choose from.
    pub choices: Vec<Choice>,
}

/// The fields, as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HomeForm {
    /// The version somebody saw.
    pub version: i64,
    /// The statement at the top.
    pub headline: String,
    /// One or two sentences below it.
    pub text: String,
    /// The product whose picture stands beside it.
    pub product_slug: String,
    /// The category its button leads to.
    pub category_slug: String,
    /// The collection of the first row.
    #[serde(default)]
    pub row_1: String,
    /// The second.
    #[serde(default)]
    pub row_2: String,
    /// The third.
    #[serde(default)]
    pub row_3: String,
    /// The fourth.
    #[serde(default)]
    pub row_4: String,
    /// The title of the story.
    pub story_title: String,
    /// The story.
    pub story_text: String,
}

impl SectionForm for HomeForm {
    const LABELS: &'static str = "settings.home";

    fn now(settings: &Settings, versions: &Versions) -> Self {
        Self::of(&settings.home, versions.home)
    }

    fn seen(&mut self) -> &mut i64 {
        &mut self.version
    }
}

impl HomeForm {
    fn of(home: &HomeSettings, version: i64) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let mut rows = home.collection_slugs.iter().take(ROWS).cloned();
        let mut row = || rows.next().unwrap_or_default();
        Self {
            version,
            headline: text(&home.headline),
            text: text(&home.text),
            product_slug: text(&home.product_slug),
            category_slug: text(&home.category_slug),
            row_1: row(),
            row_2: row(),
            row_3: row(),
            row_4: row(),
            story_title: text(&home.story_title),
            story_text: text(&home.story_text),
        }
    }

    fn rows(&self) -> [&str; ROWS] {
        [&self.row_1, &self.row_2, &self.row_3, &self.row_4]
    }

    fn settings(&self) -> HomeSettings {
        let mut collection_slugs: Vec<String> = Vec::new();
        for slug in self.rows().into_iter().filter_map(optional) {
            if !collection_slugs.contains(&slug) {
                collection_slugs.push(slug);
            }
        }
        // People paste the address of the product.
        let product = self.product_slug.trim().trim_end_matches('/');
        let product = product.rsplit('/').next().unwrap_or(product);
        HomeSettings {
            headline: optional(&self.headline),
            text: optional(&self.text),
            product_slug: optional(product),
            category_slug: optional(&self.category_slug),
            collection_slugs,
            story_title: optional(&self.story_title),
            story_text: optional(&self.story_text),
        }
    }
}

impl Page for HomeTextsPage {
    const TEMPLATE: &'static str = "pages/settings/home.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let choice = |value: &str, chosen| Choice {
            value: value.to_owned(),
            label: format!("<{value}>"),
            chosen,
        };
        let ordinary = Self {
            errors: Vec::new(),
            conflict: Vec::new(),
            form: HomeForm {
                version: 2,
                headline: "Made <by> hand".to_owned(),
                ..HomeForm::default()
            },
            categories: vec![choice("", true), choice("cups", false)],
            rows: vec![RowView {
                name: "row_1".to_owned(),
                number: 1,
                choices: vec![choice("", false), choice("new", true)],
            }],
        };
        let refused = Self {
            errors: vec![FormError::at("headline", "Use at most 120 characters.")],
            conflict: vec![Difference {
                label: "Headline".to_owned(),
                mine: "Mine".to_owned(),
                theirs: String::new(),
            }],
            ..ordinary.clone()
        };
        vec![("ordinary", ordinary), ("refused", refused)]
    }
}

/// `GET /admin/settings/home`.
pub(super) async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewSettings>,
) -> Result<Response, Problem> {
    let read = admin.read(&desk.staff, |tx, _base| Ok(load_versioned(tx)?));
    let (_base, (settings, versions)) = read.await?;
    let form = HomeForm::now(&settings, &versions);
    draw(
        &admin,
        &desk.staff,
        StatusCode::OK,
        (form, Vec::new(), Vec::new()),
    )
    .await
}

/// `POST /admin/settings/home`.
pub(super) async fn save(
    State(admin): State<Admin>,
    desk: Desk<EditSettings>,
    Form(form): Form<HomeForm>,
) -> Result<Response, Problem> {
    let wanted = form.settings();
    if !is_on_sale(&admin, &desk.staff, wanted.product_slug.as_deref()).await? {
        let told = admin.words()?.text("settings.home.no_product");
        let parts = (form, vec![FormError::at("product_slug", told)], Vec::new());
        return draw(&admin, &desk.staff, StatusCode::UNPROCESSABLE_ENTITY, parts).await;
    }
    let section = NewSection::Home(wanted);
    let Some(refused) = save_as_seen(&admin, desk.by, (section, form)).await? else {
        return desk.staff.done(HERE, &Told::new("settings.told.saved"));
    };
    let parts = (refused.form, refused.errors, refused.conflict);
    draw(&admin, &desk.staff, refused.status, parts).await
}

/// Whether the product whose picture is to be shown can be; no product can always.
async fn is_on_sale(admin: &Admin, staff: &Staffer, slug: Option<&str>) -> Result<bool, Problem> {
    let Some(slug) = slug else {
        return Ok(true);
    };
    let Ok(slug) = Slug::parse(slug) else {
        return Ok(false);
    };
    let read = admin.read(staff, move |tx, base| {
        catalog::page::product_page(tx, base.now, &slug)
    });
    let (_base, shown) = read.await?;
    Ok(matches!(shown, Some(Shown::Product(_))))
}

async fn draw(
    admin: &Admin,
    staff: &Staffer,
    status: StatusCode,
    (form, errors, conflict): (HomeForm, Vec<FormError>, Vec<Difference>),
) -> Result<Response, Problem> {
    let read = admin.read(staff, |tx, _base| {
        Ok((
            catalog::categories::read_tree(tx)?,
            catalog::collections::read_collections(tx)?,
        ))
    });
    let (base, (tree, collections)) = read.await?;
    let say = admin.words()?;
    let none = |chosen: bool| Choice {
        value: String::new(),
        label: say.text("settings.home.none"),
        chosen,
    };
    let category = |slug: &str, title: &str| Choice {
        value: slug.to_owned(),
        label: title.to_owned(),
        chosen: slug == form.category_slug,
    };
    let mut categories = vec![none(form.category_slug.is_empty())];
    for node in &tree {
        categories.push(category(node.category.slug.as_str(), &node.category.title));
        for child in &node.children {
            let title = format!("{} / {}", node.category.title, child.category.title);
            categories.push(category(child.category.slug.as_str(), &title));
        }
    }
    let row = |number: usize, chosen: &str| {
        let others = collections.iter().map(|one| Choice {
            value: one.slug.to_string(),
            label: one.title.clone(),
            chosen: one.slug.as_str() == chosen,
        });
        RowView {
            name: format!("row_{number}"),
            number,
            choices: std::iter::once(none(chosen.is_empty()))
                .chain(others)
                .collect(),
        }
    };
    let rows = form.rows().into_iter().zip(1..);
    let rows = rows.map(|(chosen, number)| row(number, chosen)).collect();
    let page = HomeTextsPage {
        errors,
        conflict,
        form,
        categories,
        rows,
    };
    admin
        .sheet(staff, &base)
        .section(Section::Settings)
        .status(status)
        .draw(&page)
}
