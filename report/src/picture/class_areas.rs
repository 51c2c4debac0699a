use serde_json::json;
use wfkit_metrics::ClassScores;

use super::{Picture, field};
use crate::axes::{Plot, Scale, apart};
use crate::canvas::{Anchor, Canvas, MARGIN, px};
use crate::table::Table;

/// Up to so many classes each has a row with its name; of more, the ends of the order are named.
const ROWS: usize = 40;
const ROW: f64 = 18.0;
const NAMED: usize = 8;
const WIDTH: f64 = 760.0;
const NAMES: f64 = 190.0;

/// ROC-AUC of each class against all others, the least given away first. Classes without an area are in the table alone.
///
/// # Errors
/// Where no class has an area.
pub fn class_areas(title: &str, classes: &[ClassScores]) -> Result<Picture, String> {
    let mut order: Vec<&ClassScores> = classes.iter().collect();
    // Stable, so that equal areas stay in class order; those without one come last.
    order.sort_by(|a, b| a.roc_auc.unwrap_or(2.0).total_cmp(&b.roc_auc.unwrap_or(2.0)));
    let known: Vec<(&str, f64)> = order.iter().filter_map(|one| Some((one.class.as_str(), one.roc_auc?))).collect();
    let (Some(&(least, lowest)), Some(&(most, highest))) = (known.first(), known.last()) else {
        return Err("no class has a ROC-AUC".to_owned());
    };
    let low = if lowest < 0.5 { 0.0 } else { 0.5 };
    let canvas = if known.len() <= ROWS { in_rows(&known, low) } else { in_order(&known, low) };
    let mut table = Table::new(&["class", "roc_auc", "traces", "recall", "precision"]);
    for one in &order {
        table.push([
            (&one.class).into(),
            one.roc_auc.into(),
            one.traces.into(),
            one.recall.into(),
            one.precision.into(),
        ]);
    }
    let sure = known.iter().filter(|(_, area)| *area >= 0.99).count();
    let mut finding = format!(
        "{sure} of {} classes have a ROC-AUC of 0.99 or more. Least given away is {least} ({lowest:.3}), most {most} ({highest:.3}).",
        known.len()
    );
    let traces = classes.iter().filter(|one| one.roc_auc.is_some() && one.traces > 0).map(|one| one.traces);
    if let Some(fewest) = traces.clone().min() {
        let most = traces.max().unwrap_or(fewest);
        let n = if fewest == most { fewest.to_string() } else { format!("{fewest} to {most}") };
        let few = if most < 30 { ", so few that an area varies much by luck" } else { "" };
        finding += &format!(" n is {n} traces a class{few}.");
    }
    let reading = "Each class against all others, on its own: 0.5 is guessing (dashed), 1 is given away for certain. Means hide the classes at the ends.";
    Ok(Picture::drawn(
        title,
        finding,
        reading,
        canvas,
        table,
        json!({
            "height": { "step": 14 },
            "mark": { "type": "point", "filled": true },
            "encoding": {
                "y": { "field": "class", "type": "nominal", "sort": { "field": "roc_auc" }, "title": null },
                "x": { "field": "roc_auc", "type": "quantitative", "scale": { "domain": [low, 1.0] }, "title": "ROC-AUC" },
                "tooltip": [field("class", "nominal", "class"), field("roc_auc", "quantitative", "ROC-AUC"), field("traces", "quantitative", "traces")]
            }
        }),
    ))
}

fn in_rows(known: &[(&str, f64)], low: f64) -> Canvas {
    let height = ROW * known.len() as f64;
    let mut canvas = Canvas::new(WIDTH, height + 60.0);
    let plot = Plot {
        left: NAMES,
        top: 10.0,
        width: WIDTH - NAMES - 70.0,
        height,
        x: Scale::Linear { low, high: 1.0 },
        y: Scale::Rows,
    };
    plot.axes(&mut canvas, "ROC-AUC against all other classes", "", false);
    chance(&mut canvas, &plot);
    for (at, (name, area)) in known.iter().enumerate() {
        let y = plot.top + ROW * (at as f64 + 0.5);
        canvas.fitted((NAMES - 8.0, y + 4.0), Anchor::End, "", name, NAMES - 8.0 - MARGIN);
        canvas.path("edge", &format!("M{} {}H{}", px(plot.left), px(y), px(plot.x(*area))));
        canvas.dot("fa", (plot.x(*area), y), 4.0, "");
        canvas.text((plot.right() + 10.0, y + 4.0), Anchor::Start, "soft", &format!("{area:.3}"));
    }
    canvas
}

