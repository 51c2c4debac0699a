//! The packets of a capture -> the events of a layer.

use std::collections::BTreeMap;

use wfkit_datasets::{Layer, PacketColumn, Trace};

use crate::import::clock::Watch;
use crate::import::events::{Event, Events};
use crate::import::flows::Choice;
use crate::import::options::ImportOptions;
use crate::import::stats::{Dropped, FileStats, Reason};
use crate::packet::Segment;
use crate::tls::streams::{
    Arrival, Bytes, CellCounter, Counts, FormVote, Memory, Negotiated, RecordCounts, RecordReader, Sink, Stream,
    TlsRecord,
};

/// Takes the packets of a capture, and makes of them what a trace of the layer consists of.
#[derive(Debug)]
pub(crate) struct Collector {
    unit: Unit,
    events: Events,
    /// By flow and sender, where segments are put in order.
    streams: Vec<[Stream; 2]>,
    /// The same, where records are read.
    records: Vec<[RecordReader; 2]>,
    memory: Memory,
    watch: Watch,
    /// What traces tell of packets beside time and size.
    columns: Vec<PacketColumn>,
    /// The protocol of all packets, by its number.
    protocol: i16,
}

/// The time of bytes whose own makes no sense: no entry of the trace. No capture states it.
const SENSELESS: i64 = i64::MIN;

/// What an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    /// A packet that counts with its size at this layer.
    Packet(Layer),
    /// The bytes that a segment adds to its stream.
    Segment,
    /// A TLS record, of which the trace holds the cells.
    Record { cells: bool },
}

impl Collector {
    pub(crate) fn new(options: &ImportOptions, events: Events) -> Self {
        let unit = match options.layer {
            Layer::Tls => Unit::Record { cells: false },
            Layer::Cell => Unit::Record { cells: true },
            Layer::Tcp if options.reassembly => Unit::Segment,
            layer => Unit::Packet(layer),
        };
        Self {
            unit,
            events,
            streams: Vec::new(),
            records: Vec::new(),
            memory: Memory::default(),
            watch: Watch::default(),
            columns: options.packet_columns.clone(),
            protocol: if options.layer == Layer::Udp { 17 } else { 6 },
        }
    }

    /// The time to hand over with a packet whose own makes no sense; an error where it is part of no trace.
    ///
    /// Its bytes are part of their stream, so that nobody waits for them. A record has the time of the packet before.
    pub(crate) fn instead_of_senseless(&self) -> Result<i64, Reason> {
        match self.unit {
            Unit::Packet(_) => Err(Reason::NoTime),
            Unit::Segment => Ok(SENSELESS),
            Unit::Record { .. } => Ok(self.watch.last_ns()),
        }
    }

    /// Whether times are to be looked at closely.
    pub(crate) fn has_odd_times(&self) -> bool {
        self.watch.is_odd()
    }

    /// Whether packets are to be handed over in the order of their times.
    pub(crate) fn puts_in_order(&self) -> bool {
        !matches!(self.unit, Unit::Packet(_))
    }

    /// Takes a packet of a flow; `sender` is the end that sent it, `frame_len` its length with the link header.
    ///
    /// An error says why it is part of no trace. Those of streams are told by [`Collector::finish`].
    #[inline(always)]
    pub(crate) fn add(
        &mut self,
        (flow, sender): (usize, usize),
        segment: &Segment<'_>,
        frame_len: u32,
        time_ns: i64,
    ) -> Result<(), Reason> {
        if time_ns != SENSELESS {
            self.watch.see(time_ns);
        }
        if let Unit::Packet(layer) = self.unit {
            let size = size_at(layer, segment, frame_len)?;
            match size {
                0 if matches!(layer, Layer::Frame | Layer::Ip) => return Err(Reason::ImpossibleLength),
                0 => return Err(Reason::NoPayload),
                _ => self.events.push(Event::packet(time_ns, flow, signed(size, sender))),
            }
            return Ok(());
        }
        let reads = self.unit != Unit::Segment;
        if flow >= self.streams.len() {
            self.streams.resize_with(flow + 1, Default::default);
            if reads {
                self.records.resize_with(flow + 1, Default::default);
            }
        }
        let Self { events, streams, records, memory, .. } = self;
        let (stream, arrival) = (&mut streams[flow][sender], Arrival::new(segment, time_ns));
        if reads {
            stream.push(arrival, memory, &mut Records { events, flow, sender, reader: &mut records[flow][sender] });
        } else {
            stream.push(arrival, memory, &mut Segments { events, flow, sender });
        }
        Ok(())
    }

