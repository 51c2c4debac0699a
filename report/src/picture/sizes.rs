use std::collections::BTreeMap;

use serde_json::json;
use wfkit_datasets::Trace;

use super::{Picture, field, percent};
use crate::axes::{Plot, Scale, grouped};
use crate::canvas::{Anchor, Canvas, MARGIN, px};
use crate::table::Table;

/// Bars to either side, about.
const BARS: f64 = 60.0;
const WIDTH: f64 = 760.0;
const LEFT: f64 = 70.0;
const PANEL: f64 = 140.0;
const GAP: f64 = 46.0;

/// How large packets are: a panel a collection of traces, the share of its packets by size; outgoing up, incoming down, all on the same scales.
/// Sizes are binned for drawing; the finding has the most frequent ones exactly.
///
/// # Panics
/// If there is no collection, or one without traces.
pub fn sizes(title: &str, collections: &[(&str, Vec<&Trace>)]) -> Picture {
    let counted: Vec<Sizes> = collections.iter().map(|(_, traces)| Sizes::of(traces)).collect();
    let largest = counted.iter().map(Sizes::largest).max().expect("there is a collection");
    let wide = bin_of(f64::from(largest));
    let bins: Vec<[BTreeMap<u32, u64>; 2]> = counted.iter().map(|sizes| sizes.binned(wide)).collect();
    let share = |way: usize| {
        let tops = bins
            .iter()
            .zip(&counted)
            .map(|(bins, sizes)| bins[way].values().max().map_or(0.0, |&most| most as f64 / sizes.packets as f64));
        tops.fold(0.0, f64::max) * 100.0
    };
    let (up, down) = (share(0), share(1));
    let height = 20.0 + (PANEL + GAP) * collections.len() as f64 + 30.0;
    let mut canvas = Canvas::new(WIDTH, height);
    let mut table = Table::new(&["traces", "from_bytes", "to_bytes", "direction", "packets", "percent_of_packets"]);
    for (at, ((name, _), (bins, sizes))) in collections.iter().zip(bins.iter().zip(&counted)).enumerate() {
        let top = 28.0 + (PANEL + GAP) * at as f64;
        let plot = Plot {
            left: LEFT,
            top,
            width: WIDTH - LEFT - MARGIN,
            height: PANEL,
            x: Scale::Linear { low: 0.0, high: f64::from(largest.div_ceil(wide) * wide) },
            y: Scale::around(-down, up),
        };
        canvas.fitted((LEFT, top - 8.0), Anchor::Start, "strong", name, WIDTH - LEFT - MARGIN);
        plot.axes(&mut canvas, if at + 1 == collections.len() { "bytes of a packet" } else { "" }, "", true);
        let mut bars = String::new();
        for (way, sign) in [(0, 1.0), (1, -1.0)] {
            for (&bin, &packets) in &bins[way] {
                let percent = 100.0 * packets as f64 / sizes.packets as f64;
                let (from, to) = (bin * wide, (bin + 1) * wide);
                let (left, right) = (plot.x(f64::from(from)), plot.x(f64::from(to)));
                let width = px((right - left - 0.6).max(0.6));
                bars += &format!("M{} {}h{width}V{}h-{width}z", px(left), px(plot.y(0.0)), px(plot.y(sign * percent)));
                let direction = ["outgoing", "incoming"][way];
                let cells = [(from + 1) as usize, to as usize];
                table.push([
                    (*name).into(),
                    cells[0].into(),
                    cells[1].into(),
                    direction.into(),
                    packets.into(),
                    percent.into(),
                ]);
            }
        }
        canvas.path("fa", &bars);
        let zero = px(plot.y(0.0));
        canvas.path("axis", &format!("M{} {zero}H{}", px(LEFT), px(plot.right())));
    }
    canvas.upright((18.0, 28.0 + (height - 58.0) / 2.0), Anchor::Middle, "soft", "% of packets: out up, in down");
    let told: Vec<String> = collections.iter().zip(&counted).map(|((name, _), sizes)| sizes.in_words(name)).collect();
    Picture::drawn(
        title,
        told.join("; ") + ".",
        READING,
        canvas,
        table,
        json!({
            "facet": { "row": field("traces", "nominal", "") },
            "spec": {
                "width": 700, "height": 140,
                "transform": [{ "calculate": "datum.direction == 'incoming' ? -datum.percent_of_packets : datum.percent_of_packets", "as": "signed" }],
                "mark": "bar",
                "encoding": {
                    "x": { "field": "from_bytes", "type": "quantitative", "title": "bytes of a packet", "bin": { "binned": true } },
                    "x2": { "field": "to_bytes" },
                    "y": field("signed", "quantitative", "% of packets: out up, in down")
                }
            }
        }),
    )
}

