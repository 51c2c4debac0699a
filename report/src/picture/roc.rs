use serde_json::json;
use wfkit_metrics::{Probabilities, per_class_auc};

use super::{Picture, field, percent};
use crate::axes::{Plot, Scale};
use crate::canvas::{Anchor, Canvas, px};
use crate::table::{Cell, Table};

const SIDE: f64 = 280.0;
const LEFT: [f64; 2] = [64.0, 454.0];
const TOP: f64 = 14.0;
/// The smallest false positive rate that the logarithmic panel shows.
const LEAST: f64 = 1e-4;
/// Classes at either end that have a line of their own.
const ENDS: usize = 3;
/// Lines and what they are.
const LEGEND: [(&str, &str); 3] =
    [("a", "mean of all classes"), ("c", "best found classes"), ("e", "least found classes")];

/// One-vs-rest ROC, averaged over classes: mean true positive rate at each false positive rate (T. Fawcett, "An introduction to ROC analysis",
/// Pattern Recognition Letters 27, 2006, vertical averaging), with a band from the 10th to the 90th percentile of the classes; beside it the same
/// with a logarithmic axis, where an attacker who looks for rare visits works; and the mean of the three classes with the largest area and of the three
/// with the smallest. Classes without a trace, or with all of them, are in no average.
///
/// `truth`, shape `(n_traces,)`, are columns of `probabilities`.
///
/// # Errors
/// Why there is no curve, in words.
pub fn roc(title: &str, probabilities: &Probabilities, truth: &[usize]) -> Result<Picture, String> {
    let areas = per_class_auc(probabilities, truth).map_err(|error| error.to_string())?;
    let mut scored: Vec<(usize, f64)> =
        areas.iter().enumerate().filter_map(|(class, area)| Some((class, (*area)?))).collect();
    let curves: Vec<Vec<(f64, f64)>> =
        scored.iter().map(|&(class, _)| one_class(probabilities, truth, class)).collect();
    // Stable, so that of equals the first is the better.
    scored.sort_by(|a, b| b.1.total_cmp(&a.1));
    let few = ENDS.min(scored.len() / 2);
    let ends = [&scored[..few], &scored[scored.len() - few..]];
    let of_ends =
        ends.map(|ends| ends.iter().map(|&(class, _)| one_class(probabilities, truth, class)).collect::<Vec<_>>());
    // Below one in all traces of other classes nothing can be measured.
    let least = smallest_rate(truth, &areas);
    let rates = rates(least);
    let points: Vec<Point> = rates.iter().map(|&rate| Point::at(rate, &curves)).collect();
    let mut canvas = Canvas::new(760.0, TOP + SIDE + 46.0 + 22.0 * LEGEND.len() as f64);
    for (left, x) in LEFT.into_iter().zip([Scale::Linear { low: 0.0, high: 1.0 }, Scale::Log { low: least, high: 1.0 }])
    {
        let plot = Plot { left, top: TOP, width: SIDE, height: SIDE, x, y: Scale::Linear { low: 0.0, high: 1.0 } };
        let shown = points.iter().filter(|point| left == LEFT[0] || point.rate >= least);
        let shown: Vec<&Point> = shown.collect();
        let name = if left == LEFT[0] { "false positive rate" } else { "false positive rate, logarithmic" };
        plot.axes(&mut canvas, name, "true positive rate", false);
        canvas.path(
            "band",
            &plot.band(&shown.iter().map(|point| (point.rate, point.low, point.high)).collect::<Vec<_>>()),
        );
        canvas.path("chance", &plot.line(shown.iter().map(|point| (point.rate, point.rate))));
        for (curves, class) in of_ends.iter().zip(["c", "e"]).filter(|(curves, _)| !curves.is_empty()) {
            let mean = shown.iter().map(|point| (point.rate, Point::at(point.rate, curves).mean));
            canvas.path(&format!("line {class}"), &plot.line(mean));
        }
        canvas.path("line a", &plot.line(shown.iter().map(|point| (point.rate, point.mean))));
    }
    let names = probabilities.classes().names();
    let named = |ends: &[(usize, f64)]| {
        ends.iter().map(|&(class, area)| format!("{} ({area:.3})", names[class])).collect::<Vec<_>>().join(", ")
    };
    for (at, (class, what)) in LEGEND.into_iter().enumerate() {
        let y = TOP + SIDE + 56.0 + 22.0 * at as f64;
        let told = match at {
            0 => what.to_owned(),
            _ if few == 0 => format!("{what}: there are too few classes"),
            at => format!("{what}, mean of {few}: {}", named(ends[at - 1])),
        };
        canvas.path(&format!("line {class}"), &format!("M{} {}h34", px(LEFT[0]), px(y)));
        canvas.fitted((LEFT[0] + 44.0, y + 4.0), Anchor::Start, "soft small", &told, 620.0);
    }
    let mut table = Table::new(&[
        "false_positive_rate",
        "true_positive_rate",
        "tenth_percentile_of_classes",
        "ninetieth_percentile_of_classes",
        "best_classes",
        "worst_classes",
    ]);
    for point in &points {
        let [best, worst] = of_ends.each_ref().map(|curves| match curves.is_empty() {
            true => Cell::Missing,
            false => Point::at(point.rate, curves).mean.into(),
        });
        let [rate, mean, low, high] = [point.rate, point.mean, point.low, point.high].map(Cell::from);
        table.push([rate, mean, low, high, best, worst]);
    }
    let mean = areas.iter().flatten().sum::<f64>() / curves.len() as f64;
    let at = |rate: f64| Point::at(rate, &curves).mean;
    let found = |rate: f64| percent(at(rate));
    let told = match least {
        least if least > 0.01 => {
            format!("With no false alarm among the traces that there are, {} of the visits are found", found(0.0))
        }
        least if least > 0.001 => {
            format!(
                "At one false alarm in a hundred, {} of the visits are found; with none among the traces that there are, {}",
                found(0.01),
                found(0.0)
            )
        }
        _ => format!(
            "At one false alarm in a hundred, {} of the visits are found; at one in a thousand, {}",
            found(0.01),
            found(0.001)
        ),
    };
    let finding = format!("{told}. ROC-AUC {mean:.4}, mean over {} classes.", curves.len());
    let reading = "The nearer to the upper left, the more is given away; dashed is guessing. The band holds the middle 80 % of the classes. To the right, the same \
         with small false positive rates spread out.";
    Ok(Picture::drawn(
        title,
        finding,
        reading,
        canvas,
        table,
        json!({
            "width": 320, "height": 320,
            "encoding": { "x": field("false_positive_rate", "quantitative", "false positive rate") },
            "layer": [
                { "mark": { "type": "area", "opacity": 0.3 }, "encoding": {
                    "y": field("tenth_percentile_of_classes", "quantitative", "true positive rate"), "y2": { "field": "ninetieth_percentile_of_classes" } } },
                { "mark": "line", "encoding": { "y": field("true_positive_rate", "quantitative", "true positive rate") } },
                { "mark": { "type": "line", "color": "green", "strokeDash": [2, 2] }, "encoding": { "y": field("best_classes", "quantitative", "true positive rate") } },
                { "mark": { "type": "line", "color": "orange", "strokeDash": [4, 4] }, "encoding": { "y": field("worst_classes", "quantitative", "true positive rate") } },
                { "mark": { "type": "line", "strokeDash": [6, 4] }, "encoding": { "y": field("false_positive_rate", "quantitative", "true positive rate") } }
            ]
        }),
    ))
}

