//! What every gateway has to do, as tests. `gateway_contract!` runs them against one gateway, on both databases.
//!
//! The gateway's other side, which says yes or no and sends notices, is a [`Counterpart`]: the test gateway's own page, or
//! a local fake server for a company's real one.

use commerce::ports::gateway::{
    Approval, Gateway, MoveRequest, Moved, Notice, NoticeError, Outcome, PaymentRequest,
};
use db::Db;
use kernel::time::{MINUTE, SECOND};
use kernel::{Currency, Ids, Money, PaymentId, RandomIds, Timestamp};

/// The other side of a gateway under test.
pub(super) trait Counterpart {
    /// A fresh one, with its books in `db` if it keeps any.
    fn start(db: &Db) -> Self;
    /// The gateway as the shop has it.
    fn gateway(&self) -> &dyn Gateway;
    /// The time at the gateway.
    fn now(&self) -> Timestamp;
    /// The buyer and the bank say yes.
    async fn approve(&self, begun: &Outcome);
    /// The bank says no.
    async fn decline(&self, begun: &Outcome);
    /// The bank does not answer, as long as nobody asks again.
    async fn stall(&self, begun: &Outcome);
    /// The signed notice about what was decided last: signature and body.
    async fn notice(&self) -> (String, Vec<u8>);
}

pub(super) fn eur(minor: i64) -> Money {
    Currency::EUR.minor(minor)
}

/// A request for €42.00.
pub(super) fn request() -> PaymentRequest {
    PaymentRequest {
        payment: PaymentId::new(&RandomIds),
        amount: eur(4_200),
        reference: "7ZK3M9QX".to_owned(),
        return_url: "https://shop.example/checkout/return".to_owned(),
    }
}

/// A move under a key of its own.
pub(super) fn moving(gateway_ref: &str, amount: Money) -> MoveRequest {
    MoveRequest {
        key: RandomIds.secret().expose().to_owned(),
        gateway_ref: gateway_ref.to_owned(),
        amount,
    }
}

/// Begins a payment and has it approved; its request and approval.
pub(super) async fn approved(other: &impl Counterpart) -> (PaymentRequest, Approval) {
    let request = request();
    let begun = other.gateway().authorize(&request).await;
    other.approve(&begun).await;
    let answered = other.gateway().look_up(&request.payment).await;
    let Outcome::Approved(approval) = answered else {
        panic!("{answered:?} instead of an approval")
    };
    (request, approval)
}

pub(super) async fn an_approval_names_payment_amount_account_and_mode(other: &impl Counterpart) {
    let (request, approval) = approved(other).await;
    let expected = Approval {
        payment: request.payment,
        gateway_ref: approval.gateway_ref.clone(),
        amount: eur(4_200),
        account: other.gateway().account().to_owned(),
        live: other.gateway().is_live(),
    };
    assert_eq!(approval, expected);
    assert!(!approval.gateway_ref.is_empty());
}

pub(super) async fn a_declined_payment_stays_declined_and_moves_nothing(other: &impl Counterpart) {
    let request = request();
    let begun = other.gateway().authorize(&request).await;
    other.decline(&begun).await;
    let declined = other.gateway().look_up(&request.payment).await;
    assert!(
        matches!(&declined, Outcome::Declined { reason } if !reason.is_empty()),
        "{declined:?}"
    );
    assert_eq!(other.gateway().cancel(&request.payment).await, declined);
    other.approve(&begun).await;
    assert_eq!(other.gateway().look_up(&request.payment).await, declined);
    let Outcome::NeedsAction { gateway_ref, .. } = begun else {
        panic!("{begun:?}")
    };
    assert!(matches!(
        other.gateway().capture(&moving(&gateway_ref, eur(1))).await,
        Moved::Refused { .. }
    ));
}

