//! Mails: the outbox, each mail as it was written, and sending one again.

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use commerce::Internal;
use commerce::notifications::{
    Mail, MailFilter, MailRow, MailStatus, find_mail, list_outbox, resend_mail,
};
use commerce::orders;
use commerce::staff::{Permission, SendMails, ViewMails, ViewOrders};
use kernel::{Code, LongPage, MailId, PageRequest, Timestamp};
use serde::{Deserialize, Serialize};
use templates::{Page, Samples, Say};
use web::{Fields, Html, Private, Problem, Query, Sandboxed};

use super::orders as orders_page;
use crate::admin::Admin;
use crate::desk::Desk;
use crate::frame::Section;
use crate::told::Told;
use crate::views::listing::{address, pages};
use crate::views::{Pages, Tab};

const PATH: &str = "/admin/mails";
const PAGE_SIZE: u32 = 50;

crate::routes! {
    get  "/admin/mails" (ViewMails) list;
    get  "/admin/mails/{id}" (ViewMails) show;
    get  "/admin/mails/{id}/html" (ViewMails) html;
    post "/admin/mails/{id}/send" (SendMails) send;
}

/// The pages with their samples.
pub(crate) fn samples() -> Vec<Samples> {
    vec![
        Samples::of_page::<MailsPage>(),
        Samples::of_page::<MailPage>(),
    ]
}

/// `pages/mails.html`.
#[derive(Debug, Clone, Serialize)]
pub struct MailsPage {
    tabs: Vec<Tab>,
    query: String,
    /// The view of the tab; empty for all.
    view: String,
    rows: Vec<RowView>,
    pages: Pages,
    clear_url: String,
}

#[derive(Debug, Clone, Serialize)]
struct RowView {
    url: String,
    subject: String,
    recipient: String,
    status: MailStatus,
    last_error: Option<String>,
    at: Timestamp,
}

/// `pages/mail.html`.
#[derive(Debug, Clone, Serialize)]
pub struct MailPage {
    subject: String,
    recipient: String,
    status: MailStatus,
    attempts: i64,
    last_error: Option<String>,
    created_at: Timestamp,
    sent_at: Option<Timestamp>,
    /// Its order's number, where the person may see orders.
    order: Option<i64>,
    text: String,
    html_url: String,
    /// Where the form that sends it again leads; nothing for whoever may not.
    send_url: Option<String>,
}

/// What the address says.
#[derive(Debug, Clone, Default, Deserialize)]
pub(crate) struct Asked {
    #[serde(default)]
    status: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    page: String,
}

pub(crate) async fn list(
    State(admin): State<Admin>,
    desk: Desk<ViewMails>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let status: Option<MailStatus> = MailStatus::ALL
        .iter()
        .copied()
        .find(|status| status.as_str() == asked.status);
    let filter = MailFilter {
        status,
        search: Some(asked.q.chars().take(200).collect()),
        page: PageRequest::new(asked.page.parse().unwrap_or(1), PAGE_SIZE),
    };
    let read = admin.read(&desk.staff, move |tx, _| {
        Ok::<_, Internal>(list_outbox(tx, &filter)?)
    });
    let (base, found) = read.await?;
    let page = mails_page((&asked, status), found, &admin.words()?);
    admin
        .sheet(&desk.staff, &base)
        .section(Section::Mails)
        .draw(&page)
}

fn mails_page(
    (asked, status): (&Asked, Option<MailStatus>),
    found: LongPage<MailRow>,
    say: &Say,
) -> MailsPage {
    let view = status.map_or("", MailStatus::as_str);
    let at = |page: &str| {
        let chosen = [("status", view), ("q", asked.q.trim()), ("page", page)];
        address(PATH, &chosen)
    };
    let all = Tab {
        label: say.text("mails.view.all"),
        url: PATH.to_owned(),
        current: status.is_none(),
        count: None,
    };
    let others = MailStatus::ALL.iter().map(|tab| Tab {
        label: say.text(&format!("mails.view.{tab}")),
        url: address(PATH, &[("status", tab.as_str())]),
        current: status == Some(*tab),
        count: None,
    });
    MailsPage {
        tabs: std::iter::once(all).chain(others).collect(),
        query: asked.q.clone(),
        view: view.to_owned(),
        pages: pages(&found, say, at),
        clear_url: address(PATH, &[("status", view)]),
        rows: found.items.into_iter().map(row_view).collect(),
    }
}

fn row_view(mail: MailRow) -> RowView {
    RowView {
        url: format!("{PATH}/{}", mail.id),
        subject: mail.subject,
        recipient: mail.recipient.to_string(),
        status: mail.status,
        last_error: mail.last_error.filter(|_| mail.status != MailStatus::Sent),
        at: mail.created_at,
    }
}

fn not_found() -> Problem {
    Problem::new(Code::NotFound)
}

fn id(text: &str) -> Result<MailId, Problem> {
    text.parse().map_err(|_not_an_id| not_found())
}

