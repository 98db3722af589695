use kernel::Country;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::reference::expected;
use super::*;
use crate::delivery::{DeliveryKind, WeightTier};
use crate::totals::{Parts, totals_add_up};

fn country(code: &str) -> Country {
    Country::parse(code).unwrap()
}

fn eur(minor: i64) -> Money {
    Currency::EUR.minor(minor)
}

fn class(word: &str) -> TaxClass {
    TaxClass::new(word)
}

fn line(class: &str, unit_price: Money, quantity: u32) -> LineInput {
    LineInput {
        key: format!("{class} at {unit_price}"),
        quantity: Quantity::new(quantity).unwrap(),
        unit_price,
        compare_at: None,
        tax_class: TaxClass::new(class),
        weight_grams: 100,
    }
}

fn flat(minor: i64, tax: DeliveryTax) -> DeliveryInput {
    DeliveryInput {
        rule: DeliveryRule {
            kind: DeliveryKind::Flat { price: eur(minor) },
            free_over: None,
        },
        tax,
    }
}

/// A Dutch shop with prices that contain tax, selling at home.
fn dutch_shop(lines: Vec<LineInput>) -> QuoteInput {
    let mut tax_rates = TaxRates::default();
    tax_rates.insert(
        country("NL"),
        class("standard"),
        "btw",
        Rate::basis_points(2_100),
    );
    tax_rates.insert(
        country("NL"),
        class("books"),
        "btw",
        Rate::basis_points(900),
    );
    tax_rates.insert(
        country("DE"),
        class("standard"),
        "MwSt.",
        Rate::basis_points(1_900),
    );
    QuoteInput {
        currency: lines
            .first()
            .map_or(Currency::EUR, |line| line.unit_price.currency()),
        prices_include_tax: true,
        rounding: RoundingPolicy::default(),
        home: country("NL"),
        destination: country("NL"),
        cross_border: CrossBorder::GrossFixed,
        tax_rates,
        lines,
        delivery: None,
    }
}

/// The same with one tax on top of the prices.
fn net_shop(bps: i64, lines: Vec<LineInput>) -> QuoteInput {
    let mut shop = QuoteInput {
        prices_include_tax: false,
        ..dutch_shop(lines)
    };
    shop.tax_rates.insert(
        country("NL"),
        class("standard"),
        "tax",
        Rate::basis_points(bps),
    );
    shop
}

#[test]
fn sixty_five_pieces_cost_1110_92_and_not_1110_85_as_rounding_each_piece_would() {
    let quote = quote(&net_shop(550, vec![line("standard", eur(1_620), 65)])).unwrap();
    assert_eq!(
        (quote.subtotal, quote.tax_added, quote.total),
        (eur(105_300), eur(5_792), eur(111_092))
    );
}

#[test]
fn a_thousand_pieces_carry_2346_00_of_tax_and_not_4_00_more() {
    let quote = quote(&net_shop(2_300, vec![line("standard", eur(1_020), 1_000)])).unwrap();
    assert_eq!(
        (quote.tax_added, quote.total),
        (eur(234_600), eur(1_254_600))
    );
}

#[test]
fn a_price_with_tax_is_what_the_buyer_pays_whatever_the_quantity() {
    let quote = quote(&dutch_shop(vec![
        line("standard", eur(3_823), 10),
        line("books", eur(1_999), 1),
    ]))
    .unwrap();
    assert_eq!((quote.total, quote.tax_added), (eur(40_229), eur(0)));
    let taxes: Vec<_> = quote
        .tax_lines
        .iter()
        .map(|tax| (tax.rate.percent(), tax.taxable.minor(), tax.tax.minor()))
        .collect();
    assert_eq!(
        taxes,
        [
            ("21".to_owned(), 31_595, 6_635),
            ("9".to_owned(), 1_834, 165)
        ]
    );
    assert_eq!(quote.tax_included, eur(6_800));
}