pub(super) async fn a_bank_that_does_not_answer_is_neither_yes_nor_no_and_the_shop_can_end_it(
    other: &impl Counterpart,
) {
    let request = request();
    let begun = other.gateway().authorize(&request).await;
    other.stall(&begun).await;
    assert!(matches!(
        other.gateway().look_up(&request.payment).await,
        Outcome::Unknown { .. }
    ));
    assert!(matches!(
        other.gateway().look_up(&request.payment).await,
        Outcome::Unknown { .. }
    ));
    let ended = other.gateway().cancel(&request.payment).await;
    assert!(matches!(ended, Outcome::Declined { .. }), "{ended:?}");
    assert_eq!(other.gateway().look_up(&request.payment).await, ended);
}

pub(super) async fn asking_again_with_the_same_key_gives_the_first_answer(
    other: &impl Counterpart,
) {
    let request = request();
    let first = other.gateway().authorize(&request).await;
    assert!(matches!(first, Outcome::NeedsAction { .. }), "{first:?}");
    assert_eq!(other.gateway().authorize(&request).await, first);
    other.approve(&first).await;
    assert_eq!(other.gateway().authorize(&request).await, first);
    let more = PaymentRequest {
        amount: eur(4_201),
        ..request
    };
    assert!(matches!(
        other.gateway().authorize(&more).await,
        Outcome::Unknown { .. }
    ));
}

pub(super) async fn a_capture_repeated_with_its_key_is_one_capture(other: &impl Counterpart) {
    let (_, approval) = approved(other).await;
    let capture = moving(&approval.gateway_ref, eur(3_000));
    assert_eq!(other.gateway().capture(&capture).await, Moved::Done);
    assert_eq!(other.gateway().capture(&capture).await, Moved::Done);
    // Twelve hundred are left, so there was one capture of three thousand; a new key is a new capture.
    assert!(matches!(
        other
            .gateway()
            .capture(&moving(&approval.gateway_ref, eur(1_201)))
            .await,
        Moved::Refused { .. }
    ));
    assert_eq!(
        other
            .gateway()
            .capture(&moving(&approval.gateway_ref, eur(1_200)))
            .await,
        Moved::Done
    );
    assert!(matches!(
        other
            .gateway()
            .capture(&moving(&approval.gateway_ref, eur(1)))
            .await,
        Moved::Refused { .. }
    ));
    assert!(matches!(
        other
            .gateway()
            .void(&moving(&approval.gateway_ref, eur(1)))
            .await,
        Moved::Refused { .. }
    ));
}

pub(super) async fn a_refusal_repeated_with_its_key_stays_a_refusal(other: &impl Counterpart) {
    let (_, approval) = approved(other).await;
    let early = moving(&approval.gateway_ref, eur(100));
    let refused = other.gateway().refund(&early).await;
    assert!(matches!(refused, Moved::Refused { .. }), "{refused:?}");
    assert_eq!(
        other
            .gateway()
            .capture(&moving(&approval.gateway_ref, eur(4_200)))
            .await,
        Moved::Done
    );
    assert_eq!(other.gateway().refund(&early).await, refused);
    let other_amount = MoveRequest {
        amount: eur(50),
        ..early
    };
    assert!(matches!(
        other.gateway().refund(&other_amount).await,
        Moved::Refused { .. }
    ));
}

pub(super) async fn no_more_is_refunded_than_was_captured(other: &impl Counterpart) {
    let (_, approval) = approved(other).await;
    assert_eq!(
        other
            .gateway()
            .capture(&moving(&approval.gateway_ref, eur(2_000)))
            .await,
        Moved::Done
    );
    assert!(matches!(
        other
            .gateway()
            .refund(&moving(&approval.gateway_ref, eur(2_001)))
            .await,
        Moved::Refused { .. }
    ));
    let refund = moving(&approval.gateway_ref, eur(1_500));
    assert_eq!(other.gateway().refund(&refund).await, Moved::Done);
    assert_eq!(other.gateway().refund(&refund).await, Moved::Done);
    assert!(matches!(
        other
            .gateway()
            .refund(&moving(&approval.gateway_ref, eur(501)))
            .await,
        Moved::Refused { .. }
    ));
    assert_eq!(
        other
            .gateway()
            .refund(&moving(&approval.gateway_ref, eur(500)))
            .await,
        Moved::Done
    );
    for nothing in [eur(0), eur(-1), Currency::parse("USD").unwrap().minor(1)] {
        assert!(matches!(
            other
                .gateway()
                .refund(&moving(&approval.gateway_ref, nothing))
                .await,
            Moved::Refused { .. }
        ));
    }
    assert!(matches!(
        other
            .gateway()
            .refund(&moving("no-such-payment", eur(1)))
            .await,
        Moved::Refused { .. }
    ));
}

