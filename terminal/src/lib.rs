#![doc = include_str!("../README.md")]

mod absent;
pub mod command_line;
mod command_page;
mod log_lines;
mod options_file;
mod password;
mod printer;
mod signals;
pub mod values;
mod watcher;

pub use absent::hint;
pub use command_page::command_page;
pub use options_file::{AboutFile, OptionsFile, is_options_file, quoted};
pub use password::{new_password, password};
pub use printer::{Format, Printer, said_once, tell};
pub use signals::stop_signal;
pub use watcher::{Watcher, Working};
