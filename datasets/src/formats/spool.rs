//! Packets that wait on disk, since all of them do not fit memory.

use std::fs::File;
use std::io::{self, BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use crate::files::scratch;

/// Bytes of a packet: its time and its size.
const PACKET: usize = 12;

/// A file of packets, piece by piece, which is gone with the process.
#[derive(Debug)]
pub(crate) struct Spool {
    file: BufWriter<File>,
    packets: u64,
}

/// Packets that were put down together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    first: u64,
    packets: u64,
}

impl Spool {
    /// In this folder, which is to have 12 bytes a packet to spare.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        Ok(Self { file: BufWriter::with_capacity(1 << 20, scratch(folder)?), packets: 0 })
    }

    pub(crate) fn put(&mut self, time_ns: &[u64], size: &[i32]) -> io::Result<Piece> {
        for time_ns in time_ns {
            self.file.write_all(&time_ns.to_le_bytes())?;
        }
        for size in size {
            self.file.write_all(&size.to_le_bytes())?;
        }
        let piece = Piece { first: self.packets, packets: size.len() as u64 };
        self.packets += piece.packets;
        Ok(piece)
    }

    /// Appends the packets of a piece.
    pub(crate) fn take(&mut self, piece: Piece, time_ns: &mut Vec<u64>, size: &mut Vec<i32>) -> io::Result<()> {
        self.file.flush()?;
        let file = self.file.get_mut();
        file.seek(SeekFrom::Start(piece.first * PACKET as u64))?;
        let mut bytes = vec![0; piece.packets as usize * PACKET];
        file.read_exact(&mut bytes)?;
        let (times, sizes) = bytes.split_at(piece.packets as usize * 8);
        let (times, []) = times.as_chunks::<8>() else { unreachable!("eight bytes a time") };
        let (sizes, []) = sizes.as_chunks::<4>() else { unreachable!("four bytes a size") };
        time_ns.extend(times.iter().map(|&bytes| u64::from_le_bytes(bytes)));
        size.extend(sizes.iter().map(|&bytes| i32::from_le_bytes(bytes)));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_put_down_is_taken_up_again_in_any_order() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::open(folder.path()).unwrap();
        let first = spool.put(&[0, u64::MAX], &[i32::MIN, 7]).unwrap();
        let second = spool.put(&[5], &[-1]).unwrap();
        let (mut times, mut sizes) = (vec![9], vec![9]);
        for piece in [second, first, second] {
            spool.take(piece, &mut times, &mut sizes).unwrap();
        }
        assert_eq!((times, sizes), (vec![9, 5, 0, u64::MAX, 5], vec![9, -1, i32::MIN, 7, -1]));
        // Nothing of it is to be seen.
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