pub(super) async fn what_was_let_go_of_can_no_longer_be_taken(other: &impl Counterpart) {
    let (request, approval) = approved(other).await;
    let void = moving(&approval.gateway_ref, eur(4_200));
    assert_eq!(other.gateway().void(&void).await, Moved::Done);
    assert_eq!(other.gateway().void(&void).await, Moved::Done);
    assert!(matches!(
        other
            .gateway()
            .capture(&moving(&approval.gateway_ref, eur(1)))
            .await,
        Moved::Refused { .. }
    ));
    assert!(matches!(
        other.gateway().look_up(&request.payment).await,
        Outcome::Declined { .. }
    ));
}

pub(super) async fn canceling_after_the_yes_is_too_late(other: &impl Counterpart) {
    let (request, approval) = approved(other).await;
    assert_eq!(
        other.gateway().cancel(&request.payment).await,
        Outcome::Approved(approval.clone())
    );
    assert_eq!(
        other
            .gateway()
            .capture(&moving(&approval.gateway_ref, eur(4_200)))
            .await,
        Moved::Done
    );
}

pub(super) async fn canceling_before_the_yes_ends_it(other: &impl Counterpart) {
    let request = request();
    let begun = other.gateway().authorize(&request).await;
    let ended = other.gateway().cancel(&request.payment).await;
    assert!(matches!(ended, Outcome::Declined { .. }), "{ended:?}");
    other.approve(&begun).await;
    assert_eq!(other.gateway().look_up(&request.payment).await, ended);
}

pub(super) async fn a_payment_never_begun_is_not_found(other: &impl Counterpart) {
    let stranger = PaymentId::new(&RandomIds);
    assert_eq!(other.gateway().look_up(&stranger).await, Outcome::NotFound);
    assert_eq!(other.gateway().cancel(&stranger).await, Outcome::NotFound);
}

pub(super) async fn a_notice_names_its_payment_and_event(other: &impl Counterpart) {
    let (request, _) = approved(other).await;
    let (signature, body) = other.notice().await;
    let first = other
        .gateway()
        .read_notice(&signature, &body, other.now())
        .unwrap();
    assert_eq!(first.payment, request.payment);
    assert!(!first.event_id.is_empty());
    assert_eq!(
        other.gateway().read_notice(&signature, &body, other.now()),
        Ok(first)
    );
}

pub(super) async fn a_notice_changed_in_any_way_is_refused(other: &impl Counterpart) {
    approved(other).await;
    let (signature, body) = other.notice().await;
    let now = other.now();
    let read = |signature: &str, body: &[u8]| other.gateway().read_notice(signature, body, now);
    assert!(matches!(read(&signature, &body), Ok(Notice { .. })));
    // Every byte of the body, one bit off.
    for at in 0..body.len() {
        let mut changed = body.clone();
        changed[at] ^= 1;
        assert_eq!(
            read(&signature, &changed),
            Err(NoticeError::BadSignature),
            "byte {at} of the body"
        );
    }
    // Every character of the signature, replaced and left out.
    for (at, character) in signature.char_indices() {
        let mut changed = signature.clone();
        changed.replace_range(at..=at, if character == '0' { "1" } else { "0" });
        assert!(
            read(&changed, &body).is_err(),
            "character {at} of the signature replaced"
        );
        changed.remove(at);
        assert!(
            read(&changed, &body).is_err(),
            "character {at} of the signature left out"
        );
    }
    // The shapes that lax readers let through.
    let twice = format!("{signature},{signature}");
    let upper = signature.to_uppercase();
    for shape in [
        "",
        " ",
        ",",
        "t=,v1=",
        "v1=",
        "\u{0}",
        &twice,
        &upper,
        &format!(" {signature}"),
        &format!("{signature} "),
        &format!("{signature}00"),
    ] {
        assert_eq!(
            read(shape, &body),
            Err(NoticeError::BadSignature),
            "signature {shape:?}"
        );
    }
    let (longer, shorter) = ([body.as_slice(), b" "].concat(), &body[..body.len() - 1]);
    for other_body in [
        b"".as_slice(),
        b"{}",
        &longer,
        shorter,
        &[0xff; 64],
        &vec![b'['; 100_000],
    ] {
        assert_eq!(read(&signature, other_body), Err(NoticeError::BadSignature));
    }
}

