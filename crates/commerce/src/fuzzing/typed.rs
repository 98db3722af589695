//! Values as people type them.

use kernel::address::{AddressFormat, AddressInput};
use kernel::{
    Country, Currency, Email, Money, OrderId, ProductId, Quantity, Rate, Rounding, Secret, Sku,
    Slug, VariantId,
};

use super::text;
use crate::media::{Color, ContentHash};
use crate::settings::iban as account_number;

/// An amount that is read is not negative, writes itself so that it reads back, and loses nothing when it is divided.
pub fn money(bytes: &[u8]) {
    let Some(typed) = text(bytes) else { return };
    for code in ["EUR", "JPY", "KWD"] {
        let currency = Currency::parse(code).expect("a currency of the shop");
        let Ok(amount) = currency.from_decimal(typed) else {
            continue;
        };
        assert!(!amount.is_negative());
        assert_eq!(currency.from_decimal(&amount.to_decimal()), Ok(amount));
        divided(amount);
    }
    if let Ok(currency) = Currency::parse(typed) {
        assert_eq!(Currency::parse(currency.code()), Ok(currency));
        assert!(currency.exponent() <= 4);
    }
}

fn divided(amount: Money) {
    let parts = amount.allocate(&[1, 0, 5, 3]).expect("weights are there");
    let sum = Money::sum(amount.currency(), parts.iter().copied());
    assert_eq!(sum, Ok(amount), "dividing loses money");
    let rate = Rate::basis_points(2_100);
    for rounding in [Rounding::HalfUp, Rounding::HalfEven] {
        let tax = amount
            .included(rate, rounding)
            .expect("a tax within an amount fits");
        assert!(!tax.is_negative() && tax.minor() <= amount.minor());
        if let Ok(more) = amount.apply(Rate::basis_points(10_000), rounding) {
            assert_eq!(more, amount, "a hundred per cent is all of it");
        }
    }
}

/// What one line of text becomes is what it becomes again, and it is as long as it may be.
pub fn short_texts(bytes: &[u8]) {
    let Some(typed) = text(bytes) else { return };
    if let Ok(line) = kernel::text::one_line(typed, 40) {
        assert!(!line.is_empty() && line.chars().count() <= 40);
        assert!(!line.contains(['\n', '\r', '\0', '\u{202e}', '\u{200b}']));
        assert_eq!(kernel::text::one_line(&line, 40), Ok(line));
    }
    if let Ok(sku) = Sku::parse(typed) {
        assert_eq!(Sku::parse(sku.as_str()).as_ref(), Ok(&sku));
    }
    if let Ok(slug) = Slug::parse(typed) {
        assert_eq!(slug.as_str(), typed);
    }
    let made = Slug::from_title(typed);
    assert_eq!(
        Slug::parse(made.as_str()).as_ref(),
        Ok(&made),
        "a title makes a slug that is none"
    );
    if let Ok(email) = Email::parse(typed) {
        let address = email.as_str();
        assert!(
            !address.contains([' ', '\n', '\r', '<', '>', ',', '"']),
            "{address:?}"
        );
        assert_eq!(Email::parse(address).as_ref(), Ok(&email));
        assert!(address.len() <= 300);
    }
    if let Ok(quantity) = typed.parse::<Quantity>() {
        assert!((1..=Quantity::MAX).contains(&quantity.get()));
        assert_eq!(quantity.to_string().parse(), Ok(quantity));
    }
    if let Ok(country) = Country::parse(typed) {
        assert_eq!(Country::parse(country.code()), Ok(country));
    }
    if let Some(color) = Color::parse(typed) {
        assert_eq!(Color::parse(color.as_str()), Some(color));
    }
}

/// An id of one kind is no id of another, and is written as it is read.
pub fn ids(bytes: &[u8]) {
    let Some(typed) = text(bytes) else { return };
    let (product, variant) = (typed.parse::<ProductId>(), typed.parse::<VariantId>());
    let order = typed.parse::<OrderId>();
    let read: Vec<&str> = [
        product.as_ref().ok().map(ProductId::as_str),
        variant.as_ref().ok().map(VariantId::as_str),
        order.as_ref().ok().map(OrderId::as_str),
    ]
    .into_iter()
    .flatten()
    .collect();
    assert!(read.len() <= 1, "one id of two kinds");
    assert!(
        read.iter()
            .all(|id| *id == typed && id.is_ascii() && id.len() <= 40)
    );
    if let Ok(secret) = Secret::parse(typed) {
        assert_eq!(secret.expose(), typed);
        assert!(typed.bytes().all(|b| b.is_ascii_alphanumeric()));
    }
    if let Ok(hash) = typed.parse::<ContentHash>() {
        assert!(hash.as_str() == typed && typed.len() == 64 && !typed.contains(['/', '.']));
    }
}

/// An address that is taken is taken again as it was kept, and what a parcel says has no empty or broken line.
pub fn addresses(bytes: &[u8]) {
    let Some(typed) = text(bytes) else { return };
    let mut lines = typed.split('\n').map(str::to_owned);
    let mut next = || lines.next().unwrap_or_default();
    let input = AddressInput {
        country: next(),
        name: next(),
        line1: next(),
        postcode: next(),
        city: next(),
        region: next(),
        company: next(),
        line2: next(),
        phone: next(),
    };
    let address = match input.check() {
        Ok(address) => address,
        Err(wrong) => {
            assert!(!wrong.is_empty(), "refused without a reason");
            return;
        }
    };
    assert_eq!(AddressInput::from(&address).check().as_ref(), Ok(&address));
    let parcel = address.lines();
    assert!(parcel.len() >= 2 && parcel.len() <= 10);
    assert!(
        parcel
            .iter()
            .all(|line| !line.is_empty() && !line.contains(['\n', '\r']))
    );
    let format = AddressFormat::of(address.country);
    assert!(format.uses(kernel::address::AddressField::Line1));
}

/// An account number reads back from its groups of four, and one slip in its digits is found.
pub fn iban(bytes: &[u8]) {
    let Some(typed) = text(bytes) else { return };
    let Ok(grouped) = account_number::parse(typed) else {
        return;
    };
    assert_eq!(account_number::parse(&grouped).as_ref(), Ok(&grouped));
    assert!(grouped.len() <= 42 && grouped.is_ascii());
    let mut letters: Vec<char> = grouped.chars().collect();
    if let Some(last) = letters.last_mut().filter(|last| last.is_ascii_digit()) {
        *last = if *last == '0' { '1' } else { '0' };
        let slipped: String = letters.into_iter().collect();
        assert!(
            account_number::parse(&slipped).is_err(),
            "a slip that nobody sees"
        );
    }
}
