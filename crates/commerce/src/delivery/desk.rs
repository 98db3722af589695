//! What the merchant sees of delivery, and changes: zones with their countries, every method, also those that rest.

use std::collections::HashMap;

use data_encoding::HEXLOWER;
use db::{DbError, FromRow, Row, Tx, params};
use kernel::text::one_line;
use kernel::{Code, Coded, Country, DeliveryMethodId, DeliveryZoneId};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::{CreateDeliveryError, CreateMethod, CreateZone, DeliveryMethod};
use crate::audit::{self, Change};
use crate::error::Internal;
use crate::internal_from;
use crate::shop::Shop;
use crate::staff::{Authorized, EditSettings};

/// A zone with its countries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Zone {
    /// Its id.
    pub id: DeliveryZoneId,
    /// Its name, for staff.
    pub name: String,
    /// Its countries, by code.
    pub countries: Vec<Country>,
}

impl Zone {
    /// Differs as soon as anything of the zone does: whoever changes it says what they saw.
    pub fn seen(&self) -> String {
        fingerprint(&self.told())
    }

    fn told(&self) -> Json {
        json!({ "name": self.name, "countries": self.countries })
    }
}

/// A method as the merchant sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MethodAtDesk {
    /// The method.
    pub method: DeliveryMethod,
    /// Its zone; none for pick-up.
    pub zone_id: Option<DeliveryZoneId>,
    /// Whether buyers can choose it.
    pub active: bool,
}

impl MethodAtDesk {
    /// Differs as soon as anything of the method does: whoever changes it says what they saw.
    pub fn seen(&self) -> String {
        fingerprint(&self.told())
    }

    fn told(&self) -> Json {
        json!({
            "zone": self.zone_id, "location": self.method.location_id, "name": self.method.name,
            "description": self.method.description, "rule": self.method.rule,
            "days": [self.method.min_days, self.method.max_days], "active": self.active,
        })
    }
}

impl FromRow for MethodAtDesk {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            method: DeliveryMethod::from_row(row)?,
            zone_id: row.get("zone_id")?,
            active: row.get("active")?,
        })
    }
}

fn fingerprint(told: &Json) -> String {
    let sum = Sha256::digest(told.to_string());
    HEXLOWER.encode(sum.get(..8).unwrap_or_default())
}

const METHOD: &str =
    "id, zone_id, name, description, rule, currency, location_id, min_days, max_days, active";

/// All zones in the merchant's order. Two statements.
pub fn zones(tx: &mut Tx<'_>) -> Result<Vec<Zone>, DbError> {
    let rows: Vec<(DeliveryZoneId, String)> = tx.query(
        "SELECT id, name FROM delivery_zones ORDER BY position, id LIMIT 300",
        params![],
    )?;
    let countries: Vec<(DeliveryZoneId, Country)> = tx.query(
        "SELECT zone_id, country FROM delivery_zone_countries ORDER BY country LIMIT 300",
        params![],
    )?;
    let mut of: HashMap<DeliveryZoneId, Vec<Country>> = HashMap::new();
    for (zone, country) in countries {
        of.entry(zone).or_default().push(country);
    }
    Ok(rows
        .into_iter()
        .map(|(id, name)| Zone {
            countries: of.remove(&id).unwrap_or_default(),
            id,
            name,
        })
        .collect())
}

/// All methods in the merchant's order, those that rest too. One statement.
pub fn methods(tx: &mut Tx<'_>) -> Result<Vec<MethodAtDesk>, DbError> {
    tx.query(
        &format!("SELECT {METHOD} FROM delivery_methods ORDER BY position, id LIMIT 300"),
        params![],
    )
}

