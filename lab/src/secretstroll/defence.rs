//! What client and server do so that queries look alike.

use serde::{Deserialize, Serialize};

use crate::Error;

/// Defences of the application. None is the default. Written in a plan as `[defence]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Defence {
    /// The server fills every answer up to a multiple of so many bytes; 0 does not.
    pub padding: u32,
    /// The client makes so many requests for points, also where a cell has fewer; 0 makes as many as there are.
    pub count: u32,
    /// The client makes up to so many more requests, at random places among the others.
    pub dummies: u32,
    /// All points of the cell come in one answer.
    pub batch: bool,
    /// The client asks two servers for exclusive ors of cells, which say nothing of the cell (private information retrieval).
    pub pir: bool,
    /// The client waits up to so many ms before each request.
    pub delay: u32,
    /// Of chats: so many tokens come in one piece; 0 and 1 are one each.
    pub tokens: u32,
    /// Of chats: in percent, how often a piece that carries nothing follows one that does.
    pub injection: u32,
}

/// Most that is added to an answer, in bytes.
const MOST_PADDING: u32 = 4 << 20;

impl Defence {
    /// Reads one in TOML, such as `padding = 4096`.
    ///
    /// # Errors
    ///
    /// If it is none, with the line and the key.
    pub fn parse(text: &str) -> Result<Self, Error> {
        toml::from_str(text).map_err(|error| Error::Wrong(error.to_string()))
    }

    /// Whether it can be kept up where the fullest cell has `most` points.
    ///
    /// # Errors
    ///
    /// If a cell has more points than requests are made, or a value is out of range.
    pub fn check(&self, most: usize) -> Result<(), Error> {
        if self.count > 0 && (self.count as usize) < most {
            let why =
                format!("count = {}: a cell has {most} points, so fewer requests would leave some out", self.count);
            return Err(Error::Wrong(why));
        }
        let Self { pir, delay, .. } = *self;
        if pir && *self != (Self { pir, delay, ..Self::default() }) {
            let why = "pir: all queries move the same already; of the other defences only delay goes with it";
            return Err(Error::Wrong(why.to_owned()));
        }
        if self.tokens > 0 || self.injection > 0 {
            return Err(Error::Wrong("tokens and injection: only chats have these defences".to_owned()));
        }
        self.check_ranges()
    }

    pub(crate) fn check_ranges(&self) -> Result<(), Error> {
        let in_range = |name, value: u32, most: u32| match value {
            _ if value <= most => Ok(()),
            _ => Err(Error::Wrong(format!("{name} = {value}: at most {most}"))),
        };
        in_range("padding", self.padding, MOST_PADDING)?;
        in_range("count", self.count, 1000)?;
        in_range("dummies", self.dummies, 1000)?;
        in_range("delay (in ms)", self.delay, 10_000)?;
        in_range("tokens", self.tokens, 10_000)?;
        in_range("injection (in percent)", self.injection, 100)
    }

    /// Fills an answer up. Behind a JSON document spaces mean nothing.
    pub(crate) fn pad(&self, body: &mut Vec<u8>) {
        if self.padding > 0 {
            body.resize(body.len().next_multiple_of(self.padding as usize), b' ');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_that_leaves_points_out_is_refused() {
        let most = 18;
        Defence { count: most, ..Defence::default() }.check(18).unwrap();
        let fewer = Defence { count: most - 1, ..Defence::default() }.check(18).unwrap_err().to_string();
        assert!(fewer.starts_with(&format!("count = {}", most - 1)), "{fewer}");
        let pir = Defence { pir: true, delay: 100, ..Defence::default() };
        pir.check(18).unwrap();
        assert!(Defence { batch: true, ..pir }.check(18).unwrap_err().to_string().starts_with("pir: "));
        assert!(Defence { delay: 10_001, ..Defence::default() }.check(18).is_err());
        assert!(Defence { padding: u32::MAX, ..Defence::default() }.check(18).is_err());
    }

    #[test]
    fn padding_reaches_the_next_multiple_only() {
        let defence = Defence { padding: 100, ..Defence::default() };
        for (length, padded) in [(0, 0), (1, 100), (100, 100), (101, 200)] {
            let mut body = vec![b'x'; length];
            defence.pad(&mut body);
            assert_eq!(body.len(), padded);
        }
    }
}
