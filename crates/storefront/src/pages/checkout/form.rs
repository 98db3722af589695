//! `POST /checkout`: a step's form is kept, then checked.

use axum::extract::State;
use axum::response::Response;
use commerce::carts::{self, CartError, CheckoutForm};
use http::StatusCode;
use kernel::DeliveryMethodId;
use kernel::address::AddressInput;
use serde::Deserialize;
use web::{Form, Problem};

use super::{Loaded, Step, Told, draw, read};
use crate::say::Say;
use crate::storefront::{Storefront, Visit};
use crate::views::{Fault, Faults, address_faults};

/// The longest text of a field that is kept.
const KEPT: usize = 1_000;

/// Which button was pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Pressed {
    /// Another country: the form is shown for it.
    Country,
    /// On to delivery.
    Address,
    /// On to payment.
    Delivery,
}

/// What the forms of the first two steps hold. There is no field for a price.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StepForm {
    step: Pressed,
    email: Option<String>,
    country: Option<String>,
    name: Option<String>,
    company: Option<String>,
    line1: Option<String>,
    line2: Option<String>,
    postal_code: Option<String>,
    city: Option<String>,
    region: Option<String>,
    phone: Option<String>,
    delivery_method: Option<String>,
}

/// Reads a form as the page does, and keeps it.
#[cfg(feature = "testing")]
pub(crate) fn try_form(fields: &web::Fields) {
    let Ok(form) = fields.read::<StepForm>() else {
        return;
    };
    // The way of delivery is kept as an id, or not at all.
    let texts = fields.iter().filter(|(name, _)| *name != "delivery_method");
    let longest = texts.map(|(_, value)| value.len()).max();
    assert_eq!(
        form.is_keepable(),
        longest.is_none_or(|bytes| bytes <= KEPT)
    );
    let first = form.over(&CheckoutForm::default());
    assert_eq!(
        form.over(&first).email,
        first.email,
        "kept twice, it changes"
    );
    if let Some(address) = &first.address
        && let Some(name) = fields.get("name")
    {
        assert_eq!(address.name, name);
    }
}

impl StepForm {
    /// What is kept from now on: what was typed, and what was kept before where the form has no such field.
    fn over(&self, kept: &CheckoutForm) -> CheckoutForm {
        if self.step == Pressed::Delivery {
            let chosen = self
                .delivery_method
                .as_deref()
                .and_then(|id| id.parse().ok());
            return CheckoutForm {
                delivery_method_id: chosen.or(kept.delivery_method_id.clone()),
                ..kept.clone()
            };
        }
        let before = kept.address.clone().unwrap_or_default();
        let typed = |new: &Option<String>, before: String| new.clone().unwrap_or(before);
        CheckoutForm {
            email: self.email.clone().or(kept.email.clone()),
            address: Some(AddressInput {
                name: typed(&self.name, before.name),
                company: typed(&self.company, before.company),
                line1: typed(&self.line1, before.line1),
                line2: typed(&self.line2, before.line2),
                postcode: typed(&self.postal_code, before.postcode),
                city: typed(&self.city, before.city),
                region: typed(&self.region, before.region),
                country: typed(&self.country, before.country),
                phone: typed(&self.phone, before.phone),
            }),
            ..kept.clone()
        }
    }

    fn is_keepable(&self) -> bool {
        let fields = [
            &self.email,
            &self.country,
            &self.name,
            &self.company,
            &self.line1,
            &self.line2,
            &self.postal_code,
            &self.city,
            &self.region,
            &self.phone,
        ];
        fields
            .into_iter()
            .flatten()
            .all(|typed| typed.len() <= KEPT)
    }

    /// What is wrong with the step that was sent.
    fn faults(&self, loaded: &Loaded, say: &Say) -> Faults {
        match self.step {
            Pressed::Country if self.is_keepable() => Faults::default(),
            Pressed::Country | Pressed::Address => {
                let email = loaded.cart.form.email.clone().unwrap_or_default();
                address_faults(&email, &loaded.cart.address(), &loaded.countries, say)
            }
            Pressed::Delivery => delivery_faults(self.delivery_method.as_deref(), loaded, say),
        }
    }

    fn step(&self) -> Step {
        match self.step {
            Pressed::Country | Pressed::Address => Step::Address,
            Pressed::Delivery => Step::Delivery,
        }
    }

    fn next(&self) -> Step {
        match self.step {
            Pressed::Country => Step::Address,
            Pressed::Address => Step::Delivery,
            Pressed::Delivery => Step::Payment,
        }
    }
}