#[test]
fn a_german_pays_the_price_shown_and_the_quote_says_why() {
    let mut shop = dutch_shop(vec![line("standard", eur(12_100), 1)]);
    shop.destination = country("DE");
    let quote = quote(&shop).unwrap();
    assert_eq!((quote.total, quote.tax_included), (eur(12_100), eur(1_932)));
    let (home_rate, destination_rate) = (Rate::basis_points(2_100), Rate::basis_points(1_900));
    assert_eq!(
        quote.reasons,
        [
            Reason::Taxed {
                country: country("DE"),
                class: class("standard"),
                name: "MwSt.".into(),
                rate: destination_rate
            },
            Reason::SamePriceAbroad {
                class: class("standard"),
                home_rate,
                destination_rate
            },
        ]
    );
}

#[test]
fn a_shop_that_fixes_its_net_price_charges_a_german_the_german_tax_on_it() {
    let mut goods = line("standard", eur(12_100), 3);
    goods.compare_at = Some(eur(14_520));
    let mut shop = dutch_shop(vec![goods]);
    shop.destination = country("DE");
    shop.cross_border = CrossBorder::NetFixed;
    let quote = quote(&shop).unwrap();
    assert_eq!(
        (quote.lines[0].unit_price, quote.lines[0].compare_at),
        (eur(11_900), Some(eur(14_280)))
    );
    assert_eq!((quote.total, quote.tax_included), (eur(35_700), eur(5_700)));
    assert!(
        matches!(quote.reasons[1], Reason::SameNetAbroad { .. }),
        "{:?}",
        quote.reasons
    );
}

#[test]
fn an_export_carries_no_tax_and_says_so() {
    let mut shop = dutch_shop(vec![line("standard", eur(12_100), 1)]);
    shop.destination = country("US");
    let kept = quote(&shop).unwrap();
    assert_eq!(
        (kept.total, kept.tax_included, kept.tax_lines.len()),
        (eur(12_100), eur(0), 0)
    );
    assert_eq!(
        kept.reasons[0],
        Reason::NotTaxed {
            country: country("US"),
            class: class("standard")
        }
    );
    assert_eq!(
        kept.lines[0].tax,
        Tax {
            name: String::new(),
            rate: Rate::ZERO,
            amount: eur(0),
            included: true
        }
    );
    shop.cross_border = CrossBorder::NetFixed;
    assert_eq!(quote(&shop).unwrap().total, eur(10_000));
}

#[test]
fn delivery_is_taxed_like_the_goods_it_carries() {
    let mut shop = dutch_shop(vec![
        line("standard", eur(3_000), 1),
        line("books", eur(1_000), 1),
    ]);
    shop.delivery = Some(flat(500, DeliveryTax::LikeGoods));
    let quoted = quote(&shop).unwrap();
    let delivery = quoted.delivery.unwrap();
    // 3.75 at 21 % and 1.25 at 9 %, both with their tax inside.
    let taxes: Vec<_> = delivery
        .taxes
        .iter()
        .map(|tax| (tax.rate.bps(), tax.taxable.minor(), tax.tax.minor()))
        .collect();
    assert_eq!(taxes, [(2_100, 310, 65), (900, 115, 10)]);
    assert_eq!(
        (delivery.tax, delivery.reason, quoted.total),
        (eur(75), DeliveryReason::Flat, eur(4_500))
    );
    shop.delivery = Some(flat(500, DeliveryTax::Class(class("standard"))));
    assert_eq!(quote(&shop).unwrap().delivery.unwrap().tax, eur(87));
}

#[test]
fn goods_for_nothing_are_delivered_for_their_price_and_with_their_tax() {
    let mut shop = dutch_shop(vec![line("standard", eur(0), 3), line("books", eur(0), 1)]);
    assert_eq!(quote(&shop).unwrap().total, eur(0));
    shop.delivery = Some(flat(400, DeliveryTax::LikeGoods));
    let quote = quote(&shop).unwrap();
    assert_eq!((quote.total, quote.tax_included), (eur(400), eur(52 + 8)));
}

