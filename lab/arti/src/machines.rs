//! Machines of Maybenot as the laboratory names them, and padders made of them.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, ensure};
use enum_map::enum_map;
use maybenot::Machine;
use maybenot::action::Action;
use maybenot::dist::{Dist, DistType};
use maybenot::event::Event;
use maybenot::state::{State, Trans};
use tor_proto::client::{CircuitPadder, CircuitPadderConfig};

/// What pads circuits, and up to where.
#[derive(Debug, Clone, Default)]
pub(crate) struct Machines {
    machines: Vec<Machine>,
    hop: u8,
}

impl Machines {
    /// From words: the hop, 0 the guard, then machines as Maybenot writes them. No word, or a hop alone, is no machine.
    pub(crate) fn parse<'a>(mut words: impl Iterator<Item = &'a str>) -> anyhow::Result<Self> {
        let hop = words.next().map_or(Ok(0), str::parse).context("the hop is no number")?;
        let machine = |(number, text): (usize, &str)| {
            text.parse::<Machine>().map_err(|error| anyhow::anyhow!("machine {number}: {error}"))
        };
        let machines = (1..).zip(words).map(machine).collect::<anyhow::Result<Vec<_>>>()?;
        // Whether the framework takes them together is known before a circuit needs it.
        let made = Self { machines, hop };
        if made.is_any() {
            made.padder()?;
        }
        Ok(made)
    }

    /// From a file of such words; none if there is no file.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Self> {
        let words = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        };
        Self::parse(words.split_whitespace()).with_context(|| path.display().to_string())
    }

    pub(crate) fn is_any(&self) -> bool {
        !self.machines.is_empty()
    }

    /// To which relay of a circuit they pad, 0 the guard.
    pub(crate) fn hop(&self) -> u8 {
        self.hop
    }

    /// Machines at their beginning, for one circuit.
    pub(crate) fn padder(&self) -> anyhow::Result<CircuitPadder> {
        ensure!(self.is_any(), "there is no machine");
        let mut config = CircuitPadderConfig::default();
        config.machines(self.machines.clone().into());
        Ok(config.create_padder(Instant::now())?)
    }
}

/// A machine that answers a cell which is sent with some of padding, drawn from `cells`, one after the other after so many `milliseconds` each,
/// drawn too. Cells that are sent meanwhile change nothing: after silence it is where it began, so that circuits may live longer than loads.
pub(crate) fn echo(milliseconds: [f64; 2], cells: [f64; 2]) -> anyhow::Result<Machine> {
    let between = |[low, high]: [f64; 2]| Dist::new(DistType::Uniform { low, high }, 0.0, 0.0);
    let waiting = State::new(enum_map! { Event::NormalSent => vec![Trans(1, 1.0)], _ => vec![] });
    let mut padding = State::new(enum_map! {
        Event::PaddingSent => vec![Trans(1, 1.0)],
        Event::LimitReached => vec![Trans(0, 1.0)],
        _ => vec![],
    });
    let timeout = between(milliseconds.map(|milliseconds| milliseconds * 1000.0));
    padding.action = Some(Action::SendPadding { bypass: false, replace: false, timeout, limit: Some(between(cells)) });
    Ok(Machine::new(u64::MAX, 0.0, u64::MAX, 0.0, vec![waiting, padding])?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What comes with the laboratory.
    const ECHO: &str = include_str!("../machines/echo");

    #[test]
    fn the_machine_that_comes_along_is_made_by_this_program() {
        assert_eq!(echo([20.0, 80.0], [5.0, 15.0]).unwrap().serialize(), ECHO.trim());
        assert!(echo([80.0, 20.0], [5.0, 15.0]).is_err());
    }

    #[test]
    fn machines_are_read_as_maybenot_writes_them() {
        let none = Machines::parse([].into_iter()).unwrap();
        assert!(!none.is_any() && none.padder().is_err());
        assert!(!Machines::parse(["1"].into_iter()).unwrap().is_any());
        let two = Machines::parse(["1", ECHO.trim(), ECHO.trim()].into_iter()).unwrap();
        assert_eq!((two.hop(), two.machines.len()), (1, 2));
        let wrong = |words: &[&str]| Machines::parse(words.iter().copied()).unwrap_err().to_string();
        assert!(wrong(&["x"]).contains("hop"));
        assert!(wrong(&["0", ECHO.trim(), "02eNonsense"]).starts_with("machine 2: "));
    }
}
