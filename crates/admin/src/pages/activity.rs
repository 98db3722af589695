//! `/admin/activity`: who changed what, newest first.

use std::collections::HashMap;

use axum::extract::State;
use axum::response::Response;
use commerce::accounts::{self, StaffMember};
use commerce::audit::{self, Entry, Filter};
use commerce::staff::{Actor, ViewAudit};
use kernel::{StaffId, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use templates::{Page, Say};
use web::{Problem, Query};

use crate::admin::Admin;
use crate::desk::Desk;
use crate::frame::Section;
use crate::views::Choice;

crate::routes! {
    get "/admin/activity" (ViewAudit) show;
}

/// Rows on a page.
const ROWS: u32 = 50;
/// Longest value shown of a change.
const LONGEST: usize = 300;

/// `pages/activity.html`.
#[derive(Debug, Clone, Serialize)]
pub struct ActivityPage {
    /// What was done.
    pub entries: Vec<EntryView>,
    /// Whose acts are shown.
    pub people: Vec<Choice>,
    /// The subject all of them are about, in words.
    pub subject: String,
    /// The same, as the address says it.
    pub what: String,
    /// Whether only some acts are shown.
    pub filtered: bool,
    /// Where it goes on.
    pub older_url: Option<String>,
}

/// Something that was done.
#[derive(Debug, Clone, Serialize)]
pub struct EntryView {
    /// Its number.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub who: String,
    /// What was done, in words.
    pub action: String,
    /// To what, in words.
    pub subject: String,
    /// Its page, if it has one and is still there.
    pub subject_url: Option<String>,
    /// All that was done to it.
    pub history_url: String,
    /// Each field with what it was and is.
    pub changes: Vec<ChangeView>,
}

/// A field that was changed.
#[derive(Debug, Clone, Serialize)]
pub struct ChangeView {
    /// Its name.
    pub field: String,
    /// What it was.
    pub before: Option<String>,
    /// What it is.
    pub after: Option<String>,
}

impl Page for ActivityPage {
    const TEMPLATE: &'static str = "pages/activity.html";

    fn samples() -> Vec<(&'static str, Self)> {
        let entry = EntryView {
            number: 12,
            at: Timestamp::from_millis(1_795_428_000_000),
            who: "Ines <b>".to_owned(),
            action: "Saved settings".to_owned(),
            subject: "Settings".to_owned(),
            subject_url: Some("/admin/settings/shop".to_owned()),
            history_url: "/admin/activity?what=settings%3Ashop".to_owned(),
            changes: vec![ChangeView {
                field: "shop.tagline".to_owned(),
                before: None,
                after: Some("<i>Cups".to_owned()),
            }],
        };
        let filled = Self {
            entries: vec![
                EntryView {
                    subject: "Delivery <zone>".to_owned(),
                    subject_url: None,
                    changes: Vec::new(),
                    ..entry.clone()
                },
                entry,
            ],
            people: vec![Choice {
                value: String::new(),
                label: "Everybody".to_owned(),
                chosen: true,
            }],
            subject: "Settings".to_owned(),
            what: "settings:shop".to_owned(),
            filtered: true,
            older_url: Some("/admin/activity?before=12".to_owned()),
        };
        let nothing = Self {
            entries: Vec::new(),
            filtered: false,
            subject: String::new(),
            what: String::new(),
            older_url: None,
            ..filled.clone()
        };
        let no_match = Self {
            filtered: true,
            ..nothing.clone()
        };
        vec![
            ("filled", filled),
            ("nothing", nothing),
            ("no match", no_match),
        ]
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Wanted {
    #[serde(default)]
    who: String,
    #[serde(default)]
    what: String,
    #[serde(default)]
    before: String,
}

/// `GET /admin/activity`.
async fn show(
    State(admin): State<Admin>,
    desk: Desk<ViewAudit>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Problem> {
    let subject = wanted.what.trim().to_owned();
    let filter = Filter {
        actor: wanted.who.parse::<Actor>().ok(),
        subject: (!subject.is_empty()).then(|| subject.clone()),
        action: None,
        before: wanted.before.parse().ok(),
    };
    let asked = filter.clone();
    let read = admin.read(&desk.staff, move |tx, _base| {
        let more = ROWS.saturating_add(1);
        Ok((audit::list(tx, &asked, more)?, accounts::list_staff(tx)?))
    });
    let (base, (mut entries, members)) = read.await?;
    let say = admin.words()?;
    let rows = usize::try_from(ROWS).unwrap_or(50);
    let goes_on = entries.len() > rows;
    entries.truncate(rows);
    let last = entries.last().filter(|_| goes_on).map(|one| one.sequence);
    let names: HashMap<&StaffId, &str> = members
        .iter()
        .map(|member| (&member.id, member.name.as_str()))
        .collect();
    let page = ActivityPage {
        people: people(&say, &members, filter.actor.as_ref()),
        filtered: filter.actor.is_some() || filter.subject.is_some(),
        older_url: match last {
            Some(before) => Some(url(&[
                ("who", &wanted.who),
                ("what", &subject),
                ("before", &before.to_string()),
            ])?),
            None => None,
        },
        entries: entries
            .into_iter()
            .map(|one| entry(&say, &names, one))
            .collect::<Result<_, _>>()?,
        subject: Subject::of(&subject).in_words(&say, &names),
        what: subject,
    };
    admin
        .sheet(&desk.staff, &base)
        .section(Section::Activity)
        .draw(&page)
}

fn url(fields: &[(&str, &str)]) -> Result<String, Problem> {
    let given: Vec<_> = fields
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .collect();
    let query = serde_urlencoded::to_string(given).map_err(|error| Problem::internal(&error))?;
    Ok(format!("/admin/activity?{query}"))
}

fn people(say: &Say, members: &[StaffMember], chosen: Option<&Actor>) -> Vec<Choice> {
    let choice = |actor: Option<Actor>, label: String| Choice {
        chosen: actor.as_ref() == chosen,
        value: actor.map(|actor| actor.to_string()).unwrap_or_default(),
        label,
    };
    let fixed = [
        choice(None, say.text("activity.everybody")),
        choice(Some(Actor::Operator), say.text("activity.operator")),
    ];
    let staff = members
        .iter()
        .map(|one| choice(Some(Actor::Staff(one.id.clone())), one.name.clone()));
    fixed.into_iter().chain(staff).collect()
}

fn entry(say: &Say, names: &HashMap<&StaffId, &str>, one: Entry) -> Result<EntryView, Problem> {
    let who = match &one.actor {
        Actor::Staff(id) => names
            .get(id)
            .map_or_else(|| id.to_string(), |name| (*name).to_owned()),
        Actor::Operator => say.text("activity.operator"),
        other @ (Actor::Shopper | Actor::System | Actor::Gateway(_)) => other.to_string(),
    };
    Ok(EntryView {
        number: one.sequence,
        at: one.at,
        who,
        action: in_words(say, &one.action),
        history_url: url(&[("what", &one.subject)])?,
        subject: Subject::of(&one.subject).in_words(say, names),
        subject_url: Subject::of(&one.subject)
            .page()
            .filter(|_| !is_an_end(&one.action)),
        changes: changes(one.before, one.after),
    })
}

/// Whether what it was done to is gone since.
fn is_an_end(action: &str) -> bool {
    let verb = action.split_once('.').map_or(action, |(_, verb)| verb);
    verb.starts_with("delete") || verb.starts_with("remove")
}

/// What something was done to: its kind and its id.
#[derive(Debug, Clone, Copy)]
struct Subject<'a> {
    kind: &'a str,
    id: &'a str,
}

impl<'a> Subject<'a> {
    fn of(stored: &'a str) -> Self {
        let (kind, id) = stored.split_once(':').unwrap_or((stored, ""));
        Self { kind, id }
    }

    /// A colleague by name, anything else by what it is; a kind that has no word yet shows as it is stored.
    fn in_words(self, say: &Say, names: &HashMap<&StaffId, &str>) -> String {
        let staff: Option<StaffId> = self.id.parse().ok().filter(|_| self.kind == "staff");
        let name = staff.and_then(|id| names.get(&id).copied());
        name.map(str::to_owned)
            .or_else(|| say.find(&format!("activity.subject.{}", self.kind)))
            .unwrap_or_else(|| self.kind.replace('_', " "))
    }

    /// The page it has.
    fn page(self) -> Option<String> {
        let id = self.id;
        match self.kind {
            "order" => Some(format!("/admin/orders/{id}")),
            "product" => Some(format!("/admin/products/{id}")),
            "category" => Some(format!("/admin/categories/{id}")),
            "collection" => Some(format!("/admin/collections/{id}")),
            "variant" => Some(format!("/admin/inventory/{id}")),
            "mail" => Some(format!("/admin/mails/{id}")),
            "zone" => Some(format!("/admin/settings/delivery/zones/{id}")),
            "delivery_method" => Some(format!("/admin/settings/delivery/methods/{id}")),
            "location" => Some("/admin/inventory/locations".to_owned()),
            "tax" => Some("/admin/settings/taxes".to_owned()),
            "staff" => Some("/admin/staff".to_owned()),
            "settings" => Some("/admin/settings".to_owned()),
            _ => None,
        }
    }
}

/// What was done, in words; an act that has none yet shows as it is stored.
fn in_words(say: &Say, action: &str) -> String {
    say.find(&format!("activity.action.{action}"))
        .unwrap_or_else(|| {
            let (area, verb) = action.split_once('.').unwrap_or(("", action));
            format!("{area}: {}", verb.replace('_', " "))
        })
}

/// Each field of both sides; what is no object is one nameless field.
fn changes(before: Option<Json>, after: Option<Json>) -> Vec<ChangeView> {
    let fields = |side: Option<Json>| -> Vec<(String, Json)> {
        match side {
            Some(Json::Object(fields)) => fields.into_iter().collect(),
            Some(value) => vec![(String::new(), value)],
            None => Vec::new(),
        }
    };
    let (before, after) = (fields(before), fields(after));
    let mut names: Vec<&String> = before.iter().chain(&after).map(|(name, _)| name).collect();
    names.sort_unstable();
    names.dedup();
    let find = |side: &[(String, Json)], wanted: &str| {
        side.iter()
            .find(|(name, _)| name == wanted)
            .and_then(|(_, value)| shown(value))
    };
    names
        .into_iter()
        .map(|name| ChangeView {
            before: find(&before, name),
            after: find(&after, name),
            field: name.clone(),
        })
        .collect()
}

/// A value for people; nothing for what is none.
fn shown(value: &Json) -> Option<String> {
    let text = match value {
        Json::Null => return None,
        Json::String(text) => text.clone(),
        Json::Array(items) => {
            let items: Vec<String> = items.iter().filter_map(shown).collect();
            items.join(", ")
        }
        other @ (Json::Bool(_) | Json::Number(_) | Json::Object(_)) => other.to_string(),
    };
    if text.chars().count() > LONGEST {
        let cut: String = text.chars().take(LONGEST).collect();
        return Some(format!("{cut}…"));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_act_leads_to_the_page_of_what_it_was_done_to_unless_that_is_gone() {
        assert_eq!(
            Subject::of("order:ord_1").page().as_deref(),
            Some("/admin/orders/ord_1")
        );
        assert_eq!(Subject::of("media:med_1").page(), None);
        assert_eq!(Subject::of("odd").page(), None);
        assert!(is_an_end("category.delete") && is_an_end("tax.remove_rate"));
        assert!(!is_an_end("category.save"));
    }

    #[test]
    fn a_change_shows_each_field_with_what_it_was_and_is() {
        let changes = changes(
            Some(json!({ "name": "Cup", "price": 12 })),
            Some(json!({ "name": "Mug", "tags": ["a", "b"] })),
        );
        let told: Vec<_> = changes
            .iter()
            .map(|one| {
                (
                    one.field.as_str(),
                    one.before.as_deref(),
                    one.after.as_deref(),
                )
            })
            .collect();
        assert_eq!(
            told,
            [
                ("name", Some("Cup"), Some("Mug")),
                ("price", Some("12"), None),
                ("tags", None, Some("a, b"))
            ]
        );
    }
}