fn delivery_faults(chosen: Option<&str>, loaded: &Loaded, say: &Say) -> Faults {
    let fault = |key| {
        Faults(vec![Fault {
            field: "delivery_method",
            message: say.text(key),
        }])
    };
    let Some(chosen) = chosen.filter(|chosen| !chosen.is_empty()) else {
        return fault("say.required.delivery_method");
    };
    let id: Option<DeliveryMethodId> = chosen.parse().ok();
    let offered = id.is_some_and(|id| {
        loaded
            .quote
            .offers
            .iter()
            .any(|offer| offer.method.id == id)
    });
    if offered {
        Faults::default()
    } else {
        fault("say.invalid.delivery_method")
    }
}

/// Keeps what was typed and goes on, or shows the step again with what is wrong.
pub(crate) async fn save(
    State(storefront): State<Storefront>,
    visit: Visit,
    Form(form): Form<StepForm>,
) -> Result<Response, Problem> {
    let Some(shopper) = visit.shopper() else {
        return web::see_other("/cart");
    };
    let (base, Some(mut loaded)) = read(&storefront, &visit).await? else {
        return web::see_other("/cart");
    };
    loaded.cart.form = form.over(&loaded.cart.form);
    let faults = form.faults(&loaded, &storefront.words()?);
    // A choice that is not offered is not kept; texts are, so that nothing typed is lost.
    let keeps = form.is_keepable() && (form.step != Pressed::Delivery || faults.is_empty());
    if keeps {
        let (shop, kept) = (storefront.shop().clone(), loaded.cart.form.clone());
        match web::run(async move { carts::save_checkout_form(&shop, &shopper, kept).await })
            .await?
        {
            Ok(()) => {}
            Err(CartError::NoSuchLine) => return web::see_other("/cart"),
            Err(CartError::CheckoutInProgress) => {
                let told = Told {
                    status: StatusCode::CONFLICT,
                    ..Told::of(form.step())
                };
                return draw(&storefront, &visit, (&base, &loaded), told);
            }
            Err(error) => return Err(error.into()),
        }
    }
    if faults.is_empty() && keeps {
        return web::see_other(&format!("/checkout?step={}", form.next().word()));
    }
    draw(
        &storefront,
        &visit,
        (&base, &loaded),
        Told::refused(form.step(), faults.0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(step: Pressed) -> StepForm {
        StepForm {
            step,
            email: None,
            country: None,
            name: None,
            company: None,
            line1: None,
            line2: None,
            postal_code: None,
            city: None,
            region: None,
            phone: None,
            delivery_method: None,
        }
    }

    #[test]
    fn what_the_new_country_does_not_ask_is_kept_for_the_way_back() {
        let before = AddressInput {
            region: "CA".to_owned(),
            name: "Noor".to_owned(),
            ..AddressInput::default()
        };
        let kept = CheckoutForm {
            email: Some("noor@example.com".to_owned()),
            address: Some(before),
            payment_method: Some("test".to_owned()),
            ..CheckoutForm::default()
        };
        let typed = StepForm {
            country: Some("NL".to_owned()),
            name: Some(" Noor de Wit".to_owned()),
            ..form(Pressed::Country)
        };
        let now = typed.over(&kept);
        let address = now.address.unwrap();
        assert_eq!(
            (
                address.name.as_str(),
                address.country.as_str(),
                address.region.as_str()
            ),
            (" Noor de Wit", "NL", "CA")
        );
        assert_eq!(
            (now.email, now.payment_method),
            (kept.email, kept.payment_method)
        );
    }

    #[test]
    fn the_delivery_form_changes_nothing_but_the_delivery() {
        let kept = CheckoutForm {
            email: Some("noor@example.com".to_owned()),
            ..CheckoutForm::default()
        };
        let id = DeliveryMethodId::new(&kernel::RandomIds);
        let typed = StepForm {
            email: Some("eve@example.com".to_owned()),
            delivery_method: Some(id.to_string()),
            ..form(Pressed::Delivery)
        };
        assert_eq!(
            typed.over(&kept),
            CheckoutForm {
                delivery_method_id: Some(id),
                ..kept
            }
        );
    }

    #[test]
    fn a_novel_is_not_kept() {
        assert!(
            StepForm {
                name: Some("n".repeat(KEPT)),
                ..form(Pressed::Address)
            }
            .is_keepable()
        );
        assert!(
            !StepForm {
                name: Some("n".repeat(KEPT + 1)),
                ..form(Pressed::Address)
            }
            .is_keepable()
        );
    }
}
