use std::collections::BTreeMap;

use serde_json::json;
use wfkit_metrics::Probabilities;

use super::{Picture, field, percent};
use crate::canvas::{Anchor, Canvas, MARGIN, px, shortened, width_of};
use crate::table::Table;

const WIDTH: f64 = 760.0;
const SIDE: f64 = 560.0;
/// Up to so many classes, names stand at rows and numbers in cells.
const NAMED: usize = 30;
/// Steps of the shade of a cell, by its share of the row.
const SHADES: [(f64, &str); 5] = [(0.05, "15"), (0.25, "35"), (0.5, "55"), (0.75, "78"), (1.0, "100")];

/// Which class is taken for which: a row a true class, a column a decision, a cell the stronger the larger its share of the row. Classes that are
/// taken for each other stand beside each other. The table has every pair that was met, the most frequent mistakes first.
///
/// `truth`, shape `(n_traces,)`, are columns of `probabilities`.
///
/// # Errors
/// Where there is no trace.
pub fn confusion(title: &str, probabilities: &Probabilities, truth: &[usize]) -> Result<Picture, String> {
    let mut counts: BTreeMap<(usize, usize), u64> = BTreeMap::new();
    truth
        .iter()
        .zip(probabilities.argmax())
        .for_each(|(&own, decision)| *counts.entry((own, decision)).or_default() += 1);
    if counts.is_empty() {
        return Err("no trace was decided".to_owned());
    }
    let names = probabilities.classes().names();
    let mut of_class = vec![0; names.len()];
    counts.iter().for_each(|(&(own, _), &traces)| of_class[own] += traces);
    let met: Vec<usize> = (0..names.len())
        .filter(|&class| counts.keys().any(|&(own, decision)| own == class || decision == class))
        .collect();
    let order = beside_each_other(&met, &counts);
    let canvas = drawn(&order, &counts, &of_class, names);

    let mut pairs: Vec<(usize, usize, u64)> = counts.iter().map(|(&(own, decision), &n)| (own, decision, n)).collect();
    pairs.sort_by_key(|&(own, decision, n)| (own == decision, std::cmp::Reverse(n)));
    let mut table = Table::new(&["class", "taken_for", "traces", "percent_of_class"]);
    for &(own, decision, n) in &pairs {
        table.push([
            (&names[own]).into(),
            (&names[decision]).into(),
            n.into(),
            (100.0 * n as f64 / of_class[own] as f64).into(),
        ]);
    }
    let right: u64 = pairs.iter().filter(|(own, decision, _)| own == decision).map(|pair| pair.2).sum();
    let mut finding = format!(
        "{right} of {} traces ({}) are taken for what they are.",
        truth.len(),
        percent(right as f64 / truth.len() as f64)
    );
    let wrong: Vec<String> = pairs
        .iter()
        .filter(|(own, decision, _)| own != decision)
        .take(3)
        .map(|&(own, decision, n)| format!("{} for {} ({n} of {})", names[own], names[decision], of_class[own]))
        .collect();
    if !wrong.is_empty() {
        finding += &format!(" Most often taken: {}.", wrong.join(", "));
    }
    let reading = "Rows are true classes, columns decisions; the diagonal is right. The stronger the colour of a cell, the larger its share of the row. Classes that are taken for each other stand \
         beside each other.";
    Ok(Picture::drawn(
        title,
        finding,
        reading,
        canvas,
        table,
        json!({
            "mark": "rect",
            "encoding": {
                "y": { "field": "class", "type": "nominal", "title": "class", "sort": null },
                "x": { "field": "taken_for", "type": "nominal", "title": "taken for", "sort": null },
                "color": { "field": "percent_of_class", "type": "quantitative", "title": "% of the class", "scale": { "scheme": "blues" } },
                "tooltip": [field("class", "nominal", "class"), field("taken_for", "nominal", "taken for"), field("traces", "quantitative", "traces")]
            }
        }),
    ))
}

/// A chain: each class is followed by the one, of those left, that is mistaken most often for or with it; where none is, by the first left.
fn beside_each_other(classes: &[usize], counts: &BTreeMap<(usize, usize), u64>) -> Vec<usize> {
    let mut mistakes: BTreeMap<usize, Vec<(usize, u64)>> = BTreeMap::new();
    for (&(own, decision), &n) in counts.iter().filter(|((own, decision), _)| own != decision) {
        let back = counts.get(&(decision, own)).copied().unwrap_or(0);
        mistakes.entry(own).or_default().push((decision, n + back));
        if back == 0 {
            mistakes.entry(decision).or_default().push((own, n));
        }
    }
    let mut left: std::collections::BTreeSet<usize> = classes.iter().copied().collect();
    let mut order = Vec::with_capacity(classes.len());
    while let Some(&first) = left.first() {
        let next = order.last().and_then(|last| mistakes.get(last)).and_then(|near| {
            let near = near.iter().filter(|(class, _)| left.contains(class));
            near.max_by(|a, b| a.1.cmp(&b.1).then(b.0.cmp(&a.0))).map(|&(class, _)| class)
        });
        let next = next.unwrap_or(first);
        left.remove(&next);
        order.push(next);
    }
    order
}

