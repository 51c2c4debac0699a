//! What else is known of packets than time and size, as columns of all packets of all traces.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Int32Type;
use arrow_array::{Array as _, ArrayRef, Int32Array, LargeListArray};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field};
use pyo3::prelude::*;
use wfkit_datasets::{LabelledTrace, NOT_KNOWN, PacketColumn, Trace};

use crate::conversion::{is_list, item_of, large_lists, wholes};
use crate::error::wrong;

/// A value a packet, [`NOT_KNOWN`] where a packet has none.
const NONE: i32 = NOT_KNOWN as i32;

/// One column of packets.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Known {
    pub(crate) column: PacketColumn,
    /// One a packet, [`NOT_KNOWN`] to 32,767: of 32 bits, as in files.
    pub(crate) values: ScalarBuffer<i32>,
    /// The traces that have the column; nothing is known of a packet of the others. None: all have it.
    pub(crate) rows: Option<NullBuffer>,
}

impl Known {
    /// The column of traces, one after the other.
    pub(crate) fn of_traces(column: PacketColumn, traces: &[LabelledTrace]) -> Self {
        let packets = traces.iter().map(|labelled| labelled.trace.len()).sum();
        let mut values = Vec::<i32>::with_capacity(packets);
        for LabelledTrace { trace, .. } in traces {
            match trace.column(column) {
                Some(known) => values.extend(known.iter().map(|&value| i32::from(value))),
                None => values.resize(values.len() + trace.len(), NONE),
            }
        }
        let has = traces.iter().map(|labelled| labelled.trace.column(column).is_some());
        Self { column, values: values.into(), rows: only_some(has) }
    }

    /// The column of a table of traces, whose packets begin at these offsets. Nothing is copied where the lists are as [`Self::lists`] has them.
    pub(crate) fn of_table(
        column: PacketColumn,
        lists: &ArrayRef,
        packets: &[i64],
        first_row: usize,
    ) -> PyResult<Self> {
        let name = column.name();
        let lists = large_lists(name, lists)?;
        let starts = lists.offsets();
        let first = starts[0];
        let items = lists.values().slice(first as usize, (starts[lists.len()] - first) as usize);
        let items = wholes(name, &items, &DataType::Int32)?;
        let items = items.as_primitive::<Int32Type>();
        let has = |row: usize| lists.is_valid(row) && starts[row + 1] > starts[row];
        if let Some(row) =
            (0..lists.len()).find(|&row| has(row) && starts[row + 1] - starts[row] != packets[row + 1] - packets[row])
        {
            let [values, of] = [starts[row + 1] - starts[row], packets[row + 1] - packets[row]];
            return Err(wrong(format!("row {}: {values} values of {name} for {of} packets", first_row + row)));
        }
        let rows = only_some((0..lists.len()).map(has));
        let is_aligned = starts.iter().zip(packets).all(|(start, packet)| start - first == *packet);
        let is_ours = |row: usize| {
            (packets[row] as usize..packets[row + 1] as usize).all(|place| {
                items.value(place) == NONE || (has(row) && items.is_valid(place) && items.value(place) > NONE)
            })
        };
        let values = match is_aligned && (0..lists.len()).all(is_ours) {
            true => items.values().clone(),
            false => {
                let mut values = Vec::with_capacity(packets[lists.len()] as usize);
                for row in 0..lists.len() {
                    match has(row) {
                        true => values.extend(
                            ((starts[row] - first) as usize..(starts[row + 1] - first) as usize)
                                .map(|place| if items.is_valid(place) { items.value(place).max(NONE) } else { NONE }),
                        ),
                        false => values.resize(values.len() + (packets[row + 1] - packets[row]) as usize, NONE),
                    }
                }
                values.into()
            }
        };
        Self { column, values, rows }.checked(packets, first_row)
    }

    /// Refuses a value that a packet cannot have.
    pub(crate) fn checked(self, packets: &[i64], first_row: usize) -> PyResult<Self> {
        let is_wrong = |value: &i32| !(NONE..=i16::MAX.into()).contains(value);
        match self.values.iter().position(is_wrong) {
            Some(place) => {
                let row = packets.partition_point(|&offset| offset <= place as i64) - 1;
                Err(wrong(format!(
                    "row {}, column {}: {} is none of -1 (not known) to 32767",
                    first_row + row,
                    self.column,
                    self.values[place]
                )))
            }
            None => Ok(self),
        }
    }

