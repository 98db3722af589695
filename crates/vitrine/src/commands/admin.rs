//! `vitrine admin`: who may enter the back office.

use std::io::BufRead;
use std::process::ExitCode;

use commerce::Shop;
use commerce::accounts::{
    self, Invite, LinkError, Password, Role, StaffMember, find_by_email, invite,
    let_in_with_password, list_staff, sign_in_link,
};
use commerce::staff::Operator;
use kernel::{Email, Secret};

use crate::args::Admin;
use crate::commands::opened;
use crate::config::Config;
use crate::console::say;
use crate::{Failure, Outcome};

/// Where a link leads in the back office.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Door {
    /// To claim the shop.
    Setup,
    /// To sign in once.
    Link,
    /// To choose a password.
    Invitation,
}

/// The address somebody opens in their browser.
pub(crate) fn address(origin: &str, door: Door, token: &Secret) -> String {
    let page = match door {
        Door::Setup => "setup",
        Door::Link => "link",
        Door::Invitation => "invitation",
    };
    format!("{origin}/admin/{page}?token={}", token.expose())
}

pub(crate) async fn run(config: &Config, command: Admin) -> Outcome {
    let shop = opened(config).await?.shop;
    match command {
        Admin::Create {
            email,
            name,
            role,
            password_stdin,
        } => {
            let cmd = Invite {
                name,
                email,
                role: parse_role(&role)?,
            };
            create(&shop, cmd, password_stdin).await?;
        }
        Admin::Link { email } => {
            let email = parse_email(&email)?;
            let link = sign_in_link(&shop, operator().may(), email.clone()).await;
            let token = link.map_err(|error| match error {
                LinkError::NotFound | LinkError::Spent => unknown(&email).into(),
                LinkError::Internal(error) => Failure::from(error),
            })?;
            say(format_args!(
                "This link signs {email} in. It works once, for 15 minutes:"
            ));
            say(address(&shop.origin, Door::Link, &token));
        }
        Admin::List => list(&shop).await?,
        Admin::Disable { email } => {
            let member = member(&shop, &email).await?;
            let (id, version) = (member.id, member.version);
            accounts::disable(&shop, operator().may(), (id, version)).await?;
            say(format_args!(
                "{} is shut out and signed out everywhere. `vitrine admin enable {}` lets them back in.",
                member.name, member.email
            ));
        }
        Admin::Enable { email } => {
            let member = member(&shop, &email).await?;
            let (id, version) = (member.id, member.version);
            accounts::enable(&shop, operator().may(), (id, version)).await?;
            say(format_args!("{} may sign in again.", member.name));
        }
    }
    shop.db.close().await;
    Ok(ExitCode::SUCCESS)
}

async fn create(shop: &Shop, cmd: Invite, password_stdin: bool) -> Result<(), Failure> {
    let (email, role) = (cmd.email.clone(), cmd.role);
    if password_stdin {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        let password = Password::typed(line.trim_end_matches(['\r', '\n']));
        let_in_with_password(shop, operator().may(), cmd, password).await?;
        say(format_args!(
            "{email} may sign in at {}/admin, as {role}.",
            shop.origin
        ));
        return Ok(());
    }
    let invited = invite(shop, operator().may(), cmd).await?;
    say(format_args!(
        "{email} is let in, as {role}. With this link they choose a password; it works once, for 7 days:"
    ));
    say(address(&shop.origin, Door::Invitation, &invited.token));
    Ok(())
}

async fn list(shop: &Shop) -> Result<(), Failure> {
    let staff = shop.db.read(list_staff).await?;
    for member in &staff {
        let standing = match member {
            StaffMember {
                disabled_at: Some(since),
                ..
            } => format!("shut out since {since}"),
            StaffMember {
                signed_in_at: Some(at),
                ..
            } => format!("last signed in {at}"),
            _ => "has not signed in yet".to_owned(),
        };
        say(format_args!(
            "{:10}  {:32}  {:24}  {standing}",
            member.role.as_str(),
            member.email.as_str(),
            member.name
        ));
    }
    if staff.is_empty() {
        say(
            "Nobody works here yet. `vitrine serve` prints a link to claim the shop; `vitrine admin create` lets somebody in.",
        );
    }
    Ok(())
}

async fn member(shop: &Shop, email: &str) -> Result<StaffMember, Failure> {
    let email = parse_email(email)?;
    let wanted = email.clone();
    let found = shop.db.read(move |tx| find_by_email(tx, &wanted)).await?;
    found.ok_or_else(|| unknown(&email).into())
}

fn operator() -> Operator {
    Operator::at_the_command_line()
}

fn parse_email(email: &str) -> Result<Email, String> {
    Email::parse(email).map_err(|error| format!("{email}: {error}"))
}

fn parse_role(role: &str) -> Result<Role, String> {
    role.parse().map_err(|_unknown| {
        let roles: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
        format!("there is no role {role}; there are {}", roles.join(", "))
    })
}

fn unknown(email: &Email) -> String {
    format!("nobody who may sign in has the address {email}; `vitrine admin list` lists them")
}
