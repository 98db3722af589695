//! `/admin/inventory/{variant}`: a variant's figures, the movements behind them, and correcting them.

use std::collections::{BTreeSet, HashMap};

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::accounts;
use commerce::inventory::{
    self, AdjustStock as Adjust, AdjustStockError, Location, MovementCursor, MovementKind,
    Movements, StockRow,
};
use commerce::staff::{Actor, AdjustStock, Permission, ViewStock};
use kernel::{Code, LocationId, StaffId, Timestamp, VariantId};
use serde::{Deserialize, Serialize};
use templates::{Page, Say};
use web::{Form, Problem, Query};

use super::list::stock_word;
use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::Section;
use crate::pages::products::{product_url, sentence};
use crate::told::Told;
use crate::views::{Choice, FormError};

/// Movements shown at once.
const MOVEMENTS: u32 = 50;
/// What people do to stock.
const KINDS: [MovementKind; 3] = [
    MovementKind::Received,
    MovementKind::Returned,
    MovementKind::Adjusted,
];

/// `pages/inventory_variant.html`.
#[derive(Debug, Clone, Serialize)]
pub struct VariantPage {
    /// Its address.
    pub url: String,
    /// The product's page.
    pub product_url: String,
    /// The product's name.
    pub product: String,
    /// Its own; empty without options.
    pub variant: String,
    /// Its article number.
    pub sku: String,
    /// Whether it is counted.
    pub counted: bool,
    /// Neither promised nor held, over all locations.
    pub left: i64,
    /// `out`, `low` or `fine`.
    pub stock: &'static str,
    /// Its figures by location.
    pub levels: Vec<Level>,
    /// What happened, the latest first.
    pub movements: Vec<Movement>,
    /// The movements before those.
    pub older_url: Option<String>,
    /// The kinds of change.
    pub kinds: Vec<Choice>,
    /// The locations.
    pub locations: Vec<Choice>,
    /// By how many, as typed.
    pub change: String,
    /// Why, as typed.
    pub reason: String,
    /// What is wrong with it.
    pub errors: Vec<FormError>,
    /// Whether it can be adjusted.
    pub can_adjust: bool,
}

/// The figures at a location.
#[derive(Debug, Clone, Serialize)]
pub struct Level {
    /// The location's name.
    pub location: String,
    /// In the building.
    pub on_hand: i64,
    /// Promised to orders.
    pub allocated: i64,
    /// Held for checkouts.
    pub reserved: i64,
    /// Neither promised nor held.
    pub left: i64,
}

/// A movement.
#[derive(Debug, Clone, Serialize)]
pub struct Movement {
    /// What happened.
    pub kind: MovementKind,
    /// When.
    pub at: Timestamp,
    /// Where.
    pub location: String,
    /// The change of what is in the building, with its sign; empty if there is none.
    pub on_hand: String,
    /// The change of what is promised, with its sign; empty if there is none.
    pub allocated: String,
    /// Why.
    pub reason: String,
    /// `shopper`, `system`, `gateway`, `operator` or `staff`.
    pub who: &'static str,
    /// What colleagues call the member of staff.
    pub name: Option<String>,
}

/// What the address asks for.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    before: String,
}

/// What is typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Typed {
    kind: String,
    location: String,
    change: String,
    reason: String,
}

struct Read {
    row: StockRow,
    locations: Vec<Location>,
    movements: Movements,
    staff: HashMap<StaffId, String>,
}

/// Shows the figures.
pub(crate) async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewStock>,
    Path(variant): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let id = id_of(&variant)?;
    let before = wanted.before.parse().ok();
    draw(
        &admin,
        &desk.staff,
        (&id, before),
        Typed::default(),
        Vec::new(),
    )
    .await
}