    /// The columns of several sets of traces, each with its number of traces and of packets, one after the other.
    pub(crate) fn joined(parts: &[(&[Self], usize, usize)]) -> Vec<Self> {
        let columns = PacketColumn::ALL.into_iter().filter_map(|column| {
            let mut found = parts.iter().map(|(known, ..)| known.iter().find(|known| known.column == column));
            if !found.clone().any(|known| known.is_some()) {
                return None;
            }
            let mut values = Vec::<i32>::with_capacity(parts.iter().map(|(.., packets)| packets).sum());
            let mut rows = Vec::with_capacity(parts.iter().map(|(_, rows, _)| rows).sum());
            for &(_, of_rows, of_packets) in parts {
                match found.next().flatten() {
                    Some(known) => {
                        values.extend_from_slice(&known.values);
                        rows.extend((0..of_rows).map(|row| known.has(row)));
                    }
                    None => {
                        values.resize(values.len() + of_packets, NONE);
                        rows.resize(rows.len() + of_rows, false);
                    }
                }
            }
            Some(Self { column, values: values.into(), rows: only_some(rows.into_iter()) })
        });
        columns.collect()
    }

    /// Of rows that follow each other; packets are not copied.
    pub(crate) fn slice(&self, rows: Range<usize>, packets: Range<usize>) -> Self {
        let of_rows = self.rows.as_ref().map(|all| all.slice(rows.start, rows.len()));
        Self {
            column: self.column,
            values: self.values.slice(packets.start, packets.len()),
            rows: of_rows.filter(|rows| rows.null_count() > 0),
        }
    }

    /// Of rows in this order, each with its packets.
    pub(crate) fn take(&self, rows: &[usize], packets: impl Fn(usize) -> Range<usize>) -> Self {
        let mut values = Vec::new();
        rows.iter().for_each(|&row| values.extend_from_slice(&self.values[packets(row)]));
        Self { column: self.column, values: values.into(), rows: only_some(rows.iter().map(|&row| self.has(row))) }
    }

    /// Whether a trace has the column.
    pub(crate) fn has(&self, row: usize) -> bool {
        self.rows.as_ref().is_none_or(|rows| rows.is_valid(row))
    }

    /// The trace of a row with its column.
    pub(crate) fn add_to(&self, trace: Trace, row: usize, packets: Range<usize>) -> Trace {
        if !self.has(row) {
            return trace;
        }
        let values = self.values[packets].iter().map(|&value| value as i16).collect();
        trace.with_column(self.column, values).expect("a value a packet, of 16 bits, which was checked")
    }

    /// The column of a table, a list a trace, null where nothing is known, as our Parquet files have it; packets are not copied.
    pub(crate) fn lists(&self, offsets: &OffsetBuffer<i64>) -> (Field, ArrayRef) {
        let is_known: NullBuffer = self.values.iter().map(|&value| value > NONE).collect();
        let values = Int32Array::new(self.values.clone(), Some(is_known).filter(|known| known.null_count() > 0));
        let item = Arc::new(Field::new("item", DataType::Int32, true));
        let lists = LargeListArray::new(Arc::clone(&item), offsets.clone(), Arc::new(values), self.rows.clone());
        (Field::new(self.column.name(), DataType::LargeList(item), true), Arc::new(lists))
    }
}

/// Whether a column of a table may be one of packets: what has its name and holds something else than lists of numbers is somebody's own.
pub(crate) fn is_of_packets(column: &ArrayRef) -> bool {
    let item = item_of(column.data_type());
    is_list(column.data_type()) && (item.is_integer() || item.is_floating() || *item == DataType::Null)
}

/// Those that are, none where all are.
pub(crate) fn only_some(are: impl Iterator<Item = bool>) -> Option<NullBuffer> {
    Some(are.collect::<NullBuffer>()).filter(|rows| rows.null_count() > 0)
}
