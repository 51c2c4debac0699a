use serde::Deserialize;
use serde_json::json;
#[cfg(feature = "results")]
use wfkit_classify::{Explained, Explanation};

use super::{Picture, field};
use crate::axes::{Plot, Scale};
use crate::canvas::{Anchor, Canvas, MARGIN, px};
use crate::table::Table;

/// What a feature, or a group of them, gives away: a part of the report of `wfkit features explain`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Bar {
    /// Its name.
    pub name: String,
    /// What it tells: `volume`, `size`, `time` or `order`.
    pub tells: String,
    /// Probability that the true class loses once it is permuted.
    pub importance: f64,
    /// Standard deviation of that over repeats.
    pub deviation: f64,
    /// ROC-AUC of the value alone.
    pub auc: f64,
    /// Mutual information of value and class, in bits.
    pub bits: f64,
}

/// What gives classes away, by groups of features and by single ones, the most important first.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Importances {
    /// Groups, by what they tell.
    pub groups: Vec<Bar>,
    /// Features.
    pub features: Vec<Bar>,
}

#[cfg(feature = "results")]
impl From<&Explained> for Bar {
    fn from(one: &Explained) -> Self {
        Self {
            name: one.name.clone(),
            tells: one.tells.to_string(),
            importance: one.importance,
            deviation: one.deviation,
            auc: one.auc,
            bits: one.bits,
        }
    }
}

#[cfg(feature = "results")]
impl From<&Explanation> for Importances {
    fn from(explanation: &Explanation) -> Self {
        let bars = |all: &[Explained]| all.iter().map(Bar::from).collect();
        Self { groups: bars(&explanation.groups), features: bars(&explanation.features) }
    }
}

/// What the features of these sets give away of all classes, or of one, the first `top` of them.
#[cfg(feature = "results")]
pub fn explanation(sets: impl std::fmt::Display, of: &Explanation, top: usize) -> Picture {
    let whose = of.class.as_ref().map_or("the classes".to_owned(), |class| format!("class {class}"));
    importances(&format!("What gives {whose} away: {sets}"), &of.into(), top)
}

const LEFT: f64 = 250.0;
const RIGHT: f64 = 560.0;
const WIDTH: f64 = 760.0;
const ROW: f64 = 22.0;

/// Bars of the groups, and of the first `top` features, each panel with a scale of its own; whiskers of one standard deviation, and in words
/// beside each bar what the feature tells.
pub fn importances(title: &str, of: &Importances, top: usize) -> Picture {
    let features = &of.features[..top.min(of.features.len())];
    let height = |rows: &[Bar]| 84.0 + ROW * rows.len() as f64;
    let mut canvas = Canvas::new(WIDTH, height(&of.groups) + height(features));
    panel(&mut canvas, 0.0, "What is told, permuted as one", &of.groups);
    panel(&mut canvas, height(&of.groups), "Features, permuted one by one", features);
    let mut table = Table::new(&["level", "name", "tells", "probability_lost", "deviation", "auc_alone", "bits_alone"]);
    let groups = of.groups.iter().map(|bar| ("group", bar));
    for (level, bar) in groups.chain(features.iter().map(|bar| ("feature", bar))) {
        let numbers = [bar.importance, bar.deviation, bar.auc, bar.bits];
        let [importance, deviation, auc, bits] = numbers.map(Into::into);
        table.push([level.into(), (&bar.name).into(), (&bar.tells).into(), importance, deviation, auc, bits]);
    }
    let finding = match (of.groups.first(), features.first()) {
        (Some(group), Some(feature)) => format!(
            "Most is told by {}: without it the true class loses {:.3} of its probability. Of single features {} matters most ({:.3}).",
            group.name, group.importance, feature.name, feature.importance
        ),
        _ => "There is no feature.".to_owned(),
    };
    let reading = "How much less probable the true class becomes once a feature's values are shuffled among traces. Features that tell the same share what they lose, \
         so look at the groups first. Beside each bar: what the value alone tells.";
    Picture::drawn(
        title,
        finding,
        reading,
        canvas,
        table,
        json!({
            "facet": { "row": field("level", "nominal", "") },
            "resolve": { "scale": { "y": "independent", "x": "independent" } },
            "spec": {
                "width": 500,
                "mark": "bar",
                "encoding": {
                    "y": { "field": "name", "type": "nominal", "sort": null, "title": null },
                    "x": field("probability_lost", "quantitative", "probability lost"),
                    "color": field("tells", "nominal", "tells")
                }
            }
        }),
    )
}

fn panel(canvas: &mut Canvas, top: f64, heading: &str, rows: &[Bar]) {
    let largest = rows.iter().map(|row| row.importance + row.deviation).fold(0.0, f64::max);
    let plot = Plot {
        left: LEFT,
        top: top + 30.0,
        width: RIGHT - LEFT,
        height: ROW * rows.len() as f64,
        x: Scale::up_to(0.0, if largest > 0.0 { largest } else { 1.0 }),
        y: Scale::Rows,
    };
    canvas.text((MARGIN, top + 20.0), Anchor::Start, "strong", heading);
    canvas.text((RIGHT + 16.0, top + 20.0), Anchor::Start, "soft small", "alone: ROC-AUC, bits; tells");
    plot.axes(canvas, "probability lost", "", false);
    let mut whiskers = String::new();
    for (at, row) in rows.iter().enumerate() {
        let middle = plot.top + ROW * (at as f64 + 0.5);
        canvas.fitted((LEFT - 8.0, middle + 4.0), Anchor::End, "", &row.name, LEFT - 8.0 - MARGIN);
        canvas.rect("fa", (LEFT, middle - 7.0), ((plot.x(row.importance) - LEFT).max(0.0), 14.0));
        let ends = [row.importance - row.deviation, row.importance + row.deviation].map(|end| px(plot.x(end)));
        whiskers += &format!("M{} {}H{}", ends[0], px(middle), ends[1]);
        let beside = format!("{:.3}, {:.2}; {}", row.auc, row.bits, row.tells);
        canvas.text((RIGHT + 16.0, middle + 4.0), Anchor::Start, "soft small", &beside);
    }
    canvas.put(&format!("<path class=\"whisker\" stroke-width=\"2\" d=\"{whiskers}\"/>"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(all: &[f64]) -> Importances {
        let row = |(at, &importance): (usize, &f64)| Bar {
            name: format!("set.a<{at}"),
            tells: "size".to_owned(),
            importance,
            deviation: 0.01,
            auc: 0.75,
            bits: 1.5,
        };
        let rows: Vec<Bar> = all.iter().enumerate().map(row).collect();
        Importances { groups: rows[..1].to_vec(), features: rows }
    }

    #[test]
    fn bars_are_as_long_as_features_are_important() {
        let svg = importances("a & b", &of(&[0.29, 0.1, -0.02]), 3).svg();
        assert!(svg.contains("a &amp; b") && svg.contains("set.a&lt;2"), "{svg}");
        // The scale ends at 0.3: steps of 0.05, for the longest bar with its whisker is 0.3.
        assert!(
            svg.contains("width=\"299.7\"") && svg.contains("width=\"103.3\"") && svg.contains("width=\"0\""),
            "{svg}"
        );
        assert_eq!(importances("", &of(&[0.29, 0.1, 0.0]), 1).table.rows().len(), 2);
        assert!(importances("", &of(&[0.0]), 1).svg().ends_with("</svg>\n"));
    }
}
