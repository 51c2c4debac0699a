//! Traces as arrays for learners elsewhere: NumPy's `.npz`.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use ndarray::Array2;
use thiserror::Error;
use wfkit_datasets::files::{Writer, replace_file};
use wfkit_datasets::{PacketColumn, Trace, TraceSet};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

use crate::sets::Extract as _;
use crate::sets::channels::{direction, direction_time};
use crate::sets::tam::{SLOTS, Tam};
use crate::stats::seconds;

/// What an array holds of each packet, or of each slot of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Channel {
    /// 1 outgoing, -1 incoming.
    Direction,
    /// Seconds since the first packet, which is 0 like the padding.
    Time,
    /// Signed bytes, outgoing positive.
    Size,
    /// Direction times seconds, 0.1 ms later than they are, so that no packet looks like padding.
    DirectionTime,
    /// Packets in 1,800 slots of time, outgoing and incoming: the traffic aggregation matrix, see the feature set `tam`.
    Tam,
    /// Three numbers a packet, each in a row of its own, none far from 1: signed bytes over 1,500; asinh of the signed bytes so far, this packet
    /// included, over 1,500; ln(1 + g), with g the gap to the packet before in ms, over 5, and 0 for the first packet.
    Sized,
    /// What is known of each packet beside time and size, one more than it is: 0 where it is not known, and for padding.
    Column(PacketColumn),
}

/// Why no tensor was written.
#[derive(Debug, Error)]
#[error("{}: cannot write the arrays: {source}", path.display())]
pub struct TensorError {
    /// The file.
    pub path: PathBuf,
    /// Why not.
    pub source: io::Error,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Direction,
        Self::Time,
        Self::Size,
        Self::DirectionTime,
        Self::Tam,
        Self::Sized,
        Self::Column(PacketColumn::Flow),
        Self::Column(PacketColumn::Proto),
        Self::Column(PacketColumn::CellCmd),
        Self::Column(PacketColumn::RelayCmd),
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Direction => "direction",
            Self::Time => "time",
            Self::Size => "size",
            Self::DirectionTime => "direction-time",
            Self::Tam => "tam",
            Self::Sized => "sized",
            Self::Column(column) => column.name(),
        }
    }

    /// What it holds, in words.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Direction => "1 outgoing, -1 incoming",
            Self::Time => "Seconds since the first packet",
            Self::Size => "Signed bytes, outgoing positive",
            Self::DirectionTime => "Direction times time, plus 0.1 ms",
            Self::Tam => "Traffic aggregation matrix: packets in slots of time, outgoing and incoming",
            Self::Sized => "Three rows: size, cumulated size and gap, as attack df-sized sees them at --length 256",
            Self::Column(PacketColumn::Flow) => "1 for packets of the first flow, 2 of the second, .., 0 unknown",
            Self::Column(PacketColumn::Proto) => "1 more than the number of the protocol over IP, 0 unknown",
            Self::Column(PacketColumn::CellCmd) => "1 more than the command of a cell, 0 unknown",
            Self::Column(PacketColumn::RelayCmd) => "1 more than the command in a relay cell, 0 unknown",
        }
    }

    /// The shape of one trace cut or padded to `length` packets; the traffic aggregation matrix has one of its own.
    pub fn shape(self, length: usize) -> Vec<usize> {
        match self {
            Self::Tam => vec![2, SLOTS],
            Self::Sized => vec![3, length],
            _ => vec![length],
        }
    }

    /// One trace as numbers of that shape, row by row: its first `length` packets, then zeros.
    pub fn values(self, trace: &Trace, length: usize) -> Vec<f64> {
        let mut values = Vec::with_capacity(self.shape(length).iter().product());
        let packets = trace.packets().take(length);
        match self {
            Self::Direction => values.extend(packets.map(|(_, size)| direction(size))),
            Self::Time => values.extend(packets.map(|(time_ns, _)| seconds(time_ns))),
            Self::Size => values.extend(packets.map(|(_, size)| f64::from(size))),
            Self::DirectionTime => values.extend(packets.map(|(time_ns, size)| direction_time(time_ns, size))),
            Self::Tam => Tam.push(trace, &mut values),
            Self::Column(column) => {
                let known = trace.column(column).unwrap_or_default();
                values.extend(known.iter().take(length).map(|&value| f64::from(value) + 1.0));
            }
            Self::Sized => {
                for row in sized(trace, length) {
                    values.extend(row);
                    values.resize(values.len().next_multiple_of(length), 0.0);
                }
            }
        }
        values.resize(self.shape(length).iter().product(), 0.0);
        values
    }
}

