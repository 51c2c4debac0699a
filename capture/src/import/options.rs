//! How captures are imported.

use wfkit_datasets::{Counting, Layer, PacketColumn, Provenance};

use crate::import::client::ClientRule;
use crate::import::flows::{FlowScope, Known, PeerRule, Rules};
use crate::import::labels::LabelSource;
use crate::import::select::Selection;
use crate::packet::{Decoder, Transport};

/// How to import captures. The default takes TCP payloads of the flow to the main peer, and finds out the rest.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// Which sizes the traces have.
    ///
    /// - [`Layer::Frame`] and [`Layer::Ip`]: all packets of the flow count, acknowledgements too.
    /// - [`Layer::Tcp`]: what each segment adds to its stream counts.
    /// - [`Layer::Tls`]: records count, with their 5-byte header, when their last byte is there.
    /// - [`Layer::Cell`]: Tor cells count, 514 bytes each (512 before link protocol 4), when their last byte is there;
    ///   those of one record have one time.
    /// - [`Layer::Udp`]: the payload of each datagram counts, of QUIC for one; those of DNS do not.
    ///
    /// The same flows are chosen at each layer, by payload. The README says how records and cells are told where the
    /// snap length cut their headers off.
    pub layer: Layer,
    /// Put TCP segments in order, each byte once, before they count at [`Layer::Tcp`]. Without it every segment with
    /// payload counts, as it was captured, also one that was sent before. Records and cells cannot be had without.
    pub reassembly: bool,
    /// Who the client is.
    pub client: ClientRule,
    /// Which of the client's flows make the trace.
    pub flows: FlowScope,
    /// Which peer's flows these are.
    pub peer: PeerRule,
    /// Look inside of tunnels (IP in IP, GRE, VXLAN): the packet in the packet counts.
    pub inner: bool,
    /// Where class, rep and session come from.
    pub labels: LabelSource,
    /// What of the traces to leave out.
    pub select: Selection,
    /// What to keep of each packet beside time and size: [`PacketColumn::Flow`] and [`PacketColumn::Proto`].
    pub packet_columns: Vec<PacketColumn>,
}

impl Default for ImportOptions {
    fn default() -> Self {
        Self {
            layer: Layer::Tcp,
            reassembly: true,
            client: ClientRule::default(),
            flows: FlowScope::default(),
            peer: PeerRule::default(),
            inner: false,
            labels: LabelSource::default(),
            select: Selection::default(),
            packet_columns: Vec::new(),
        }
    }
}

impl ImportOptions {
    pub(crate) fn decoder(&self) -> Decoder {
        let transport = if self.layer == Layer::Udp { Transport::Udp } else { Transport::Tcp };
        Decoder { transport, inner: self.inner }
    }

    pub(crate) fn rules<'a>(&'a self, known: &'a Known) -> Rules<'a> {
        Rules { client: &self.client, scope: self.flows, peer: &self.peer, known }
    }

    /// Whether what traces consist of are packets, not what lies across them.
    pub(crate) fn is_of_packets(&self) -> bool {
        !matches!(self.layer, Layer::Tls | Layer::Cell)
    }

    /// Where a set comes from that was made of these files, so many of which are packets in text.
    pub(crate) fn provenance(&self, mut sources: Vec<String>, texts: usize) -> Provenance {
        sources.sort_unstable();
        let of_streams = matches!(self.layer, Layer::Tcp | Layer::Tls | Layer::Cell);
        // Texts tell of each packet by itself.
        let reassembly = of_streams.then_some(self.reassembly && (texts == 0 || texts < sources.len()));
        let is_one_rule = !self.reassembly || texts == 0 || texts == sources.len();
        let mut packet_columns = self.packet_columns.clone();
        packet_columns.sort_unstable();
        packet_columns.dedup();
        Provenance {
            reassembly,
            counting: if is_one_rule { Counting::of(self.layer, reassembly).map(Box::new) } else { None },
            packet_columns,
            ..Provenance::new(self.layer, sources)
        }
    }

    /// Options that between them go through all of the code.
    pub(crate) fn every_kind() -> impl Iterator<Item = Self> {
        let columns = vec![PacketColumn::Flow, PacketColumn::Proto];
        let with = |layer, reassembly| Self {
            layer,
            reassembly,
            inner: !reassembly,
            packet_columns: columns.clone(),
            ..Self::default()
        };
        let every: [Self; 7] = [
            with(Layer::Frame, true),
            with(Layer::Ip, false),
            with(Layer::Tcp, false),
            with(Layer::Tcp, true),
            with(Layer::Tls, true),
            with(Layer::Cell, true),
            with(Layer::Udp, true),
        ];
        every.into_iter()
    }
}
