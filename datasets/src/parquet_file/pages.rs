//! The pages of a column as they say they are, held against the bytes that are there.
//!
//! Before each page stands a header in Thrift's compact protocol (parquet-format, `parquet.thrift`, `PageHeader`).

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use parquet::basic::Encoding;
use parquet::column::page::{Page, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};

use super::shapes::PAGE_HEADER;
use super::thrift::{I32, STRUCT, Thrift};

/// A page may unpack to this many bytes; beyond, [`UNPACKED_A_BYTE`] times its own.
const FREE_BYTES: u64 = 1 << 26;
const UNPACKED_A_BYTE: u64 = 1000;
/// A page has so many values at most, since a list in it may be as long.
const MOST_VALUES: u64 = 1 << 29;
/// So many bytes of a page are looked at for its header at first, and then, where it does not end there.
const HEADER_BYTES: [u64; 2] = [1 << 12, 1 << 24];
/// How deep structures in a header may lie in each other; in real ones it is three.
const MAX_DEPTH: u32 = 16;

/// Checks all pages in the bytes of one part of a column, which is to have `values` values in them, nulls and ends of lists among them.
pub(super) fn check(bytes: &[u8], values: u64) -> Result<(), String> {
    let mut thrift = Thrift { bytes, at: 0 };
    let mut counted = Counted::default();
    while thrift.at < bytes.len() {
        let page = header(&mut thrift).ok_or(NO_HEADER)?;
        counted.add(&page, (bytes.len() - thrift.at) as u64)?;
        thrift.at += page.packed as usize;
    }
    counted.end(values)
}

/// The same of `len` bytes that are looked at where pages begin alone; `read` gives up to so many from there on.
pub(super) fn check_of(
    len: u64,
    values: u64,
    read: impl Fn(u64, u64) -> io::Result<Vec<u8>>,
) -> io::Result<Result<(), String>> {
    let mut counted = Counted::default();
    let mut at = 0;
    while at < len {
        let mut found = None;
        for most in HEADER_BYTES {
            let bytes = read(at, most)?;
            let mut thrift = Thrift { bytes: &bytes, at: 0 };
            found = header(&mut thrift).map(|page| (page, thrift.at as u64));
            if found.is_some() || (bytes.len() as u64) < most {
                break;
            }
        }
        let Some((page, header)) = found else { return Ok(Err(NO_HEADER.to_owned())) };
        if let Err(message) = counted.add(&page, len - at - header) {
            return Ok(Err(message));
        }
        at += header + page.packed;
    }
    Ok(counted.end(values))
}

const NO_HEADER: &str = "a page begins with no header";

/// What pages have so far.
#[derive(Default)]
struct Counted {
    values: u64,
}

impl Counted {
    /// Counts a page, behind whose header so many bytes are left.
    fn add(&mut self, page: &Header, rest: u64) -> Result<(), String> {
        if page.packed > rest {
            return Err(format!("a page of {} bytes where {rest} are left", page.packed));
        }
        if page.unpacked > FREE_BYTES.max(page.packed.saturating_mul(UNPACKED_A_BYTE)) {
            return Err(format!("a page of {} bytes that is to unpack to {}", page.packed, page.unpacked));
        }
        if page.is_dictionary && page.values > page.unpacked {
            return Err(format!("a dictionary of {} values in {} bytes", page.values, page.unpacked));
        }
        if page.values > MOST_VALUES {
            let (values, way) = (page.values, "write the file with smaller row groups or pages");
            return Err(format!("a page of {values} values, of which no more than {MOST_VALUES} are read: {way}"));
        }
        if !page.is_dictionary {
            self.values = self.values.saturating_add(page.values);
        }
        Ok(())
    }

    fn end(self, values: u64) -> Result<(), String> {
        match self.values == values {
            true => Ok(()),
            false => Err(format!("{} values in the pages of a column that is to have {values}", self.values)),
        }
    }
}

/// What is checked of a page header.
#[derive(Default)]
struct Header {
    unpacked: u64,
    packed: u64,
    values: u64,
    is_dictionary: bool,
}