/// What a channel says of the first packets of traces.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TensorSpec {
    /// What is said of each packet.
    pub channel: Channel,
    /// How many packets; longer traces are cut, shorter ones padded with zeros.
    pub length: usize,
}

impl TensorSpec {
    /// The shape of one trace, see [`Channel::shape`].
    pub fn shape(self) -> Vec<usize> {
        self.channel.shape(self.length)
    }

    /// A row a trace: its numbers of that shape, row by row; shape `(n_traces, product of the shape)`.
    pub fn rows(self, traces: &[&Trace]) -> Array2<f64> {
        let width = self.shape().iter().product();
        let values = traces.iter().flat_map(|trace| self.channel.values(trace, self.length)).collect();
        Array2::from_shape_vec((traces.len(), width), values).expect("every trace has as many numbers")
    }
}

/// Bytes that the sizes of [`Channel::Sized`] are measured in.
const LARGE: f64 = 1_500.0;

/// What the gaps of [`Channel::Sized`] are divided by.
const LONG: f64 = 5.0;

/// The rows of [`Channel::Sized`], of the first `length` packets.
fn sized(trace: &Trace, length: usize) -> [Vec<f64>; 3] {
    let size: Vec<f64> = trace.size().iter().take(length).map(|&size| f64::from(size)).collect();
    let so_far = size.iter().scan(0.0, |sum, size| {
        *sum += size;
        Some((*sum / LARGE).asinh())
    });
    let time = &trace.time_ns()[..size.len()];
    let gap = |place: usize| time[place] - time[place.saturating_sub(1)];
    let gaps = (0..time.len()).map(|place| (gap(place) as f64 / 1e6).ln_1p() / LONG);
    [size.iter().map(|size| size / LARGE).collect(), so_far.collect(), gaps.collect()]
}

/// Writes the arrays that `numpy.load` reads, in the order of the set:
///
/// - `X`, float32, shape `(n_traces, length)`, for the traffic aggregation matrix `(n_traces, 2, 1800)`, for sized packets
///   `(n_traces, 3, length)`: the first `length` packets of each trace, then zeros;
/// - `y`, int64, shape `(n_traces,)`: the place of the class of each trace in `classes`;
/// - `classes`, text, shape `(n_classes,)`: the classes in class order;
/// - `rep`, int64, shape `(n_traces,)`.
///
/// float32 has seven digits: 0.1 ms late in a trace of a quarter of an hour. The same traces give the same bytes.
///
/// # Errors
/// What the system refuses; a column that no trace has.
pub fn write_tensor(path: &Path, traces: &TraceSet, channel: Channel, length: usize) -> Result<(), TensorError> {
    if let Channel::Column(column) = channel
        && !traces.traces().iter().any(|labelled| labelled.trace.column(column).is_some())
    {
        let message = format!(
            "no trace tells {column} of its packets; wfkit capture import --packet-columns flow,proto keeps flows and protocols, logs of \
             cells have their commands"
        );
        return Err(TensorError {
            path: path.to_owned(),
            source: io::Error::new(io::ErrorKind::InvalidInput, message),
        });
    }
    let write = |file: &mut Writer| -> io::Result<()> {
        let mut archive = ZipWriter::new(file);
        let n = traces.len();

        let shape: Vec<usize> = [n].into_iter().chain(channel.shape(length)).collect();
        begin(&mut archive, "X", "<f4", &shape)?;
        for labelled in traces.traces() {
            let values = channel.values(&labelled.trace, length);
            let bytes: Vec<u8> = values.iter().flat_map(|&value| (value as f32).to_le_bytes()).collect();
            archive.write_all(&bytes)?;
        }

        let classes = traces.classes();
        begin(&mut archive, "y", "<i8", &[n])?;
        for labelled in traces.traces() {
            let class = classes.index_of(&labelled.key.class).expect("the classes are those of the traces");
            archive.write_all(&(class as i64).to_le_bytes())?;
        }
        begin(&mut archive, "rep", "<i8", &[n])?;
        for labelled in traces.traces() {
            archive.write_all(&labelled.key.rep.to_le_bytes())?;
        }

        let width = classes.names().iter().map(|name| name.chars().count()).max().unwrap_or(0).max(1);
        begin(&mut archive, "classes", &format!("<U{width}"), &[classes.len()])?;
        for name in classes.names() {
            let code_points = name.chars().map(u32::from).chain(std::iter::repeat(0)).take(width);
            archive.write_all(&code_points.flat_map(u32::to_le_bytes).collect::<Vec<u8>>())?;
        }
        archive.finish()?.flush()
    };
    replace_file(path, |error| error, write).map_err(|source| TensorError { path: path.to_owned(), source })
}

