//! Charts rendered on the server: SVG with a title, a description and a table of the data. Pure functions.
//! The style sheet styles them by class; a chart is rendered twice, for wide and for narrow windows, and one is
//! visible.

use std::fmt::Write;

use crate::template::escape;

/// One line or color of a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    pub name: String,
    /// One number per day.
    pub values: Vec<i64>,
}

/// How numbers per day are drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    Bars,
    Lines,
}

/// The texts around a chart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChartLabels {
    pub title: String,
    /// A sentence that describes the chart for screen readers.
    pub description: String,
    /// Shown instead of the chart while all numbers are zero.
    pub empty: String,
    /// The label that opens the table.
    pub table: String,
    pub first_column: String,
}

/// Numbers per day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DaysChart {
    /// The element ID, unique on a page.
    pub id: &'static str,
    pub words: ChartLabels,
    pub mark: Mark,
    pub days: Vec<String>,
    pub series: Vec<Series>,
}

/// A few numbers side by side: the steps of a funnel, or the buckets of a histogram.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepsChart {
    /// The element ID, unique on a page.
    pub id: &'static str,
    pub words: ChartLabels,
    pub column: String,
    pub steps: Vec<(String, i64)>,
    /// The heading for each number's share of the first one; a chart with it is a funnel.
    pub part: Option<String>,
}

/// The size of the drawing in its own units; one unit is a CSS pixel if the width allows.
#[derive(Clone, Copy)]
struct Canvas {
    class: &'static str,
    width: f64,
    height: f64,
    labels: usize,
}

const WIDE: Canvas = Canvas { class: "chart-wide", width: 760.0, height: 240.0, labels: 7 };
const NARROW: Canvas = Canvas { class: "chart-narrow", width: 340.0, height: 220.0, labels: 3 };
/// Margins for the numbers at the left, the days at the bottom, and half a line at the top.
const LEFT: f64 = 44.0;
const FOOT: f64 = 26.0;
const TOP: f64 = 10.0;