/// Changes a figure.
pub(crate) async fn adjust(
    State(admin): State<Admin>,
    desk: Desk<AdjustStock>,
    Path(variant): Path<String>,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let id = id_of(&variant)?;
    let say = admin.words()?;
    let cmd = match command(&id, &typed, &say) {
        Ok(cmd) => cmd,
        Err(errors) => return draw(&admin, &desk.staff, (&id, None), typed, errors).await,
    };
    let (shop, by, change) = (admin.shop().clone(), desk.by.clone(), cmd.change);
    let error = match web::run(async move { inventory::adjust_stock(&shop, by, cmd).await }).await?
    {
        Ok(on_hand) => {
            let told = Told::new("inventory.told.adjusted")
                .with("change", signed(change))
                .with("on_hand", say.number(on_hand));
            return desk.staff.done(&format!("/admin/inventory/{id}"), &told);
        }
        Err(AdjustStockError::Internal(error)) => return Err(error.into()),
        Err(error) => error,
    };
    let error = match &error {
        AdjustStockError::BadReason(why) => FormError::at("reason", sentence(why)),
        AdjustStockError::BadKind(_) => FormError::at("kind", sentence(&error)),
        AdjustStockError::NotFound => FormError::at("location", sentence(&error)),
        AdjustStockError::Promised { .. }
        | AdjustStockError::BadChange
        | AdjustStockError::Internal(_) => FormError::at("change", sentence(&error)),
    };
    draw(&admin, &desk.staff, (&id, None), typed, vec![error]).await
}

fn id_of(text: &str) -> Result<VariantId, Problem> {
    text.parse()
        .map_err(|_not_an_id| Problem::new(Code::NotFound))
}

fn command(id: &VariantId, typed: &Typed, say: &Say) -> Result<Adjust, Vec<FormError>> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, key: &str| errors.push(FormError::at(field, say.text(key)));
    let kind: Option<MovementKind> = typed.kind.parse().ok();
    if kind.is_none() {
        wrong("kind", "inventory.wrong.kind");
    }
    let location: Option<LocationId> = typed.location.parse().ok();
    if location.is_none() {
        wrong("location", "inventory.wrong.location");
    }
    // Typed with the minus of a keyboard or of a text.
    let change = typed.change.trim().replace('\u{2212}', "-");
    let change: Option<i64> = change.trim_start_matches('+').parse().ok();
    if change.is_none() {
        wrong("change", "inventory.wrong.change");
    }
    if typed.reason.trim().is_empty() {
        wrong("reason", "inventory.wrong.reason");
    }
    match (kind, location, change) {
        (Some(kind), Some(location_id), Some(change)) if errors.is_empty() => Ok(Adjust {
            variant_id: id.clone(),
            location_id,
            kind,
            change,
            reason: typed.reason.clone(),
        }),
        _ => Err(errors),
    }
}

async fn draw(
    admin: &Admin,
    staff: &Staffer,
    (id, before): (&VariantId, Option<MovementCursor>),
    typed: Typed,
    errors: Vec<FormError>,
) -> Result<Response, Problem> {
    let variant = id.clone();
    let (base, read) = admin
        .read(staff, move |tx, _base| {
            let Some(row) = inventory::stock_of(tx, &variant)? else {
                return Ok(None);
            };
            let movements = inventory::movements_before(tx, &variant, before.as_ref(), MOVEMENTS)?;
            let actors = movements.items.iter().map(|movement| &movement.actor);
            let staff: BTreeSet<StaffId> = actors.filter_map(Actor::member).cloned().collect();
            let staff: Vec<StaffId> = staff.into_iter().collect();
            Ok(Some(Read {
                row,
                locations: inventory::locations(tx)?,
                movements,
                staff: accounts::names(tx, &staff)?,
            }))
        })
        .await?;
    let read = read.ok_or_else(|| Problem::new(Code::NotFound))?;
    let say = admin.words()?;
    let low = i64::from(base.settings.selling.low_stock_at);
    let status = FormError::status(&errors);
    let mut page = page(&read, low, (&typed, &say));
    page.errors = errors;
    page.can_adjust = staff.holds(AdjustStock::NAME);
    admin
        .sheet(staff, &base)
        .section(Section::Inventory)
        .status(status)
        .draw(&page)
}