    /// Ends all streams. Counts the segments that added nothing to theirs.
    pub(crate) fn finish(&mut self, dropped: &mut Dropped) {
        let reads = self.unit != Unit::Segment;
        let Self { events, streams, records, memory, .. } = self;
        for (flow, ends) in streams.iter_mut().enumerate() {
            for (sender, stream) in ends.iter_mut().enumerate() {
                if reads {
                    let mut sink = Records { events, flow, sender, reader: &mut records[flow][sender] };
                    stream.finish(memory, &mut sink);
                    sink.restart();
                } else {
                    stream.finish(memory, &mut Segments { events, flow, sender });
                }
                dropped.count_many(Reason::NoPayload, stream.counts().empty);
                dropped.count_many(Reason::KeepAlive, stream.counts().keep_alive);
                dropped.count_many(Reason::Retransmitted, stream.counts().retransmitted);
                dropped.count_many(Reason::BeforeStart, stream.counts().before.into());
            }
        }
    }

    /// Whether there were more events than were to be kept.
    pub(crate) fn has_too_many(&self) -> bool {
        self.events.are_too_many()
    }

    /// Joins the events of the chosen flows to a trace that starts at the time returned. Fills in what `stats` and
    /// `dropped` say about that; without an event, why there is no trace.
    pub(crate) fn trace(
        &mut self,
        choice: &Choice,
        dropped: &mut Dropped,
        stats: &mut FileStats,
    ) -> Option<(i64, Trace)> {
        let (mut events, others) = self.events.take();
        match self.unit {
            Unit::Packet(_) => {
                let flows = events.iter().map(|event| (event.flow(), 1)).chain(others.into_iter().enumerate());
                for (flow, n) in flows {
                    match choice.fates[flow] {
                        Ok(_) => stats.kept += n,
                        Err(reason) => dropped.count_many(reason, n),
                    }
                }
            }
            Unit::Segment | Unit::Record { .. } => self.count_streams(choice, dropped, stats),
        }
        let mut senseless = 0;
        events.retain_mut(|event| match choice.fates[event.flow()] {
            Ok(_) if event.time_ns == SENSELESS => {
                senseless += 1;
                false
            }
            Ok(client) => {
                event.size = if client == 0 { event.size } else { -event.size };
                true
            }
            Err(_) => false,
        });
        // A segment may have filled several holes, so that its bytes are several events: no more packets are left out than were kept.
        let senseless = senseless.min(stats.kept);
        stats.kept -= senseless;
        dropped.count_many(Reason::NoTime, senseless);
        if self.unit == (Unit::Record { cells: true }) {
            events = cells(&events, &self.negotiated(choice.fates.len()), stats);
        }
        if self.watch.backwards() > 0 {
            stats
                .warnings
                .insert("packet earlier than the one before, put in order".to_owned(), self.watch.backwards());
        }
        if !events.is_sorted_by_key(|event| event.time_ns) {
            events.sort_by_key(|event| event.time_ns); // stable: what came at once stays in order
        }
        let Some(start_ns) = events.first().map(|event| event.time_ns) else {
            let reason = match self.unit {
                Unit::Record { .. } if dropped.of(Reason::NotTls) > 0 && stats.kept == 0 => "no TLS",
                Unit::Record { cells } if stats.kept > 0 => {
                    if cells {
                        "no cells"
                    } else {
                        "no whole TLS record"
                    }
                }
                _ => "no packets left",
            };
            stats.no_trace = Some(reason.to_owned());
            return None;
        };
        let (time_ns, size) = events.iter().map(|event| (event.time_ns.abs_diff(start_ns), event.size)).unzip();
        let mut trace =
            Trace::new(time_ns, size).expect("at least one packet, in order from the first one, none of size 0");
        for &column in &self.columns {
            let values = match column {
                PacketColumn::Flow => flow_ordinals(&events),
                _ => vec![self.protocol; events.len()],
            };
            trace = trace.with_column(column, values).expect("a value of each event");
        }
        Some((start_ns, trace))
    }