impl DaysChart {
    /// The figure as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = begin(self.id, &self.words);
        if self.series.iter().all(|series| series.values.iter().all(|value| *value == 0)) {
            push(&mut out, format_args!("<p class=\"chart-empty\">{}</p>", escape(&self.words.empty)));
        } else {
            if self.series.len() > 1 {
                out.push_str("<ul class=\"chart-legend\">");
                for (index, series) in self.series.iter().enumerate() {
                    push(&mut out, format_args!("<li class=\"chart-key-{}\">{}</li>", index + 1, escape(&series.name)));
                }
                out.push_str("</ul>");
            }
            for canvas in [WIDE, NARROW] {
                self.draw(&mut out, canvas);
            }
        }
        self.write_table(&mut out);
        out.push_str("</figure>");
        out
    }

    fn value(&self, series: usize, day: usize) -> i64 {
        self.series[series].values.get(day).copied().unwrap_or(0).max(0)
    }

    fn draw(&self, out: &mut String, canvas: Canvas) {
        let tops = (0..self.days.len()).map(|day| {
            let values = (0..self.series.len()).map(|series| self.value(series, day));
            match self.mark {
                Mark::Bars => values.fold(0, i64::saturating_add),
                Mark::Lines => values.max().unwrap_or(0),
            }
        });
        let ticks = ticks(tops.max().unwrap_or(0));
        let top = to_f64(*ticks.last().expect("there are always two ticks"));
        open_svg(out, self.id, &self.words, canvas);
        let (floor, plot_height) = (canvas.height - FOOT, canvas.height - FOOT - TOP);
        let y = |value: f64| floor - value / top * plot_height;
        write_ticks(out, canvas, &ticks, y);
        let pitch = (canvas.width - LEFT) / to_f64(i64::try_from(self.days.len()).unwrap_or(i64::MAX).max(1));
        let x = |day: usize| LEFT + pitch * to_f64(i64::try_from(day).unwrap_or(0));
        self.write_days(out, canvas, pitch, x);
        match self.mark {
            Mark::Bars => self.write_bars(out, (pitch * 0.76).min(40.0), pitch, x, y),
            Mark::Lines => self.write_lines(out, pitch, x, y),
        }
        out.push_str("</svg>");
    }

    /// Labels for a few of the days, including the last.
    fn write_days(&self, out: &mut String, canvas: Canvas, pitch: f64, x: impl Fn(usize) -> f64) {
        let every = self.days.len().div_ceil(canvas.labels).max(1);
        for (index, day) in self.days.iter().enumerate() {
            if (self.days.len() - 1 - index).is_multiple_of(every) {
                let is_last = index + 1 == self.days.len() && index > 0;
                let (anchor, at) = if is_last { ("end", x(index) + pitch) } else { ("middle", x(index) + pitch / 2.0) };
                let label = day.get(5..).unwrap_or(day);
                push(
                    out,
                    format_args!(
                        "<text class=\"chart-label\" x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"{anchor}\">{}</text>",
                        canvas.height - 8.0,
                        escape(label)
                    ),
                );
            }
        }
    }

    fn write_bars(&self, out: &mut String, width: f64, pitch: f64, x: impl Fn(usize) -> f64, y: impl Fn(f64) -> f64) {
        for (index, day) in self.days.iter().enumerate() {
            let total: i64 =
                (0..self.series.len()).map(|series| self.value(series, index)).fold(0, i64::saturating_add);
            if total == 0 {
                continue;
            }
            push(out, format_args!("<g><title>{}</title>", escape(&self.day_label(index, day))));
            let mut sum = 0.0;
            for series in 0..self.series.len() {
                let value = to_f64(self.value(series, index));
                if value > 0.0 {
                    let (above, below) = (y(sum + value), y(sum));
                    push(
                        out,
                        format_args!(
                            "<rect class=\"chart-fill-{}\" x=\"{:.1}\" y=\"{above:.1}\" width=\"{width:.1}\" height=\"{:.1}\"/>",
                            series + 1,
                            x(index) + (pitch - width) / 2.0,
                            (below - above).max(0.5)
                        ),
                    );
                    sum += value;
                }
            }
            out.push_str("</g>");
        }
    }

    fn write_lines(&self, out: &mut String, pitch: f64, x: impl Fn(usize) -> f64, y: impl Fn(f64) -> f64) {
        for series in 0..self.series.len() {
            let points = (0..self.days.len()).map(|day| (x(day) + pitch / 2.0, y(to_f64(self.value(series, day)))));
            let text: Vec<String> = points.clone().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            push(out, format_args!("<polyline class=\"chart-line-{}\" points=\"{}\"/>", series + 1, text.join(" ")));
            for (index, (x, y)) in points.enumerate() {
                push(
                    out,
                    format_args!(
                        "<g><title>{}</title><circle class=\"chart-fill-{}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{}\"/></g>",
                        escape(&self.day_label(index, &self.days[index])),
                        series + 1,
                        if self.days.len() > 31 { "1.5" } else { "3" }
                    ),
                );
            }
        }
    }

    fn day_label(&self, index: usize, day: &str) -> String {
        let description = self
            .series
            .iter()
            .enumerate()
            .map(|(series, one)| format!("{}: {}", one.name, print_number(self.value(series, index))));
        format!("{day}: {}", description.collect::<Vec<_>>().join(", "))
    }

    fn write_table(&self, out: &mut String) {
        begin_table(out, &self.words, self.series.iter().map(|series| series.name.as_str()));
        // Newest day first, because that is the most relevant.
        for (index, day) in self.days.iter().enumerate().rev() {
            push(out, format_args!("<tr><th scope=\"row\">{}</th>", escape(day)));
            for series in 0..self.series.len() {
                write_number(out, self.value(series, index));
            }
            out.push_str("</tr>");
        }
        end_table(out);
    }
}

impl StepsChart {
    /// The figure as HTML.
    #[must_use]
    pub fn render(&self) -> String {
        let mut out = begin(self.id, &self.words);
        if self.steps.iter().all(|(_, count)| *count == 0) {
            push(&mut out, format_args!("<p class=\"chart-empty\">{}</p>", escape(&self.words.empty)));
        } else if self.part.is_some() {
            self.draw_funnel(&mut out);
        } else {
            self.draw_histogram(&mut out);
        }
        let columns = [Some(self.column.as_str()), self.part.as_deref()];
        begin_table(&mut out, &self.words, columns.into_iter().flatten());
        for (index, (name, count)) in self.steps.iter().enumerate() {
            push(&mut out, format_args!("<tr><th scope=\"row\">{}</th>", escape(name)));
            write_number(&mut out, *count);
            if self.part.is_some() {
                push(&mut out, format_args!("<td>{}</td>", self.part_label(index)));
            }
            out.push_str("</tr>");
        }
        end_table(&mut out);
        out.push_str("</figure>");
        out
    }

