//! What is said on a terminal, without a width: whoever shows it knows how wide the place is, and breaks lines by words and cells by columns.

/// Lines, tables and lists, in their order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(Vec<Block>);

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A line, or several with line ends between them, to be broken by words.
    Line(String),
    /// Rows under a header that has as many cells as each of them.
    Table {
        /// What stands above each column.
        header: Vec<String>,
        /// Cells, which may have lines.
        rows: Vec<Vec<String>>,
    },
    /// Things with what is said of each.
    Entries(Vec<Entry>),
}

/// A thing that is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What it is called.
    pub name: String,
    /// Under which word what is said of it.
    pub said: Vec<(&'static str, String)>,
}

impl Text {
    /// One without anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Its pieces.
    pub fn blocks(&self) -> &[Block] {
        &self.0
    }

    /// Goes on with a line, or several with line ends between them.
    pub fn line(&mut self, line: impl Into<String>) -> &mut Self {
        self.0.push(Block::Line(line.into()));
        self
    }

    /// Goes on with these lines.
    pub fn lines(&mut self, lines: impl IntoIterator<Item = String>) -> &mut Self {
        self.0.extend(lines.into_iter().map(Block::Line));
        self
    }

    /// Goes on with a table, which has a header also where it has no rows.
    pub fn table<const N: usize>(
        &mut self,
        header: [&str; N],
        rows: impl IntoIterator<Item = [String; N]>,
    ) -> &mut Self {
        let rows = rows.into_iter().map(Vec::from).collect();
        self.0.push(Block::Table { header: header.map(str::to_owned).into(), rows });
        self
    }

    /// Goes on with a list.
    pub fn entries(&mut self, entries: impl IntoIterator<Item = Entry>) -> &mut Self {
        self.0.push(Block::Entries(entries.into_iter().collect()));
        self
    }

    /// Goes on with another text.
    pub fn text(&mut self, text: Self) -> &mut Self {
        self.0.extend(text.0);
        self
    }
}
