//! Arrays of NumPy: `.npz` archives, and single `.npy` arrays.
//!
//! Numbers and texts alone are read. Arrays of Python objects are pickles, which can run programs, so none is opened.

use std::collections::BTreeMap;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::Path;

use ndarray::{Array2, ShapeBuilder as _};
use zip::ZipArchive;

use super::csv_file::ZIP_MAGIC;
use super::limits::Limited;
use super::problems::shortened;
use super::{ReadError, ReadLimits, Source};

/// What the first bytes of an array are.
pub(crate) const NPY_MAGIC: &[u8] = b"\x93NUMPY";

/// Bytes before the header of an array, whose length the last of them tell: two in version 1, four in versions 2 and 3.
const PREAMBLE: [usize; 3] = [10, 12, 12];

/// One array, in the order in which it is stored.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct NumpyArray {
    pub(crate) shape: Vec<usize>,
    /// Whether the first index runs fastest.
    fortran: bool,
    pub(crate) values: NumpyValues,
}

/// The values of an array.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NumpyValues {
    Floats(Vec<f64>),
    Whole(Vec<i64>),
    Texts(Vec<String>),
}

impl NumpyArray {
    /// Reads the bytes of an `.npy` file; the message says what is wrong with them.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let version = *bytes.get(6).ok_or("cut within its first bytes")?;
        if !bytes.starts_with(NPY_MAGIC) {
            return Err("not a NumPy array".to_owned());
        }
        let start = *PREAMBLE.get(usize::from(version).wrapping_sub(1)).ok_or(format!("format version {version}"))?;
        let length = bytes.get(8..start).ok_or("cut within its first bytes")?;
        let length = length.iter().rev().fold(0usize, |length, &byte| length << 8 | usize::from(byte));
        let header = start.checked_add(length).and_then(|end| bytes.get(start..end)).ok_or("cut within its header")?;
        let header = String::from_utf8_lossy(header);
        let (kind, fortran, shape) = parse_header(&header).ok_or_else(|| {
            format!("a header that is none of an array of numbers or texts: `{}`", shortened(header.trim()))
        })?;
        let data = &bytes[start + length..];
        let count = shape.iter().try_fold(1usize, |count, &length| count.checked_mul(length));
        let count = count.ok_or("more values than there is memory for")?;
        Ok(Self { values: values(&kind, data, count)?, fortran, shape })
    }

    /// An array of two dimensions, as numbers.
    pub(crate) fn matrix(self) -> Option<Array2<f64>> {
        let &[rows, columns] = self.shape.as_slice() else { return None };
        let values = match self.values {
            NumpyValues::Floats(values) => values,
            NumpyValues::Whole(values) => values.into_iter().map(|value| value as f64).collect(),
            NumpyValues::Texts(_) => return None,
        };
        let shape = (rows, columns).set_f(self.fortran);
        Some(Array2::from_shape_vec(shape, values).expect("there is a value for every place"))
    }

    /// The numbers of an array in rows and columns, whatever its own shape; none of texts.
    pub(crate) fn reshaped(self, rows: usize, columns: usize) -> Option<Array2<f64>> {
        Self { shape: vec![rows, columns], ..self }.matrix()
    }

    /// An array of one dimension, as texts: whole numbers by their digits.
    pub(crate) fn texts(self) -> Option<Vec<String>> {
        match (self.shape.len(), self.values) {
            (1, NumpyValues::Texts(texts)) => Some(texts),
            (1, NumpyValues::Whole(numbers)) => Some(numbers.iter().map(i64::to_string).collect()),
            (1, NumpyValues::Floats(numbers)) => Some(numbers.iter().map(f64::to_string).collect()),
            _ => None,
        }
    }
}

/// Type, order and shape, out of a Python dictionary such as `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`.
fn parse_header(header: &str) -> Option<(String, bool, Vec<usize>)> {
    let after = |key: &str| {
        let (_, rest) = header.split_once(&format!("'{key}'"))?;
        Some(rest.trim_start().strip_prefix(':')?.trim_start())
    };
    let kind = after("descr")?.strip_prefix('\'')?.split_once('\'')?.0.to_owned();
    let fortran = after("fortran_order")?.starts_with("True");
    let (shape, _) = after("shape")?.strip_prefix('(')?.split_once(')')?;
    let lengths = shape.split(',').map(str::trim).filter(|length| !length.is_empty());
    Some((kind, fortran, lengths.map(|length| length.parse().ok()).collect::<Option<_>>()?))
}

