use serde_json::json;

use super::{Picture, field};
use crate::axes::{Plot, Scale};
use crate::canvas::{Anchor, Canvas, MARGIN, px};
use crate::table::Table;

/// Values of somebody's traces, by measure.
#[derive(Debug, Clone, PartialEq)]
pub struct SpreadRow {
    /// Whose traces they are.
    pub name: String,
    /// Whether the picture is for it.
    pub own: bool,
    /// Of each measure some of the values; empty where they are not known.
    pub values: Vec<Vec<f64>>,
    /// Of each measure the one that counts.
    pub medians: Vec<Option<f64>>,
}

const ROW: f64 = 26.0;
const NAMES: f64 = 150.0;
const PANEL: f64 = 176.0;
const GAP: f64 = 22.0;
const TOP: f64 = 26.0;
/// Dots in a row: of more, every so-many-th in the order of size.
const DOTS: usize = 120;

/// How values spread about the median that counts: a row a name, a panel a measure, a dot a trace or a share of the traces, a stroke the median.
/// Places are by the logarithm of 1 + overhead where the largest is above 4; values below 0 are less than nothing was added.
///
/// # Errors
/// Where nothing is known.
pub fn strip(title: &str, measures: &[&'static str], rows: &[SpreadRow]) -> Result<Picture, String> {
    let known = |row: &&SpreadRow| row.medians.iter().any(Option::is_some);
    let mut order: Vec<&SpreadRow> = rows.iter().filter(known).collect();
    if order.is_empty() || measures.is_empty() {
        return Err("nothing is known of the traces".to_owned());
    }
    let first = |row: &SpreadRow| row.medians.iter().flatten().next().copied().unwrap_or(f64::NAN);
    order.sort_by(|a, b| first(a).total_cmp(&first(b)));
    let height = ROW * order.len() as f64;
    let width = NAMES + (PANEL + GAP) * measures.len() as f64 - GAP + MARGIN + 8.0;
    let mut canvas = Canvas::new(width, TOP + height + 46.0);
    for (at, row) in order.iter().enumerate() {
        let y = TOP + ROW * (at as f64 + 0.5);
        let class = if row.own { "strong" } else { "" };
        canvas.fitted((NAMES - 10.0, y + 4.0), Anchor::End, class, &row.name, NAMES - 10.0 - MARGIN);
    }
    let mut table = Table::new(&["name", "measure", "median", "lowest", "lower_quarter", "upper_quarter", "highest"]);
    for (panel, measure) in measures.iter().enumerate() {
        let of = |row: &SpreadRow| row.values.get(panel).cloned().unwrap_or_default();
        let all = || order.iter().flat_map(|row| of(row).into_iter().chain(row.medians.get(panel).copied().flatten()));
        let (low, high) = all().fold((0.0, 0.0), |(low, high): (f64, f64), value| (low.min(value), high.max(value)));
        let log = high > 4.0;
        let x = match log {
            // As factors, so that what is left of a trace has a place, too.
            true => Scale::Log { low: (1.0 + low).clamp(0.1, 1.0), high: 1.0 + high },
            false => Scale::around(low, if high > low { high } else { low + 1.0 }),
        };
        let factor = |value: f64| if log { 1.0 + value } else { value };
        let left = NAMES + (PANEL + GAP) * panel as f64;
        let plot = Plot { left, top: TOP, width: PANEL, height, x, y: Scale::Rows };
        canvas.text((left + PANEL / 2.0, TOP - 9.0), Anchor::Middle, "strong small", measure);
        plot.axes(&mut canvas, if log { "times as much" } else { "overhead" }, "", false);
        let none = px(plot.x(factor(0.0)));
        canvas.path("chance", &format!("M{none} {}V{}", px(plot.bottom()), px(plot.top)));
        for (at, row) in order.iter().enumerate() {
            let y = TOP + ROW * (at as f64 + 0.5);
            let mut values = of(row);
            values.sort_by(f64::total_cmp);
            let every = values.len().div_ceil(DOTS).max(1);
            let dots = values.iter().step_by(every).enumerate();
            // A little up and down, so that equal ones are seen to be many.
            let dot = |(at, value): (usize, &f64)| {
                let lift = [0.0, -4.0, 4.0, -2.0, 2.0][at % 5];
                format!("M{} {}h0", px(plot.x(factor(*value))), px(y + lift))
            };
            let d: String = dots.map(dot).collect();
            if !d.is_empty() {
                canvas.put(&format!("<path class=\"edge\" stroke-width=\"3.4\" stroke-linecap=\"round\" stroke-opacity=\".45\" d=\"{d}\"/>"));
            }
            let median = row.medians.get(panel).copied().flatten();
            if let Some(median) = median {
                canvas.path("mark", &format!("M{} {}V{}", px(plot.x(factor(median))), px(y - 9.0), px(y + 9.0)));
            }
            let at_share = |share: f64| {
                let place = share * (values.len().max(1) - 1) as f64;
                values.get(place.round() as usize).copied()
            };
            table.push([
                (&row.name).into(),
                (*measure).into(),
                median.into(),
                at_share(0.0).into(),
                at_share(0.25).into(),
                at_share(0.75).into(),
                at_share(1.0).into(),
            ]);
        }
    }
    let ends = (order.first(), order.last());
    let told = |row: &SpreadRow| format!("{} ({:+.0} %)", row.name, 100.0 * first(row));
    let finding = match ends {
        (Some(least), Some(most)) if order.len() > 1 => {
            format!("In the median least {} is added by {}, most by {}.", measures[0], told(least), told(most))
        }
        (Some(one), _) => format!("In the median of {} stands {}.", measures[0], told(one)),
        _ => String::new(),
    };
    let reading = "The red strokes are the medians, which are scored; a dot is a trace or an equal share of the traces in the order of size. Dashed is undefended traffic. \
         What spreads far from its stroke costs some loads much more than the score tells.";
    Ok(Picture::drawn(
        title,
        finding,
        reading,
        canvas,
        table,
        json!({
            "facet": { "column": { "field": "measure", "type": "nominal", "title": null } },
            "resolve": { "scale": { "x": "independent" } },
            "spec": {
                "encoding": { "y": { "field": "name", "type": "nominal", "sort": null, "title": null } },
                "layer": [
                    { "mark": "rule", "encoding": { "x": field("lowest", "quantitative", "overhead"), "x2": { "field": "highest" } } },
                    { "mark": { "type": "bar", "height": 8 }, "encoding": { "x": field("lower_quarter", "quantitative", "overhead"), "x2": { "field": "upper_quarter" } } },
                    { "mark": { "type": "tick", "color": "red" }, "encoding": { "x": field("median", "quantitative", "overhead") } }
                ]
            }
        }),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, median: f64) -> SpreadRow {
        let values = (0..40).map(|at| median + f64::from(at) / 40.0 - 0.5).collect();
        SpreadRow { name: name.to_owned(), own: false, values: vec![values], medians: vec![Some(median)] }
    }

    #[test]
    fn medians_order_the_rows_and_the_spread_is_told() {
        let unknown = SpreadRow { name: "none".into(), own: true, values: Vec::new(), medians: vec![None] };
        let picture = strip("t", &["bytes in"], &[row("much", 2.0), row("little", 0.1), unknown]).unwrap();
        assert_eq!(picture.finding, "In the median least bytes in is added by little (+10 %), most by much (+200 %).");
        let rows = picture.table.rows();
        assert_eq!(rows.len(), 2);
        assert_eq!((rows[1][3].text(), rows[1][6].text()), ("1.5".to_owned(), "2.475".to_owned()));
        assert!(strip("t", &["bytes in"], &[]).is_err());
    }

    #[test]
    fn what_is_many_times_as_much_is_placed_by_its_logarithm() {
        let svg = |most: f64| strip("t", &["bytes in"], &[row("a", 0.5), row("b", most)]).unwrap().svg();
        assert!(svg(30.0).contains("times as much") && !svg(1.0).contains("times as much"));
    }
}
