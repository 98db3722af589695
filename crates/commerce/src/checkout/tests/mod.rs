//! Checkout, on both databases.

mod answers;
mod awaited;
mod races;

use kernel::address::AddressInput;
use kernel::time::HOUR;

use super::{PlaceOrderError, Placement, Requirement, payment_methods, requirements, status_url};
use crate::carts::{CheckoutForm, remove_line, save_checkout_form};
use crate::on_both;
use crate::orders::{FulfillmentStatus, OrderStatus, PaymentStatus};
use crate::settings;
use crate::testing::{Answering, an_address, euros};

/// Something done to a form.
type Change = Box<dyn Fn(&mut CheckoutForm)>;

on_both! {
    async fn a_paid_cart_becomes_one_order_and_its_stock_is_promised(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let shopper = shop.ready_shopper(&[(&vase, 2)]).await;
        let Placement::Placed(order) = shop.place(&shopper).await.unwrap() else { panic!("it is placed") };
        assert_eq!(order.number, Some(1_001));
        assert_eq!((order.status, order.payment_status, order.fulfillment_status), (OrderStatus::Placed, PaymentStatus::Authorized, FulfillmentStatus::Unfulfilled));
        assert_eq!(order.total, euros(13_600));
        assert_eq!(shop.figures(&vase).await, (3, 2, 0));
        assert_eq!(shop.gateway.charges(), [13_600]);
        shop.assert_clean().await;
    }

    async fn a_second_click_on_place_order_returns_the_same_order(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        let total = shop.total(&shopper).await;
        let first = shop.place_having_seen(&shopper, total).await.unwrap();
        let again = shop.place_having_seen(&shopper, total).await.unwrap();
        assert_eq!(first, again);
        assert_eq!(shop.gateway.charges().len(), 1);
        shop.assert_clean().await;
    }

    async fn a_placed_order_is_confirmed_once_and_its_money_taken(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let order = shop.ordered(&[(&vase, 1)]).await;
        shop.run_jobs().await;
        shop.let_pass(2 * HOUR).await;
        assert_eq!(shop.mailbox.subjects(), ["Your order 1001 at Wrenfold"]);
        assert_eq!(shop.gateway.moved(), (6_800, 0));
        assert_eq!(shop.order(&order.id).await.payment_status, PaymentStatus::Paid);
        assert_eq!(shop.dead_jobs().await, []);
        shop.assert_clean().await;
    }

    async fn another_total_than_the_one_seen_stops_before_any_money_moves(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(5_000), 3).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        let seen = shop.total(&shopper).await;
        assert_eq!(seen, euros(5_490));
        shop.reprice(&vase, 5_500).await;
        let refused = shop.place_having_seen(&shopper, seen).await.unwrap_err();
        assert!(matches!(refused, PlaceOrderError::TotalChanged { seen, now } if (seen, now) == (euros(5_490), euros(5_990))), "{refused}");
        for absurd in [euros(0), euros(-1), euros(i64::MAX), kernel::Currency::parse("JPY").unwrap().minor(5_990)] {
            assert!(matches!(shop.place_having_seen(&shopper, absurd).await, Err(PlaceOrderError::TotalChanged { .. })));
        }
        assert_eq!((shop.gateway.asked(), shop.figures(&vase).await), (0, (3, 0, 0)));
        assert_eq!(shop.rows::<(i64,)>("SELECT COUNT(*) FROM orders").await, [(0,)], "nothing is left of it");
        shop.placed(&shopper).await;
        assert_eq!(shop.gateway.charges(), [5_990]);
        shop.assert_clean().await;
    }

    async fn stock_that_went_meanwhile_stops_before_any_money_moves(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 2).await;
        let slow = shop.ready_shopper(&[(&vase, 2)]).await;
        let seen = shop.total(&slow).await;
        shop.ordered(&[(&vase, 1)]).await;
        let asked = shop.gateway.asked();
        assert!(matches!(shop.place_having_seen(&slow, seen).await, Err(PlaceOrderError::TotalChanged { .. })));
        shop.ordered(&[(&vase, 1)]).await;
        assert!(matches!(shop.place_having_seen(&slow, seen).await, Err(PlaceOrderError::EmptyCart)));
        assert_eq!(shop.gateway.asked(), asked + 1);
        shop.assert_clean().await;
    }

    async fn an_empty_bag_and_no_bag_place_nothing(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 2).await;
        let shopper = shop.ready_shopper(&[(&vase, 2)]).await;
        let line = shop.cart(&shopper).await.unwrap().lines[0].id.clone();
        remove_line(&shop.shop, &shopper, line).await.unwrap();
        assert!(matches!(shop.place_having_seen(&shopper, euros(0)).await, Err(PlaceOrderError::EmptyCart)));
        let nobody = crate::Shopper { visitor: kernel::Ids::secret(&kernel::RandomIds) };
        assert!(matches!(shop.place_having_seen(&nobody, euros(0)).await, Err(PlaceOrderError::EmptyCart)));
    }

    async fn the_list_of_what_is_missing_is_exactly_what_completion_refuses(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        let good = shop.cart(&shopper).await.unwrap().form;
        let unknown = kernel::DeliveryMethodId::new(&kernel::RandomIds);
        let changes: Vec<(&str, Change, usize)> = vec![
            ("all", Box::new(|form| *form = CheckoutForm::default()), 6),
            ("no e-mail", Box::new(|form| form.email = None), 1),
            ("no real e-mail", Box::new(|form| form.email = Some("noor@".to_owned())), 1),
            ("no postcode", Box::new(|form| form.address = Some(AddressInput { postcode: String::new(), ..an_address() })), 1),
            ("a wrong postcode", Box::new(|form| form.address = Some(AddressInput { postcode: "12".to_owned(), ..an_address() })), 1),
            ("no delivery", Box::new(|form| form.delivery_method_id = None), 1),
            ("an unknown delivery", Box::new(move |form| form.delivery_method_id = Some(unknown.clone())), 1),
            ("a country nobody delivers to", Box::new(|form| form.address = Some(AddressInput { country: "IS".to_owned(), postcode: "101".to_owned(), ..an_address() })), 1),
            ("no payment", Box::new(|form| form.payment_method = None), 1),
            ("an unknown payment", Box::new(|form| form.payment_method = Some("shells".to_owned())), 1),
            ("e-mail and payment", Box::new(|form| { form.email = None; form.payment_method = None; }), 2),
        ];
        for (what, change, least) in changes {
            let mut form = good.clone();
            change(&mut form);
            save_checkout_form(&shop.shop, &shopper, form.clone()).await.unwrap();
            let (cart, quote) = (shop.cart(&shopper).await.unwrap(), shop.quote(&shopper).await);
            let settings = shop.read(|tx| Ok(settings::load(tx)?)).await;
            let listed = requirements(&cart, &quote, &payment_methods(&settings, &shop.shop.gateways));
            let method = form.payment_method.unwrap_or_default();
            let refused = shop.place_by(&shopper, &method).await;
            let Err(PlaceOrderError::Incomplete(missing)) = refused else { panic!("{what}: {refused:?}") };
            assert_eq!(missing, listed, "{what}");
            assert!(listed.len() >= least, "{what}: {listed:?}");
        }
        assert_eq!((shop.gateway.asked(), shop.orders_placed().await), (0, 0));
        save_checkout_form(&shop.shop, &shopper, good).await.unwrap();
        shop.placed(&shopper).await;
    }

    async fn a_country_nobody_delivers_to_is_named(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        let form = CheckoutForm {
            address: Some(AddressInput { country: "IS".to_owned(), postcode: "101".to_owned(), city: "Reykjavik".to_owned(), ..an_address() }),
            ..shop.cart(&shopper).await.unwrap().form
        };
        save_checkout_form(&shop.shop, &shopper, form).await.unwrap();
        let Err(PlaceOrderError::Incomplete(missing)) = shop.place(&shopper).await else { panic!("it is refused") };
        assert_eq!(missing, [Requirement::NothingCarriesThis(kernel::Country::parse("IS").unwrap())]);
    }

    async fn goods_for_nothing_with_free_delivery_need_no_gateway(shop: &TestShop) {
        let sample = shop.product("Sample", euros(0), 2).await;
        let shopper = shop.ready_shopper(&[(&sample, 1)]).await;
        let mut form = shop.cart(&shopper).await.unwrap().form;
        form.delivery_method_id = Some(shop.free_post().await);
        form.payment_method = None;
        save_checkout_form(&shop.shop, &shopper, form.clone()).await.unwrap();
        let Placement::Placed(order) = shop.place_by(&shopper, "").await.unwrap() else { panic!("it is placed") };
        assert_eq!((order.number, order.total, order.payment_status), (Some(1_001), euros(0), PaymentStatus::None));
        assert_eq!(shop.place_having_seen(&shopper, euros(0)).await.unwrap(), Placement::Placed(order.clone()));
        shop.run_jobs().await;
        assert_eq!(shop.rows::<(String, Option<String>)>("SELECT kind, last_error FROM jobs").await, [], "its mail is written as well");
        assert_eq!((shop.gateway.asked(), shop.payments(&order.id).await.len()), (0, 0));
        assert_eq!(shop.mailbox.subjects().len(), 1);
        shop.let_pass(20 * kernel::time::DAY).await;
        assert_eq!(shop.order(&order.id).await.status, OrderStatus::Placed, "nobody waits for money that is not owed");
        shop.ship(&order.id, &[(0, 1)], "parcel").await.unwrap();
        assert_eq!(shop.order(&order.id).await.status, OrderStatus::Completed);
        shop.assert_clean().await;
    }

    async fn goods_for_nothing_that_are_fetched_need_no_gateway_but_paid_post_does(shop: &TestShop) {
        let sample = shop.product("Sample", euros(0), 5).await;
        let shopper = shop.ready_shopper(&[(&sample, 1)]).await;
        let mut form = shop.cart(&shopper).await.unwrap().form;
        assert_eq!(shop.total(&shopper).await, euros(490));
        assert!(matches!(shop.place_by(&shopper, "").await, Err(PlaceOrderError::Incomplete(missing)) if missing == [Requirement::ChoosePayment]));
        form.delivery_method_id = Some(shop.pickup().await);
        save_checkout_form(&shop.shop, &shopper, form).await.unwrap();
        let Placement::Placed(order) = shop.place_by(&shopper, "").await.unwrap() else { panic!("it is placed") };
        assert!(order.delivery.pickup && order.total.is_zero());
        assert_eq!(shop.figures(&sample).await, (5, 1, 0));
        shop.assert_clean().await;
    }

    async fn prices_without_tax_have_it_on_top_and_are_charged_as_shown(shop: &TestShop) {
        shop.set(|settings| settings.selling.prices_include_tax = false).await;
        let vase = shop.product("Tarn vase", euros(1_999), 3).await;
        let shopper = shop.ready_shopper(&[(&vase, 2)]).await;
        let order = shop.placed(&shopper).await;
        // 39.98 and 4.90, with 21 % on each: 8.40 and 1.03.
        assert_eq!((order.subtotal, order.delivery.price, order.tax_added, order.tax_included), (euros(3_998), euros(490), euros(943), euros(0)));
        assert_eq!(order.total, euros(5_431));
        assert_eq!(shop.gateway.charges(), [5_431]);
        let line = &shop.lines(&order.id).await[0];
        assert_eq!((line.tax, line.tax_included, line.tax_rate.bps()), (euros(840), false, 2_100));
        shop.assert_clean().await;
    }

    async fn nothing_edited_in_the_catalogue_changes_a_placed_order(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        let shopper = shop.ready_shopper(&[(&vase, 2)]).await;
        let order = shop.placed(&shopper).await;
        let before = (shop.order(&order.id).await, shop.lines(&order.id).await);
        for sql in [
            "UPDATE products SET title = 'Something else', slug = 'something-else', status = 'archived', tax_class = 'reduced'",
            "UPDATE variants SET sku = 'OTHER', title = 'XXL', weight_grams = 9, stock_tracked = (1 = 0)",
            "UPDATE tax_rates SET rate_bps = 9900, name = 'Robbery'",
            "UPDATE delivery_methods SET name = 'By snail', active = (1 = 0), min_days = 99, max_days = 100",
            "UPDATE settings SET body = '{}'",
        ] {
            shop.tamper(sql).await;
        }
        shop.reprice(&vase, 1).await;
        assert_eq!((shop.order(&order.id).await, shop.lines(&order.id).await), before);
        shop.run_jobs().await;
        shop.ship(&order.id, &[(0, 2)], "parcel").await.unwrap();
        let refunded = shop.refund(&order.id, &[(0, 2)], "refund").await.unwrap();
        assert_eq!(refunded, crate::orders::MoneyMoved::Done);
        assert_eq!(shop.gateway.moved(), (13_600, 13_600), "money goes back as it came");
        shop.assert_clean().await;
    }

    async fn what_an_order_promises_is_what_the_shopper_saw(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(2_000), 9).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        let quote = shop.quote(&shopper).await;
        let offer = quote.chosen_offer().unwrap();
        shop.gateway.answers(Answering::Page);
        let order = { shop.place(&shopper).await.unwrap(); shop.gateway.approve(); shop.comes_back(&shopper).await };
        let Some(Placement::Placed(order)) = order else { panic!("it is placed") };
        assert_eq!((order.delivery.name.as_str(), order.delivery.price, order.delivery.promise), ("Post", offer.price, offer.promise));
        assert_eq!((order.email.as_str(), order.address.postcode.as_deref()), ("noor@example.com", Some("1015 DK")));
        assert_eq!(order.total, quote.quote.total);
        assert_eq!(order.placed_at, Some(shop.shop.clock.now()));
        let token = kernel::Secret::parse(&order.link_token).unwrap();
        assert_eq!(shop.read(move |tx| Ok(crate::orders::find_by_link(tx, &token)?)).await, Some(*order.clone()));
        assert_eq!(status_url(&shop.shop, &order), format!("https://shop.example/orders/{}", order.link_token));
    }
}