fn page(read: &Read, low: i64, (typed, say): (&Typed, &Say)) -> VariantPage {
    let row = &read.row;
    let names: HashMap<&LocationId, &str> = read
        .locations
        .iter()
        .map(|place| (&place.id, place.name.as_str()))
        .collect();
    let name = |id: &LocationId| names.get(id).copied().unwrap_or_default().to_owned();
    let url = format!("/admin/inventory/{}", row.variant_id);
    let levels = row.levels.iter().map(|level| Level {
        location: name(&level.location_id),
        on_hand: level.on_hand,
        allocated: level.allocated,
        reserved: level.reserved,
        left: level.left(),
    });
    let movements = read.movements.items.iter().map(|movement| Movement {
        kind: movement.kind,
        at: movement.at,
        location: name(&movement.location_id),
        on_hand: signed(movement.on_hand_change),
        allocated: signed(movement.allocated_change),
        reason: movement.reason.clone(),
        who: who(&movement.actor),
        name: movement
            .actor
            .member()
            .and_then(|id| read.staff.get(id).cloned()),
    });
    let older = read.movements.next.as_ref();
    VariantPage {
        product_url: product_url(&row.product_id),
        product: row.product_title.clone(),
        variant: row.variant_title.clone(),
        sku: row.sku.to_string(),
        counted: row.stock_tracked,
        left: row.left,
        stock: stock_word(row.left, low),
        levels: levels.collect(),
        movements: movements.collect(),
        older_url: older.map(|place| format!("{url}?before={place}")),
        url,
        kinds: KINDS
            .iter()
            .map(|kind| Choice {
                value: kind.to_string(),
                label: say.text(&format!("inventory.kind.{kind}")),
                chosen: typed.kind == kind.as_str(),
            })
            .collect(),
        locations: read
            .locations
            .iter()
            .map(|place| Choice {
                value: place.id.to_string(),
                label: place.name.clone(),
                chosen: typed.location == place.id.as_str(),
            })
            .collect(),
        change: typed.change.clone(),
        reason: typed.reason.clone(),
        errors: Vec::new(),
        can_adjust: false,
    }
}

/// A change with its sign; empty if there is none.
fn signed(change: i64) -> String {
    match change {
        0 => String::new(),
        1.. => format!("+{change}"),
        _ => format!("\u{2212}{}", change.unsigned_abs()),
    }
}

fn who(actor: &Actor) -> &'static str {
    match actor {
        Actor::Shopper => "shopper",
        Actor::System => "system",
        Actor::Gateway(_) => "gateway",
        Actor::Operator => "operator",
        Actor::Staff(_) => "staff",
    }
}

impl Page for VariantPage {
    const TEMPLATE: &'static str = "pages/inventory_variant.html";

    #[expect(clippy::too_many_lines, reason = "a sample is one long list of values")]
    fn samples() -> Vec<(&'static str, Self)> {
        let choice = |value: &str| Choice {
            value: value.to_owned(),
            label: value.to_owned(),
            chosen: false,
        };
        let movement = |kind, who| Movement {
            kind,
            at: Timestamp::from_millis(1_763_900_000_000),
            location: "Workshop".to_owned(),
            on_hand: "+12".to_owned(),
            allocated: String::new(),
            reason: "From the <kiln>".to_owned(),
            who,
            name: (who == "staff").then(|| "Ines <b>Vermeer</b>".to_owned()),
        };
        let kinds = MovementKind::ALL.iter().copied();
        let actors = ["shopper", "system", "gateway", "operator", "staff", "staff"];
        let full = Self {
            url: "/admin/inventory/var_1".to_owned(),
            product_url: "/admin/products/prod_1".to_owned(),
            product: "Tarn vase".to_owned(),
            variant: "Spruce / 16 cm".to_owned(),
            sku: "TARN-1".to_owned(),
            counted: true,
            left: 3,
            stock: "low",
            levels: vec![Level {
                location: "Workshop".to_owned(),
                on_hand: 5,
                allocated: 1,
                reserved: 1,
                left: 3,
            }],
            movements: kinds
                .zip(actors)
                .map(|(kind, who)| movement(kind, who))
                .collect(),
            older_url: Some("/admin/inventory/var_1?before=1.smov_1".to_owned()),
            kinds: vec![choice("received")],
            locations: vec![choice("Workshop"), choice("Shop")],
            change: String::new(),
            reason: String::new(),
            errors: Vec::new(),
            can_adjust: true,
        };
        let refused = Self {
            errors: vec![
                FormError::at("kind", "Choose."),
                FormError::at("location", "Choose."),
                FormError::at("change", "Enter."),
                FormError::at("reason", "Say why."),
            ],
            stock: "out",
            ..full.clone()
        };
        let bare = Self {
            variant: String::new(),
            counted: false,
            stock: "fine",
            levels: Vec::new(),
            movements: Vec::new(),
            locations: Vec::new(),
            older_url: None,
            ..full.clone()
        };
        let reader = Self {
            can_adjust: false,
            ..full.clone()
        };
        vec![
            ("full", full),
            ("refused", refused),
            ("bare", bare),
            ("reader", reader),
        ]
    }
}
