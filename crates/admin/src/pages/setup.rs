//! `/admin/setup`: claiming a new shop with the token its console printed.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use commerce::Shop;
use commerce::accounts::{self, ClaimError, ClaimShop, Password, SignedInNow};
use commerce::opening::{OpenShop, OpenShopError, open_shop, usual_currency};
use commerce::staff::EditSettings;
use http::StatusCode;
use kernel::{Country, Currency, Secret};
use serde::{Deserialize, Serialize};
use templates::{Page, Say};
use web::{Form, Problem, Query};

use super::invitation::password_told;
use super::sign_in::{browser, enter, status_of};
use crate::admin::Admin;
use crate::desk::Visit;
use crate::views::{Choice, FormError};

crate::routes! {
    get "/admin/setup" (public) show;
    post "/admin/setup" (public) claim;
}

/// The currencies offered: what small shops sell in.
const CURRENCIES: &[&str] = &[
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "IDR", "ILS",
    "INR", "ISK", "JPY", "KRW", "MXN", "MYR", "NOK", "NZD", "PHP", "PLN", "RON", "SEK", "SGD",
    "THB", "TRY", "USD", "ZAR",
];

/// `pages/setup.html`.
#[derive(Debug, Clone, Serialize)]
pub struct SetupPage {
    /// What is wrong with what was sent.
    pub errors: Vec<FormError>,
    /// The token to be sent; none if the link does not count.
    pub token: Option<String>,
    /// Whether the shop has an owner.
    pub claimed: bool,
    /// The owner's name, as typed.
    pub name: String,
    /// The owner's address, as typed.
    pub email: String,
    /// The shop's name, as typed.
    pub shop_name: String,
    /// Countries to choose from.
    pub countries: Vec<Choice>,
    /// Currencies to choose from.
    pub currencies: Vec<Choice>,
}

impl Page for SetupPage {
    const TEMPLATE: &'static str = "pages/setup.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let choice = |value: &str, label: &str, chosen| Choice {
            value: value.to_owned(),
            label: label.to_owned(),
            chosen,
        };
        let fresh = Self {
            errors: Vec::new(),
            token: Some("TOKEN".to_owned()),
            claimed: false,
            name: String::new(),
            email: String::new(),
            shop_name: String::new(),
            countries: vec![
                choice("BE", "Belgium", false),
                choice("NL", "Netherlands", true),
            ],
            currencies: vec![
                choice("", "As usual there", true),
                choice("EUR", "EUR", false),
            ],
        };
        let refused = Self {
            errors: vec![
                FormError::at("shop_name", "Give your shop a name."),
                FormError::at("password", "Use at least 12 characters."),
            ],
            name: "Ines <b>".to_owned(),
            email: "ines@example.com".to_owned(),
            ..fresh.clone()
        };
        let spent = Self {
            token: None,
            ..fresh.clone()
        };
        let claimed = Self {
            claimed: true,
            ..spent.clone()
        };
        vec![
            ("fresh", fresh),
            ("refused", refused),
            ("wrong link", spent),
            ("claimed", claimed),
        ]
    }
}

#[derive(Debug, Deserialize)]
struct Opened {
    #[serde(default)]
    token: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    token: String,
    name: String,
    email: String,
    password: String,
    shop_name: String,
    country: String,
    #[serde(default)]
    currency: String,
}

/// `GET /admin/setup`.
async fn show(
    State(admin): State<Admin>,
    visit: Visit,
    Query(opened): Query<Opened>,
) -> Result<Response, Problem> {
    let sent = Sent {
        token: opened.token,
        country: "NL".to_owned(),
        ..Sent::default()
    };
    draw(&admin, visit, StatusCode::OK, (sent, Vec::new())).await
}

/// `POST /admin/setup`.
async fn claim(
    State(admin): State<Admin>,
    visit: Visit,
    Form(sent): Form<Sent>,
) -> Result<Response, Problem> {
    let say = admin.words()?;
    let Ok(token) = Secret::parse(&sent.token) else {
        return draw(&admin, visit, StatusCode::GONE, (sent, Vec::new())).await;
    };
    let open = match opening(&sent, &say) {
        Ok(open) => open,
        Err(errors) => {
            let status = status_of(kernel::Code::Invalid);
            return draw(&admin, visit, status, (sent, errors)).await;
        }
    };
    let cmd = ClaimShop {
        token,
        name: sent.name.clone(),
        email: sent.email.clone(),
        password: Password::typed(sent.password.clone()),
        from: browser(&visit),
    };
    let shop = admin.shop().clone();
    let claimed = web::run(async move { claim_and_open(&shop, cmd, open).await }).await?;
    let error = match claimed {
        Ok(now) => return enter(visit, now, "/admin"),
        Err(ClaimError::Spent) => {
            return draw(&admin, visit, StatusCode::GONE, (sent, Vec::new())).await;
        }
        Err(ClaimError::BadName(_)) => FormError::at("name", say.text("setup.error.name")),
        Err(ClaimError::BadEmail(_)) => FormError::at("email", say.text("setup.error.email")),
        Err(ClaimError::BadPassword(error)) => {
            FormError::at("password", password_told(&say, error))
        }
        Err(ClaimError::Busy) => FormError::of_form(say.text("sign_in.error.busy")),
        Err(ClaimError::Internal(error)) => return Err(error.into()),
    };
    let status = status_of(kernel::Code::Invalid);
    draw(&admin, visit, status, (sent, vec![error])).await
}

