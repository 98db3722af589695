//! A gateway that does what the test says, with books of its own to compare ours with.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use kernel::{Money, PaymentId, Timestamp};

use crate::ports::Answer;
use crate::ports::gateway::{
    Approval, Gateway, MoveRequest, Moved, Notice, NoticeError, Outcome, PaymentRequest,
};

/// How the gateway answers what is asked of it next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Answering {
    /// Approves at once.
    #[default]
    Approve,
    /// Declines at once.
    Decline,
    /// Sends the buyer to its page, and waits for [`FakeGateway::approve`] or [`FakeGateway::decline`].
    Page,
    /// Does what it is asked; the answer is lost on the way.
    LoseAnswer,
    /// Hears nothing at all.
    Silent,
    /// Approves ten cents less than was asked for.
    WrongAmount,
    /// Approves for another merchant.
    WrongAccount,
    /// Approves a payment nobody asked for.
    WrongPayment,
    /// Approves with real money what was asked for in test mode.
    WrongMode,
    /// Approves under another name than before.
    WrongReference,
    /// Approves at once, and later refuses to move any of it.
    RefuseMoves,
    /// Approves at once, and later does not answer when money is to move.
    SilentMoves,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Open,
    Approved,
    Declined,
    Canceled,
}

#[derive(Debug, Clone)]
struct Held {
    state: State,
    amount: Money,
    captured: i64,
    voided: i64,
    refunded: i64,
}

#[derive(Debug, Default)]
struct Books {
    answering: Answering,
    held: BTreeMap<PaymentId, Held>,
    moves: BTreeMap<String, Moved>,
    asked: usize,
}

/// A scripted gateway. Clones share the books.
#[derive(Debug, Clone, Default)]
pub struct FakeGateway(Arc<Mutex<Books>>);

