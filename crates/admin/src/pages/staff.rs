//! `/admin/staff`: who works here, and what each role may.

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::accounts::{self, Invite, InviteError, LinkError, Role, StaffError, StaffMember};
use commerce::notifications::{Mailed, StaffLinkKind, invitation_url, mail_staff_link};
use commerce::staff::{ManageStaff, PERMISSIONS};
use http::StatusCode;
use kernel::{Code, Coded, Secret, StaffId, Timestamp};
use serde::{Deserialize, Serialize};
use templates::{Page, Say};
use web::{Form, Problem};

use super::invitation::person_told;
use super::sign_in::status_of;
use crate::admin::Admin;
use crate::desk::{Desk, Staffer};
use crate::frame::Section;
use crate::told::Told;
use crate::views::{Choice, FormError};

crate::routes! {
    get "/admin/staff" (ManageStaff) show;
    post "/admin/staff" (ManageStaff) invite;
    post "/admin/staff/{id}/role" (ManageStaff) change_role;
    post "/admin/staff/{id}/standing" (ManageStaff) change_standing;
    post "/admin/staff/{id}/link" (ManageStaff) link;
}

const HERE: &str = "/admin/staff";

/// `pages/staff.html`.
#[derive(Debug, Clone, Serialize)]
pub struct StaffPage {
    /// What is wrong with what was sent.
    pub errors: Vec<FormError>,
    /// Everybody.
    pub members: Vec<MemberView>,
    /// The name of somebody to be let in, as typed.
    pub name: String,
    /// Their address, as typed.
    pub email: String,
    /// What they will be.
    pub roles: Vec<Choice>,
    /// What each role may: a row for each permission.
    pub matrix: Vec<Row>,
    /// The roles, in the order of the rows' marks.
    pub role_names: Vec<String>,
}

/// Somebody who works here.
#[derive(Debug, Clone, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is asked for by itself in the template"
)]
pub struct MemberView {
    /// Their id.
    pub id: String,
    /// Their name.
    pub name: String,
    /// What they sign in with.
    pub email: String,
    /// What they are.
    pub role: String,
    /// What they could be.
    pub roles: Vec<Choice>,
    /// Whether it is whoever reads.
    pub me: bool,
    /// Whether they are shut out.
    pub disabled: bool,
    /// Whether they have not chosen a password yet.
    pub invited: bool,
    /// Whether signing in takes a code.
    pub second_factor: bool,
    /// When they last signed in.
    pub signed_in_at: Option<Timestamp>,
    /// As which they were seen.
    pub version: i64,
}

/// A permission, and which roles hold it.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// What may be done.
    pub label: String,
    /// Whether each role may.
    pub held: Vec<bool>,
}

/// `pages/staff_link.html`: a link to be handed on, shown this once.
#[derive(Debug, Clone, Serialize)]
pub struct StaffLinkPage {
    /// Whom it is for.
    pub name: String,
    /// Where it was mailed to.
    pub email: String,
    /// The link.
    pub url: String,
    /// Whether they have a password, and choose another.
    pub again: bool,
    /// What became of the mail.
    pub mailed: MailedView,
}

/// What became of the mail with a link.
#[derive(Debug, Clone, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum MailedView {
    /// It left.
    Sent,
    /// There is no mail server.
    NoMailServer,
    /// It did not leave.
    NotTaken {
        /// What the mail server said.
        why: String,
    },
}

impl Page for StaffPage {
    const TEMPLATE: &'static str = "pages/staff.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let choice = Choice {
            value: "viewer".to_owned(),
            label: "Viewer".to_owned(),
            chosen: true,
        };
        let member = |me, disabled| MemberView {
            id: "staff_1".to_owned(),
            name: "Ines <b>".to_owned(),
            email: "ines@example.com".to_owned(),
            role: "owner".to_owned(),
            roles: vec![choice.clone()],
            me,
            disabled,
            invited: !me,
            second_factor: me,
            signed_in_at: me.then(|| Timestamp::from_millis(1_795_428_000_000)),
            version: 1,
        };
        let ordinary = Self {
            errors: Vec::new(),
            members: vec![
                member(true, false),
                member(false, false),
                member(false, true),
            ],
            name: String::new(),
            email: String::new(),
            roles: vec![choice],
            matrix: vec![Row {
                label: "See orders".to_owned(),
                held: vec![true, false],
            }],
            role_names: vec!["owner".to_owned(), "viewer".to_owned()],
        };
        let refused = Self {
            errors: vec![FormError::at("email", "Taken.")],
            email: "<b>".to_owned(),
            ..ordinary.clone()
        };
        vec![("ordinary", ordinary), ("refused", refused)]
    }
}

