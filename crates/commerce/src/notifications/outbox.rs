//! The outbox.

use db::{DbError, FromRow, Row, Tx, params};
use jobs::NewJob;
use kernel::stored::ToValue;
use kernel::{Email, LongPage, MailId, OrderId, Page, PageRequest, Timestamp, Total};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::audit::{self, Change};
use crate::error::Internal;
use crate::lookup::end_of;
use crate::orders::{TimelineKind, add_to_timeline};
use crate::ports::mail::{Letter, MailError};
use crate::settings;
use crate::shop::{Act, Shop};
use crate::staff::{Authorized, SendMails};

/// The kind of job that sends a mail. Never changes once released.
pub(crate) const SEND_MAIL: &str = "notifications.send_mail";

/// The payload of [`SEND_MAIL`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SendMail {
    pub(crate) mail_id: MailId,
}

kernel::words! {
    /// Where a mail stands.
    pub enum MailStatus {
        /// No mail server is configured: it is kept to be read, and sent once there is one and somebody says so.
        Kept = "kept",
        /// On its way.
        Pending = "pending",
        /// The mail server took it.
        Sent = "sent",
        /// The mail server refused it, or did not answer for days.
        Dead = "dead",
    }
}

/// A mail in the outbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Its id.
    pub id: MailId,
    /// What kind of mail: `order_confirmation`.
    pub kind: String,
    /// The order it is about.
    pub order_id: Option<OrderId>,
    /// To whom.
    pub recipient: Email,
    /// One line.
    pub subject: String,
    /// The body as HTML.
    pub html: String,
    /// The body as text.
    pub text: String,
    /// Where it stands.
    pub status: MailStatus,
    /// How often it was tried.
    pub attempts: i64,
    /// Why it was not taken the last time.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was taken.
    pub sent_at: Option<Timestamp>,
}

const MAIL: &str = "id, kind, order_id, recipient, subject, html_body, text_body, status, attempts, last_error, created_at, sent_at";

impl FromRow for Mail {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            kind: row.get("kind")?,
            order_id: row.get("order_id")?,
            recipient: row.get("recipient")?,
            subject: row.get("subject")?,
            html: row.get("html_body")?,
            text: row.get("text_body")?,
            status: row.get("status")?,
            attempts: row.get("attempts")?,
            last_error: row.get("last_error")?,
            created_at: row.get("created_at")?,
            sent_at: row.get("sent_at")?,
        })
    }
}

/// A mail to be.
pub(crate) struct NewMail<'a> {
    pub(crate) kind: &'static str,
    /// One fact, one mail.
    pub(crate) effect_key: String,
    pub(crate) order: Option<&'a OrderId>,
    pub(crate) recipient: &'a Email,
    pub(crate) text: &'a templates::MailText,
    /// Whether there is a mail server to send it with.
    pub(crate) send: bool,
}

/// Puts a mail into the outbox, with the job that sends it. False if the fact has its mail already.
pub(crate) fn write_mail(tx: &mut Tx<'_>, act: &Act, new: &NewMail<'_>) -> Result<bool, DbError> {
    let id = MailId::new(act.ids.as_ref());
    let status = if new.send {
        MailStatus::Pending
    } else {
        MailStatus::Kept
    };
    let written = tx.execute(
        "INSERT INTO mails (id, kind, effect_key, order_id, recipient, recipient_folded, subject, html_body, text_body, status, attempts, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11)
         ON CONFLICT (effect_key) DO NOTHING",
        params![id, new.kind, new.effect_key, new.order, new.recipient, new.recipient.folded(), new.text.subject, new.text.html, new.text.text, status, act.now],
    )?;
    if written == 0 {
        return Ok(false);
    }
    if new.send {
        jobs::enqueue(
            tx,
            act.now,
            &NewJob::new(
                SEND_MAIL,
                &SendMail {
                    mail_id: id.clone(),
                },
            ),
        )?;
    }
    if let Some(order) = new.order {
        add_to_timeline(
            tx,
            act,
            order,
            (
                TimelineKind::MailWritten,
                json!({ "mail": id, "kind": new.kind, "kept": !new.send }),
            ),
        )?;
    }
    Ok(true)
}

