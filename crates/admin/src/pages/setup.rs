//! `/admin/setup`: claiming a new shop with the token its console printed.

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use commerce::Internal;
use commerce::accounts::{self, ClaimError, ClaimShop, Password};
use commerce::opening::{ClaimShopError, OpenShop, OpenShopError, claim_shop, usual_currency};
use http::StatusCode;
use kernel::{Country, Currency, Secret};
use serde::{Deserialize, Serialize};
use templates::{Page, Say};
use web::{Form, Problem, Query};

use super::invitation::person_told;
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

/// Not to be printed: there is a secret in it.
#[derive(Deserialize)]
struct Opened {
    #[serde(default)]
    token: String,
}

/// Not to be printed: there is a secret in it.
#[derive(Clone, Default, Deserialize)]
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
        Err(error) => {
            let status = status_of(kernel::Code::Invalid);
            return draw(&admin, visit, status, (sent, vec![error])).await;
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
    let claimed = web::run(async move { claim_shop(&shop, cmd, open).await }).await?;
    let error = match claimed {
        Ok(now) => return enter(visit, now, "/admin"),
        Err(error) => error,
    };
    let error = match error {
        ClaimShopError::Claim(ClaimError::Spent) => {
            return draw(&admin, visit, StatusCode::GONE, (sent, Vec::new())).await;
        }
        ClaimShopError::Claim(ClaimError::Person(error)) => person_told(&say, error),
        ClaimShopError::Claim(ClaimError::Busy) => {
            FormError::of_form(say.text("sign_in.error.busy"))
        }
        ClaimShopError::Claim(ClaimError::Internal(error)) => return Err(error.into()),
        ClaimShopError::Open(error) => open_told(&say, error)?,
    };
    let status = status_of(kernel::Code::Invalid);
    draw(&admin, visit, status, (sent, vec![error])).await
}

/// Why a shop does not open as its owner wishes, at the field that can be changed.
fn open_told(say: &Say, error: OpenShopError) -> Result<FormError, Problem> {
    match error {
        OpenShopError::BadName(_) => Ok(FormError::at(
            "shop_name",
            say.text("setup.error.shop_name"),
        )),
        OpenShopError::CurrencyInUse(currency) => {
            let text = say.with(
                "setup.error.currency_in_use",
                &[("currency", currency.code().to_owned())],
            );
            Ok(FormError::at("currency", text))
        }
        // Its name comes from our own texts.
        error @ OpenShopError::BadLocation(_) => Err(Internal::bug(error.to_string()).into()),
        OpenShopError::Internal(error) => Err(error.into()),
    }
}

/// The shop to be, or what is wrong with it.
fn opening(sent: &Sent, say: &Say) -> Result<OpenShop, FormError> {
    let country = Country::parse(&sent.country)
        .map_err(|_no_country| FormError::at("country", say.text("setup.error.country")))?;
    let currency = if sent.currency.is_empty() {
        usual_currency(country)
    } else {
        Currency::parse(&sent.currency).ok()
    };
    let currency =
        currency.ok_or_else(|| FormError::at("currency", say.text("setup.error.currency")))?;
    Ok(OpenShop {
        name: sent.shop_name.clone(),
        country,
        currency,
        location: say.text("setup.location"),
    })
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
