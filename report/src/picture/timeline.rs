use serde_json::json;

use super::{Picture, field};
use crate::axes::{Plot, Scale};
use crate::canvas::{Anchor, Canvas, MARGIN, px};
use crate::table::Table;

/// What came in a slice of time, and how long it had to wait.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    /// When it begins, in words.
    pub from: String,
    /// What was taken.
    pub taken: u64,
    /// What was refused or failed.
    pub refused: u64,
    /// The most that waited or were worked on at a time.
    pub waiting: u64,
    /// The longest that one of what came took until its end, in seconds; none where nothing has ended.
    pub longest_wait_seconds: Option<f64>,
}

const WIDTH: f64 = 760.0;
const LEFT: f64 = 62.0;
const PANEL: f64 = 130.0;
const GAP: f64 = 52.0;
const TOP: f64 = 24.0;

/// What came over time and what waited: bars of what was taken with what was refused on top, under them the most that waited at a time, and the
/// longest wait.
///
/// # Errors
/// Where nothing came.
pub fn timeline(title: &str, slots: &[Slot]) -> Result<Picture, String> {
    let came = |slot: &Slot| slot.taken + slot.refused;
    let all: u64 = slots.iter().map(came).sum();
    if all == 0 {
        return Err("nothing came yet".to_owned());
    }
    let n = slots.len();
    let mut canvas = Canvas::new(WIDTH, TOP + 3.0 * PANEL + 2.0 * GAP + 40.0);
    let most = |of: &dyn Fn(&Slot) -> f64| slots.iter().map(of).fold(0.0, f64::max);
    let panels: [(&str, f64); 3] = [
        ("submissions", most(&|slot| came(slot) as f64)),
        ("most at a time that waited or were worked on", most(&|slot| slot.waiting as f64)),
        ("longest from upload to result, seconds", most(&|slot| slot.longest_wait_seconds.unwrap_or(0.0))),
    ];
    let step = (WIDTH - LEFT - MARGIN) / n as f64;
    let wide = (step - 1.0).clamp(0.6, 40.0);
    for (at, (name, high)) in panels.into_iter().enumerate() {
        let plot = Plot {
            left: LEFT,
            top: TOP + (PANEL + GAP) * at as f64,
            width: WIDTH - LEFT - MARGIN,
            height: PANEL,
            x: Scale::Rows,
            y: Scale::up_to(0.0, high.max(1.0)),
        };
        canvas.text((LEFT, plot.top - 8.0), Anchor::Start, "strong", name);
        plot.axes(&mut canvas, "", "", false);
        let mut bars = [String::new(), String::new()];
        for (slot, x) in slots.iter().zip((0..n).map(|slot| LEFT + step * slot as f64 + (step - wide) / 2.0)) {
            let bar = |from: f64, to: f64| {
                let (y, to) = (plot.y(to), plot.y(from));
                if to - y > 0.0 {
                    format!("M{} {}h{}V{}h-{}z", px(x), px(y), px(wide), px(to), px(wide))
                } else {
                    String::new()
                }
            };
            match at {
                0 => {
                    bars[0] += &bar(0.0, slot.taken as f64);
                    bars[1] += &bar(slot.taken as f64, came(slot) as f64);
                }
                1 => bars[0] += &bar(0.0, slot.waiting as f64),
                _ => bars[0] += &bar(0.0, slot.longest_wait_seconds.unwrap_or(0.0)),
            }
        }
        canvas.path("fa", &bars[0]);
        canvas.path("fmark", &bars[1]);
        if at == 0 && !bars[1].is_empty() {
            canvas.text((WIDTH - MARGIN, plot.top - 8.0), Anchor::End, "soft small", "red, on top: refused or failed");
        }
        let every = n.div_ceil(4).max(1);
        let places = (0..n).step_by(every);
        for slot in places {
            let x = LEFT + step * (slot as f64 + 0.5);
            let anchor = if slot == 0 {
                Anchor::Start
            } else if slot + 1 == n {
                Anchor::End
            } else {
                Anchor::Middle
            };
            canvas.fitted(
                (x, plot.bottom() + 17.0),
                anchor,
                "soft small",
                &slots[slot].from,
                step * every as f64 - 8.0,
            );
        }
    }
    let mut table = Table::new(&["from", "taken", "refused", "most_waiting", "longest_wait_seconds"]);
    for slot in slots {
        table.push([
            (&slot.from).into(),
            slot.taken.into(),
            slot.refused.into(),
            slot.waiting.into(),
            slot.longest_wait_seconds.into(),
        ]);
    }
    let refused: u64 = slots.iter().map(|slot| slot.refused).sum();
    let (mut busiest, mut fullest) = (&slots[0], &slots[0]);
    for slot in slots {
        busiest = if came(slot) > came(busiest) { slot } else { busiest };
        fullest = if slot.waiting > fullest.waiting { slot } else { fullest };
    }
    let finding = format!(
        "{all} submissions, {refused} of them refused or failed. Most came from {} on ({}); most at a time waited from {} on ({}).",
        busiest.from,
        came(busiest),
        fullest.from,
        fullest.waiting
    );
    let reading = "Bars on the same slices of time. Where many wait and waits are long, more workers would help.";
    Ok(Picture::drawn(
        title,
        finding,
        reading,
        canvas,
        table,
        json!({
            "width": 560,
            "encoding": { "x": { "field": "from", "type": "ordinal", "sort": null, "title": null } },
            "vconcat": [
                { "mark": "bar", "encoding": { "x": { "field": "from", "type": "ordinal", "sort": null }, "y": field("taken", "quantitative", "taken") } },
                { "mark": "bar", "encoding": { "x": { "field": "from", "type": "ordinal", "sort": null }, "y": field("most_waiting", "quantitative", "most at a time") } },
                { "mark": "bar", "encoding": { "x": { "field": "from", "type": "ordinal", "sort": null }, "y": field("longest_wait_seconds", "quantitative", "longest wait, s") } }
            ]
        }),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_busiest_and_the_fullest_time_are_told() {
        let slot = |at: u64, taken, waiting| Slot {
            from: format!("day {at}"),
            taken,
            refused: u64::from(at == 2),
            waiting,
            longest_wait_seconds: (taken > 0).then_some(3.0),
        };
        let picture = timeline("t", &[slot(1, 2, 5), slot(2, 4, 1), slot(3, 0, 0)]).unwrap();
        assert_eq!(
            picture.finding,
            "7 submissions, 1 of them refused or failed. Most came from day 2 on (5); most at a time waited from day 1 on (5)."
        );
        assert_eq!(picture.table.rows().len(), 3);
        assert!(timeline("t", &[slot(3, 0, 0)]).is_err());
    }
}