#[test]
fn yen_have_no_decimals_and_dinars_three() {
    let total = |code: &str, minor| {
        let money = Currency::parse(code).unwrap().minor(minor);
        let quote = quote(&net_shop(1_000, vec![line("standard", money, 3)])).unwrap();
        (quote.tax_added.to_string(), quote.total.to_string())
    };
    assert_eq!(
        total("JPY", 1_985),
        ("596 JPY".to_owned(), "6551 JPY".to_owned())
    );
    assert_eq!(
        total("KWD", 1_985),
        ("0.596 KWD".to_owned(), "6.551 KWD".to_owned())
    );
}

#[test]
fn only_a_higher_price_is_shown_as_the_price_before() {
    let before = |compare_at| {
        let goods = LineInput {
            compare_at,
            ..line("standard", eur(1_000), 1)
        };
        quote(&dutch_shop(vec![goods])).unwrap().lines[0].compare_at
    };
    assert_eq!(before(Some(eur(1_200))), Some(eur(1_200)));
    assert_eq!(before(Some(eur(1_000))), None);
    assert_eq!(before(Some(eur(900))), None);
}

#[test]
fn what_cannot_be_quoted_is_refused_with_the_reason() {
    let dollars = Currency::parse("USD").unwrap();
    let shop = dutch_shop(vec![
        line("standard", eur(100), 1),
        line("standard", dollars.minor(100), 1),
    ]);
    assert_eq!(
        quote(&shop),
        Err(QuoteError::MixedCurrencies(Currency::EUR, dollars))
    );

    let key = line("standard", eur(-1), 1).key;
    assert_eq!(
        quote(&dutch_shop(vec![line("standard", eur(-1), 1)])),
        Err(QuoteError::Negative { key })
    );

    let key = line("standard", eur(1), 1).key;
    let weightless = LineInput {
        weight_grams: -1,
        ..line("standard", eur(1), 1)
    };
    assert_eq!(
        quote(&dutch_shop(vec![weightless])),
        Err(QuoteError::Negative { key })
    );

    let foreign = LineInput {
        compare_at: Some(dollars.minor(900)),
        ..line("standard", eur(1), 1)
    };
    assert!(matches!(
        quote(&dutch_shop(vec![foreign])),
        Err(QuoteError::MixedCurrencies(..))
    ));

    let many = line("standard", eur(i64::MAX), 2);
    assert_eq!(quote(&dutch_shop(vec![many])), Err(QuoteError::Overflow));
}

#[test]
fn what_cannot_be_delivered_is_refused_with_the_reason() {
    let dollars = Currency::parse("USD").unwrap();
    let mut abroad = dutch_shop(vec![line("standard", eur(1), 1)]);
    for (price, wrong) in [
        (
            dollars.minor(1),
            QuoteError::MixedCurrencies(Currency::EUR, dollars),
        ),
        (eur(-1), QuoteError::NegativeDelivery),
    ] {
        let rule = DeliveryRule {
            kind: DeliveryKind::Flat { price },
            free_over: None,
        };
        abroad.delivery = Some(DeliveryInput {
            rule,
            tax: DeliveryTax::Class(class("untaxed")),
        });
        assert_eq!(quote(&abroad), Err(wrong));
    }

    let mut empty = dutch_shop(vec![]);
    assert_eq!(quote(&empty).unwrap().total, eur(0));
    empty.delivery = Some(flat(500, DeliveryTax::LikeGoods));
    assert_eq!(quote(&empty), Err(QuoteError::NothingToDeliver));

    let mut heavy = dutch_shop(vec![line("standard", eur(100), 21)]);
    let tiers = vec![WeightTier {
        up_to_grams: 2_000,
        price: eur(500),
    }];
    let rule = DeliveryRule {
        kind: DeliveryKind::ByWeight { tiers },
        free_over: None,
    };
    heavy.delivery = Some(DeliveryInput {
        rule,
        tax: DeliveryTax::LikeGoods,
    });
    assert_eq!(
        quote(&heavy),
        Err(QuoteError::TooHeavy {
            heaviest_grams: 2_000
        })
    );
}

