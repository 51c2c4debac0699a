#![doc = include_str!("../README.md")]

mod absent;
pub mod captures;
pub mod command_line;
mod command_page;
mod context;
mod global;
pub mod input;
pub mod large;
mod log_lines;
mod options_file;
mod outputs;
mod password;
mod picture_file;
mod printer;
pub mod quantities;
mod recording;
mod signals;
mod start;
pub mod values;
mod watcher;

pub use absent::hint;
pub use command_page::command_page;
pub use context::{Context, Program};
pub use global::{EVERYWHERE, Global};
pub use options_file::{AboutFile, OptionsFile, is_options_file, path_from, quoted};
pub use outputs::{drawn_as, make_folder, picture_path, sheet_path, write, write_picture, write_sheet};
pub use password::{new_password, password};
pub use picture_file::PictureFile;
pub use printer::{Format, Printer, said_once, tell};
pub use recording::{SystemClock, SystemProcess, SystemRunner};
pub use signals::stop_signal;
pub use start::run;
pub use watcher::{Watcher, Working};