    /// What is known of how the records of each flow are protected.
    fn negotiated(&self, flows: usize) -> Vec<Negotiated> {
        let of_ends = |[a, b]: &[RecordReader; 2]| a.negotiated().or(b.negotiated());
        let mut negotiated: Vec<Negotiated> = self.records.iter().map(of_ends).collect();
        negotiated.resize(flows, Negotiated::default());
        negotiated
    }

    /// Counts what streams were made of: all segments by what became of their flow, the rest for the chosen flows.
    fn count_streams(&self, choice: &Choice, dropped: &mut Dropped, stats: &mut FileStats) {
        let mut found = NamedCounts(&mut stats.streams);
        let mut holes = 0;
        let mut estimated = 0;
        for (flow, ends) in self.streams.iter().enumerate() {
            for (sender, stream) in ends.iter().enumerate() {
                let counts = stream.counts();
                if let Err(reason) = choice.fates[flow] {
                    dropped.count_many(reason, counts.used);
                    continue;
                }
                found.segments(counts);
                holes += u64::from(counts.holes) + u64::from(counts.jumps);
                let Some(readers) = self.records.get(flow) else {
                    stats.kept += counts.used;
                    continue;
                };
                let records = readers[sender].counts();
                found.records(records);
                estimated += records.estimated;
                if records.records == 0 && records.unfinished == 0 {
                    dropped.count_many(Reason::NotTls, counts.used);
                } else {
                    stats.kept += counts.used;
                }
            }
        }
        let mut warn = |what: &str, n: u64| {
            if n > 0 {
                stats.warnings.insert(what.to_owned(), n);
            }
        };
        warn("hole in a TCP stream: bytes that the capture does not have", holes);
        warn("TLS record estimated from segment lengths: its header was not captured", estimated);
    }
}

/// Which flow each event is of, from 0 on in the order of their first events.
fn flow_ordinals(events: &[Event]) -> Vec<i16> {
    let mut ordinals = BTreeMap::new();
    let ordinal = |event: &Event| {
        let next = i16::try_from(ordinals.len()).unwrap_or(i16::MAX);
        *ordinals.entry(event.flow()).or_insert(next)
    };
    events.iter().map(ordinal).collect()
}

/// Size of a packet at a layer.
#[inline]
fn size_at(layer: Layer, segment: &Segment<'_>, frame_len: u32) -> Result<i32, Reason> {
    let size = match layer {
        Layer::Frame => frame_len,
        Layer::Ip => segment.ip_len,
        _ => segment.payload_len,
    };
    i32::try_from(size).map_err(|_| Reason::ImpossibleLength)
}

#[inline]
fn signed(size: i32, sender: usize) -> i32 {
    if sender == 0 { size } else { -size }
}

/// Makes an event of what each segment adds to its stream.
struct Segments<'a> {
    events: &'a mut Events,
    flow: usize,
    sender: usize,
}

