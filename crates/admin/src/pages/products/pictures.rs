//! `POST /admin/products/{id}/pictures`: pictures are taken in and shown with the form as it was typed. They are part of the
//! product once it is saved.

use std::collections::BTreeMap;

use axum::extract::{Path, State};
use axum::response::Response;
use commerce::media::{self, Picture, UploadError};
use commerce::staff::EditProducts;
use http::StatusCode;
use templates::Say;
use web::{Problem, Upload};

use super::edit::{draw, id_of, read};
use super::form::{PictureForm, ProductForm};
use super::view::{State as Happened, Uploaded};
use crate::admin::Admin;
use crate::desk::Desk;

/// Takes the pictures in, and says of each that cannot be used why not.
pub(crate) async fn take(
    State(admin): State<Admin>,
    desk: Desk<EditProducts>,
    Path(id): Path<String>,
    upload: Upload,
) -> Result<Response, Problem> {
    let id = id_of(&id)?;
    let (base, found) = read(&admin, &desk.staff, &id).await?;
    let sent = receive(&admin, &desk, upload).await?;
    let mut form = if sent.fields.contains_key("version") {
        ProductForm::read(&sent.fields)
    } else {
        ProductForm::of(&found.work)
    };
    form.arrange(false);
    for picture in &sent.pictures {
        add(&mut form, picture);
    }
    let status = if sent.uploaded.refused.is_empty() {
        StatusCode::OK
    } else {
        StatusCode::UNPROCESSABLE_ENTITY
    };
    let happened = Happened {
        uploaded: Some(sent.uploaded),
        is_unsaved: true,
        ..Happened::default()
    };
    let drawn = (form, happened, status);
    draw(&admin, &desk.staff, (&base, &found), drawn)
}

/// What was sent.
#[derive(Default)]
struct Sent {
    /// The rest of the form.
    fields: BTreeMap<String, String>,
    /// The pictures that are kept.
    pictures: Vec<Picture>,
    /// What became of the files.
    uploaded: Uploaded,
}

/// Reads the fields and keeps the pictures, one after the other.
async fn receive(
    admin: &Admin,
    desk: &Desk<EditProducts>,
    mut upload: Upload,
) -> Result<Sent, Problem> {
    let say = admin.words()?;
    let mut sent = Sent::default();
    while let Some(part) = upload.next().await? {
        let Some(name) = part.file_name else {
            let value = String::from_utf8_lossy(&part.bytes).into_owned();
            sent.fields.insert(part.name, value);
            continue;
        };
        // A file field nobody used is sent all the same, without a name.
        if name.is_empty() && part.bytes.is_empty() {
            continue;
        }
        if part.too_large {
            let reason = media::BadPicture::TooLarge.to_string();
            sent.uploaded.refused.push(refused(&name, reason, &say));
            continue;
        }
        let (shop, by) = (admin.shop().clone(), desk.by.clone());
        match web::run(async move { media::upload(&shop, by, part.bytes).await }).await? {
            Ok(picture) => {
                sent.uploaded.kept = sent.uploaded.kept.saturating_add(1);
                sent.pictures.push(picture);
            }
            Err(UploadError::BadPicture(bad)) => {
                let line = refused(&name, bad.to_string(), &say);
                sent.uploaded.refused.push(line);
            }
            Err(UploadError::Internal(error)) => return Err(error.into()),
        }
    }
    Ok(sent)
}

/// A file by its name, with the reason why it is not kept.
fn refused(name: &str, reason: String, say: &Say) -> String {
    // Shown as it is: nothing in it may turn what is read around.
    let visible = name.chars().filter(|c| !kernel::text::is_invisible(*c));
    let name: String = visible.take(80).collect();
    say.with(
        "products.picture.refused",
        &[("name", name), ("reason", reason)],
    )
}

/// Puts a picture behind the others, unless it is among them.
fn add(form: &mut ProductForm, picture: &Picture) {
    let mut known = form.pictures.iter();
    if known.any(|one| one.id == picture.id.as_str()) {
        return;
    }
    let place = form.pictures.len().saturating_add(1);
    form.pictures.push(PictureForm {
        id: picture.id.to_string(),
        alt: String::new(),
        place: place.to_string(),
        gone: false,
        shown: format!("{}/{}", picture.hash, picture.widths.at_least(320)),
    });
}