struct Point {
    rate: f64,
    mean: f64,
    low: f64,
    high: f64,
}

impl Point {
    fn at(rate: f64, curves: &[Vec<(f64, f64)>]) -> Self {
        let mut found: Vec<f64> = curves.iter().map(|curve| interpolated(curve, rate)).collect();
        found.sort_by(f64::total_cmp);
        let quantile = |q: f64| {
            let place = q * (found.len() - 1) as f64;
            let (below, part) = (place as usize, place.fract());
            found[below] + part * (found[(below + 1).min(found.len() - 1)] - found[below])
        };
        let mean = found.iter().sum::<f64>() / found.len() as f64;
        Self { rate, mean, low: quantile(0.1), high: quantile(0.9) }
    }
}

/// The smallest rate of false alarms that traces of so many other classes can show, at least [`LEAST`].
fn smallest_rate(truth: &[usize], areas: &[Option<f64>]) -> f64 {
    let mut own = vec![0; areas.len()];
    truth.iter().for_each(|&class| own[class] += 1);
    let others = (0..areas.len()).filter(|&class| areas[class].is_some()).map(|class| truth.len() - own[class]);
    (1.0 / others.max().unwrap_or(1) as f64).clamp(LEAST, 0.5)
}

/// Rates that the average is taken at: none, from the smallest by the logarithm up to a tenth, then even ones.
fn rates(least: f64) -> Vec<f64> {
    let small = (0..60).map(|at| least * (0.1 / least).max(1.0).powf(f64::from(at) / 60.0));
    let even = (0..=50).map(|at| f64::from(at) / 50.0).filter(|&rate| rate == 0.0 || rate >= 0.1f64.max(least));
    let mut rates: Vec<f64> = small.chain(even).collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    rates
}

