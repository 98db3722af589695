//! Mails to buyers: written into the outbox in a transaction, sent by a job, readable for ever.
//!
//! # Invariants
//! - One fact, one mail: a repeated job finds the mail it wrote before.
//! - A mail that could not be sent is kept with the reason; nothing vanishes.

mod mailing;
pub mod order_confirmation;
pub mod order_news;
mod outbox;
mod staff_link;
#[cfg(test)]
mod tests;
mod trial;
pub mod view;

pub use mailing::{MailFrame, MailShop};
pub use outbox::{
    Mail, MailFilter, MailRow, MailStatus, SendError, count_failed_mails, find_mail, list_mails,
    list_outbox, resend_mail, send_mail,
};
pub(crate) use outbox::{NewMail, SEND_MAIL, SendMail, give_up, write_mail};
pub use staff_link::{
    Mailed, StaffLinkKind, StaffLinkMail, StaffLinkView, invitation_url, mail_staff_link,
};
pub use trial::send_trial;