/// Begins the member `name.npy`: the header of NumPy's format version 1.0, padded so that the data start at a multiple of 64.
fn begin(archive: &mut ZipWriter<&mut Writer>, name: &str, kind: &str, shape: &[usize]) -> io::Result<()> {
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::default())
        .large_file(true);
    archive.start_file(format!("{name}.npy"), options)?;
    let shape: String = shape.iter().map(|length| format!("{length},")).collect();
    let header = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({shape}), }}");
    const PREAMBLE: usize = 10;
    let padded = (PREAMBLE + header.len() + 1).next_multiple_of(64) - PREAMBLE;
    archive.write_all(b"\x93NUMPY\x01\x00")?;
    archive.write_all(&(padded as u16).to_le_bytes())?;
    archive.write_all(format!("{header:<width$}\n", width = padded - 1).as_bytes())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::io::Read as _;

    use wfkit_datasets::{LabelledTrace, Layer, Provenance, TraceKey};

    use super::*;

    #[test]
    fn traces_are_cut_and_padded() {
        let trace = Trace::new(vec![0, 500_000_000], vec![600, -1448]).unwrap();
        assert_eq!(Channel::Size.values(&trace, 3), [600.0, -1448.0, 0.0]);
        assert_eq!(Channel::Direction.values(&trace, 1), [1.0]);
        assert_eq!(Channel::Time.values(&trace, 2), [0.0, 0.5]);
        assert_eq!(Channel::DirectionTime.values(&trace, 2), [1e-4, -0.5001]);
        let flow = Channel::Column(PacketColumn::Flow);
        assert_eq!(flow.values(&trace, 2), [0.0, 0.0]);
        let marked = trace.clone().with_column(PacketColumn::Flow, vec![-1, 3]).unwrap();
        assert_eq!(flow.values(&marked, 3), [0.0, 4.0, 0.0]);
        let sized = Channel::Sized.values(&trace, 3);
        let expected = [
            0.4,
            -1448.0 / 1500.0,
            0.0,
            0.4_f64.asinh(),
            (-848.0 / 1500.0_f64).asinh(),
            0.0,
            0.0,
            501_f64.ln() / 5.0,
            0.0,
        ];
        assert!(sized.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-12), "{sized:?}");
        assert_eq!(Channel::Sized.values(&trace, 1), [0.4, 0.4_f64.asinh(), 0.0]);
        assert_eq!((Channel::Tam.values(&trace, 9).len(), Channel::Tam.shape(9)), (3_600, vec![2, 1_800]));
    }

    #[test]
    fn members_are_numpy_files() {
        let trace = |class: &str, size: &[i32]| {
            LabelledTrace::new(
                TraceKey { class: class.into(), rep: 7, session: None },
                None,
                Trace::new(vec![0; size.len()], size.into()).unwrap(),
            )
        };
        let traces = vec![trace("b\u{e9}", &[600, -1448]), trace("a", &[20])];
        let traces = TraceSet::new(traces, Provenance::new(Layer::Tcp, vec![])).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.npz");
        write_tensor(&path, &traces, Channel::Size, 2).unwrap();

        let mut archive = zip::ZipArchive::new(File::open(&path).unwrap()).unwrap();
        let mut member = |name: &str, header: &str| {
            let mut bytes = Vec::new();
            archive.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
            assert_eq!((&bytes[..8], (10 + usize::from(bytes[8])) % 64), (&b"\x93NUMPY\x01\x00"[..], 0));
            let data = bytes.split_off(10 + usize::from(bytes[8]));
            assert!(String::from_utf8_lossy(&bytes[10..]).starts_with(header), "{:?}", &bytes);
            data
        };
        let x = member("X.npy", "{'descr': '<f4', 'fortran_order': False, 'shape': (2,2,), }");
        let x: Vec<f32> = x.chunks(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
        assert_eq!(x, [20.0, 0.0, 600.0, -1448.0]);
        assert_eq!(member("y.npy", "{'descr': '<i8'"), [0_i64, 1].map(i64::to_le_bytes).concat());
        assert_eq!(member("rep.npy", "{'descr': '<i8'"), [7_i64, 7].map(i64::to_le_bytes).concat());
        let classes = member("classes.npy", "{'descr': '<U2', 'fortran_order': False, 'shape': (2,), }");
        assert_eq!(classes, ['a', '\0', 'b', '\u{e9}'].map(|c| u32::from(c).to_le_bytes()).concat());
    }
}
