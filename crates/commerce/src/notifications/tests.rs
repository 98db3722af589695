//! What an order's page and mail tell, on both databases.

use std::sync::Arc;

use crate::accounts::{self, Invite, Role};
use crate::carts::{CheckoutForm, save_checkout_form};
use crate::checkout::Placement;
use crate::notifications::order_confirmation::{ConfirmationMail, OrderConfirmation};
use crate::notifications::order_news::NewsMail;
use crate::notifications::view::{OrderView, order_view};
use crate::on_both;
use crate::orders::{self, Order};
use crate::ports::mail::{KeepMails, MailError};
use crate::settings;
use crate::shop::Shop;
use crate::testing::{Answering, TestShop, euros, operator, theme};

use super::{
    MailFilter, MailFrame, MailStatus, Mailed, StaffLinkKind, StaffLinkMail, list_mails,
    list_outbox, mail_staff_link, resend_mail,
};

async fn told(shop: &TestShop, order: &Order) -> OrderView {
    let order = order.clone();
    shop.read(move |tx| -> Result<_, crate::Internal> {
        let settings = settings::load(tx)?;
        order_view(tx, &settings, &order, "https://shop.example")
    })
    .await
}

async fn mails(shop: &TestShop) -> Vec<super::Mail> {
    shop.read(|tx| Ok(list_mails(tx, kernel::PageRequest::new(1, 10))?))
        .await
        .items
}

async fn outbox(shop: &TestShop, status: Option<MailStatus>, search: &str) -> (Vec<String>, u32) {
    let filter = MailFilter {
        status,
        search: Some(search.to_owned()),
        page: kernel::PageRequest::new(1, 2),
    };
    let page = shop.read(move |tx| Ok(list_outbox(tx, &filter)?)).await;
    let total = page.total.number();
    assert_eq!(page.has_next, total > 2);
    let to = page.items.iter().map(|mail| mail.recipient.to_string());
    (to.collect(), total)
}

