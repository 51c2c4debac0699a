//! What a picture, which is drawn as SVG, is written as.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// What a picture is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PictureForm {
    /// As it is drawn.
    Svg,
    /// Its pixels.
    #[cfg(feature = "png")]
    Png,
}

/// Why a picture is not written to a file of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PictureFormError {
    /// It could be, by a build that has PNG.
    #[error("{}: this wfkit was built without .png; write an .svg", .0.display())]
    WithoutPng(PathBuf),
    /// It has another ending.
    #[error("{}: pictures are written as .svg or .png", .0.display())]
    Ending(PathBuf),
}

impl PictureForm {
    /// As the ending of the file says, in any case.
    ///
    /// # Errors
    /// Another ending, and one that this build does not have.
    pub fn of(path: &Path) -> Result<Self, PictureFormError> {
        let ending = path.extension().map(|ending| ending.to_string_lossy().to_ascii_lowercase());
        match ending.as_deref() {
            Some("svg") => Ok(Self::Svg),
            #[cfg(feature = "png")]
            Some("png") => Ok(Self::Png),
            #[cfg(not(feature = "png"))]
            Some("png") => Err(PictureFormError::WithoutPng(path.to_owned())),
            _ => Err(PictureFormError::Ending(path.to_owned())),
        }
    }

    /// The picture in this form.
    ///
    /// # Errors
    /// Of pixels, what is wrong with the SVG, and a picture that is too large.
    pub fn bytes(self, svg: &str) -> Result<Cow<'_, [u8]>, String> {
        match self {
            Self::Svg => Ok(Cow::Borrowed(svg.as_bytes())),
            #[cfg(feature = "png")]
            Self::Png => crate::png::png(svg).map(Cow::Owned),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_what_is_written() {
        assert_eq!(PictureForm::of(Path::new("a/b.SVG")), Ok(PictureForm::Svg));
        assert_eq!(PictureForm::Svg.bytes("<svg/>").unwrap().as_ref(), b"<svg/>");
        let told = |name: &str| PictureForm::of(Path::new(name)).unwrap_err().to_string();
        assert_eq!(told("b.pdf"), "b.pdf: pictures are written as .svg or .png");
        assert_eq!(told("svg"), "svg: pictures are written as .svg or .png");
        #[cfg(not(feature = "png"))]
        assert!(told("b.png").contains("built without"));
    }
}
