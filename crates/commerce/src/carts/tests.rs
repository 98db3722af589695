//! Carts, on both databases.

use kernel::address::AddressInput;
use kernel::time::{DAY, MINUTE};
use kernel::{CartLineId, Ids, Quantity, RandomIds, Secret, TextError, VariantId};

use super::{
    AddToCart, Added, CartError, CheckoutForm, LineState, MAX_LINES, QuantitySet, add_to_cart,
    forget_expired, item_count, remove_line, save_checkout_form, set_quantity,
};
use crate::on_both;
use crate::shop::Shopper;
use crate::testing::{Answering, TestShop, an_address, euros, pieces};

async fn add(
    shop: &TestShop,
    visitor: Option<&Secret>,
    (variant, count): (&VariantId, u32),
) -> Result<Added, CartError> {
    let cmd = AddToCart {
        variant_id: variant.clone(),
        quantity: pieces(count),
    };
    add_to_cart(&shop.shop, visitor.cloned(), cmd).await
}

/// A visitor with one thing in the cart, and the line it stands on.
async fn visitor_with(shop: &TestShop, variant: &VariantId, count: u32) -> (Shopper, CartLineId) {
    let added = add(shop, None, (variant, count)).await.unwrap();
    let shopper = Shopper {
        visitor: added.visitor,
    };
    (shopper, added.line_id)
}

async fn count(shop: &TestShop, shopper: &Shopper) -> u32 {
    let visitor = shopper.visitor.clone();
    shop.read(move |tx| Ok(item_count(tx, &visitor)?)).await
}

#[test]
fn a_quantity_below_one_or_above_9999_cannot_be_said() {
    assert_eq!(Quantity::new(0), Err(TextError::NotAQuantity));
    assert_eq!(Quantity::new(10_000), Err(TextError::NotAQuantity));
    assert_eq!(Quantity::new(u32::MAX), Err(TextError::NotAQuantity));
    for text in [
        "0",
        "-1",
        "+1",
        "1.0",
        "1e3",
        "0.5",
        "NaN",
        "2147483648",
        "9223372036854775808",
        "",
        " ",
        "１",
        "10000",
    ] {
        assert!(text.parse::<Quantity>().is_err(), "{text:?}");
    }
    assert_eq!("9999".parse::<Quantity>().unwrap().get(), 9_999);
}

