//! Forms with files, at the few addresses that take them.

use axum::extract::multipart::{Field, MultipartError};
use axum::extract::{FromRequest, Multipart, Request};
use bytes::Bytes;
use kernel::Code;

use crate::asked::Asked;
use crate::body;
use crate::csrf::{self, Source};
use crate::form::CSRF_FIELD;
use crate::problem::Problem;
use crate::site::Site;
use crate::visitor::Visitor;

/// The bytes a plain field may have.
const FIELD_BYTES: usize = 64 * 1024;

/// Marks a request whose token is in its first field and was not checked yet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Unchecked(pub(crate) Source);

/// Whether this is a form with files, where such a form is taken.
pub(crate) fn is_upload(asked: &Asked) -> bool {
    let kind = asked.header("content-type").unwrap_or_default();
    asked.takes_files() && kind.trim_start().starts_with("multipart/form-data")
}

/// A form with files, read part by part. By the time a handler has it, its token was found right.
#[derive(Debug)]
pub struct Upload {
    form: Multipart,
    file_bytes: usize,
    files_left: usize,
    fields_left: usize,
}

/// A part of a form with files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The field's name.
    pub name: String,
    /// What the file was called where it came from; `None` for a plain field. To be shown, never to be used as a path.
    pub file_name: Option<String>,
    /// What is in it; empty for a file field nobody used.
    pub bytes: Bytes,
    /// Whether the file was larger than a file may be: then nothing of it was kept, and the form goes on.
    pub too_large: bool,
}

impl Upload {
    /// The next part, in the order of the form.
    pub async fn next(&mut self) -> Result<Option<Part>, Problem> {
        let Some(mut field) = self.form.next_field().await.map_err(|error| told(&error))? else {
            return Ok(None);
        };
        let name = field.name().unwrap_or_default().to_owned();
        let file_name = field.file_name().map(str::to_owned);
        let (left, most) = match file_name {
            Some(_) => (&mut self.files_left, self.file_bytes),
            None => (&mut self.fields_left, FIELD_BYTES),
        };
        *left = left
            .checked_sub(1)
            .ok_or_else(|| Problem::with_detail(Code::TooLarge, "send fewer files at a time"))?;
        let read = read(&mut field, most).await?;
        if read.is_none() && file_name.is_none() {
            return Err(Problem::with_detail(Code::TooLarge, "a field is too long"));
        }
        Ok(Some(Part {
            name,
            file_name,
            too_large: read.is_none(),
            bytes: read.unwrap_or_default(),
        }))
    }
}

/// Reads a field to its end; `None` if it is longer than it may be.
async fn read(field: &mut Field<'_>, most: usize) -> Result<Option<Bytes>, Problem> {
    let mut whole = Vec::new();
    let mut fits = true;
    while let Some(piece) = field.chunk().await.map_err(|error| told(&error))? {
        fits = fits && whole.len().saturating_add(piece.len()) <= most;
        if fits {
            whole.extend_from_slice(&piece);
        } else {
            whole = Vec::new();
        }
    }
    Ok(fits.then(|| Bytes::from(whole)))
}

fn told(error: &MultipartError) -> Problem {
    body::problem_of(error)
}

impl<S: Send + Sync> FromRequest<S> for Upload {
    type Rejection = Problem;

    async fn from_request(mut request: Request, state: &S) -> Result<Self, Problem> {
        let unchecked = request.extensions_mut().remove::<Unchecked>();
        let (site, asked) = match (
            request.extensions().get::<Site>(),
            request.extensions().get::<Asked>(),
        ) {
            (Some(site), Some(asked)) => (site.clone(), asked.clone()),
            _ => return Err(Problem::new(Code::Internal)),
        };
        // What is larger in all was refused before; axum's own limit would come too early.
        axum::extract::DefaultBodyLimit::disable().apply(&mut request);
        let form = Multipart::from_request(request, state)
            .await
            .map_err(|_not_multipart| Problem::new(Code::UnsupportedMedia))?;
        let limits = &site.config().limits;
        let mut upload = Self {
            form,
            file_bytes: limits.file_bytes,
            files_left: limits.files,
            // A page may send all that is typed along with the files, so that nothing of it is lost.
            fields_left: limits.office_form_fields,
        };
        if let Some(Unchecked(source)) = unchecked {
            let visitor = Visitor::of(&site, asked.uri.path(), &asked.headers);
            let first = upload.next().await?.filter(|part| part.name == CSRF_FIELD);
            let token = first.map(|part| String::from_utf8_lossy(&part.bytes).into_owned());
            csrf::check(site.config(), &visitor, &token.unwrap_or_default(), source)?;
        }
        Ok(upload)
    }
}
