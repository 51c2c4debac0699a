//! Pictures as pixels, for slides and papers that take no SVG.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Color, Pixmap, Transform};
use resvg::usvg::{Options, Tree, fontdb::Database};

/// Pixels for each of the picture's own: sharp in print at its size on a screen.
const SCALE: f32 = 2.0;

/// Pixels at most, either way.
const LONGEST: f32 = 16_000.0;

/// DejaVu Sans, for every family of letters: the same picture gives the same bytes, whatever fonts the system has.
static FONTS: LazyLock<Arc<Database>> = LazyLock::new(|| {
    let mut fonts = Database::new();
    for font in [dejavu::sans::regular(), dejavu::sans::bold()] {
        fonts.load_font_data(font.to_vec());
    }
    fonts.set_sans_serif_family("DejaVu Sans");
    fonts.set_monospace_family("DejaVu Sans");
    fonts.set_serif_family("DejaVu Sans");
    Arc::new(fonts)
});

/// A picture given as SVG, on white, at twice its size.
///
/// # Errors
/// What is wrong with the SVG, or that it is larger than 16,000 pixels.
pub fn png(svg: &str) -> Result<Vec<u8>, String> {
    let options = Options { font_family: "DejaVu Sans".to_owned(), fontdb: Arc::clone(&FONTS), ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|error| error.to_string())?;
    let (width, height) = ((tree.size().width() * SCALE).ceil(), (tree.size().height() * SCALE).ceil());
    let pixels = (width <= LONGEST && height <= LONGEST).then(|| Pixmap::new(width as u32, height as u32)).flatten();
    let mut pixels = pixels.ok_or_else(|| format!("{width} x {height} pixels are too many; write an .svg"))?;
    pixels.fill(Color::WHITE);
    resvg::render(&tree, Transform::from_scale(SCALE, SCALE), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Width and height, as the header of the file says.
    fn size(png: &[u8]) -> (u32, u32) {
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes"));
        (number(16), number(20))
    }

    #[test]
    fn a_picture_is_drawn_at_twice_its_size_with_its_letters() {
        let picture = |text: &str| {
            let svg = format!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 100 40\" width=\"100\" font-family=\"sans-serif\"><text x=\"5\" y=\"30\">{text}</text></svg>"
            );
            png(&svg).expect("it is one")
        };
        let (letters, none) = (picture("wf"), picture(""));
        assert_eq!((size(&letters), size(&none)), ((200, 80), (200, 80)));
        assert!(letters.len() > none.len() + 200, "letters are drawn");
        assert_eq!(letters, picture("wf"), "the same bytes");
    }

    #[test]
    fn what_is_no_picture_or_too_large_is_told() {
        assert!(png("no svg").is_err());
        let large = "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 9000 10\"/>";
        assert!(png(large).expect_err("too large").contains("18000 x 20 pixels are too many"));
    }
}
