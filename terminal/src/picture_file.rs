//! Where a picture goes, and what is said of it.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use wfkit_datasets::digests;
use wfkit_metrics::Utility;
use wfkit_report::picture::Picture;
use wfkit_report::text::Text;
use wfkit_report::words::{NARROW, wrapped};

use crate::{Context, drawn_as, write, write_picture};

/// How a picture is written.
#[derive(Debug, Clone, Copy)]
enum Form {
    Drawn,
    Csv,
    VegaLite,
}

/// A file that a picture can be written to; a wrong name is told before the work begins.
#[derive(Debug)]
pub struct PictureFile<'a> {
    path: &'a Path,
    form: Form,
}

impl<'a> PictureFile<'a> {
    /// By the ending of the name.
    ///
    /// # Errors
    /// An ending that no picture has.
    pub fn new(path: &'a Path) -> Result<Self> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        let form = match ending.as_deref() {
            Some("csv") => Form::Csv,
            Some("json") => Form::VegaLite,
            Some("svg" | "png") => drawn_as(path).map(|_| Form::Drawn)?,
            _ => bail!("{}: pictures are written as .svg, .png, .csv or .json (Vega-Lite)", path.display()),
        };
        Ok(Self { path, form })
    }

    /// Writes the picture, with the report of this stage beside it, and says what it shows.
    ///
    /// # Errors
    /// A file that cannot be written, an input that cannot be read.
    pub fn write(
        &self,
        kind: &str,
        picture: &Picture,
        (inputs, utility): (&[PathBuf], Utility),
        context: &Context<'_>,
    ) -> Result<()> {
        match self.form {
            Form::Drawn => write_picture(self.path, &picture.svg())?,
            Form::Csv => write(self.path, picture.table.csv())?,
            Form::VegaLite => write(self.path, picture.vega_lite())?,
        }
        let mut report = context.report(&format!("plot {kind}"), digests(inputs)?, picture.findings(utility));
        context.finish(&mut report, None)?;
        // The whole name, so that the report of a file that is not the picture's is never replaced.
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        write(&self.path.with_file_name(format!("{name}.report.json")), report.to_json())?;
        context.printer.shown(&report, || {
            let mut text = Text::new();
            text.line(&picture.title).lines(wrapped(&picture.finding, NARROW));
            text.line(self.path.display().to_string());
            text
        })
    }
}
