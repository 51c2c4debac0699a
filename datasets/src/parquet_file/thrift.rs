//! Thrift's compact protocol, as far as it has to be understood to see that counts can be true.
//!
//! The decoder reads what it knows by the type that it should have, whatever type is said, and skips the rest by the type that is said. Where these are not
//! the same it goes on in the middle of other bytes, and takes any of them for counts. So known fields are held against their types.

pub(super) const I32: u8 = 5;
pub(super) const STRUCT: u8 = 12;

/// What a value that is known is.
pub(super) enum Shape {
    Truth,
    Byte,
    /// A whole number of 16, 32 or 64 bits.
    Whole,
    Double,
    /// Bytes or text.
    Bytes,
    List(&'static Shape),
    Struct(Fields),
}

/// Fields of a structure by their ids.
pub(super) type Fields = &'static [(i64, Shape)];

/// A reader of Thrift's compact protocol; every function gives none where the bytes end or make no sense.
pub(super) struct Thrift<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) at: usize,
}

impl Thrift<'_> {
    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn pass(&mut self, count: u64) -> Option<()> {
        let at = (self.at as u64).checked_add(count).filter(|&at| at <= self.bytes.len() as u64)?;
        self.at = at as usize;
        Some(())
    }

    pub(super) fn varint(&mut self) -> Option<u64> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A number that is not below 0, in 32 bits with a sign.
    pub(super) fn count(&mut self) -> Option<u64> {
        let zigzag = self.varint()?;
        (zigzag & 1 == 0 && zigzag >> 1 <= i32::MAX as u64).then_some(zigzag >> 1)
    }

    /// The type of the next field of a structure, whose id goes to `id`; `Some(None)` at its end.
    pub(super) fn field(&mut self, id: &mut i64) -> Option<Option<u8>> {
        let byte = self.byte()?;
        if byte == 0 {
            return Some(None);
        }
        *id = match byte >> 4 {
            0 => {
                let zigzag = self.varint()?;
                (zigzag >> 1) as i64 ^ -((zigzag & 1) as i64)
            }
            step => id.checked_add(i64::from(step))?,
        };
        Some(Some(byte & 15))
    }

    pub(super) fn skip(&mut self, kind: u8, depth: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        match kind {
            1 | 2 => Some(()), // a truth value is its type
            3 => self.pass(1),
            4..=6 => self.varint().map(|_| ()),
            7 => self.pass(8),
            8 => {
                let length = self.varint()?;
                self.pass(length)
            }
            9 | 10 => {
                let (kind, length) = self.list()?;
                (0..length).try_for_each(|_| self.skip_element(kind, depth))
            }
            11 => {
                let length = self.varint()?;
                if length == 0 {
                    return Some(());
                }
                let kinds = self.byte()?;
                (0..length).try_for_each(|_| {
                    self.skip_element(kinds >> 4, depth).and_then(|()| self.skip_element(kinds & 15, depth))
                })
            }
            STRUCT => {
                let mut id = 0;
                while let Some(kind) = self.field(&mut id)? {
                    self.skip(kind, depth)?;
                }
                Some(())
            }
            _ => None,
        }
    }

    /// An element of a list or a map is a byte at least, so that no more of them are counted than there are bytes. A truth value is one, too, but the
    /// decoder takes it for nothing where it skips it, counts through billions, and goes on in another place; headers and footers have no lists of them.
    fn skip_element(&mut self, kind: u8, depth: u32) -> Option<()> {
        if matches!(kind, 1 | 2) { None } else { self.skip(kind, depth) }
    }

    /// Passes a structure whose known fields have their types; others are skipped.
    pub(super) fn structure(&mut self, known: Fields, depth: u32) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        let mut id = 0;
        while let Some(kind) = self.field(&mut id)? {
            match known.iter().find(|(known, _)| *known == id) {
                Some((_, shape)) => self.value(kind, shape, depth)?,
                None => self.skip(kind, depth)?,
            }
        }
        Some(())
    }

    fn value(&mut self, kind: u8, shape: &Shape, depth: u32) -> Option<()> {
        match (shape, kind) {
            (Shape::Truth, 1 | 2)
            | (Shape::Byte, 3)
            | (Shape::Whole, 4..=6)
            | (Shape::Double, 7)
            | (Shape::Bytes, 8) => self.skip(kind, depth),
            (Shape::List(element), 9) => {
                let (kind, length) = self.list()?;
                let depth = depth.checked_sub(1)?;
                (0..length).try_for_each(|_| self.value(kind, element, depth))
            }
            (Shape::Struct(fields), STRUCT) => self.structure(fields, depth),
            _ => None,
        }
    }

    /// The type of the elements of a list that begins here, and how many it is said to have.
    fn list(&mut self) -> Option<(u8, u64)> {
        let head = self.byte()?;
        let length = if head >> 4 == 15 { self.varint()? } else { u64::from(head >> 4) };
        Some((head & 15, length))
    }
}