/// The mails, newest first.
pub fn list_mails(tx: &mut Tx<'_>, page: PageRequest) -> Result<Page<Mail>, DbError> {
    let items = tx.query(
        &format!("SELECT {MAIL} FROM mails ORDER BY created_at DESC, id DESC LIMIT $1 OFFSET $2"),
        params![page.size(), page.offset()],
    )?;
    let (total,): (i64,) = tx.query_one("SELECT COUNT(*) FROM mails", params![])?;
    Ok(Page::new(
        page,
        u32::try_from(total).unwrap_or(u32::MAX),
        items,
    ))
}

/// Which mails, and which page of them.
#[derive(Debug, Clone)]
pub struct MailFilter {
    /// Only those that stand there.
    pub status: Option<MailStatus>,
    /// The beginning of the recipient's address.
    pub search: Option<String>,
    /// Which page.
    pub page: PageRequest,
}

/// A mail as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailRow {
    /// Its id.
    pub id: MailId,
    /// What kind of mail: `order_confirmation`.
    pub kind: String,
    /// The order it is about.
    pub order_id: Option<OrderId>,
    /// To whom.
    pub recipient: Email,
    /// One line.
    pub subject: String,
    /// Where it stands.
    pub status: MailStatus,
    /// How often it was tried.
    pub attempts: i64,
    /// Why it was not taken the last time.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was taken.
    pub sent_at: Option<Timestamp>,
}

impl FromRow for MailRow {
    fn from_row(row: &Row<'_>) -> Result<Self, DbError> {
        Ok(Self {
            id: row.get("id")?,
            kind: row.get("kind")?,
            order_id: row.get("order_id")?,
            recipient: row.get("recipient")?,
            subject: row.get("subject")?,
            status: row.get("status")?,
            attempts: row.get("attempts")?,
            last_error: row.get("last_error")?,
            created_at: row.get("created_at")?,
            sent_at: row.get("sent_at")?,
        })
    }
}

/// One page of the outbox, newest first; of a search, of the first [`Total::CAP`] addresses that begin so. Two statements.
pub fn list_outbox(tx: &mut Tx<'_>, filter: &MailFilter) -> Result<LongPage<MailRow>, DbError> {
    let most = Total::CAP.saturating_add(1);
    let start = filter
        .search
        .as_deref()
        .unwrap_or_default()
        .trim()
        .to_lowercase();
    let (found, mut parameters) = if start.is_empty() {
        match filter.status {
            Some(status) => (
                "SELECT id, created_at FROM mails WHERE status = $1 ORDER BY created_at DESC, id DESC",
                params![status].to_vec(),
            ),
            None => (
                "SELECT id, created_at FROM mails WHERE created_at > $1 ORDER BY created_at DESC, id DESC",
                params![i64::MIN].to_vec(),
            ),
        }
    } else {
        (
            "SELECT f.id, f.created_at
               FROM (SELECT id, created_at, status FROM mails
                      WHERE recipient_folded >= $1 AND recipient_folded < $2
                      ORDER BY recipient_folded, created_at, id LIMIT $3) AS f
              WHERE f.status = COALESCE($4, f.status)
              ORDER BY f.created_at DESC, f.id DESC",
            params![start, end_of(&start), most, filter.status].to_vec(),
        )
    };
    let first = parameters.len().saturating_add(1);
    let second = first.saturating_add(1);
    let mut counting = parameters.clone();
    counting.push(most.to_value());
    let (counted,): (u32,) = tx.query_one(
        &format!("SELECT COUNT(*) FROM ({found} LIMIT ${first}) AS counted"),
        &counting,
    )?;
    parameters.push(filter.page.size().saturating_add(1).to_value());
    parameters.push(filter.page.offset().to_value());
    let rows = tx.query(
        &format!(
            "WITH page AS ({found} LIMIT ${first} OFFSET ${second})
             SELECT m.id, m.kind, m.order_id, m.recipient, m.subject, m.status, m.attempts, m.last_error, m.created_at, m.sent_at
               FROM page
               JOIN mails m ON m.id = page.id
              ORDER BY page.created_at DESC, page.id DESC"
        ),
        &parameters,
    )?;
    Ok(LongPage::new(filter.page, Total::capped(counted), rows))
}

