//! Values to places: scales, ticks and axes.

use crate::canvas::{Anchor, Canvas, px};
use crate::table::Cell;

/// How values become places on an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Scale {
    /// In proportion.
    Linear { low: f64, high: f64 },
    /// By the logarithm; what is below `low` stands at `low`.
    Log { low: f64, high: f64 },
    /// Not at all: rows are placed by whoever draws them.
    Rows,
}

impl Scale {
    /// From `low` to a round number that is `high` at least.
    pub(crate) fn up_to(low: f64, high: f64) -> Self {
        let step = step_of(high - low);
        let high = low + ((high - low) / step - 1e-9).ceil().max(1.0) * step;
        Self::Linear { low, high }
    }

    /// Round numbers around both.
    pub(crate) fn around(low: f64, high: f64) -> Self {
        let step = step_of(high - low);
        Self::Linear { low: (low / step + 1e-9).floor() * step, high: (high / step - 1e-9).ceil().max(1.0) * step }
    }

    /// From 0 to 1.
    fn share(self, value: f64) -> f64 {
        match self {
            Self::Linear { low, high } => ((value - low) / (high - low)).clamp(0.0, 1.0),
            Self::Log { low, high } => (value.max(low) / low).ln() / (high / low).ln(),
            Self::Rows => 0.0,
        }
    }

    /// Values that are named, with their names.
    fn ticks(self) -> Vec<(f64, String)> {
        match self {
            Self::Rows => Vec::new(),
            Self::Linear { low, high } => {
                let step = step_of(high - low);
                let decimals = (-step.log10().floor()).max(0.0) as usize;
                let first = (low / step - 1e-9).ceil() as i64;
                let last = (high / step + 1e-9).floor() as i64;
                (first..=last).map(|tick| tick as f64 * step).map(|at| (at, grouped(at, decimals))).collect()
            }
            Self::Log { low, high } => {
                let between: &[f64] = if high / low < 300.0 { &[1.0, 2.0, 5.0] } else { &[1.0] };
                let powers = (low.log10().floor() as i32)..=(high.log10().floor() as i32);
                let all = powers.flat_map(|power| between.iter().map(move |times| times * 10f64.powi(power)));
                let inside = all.filter(|at| (low * (1.0 - 1e-9)..=high * (1.0 + 1e-9)).contains(at));
                inside.map(|at| (at, Cell::Number(at).text())).collect()
            }
        }
    }
}

/// 1, 2 or 5 times a power of ten, so that there are three to eight steps.
fn step_of(range: f64) -> f64 {
    if !range.is_finite() || range <= 0.0 {
        return 1.0;
    }
    let ten = 10f64.powf((range / 8.0).log10().floor());
    [1.0, 2.0, 5.0, 10.0]
        .map(|times| times * ten)
        .into_iter()
        .find(|step| range / step <= 8.0 + 1e-9)
        .unwrap_or(10.0 * ten)
}

/// With commas between thousands.
pub(crate) fn grouped(number: f64, decimals: usize) -> String {
    let text = format!("{:.decimals$}", number.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let mut out = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    let sign = if number < 0.0 && text.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) { "\u{2212}" } else { "" };
    format!("{sign}{out}{rest}")
}

/// A rectangle with two scales.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Plot {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) x: Scale,
    pub(crate) y: Scale,
}

impl Plot {
    pub(crate) fn x(&self, value: f64) -> f64 {
        self.left + self.width * self.x.share(value)
    }

    pub(crate) fn y(&self, value: f64) -> f64 {
        self.top + self.height * (1.0 - self.y.share(value))
    }

    pub(crate) fn bottom(&self) -> f64 {
        self.top + self.height
    }

    pub(crate) fn right(&self) -> f64 {
        self.left + self.width
    }