/// The header that begins here; none where there is none, or one with numbers below 0.
fn header(thrift: &mut Thrift<'_>) -> Option<Header> {
    Thrift { ..*thrift }.structure(PAGE_HEADER, MAX_DEPTH)?;
    let mut header = Header::default();
    let mut field = 0;
    while let Some(kind) = thrift.field(&mut field)? {
        match (field, kind) {
            (2, I32) => header.unpacked = thrift.count()?,
            (3, I32) => header.packed = thrift.count()?,
            // The headers of data pages, dictionary pages and data pages of version 2; each begins with the number of values.
            (5 | 7 | 8, STRUCT) => {
                header.is_dictionary = field == 7;
                let mut inner = 0;
                while let Some(kind) = thrift.field(&mut inner)? {
                    match (inner, kind) {
                        (1, I32) => header.values = thrift.count()?,
                        _ => thrift.skip(kind, MAX_DEPTH)?,
                    }
                }
            }
            _ => thrift.skip(kind, MAX_DEPTH)?,
        }
    }
    Some(header)
}

/// Said in place of a number of values where they are more than one list may have.
pub(super) const TOO_LONG: i64 = i64::MAX;
/// Said in place of it where values are passed over, of which any number may be.
pub(super) const NOT_COUNTED: i64 = i64::MIN;

/// Pages whose texts do not say that there are more of them than values in the page: the decoder would make room for all of them.
pub(super) struct CheckedPages<P> {
    pub(super) pages: P,
    /// Whether repetition and definition levels stand before the values.
    pub(super) levels: [bool; 2],
    /// Values of the pages that were given since this was set to 0, for whoever reads lists; [`TOO_LONG`] where a page was asked for beyond `most`.
    pub(super) loaded: Arc<AtomicI64>,
    pub(super) most: i64,
}

impl<P: PageReader> CheckedPages<P> {
    fn checked(&self, page: Page) -> Result<Page> {
        if self.levels[0] && !matches!(page, Page::DictionaryPage { .. }) {
            // All pages before this one are used up.
            if self.loaded.load(Ordering::Relaxed) > self.most {
                self.loaded.store(TOO_LONG, Ordering::Relaxed);
                return Err(ParquetError::General("a list that is too long".to_owned()));
            }
            self.loaded.fetch_add(page.num_values().into(), Ordering::Relaxed);
        }
        let is_delta = |encoding| matches!(encoding, Encoding::DELTA_LENGTH_BYTE_ARRAY | Encoding::DELTA_BYTE_ARRAY);
        let values = match &page {
            Page::DataPage { buf, encoding, .. } if is_delta(*encoding) => {
                let mut rest = buf.as_ref();
                for _ in self.levels.iter().filter(|&&there| there) {
                    let length = rest.first_chunk::<4>().map(|length| u32::from_le_bytes(*length) as usize);
                    rest = length.and_then(|length| rest[4..].get(length..)).ok_or_else(damaged)?;
                }
                rest
            }
            Page::DataPageV2 { buf, encoding, def_levels_byte_len, rep_levels_byte_len, .. } if is_delta(*encoding) => {
                let levels = *def_levels_byte_len as usize + *rep_levels_byte_len as usize;
                buf.get(levels..).ok_or_else(damaged)?
            }
            _ => return Ok(page),
        };
        // Block size, miniblocks in a block, number of values.
        let mut thrift = Thrift { bytes: values, at: 0 };
        let count = thrift.varint().and_then(|_| thrift.varint()).and_then(|_| thrift.varint());
        match count.is_some_and(|count| count <= u64::from(page.num_values())) {
            true => Ok(page),
            false => Err(damaged()),
        }
    }
}

fn damaged() -> ParquetError {
    ParquetError::General("a page of texts says that there are more than it has".to_owned())
}

impl<P: PageReader> Iterator for CheckedPages<P> {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

impl<P: PageReader> PageReader for CheckedPages<P> {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.pages.get_next_page()?.map(|page| self.checked(page)).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}