fn drawn(order: &[usize], counts: &BTreeMap<(usize, usize), u64>, of_class: &[u64], names: &[String]) -> Canvas {
    let n = order.len();
    let named = n <= NAMED;
    let left = if named { WIDTH - SIDE - MARGIN } else { 64.0 };
    let cell = (SIDE / n as f64).min(44.0);
    let side = cell * n as f64;
    let room = left - MARGIN - 28.0;
    let longest = order.iter().map(|&class| width_of(&shortened(&names[class], 84.0, 11.0), 11.0)).fold(0.0, f64::max);
    let under = if named { longest + 48.0 } else { 44.0 };
    let mut canvas = Canvas::new(WIDTH, 30.0 + side + under);
    let top = 12.0;
    let place: BTreeMap<usize, usize> = order.iter().enumerate().map(|(at, &class)| (class, at)).collect();
    let corner = |own: usize, decision: usize| (left + cell * place[&decision] as f64, top + cell * place[&own] as f64);
    canvas.put(&format!(
        "<rect class=\"axis\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>",
        px(left),
        px(top),
        px(side),
        px(side)
    ));
    let mut shades = [const { String::new() }; SHADES.len()];
    // Rows of many classes are thinner than a pixel: never thinner than can be seen.
    let drawn = cell.max(1.2);
    for (&(own, decision), &traces) in counts {
        let share = traces as f64 / of_class[own] as f64;
        let shade = SHADES.iter().position(|(most, _)| share <= *most + 1e-12).unwrap_or(SHADES.len() - 1);
        let (x, y) = corner(own, decision);
        let (x, y, wide) = (fine(x), fine(y), fine(drawn));
        shades[shade] += &format!("M{x} {y}h{wide}v{wide}h-{wide}z");
    }
    for ((_, opacity), cells) in SHADES.iter().zip(&shades) {
        if !cells.is_empty() {
            canvas.put(&format!(
                "<path class=\"fa\" fill-opacity=\".{}\" d=\"{cells}\"/>",
                if *opacity == "100" { "999" } else { opacity }
            ));
        }
    }
    if named {
        for (&(own, decision), &traces) in counts {
            let (x, y) = corner(own, decision);
            let dark = traces as f64 / of_class[own] as f64 > 0.5;
            let class = if dark { "small onfull" } else { "small" };
            if cell >= 15.0 {
                canvas.text((x + cell / 2.0, y + cell / 2.0 + 4.0), Anchor::Middle, class, &traces.to_string());
            }
        }
        for (at, &class) in order.iter().enumerate() {
            let middle = cell * (at as f64 + 0.5);
            canvas.fitted((left - 8.0, top + middle + 4.0), Anchor::End, "small", &names[class], room);
            let short = shortened(&names[class], 84.0, 11.0);
            canvas.upright((left + middle + 4.0, top + side + 8.0), Anchor::End, "small", &short);
        }
    }
    let middle = top + side / 2.0;
    let beside = order.iter().map(|&class| width_of(&shortened(&names[class], room, 11.0), 11.0)).fold(0.0, f64::max);
    canvas.upright(
        (if named { left - 16.0 - beside } else { left - 12.0 }, middle),
        Anchor::Middle,
        "soft",
        "true class",
    );
    let label =
        if named { "taken for".to_owned() } else { format!("taken for; {n} classes, names and numbers in the table") };
    canvas.text((left + side / 2.0, top + side + under - 14.0), Anchor::Middle, "soft", &label);
    canvas
}

/// Cells of many classes need two decimals to stay apart.
fn fine(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use wfkit_metrics::ClassMap;

    use super::*;

    /// Of `n` classes; every decision is the class that `decided` says.
    fn probabilities(n: usize, decided: &[usize]) -> Probabilities {
        let names: Vec<String> = (0..n).map(|class| format!("class-{class:04}")).collect();
        let rows = Array2::from_shape_fn((decided.len(), n), |(row, class)| f64::from(u8::from(decided[row] == class)));
        Probabilities::new(ClassMap::from_labels(names), rows).unwrap()
    }

    #[test]
    fn worst_pairs_are_named_and_stand_beside_each_other() {
        let truth = [0, 0, 1, 1, 2, 2, 3, 3, 3];
        let picture = confusion("t", &probabilities(4, &[0, 3, 1, 1, 2, 1, 3, 0, 0]), &truth).unwrap();
        assert_eq!(
            picture.finding,
            "5 of 9 traces (56 %) are taken for what they are. Most often taken: class-0003 for class-0000 (2 of 3), class-0000 for class-0003 (1 of 2), \
             class-0002 for class-0001 (1 of 2)."
        );
        let sum: u64 = picture.table.rows().iter().map(|row| row[2].text().parse::<u64>().unwrap()).sum();
        assert_eq!(sum, 9);
        let counts = BTreeMap::from([((0, 3), 1), ((3, 0), 2), ((2, 1), 1), ((0, 0), 1), ((1, 1), 2)]);
        assert_eq!(beside_each_other(&[0, 1, 2, 3], &counts), [0, 3, 1, 2]);
        assert!(confusion("t", &probabilities(2, &[]), &[]).is_err());
    }

    #[test]
    fn many_classes_have_no_heap_of_names() {
        let truth: Vec<usize> = (0..4000).map(|row| row % 1000).collect();
        let decided: Vec<usize> = truth
            .iter()
            .enumerate()
            .map(|(row, &class)| if row % 3 == 0 { (class * 7) % 1000 } else { class })
            .collect();
        let svg = confusion("t", &probabilities(1000, &decided), &truth).unwrap().inside_a_page();
        assert!(svg.matches("<text").count() < 5 && svg.len() < 120_000, "{}", svg.len());
    }
}
