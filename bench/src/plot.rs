//! The plot of some minutes: panels above one axis of time.

use std::fmt::Write as _;

const LEFT: f64 = 64.0;
const WIDTH: f64 = 640.0;
const RIGHT: f64 = 96.0;
const TOP: f64 = 52.0;
const PANEL: f64 = 100.0;
const GAP: f64 = 44.0;
const DARK: &str = "#1d4f91";
const LIGHT: &str = "#e08a2e";

/// A line of a panel, with the name at its end.
pub(crate) struct Line {
    pub(crate) name: &'static str,
    pub(crate) values: Vec<f64>,
}

pub(crate) struct Panel {
    pub(crate) title: &'static str,
    pub(crate) lines: Vec<Line>,
}

pub(crate) struct Plot {
    pub(crate) title: String,
    /// When each value was taken, in seconds.
    pub(crate) times: Vec<f64>,
    pub(crate) panels: Vec<Panel>,
    /// A time that is marked in all panels.
    pub(crate) marked: Option<(&'static str, f64, f64)>,
}

impl Plot {
    pub(crate) fn draw(&self) -> String {
        let end = self.times.last().copied().unwrap_or(1.0).max(1.0);
        let x = |at: f64| LEFT + at / end * WIDTH;
        let bottom = TOP + self.panels.len() as f64 * (PANEL + GAP) - GAP;
        let mut svg = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" font-size=\"12\" role=\"img\" aria-label=\"{}\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n",
            LEFT + WIDTH + RIGHT,
            bottom + 40.0,
            self.title,
        );
        let mut add = |text: String| svg.push_str(&(text + "\n"));
        add(format!("<text x=\"{LEFT}\" y=\"20\" font-size=\"14\" font-weight=\"bold\">{}</text>", self.title));
        if let Some((name, from, to)) = self.marked {
            let (from, width) = (x(from), (x(to) - x(from)).max(2.0));
            add(format!(
                "<rect x=\"{from:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{}\" fill=\"#ececec\"/>",
                bottom - TOP
            ));
            // Below the axis, where no title is.
            add(format!(
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"#555\">{name}</text>",
                from + width / 2.0,
                bottom + 32.0
            ));
        }
        for (number, panel) in self.panels.iter().enumerate() {
            let top = TOP + number as f64 * (PANEL + GAP);
            self.draw_panel(panel, top, x, &mut add);
        }
        let step = (end / 60.0 / 10.0).ceil().max(1.0);
        let mut minute = 0.0;
        while minute * 60.0 <= end + 1.0 {
            add(format!(
                "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" fill=\"#555\">{minute} min</text>",
                x((minute * 60.0).min(end)),
                bottom + 16.0
            ));
            minute += step;
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn draw_panel(&self, panel: &Panel, top: f64, x: impl Fn(f64) -> f64, add: &mut impl FnMut(String)) {
        let highest = panel.lines.iter().flat_map(|line| &line.values).copied().fold(0.0, f64::max);
        let step = round_step(highest);
        let most = (highest / step).ceil().max(1.0) * step;
        let y = |value: f64| top + PANEL - value / most * PANEL;
        add(format!(
            "<text x=\"{LEFT}\" y=\"{}\" font-weight=\"bold\" fill=\"#333\">{}</text>",
            top - 8.0,
            panel.title
        ));
        let mut value = 0.0;
        while value <= most + step / 2.0 {
            let at = y(value);
            add(format!(
                "<line x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#d5d5d5\"/><text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"#555\">{value}</text>",
                LEFT + WIDTH,
                LEFT - 8.0,
                at + 4.0,
            ));
            value += step;
        }
        let mut last_end = f64::MAX;
        for (line, color) in panel.lines.iter().zip([DARK, LIGHT]) {
            let mut points = String::new();
            for (at, value) in self.times.iter().zip(&line.values) {
                write!(points, "{:.1},{:.1} ", x(*at), y(*value)).expect("a string takes everything");
            }
            add(format!(
                "<polyline points=\"{}\" fill=\"none\" stroke=\"{color}\" stroke-width=\"1.6\"/>",
                points.trim_end()
            ));
            // Names of lines that end beside each other are one below the other.
            let ends_at = y(line.values.last().copied().unwrap_or(0.0)) + 4.0;
            let at = if (ends_at - last_end).abs() < 14.0 { last_end + 14.0 } else { ends_at };
            last_end = at;
            add(format!("<text x=\"{}\" y=\"{at:.1}\" fill=\"{color}\">{}</text>", LEFT + WIDTH + 6.0, line.name));
        }
    }
}

/// A step of 1, 2 or 5 times a power of ten, of which two to five reach this value.
fn round_step(highest: f64) -> f64 {
    let rough = (highest / 4.0).max(0.25);
    let power = 10_f64.powf(rough.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * power).find(|step| *step >= rough).unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_few() {
        for (highest, expected) in [(0.0, 0.5), (3.0, 1.0), (9.0, 5.0), (41.0, 20.0), (95.0, 50.0), (400.0, 100.0)] {
            assert!((round_step(highest) - expected).abs() < 1e-9, "{highest}: {}", round_step(highest));
        }
    }
}