impl Sink for Segments<'_> {
    const READS: bool = false;

    #[inline]
    fn bytes(&mut self, bytes: Bytes<'_>) {
        // Payload of a segment fits: the IP header or the capture states at most 2^31 - 1 bytes.
        self.events.push(Event::packet(bytes.time_ns, self.flow, signed(bytes.len as i32, self.sender)));
    }

    fn hole(&mut self, _: Option<u32>) {}

    fn restart(&mut self) {}
}

/// Makes an event of each TLS record.
struct Records<'a> {
    events: &'a mut Events,
    flow: usize,
    sender: usize,
    reader: &'a mut RecordReader,
}

impl Records<'_> {
    fn with_reader(&mut self, read: impl FnOnce(&mut RecordReader, &mut dyn FnMut(TlsRecord))) {
        let Self { events, flow, sender, reader } = self;
        read(reader, &mut |record| {
            let size = signed(record.size as i32, *sender); // a record is shorter than 2^15 bytes
            events.push(Event::record(record.time_ns, *flow, size, record.kind));
        });
    }
}

impl Sink for Records<'_> {
    const READS: bool = true;

    fn bytes(&mut self, bytes: Bytes<'_>) {
        self.with_reader(|reader, mut sink| reader.bytes(bytes, &mut sink));
    }

    fn hole(&mut self, len: Option<u32>) {
        self.with_reader(|reader, mut sink| reader.hole(len, &mut sink));
    }

    fn restart(&mut self) {
        self.with_reader(|reader, mut sink| reader.restart(&mut sink));
    }
}

/// The cells in the records of client and peer, which are positive and negative, in the order of each direction.
fn cells(records: &[Event], negotiated: &[Negotiated], stats: &mut FileStats) -> Vec<Event> {
    let mut votes: Vec<FormVote> = negotiated.iter().map(|&negotiated| FormVote::new(negotiated)).collect();
    for record in records {
        votes[record.flow()].add(record.kind(), record.size.unsigned_abs());
    }
    let mut counters: Vec<_> = votes.iter().map(|vote| [CellCounter::new(vote); 2]).collect();
    let mut cells = Vec::new();
    for record in records {
        let counter = &mut counters[record.flow()][usize::from(record.size < 0)];
        let size = counter.cell() as i32 * record.size.signum();
        for _ in 0..counter.cells(record.kind(), record.size.unsigned_abs()) {
            cells.push(Event::packet(record.time_ns, record.flow(), size));
        }
    }
    let (mut application, mut whole) = (0, 0);
    for vote in &votes {
        let (_, records, of_whole_cells) = vote.result();
        (application, whole) = (application + records, whole + of_whole_cells);
    }
    let mut found = NamedCounts(&mut stats.streams);
    found.add("record of application data", application);
    found.add("record of whole cells", whole);
    found.add("cell", cells.len() as u64);
    if whole * 2 < application {
        stats.warnings.insert("record that is not whole cells: is this Tor?".to_owned(), application - whole);
    }
    cells
}

/// Counts under names, those that are not 0.
struct NamedCounts<'a>(&'a mut BTreeMap<String, u64>);

impl NamedCounts<'_> {
    fn add(&mut self, what: &str, n: u64) {
        if n > 0 {
            *self.0.entry(what.to_owned()).or_default() += n;
        }
    }

    fn segments(&mut self, counts: &Counts) {
        self.add("segment retransmitted", counts.retransmitted);
        self.add("keep-alive", counts.keep_alive);
        self.add("segment that overlaps another", counts.overlapping);
        self.add("segment after a later one", counts.late);
        self.add("hole", counts.holes.into());
        self.add("byte in holes", counts.missing);
        self.add("segment before the start of its stream", counts.before.into());
        self.add("jump of sequence numbers", counts.jumps.into());
        self.add("connection between the same ports", counts.restarts.into());
    }

    fn records(&mut self, counts: &RecordCounts) {
        self.add("TLS record", counts.records);
        self.add("TLS record estimated", counts.estimated);
        self.add("TLS record without its end", counts.unfinished);
        self.add("byte outside of TLS records", counts.outside);
    }
}