/// The shop to be, or what is wrong with it.
fn opening(sent: &Sent, say: &Say) -> Result<OpenShop, Vec<FormError>> {
    let country = Country::parse(&sent.country)
        .map_err(|_no_country| vec![FormError::at("country", say.text("setup.error.country"))])?;
    let currency = if sent.currency.is_empty() {
        usual_currency(country)
    } else {
        Currency::parse(&sent.currency).ok()
    };
    let currency = currency
        .ok_or_else(|| vec![FormError::at("currency", say.text("setup.error.currency"))])?;
    let open = OpenShop {
        name: sent.shop_name.clone(),
        country,
        currency,
    };
    match open.check() {
        Ok(_) => Ok(open),
        Err(_bad_name) => Err(vec![FormError::at(
            "shop_name",
            say.text("setup.error.shop_name"),
        )]),
    }
}

/// The claim comes first: nobody without the token decides anything. Should the shop then not take its settings, its owner
/// is in and finds them under Settings.
async fn claim_and_open(
    shop: &Shop,
    cmd: ClaimShop,
    open: OpenShop,
) -> Result<SignedInNow, ClaimError> {
    let claimed = accounts::claim_shop(shop, cmd).await?;
    let (now, token) = (shop.clock.now(), claimed.session.clone());
    let owner = shop
        .db
        .read(move |tx| accounts::find_session(tx, now, &token))
        .await?;
    if let Some(by) = owner.and_then(|owner| owner.may::<EditSettings>().ok()) {
        match open_shop(shop, by, open).await {
            Ok(()) => {}
            Err(OpenShopError::Internal(error)) => return Err(error.into()),
            Err(error @ (OpenShopError::BadName(_) | OpenShopError::CurrencyInUse(_))) => {
                tracing::warn!("The new shop keeps the settings it had: {error}");
            }
        }
    }
    Ok(claimed)
}

async fn draw(
    admin: &Admin,
    mut visit: Visit,
    status: StatusCode,
    (sent, errors): (Sent, Vec<FormError>),
) -> Result<Response, Problem> {
    visit.visitor.session_or_new();
    let token = Secret::parse(&sent.token).ok();
    let wanted = token.clone();
    let (base, (claimable, claimed)) = admin
        .read_at_the_door(move |tx, base| {
            let claimable = match &wanted {
                Some(token) => accounts::is_claimable(tx, base.now, token)?,
                None => false,
            };
            Ok((claimable, accounts::count(tx)? > 0))
        })
        .await?;
    let say = admin.words()?;
    let page = SetupPage {
        errors: if claimable { errors } else { Vec::new() },
        token: token
            .filter(|_| claimable)
            .map(|token| token.expose().to_owned()),
        claimed,
        name: sent.name,
        email: sent.email,
        shop_name: sent.shop_name,
        countries: countries(&say, &sent.country),
        currencies: currencies(&say, &sent.currency),
    };
    let status = if claimable { status } else { StatusCode::GONE };
    let drawn = admin.door(&visit, &base).status(status).draw(&page)?;
    Ok((visit.visitor, drawn).into_response())
}

/// Every country, by name.
pub(crate) fn countries(say: &Say, chosen: &str) -> Vec<Choice> {
    let mut choices: Vec<Choice> = Country::all()
        .map(|country| Choice {
            value: country.code().to_owned(),
            label: say.country(country),
            chosen: country.code() == chosen,
        })
        .collect();
    choices.sort_by(|a, b| a.label.cmp(&b.label));
    choices
}

fn currencies(say: &Say, chosen: &str) -> Vec<Choice> {
    let usual = Choice {
        value: String::new(),
        label: say.text("setup.currency_usual"),
        chosen: chosen.is_empty(),
    };
    let others = CURRENCIES.iter().map(|code| Choice {
        value: (*code).to_owned(),
        label: (*code).to_owned(),
        chosen: *code == chosen,
    });
    std::iter::once(usual).chain(others).collect()
}