on_both! {
    async fn the_outbox_is_listed_by_what_became_of_a_mail_and_by_whom_it_is_for(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 9).await;
        for email in ["Anne@example.com", "jan@example.com", "anna@example.com"] {
            shop.ordered_by(("Somebody", email), "test", &[(&vase, 1)]).await;
            shop.run_jobs().await;
            shop.clock.advance(1_000);
        }
        shop.tamper("UPDATE mails SET status = 'dead', sent_at = NULL WHERE recipient = 'jan@example.com'").await;
        let of = |names: &[&str]| names.iter().map(|name| format!("{name}@example.com")).collect::<Vec<_>>();
        assert_eq!(outbox(shop, None, "").await, (of(&["anna", "jan"]), 3));
        assert_eq!(outbox(shop, Some(MailStatus::Dead), "").await, (of(&["jan"]), 1));
        assert_eq!(outbox(shop, Some(MailStatus::Sent), "").await, (of(&["anna", "Anne"]), 2));
        assert_eq!(outbox(shop, None, "ann").await, (of(&["anna", "Anne"]), 2));
        assert_eq!(outbox(shop, None, " ANNE@").await, (of(&["Anne"]), 1));
        assert_eq!(outbox(shop, Some(MailStatus::Dead), "ann").await, (of(&[]), 0));
    }

    async fn a_second_try_that_waits_is_not_told_as_the_first_that_was_declined(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        shop.gateway.answers(Answering::Decline);
        assert!(matches!(shop.place(&shopper).await.unwrap(), Placement::Declined { .. }));
        let cart = shop.cart(&shopper).await.unwrap().id;
        let declined = shop.read(move |tx| Ok(orders::find_by_cart(tx, &cart)?)).await.unwrap();
        assert_eq!(told(shop, &declined).await.payment, "declined");

        shop.gateway.answers(Answering::Page);
        assert!(matches!(shop.place(&shopper).await.unwrap(), Placement::GoTo { .. }));
        let waiting = told(shop, &shop.order(&declined.id).await).await;
        assert_eq!((waiting.state, waiting.payment), ("draft", "unknown"));
        assert!(waiting.resume_url.is_some() && waiting.retry_url.is_none());
    }

    async fn an_order_that_is_fetched_says_where_the_shop_is(shop: &TestShop) {
        shop.set(|settings| settings.shop.address_lines = vec!["The old dye works".to_owned()]).await;
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let shopper = shop.ready_shopper(&[(&vase, 1)]).await;
        let delivery_method_id = Some(shop.pickup().await);
        let form = shop.cart(&shopper).await.unwrap().form;
        let form = CheckoutForm { delivery_method_id, ..form };
        save_checkout_form(&shop.shop, &shopper, form).await.unwrap();
        let order = shop.placed(&shopper).await;
        assert_eq!(told(shop, &order).await.address_lines, ["The old dye works"]);
    }

    async fn a_placed_order_has_one_mail_however_often_its_job_runs(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let order = shop.ordered(&[(&vase, 1)]).await;
        shop.run_jobs().await;
        let job = OrderConfirmation::job(&order.id);
        let now = shop.shop.clock.now();
        shop.shop.db.write(move |tx| jobs::enqueue(tx, now, &job).map(drop)).await.unwrap();
        shop.run_jobs().await;
        assert_eq!(shop.mailbox.subjects(), ["Your order 1001 at Wrenfold"]);
        assert_eq!(mails(shop).await.len(), 1);
    }

    async fn a_mail_nobody_takes_is_kept_and_can_be_sent_again(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        shop.mailbox.refuse(Some(MailError::Never("no such mailbox".to_owned())));
        shop.ordered(&[(&vase, 1)]).await;
        shop.run_jobs().await;
        let refused = mails(shop).await.remove(0);
        assert_eq!((refused.status, refused.last_error.as_deref()), (MailStatus::Dead, Some("no such mailbox")));

        shop.mailbox.refuse(None);
        assert!(resend_mail(&shop.shop, operator().may(), &refused.id).await.unwrap());
        shop.run_jobs().await;
        assert_eq!(mails(shop).await.remove(0).status, MailStatus::Sent);
        assert_eq!(shop.mailbox.letters().len(), 1);
    }

    async fn the_buyer_is_told_when_a_parcel_leaves_and_when_money_goes_back(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let order = shop.ordered(&[(&vase, 2)]).await;
        shop.run_jobs().await;
        shop.ship(&order.id, &[(0, 1)], "first").await.unwrap();
        shop.run_jobs().await;
        shop.refund(&order.id, &[(0, 1)], "first").await.unwrap();
        shop.run_jobs().await;
        assert_eq!(
            shop.mailbox.subjects(),
            [
                "Your order 1001 at Wrenfold",
                "A parcel of order 1001 has left Wrenfold",
                "Money back for order 1001 at Wrenfold"
            ]
        );
        let letters = shop.mailbox.letters();
        assert!(letters[1].text.contains("1 × Tarn vase"), "{}", letters[1].text);
        assert!(letters[2].text.contains("Amount: €68.00"), "{}", letters[2].text);
        shop.assert_clean().await;
    }

    async fn a_colleague_gets_their_link_by_mail_and_the_outbox_never_sees_it(shop: &TestShop) {
        let cmd = Invite { name: "Joris Bakker".to_owned(), email: "joris@example.com".to_owned(), role: Role::Viewer };
        let invited = accounts::invite(&shop.shop, operator().may(), cmd).await.unwrap();
        let id = invited.id.clone();
        let joris = shop.read(move |tx| Ok(accounts::find(tx, &id)?)).await.unwrap();
        let link = (StaffLinkKind::Invitation, &invited.token);
        assert_eq!(mail_staff_link(&shop.shop, theme(), &joris, link).await.unwrap(), Mailed::Sent);
        let letter = shop.mailbox.letters().pop().unwrap();
        assert_eq!((letter.to.as_str(), letter.subject.as_str()), ("joris@example.com", "Your account in the back office of Wrenfold"));
        let url = format!("https://shop.example/admin/invitation?token={}", invited.token.expose());
        assert!(letter.text.contains(&url) && letter.html.contains(&url), "{}", letter.text);
        assert!(letter.text.contains("within 7 days"), "{}", letter.text);
        assert_eq!(mails(shop).await, [], "whoever reads the outbox could sign in as him");

        shop.mailbox.refuse(Some(MailError::Later("busy".to_owned())));
        let again = (StaffLinkKind::Password, &invited.token);
        assert_eq!(mail_staff_link(&shop.shop, theme(), &joris, again).await.unwrap(), Mailed::NotTaken("busy".to_owned()));
        let silent = Shop { mailer: Arc::new(KeepMails), ..shop.shop.clone() };
        assert_eq!(mail_staff_link(&silent, theme(), &joris, again).await.unwrap(), Mailed::NoMailServer);
    }

    async fn the_buyer_is_told_why_an_order_was_cancelled(shop: &TestShop) {
        let vase = shop.product("Tarn vase", euros(6_800), 3).await;
        let order = shop.ordered(&[(&vase, 1)]).await;
        shop.run_jobs().await;
        shop.cancel(&order.id).await.unwrap();
        shop.run_jobs().await;
        let letter = shop.mailbox.letters().pop().unwrap();
        assert_eq!(letter.subject, "Your order 1001 at Wrenfold was cancelled");
        assert!(letter.text.contains("Why: "), "{}", letter.text);
    }
}

#[test]
fn every_mail_can_be_drawn_from_its_samples() {
    let templates = templates::Templates::load(templates::Settings::strict()).unwrap();
    let mut settings = settings::Settings::default();
    settings.shop.email = Some("hello@shop.example".to_owned());
    let frame = MailFrame::new(&settings, "https://shop.example");
    let samples = [
        templates::Samples::of_mail::<ConfirmationMail>(),
        templates::Samples::of_mail::<NewsMail>(),
        templates::Samples::of_mail::<StaffLinkMail>(),
    ];
    let frames = templates::Frames::new().with("full", &frame);
    let faults = templates.check(&samples, &frames).unwrap();
    let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
    assert!(lines.is_empty(), "{}", lines.join("\n"));
}