pub(super) async fn a_notice_about_another_payment_needs_its_own_signature(
    other: &impl Counterpart,
) {
    let (first, _) = approved(other).await;
    let (signature, body) = other.notice().await;
    let (second, _) = approved(other).await;
    let (second_signature, second_body) = other.notice().await;
    let text = String::from_utf8(body.clone()).unwrap();
    let turned = text.replace(first.payment.as_str(), second.payment.as_str());
    assert_ne!(text, turned);
    let now = other.now();
    assert_eq!(
        other
            .gateway()
            .read_notice(&signature, turned.as_bytes(), now),
        Err(NoticeError::BadSignature)
    );
    assert_eq!(
        other.gateway().read_notice(&signature, &second_body, now),
        Err(NoticeError::BadSignature)
    );
    assert_eq!(
        other.gateway().read_notice(&second_signature, &body, now),
        Err(NoticeError::BadSignature)
    );
}

pub(super) async fn a_notice_from_long_ago_or_from_the_future_is_refused(other: &impl Counterpart) {
    approved(other).await;
    let (signature, body) = other.notice().await;
    let read_at = |millis| {
        other
            .gateway()
            .read_notice(&signature, &body, other.now().plus(millis))
            .map(drop)
    };
    // A notice is signed to the second.
    assert_eq!(read_at(5 * MINUTE - SECOND), Ok(()));
    assert_eq!(read_at(5 * MINUTE + SECOND), Err(NoticeError::BadTime));
    assert_eq!(read_at(SECOND - 5 * MINUTE), Ok(()));
    assert_eq!(read_at(-5 * MINUTE - SECOND), Err(NoticeError::BadTime));
}

/// Runs the contract against the gateway of a [`Counterpart`].
macro_rules! gateway_contract {
    ($counterpart:ty) => {
        $crate::payments::contract::gateway_contract! { $counterpart:
            an_approval_names_payment_amount_account_and_mode
            a_declined_payment_stays_declined_and_moves_nothing
            a_bank_that_does_not_answer_is_neither_yes_nor_no_and_the_shop_can_end_it
            asking_again_with_the_same_key_gives_the_first_answer
            a_capture_repeated_with_its_key_is_one_capture
            a_refusal_repeated_with_its_key_stays_a_refusal
            no_more_is_refunded_than_was_captured
            what_was_let_go_of_can_no_longer_be_taken
            canceling_after_the_yes_is_too_late
            canceling_before_the_yes_ends_it
            a_payment_never_begun_is_not_found
            a_notice_names_its_payment_and_event
            a_notice_changed_in_any_way_is_refused
            a_notice_about_another_payment_needs_its_own_signature
            a_notice_from_long_ago_or_from_the_future_is_refused
        }
    };
    ($counterpart:ty: $($name:ident)+) => {
        db::store_contract! {
            migrations = commerce::MIGRATIONS;
            $(
                async fn $name(db: &db::Db) {
                    let counterpart = <$counterpart as $crate::payments::contract::Counterpart>::start(db);
                    $crate::payments::contract::$name(&counterpart).await;
                }
            )+
        }
    };
}
pub(super) use gateway_contract;
