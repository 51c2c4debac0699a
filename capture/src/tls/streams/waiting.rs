//! Segments that came before the bytes in front of them.

use std::collections::VecDeque;

/// A segment that waits, or what is left of it without the bytes that others hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Waiting {
    pub(super) seq: u32,
    /// Bytes on the wire, at least one.
    pub(super) len: u32,
    pub(super) time_ns: i64,
    /// What was captured of them; empty where nobody reads it.
    pub(super) payload: Box<[u8]>,
}

impl Waiting {
    fn end(&self) -> u32 {
        self.seq.wrapping_add(self.len)
    }

    /// Bytes of memory.
    pub(super) fn cost(&self) -> usize {
        size_of::<Self>() + self.payload.len()
    }

    pub(super) fn skip_to(&mut self, seq: u32) {
        let skipped = seq.wrapping_sub(self.seq);
        self.payload = self.payload.get(skipped as usize..).unwrap_or(&[]).into();
        (self.seq, self.len) = (seq, self.len - skipped);
    }

    fn cut_to(&mut self, len: u32) {
        self.len = len;
        if self.payload.len() > len as usize {
            self.payload = self.payload[..len as usize].into();
        }
    }
}

/// What became of a segment that was to wait.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Insertion {
    /// Segments that hold nothing new: this one, or those that it covers.
    pub(super) covered: u64,
    /// Some of its bytes were there already.
    pub(super) overlaps: bool,
    /// It belongs before one that was there.
    pub(super) late: bool,
    /// Change of the memory in use, in bytes.
    pub(super) freed: usize,
    pub(super) used: usize,
}

/// Segments in the order of their bytes, none of which is in two of them.
///
/// Sequence numbers wrap. They are compared by how far they are from `next`, the byte that is waited for, which is less
/// than half of the numbers for all.
#[derive(Debug, Default)]
pub(super) struct WaitingRoom {
    segments: VecDeque<Waiting>,
}

impl WaitingRoom {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.segments.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.segments.len()
    }

    pub(super) fn first(&self) -> Option<&Waiting> {
        self.segments.front()
    }

    pub(super) fn take_first(&mut self) -> Option<Waiting> {
        self.segments.pop_front()
    }

    /// Puts the bytes that nobody holds in their place. Of bytes that two segments have the first copy stays, unless the
    /// second covers all of the first.
    pub(super) fn insert(&mut self, mut new: Waiting, next: u32) -> Insertion {
        let mut done = Insertion::default();
        let ahead = |seq: u32| seq.wrapping_sub(next);
        let at = self.segments.partition_point(|there| ahead(there.seq) <= ahead(new.seq));
        if let Some(before) = at.checked_sub(1).map(|before| &self.segments[before]) {
            if ahead(before.end()) >= ahead(new.end()) {
                return Insertion { covered: 1, ..done };
            }
            if ahead(before.end()) > ahead(new.seq) {
                done.overlaps = true;
                new.skip_to(before.end());
            }
        }
        while let Some(after) = self.segments.get(at).filter(|after| ahead(after.end()) <= ahead(new.end())) {
            done.covered += 1;
            done.freed += after.cost();
            self.segments.remove(at);
        }
        if let Some(after) = self.segments.get(at) {
            done.late = true;
            if ahead(after.seq) < ahead(new.end()) {
                done.overlaps = true;
                new.cut_to(after.seq.wrapping_sub(new.seq));
            }
        }
        done.used = new.cost();
        self.segments.insert(at, new);
        done
    }
}
