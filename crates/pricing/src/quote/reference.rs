//! The judge of the property tests: the same rules once more, slow and obvious, in exact fractions of i128.

use kernel::{Money, Rate, Rounding};

use super::{CrossBorder, DeliveryTax, QuoteInput, TaxClass};
use crate::delivery::DeliveryKind;

/// What a quote must come to.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) line_totals: Vec<i128>,
    pub(super) line_taxes: Vec<i128>,
    pub(super) delivery: i128,
    pub(super) delivery_tax: i128,
    pub(super) total: i128,
}

pub(super) fn expected(input: &QuoteInput) -> Expected {
    let mut line_totals = Vec::new();
    let mut line_taxes = Vec::new();
    for line in &input.lines {
        let mut unit = i128::from(line.unit_price.minor());
        let home = rate(input, input.home, &line.tax_class);
        let there = rate(input, input.destination, &line.tax_class);
        if input.prices_include_tax && home != there && input.cross_border == CrossBorder::NetFixed
        {
            unit = round(input, unit * (10_000 + there), 10_000 + home);
        }
        let total = unit * i128::from(line.quantity.get());
        line_totals.push(total);
        line_taxes.push(tax(input, total, there));
    }
    let subtotal: i128 = line_totals.iter().sum();
    let (delivery, delivery_tax) = delivery(input, &line_totals, subtotal);
    let mut total = subtotal + delivery;
    if !input.prices_include_tax {
        total += line_taxes.iter().sum::<i128>() + delivery_tax;
    }
    Expected {
        line_totals,
        line_taxes,
        delivery,
        delivery_tax,
        total,
    }
}

fn delivery(input: &QuoteInput, line_totals: &[i128], subtotal: i128) -> (i128, i128) {
    let Some(chosen) = &input.delivery else {
        return (0, 0);
    };
    let weight: i64 = input
        .lines
        .iter()
        .map(|line| line.weight_grams * i64::from(line.quantity.get()))
        .sum();
    let mut price = match &chosen.rule.kind {
        DeliveryKind::Flat { price } => i128::from(price.minor()),
        DeliveryKind::ByWeight { tiers } => {
            let mut tiers = tiers.clone();
            tiers.sort_by_key(|tier| tier.up_to_grams);
            i128::from(
                tiers
                    .iter()
                    .find(|tier| weight <= tier.up_to_grams)
                    .unwrap()
                    .price
                    .minor(),
            )
        }
        DeliveryKind::Pickup => 0,
    };
    if chosen
        .rule
        .free_over
        .is_some_and(|threshold: Money| subtotal >= i128::from(threshold.minor()))
    {
        price = 0;
    }
    let tax = match &chosen.tax {
        DeliveryTax::Class(class) => tax(input, price, rate(input, input.destination, class)),
        DeliveryTax::LikeGoods => tax_like_goods(input, line_totals, price),
    };
    (price, tax)
}

fn tax_like_goods(input: &QuoteInput, line_totals: &[i128], price: i128) -> i128 {
    // (name, rate, worth), ordered by name and rate
    let mut goods: Vec<(String, i128, i128)> = Vec::new();
    for (line, total) in input.lines.iter().zip(line_totals) {
        let worth = if line_totals.iter().all(|total| *total == 0) {
            i128::from(line.quantity.get())
        } else {
            *total
        };
        let rule = input.tax_rates.find(input.destination, &line.tax_class);
        let name = rule.map_or(String::new(), |rule| rule.name.clone());
        let rate = rule.map_or(0, |rule| i128::from(rule.rate.bps()));
        match goods
            .iter_mut()
            .find(|known| known.0 == name && known.1 == rate)
        {
            Some(known) => known.2 += worth,
            None => goods.push((name, rate, worth)),
        }
    }
    goods.sort();
    let all: i128 = goods.iter().map(|known| known.2).sum();
    let mut parts: Vec<i128> = goods.iter().map(|known| price * known.2 / all).collect();
    while parts.iter().sum::<i128>() < price {
        // One minor unit to the one who misses most; the first of equals.
        let missing = |place: usize| price * goods[place].2 - parts[place] * all;
        let next = (0..goods.len())
            .rev()
            .max_by_key(|place| missing(*place))
            .unwrap();
        parts[next] += 1;
    }
    goods
        .iter()
        .zip(parts)
        .map(|(known, part)| tax(input, part, known.1))
        .sum()
}

fn rate(input: &QuoteInput, country: kernel::Country, class: &TaxClass) -> i128 {
    i128::from(
        input
            .tax_rates
            .find(country, class)
            .map_or(Rate::ZERO, |rule| rule.rate)
            .bps(),
    )
}

fn tax(input: &QuoteInput, price: i128, rate: i128) -> i128 {
    if input.prices_include_tax {
        round(input, price * rate, 10_000 + rate)
    } else {
        round(input, price * rate, 10_000)
    }
}

/// `over / under`, both not negative, to the nearest whole number.
fn round(input: &QuoteInput, over: i128, under: i128) -> i128 {
    let (down, rest) = (over / under, over % under);
    let up = match input.rounding.rounding {
        Rounding::HalfUp => rest * 2 >= under,
        Rounding::HalfEven => rest * 2 > under || (rest * 2 == under && down % 2 == 1),
    };
    if up { down + 1 } else { down }
}
