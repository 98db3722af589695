//! `vitrine mail`: the outbox.

use std::process::ExitCode;

use commerce::notifications::{find_mail, list_mails, resend_mail};
use commerce::staff::Operator;
use kernel::{MailId, PageRequest};

use crate::Outcome;
use crate::args::Mail;
use crate::commands::opened;
use crate::config::Config;
use crate::console::say;

/// Mails on a page of the list.
const PAGE: u32 = 50;

pub(crate) async fn run(config: &Config, command: Mail) -> Outcome {
    let shop = opened(config).await?.shop;
    match command {
        Mail::List { page } => {
            let mails = shop
                .db
                .read(move |tx| list_mails(tx, PageRequest::new(page, PAGE)))
                .await?;
            if mails.total == 0 {
                say("There are no mails yet. One is written for every order that is placed.");
            }
            for mail in &mails.items {
                say(format_args!(
                    "{}  {}  {:8} {:32} {}",
                    mail.id, mail.created_at, mail.status, mail.recipient, mail.subject
                ));
                if let Some(error) = &mail.last_error {
                    say(format_args!("    {error}"));
                }
            }
            if mails.pages() > 1 {
                say(format_args!(
                    "Page {} of {}; the next is `vitrine mail list --page {}`.",
                    mails.number,
                    mails.pages(),
                    mails.number.saturating_add(1)
                ));
            }
        }
        Mail::Show { id, html } => {
            let wanted = parse(&id)?;
            let mail = shop
                .db
                .read(move |tx| find_mail(tx, &wanted))
                .await?
                .ok_or_else(|| unknown(&id))?;
            if html {
                say(&mail.html);
            } else {
                say(format_args!(
                    "To: {}\nSubject: {}\nStatus: {}\n\n{}",
                    mail.recipient, mail.subject, mail.status, mail.text
                ));
            }
        }
        Mail::Resend { id } => {
            if !resend_mail(&shop, Operator::at_the_command_line().may(), &parse(&id)?).await? {
                return Err(unknown(&id).into());
            }
            say("The mail is on its way as soon as the shop runs with a mail server.");
        }
    }
    shop.db.close().await;
    Ok(ExitCode::SUCCESS)
}

fn parse(id: &str) -> Result<MailId, String> {
    id.parse().map_err(|_not_an_id| unknown(id))
}

fn unknown(id: &str) -> String {
    format!("there is no mail {id}; `vitrine mail list` lists them")
}
