//! Color arithmetic: sRGB, OKLab (by Björn Ottosson) and WCAG 2.2 contrast.

/// An sRGB color, each channel 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Color {
    r: f64,
    g: f64,
    b: f64,
}

impl Color {
    pub(crate) const WHITE: Self = Self { r: 1.0, g: 1.0, b: 1.0 };
    pub(crate) const BLACK: Self = Self { r: 0.0, g: 0.0, b: 0.0 };

    pub const fn from_bytes(r: u8, g: u8, b: u8) -> Self {
        Self { r: r as f64 / 255.0, g: g as f64 / 255.0, b: b as f64 / 255.0 }
    }

    /// Reads `#rgb` or `#rrggbb`.
    pub fn parse(hex: &str) -> Option<Self> {
        let digits = hex.trim().strip_prefix('#')?;
        let digits: Vec<u8> = digits.chars().map(|c| c.to_digit(16).map(|d| d as u8)).collect::<Option<_>>()?;
        match digits[..] {
            [r, g, b] => Some(Self::from_bytes(r * 17, g * 17, b * 17)),
            [r1, r2, g1, g2, b1, b2] => Some(Self::from_bytes(r1 * 16 + r2, g1 * 16 + g2, b1 * 16 + b2)),
            _ => None,
        }
    }

    pub fn print(self) -> String {
        let byte = |channel: f64| (channel.clamp(0.0, 1.0) * 255.0).round() as u8;
        format!("#{:02x}{:02x}{:02x}", byte(self.r), byte(self.g), byte(self.b))
    }

    /// WCAG 2.2 relative luminance.
    fn luminance(self) -> f64 {
        0.2126 * linearize(self.r) + 0.7152 * linearize(self.g) + 0.0722 * linearize(self.b)
    }

    /// WCAG 2.2 contrast ratio, 1 to 21.
    pub(crate) fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance() + 0.05, other.luminance() + 0.05);
        if a > b { a / b } else { b / a }
    }

    /// Mixes `share` of `other` into this color, perceptually uniform.
    pub fn mix(self, other: Self, share: f64) -> Self {
        let (from, to) = (self.to_oklab(), other.to_oklab());
        from_oklab([0, 1, 2].map(|i| from[i] + (to[i] - from[i]) * share))
    }

    /// The nearest shade, lighter or darker towards `goal`, whose contrast against each of `grounds` is at least
    /// `ratio`. Hue and, as far as sRGB allows, chroma stay, so that a brand remains recognizable.
    pub(crate) fn reach_contrast(self, grounds: &[Self], ratio: f64, goal: Self) -> Self {
        let (from, to) = (self.to_oklab()[0], goal.to_oklab()[0]);
        let mut shade = self.rounded();
        let mut step = 0.0;
        while step < 1.0 && grounds.iter().any(|ground| shade.contrast(*ground) < ratio) {
            step += 0.02;
            shade = self.with_lightness(from + (to - from) * step).rounded();
        }
        shade
    }

    fn with_lightness(self, lightness: f64) -> Self {
        let [_, a, b] = self.to_oklab();
        let mut chroma = 1.0;
        while chroma > 0.0 {
            let color = from_oklab([lightness, a * chroma, b * chroma]);
            if color.is_in_gamut() {
                return color;
            }
            chroma -= 0.04;
        }
        from_oklab([lightness, 0.0, 0.0])
    }

    fn is_in_gamut(self) -> bool {
        [self.r, self.g, self.b].iter().all(|channel| (-0.001..=1.001).contains(channel))
    }

    /// Rounded as it will be printed, so that the ratio is exact in the browser.
    fn rounded(self) -> Self {
        let round = |channel: f64| (channel.clamp(0.0, 1.0) * 255.0).round() / 255.0;
        Self { r: round(self.r), g: round(self.g), b: round(self.b) }
    }

    fn to_oklab(self) -> [f64; 3] {
        let (r, g, b) = (linearize(self.r), linearize(self.g), linearize(self.b));
        let l = (0.412_221_470_8 * r + 0.536_332_536_3 * g + 0.051_445_992_9 * b).cbrt();
        let m = (0.211_903_498_2 * r + 0.680_699_545_1 * g + 0.107_396_956_6 * b).cbrt();
        let s = (0.088_302_461_9 * r + 0.281_718_837_6 * g + 0.629_978_700_5 * b).cbrt();
        [
            0.210_454_255_3 * l + 0.793_617_785_0 * m - 0.004_072_046_8 * s,
            1.977_998_495_1 * l - 2.428_592_205_0 * m + 0.450_593_709_9 * s,
            0.025_904_037_1 * l + 0.782_771_766_2 * m - 0.808_675_766_0 * s,
        ]
    }
}

fn from_oklab([lightness, a, b]: [f64; 3]) -> Color {
    let l = (lightness + 0.396_337_777_4 * a + 0.215_803_757_3 * b).powi(3);
    let m = (lightness - 0.105_561_345_8 * a - 0.063_854_172_8 * b).powi(3);
    let s = (lightness - 0.089_484_177_5 * a - 1.291_485_548_0 * b).powi(3);
    Color {
        r: delinearize(4.076_741_662_1 * l - 3.307_711_591_3 * m + 0.230_969_929_2 * s),
        g: delinearize(-1.268_438_004_6 * l + 2.609_757_401_1 * m - 0.341_319_396_5 * s),
        b: delinearize(-0.004_196_086_3 * l - 0.703_418_614_7 * m + 1.707_614_701_0 * s),
    }
}

fn linearize(channel: f64) -> f64 {
    if channel <= 0.040_45 { channel / 12.92 } else { ((channel + 0.055) / 1.055).powf(2.4) }
}

fn delinearize(channel: f64) -> f64 {
    if channel <= 0.003_130_8 { channel * 12.92 } else { 1.055 * channel.powf(1.0 / 2.4) - 0.055 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_agrees_with_the_known_extremes() {
        assert!((Color::WHITE.contrast(Color::BLACK) - 21.0).abs() < 0.01);
        let grey = Color::parse("#767676").expect("a color");
        assert!((grey.contrast(Color::WHITE) - 4.54).abs() < 0.01);
    }

    #[test]
    fn oklab_there_and_back_is_the_same_color() {
        for hex in ["#17624f", "#ffd400", "#0a1a3f", "#fff", "#000"] {
            let color = Color::parse(hex).expect("a color");
            assert_eq!(color.mix(Color::WHITE, 0.0).print(), color.print());
        }
    }

    #[test]
    fn only_hex_colors_are_read() {
        for bad in ["red", "#12", "#12345", "#gggggg", "rgb(0,0,0)", "#fff;}", ""] {
            assert_eq!(Color::parse(bad), None, "{bad}");
        }
    }
}