    /// A step's share of the first one.
    fn part_label(&self, index: usize) -> String {
        let first = self.steps.first().map_or(0, |(_, count)| *count);
        if first <= 0 {
            return "–".to_string();
        }
        let tenths = i128::from(self.steps[index].1.max(0)) * 1_000 / i128::from(first);
        format!("{}.{} %", tenths / 10, tenths % 10)
    }

    fn most(&self) -> f64 {
        to_f64(self.steps.iter().map(|(_, count)| *count).max().unwrap_or(0).max(1))
    }

    fn draw_funnel(&self, out: &mut String) {
        const ROW: f64 = 56.0;
        let rows = to_f64(i64::try_from(self.steps.len()).unwrap_or(0));
        let canvas = Canvas { class: "chart-steps", width: 360.0, height: ROW * rows, labels: 0 };
        open_svg(out, self.id, &self.words, canvas);
        for (index, (name, count)) in self.steps.iter().enumerate() {
            let y = ROW * to_f64(i64::try_from(index).unwrap_or(0));
            let width = to_f64((*count).max(0)) / self.most() * canvas.width;
            let number = format!("{} · {}", print_number(*count), self.part_label(index));
            push(
                out,
                format_args!(
                    "<text class=\"chart-name\" x=\"0\" y=\"{:.1}\">{}</text><text class=\"chart-number\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text><rect class=\"chart-ground\" x=\"0\" y=\"{:.1}\" width=\"{}\" height=\"22\" rx=\"4\"/><rect class=\"chart-fill-1\" x=\"0\" y=\"{:.1}\" width=\"{width:.1}\" height=\"22\" rx=\"4\"/>",
                    y + 16.0,
                    escape(name),
                    canvas.width,
                    y + 16.0,
                    escape(&number),
                    y + 24.0,
                    canvas.width,
                    y + 24.0,
                ),
            );
        }
        out.push_str("</svg>");
    }

    fn draw_histogram(&self, out: &mut String) {
        let canvas = Canvas { class: "chart-steps", width: 360.0, height: 190.0, labels: 0 };
        open_svg(out, self.id, &self.words, canvas);
        let (floor, plot_height) = (canvas.height - FOOT, canvas.height - FOOT - 20.0);
        let pitch = canvas.width / to_f64(i64::try_from(self.steps.len()).unwrap_or(1).max(1));
        push(
            out,
            format_args!(
                "<line class=\"chart-axis\" x1=\"0\" x2=\"{}\" y1=\"{floor:.1}\" y2=\"{floor:.1}\"/>",
                canvas.width
            ),
        );
        for (index, (name, count)) in self.steps.iter().enumerate() {
            let x = pitch * to_f64(i64::try_from(index).unwrap_or(0));
            let height = to_f64((*count).max(0)) / self.most() * plot_height;
            push(
                out,
                format_args!(
                    "<rect class=\"chart-fill-1\" x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{height:.1}\"/><text class=\"chart-number\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text><text class=\"chart-label\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                    x + pitch * 0.12,
                    floor - height,
                    pitch * 0.76,
                    x + pitch / 2.0,
                    floor - height - 5.0,
                    shorten(i128::from(*count)),
                    x + pitch / 2.0,
                    canvas.height - 8.0,
                    escape(name),
                ),
            );
        }
        out.push_str("</svg>");
    }
}

fn begin(id: &str, words: &ChartLabels) -> String {
    format!("<figure class=\"chart\" id=\"{}\"><figcaption>{}</figcaption>", escape(id), escape(&words.title))
}

fn open_svg(out: &mut String, id: &str, words: &ChartLabels, canvas: Canvas) {
    let (id, class) = (escape(id), canvas.class);
    push(
        out,
        format_args!(
            "<svg class=\"{class}\" viewBox=\"0 0 {} {}\" role=\"img\" aria-labelledby=\"{id}-{class}-title\" aria-describedby=\"{id}-{class}-desc\"><title id=\"{id}-{class}-title\">{}</title><desc id=\"{id}-{class}-desc\">{}</desc>",
            canvas.width,
            canvas.height,
            escape(&words.title),
            escape(&words.description)
        ),
    );
}

fn write_ticks(out: &mut String, canvas: Canvas, ticks: &[i64], y: impl Fn(f64) -> f64) {
    for tick in ticks {
        let at = y(to_f64(*tick));
        push(
            out,
            format_args!(
                "<line class=\"chart-axis\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/><text class=\"chart-label\" x=\"{}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>",
                canvas.width,
                LEFT - 6.0,
                at + 4.0,
                shorten(i128::from(*tick))
            ),
        );
    }
}