#[test]
fn a_quote_is_stored_and_read_back_as_it_was() {
    let mut shop = dutch_shop(vec![
        line("standard", eur(3_000), 2),
        line("books", eur(1_000), 1),
    ]);
    shop.delivery = Some(flat(500, DeliveryTax::LikeGoods));
    let quote = quote(&shop).unwrap();
    let stored = serde_json::to_string(&quote).unwrap();
    assert_eq!(serde_json::from_str::<Quote>(&stored).unwrap(), quote);
    let policy = serde_json::to_string(&shop.rounding).unwrap();
    assert_eq!(policy, r#"{"rounding":"half_up","per":"line"}"#);
}

const CLASSES: [&str; 4] = ["standard", "reduced", "books", "untaxed"];
const COUNTRIES: [&str; 3] = ["NL", "DE", "US"];

fn any_currency() -> impl Strategy<Value = Currency> {
    select(vec!["EUR", "JPY", "KWD"]).prop_map(|code| Currency::parse(code).unwrap())
}

fn any_line(prices: std::ops::Range<i64>) -> impl Strategy<Value = LineInput> {
    let price = prop_oneof![1 => Just(0), 9 => prices];
    (
        select(CLASSES.to_vec()),
        price,
        prop_oneof![1_u32..5, 1_u32..=9_999],
        0_i64..5_000,
    )
        .prop_map(|(class, price, quantity, weight_grams)| LineInput {
            weight_grams,
            ..line(class, eur(price), quantity)
        })
}

fn any_delivery() -> impl Strategy<Value = DeliveryInput> {
    let price = || prop_oneof![0_i64..2_000, 0_i64..10_000_000];
    let tiers = (price(), price(), price()).prop_map(|(one, two, three)| {
        // Out of order on purpose; the heaviest carries whatever is generated here.
        let tiers = [(i64::MAX, one), (2_000, two), (500_000, three)];
        DeliveryKind::ByWeight {
            tiers: tiers
                .map(|(up_to_grams, price)| WeightTier {
                    up_to_grams,
                    price: eur(price),
                })
                .to_vec(),
        }
    });
    let kind = prop_oneof![
        price().prop_map(|price| DeliveryKind::Flat { price: eur(price) }),
        tiers,
        Just(DeliveryKind::Pickup)
    ];
    let tax = prop_oneof![
        Just(DeliveryTax::LikeGoods),
        select(CLASSES.to_vec()).prop_map(|word| DeliveryTax::Class(class(word)))
    ];
    (kind, prop::option::of(0_i64..10_000_000), tax).prop_map(|(kind, free_over, tax)| {
        DeliveryInput {
            rule: DeliveryRule {
                kind,
                free_over: free_over.map(eur),
            },
            tax,
        }
    })
}

fn any_rates() -> impl Strategy<Value = TaxRates> {
    let rate = prop_oneof![
        select(vec![0, 550, 700, 900, 1_900, 2_100, 2_550]),
        0_i64..10_000
    ];
    let rule = (
        select(COUNTRIES.to_vec()),
        select(CLASSES[..3].to_vec()),
        select(vec!["VAT", "tax"]),
        rate,
    );
    prop::collection::vec(rule, 0..9).prop_map(|rules| {
        let mut rates = TaxRates::default();
        for (place, word, name, bps) in rules {
            rates.insert(country(place), class(word), name, Rate::basis_points(bps));
        }
        rates
    })
}

prop_compose! {
    fn any_policy()(rounding in select(vec![Rounding::HalfUp, Rounding::HalfEven])) -> RoundingPolicy {
        RoundingPolicy { rounding, per: RoundPer::Line }
    }
}

prop_compose! {
    fn any_cart()(
        currency in any_currency(), prices_include_tax in any::<bool>(), rounding in any_policy(), tax_rates in any_rates(),
        home in select(COUNTRIES.to_vec()), destination in select(COUNTRIES.to_vec()),
        cross_border in select(CrossBorder::ALL.to_vec()), lines in prop::collection::vec(any_line(0..10_000_000), 1..8),
        delivery in prop::option::of(any_delivery()),
    ) -> QuoteInput {
        let (home, destination) = (country(home), country(destination));
        in_currency(QuoteInput { currency, prices_include_tax, rounding, home, destination, cross_border, tax_rates, lines, delivery })
    }
}

/// Moves every amount of a cart into the cart's currency.
fn in_currency(mut cart: QuoteInput) -> QuoteInput {
    let currency = cart.currency;
    let moved = |money: &mut Money| *money = currency.minor(money.minor());
    cart.lines
        .iter_mut()
        .for_each(|line| moved(&mut line.unit_price));
    if let Some(delivery) = &mut cart.delivery {
        delivery.rule.free_over.iter_mut().for_each(moved);
        match &mut delivery.rule.kind {
            DeliveryKind::Flat { price } => moved(price),
            DeliveryKind::ByWeight { tiers } => {
                tiers.iter_mut().map(|tier| &mut tier.price).for_each(moved);
            }
            DeliveryKind::Pickup => {}
        }
    }
    cart
}

fn sum(amounts: impl Iterator<Item = Money>) -> i64 {
    amounts.map(Money::minor).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn the_quote_is_what_slow_exact_fractions_say(cart in any_cart()) {
        let quote = quote(&cart).unwrap();
        let expected = expected(&cart);
        let minor = |money: Money| i128::from(money.minor());
        prop_assert_eq!(quote.lines.iter().map(|line| minor(line.line_total)).collect::<Vec<_>>(), expected.line_totals);
        prop_assert_eq!(quote.lines.iter().map(|line| minor(line.tax.amount)).collect::<Vec<_>>(), expected.line_taxes);
        prop_assert_eq!(minor(quote.delivery_total), expected.delivery);
        prop_assert_eq!(quote.delivery.map_or(0, |delivery| minor(delivery.tax)), expected.delivery_tax);
        prop_assert_eq!(minor(quote.total), expected.total);
    }

    #[test]
    fn every_sum_of_a_quote_adds_up(cart in any_cart()) {
        let quote = quote(&cart).unwrap();
        prop_assert_eq!(totals_add_up(&Parts::from(&quote)), Ok(()));
        // Once more by hand: the checker itself is under test.
        let on_top = if cart.prices_include_tax { 0 } else { sum(quote.lines.iter().map(|line| line.tax.amount)) + quote.delivery.as_ref().map_or(0, |delivery| delivery.tax.minor()) };
        prop_assert_eq!(sum(quote.lines.iter().map(|line| line.line_total)) + quote.delivery_total.minor() + on_top, quote.total.minor());
        prop_assert_eq!(quote.total.currency(), cart.currency);
    }

    #[test]
    fn tax_lines_add_up_to_the_taxes_and_nets_of_everything(cart in any_cart()) {
        let quote = quote(&cart).unwrap();
        let delivery_tax = quote.delivery.as_ref().map_or(0, |delivery| delivery.tax.minor());
        let taxes = sum(quote.lines.iter().map(|line| line.tax.amount)) + delivery_tax;
        prop_assert_eq!(sum(quote.tax_lines.iter().map(|tax| tax.tax)), taxes);
        prop_assert_eq!(quote.tax_included.minor() + quote.tax_added.minor(), taxes);
        let mut keys: Vec<_> = quote.tax_lines.iter().map(|tax| (tax.rate, tax.name.clone())).collect();
        keys.sort();
        keys.dedup();
        prop_assert_eq!(keys.len(), quote.tax_lines.len());
        if quote.reasons.iter().all(|reason| !matches!(reason, Reason::NotTaxed { .. })) {
            prop_assert_eq!(sum(quote.tax_lines.iter().map(|tax| tax.taxable)), quote.total.minor() - taxes);
        }
    }

    #[test]
    fn the_order_of_lines_changes_nothing_but_the_order_of_lines(cart in any_cart(), places in prop::collection::vec(any::<Index>(), 8)) {
        let mut mixed = cart.clone();
        for (place, other) in places.iter().enumerate().take(mixed.lines.len()) {
            let other = other.index(mixed.lines.len());
            mixed.lines.swap(place, other);
        }
        let (one, mut other) = (quote(&cart).unwrap(), quote(&mixed).unwrap());
        other.lines.clone_from(&one.lines);
        prop_assert_eq!(one, other);
    }

    #[test]
    fn a_line_split_in_two_costs_the_same_but_for_one_rounding_of_an_added_tax(cart in any_cart(), place in any::<Index>(), cut in 1_u32..9_999) {
        let mut cart = cart;
        let place = place.index(cart.lines.len());
        let pieces = cart.lines[place].quantity.get().max(2);
        cart.lines[place].quantity = Quantity::new(pieces).unwrap();
        let mut split = cart.clone();
        let line = &mut split.lines[place];
        let cut = cut % (line.quantity.get() - 1) + 1;
        let mut rest = line.clone();
        rest.quantity = Quantity::new(line.quantity.get() - cut).unwrap();
        line.quantity = Quantity::new(cut).unwrap();
        split.lines.push(rest);
        let (whole, split) = (quote(&cart).unwrap(), quote(&split).unwrap());
        prop_assert_eq!((whole.subtotal, whole.delivery_total), (split.subtotal, split.delivery_total));
        let apart = (whole.total.minor() - split.total.minor()).abs();
        prop_assert!(apart <= i64::from(!cart.prices_include_tax), "{apart} apart");
        prop_assert!((whole.tax_included.minor() - split.tax_included.minor()).abs() <= 1);
    }

    // With a threshold for free delivery, or delivery taxed like a mix of goods, one more thing may well cost less.
    #[test]
    fn one_more_line_never_lowers_the_total(cart in any_cart(), more in any_line(0..10_000_000), price in 0_i64..10_000) {
        let mut cart = cart;
        cart.delivery = Some(flat(price, DeliveryTax::Class(class("standard"))));
        cart = in_currency(cart);
        let before = quote(&cart).unwrap();
        cart.lines.push(more);
        let after = quote(&in_currency(cart)).unwrap();
        prop_assert!(before.total.minor() <= after.total.minor() && before.tax_added.minor() <= after.tax_added.minor());
    }

    #[test]
    fn the_largest_amounts_overflow_and_do_nothing_worse(
        cart in any_cart(), huge in prop::collection::vec((any::<i64>(), any::<i64>(), prop::option::of(any::<i64>())), 8), delivery in any::<i64>(), rate in 0_i64..=100_000,
    ) {
        let mut cart = cart;
        for (line, (price, weight, before)) in cart.lines.iter_mut().zip(&huge) {
            line.unit_price = cart.currency.minor(price.saturating_abs());
            line.compare_at = before.map(|before| cart.currency.minor(before));
            line.weight_grams = weight.saturating_abs();
        }
        cart.tax_rates.insert(cart.destination, class("standard"), "VAT", Rate::basis_points(rate));
        if let Some(chosen) = &mut cart.delivery {
            chosen.rule.kind = DeliveryKind::Flat { price: cart.currency.minor(delivery.saturating_abs()) };
        }
        match quote(&cart) {
            Ok(quote) => prop_assert_eq!(totals_add_up(&Parts::from(&quote)), Ok(())),
            Err(error) => prop_assert_eq!(error, QuoteError::Overflow),
        }
    }

    #[test]
    fn one_price_near_the_limit_is_still_quoted_exactly(price in (i64::MAX / 4)..=(i64::MAX / 2), destination in select(COUNTRIES.to_vec())) {
        let mut cart = dutch_shop(vec![line("standard", eur(price), 1)]);
        cart.destination = country(destination);
        cart.delivery = Some(flat(499, DeliveryTax::LikeGoods));
        let quote = quote(&cart).unwrap();
        prop_assert_eq!(i128::from(quote.total.minor()), expected(&cart).total);
        prop_assert_eq!(i128::from(quote.tax_included.minor()), expected(&cart).line_taxes[0] + expected(&cart).delivery_tax);
    }
}