impl FakeGateway {
    fn books(&self) -> MutexGuard<'_, Books> {
        self.0.lock().expect("no test panicked holding the books")
    }

    /// From now on answers so.
    pub fn answers(&self, answering: Answering) {
        self.books().answering = answering;
    }

    /// The buyer approves every payment that waits on the gateway's page.
    pub fn approve(&self) {
        self.decide(State::Approved);
    }

    /// The buyer gives every payment up that waits on the gateway's page.
    pub fn decline(&self) {
        self.decide(State::Declined);
    }

    /// A payment that was declined, given up or canceled is approved after all: gateways do that.
    pub fn approve_after_all(&self, payment: &PaymentId) {
        let mut books = self.books();
        let held = books.held.get_mut(payment).expect("the gateway knows it");
        held.state = State::Approved;
    }

    /// Every payment it has heard of, with what was asked for, in the order they were begun.
    pub fn payments(&self) -> Vec<(PaymentId, i64)> {
        let books = self.books();
        let known = books.held.iter();
        known
            .map(|(id, held)| (id.clone(), held.amount.minor()))
            .collect()
    }

    fn decide(&self, state: State) {
        for held in self
            .books()
            .held
            .values_mut()
            .filter(|held| held.state == State::Open)
        {
            held.state = state;
        }
    }

    /// What buyers have been charged or are held to: approved amounts that were not voided or refunded, in minor units.
    pub fn charges(&self) -> Vec<i64> {
        let books = self.books();
        let approved = books
            .held
            .values()
            .filter(|held| held.state == State::Approved);
        approved
            .map(|held| held.amount.minor() - held.voided - held.refunded)
            .filter(|left| *left > 0)
            .collect()
    }

    /// What was captured and refunded in all, in minor units.
    pub fn moved(&self) -> (i64, i64) {
        let books = self.books();
        (
            books.held.values().map(|held| held.captured).sum(),
            books.held.values().map(|held| held.refunded).sum(),
        )
    }

    /// How often it was asked anything.
    pub fn asked(&self) -> usize {
        self.books().asked
    }

    fn state_of(&self, payment: &PaymentId) -> Outcome {
        let books = self.books();
        let Some(held) = books.held.get(payment) else {
            return Outcome::NotFound;
        };
        match held.state {
            State::Open => page(payment),
            State::Approved => approval(payment, held.amount, books.answering),
            State::Declined => Outcome::Declined {
                reason: "Your bank declined this card".to_owned(),
            },
            State::Canceled => Outcome::Declined {
                reason: "The payment was canceled".to_owned(),
            },
        }
    }

    fn begin(&self, request: &PaymentRequest) -> Outcome {
        let mut books = self.books();
        books.asked += 1;
        let answering = books.answering;
        let state = match answering {
            Answering::Silent => {
                return Outcome::Unknown {
                    why: "no answer".to_owned(),
                };
            }
            Answering::Decline => State::Declined,
            Answering::Page => State::Open,
            Answering::Approve
            | Answering::LoseAnswer
            | Answering::WrongAmount
            | Answering::WrongAccount
            | Answering::WrongPayment
            | Answering::WrongMode
            | Answering::WrongReference
            | Answering::RefuseMoves
            | Answering::SilentMoves => State::Approved,
        };
        let new = Held {
            state,
            amount: request.amount,
            captured: 0,
            voided: 0,
            refunded: 0,
        };
        books.held.entry(request.payment.clone()).or_insert(new);
        drop(books);
        if answering == Answering::LoseAnswer {
            return Outcome::Unknown {
                why: "the answer was lost".to_owned(),
            };
        }
        self.state_of(&request.payment)
    }

    fn take_move(&self, request: &MoveRequest, change: impl Fn(&mut Held, i64) -> bool) -> Moved {
        let mut books = self.books();
        books.asked += 1;
        let answering = books.answering;
        if matches!(answering, Answering::Silent | Answering::SilentMoves) {
            return Moved::Unknown {
                why: "no answer".to_owned(),
            };
        }
        if let Some(before) = books.moves.get(&request.key) {
            return before.clone();
        }
        if answering == Answering::RefuseMoves {
            let refused = Moved::Refused {
                reason: "not today".to_owned(),
            };
            books.moves.insert(request.key.clone(), refused.clone());
            return refused;
        }
        let payment = request
            .gateway_ref
            .strip_prefix("fake-")
            .and_then(|id| id.parse::<PaymentId>().ok());
        let Some(held) = payment.and_then(|id| books.held.get_mut(&id)) else {
            return Moved::Refused {
                reason: "no such payment".to_owned(),
            };
        };
        let moved = if change(held, request.amount.minor()) {
            Moved::Done
        } else {
            Moved::Refused {
                reason: "more than there is".to_owned(),
            }
        };
        books.moves.insert(request.key.clone(), moved.clone());
        if answering == Answering::LoseAnswer {
            Moved::Unknown {
                why: "the answer was lost".to_owned(),
            }
        } else {
            moved
        }
    }
}

fn take(held: &mut Held, amount: i64) -> bool {
    let fits = held.state == State::Approved
        && held.captured + held.voided + amount <= held.amount.minor();
    held.captured += if fits { amount } else { 0 };
    fits
}

fn let_go(held: &mut Held, amount: i64) -> bool {
    let fits = held.state == State::Approved
        && held.captured + held.voided + amount <= held.amount.minor();
    held.voided += if fits { amount } else { 0 };
    fits
}

fn give_back(held: &mut Held, amount: i64) -> bool {
    let fits = held.refunded + amount <= held.captured;
    held.refunded += if fits { amount } else { 0 };
    fits
}

fn page(payment: &PaymentId) -> Outcome {
    Outcome::NeedsAction {
        url: format!("https://pay.example/{payment}"),
        gateway_ref: format!("fake-{payment}"),
    }
}

fn approval(payment: &PaymentId, amount: Money, answering: Answering) -> Outcome {
    let amount = if answering == Answering::WrongAmount {
        amount.currency().minor(amount.minor() - 10)
    } else {
        amount
    };
    let account = if answering == Answering::WrongAccount {
        "somebody-else"
    } else {
        "fake-account"
    };
    let other = PaymentId::new(&kernel::RandomIds);
    let reference = if answering == Answering::WrongReference {
        &other
    } else {
        payment
    };
    Outcome::Approved(Approval {
        gateway_ref: format!("fake-{reference}"),
        payment: if answering == Answering::WrongPayment {
            other
        } else {
            payment.clone()
        },
        amount,
        account: account.to_owned(),
        live: answering == Answering::WrongMode,
    })
}

