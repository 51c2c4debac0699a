//! Uploads from pages: a multipart form whose token comes before its file.

use axum::extract::Multipart;

use super::form::check_text;
use super::guard::Viewer;
use crate::acts::{Received, receive};
use crate::{App, Failure};

/// The file of a form, on disk, and its other fields.
pub(crate) struct UploadForm {
    pub(crate) file: Received,
    /// The number of a team, or nothing.
    pub(crate) against: Option<i64>,
}

/// Reads a form. When its token was right and its file is next, `before` decides whether that is read at all.
pub(crate) async fn read(
    app: &App,
    viewer: &Viewer,
    mut form: Multipart,
    before: impl Future<Output = Result<(), Failure>>,
) -> Result<UploadForm, Failure> {
    let broken = |error: axum::extract::multipart::MultipartError| Failure::Bad(error.body_text());
    let mut checked = viewer.session.is_none();
    let mut against = None;
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.name().unwrap_or_default() {
            "csrf" => {
                viewer.check_csrf(&short(field).await?)?;
                checked = true;
            }
            "against" => against = super::form::optional("against", &short(field).await?)?,
            "file" => {
                if !checked {
                    return Err(Failure::Forbidden("The form's token must come before its file.".to_owned()));
                }
                before.await?;
                let file = receive(app, field).await?;
                return Ok(UploadForm { file, against });
            }
            _ => {}
        }
    }
    Err(Failure::field("file", "choose a file"))
}

/// A field that is not a file.
async fn short(mut field: axum::extract::multipart::Field<'_>) -> Result<String, Failure> {
    let mut text = Vec::new();
    while let Some(chunk) = field.chunk().await.map_err(|error| Failure::Bad(error.body_text()))? {
        text.extend_from_slice(&chunk);
        if text.len() > 1000 {
            return Err(Failure::TooLarge("A field of the form is too long.".to_owned()));
        }
    }
    let text = String::from_utf8(text).map_err(|_| Failure::Bad("A field of the form is not text.".to_owned()))?;
    check_text(&text)?;
    Ok(text)
}
