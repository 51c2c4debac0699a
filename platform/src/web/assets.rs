//! Style, our script and htmx, which is in the program too: nothing is fetched from elsewhere. And the kit, what a team gets on the first day.

use std::io::{Cursor, Write as _};

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::Failure;

const STYLE: &str = include_str!("../../assets/style.css");
const SCRIPT: &str = include_str!("../../assets/times.js");
const HTMX: &str = include_str!("../../assets/htmx/htmx.min.js");
const ICON: &str = include_str!("../../assets/icon.svg");

const KIT: [(&str, &str); 4] = [
    ("README.md", include_str!("../../kit/README.md")),
    ("competition.py", include_str!("../../../competition/kit/competition.py")),
    ("attack.py", include_str!("../../../competition/kit/attack.py")),
    ("defence.py", include_str!("../../../competition/kit/defence.py")),
];

pub(crate) async fn kit() -> Result<Response, Failure> {
    let broken = |error: zip::result::ZipError| Failure::Broken(error.to_string());
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in KIT {
        archive.start_file(format!("kit/{name}"), zip::write::SimpleFileOptions::default()).map_err(broken)?;
        archive.write_all(text.as_bytes())?;
    }
    let bytes = archive.finish().map_err(broken)?.into_inner();
    let name = "attachment; filename=\"kit.zip\"";
    Ok(([(header::CONTENT_TYPE, "application/zip"), (header::CONTENT_DISPOSITION, name)], bytes).into_response())
}

pub(crate) async fn asset(Path(name): Path<String>) -> Result<Response, Failure> {
    let (kind, text) = match name.as_str() {
        "style.css" => ("text/css; charset=utf-8", STYLE),
        "times.js" => ("text/javascript; charset=utf-8", SCRIPT),
        "htmx-2.0.11.js" => ("text/javascript; charset=utf-8", HTMX),
        "icon.svg" => ("image/svg+xml", ICON),
        _ => return Err(Failure::NotFound),
    };
    Ok(([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=300")], text).into_response())
}