impl Gateway for FakeGateway {
    fn code(&self) -> &'static str {
        "test"
    }

    fn is_live(&self) -> bool {
        false
    }

    fn account(&self) -> &'static str {
        "fake-account"
    }

    fn moves_money(&self) -> bool {
        true
    }

    fn authorize<'a>(&'a self, request: &'a PaymentRequest) -> Answer<'a, Outcome> {
        Box::pin(async move { self.begin(request) })
    }

    fn look_up<'a>(&'a self, payment: &'a PaymentId) -> Answer<'a, Outcome> {
        Box::pin(async move {
            self.books().asked += 1;
            if self.books().answering == Answering::Silent {
                return Outcome::Unknown {
                    why: "no answer".to_owned(),
                };
            }
            self.state_of(payment)
        })
    }

    fn cancel<'a>(&'a self, payment: &'a PaymentId) -> Answer<'a, Outcome> {
        Box::pin(async move {
            if self.books().answering == Answering::Silent {
                return Outcome::Unknown {
                    why: "no answer".to_owned(),
                };
            }
            if let Some(held) = self
                .books()
                .held
                .get_mut(payment)
                .filter(|held| held.state == State::Open)
            {
                held.state = State::Canceled;
            }
            self.state_of(payment)
        })
    }

    fn capture<'a>(&'a self, request: &'a MoveRequest) -> Answer<'a, Moved> {
        Box::pin(async move { self.take_move(request, take) })
    }

    fn void<'a>(&'a self, request: &'a MoveRequest) -> Answer<'a, Moved> {
        Box::pin(async move { self.take_move(request, let_go) })
    }

    fn refund<'a>(&'a self, request: &'a MoveRequest) -> Answer<'a, Moved> {
        Box::pin(async move { self.take_move(request, give_back) })
    }

    /// The test's notices are signed with the word `genuine`; the body is the event's id, a space, and the payment's.
    fn read_notice(
        &self,
        signature: &str,
        body: &[u8],
        _now: Timestamp,
    ) -> Result<Notice, NoticeError> {
        if signature != "genuine" {
            return Err(NoticeError::BadSignature);
        }
        let text = std::str::from_utf8(body).map_err(|_utf8| NoticeError::Unreadable)?;
        let (event_id, payment) = text.split_once(' ').ok_or(NoticeError::Unreadable)?;
        let payment = payment.parse().map_err(|_id| NoticeError::Unreadable)?;
        Ok(Notice {
            event_id: event_id.to_owned(),
            payment,
        })
    }
}

/// A bank transfer as the shop sees it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Transfer;

impl Gateway for Transfer {
    fn code(&self) -> &'static str {
        "bank_transfer"
    }

    fn is_live(&self) -> bool {
        true
    }

    fn account(&self) -> &'static str {
        ""
    }

    fn moves_money(&self) -> bool {
        false
    }

    fn authorize<'a>(&'a self, request: &'a PaymentRequest) -> Answer<'a, Outcome> {
        self.look_up(&request.payment)
    }

    fn look_up<'a>(&'a self, payment: &'a PaymentId) -> Answer<'a, Outcome> {
        Box::pin(async move {
            Outcome::PaysLater {
                gateway_ref: format!("RF-{payment}"),
            }
        })
    }

    fn cancel<'a>(&'a self, _payment: &'a PaymentId) -> Answer<'a, Outcome> {
        Box::pin(async {
            Outcome::Declined {
                reason: "canceled".to_owned(),
            }
        })
    }

    fn capture<'a>(&'a self, _request: &'a MoveRequest) -> Answer<'a, Moved> {
        Box::pin(async { Moved::Done })
    }

    fn void<'a>(&'a self, _request: &'a MoveRequest) -> Answer<'a, Moved> {
        Box::pin(async { Moved::Done })
    }

    fn refund<'a>(&'a self, _request: &'a MoveRequest) -> Answer<'a, Moved> {
        Box::pin(async { Moved::Done })
    }

    fn read_notice(
        &self,
        _signature: &str,
        _body: &[u8],
        _now: Timestamp,
    ) -> Result<Notice, NoticeError> {
        Err(NoticeError::NotSupported)
    }
}