impl Page for StaffLinkPage {
    const TEMPLATE: &'static str = "pages/staff_link.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let first = Self {
            name: "Joris <b>".to_owned(),
            email: "joris@example.com".to_owned(),
            url: "https://shop.example/admin/invitation?token=TOKEN".to_owned(),
            again: false,
            mailed: MailedView::Sent,
        };
        let again = Self {
            again: true,
            mailed: MailedView::NoMailServer,
            ..first.clone()
        };
        let not_taken = Self {
            mailed: MailedView::NotTaken {
                why: "550 no <b>such</b> mailbox".to_owned(),
            },
            ..first.clone()
        };
        vec![
            ("first", first),
            ("again", again),
            ("mail not taken", not_taken),
        ]
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct InviteForm {
    name: String,
    email: String,
    role: String,
}

/// `GET /admin/staff`.
async fn show(State(admin): State<Admin>, desk: Desk<ManageStaff>) -> Result<Response, Problem> {
    let parts = (InviteForm::default(), Vec::new());
    draw(&admin, &desk.staff, StatusCode::OK, parts).await
}

/// `POST /admin/staff`: the link is mailed to whom it is for, and shown on the answer and nowhere else.
async fn invite(
    State(admin): State<Admin>,
    desk: Desk<ManageStaff>,
    Form(form): Form<InviteForm>,
) -> Result<Response, Problem> {
    let say = admin.words()?;
    let Ok(role) = form.role.parse::<Role>() else {
        let error = FormError::at("role", say.text("staff.error.role"));
        let parts = (form, vec![error]);
        return draw(&admin, &desk.staff, StatusCode::UNPROCESSABLE_ENTITY, parts).await;
    };
    let cmd = Invite {
        name: form.name.clone(),
        email: form.email.clone(),
        role,
    };
    let (shop, by) = (admin.shop().clone(), desk.by);
    let error = match web::run(async move { accounts::invite(&shop, by, cmd).await }).await? {
        Ok(invited) => {
            let made = (StaffLinkKind::Invitation, invited.token);
            return hand_out(&admin, &desk.staff, invited.id, made).await;
        }
        Err(error) => error,
    };
    let status = status_of(error.code());
    let told = match error {
        InviteError::Taken(_) => FormError::at("email", say.text("staff.error.taken")),
        InviteError::Person(error) => person_told(&say, error),
        InviteError::Busy => FormError::of_form(say.text("sign_in.error.busy")),
        InviteError::Internal(error) => return Err(error.into()),
    };
    draw(&admin, &desk.staff, status, (form, vec![told])).await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RoleForm {
    role: String,
    version: i64,
}

/// `POST /admin/staff/{id}/role`.
async fn change_role(
    State(admin): State<Admin>,
    desk: Desk<ManageStaff>,
    Path(id): Path<String>,
    Form(form): Form<RoleForm>,
) -> Result<Response, Problem> {
    let id = parse(&id)?;
    let role = form
        .role
        .parse::<Role>()
        .map_err(|_no_role| Problem::new(Code::BadRequest))?;
    let (shop, by) = (admin.shop().clone(), desk.by);
    let which = (id, form.version);
    let changed =
        web::run(async move { accounts::change_role(&shop, by, which, role).await }).await?;
    answer(&admin, &desk.staff, changed, "staff.told.role").await
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StandingForm {
    let_in: String,
    version: i64,
}

/// `POST /admin/staff/{id}/standing`: shuts somebody out or lets them back in.
async fn change_standing(
    State(admin): State<Admin>,
    desk: Desk<ManageStaff>,
    Path(id): Path<String>,
    Form(form): Form<StandingForm>,
) -> Result<Response, Problem> {
    let which = (parse(&id)?, form.version);
    let let_in = form.let_in == "yes";
    let (shop, by) = (admin.shop().clone(), desk.by);
    let changed = web::run(async move {
        if let_in {
            accounts::enable(&shop, by, which).await
        } else {
            accounts::disable(&shop, by, which).await
        }
    });
    let key = if let_in {
        "staff.told.enabled"
    } else {
        "staff.told.disabled"
    };
    answer(&admin, &desk.staff, changed.await?, key).await
}

/// `POST /admin/staff/{id}/link`: a link to choose a password, mailed, and shown on the answer and nowhere else.
async fn link(
    State(admin): State<Admin>,
    desk: Desk<ManageStaff>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = parse(&id)?;
    let (shop, by, whose) = (admin.shop().clone(), desk.by, id.clone());
    let made =
        web::run(async move { accounts::reset_password_link(&shop, by, whose).await }).await?;
    let token = made.map_err(|error| match error {
        LinkError::NotFound | LinkError::Spent => Problem::new(Code::NotFound),
        LinkError::Internal(error) => error.into(),
    })?;
    hand_out(&admin, &desk.staff, id, (StaffLinkKind::Password, token)).await
}

/// Mails a link to whom it is for, and shows it to whoever made it, with what became of the mail.
async fn hand_out(
    admin: &Admin,
    staff: &Staffer,
    id: StaffId,
    (kind, token): (StaffLinkKind, Secret),
) -> Result<Response, Problem> {
    let read = admin.read(staff, move |tx, _base| Ok(accounts::find(tx, &id)?));
    let (_base, member) = read.await?;
    let member = member.ok_or_else(|| Problem::new(Code::NotFound))?;
    // Somebody who never chose a password is invited again.
    let kind = if member.has_password {
        kind
    } else {
        StaffLinkKind::Invitation
    };
    let page = |mailed| StaffLinkPage {
        name: member.name.clone(),
        email: member.email.to_string(),
        url: invitation_url(&admin.shop().origin, &token),
        again: member.has_password,
        mailed,
    };
    let (shop, mails) = (admin.shop().clone(), admin.mails().clone());
    let (to, link) = (member.clone(), token.clone());
    let mailed = web::run(async move { mail_staff_link(&shop, &mails, &to, (kind, &link)).await });
    let mailed = match mailed.await? {
        Ok(Mailed::Sent) => MailedView::Sent,
        Ok(Mailed::NoMailServer) => MailedView::NoMailServer,
        Ok(Mailed::NotTaken(why)) => MailedView::NotTaken { why },
        // The link is made and shown only now: it must not be lost with its mail.
        Err(error) => {
            tracing::error!(staff.id = %member.id, "The mail with a link was not written: {error}");
            let why = admin.words()?.text("staff.link.not_written");
            MailedView::NotTaken { why }
        }
    };
    draw_link(admin, staff, &page(mailed)).await
}

async fn answer(
    admin: &Admin,
    staff: &Staffer,
    changed: Result<i64, StaffError>,
    key: &str,
) -> Result<Response, Problem> {
    let Err(error) = changed else {
        return staff.done(HERE, &Told::new(key));
    };
    let say = admin.words()?;
    let status = status_of(error.code());
    let told = match error {
        StaffError::NotFound => return Err(Problem::new(Code::NotFound)),
        StaffError::Stale => say.text("staff.error.stale"),
        StaffError::LastOwner => say.text("staff.error.last_owner"),
        StaffError::Yourself => say.text("staff.error.yourself"),
        StaffError::Internal(error) => return Err(error.into()),
    };
    let parts = (InviteForm::default(), vec![FormError::of_form(told)]);
    draw(admin, staff, status, parts).await
}

fn parse(id: &str) -> Result<StaffId, Problem> {
    id.parse().map_err(|_no_id| Problem::new(Code::NotFound))
}

async fn draw_link(
    admin: &Admin,
    staff: &Staffer,
    page: &StaffLinkPage,
) -> Result<Response, Problem> {
    let (base, ()) = admin.read(staff, |_tx, _base| Ok(())).await?;
    admin.sheet(staff, &base).section(Section::Staff).draw(page)
}

async fn draw(
    admin: &Admin,
    staff: &Staffer,
    status: StatusCode,
    (form, errors): (InviteForm, Vec<FormError>),
) -> Result<Response, Problem> {
    let read = admin.read(staff, |tx, _base| Ok(accounts::list_staff(tx)?));
    let (base, members) = read.await?;
    let say = admin.words()?;
    let member = |one: &StaffMember| MemberView {
        id: one.id.to_string(),
        name: one.name.clone(),
        email: one.email.to_string(),
        role: one.role.to_string(),
        roles: roles(&say, one.role.as_str()),
        me: one.id == staff.who.member().id,
        disabled: one.disabled_at.is_some(),
        invited: !one.has_password,
        second_factor: one.has_second_factor,
        signed_in_at: one.signed_in_at,
        version: one.version,
    };
    let chosen = if form.role.is_empty() {
        Role::Viewer.as_str()
    } else {
        form.role.as_str()
    };
    let page = StaffPage {
        errors,
        members: members.iter().map(member).collect(),
        roles: roles(&say, chosen),
        name: form.name,
        email: form.email,
        matrix: matrix(&say),
        role_names: Role::ALL.iter().map(ToString::to_string).collect(),
    };
    admin
        .sheet(staff, &base)
        .section(Section::Staff)
        .status(status)
        .draw(&page)
}

fn roles(say: &Say, chosen: &str) -> Vec<Choice> {
    let choice = |role: &Role| Choice {
        value: role.to_string(),
        label: say.text(&format!("staff.role.{role}")),
        chosen: role.as_str() == chosen,
    };
    Role::ALL.iter().map(choice).collect()
}

fn matrix(say: &Say) -> Vec<Row> {
    let row = |permission: &&str| Row {
        label: say.text(&format!("staff.may.{permission}")),
        held: Role::ALL
            .iter()
            .map(|role| role.holds(permission))
            .collect(),
    };
    PERMISSIONS.iter().map(row).collect()
}