/// `count` values of a type such as `<f4`.
fn values(kind: &str, data: &[u8], count: usize) -> Result<NumpyValues, String> {
    let unknown = || match kind.trim_start_matches(['<', '>', '|', '=']) {
        "O" => "an array of Python objects, which are pickles and can run programs; save it as numbers or as `str`"
            .to_owned(),
        "f2" => "float16, which has three digits; save it as float32".to_owned(),
        _ => format!("values of type `{}`; expected numbers or texts", shortened(kind)),
    };
    let (order, rest) = if kind.starts_with(['<', '>', '|', '=']) { kind.split_at(1) } else { ("<", kind) };
    let (letter, width) = rest.split_at_checked(1).ok_or_else(unknown)?;
    let width: usize = width.parse().map_err(|_| unknown())?;
    // Texts are of characters of four bytes, or of one.
    let (item, bytes) = match letter {
        "U" => (4, width.checked_mul(4).ok_or_else(unknown)?),
        "S" => (1, width),
        _ => (width, width),
    };
    if count.checked_mul(bytes) != Some(data.len()) {
        return Err(format!("{} bytes for {count} values of {bytes} bytes each", data.len()));
    }
    if count == 0 {
        return Ok(if matches!(letter, "U" | "S") { NumpyValues::Texts(vec![]) } else { NumpyValues::Floats(vec![]) });
    }
    if bytes == 0 {
        return Ok(NumpyValues::Texts(vec![String::new(); count]));
    }
    // The lowest byte first.
    let lowest_first = |bytes: &[u8]| -> [u8; 8] {
        let mut turned = [0; 8];
        turned[..bytes.len()].copy_from_slice(bytes);
        if order == ">" {
            turned[..bytes.len()].reverse();
        }
        turned
    };
    let items = || data.chunks_exact(bytes).map(lowest_first);
    Ok(match (letter, item) {
        ("f", 8) => NumpyValues::Floats(items().map(f64::from_le_bytes).collect()),
        ("f", 4) => {
            let float = |b: [u8; 8]| f64::from(f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
            NumpyValues::Floats(items().map(float).collect())
        }
        ("u" | "b", 1 | 2 | 4) | ("u", 8) => {
            let whole = |b: [u8; 8]| i64::try_from(u64::from_le_bytes(b)).map_err(|_| "a whole number beyond 63 bits");
            NumpyValues::Whole(items().map(whole).collect::<Result<_, _>>()?)
        }
        ("i", 1 | 2 | 4 | 8) => {
            let unused = 64 - 8 * item as u32;
            NumpyValues::Whole(items().map(|b| (i64::from_le_bytes(b) << unused) >> unused).collect())
        }
        ("U" | "S", _) => {
            let text = |text: &[u8]| -> Option<String> {
                let character = |b: &[u8]| char::from_u32(u64::from_le_bytes(lowest_first(b)) as u32);
                let text: String = text.chunks_exact(item).map(character).collect::<Option<_>>()?;
                Some(text.trim_end_matches('\0').to_owned())
            };
            let texts: Option<Vec<String>> = data.chunks_exact(bytes).map(text).collect();
            NumpyValues::Texts(texts.ok_or("a text with something in it that is no character")?)
        }
        _ => return Err(unknown()),
    })
}

/// Whether a file that begins so is an array of NumPy, or may be an archive of them.
pub(crate) fn may_be_numpy(start: &[u8]) -> bool {
    start.starts_with(NPY_MAGIC) || ZIP_MAGIC.iter().any(|magic| start.starts_with(magic))
}

/// The arrays of an `.npz` archive by name, or the one of an `.npy` file, which has none.
///
/// # Errors
/// What the system refuses, a broken archive or array, a member that is no array, what is beyond `limits`.
pub(crate) fn read_numpy(path: &Path, limits: &ReadLimits) -> Result<BTreeMap<String, NumpyArray>, ReadError> {
    let mut file = Source::from(path).open().map_err(|error| ReadError::io(path, error))?;
    let length = file.seek(SeekFrom::End(0)).map_err(|error| ReadError::io(path, error))?;
    file.rewind().map_err(|error| ReadError::io(path, error))?;
    let of =
        |name: &str| if name.is_empty() { "the array".to_owned() } else { format!("its array `{}`", shortened(name)) };
    let parsed = |name: &str, bytes: &[u8]| {
        NumpyArray::parse(bytes).map_err(|message| ReadError::damaged(path, format!("{} is {message}", of(name))))
    };
    if starts_as_array(&mut file).map_err(|error| ReadError::io(path, error))? {
        let bytes = whole(path, file, length, limits)?;
        return Ok(BTreeMap::from([(String::new(), parsed("", &bytes)?)]));
    }
    let mut archive = ZipArchive::new(file).map_err(|error| ReadError::damaged(path, error))?;
    let mut arrays = BTreeMap::new();
    for at in 0..archive.len() {
        let member = archive.by_index(at).map_err(|error| ReadError::damaged(path, error))?;
        let name = member.name().map_err(|error| ReadError::damaged(path, error))?.into_owned();
        let Some(name) = name.strip_suffix(".npy") else {
            return Err(ReadError::Unrecognised {
                path: path.to_owned(),
                found: format!("an archive with `{}` in it", shortened(&name)),
                expected: "arrays of NumPy alone, as numpy.savez writes them",
            });
        };
        let bytes = whole(path, member, length, limits)?;
        arrays.insert(name.to_owned(), parsed(name, &bytes)?);
    }
    Ok(arrays)
}

fn starts_as_array<R: Read + io::Seek>(file: &mut BufReader<R>) -> io::Result<bool> {
    let mut magic = Vec::new();
    file.by_ref().take(NPY_MAGIC.len() as u64).read_to_end(&mut magic)?;
    file.seek_relative(-(magic.len() as i64))?;
    Ok(magic == NPY_MAGIC)
}

fn whole(path: &Path, from: impl Read, length: u64, limits: &ReadLimits) -> Result<Vec<u8>, ReadError> {
    // Arrays have no lines.
    let limits = ReadLimits { line_bytes: u64::MAX, ..*limits };
    let mut bytes = Vec::new();
    let mut limited = Limited::unpacked(from, length, limits).map_err(|limit| ReadError::limit(path, limit))?;
    limited.read_to_end(&mut bytes).map_err(|error| ReadError::unpacking(path, error))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use proptest::prelude::*;

    use super::*;

    fn array(kind: &str, order: &str, shape: &str, data: &[u8]) -> Result<NumpyArray, String> {
        let header = format!("{{'descr': '{kind}', 'fortran_order': {order}, 'shape': ({shape}), }}\n");
        let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
        bytes.extend((header.len() as u16).to_le_bytes());
        bytes.extend(header.as_bytes());
        bytes.extend(data);
        NumpyArray::parse(&bytes)
    }

    #[test]
    fn numbers_are_read_in_either_order_of_bytes_and_of_places() {
        let floats = [1.0f32, 2.0, 3.0, 4.0, 5.0, 6.0];
        let little: Vec<u8> = floats.iter().flat_map(|float| float.to_le_bytes()).collect();
        let big: Vec<u8> = floats.iter().flat_map(|float| float.to_be_bytes()).collect();
        let rows = array!([1.0, 2.0, 3.0], [4.0, 5.0, 6.0]);
        assert_eq!(array("<f4", "False", "2, 3", &little).unwrap().matrix().unwrap(), rows);
        assert_eq!(array(">f4", "False", "2, 3,", &big).unwrap().matrix().unwrap(), rows);
        let columns = array!([1.0, 3.0, 5.0], [2.0, 4.0, 6.0]);
        assert_eq!(array("<f4", "True", "2, 3", &little).unwrap().matrix().unwrap(), columns);
        let whole = array("|i1", "False", "2,", &[255, 2]).unwrap();
        assert_eq!(whole.clone().texts().unwrap(), ["-1", "2"]);
        assert_eq!(whole.matrix(), None);
        assert_eq!(array(">i2", "False", "1,", &[0xff, 0xfe]).unwrap().texts().unwrap(), ["-2"]);
        assert_eq!(array("<u2", "False", "1,", &[0xff, 0xff]).unwrap().texts().unwrap(), ["65535"]);
        let text: Vec<u8> = ['\u{e9}', '\0', 'a', 'b'].map(|c| u32::from(c).to_le_bytes()).concat();
        assert_eq!(array("<U2", "False", "2,", &text).unwrap().texts().unwrap(), ["\u{e9}", "ab"]);
        assert_eq!(array("|S3", "False", "1,", b"ab\0").unwrap().texts().unwrap(), ["ab"]);
    }

    #[test]
    fn what_is_no_array_of_numbers_is_named() {
        let message = |kind: &str, shape: &str, data: &[u8]| array(kind, "False", shape, data).unwrap_err();
        assert!(message("|O", "1,", &[0; 8]).contains("pickles"));
        assert!(message("<f2", "1,", &[0; 2]).contains("save it as float32"));
        assert!(message("<c16", "1,", &[0; 16]).contains("type `<c16`"));
        assert_eq!(message("<f4", "2,", &[0; 4]), "4 bytes for 2 values of 4 bytes each");
        assert!(message("<f4", "99999999999, 99999999999", &[]).contains("more values"));
        assert!(message("<U2", "1,", &[0xff; 8]).contains("no character"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), kind in "[<>|]?[fiubUSO][0-9]{0,3}", shape in "[0-9 ,]{0,6}") {
            let _ = NumpyArray::parse(&bytes);
            let _ = array(&kind, "False", &shape, &bytes);
        }
    }
}
