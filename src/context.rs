//! What every command shares, and the files it writes.

pub(crate) use wfkit_evaluate::TRIVIAL_FOLDS as FOLDS;
pub(crate) use wfkit_terminal::{Context, drawn_as, make_folder, write, write_picture, write_sheet};