/// How many mails were given up.
pub fn count_failed_mails(tx: &mut Tx<'_>) -> Result<Total, DbError> {
    let (counted,): (u32,) = tx.query_one(
        "SELECT COUNT(*) FROM (SELECT id FROM mails WHERE status = $1 ORDER BY created_at, id LIMIT $2) AS counted",
        params![MailStatus::Dead, Total::CAP.saturating_add(1)],
    )?;
    Ok(Total::capped(counted))
}

/// One mail.
pub fn find_mail(tx: &mut Tx<'_>, id: &MailId) -> Result<Option<Mail>, DbError> {
    tx.query_opt(
        &format!("SELECT {MAIL} FROM mails WHERE id = $1"),
        params![id],
    )
}

/// Why a mail did not go out this time.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It may later.
    #[error("{0}")]
    Later(String),
    /// It never will.
    #[error("{0}")]
    Never(String),
    /// Not the mail server's doing.
    #[error(transparent)]
    Internal(#[from] Internal),
}
crate::internal_from!(SendError: DbError);

/// Sends a mail of the outbox, unless it was sent already.
///
/// Should we die between the server's yes and our writing it down, the mail goes out twice with one Message-ID.
pub async fn send_mail(shop: &Shop, id: &MailId) -> Result<(), SendError> {
    let wanted = id.clone();
    let (mail, settings) = shop
        .db
        .read(move |tx| -> Result<_, SendError> {
            let mail = find_mail(tx, &wanted)?;
            Ok((mail, settings::load(tx)?))
        })
        .await?;
    let Some(mail) = mail.filter(|mail| mail.status != MailStatus::Sent) else {
        return Ok(());
    };
    if !shop.mailer.is_configured() {
        return set_aside(shop, id, MailStatus::Kept).await;
    }
    let letter = Letter {
        id: mail.id.to_string(),
        from_name: settings.shop.name,
        reply_to: settings.shop.email,
        to: mail.recipient.to_string(),
        subject: mail.subject,
        html: mail.html,
        text: mail.text,
    };
    let sent = shop.mailer.send(&letter).await;
    let now = shop.clock.now();
    let (status, error) = match &sent {
        Ok(()) => (MailStatus::Sent, None),
        Err(MailError::Later(why)) => (MailStatus::Pending, Some(why.clone())),
        Err(MailError::Never(why)) => (MailStatus::Dead, Some(why.clone())),
    };
    let id = mail.id;
    shop.db
        .write(move |tx| -> Result<(), SendError> {
            let sent_at = (status == MailStatus::Sent).then_some(now);
            tx.execute(
                "UPDATE mails SET status = $1, attempts = attempts + 1, last_error = $2, sent_at = $3 WHERE id = $4 AND status <> 'sent'",
                params![status, error, sent_at, id],
            )?;
            Ok(())
        })
        .await?;
    sent.map_err(|error| match error {
        MailError::Later(why) => SendError::Later(why),
        MailError::Never(why) => SendError::Never(why),
    })
}

/// Gives up sending a mail that no server took for days. It stays readable, and can be sent again by hand.
pub(crate) async fn give_up(shop: &Shop, id: &MailId) -> Result<(), Internal> {
    set_aside(shop, id, MailStatus::Dead).await
}

/// Leaves a mail that was not sent in the outbox, so marked.
async fn set_aside<E>(shop: &Shop, id: &MailId, status: MailStatus) -> Result<(), E>
where
    E: From<DbError> + Send + 'static,
{
    let id = id.clone();
    shop.db
        .write(move |tx| {
            tx.execute(
                "UPDATE mails SET status = $1 WHERE id = $2 AND status = 'pending'",
                params![status, id],
            )?;
            Ok(())
        })
        .await
}

/// Has a mail sent, or sent again. False if there is no such mail.
pub async fn resend_mail(
    shop: &Shop,
    by: Authorized<SendMails>,
    id: &MailId,
) -> Result<bool, Internal> {
    let id = id.clone();
    audit::change(shop, shop.act(by.actor()), move |tx, act| {
        let again = tx.execute(
            "UPDATE mails SET status = 'pending', sent_at = NULL WHERE id = $1",
            params![id],
        )?;
        if again != 1 {
            return Ok((false, Change::none()));
        }
        jobs::enqueue(
            tx,
            act.now,
            &NewJob::new(
                SEND_MAIL,
                &SendMail {
                    mail_id: id.clone(),
                },
            ),
        )?;
        Ok((true, Change::new("mail.resend", "mail", &id)))
    })
    .await
}