fn begin_table<'a>(out: &mut String, words: &ChartLabels, columns: impl Iterator<Item = &'a str>) {
    push(
        out,
        format_args!(
            "<details class=\"chart-table\"><summary>{}</summary><div class=\"table-scroll\" role=\"region\" tabindex=\"0\" aria-label=\"{}\"><table><thead><tr><th scope=\"col\">{}</th>",
            escape(&words.table),
            escape(&words.title),
            escape(&words.first_column)
        ),
    );
    for column in columns {
        push(out, format_args!("<th scope=\"col\">{}</th>", escape(column)));
    }
    out.push_str("</tr></thead><tbody>");
}

fn end_table(out: &mut String) {
    out.push_str("</tbody></table></div></details>");
}

fn write_number(out: &mut String, number: i64) {
    push(out, format_args!("<td data-value=\"{number}\">{}</td>", print_number(number)));
}

/// The values on an axis: from 0 in steps of 1, 2 or 5 times a power of ten, up to at least `most`.
fn ticks(most: i64) -> Vec<i64> {
    const STEPS: i128 = 4;
    let most = i128::from(most.max(1));
    let mut power: i128 = 1;
    let step = loop {
        match [1, 2, 5].into_iter().map(|factor| factor * power).find(|step| step * STEPS >= most) {
            Some(step) => break step,
            None => power *= 10,
        }
    };
    let count = (most + step - 1) / step;
    (0..=count).map(|n| i64::try_from(n * step).unwrap_or(i64::MAX)).collect()
}

/// A number in at most four characters: `950`, `1.5k`, `20M`.
fn shorten(number: i128) -> String {
    for (unit, sign) in [(1_000_000_000_000, "T"), (1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")] {
        if number >= unit {
            let (whole, tenth) = (number / unit, number % unit * 10 / unit);
            return if tenth == 0 || whole >= 10 { format!("{whole}{sign}") } else { format!("{whole}.{tenth}{sign}") };
        }
    }
    number.to_string()
}

/// A number with its thousands separated in a language-neutral way.
#[must_use]
pub fn print_number(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut printed = String::from(if number < 0 { "-" } else { "" });
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            printed.push('\u{202f}');
        }
        printed.push(digit);
    }
    printed
}

