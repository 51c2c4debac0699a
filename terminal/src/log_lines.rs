//! Progress for logs: a line now and then, where there is no terminal to draw a bar on.

use std::io::{self, Write as _};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::TermLike;

/// Nothing is said of what ends sooner.
const FIRST_AFTER: Duration = Duration::from_secs(10);

/// From one line to the next.
const PAUSE: Duration = Duration::from_secs(20);

/// Takes what a bar draws, and passes on some of it.
#[derive(Debug)]
pub(crate) struct LogLines(Mutex<State>);

#[derive(Debug)]
struct State {
    drawn: String,
    next: Instant,
}

impl LogLines {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State { drawn: String::new(), next: Instant::now() + FIRST_AFTER }))
    }

    fn draw(&self, text: &str) {
        self.0.lock().expect(UNPOISONED).drawn.push_str(text);
    }
}

const UNPOISONED: &str = "nobody panics while holding it";

impl TermLike for LogLines {
    fn width(&self) -> u16 {
        100
    }

    fn move_cursor_up(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.draw(line);
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.draw(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let mut state = self.0.lock().expect(UNPOISONED);
        let drawn = std::mem::take(&mut state.drawn);
        if drawn.trim().is_empty() || Instant::now() < state.next {
            return Ok(());
        }
        state.next = Instant::now() + PAUSE;
        writeln!(io::stderr(), "{}", drawn.trim())
    }
}