    /// Lines and names of ticks, and what the axes are. Of the vertical axis magnitudes are named where `mirrored`: up is one way, down the other.
    pub(crate) fn axes(&self, canvas: &mut Canvas, x_label: &str, y_label: &str, mirrored: bool) {
        let (mut lines, mut last) = (String::new(), f64::NEG_INFINITY);
        for (value, name) in self.x.ticks() {
            let x = self.x(value);
            lines += &format!("M{} {}V{}", px(x), px(self.bottom()), px(self.top));
            let half = crate::canvas::width_of(&name, 11.0) / 2.0;
            if x - half > last + 4.0 {
                canvas.text((x, self.bottom() + 16.0), Anchor::Middle, "soft small", &name);
                last = x + half;
            }
        }
        for (value, name) in self.y.ticks() {
            let y = self.y(value);
            lines += &format!("M{} {}H{}", px(self.left), px(y), px(self.right()));
            let name = if mirrored { name.trim_start_matches('\u{2212}') } else { &name };
            canvas.text((self.left - 6.0, y + 4.0), Anchor::End, "soft small", name);
        }
        canvas.path("grid", &lines);
        canvas.path("axis", &format!("M{} {}V{}H{}", px(self.left), px(self.top), px(self.bottom()), px(self.right())));
        if !x_label.is_empty() {
            canvas.text((self.left + self.width / 2.0, self.bottom() + 34.0), Anchor::Middle, "soft", x_label);
        }
        if !y_label.is_empty() {
            canvas.upright((self.left - 44.0, self.top + self.height / 2.0), Anchor::Middle, "soft", y_label);
        }
    }

    /// A line through points, in order.
    pub(crate) fn line(&self, points: impl IntoIterator<Item = (f64, f64)>) -> String {
        let mut path = String::new();
        for (x, y) in points {
            path += if path.is_empty() { "M" } else { "L" };
            path += &format!("{} {}", px(self.x(x)), px(self.y(y)));
        }
        path
    }

    /// The ground between two lines over the same values.
    pub(crate) fn band(&self, points: &[(f64, f64, f64)]) -> String {
        if points.len() < 2 {
            return String::new();
        }
        let there = points.iter().map(|&(x, low, _)| (x, low));
        self.line(there.chain(points.iter().rev().map(|&(x, _, high)| (x, high)))) + "Z"
    }
}

/// Moves places apart that are nearer than `least`, in order, as little as that needs, and all of them between `top` and `bottom`.
pub(crate) fn apart(places: &mut [f64], least: f64, top: f64, bottom: f64) {
    for at in 0..places.len() {
        let above = if at == 0 { top } else { places[at - 1] + least };
        places[at] = places[at].max(above);
    }
    let mut below = bottom;
    for place in places.iter_mut().rev() {
        *place = place.min(below);
        below = *place - least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        for (range, step) in [(1.0, 0.2), (17.2, 5.0), (0.03, 0.005), (800.0, 100.0), (9.0, 2.0)] {
            assert!((step_of(range) - step).abs() < 1e-12, "{range}: {}", step_of(range));
        }
        let names = |scale: Scale| scale.ticks().into_iter().map(|(_, name)| name).collect::<Vec<_>>();
        assert_eq!(names(Scale::up_to(0.0, 1.0)), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(names(Scale::Log { low: 1e-3, high: 1.0 }), ["0.001", "0.01", "0.1", "1"]);
        assert_eq!(names(Scale::around(-1500.0, 3000.0)), ["−2,000", "−1,000", "0", "1,000", "2,000", "3,000"]);
        assert!(names(Scale::up_to(0.0, 0.0)).len() > 1);
    }

    #[test]
    fn labels_are_moved_apart_and_stay_inside() {
        let mut places = [10.0, 11.0, 12.0, 99.0, 99.5];
        apart(&mut places, 12.0, 0.0, 100.0);
        assert!(places.windows(2).all(|pair| pair[1] - pair[0] >= 12.0 - 1e-9) && places[4] <= 100.0, "{places:?}");
    }
}