const READING: &str = "How often packets of a size are, outgoing up and incoming down. Sizes that only some pages have give those away; a defence that pads to one size leaves one bar a direction.";

struct Sizes {
    /// Of outgoing packets and of incoming ones.
    of: [BTreeMap<u32, u64>; 2],
    packets: u64,
}

impl Sizes {
    fn of(traces: &[&Trace]) -> Self {
        let mut of = [BTreeMap::new(), BTreeMap::new()];
        for &size in traces.iter().flat_map(|trace| trace.size()) {
            *of[usize::from(size < 0)].entry(size.unsigned_abs()).or_default() += 1;
        }
        let packets = of.iter().flat_map(BTreeMap::values).sum();
        assert!(packets > 0, "a collection has traces");
        Self { of, packets }
    }

    fn largest(&self) -> u32 {
        self.of.iter().filter_map(|sizes| sizes.keys().next_back()).copied().max().unwrap_or(1)
    }

    /// By number of the bin: of sizes above `bin * wide`, and up to the next.
    fn binned(&self, wide: u32) -> [BTreeMap<u32, u64>; 2] {
        self.of.each_ref().map(|sizes| {
            let mut bins = BTreeMap::new();
            sizes.iter().for_each(|(&size, &packets)| *bins.entry((size - 1) / wide).or_default() += packets);
            bins
        })
    }

    fn in_words(&self, name: &str) -> String {
        let way = |way: usize, word: &str| {
            let all: u64 = self.of[way].values().sum();
            // Of equally frequent ones the smallest.
            let most = self.of[way].iter().max_by(|a, b| a.1.cmp(b.1).then(b.0.cmp(a.0)));
            most.map(|(size, &packets)| {
                let distinct = self.of[way].len();
                let plural = if distinct == 1 { "" } else { "s" };
                format!(
                    "{word} {} of {} bytes ({distinct} size{plural})",
                    percent(packets as f64 / all as f64),
                    grouped(f64::from(*size), 0)
                )
            })
        };
        let ways: Vec<String> = [way(0, "outgoing"), way(1, "incoming")].into_iter().flatten().collect();
        format!("{name}: {} packets, {}", grouped(self.packets as f64, 0), ways.join(", "))
    }
}

/// A round number of bytes that is in `largest` about as often as there are bars.
fn bin_of(largest: f64) -> u32 {
    let about = (largest / BARS).max(1.0);
    let ten = 10f64.powf(about.log10().floor());
    [1.0, 2.0, 5.0, 10.0].map(|times| times * ten).into_iter().find(|&bin| bin >= about - 1e-9).unwrap_or(about) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_packet_is_in_a_bar() {
        let trace = Trace::new(vec![0; 5], vec![514, 514, -1500, -1, -50]).unwrap();
        let picture = sizes("t", &[("all", vec![&trace, &trace])]);
        let packets: u64 = picture.table.rows().iter().map(|row| row[4].text().parse::<u64>().unwrap()).sum();
        assert_eq!(packets, 10);
        assert_eq!(
            picture.finding,
            "all: 10 packets, outgoing 100 % of 514 bytes (1 size), incoming 33 % of 1 bytes (3 sizes)."
        );
        assert_eq!([60.0, 1500.0, 3000.0, 64_000.0].map(bin_of), [1, 50, 50, 2000]);
    }
}