pub(crate) async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewMails>,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let id = id(&text)?;
    let read = admin.read(&desk.staff, move |tx, _| {
        let Some(mail) = find_mail(tx, &id)? else {
            return Ok(None);
        };
        let order = match &mail.order_id {
            Some(order) => orders::get(tx, order)?,
            None => None,
        };
        Ok::<_, Internal>(Some((mail, order)))
    });
    let (base, found) = read.await?;
    let (mail, order) = found.ok_or_else(not_found)?;
    let order = order
        .and_then(|order| order.number)
        .filter(|_| desk.staff.holds(ViewOrders::NAME));
    let page = mail_page(mail, order, desk.staff.holds(SendMails::NAME));
    admin
        .sheet(&desk.staff, &base)
        .section(Section::Mails)
        .draw(&page)
}

fn mail_page(mail: Mail, order: Option<i64>, may_send: bool) -> MailPage {
    let url = format!("{PATH}/{}", mail.id);
    MailPage {
        subject: mail.subject,
        recipient: mail.recipient.to_string(),
        status: mail.status,
        attempts: mail.attempts,
        last_error: mail.last_error.filter(|_| mail.status != MailStatus::Sent),
        created_at: mail.created_at,
        sent_at: mail.sent_at,
        order,
        text: mail.text,
        html_url: format!("{url}/html"),
        send_url: may_send.then(|| format!("{url}/send")),
    }
}

/// The mail as a mail program would show it, apart from the shop: nothing in it runs.
pub(crate) async fn html(
    State(admin): State<Admin>,
    _desk: Desk<ViewMails>,
    Path(text): Path<String>,
) -> Result<Response, Problem> {
    let id = id(&text)?;
    let read = admin
        .shop()
        .db
        .read(move |tx| Ok::<_, Internal>(find_mail(tx, &id)?));
    let mail = read.await?.ok_or_else(not_found)?;
    Ok((Private, Sandboxed, Html(mail.html)).into_response())
}

pub(crate) async fn send(
    State(admin): State<Admin>,
    desk: Desk<SendMails>,
    Path(text): Path<String>,
    fields: Fields,
) -> Result<Response, Problem> {
    let id = id(&text)?;
    let (shop, by, wanted) = (admin.shop().clone(), desk.by.clone(), id.clone());
    let sent = web::run(async move { resend_mail(&shop, by, &wanted).await }).await??;
    if !sent {
        return Err(not_found());
    }
    let told = if admin.shop().mailer.is_configured() {
        Told::new("mails.told.sent")
    } else {
        Told::new("mails.told.kept")
    };
    // Back to where it was asked for: the mail's own page, or the timeline of its order.
    let to = match fields.get("order") {
        Some(order) => format!(
            "{}#timeline",
            orders_page::path(orders_page::number(order)?)
        ),
        None => format!("{PATH}/{id}"),
    };
    desk.staff.done(&to, &told)
}

impl Page for MailsPage {
    const TEMPLATE: &'static str = "pages/mails.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let row = |status| RowView {
            url: format!("{PATH}/mail_1"),
            subject: "Order <1042> is on its way".to_owned(),
            recipient: "noor@example.com".to_owned(),
            status,
            last_error: (status == MailStatus::Dead).then(|| "550 <no such user>".to_owned()),
            at: super::orders::samples::at(),
        };
        let full = Self {
            tabs: vec![Tab {
                label: "All".to_owned(),
                url: PATH.to_owned(),
                current: true,
                count: None,
            }],
            query: "<i>noor".to_owned(),
            view: "dead".to_owned(),
            rows: MailStatus::ALL.iter().copied().map(row).collect(),
            pages: Pages {
                number: 1,
                previous_url: None,
                next_url: None,
                total: "4".to_owned(),
                first: 1,
                last: 4,
            },
            clear_url: PATH.to_owned(),
        };
        let nothing = Self {
            rows: Vec::new(),
            ..full.clone()
        };
        let none_of_these = Self {
            query: String::new(),
            ..nothing.clone()
        };
        let new = Self {
            view: String::new(),
            ..none_of_these.clone()
        };
        vec![
            ("full", full),
            ("nothing found", nothing),
            ("none of these", none_of_these),
            ("a new shop", new),
        ]
    }
}

impl Page for MailPage {
    const TEMPLATE: &'static str = "pages/mail.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let failed = Self {
            subject: "Order <1042> is on its way".to_owned(),
            recipient: "noor@example.com".to_owned(),
            status: MailStatus::Dead,
            attempts: 3,
            last_error: Some("550 <no such user>".to_owned()),
            created_at: super::orders::samples::at(),
            sent_at: None,
            order: Some(1_042),
            text: "Hello <b>Noor</b>,\nyour order is on its way.".to_owned(),
            html_url: format!("{PATH}/mail_1/html"),
            send_url: Some(format!("{PATH}/mail_1/send")),
        };
        let sent = Self {
            status: MailStatus::Sent,
            attempts: 1,
            last_error: None,
            sent_at: Some(super::orders::samples::at()),
            order: None,
            send_url: None,
            ..failed.clone()
        };
        let kept = Self {
            status: MailStatus::Kept,
            attempts: 0,
            last_error: None,
            ..failed.clone()
        };
        vec![("failed", failed), ("sent", sent), ("kept", kept)]
    }
}