/// Why a zone or method was not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeDeliveryError {
    /// There is none of that id.
    #[error("this zone or method is not there any more")]
    NotFound,
    /// Somebody else has changed it meanwhile.
    #[error("somebody else has changed this meanwhile; look at it again")]
    Stale,
    /// A zone that still has methods.
    #[error("this zone still has delivery methods; delete them first")]
    HasMethods,
    /// What it was to be cannot be.
    #[error(transparent)]
    Refused(#[from] CreateDeliveryError),
    /// Not the caller's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
internal_from!(ChangeDeliveryError: serde_json::Error);

impl From<DbError> for ChangeDeliveryError {
    fn from(error: DbError) -> Self {
        CreateDeliveryError::from(error).into()
    }
}

impl Coded for ChangeDeliveryError {
    fn code(&self) -> Code {
        match self {
            Self::NotFound => Code::NotFound,
            Self::Stale | Self::HasMethods => Code::StaleState,
            Self::Refused(error) => error.code(),
            Self::Internal(error) => error.code(),
        }
    }
}

/// Gives a zone another name and other countries.
pub async fn change_zone(
    shop: &Shop,
    by: Authorized<EditSettings>,
    (id, seen): (DeliveryZoneId, String),
    cmd: CreateZone,
) -> Result<(), ChangeDeliveryError> {
    let name = one_line(&cmd.name, 80).map_err(CreateDeliveryError::BadName)?;
    let mut countries = cmd.countries;
    countries.sort_unstable();
    countries.dedup();
    audit::change(shop, shop.act(by.actor()), move |tx, _act| {
        let before = zone_as_seen(tx, &id, &seen)?;
        let after = Zone {
            name: name.clone(),
            countries: countries.clone(),
            ..before.clone()
        };
        if after == before {
            return Ok(((), Change::none()));
        }
        tx.execute(
            "UPDATE delivery_zones SET name = $2 WHERE id = $1",
            params![id, name],
        )?;
        tx.execute(
            "DELETE FROM delivery_zone_countries WHERE zone_id = $1",
            params![id],
        )?;
        for country in &after.countries {
            tx.execute(
                "INSERT INTO delivery_zone_countries (country, zone_id) VALUES ($1, $2)",
                params![country, id],
            )?;
        }
        let change =
            Change::new("delivery.change_zone", "zone", &id).between(before.told(), after.told());
        Ok(((), change))
    })
    .await
}

/// Deletes a zone without methods. Its countries are delivered to no more.
pub async fn delete_zone(
    shop: &Shop,
    by: Authorized<EditSettings>,
    (id, seen): (DeliveryZoneId, String),
) -> Result<(), ChangeDeliveryError> {
    audit::change(shop, shop.act(by.actor()), move |tx, _act| {
        let before = zone_as_seen(tx, &id, &seen)?;
        let methods: Option<(DeliveryMethodId,)> = tx.query_opt(
            "SELECT id FROM delivery_methods WHERE zone_id = $1 ORDER BY id LIMIT 1",
            params![id],
        )?;
        if methods.is_some() {
            return Err(ChangeDeliveryError::HasMethods);
        }
        tx.execute(
            "DELETE FROM delivery_zone_countries WHERE zone_id = $1",
            params![id],
        )?;
        tx.execute("DELETE FROM delivery_zones WHERE id = $1", params![id])?;
        let change = Change::new("delivery.delete_zone", "zone", &id).from(before.told());
        Ok(((), change))
    })
    .await
}

/// Changes a method. Orders placed keep what they were promised.
pub async fn change_method(
    shop: &Shop,
    by: Authorized<EditSettings>,
    (id, seen): (DeliveryMethodId, String),
    cmd: CreateMethod,
) -> Result<(), ChangeDeliveryError> {
    let name = cmd.check()?;
    let rule = serde_json::to_string(&cmd.rule)?;
    audit::change(shop, shop.act(by.actor()), move |tx, _act| {
        let before = method_as_seen(tx, &id, &seen)?;
        cmd.hold(tx)?;
        let currency = cmd.currency(tx)?;
        let mut after = before.clone();
        after.zone_id.clone_from(&cmd.zone_id);
        after.method = DeliveryMethod {
            id: id.clone(),
            name: name.clone(),
            description: cmd.description.clone(),
            rule: cmd.rule.clone(),
            currency,
            location_id: cmd.location_id.clone(),
            min_days: cmd.days.0,
            max_days: cmd.days.1,
        };
        if after == before {
            return Ok(((), Change::none()));
        }
        tx.execute(
            "UPDATE delivery_methods
                SET zone_id = $2, location_id = $3, name = $4, description = $5, rule = $6, currency = $7, min_days = $8, max_days = $9
              WHERE id = $1",
            params![id, cmd.zone_id, cmd.location_id, name, cmd.description, rule, currency, cmd.days.0, cmd.days.1],
        )?;
        let change = Change::new("delivery.change_method", "delivery_method", &id)
            .between(before.told(), after.told());
        Ok(((), change))
    })
    .await
}

/// Lets a method rest, or offers it again.
pub async fn offer_method(
    shop: &Shop,
    by: Authorized<EditSettings>,
    (id, seen): (DeliveryMethodId, String),
    active: bool,
) -> Result<(), ChangeDeliveryError> {
    audit::change(shop, shop.act(by.actor()), move |tx, _act| {
        let before = method_as_seen(tx, &id, &seen)?;
        if before.active == active {
            return Ok(((), Change::none()));
        }
        tx.execute(
            "UPDATE delivery_methods SET active = $2 WHERE id = $1",
            params![id, active],
        )?;
        let change = Change::new("delivery.offer_method", "delivery_method", &id).between(
            json!({ "active": before.active }),
            json!({ "active": active }),
        );
        Ok(((), change))
    })
    .await
}

/// Deletes a method. Whoever has chosen it in their bag is asked to choose again.
pub async fn delete_method(
    shop: &Shop,
    by: Authorized<EditSettings>,
    (id, seen): (DeliveryMethodId, String),
) -> Result<(), ChangeDeliveryError> {
    audit::change(shop, shop.act(by.actor()), move |tx, _act| {
        let before = method_as_seen(tx, &id, &seen)?;
        tx.execute("DELETE FROM delivery_methods WHERE id = $1", params![id])?;
        let change =
            Change::new("delivery.delete_method", "delivery_method", &id).from(before.told());
        Ok(((), change))
    })
    .await
}

/// The zone, if it still is as it was seen; locked, so that it stays so.
fn zone_as_seen(
    tx: &mut Tx<'_>,
    id: &DeliveryZoneId,
    seen: &str,
) -> Result<Zone, ChangeDeliveryError> {
    let locked = tx.execute(
        "UPDATE delivery_zones SET position = position WHERE id = $1",
        params![id],
    )?;
    if locked == 0 {
        return Err(ChangeDeliveryError::NotFound);
    }
    let zone = zones(tx)?.into_iter().find(|zone| zone.id == *id);
    let zone = zone.ok_or(ChangeDeliveryError::NotFound)?;
    if zone.seen() == seen {
        Ok(zone)
    } else {
        Err(ChangeDeliveryError::Stale)
    }
}

/// The method, if it still is as it was seen; locked, so that it stays so.
fn method_as_seen(
    tx: &mut Tx<'_>,
    id: &DeliveryMethodId,
    seen: &str,
) -> Result<MethodAtDesk, ChangeDeliveryError> {
    let found: Option<MethodAtDesk> = tx.query_opt(
        &format!(
            "UPDATE delivery_methods SET position = position WHERE id = $1 RETURNING {METHOD}"
        ),
        params![id],
    )?;
    let method = found.ok_or(ChangeDeliveryError::NotFound)?;
    if method.seen() == seen {
        Ok(method)
    } else {
        Err(ChangeDeliveryError::Stale)
    }
}

#[cfg(test)]
mod tests {
    use super::super::create_method;
    use super::*;
    use crate::on_both;
    use crate::testing::{euros, operator};
    use pricing::{DeliveryKind, DeliveryRule};

    fn courier(zone: &DeliveryZoneId, cents: i64) -> CreateMethod {
        CreateMethod {
            zone_id: Some(zone.clone()),
            location_id: None,
            name: "Courier".to_owned(),
            description: "To the door".to_owned(),
            rule: DeliveryRule {
                kind: DeliveryKind::Flat {
                    price: euros(cents),
                },
                free_over: None,
            },
            days: (0, 1),
        }
    }

    on_both! {
        async fn a_method_is_changed_rests_and_goes_and_whoever_saw_it_before_is_told(shop: &TestShop) {
            let by = || operator().may();
            let zone = shop.read(|tx| Ok(zones(tx)?)).await.remove(0);
            let id = create_method(&shop.shop, by(), courier(&zone.id, 1_500)).await.unwrap();
            let wanted = id.clone();
            let find = async || {
                let wanted = wanted.clone();
                shop.read(move |tx| Ok(methods(tx)?.into_iter().find(|one| one.method.id == wanted))).await
            };
            let first = find().await.unwrap();
            change_method(&shop.shop, by(), (id.clone(), first.seen()), courier(&zone.id, 1_200)).await.unwrap();
            let late = change_method(&shop.shop, by(), (id.clone(), first.seen()), courier(&zone.id, 900)).await;
            assert!(matches!(late, Err(ChangeDeliveryError::Stale)), "{late:?}");
            let cheaper = find().await.unwrap();
            assert_eq!(cheaper.method.rule, courier(&zone.id, 1_200).rule);
            offer_method(&shop.shop, by(), (id.clone(), cheaper.seen()), false).await.unwrap();
            let offered = shop.read(|tx| Ok(crate::delivery::methods_for(tx, Country::parse("NL").unwrap())?)).await;
            assert!(offered.iter().all(|one| one.id != id));
            let resting = find().await.unwrap();
            assert!(!resting.active);
            delete_method(&shop.shop, by(), (id.clone(), resting.seen())).await.unwrap();
            assert_eq!(find().await, None);
            let gone = delete_method(&shop.shop, by(), (id, resting.seen())).await;
            assert!(matches!(gone, Err(ChangeDeliveryError::NotFound)), "{gone:?}");
            let told: Vec<(String,)> = shop.rows("SELECT action FROM audit WHERE action LIKE 'delivery.%_method' ORDER BY sequence DESC LIMIT 3").await;
            assert_eq!(told.iter().map(|row| row.0.as_str()).collect::<Vec<_>>(), ["delivery.delete_method", "delivery.offer_method", "delivery.change_method"]);
        }

        async fn a_zone_takes_countries_of_its_own_only_and_goes_once_it_is_empty(shop: &TestShop) {
            let by = || operator().may();
            let country = |code| Country::parse(code).unwrap();
            let first = shop.read(|tx| Ok(zones(tx)?)).await.remove(0);
            let nordic = CreateZone { name: "Nordic".to_owned(), countries: vec![country("SE")] };
            let id = crate::delivery::create_zone(&shop.shop, by(), nordic).await.unwrap();
            let wanted = id.clone();
            let find = async || {
                let wanted = wanted.clone();
                shop.read(move |tx| Ok(zones(tx)?.into_iter().find(|one| one.id == wanted))).await
            };
            let seen = find().await.unwrap().seen();
            let greedy = CreateZone { name: "Nordic".to_owned(), countries: vec![country("SE"), country("NL")] };
            let refused = change_zone(&shop.shop, by(), (id.clone(), seen.clone()), greedy).await;
            assert!(matches!(refused, Err(ChangeDeliveryError::Refused(CreateDeliveryError::CountryTaken))), "{refused:?}");
            assert_eq!(find().await.unwrap().countries, [country("SE")], "nothing half-written");
            let wider = CreateZone { name: "The north".to_owned(), countries: vec![country("NO"), country("SE"), country("NO")] };
            change_zone(&shop.shop, by(), (id.clone(), seen.clone()), wider.clone()).await.unwrap();
            let stale = change_zone(&shop.shop, by(), (id.clone(), seen), wider).await;
            assert!(matches!(stale, Err(ChangeDeliveryError::Stale)), "{stale:?}");
            let now = find().await.unwrap();
            assert_eq!((now.name.as_str(), now.countries.as_slice()), ("The north", [country("NO"), country("SE")].as_slice()));
            delete_zone(&shop.shop, by(), (id, now.seen())).await.unwrap();
            assert_eq!(find().await, None);
            let held = delete_zone(&shop.shop, by(), (first.id.clone(), first.seen())).await;
            assert!(matches!(held, Err(ChangeDeliveryError::HasMethods)), "{held:?}");
        }
    }
}