#[expect(clippy::cast_precision_loss, reason = "a place on a drawing, not a number to reckon with")]
fn to_f64(number: i64) -> f64 {
    number as f64
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a String cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words() -> ChartLabels {
        ChartLabels {
            title: "Guests <by> day".into(),
            description: "How many".into(),
            empty: "Nobody yet".into(),
            table: "As a table".into(),
            first_column: "Day".into(),
        }
    }

    fn chart(mark: Mark, days: usize, values: &[&[i64]]) -> DaysChart {
        DaysChart {
            id: "guests",
            words: words(),
            mark,
            days: (1..=days).map(|day| format!("2030-05-{day:02}")).collect(),
            series: values
                .iter()
                .enumerate()
                .map(|(index, values)| Series { name: format!("s{index}"), values: values.to_vec() })
                .collect(),
        }
    }

    fn numbers(svg: &str, name: &str) -> Vec<f64> {
        let part = |rest: &str| rest.split('"').next().and_then(|text| text.parse().ok());
        svg.split(&format!(" {name}=\"")).skip(1).filter_map(part).collect()
    }

    #[test]
    fn an_axis_has_round_numbers_and_room_for_the_most() {
        for (most, expected) in [
            (0, vec![0, 1]),
            (1, vec![0, 1]),
            (3, vec![0, 1, 2, 3]),
            (4, vec![0, 1, 2, 3, 4]),
            (5, vec![0, 2, 4, 6]),
            (17, vec![0, 5, 10, 15, 20]),
            (100, vec![0, 50, 100]),
            (101, vec![0, 50, 100, 150]),
            (999_999, vec![0, 500_000, 1_000_000]),
        ] {
            assert_eq!(ticks(most), expected, "{most}");
        }
        for most in [i64::MAX, i64::MAX - 1, i64::MAX / 2 + 1, -5] {
            let ticks = ticks(most);
            assert!((2..=6).contains(&ticks.len()) && *ticks.last().unwrap() >= most, "{most}: {ticks:?}");
        }
    }

    #[test]
    fn numbers_are_short_on_an_axis_and_whole_in_a_table() {
        for (number, short, whole) in [
            (0, "0", "0"),
            (950, "950", "950"),
            (1_500, "1.5k", "1\u{202f}500"),
            (20_000_000, "20M", "20\u{202f}000\u{202f}000"),
            (1_000_000_000, "1G", "1\u{202f}000\u{202f}000\u{202f}000"),
            (-1_234, "-1234", "-1\u{202f}234"),
        ] {
            assert_eq!((shorten(i128::from(number)).as_str(), print_number(number).as_str()), (short, whole));
        }
    }

    #[test]
    fn no_numbers_are_said_in_words_and_still_have_their_table() {
        for days in [0, 3] {
            let html = chart(Mark::Bars, days, &[&[0, 0, 0]]).render();
            assert!(html.contains("Nobody yet") && !html.contains("<svg"), "{html}");
            assert_eq!(html.matches("scope=\"row\"").count(), days);
        }
    }

    #[test]
    fn one_day_is_drawn_inside_its_canvas() {
        for mark in [Mark::Bars, Mark::Lines] {
            let html = chart(mark, 1, &[&[7]]).render();
            assert_eq!(html.matches("<svg").count(), 2, "wide and narrow");
            assert!(html.contains("2030-05-01: s0: 7"));
            for (svg, width) in html.split("<svg").skip(1).zip([760.0, 340.0]) {
                let places =
                    [numbers(svg, "x"), numbers(svg, "cx"), numbers(svg, "y"), numbers(svg, "height")].concat();
                assert!(!places.is_empty() && places.iter().all(|place| (0.0..=width).contains(place)), "{svg}");
            }
        }
    }

    #[test]
    fn bars_stand_on_each_other_to_scale() {
        let html = chart(Mark::Bars, 2, &[&[10, 20], &[10, 0]]).render();
        let wide = html.split("<svg").nth(1).unwrap();
        let heights = numbers(wide, "height");
        assert_eq!(heights.len(), 3, "a zero has no bar");
        assert!((heights[0] - heights[1]).abs() < 0.11 && (heights[2] - 2.0 * heights[0]).abs() < 0.31, "{heights:?}");
        assert!(html.contains("chart-legend") && html.contains("data-value=\"20\""));
    }

    #[test]
    fn huge_numbers_stay_inside() {
        for mark in [Mark::Bars, Mark::Lines] {
            let html = chart(mark, 2, &[&[i64::MAX, 1], &[i64::MAX, -5]]).render();
            let wide = html.split("<svg").nth(1).unwrap().split("</svg>").next().unwrap();
            assert!(!wide.contains("NaN") && !wide.contains("inf"), "{wide}");
            assert!(numbers(wide, "cy").iter().all(|y| (0.0..=240.0).contains(y)), "{wide}");
        }
    }

    #[test]
    fn words_are_escaped_and_named_for_those_who_listen() {
        let html = chart(Mark::Bars, 90, &[&[1; 90]]).render();
        assert!(html.contains("Guests &#60;by&#62; day") && !html.contains("<by>"));
        assert!(html.contains("role=\"img\" aria-labelledby=\"guests-chart-wide-title\""));
        assert!(html.contains("<desc id=\"guests-chart-narrow-desc\">How many</desc>"));
        assert!(!html.contains("style="), "the content security policy forbids it");
        let wide = html.split("<svg").nth(1).unwrap();
        assert!(wide.matches("text-anchor=\"middle\"").count() + wide.matches("text-anchor=\"end\"").count() < 20);
    }

    #[test]
    fn a_funnel_prints_each_step_as_a_share_of_the_first() {
        let steps = vec![("Came".to_string(), 200), ("Back".to_string(), 50), ("Joined".to_string(), 3)];
        let chart =
            StepsChart { id: "funnel", words: words(), column: "Guests".into(), steps, part: Some("Part".into()) };
        let html = chart.render();
        for part in ["100.0 %", "25.0 %", "1.5 %"] {
            assert_eq!(html.matches(part).count(), 2, "{part}: drawn and in the table");
        }
        let no_users = StepsChart { steps: vec![("Came".into(), 0)], ..chart };
        assert!(no_users.render().contains("Nobody yet") && no_users.render().contains("–"));
    }

    #[test]
    fn a_histogram_draws_each_bucket() {
        let steps = vec![("10 min".to_string(), 4), ("1 h".to_string(), 0), ("later".to_string(), 8)];
        let chart = StepsChart { id: "time", words: words(), column: "Guests".into(), steps, part: None };
        let html = chart.render();
        let heights = numbers(html.split("<svg").nth(1).unwrap(), "height");
        assert_eq!(heights.len(), 3);
        assert!((heights[2] - 2.0 * heights[0]).abs() < 0.11 && heights[1].abs() < 0.01, "{heights:?}");
    }
}