fn in_order(known: &[(&str, f64)], low: f64) -> Canvas {
    const HEIGHT: f64 = 300.0;
    let mut canvas = Canvas::new(WIDTH, HEIGHT + 60.0);
    let plot = Plot {
        left: 64.0,
        top: 10.0,
        width: WIDTH - 64.0 - NAMES - 20.0,
        height: HEIGHT,
        x: Scale::Linear { low: 0.0, high: known.len() as f64 },
        y: Scale::Linear { low, high: 1.0 },
    };
    plot.axes(&mut canvas, "classes, the least given away first", "ROC-AUC against all others", false);
    let guess = px(plot.y(0.5));
    canvas.path("chance", &format!("M{} {guess}H{}", px(plot.left), px(plot.right())));
    let place = |at: usize| (plot.x(at as f64 + 0.5), plot.y(known[at].1));
    let dots: String = (0..known.len()).map(place).map(|(x, y)| format!("M{} {}h0", px(x), px(y))).collect();
    canvas.put(&format!("<path class=\"edge\" stroke-width=\"4\" stroke-linecap=\"round\" d=\"{dots}\"/>"));
    // Names of both ends, in the margin.
    canvas.text((plot.right() + 20.0, plot.top + 4.0), Anchor::Start, "soft small", "least and most given away:");
    let ends: Vec<usize> = (known.len() - NAMED / 2..known.len()).rev().chain((0..NAMED).rev()).collect();
    let mut places: Vec<f64> = ends.iter().map(|&at| place(at).1).collect();
    apart(&mut places, 16.0, plot.top + 22.0, plot.bottom());
    for (&at, y) in ends.iter().zip(&places) {
        let (name, area) = known[at];
        canvas.fitted((plot.right() + 20.0, y + 4.0), Anchor::Start, "small", name, NAMES - MARGIN - 50.0);
        canvas.text((WIDTH - MARGIN, y + 4.0), Anchor::End, "soft small", &format!("{area:.3}"));
    }
    canvas
}

fn chance(canvas: &mut Canvas, plot: &Plot) {
    let x = px(plot.x(0.5));
    canvas.path("chance", &format!("M{x} {}V{}", px(plot.bottom()), px(plot.top)));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classes(n: usize) -> Vec<ClassScores> {
        let class = |at: usize| ClassScores {
            class: format!("class {at} with a name that is far too long to stand beside anything"),
            traces: 10,
            origins: 10,
            precision: 0.5,
            recall: 0.5,
            f1: 0.5,
            roc_auc: Some(1.0 - (at % 97) as f64 / 400.0),
        };
        (0..n).map(class).collect()
    }

    #[test]
    fn classes_stand_in_order_and_those_without_area_are_not_forgotten() {
        let mut few = classes(3);
        few[0].roc_auc = None;
        let picture = class_areas("t", &few).unwrap();
        let order: Vec<String> = picture.table.rows().iter().map(|row| row[0].text()[..7].to_owned()).collect();
        assert_eq!(order, ["class 2", "class 1", "class 0"]);
        assert!(picture.finding.starts_with("2 of 2 classes"), "{}", picture.finding);
        assert!(picture.finding.ends_with(" n is 10 traces a class, so few that an area varies much by luck."));
        assert!(class_areas("t", &[]).is_err());
    }

    #[test]
    fn a_thousand_classes_are_as_large_a_picture_as_a_hundred() {
        let svg = |n| class_areas("t", &classes(n)).unwrap().inside_a_page();
        assert!(svg(1000).len() < 30_000, "{}", svg(1000).len());
        assert_eq!(svg(100).matches("<text").count(), svg(1000).matches("<text").count());
    }
}