/// False and true positive rate at every threshold, from none to all.
fn one_class(probabilities: &Probabilities, truth: &[usize], class: usize) -> Vec<(f64, f64)> {
    let column = probabilities.values();
    let column = column.column(class);
    let mut order: Vec<usize> = (0..truth.len()).collect();
    order.sort_by(|&a, &b| column[b].total_cmp(&column[a]));
    let positives = truth.iter().filter(|&&own| own == class).count() as f64;
    let negatives = truth.len() as f64 - positives;
    let mut curve = vec![(0.0, 0.0)];
    let (mut right, mut wrong) = (0.0, 0.0);
    for (at, &row) in order.iter().enumerate() {
        if truth[row] == class {
            right += 1.0;
        } else {
            wrong += 1.0;
        }
        // Traces of one score pass a threshold together.
        if order.get(at + 1).is_none_or(|&next| column[next] != column[row]) {
            curve.push((wrong / negatives, right / positives));
        }
    }
    curve
}

/// True positive rate at a false positive rate: the highest where the curve goes straight up, on the straight line between where it does not.
fn interpolated(curve: &[(f64, f64)], rate: f64) -> f64 {
    let after = curve.partition_point(|&(x, _)| x <= rate);
    let (x, y) = curve[after - 1];
    match curve.get(after) {
        Some(&(next_x, next_y)) => y + (next_y - y) * (rate - x) / (next_x - x),
        None => y,
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use wfkit_metrics::ClassMap;

    use super::*;

    fn picture(rows: ndarray::Array2<f64>, truth: &[usize]) -> Result<Picture, String> {
        roc("t", &Probabilities::new(ClassMap::from_labels(["a", "b"]), rows).unwrap(), truth)
    }

    #[test]
    fn the_curve_has_the_area_that_is_told() {
        let rows = array![[0.9, 0.1], [0.4, 0.6], [0.6, 0.4], [0.2, 0.8], [0.7, 0.3], [0.1, 0.9]];
        let truth = [0, 0, 1, 1, 0, 1];
        let found = picture(rows.clone(), &truth).unwrap();
        let probabilities = Probabilities::new(ClassMap::from_labels(["a", "b"]), rows).unwrap();
        let curve = one_class(&probabilities, &truth, 0);
        let area: f64 = curve.windows(2).map(|pair| (pair[1].0 - pair[0].0) * (pair[1].1 + pair[0].1) / 2.0).sum();
        assert!((area - 8.0 / 9.0).abs() < 1e-12, "{area}");
        assert!(found.finding.contains("ROC-AUC 0.8889, mean over 2 classes"), "{}", found.finding);
        // One of three negatives at most: two of three positives before it.
        assert!((interpolated(&curve, 0.0) - 2.0 / 3.0).abs() < 1e-12);
        assert_eq!(interpolated(&curve, 1.0), 1.0);
    }

    #[test]
    fn guessing_is_the_diagonal() {
        let found = picture(array![[0.5, 0.5], [0.5, 0.5], [0.5, 0.5]], &[0, 1, 0]).unwrap();
        assert!(found.table.rows().iter().all(|row| row[0] == row[1]), "{:?}", found.table);
    }

    #[test]
    fn one_class_has_no_curve_and_says_why() {
        assert!(picture(array![[0.5, 0.5]], &[0]).unwrap_err().starts_with("all traces are of one class (`a`)"));
    }
}