on_both! {
    async fn a_first_piece_makes_a_cart_and_a_second_joins_its_line(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 5).await;
        let bowl = shop.product("Moor bowl", euros(3_200), 5).await;
        let first = add(shop, None, (&vase, 2)).await.unwrap();
        let again = add(shop, Some(&first.visitor), (&vase, 1)).await.unwrap();
        assert_eq!((again.line_id, again.quantity), (first.line_id.clone(), pieces(3)));
        assert_eq!(again.visitor, first.visitor);
        shop.clock.advance(1);
        add(shop, Some(&first.visitor), (&bowl, 1)).await.unwrap();
        let shopper = Shopper { visitor: first.visitor };
        let cart = shop.cart(&shopper).await.unwrap();
        let lines: Vec<_> = cart.lines.iter().map(|line| (line.title.as_str(), line.quantity.get(), line.unit_price)).collect();
        assert_eq!(lines, [("Tarn vase", 3, euros(6_800)), ("Moor bowl", 1, euros(3_200))]);
        assert_eq!(count(shop, &shopper).await, 4);
        shop.assert_clean().await;
    }

    async fn a_secret_nobody_gave_out_begins_a_cart_of_its_own(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 5).await;
        let forged = RandomIds.secret();
        let added = add(shop, Some(&forged), (&vase, 1)).await.unwrap();
        assert_ne!(added.visitor, forged, "the shop chooses the secrets");
        let hashes: Vec<(String,)> = shop.rows("SELECT token_hash FROM carts").await;
        assert_eq!(hashes.len(), 1);
        assert!(!hashes[0].0.contains(added.visitor.expose()), "only the hash is kept");
    }

    async fn more_than_there_is_does_not_go_into_the_cart_and_leaves_it_as_it_was(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        assert!(matches!(add(shop, None, (&vase, 4)).await, Err(CartError::OutOfStock { left: 3 })));
        let (shopper, line) = visitor_with(shop, &vase, 2).await;
        assert!(matches!(add(shop, Some(&shopper.visitor), (&vase, 2)).await, Err(CartError::OutOfStock { left: 3 })));
        assert_eq!(count(shop, &shopper).await, 2);
        let set = set_quantity(&shop.shop, &shopper, line.clone(), pieces(9_999)).await.unwrap();
        assert_eq!(set, QuantitySet { quantity: pieces(3), reduced: true });
        let set = set_quantity(&shop.shop, &shopper, line.clone(), pieces(1)).await.unwrap();
        assert_eq!(set, QuantitySet { quantity: pieces(1), reduced: false });
        let home = shop.location.clone();
        shop.adjust((&vase, &home), -3).await.unwrap();
        assert!(matches!(set_quantity(&shop.shop, &shopper, line, pieces(2)).await, Err(CartError::OutOfStock { left: 0 })));
        assert_eq!(count(shop, &shopper).await, 1);
    }

    async fn a_line_never_holds_more_than_9999_pieces(shop: &TestShop) {
        let nail = shop.product("Nail", euros(5), 20_000).await;
        let (shopper, _) = visitor_with(shop, &nail, 9_999).await;
        assert!(matches!(add(shop, Some(&shopper.visitor), (&nail, 1)).await, Err(CartError::OutOfStock { left: 9_999 })));
        assert_eq!(count(shop, &shopper).await, 9_999);
    }

    async fn a_line_taken_out_says_what_it_was_so_that_it_can_come_back(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let (shopper, line) = visitor_with(shop, &vase, 2).await;
        let removed = remove_line(&shop.shop, &shopper, line.clone()).await.unwrap();
        assert_eq!((&removed.variant_id, removed.quantity), (&vase, pieces(2)));
        assert!(matches!(remove_line(&shop.shop, &shopper, line.clone()).await, Err(CartError::NoSuchLine)));
        assert!(matches!(set_quantity(&shop.shop, &shopper, line, pieces(1)).await, Err(CartError::NoSuchLine)));
        assert_eq!(count(shop, &shopper).await, 0);
        add(shop, Some(&shopper.visitor), (&removed.variant_id, removed.quantity.get())).await.unwrap();
        assert_eq!(count(shop, &shopper).await, 2);
    }

    async fn another_visitors_cart_cannot_be_reached(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        let (victim, line) = visitor_with(shop, &vase, 2).await;
        let (stranger, _) = visitor_with(shop, &vase, 1).await;
        let nobody = Shopper { visitor: RandomIds.secret() };
        for other in [&stranger, &nobody] {
            assert!(matches!(remove_line(&shop.shop, other, line.clone()).await, Err(CartError::NoSuchLine)));
            assert!(matches!(set_quantity(&shop.shop, other, line.clone(), pieces(5)).await, Err(CartError::NoSuchLine)));
        }
        assert!(matches!(save_checkout_form(&shop.shop, &nobody, CheckoutForm::default()).await, Err(CartError::NoSuchLine)));
        assert!(shop.cart(&nobody).await.is_none());
        assert_eq!((count(shop, &victim).await, count(shop, &stranger).await, count(shop, &nobody).await), (2, 1, 0));
    }

    async fn what_is_not_on_the_shelf_cannot_be_put_into_a_cart(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let (shopper, _) = visitor_with(shop, &vase, 2).await;
        for status in ["archived", "draft"] {
            shop.tamper(&format!("UPDATE products SET status = '{status}'")).await;
            assert!(matches!(add(shop, None, (&vase, 1)).await, Err(CartError::NotForSale)), "{status}");
        }
        let unknown = VariantId::new(&RandomIds);
        assert!(matches!(add(shop, None, (&unknown, 1)).await, Err(CartError::NotForSale)));
        let quote = shop.quote(&shopper).await;
        assert_eq!((quote.lines[0].state, quote.lines[0].counts), (LineState::Gone, None));
        assert_eq!((quote.quote.total, quote.item_count()), (euros(0), 0));
    }

    async fn a_cart_holds_a_hundred_different_things_and_no_more(shop: &TestShop) {
        let first = shop.product("Thing", euros(100), 9).await;
        let (shopper, _) = visitor_with(shop, &first, 1).await;
        let mut last = first.clone();
        for number in 2..=MAX_LINES {
            last = shop.product(&format!("Thing {number}"), euros(100), 9).await;
            add(shop, Some(&shopper.visitor), (&last, 1)).await.unwrap();
        }
        let one_more = shop.product("One more thing", euros(100), 9).await;
        assert!(matches!(add(shop, Some(&shopper.visitor), (&one_more, 1)).await, Err(CartError::Full)));
        add(shop, Some(&shopper.visitor), (&last, 1)).await.unwrap();
        assert_eq!(count(shop, &shopper).await, 101);
    }

    async fn a_changed_price_is_shown_and_counts_once_it_was_seen(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let (shopper, _) = visitor_with(shop, &vase, 2).await;
        assert_eq!(shop.quote(&shopper).await.lines[0].state, LineState::Ok);
        shop.reprice(&vase, 7_000).await;
        let quote = shop.quote(&shopper).await;
        let line = &quote.lines[0];
        assert_eq!((line.state, line.line.seen_price, line.line.unit_price), (LineState::PriceChanged, euros(6_800), euros(7_000)));
        assert_eq!(quote.quote.subtotal, euros(14_000), "what is owed is today's price");
        shop.fill_in(&shopper).await;
        assert_eq!(shop.quote(&shopper).await.lines[0].state, LineState::Ok);
    }

    async fn a_line_is_cut_to_what_is_there_and_none_is_sold_out(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let bowl = shop.product("Moor bowl", euros(3_200), 1).await;
        let shopper = shop.ready_shopper(&[(&vase, 3), (&bowl, 1)]).await;
        let home = shop.location.clone();
        shop.adjust((&vase, &home), -1).await.unwrap();
        shop.adjust((&bowl, &home), -1).await.unwrap();
        let quote = shop.quote(&shopper).await;
        let states: Vec<_> = quote.lines.iter().map(|line| (line.state, line.counts, line.total)).collect();
        assert_eq!(states, [(LineState::Reduced { left: 2 }, Some(pieces(2)), euros(13_600)), (LineState::SoldOut, None, euros(0))]);
        assert_eq!((quote.quote.total, quote.item_count()), (euros(13_600), 2));
        assert_eq!(count(shop, &shopper).await, 4, "the wish is kept: the stock may come back");
    }

    async fn while_a_payment_is_under_way_the_cart_stands_still(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let shopper = shop.ready_shopper(&[(&vase, 3)]).await;
        let line = shop.cart(&shopper).await.unwrap().lines[0].id.clone();
        shop.gateway.answers(Answering::Page);
        shop.place(&shopper).await.unwrap();
        assert!(matches!(add(shop, Some(&shopper.visitor), (&vase, 1)).await, Err(CartError::CheckoutInProgress)));
        assert!(matches!(set_quantity(&shop.shop, &shopper, line.clone(), pieces(1)).await, Err(CartError::CheckoutInProgress)));
        assert!(matches!(remove_line(&shop.shop, &shopper, line.clone()).await, Err(CartError::CheckoutInProgress)));
        assert!(matches!(save_checkout_form(&shop.shop, &shopper, CheckoutForm::default()).await, Err(CartError::CheckoutInProgress)));
        let quote = shop.quote(&shopper).await;
        assert_eq!((quote.lines[0].state, quote.quote.total), (LineState::Ok, euros(20_400)), "what is held for this cart is not sold out for its shopper");
        assert_eq!(shop.available(&vase).await, 0);
        shop.clock.advance(30 * MINUTE);
        remove_line(&shop.shop, &shopper, line).await.unwrap();
    }

    async fn after_an_order_the_next_piece_begins_a_new_cart(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        shop.placed(&shopper).await;
        assert_eq!(count(shop, &shopper).await, 0);
        let line = shop.cart(&shopper).await.unwrap().lines[0].id.clone();
        assert!(matches!(remove_line(&shop.shop, &shopper, line).await, Err(CartError::NoSuchLine)), "what became an order stays as it is");
        let added = add(shop, Some(&shopper.visitor), (&vase, 1)).await.unwrap();
        assert_ne!(added.visitor, shopper.visitor);
        shop.assert_clean().await;
    }

    async fn what_was_typed_is_kept_faults_and_all(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let (shopper, _) = visitor_with(shop, &vase, 1).await;
        let form = CheckoutForm {
            email: Some("not an address".to_owned()),
            address: Some(AddressInput { name: String::new(), postcode: "ZZZ'; --".to_owned(), country: "XX".to_owned(), ..an_address() }),
            delivery_method_id: Some(shop.post.clone()),
            payment_method: Some("cowrie shells".to_owned()),
        };
        save_checkout_form(&shop.shop, &shopper, form.clone()).await.unwrap();
        assert_eq!(shop.cart(&shopper).await.unwrap().form, form);
        save_checkout_form(&shop.shop, &shopper, CheckoutForm::default()).await.unwrap();
        assert_eq!(shop.cart(&shopper).await.unwrap().form, CheckoutForm::default());
    }

    async fn a_cart_of_the_currency_the_shop_once_sold_in_is_left_alone(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let (shopper, _) = visitor_with(shop, &vase, 1).await;
        shop.tamper("UPDATE carts SET currency = 'SEK'").await;
        let added = add(shop, Some(&shopper.visitor), (&vase, 1)).await.unwrap();
        assert_ne!(added.visitor, shopper.visitor);
        let fresh = shop.quote(&Shopper { visitor: added.visitor }).await;
        assert_eq!(fresh.quote.subtotal, euros(6_800));
    }

    async fn carts_nobody_came_back_to_are_forgotten_but_never_one_that_began_an_order(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        let (left_alone, _) = visitor_with(shop, &vase, 1).await;
        let (came_back, line) = visitor_with(shop, &vase, 1).await;
        let ordered = shop.ready_shopper(&[(&vase, 1)]).await;
        shop.placed(&ordered).await;
        shop.clock.advance(30 * DAY - 1);
        let forget = || {
            let now = shop.shop.clock.now();
            let done = shop.shop.db.write(move |tx| forget_expired(tx, now, 200));
            async move { done.await.unwrap() }
        };
        assert_eq!(forget().await, 0);
        set_quantity(&shop.shop, &came_back, line, pieces(2)).await.unwrap();
        shop.clock.advance(1);
        assert_eq!(forget().await, 1);
        assert!(shop.cart(&left_alone).await.is_none());
        assert_eq!(count(shop, &came_back).await, 2);
        shop.clock.advance(30 * DAY);
        assert_eq!(forget().await, 1);
        let left: Vec<(i64,)> = shop.rows("SELECT COUNT(*) FROM carts").await;
        assert_eq!(left, [(1,)], "the one behind the order");
        shop.assert_clean().await;
    }

    async fn twenty_clicks_at_once_are_twenty_pieces_on_one_line(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 15).await;
        let (shopper, _) = visitor_with(shop, &vase, 1).await;
        let clicks: Vec<_> = (0..20).map(|_| {
            let (node, visitor, variant_id) = (shop.shop.clone(), shopper.visitor.clone(), vase.clone());
            tokio::spawn(async move { add_to_cart(&node, Some(visitor), AddToCart { variant_id, quantity: pieces(1) }).await })
        }).collect();
        let mut added = 0;
        for click in clicks {
            match click.await.unwrap() {
                Ok(_) => added += 1,
                Err(CartError::OutOfStock { left: 15 }) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert_eq!((added, count(shop, &shopper).await), (14, 15));
    }
}
