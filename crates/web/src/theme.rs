//! Derives a style sheet from the brand's accent color, readable in light and dark.
//! A served file and not a `style` attribute, because the content security policy allows nothing inline.

use aws_lc_rs::digest::{SHA256, digest};

use crate::{brand::Brand, color::Color};

/// The default accent color.
const DEFAULT_ACCENT: Color = Color::from_bytes(0x1b, 0x5e, 0x4b);

/// The backgrounds in `vestibule.css`; a test checks that the two agree.
const LIGHT: Grounds = Grounds { paper: Color::from_bytes(0xf5, 0xf3, 0xee), surface: Color::WHITE };
const DARK: Grounds =
    Grounds { paper: Color::from_bytes(0x10, 0x13, 0x12), surface: Color::from_bytes(0x1a, 0x1e, 0x1c) };

struct Grounds {
    paper: Color,
    surface: Color,
}

/// The colors of one scheme, derived from an accent.
struct Shades {
    fill: Color,
    fill_hover: Color,
    on_fill: Color,
    text: Color,
    soft: Color,
    line: Color,
    backdrop: Color,
}

/// The style sheet of a brand: custom properties only, for light and dark.
pub fn theme_css(brand: &Brand) -> String {
    let accent = accent_of(brand);
    let light = print_properties(&shade(accent, &LIGHT, Color::BLACK, 0.07));
    let dark = print_properties(&shade(accent, &DARK, Color::WHITE, 0.14));
    format!(
        ":root{{{light}}}\n\
         @media (prefers-color-scheme:dark){{:root:not([data-color-scheme=light]){{{dark}}}}}\n\
         :root[data-color-scheme=dark]{{{dark}}}\n"
    )
}

/// The URL of [`theme_css`]: `/assets/theme/<hash>.css`, with the hash of its content.
pub fn theme_href(brand: &Brand) -> String {
    let hash = digest(&SHA256, theme_css(brand).as_bytes());
    format!("/assets/theme/{}.css", data_encoding::HEXLOWER.encode(&hash.as_ref()[..8]))
}

/// The colors of a mail in one scheme.
pub struct MailColors {
    pub accent: String,
    /// Of names and links.
    pub accent_text: String,
}

/// The colors of a mail, in light and dark.
pub fn mail_colors(brand: &Brand) -> [MailColors; 2] {
    let accent = accent_of(brand);
    let colors = |shades: Shades| MailColors { accent: shades.fill.print(), accent_text: shades.text.print() };
    [colors(shade(accent, &LIGHT, Color::BLACK, 0.07)), colors(shade(accent, &DARK, Color::WHITE, 0.14))]
}

fn accent_of(brand: &Brand) -> Color {
    brand.accent_color.as_deref().and_then(Color::parse).unwrap_or(DEFAULT_ACCENT)
}

/// `away` is the end of the scale that contrasts with the backgrounds: black on light ones, white on dark ones.
fn shade(accent: Color, grounds: &Grounds, away: Color, tint: f64) -> Shades {
    let soft = grounds.surface.mix(accent, tint);
    // A dark accent would vanish on a dark page, and a pale one on a light page: keep its edge visible.
    let fill = accent.reach_contrast(&[grounds.surface], if away == Color::WHITE { 3.0 } else { 1.25 }, away);
    let on_fill = if fill.contrast(Color::WHITE) >= 4.5 { Color::WHITE } else { Color::BLACK };
    let from_text = if on_fill == Color::WHITE { Color::BLACK } else { Color::WHITE };
    Shades {
        fill,
        fill_hover: fill.mix(from_text, 0.14),
        on_fill,
        text: accent.reach_contrast(&[grounds.surface, grounds.paper, soft], 4.6, away),
        soft,
        line: grounds.surface.mix(accent, 0.32),
        backdrop: grounds.paper.mix(accent, if away == Color::WHITE { 0.05 } else { 0.13 }),
    }
}

fn print_properties(shades: &Shades) -> String {
    let Shades { fill, fill_hover, on_fill, text, soft, line, backdrop } = shades;
    [
        ("accent", fill),
        ("accent-hover", fill_hover),
        ("on-accent", on_fill),
        ("accent-text", text),
        ("accent-soft", soft),
        ("accent-line", line),
        ("hall", backdrop),
    ]
    .iter()
    .map(|(name, color)| format!("--{name}:{};", color.print()))
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIGHT_INK: Color = Color::from_bytes(0x1a, 0x1d, 0x1b);
    const DARK_INK: Color = Color::from_bytes(0xf1, 0xf2, 0xee);
    const BRANDS: [&str; 10] =
        ["#1b5e4b", "#ffd400", "#0a1a3f", "#000000", "#ffffff", "#e11d48", "#7c3aed", "#06b6d4", "#808080", "#a3e635"];

    #[test]
    fn every_accent_is_readable_in_light_and_dark() {
        for hex in BRANDS {
            let accent = Color::parse(hex).expect("a color");
            for (grounds, ink, away, tint) in
                [(&LIGHT, LIGHT_INK, Color::BLACK, 0.07), (&DARK, DARK_INK, Color::WHITE, 0.14)]
            {
                let shades = shade(accent, grounds, away, tint);
                for ground in [grounds.surface, grounds.paper, shades.soft] {
                    assert!(shades.text.contrast(ground) >= 4.5, "text of {hex}");
                    assert!(ink.contrast(ground) >= 7.0, "ink on {hex}");
                }
                assert!(shades.on_fill.contrast(shades.fill) >= 4.5, "button of {hex}");
                assert!(shades.on_fill.contrast(shades.fill_hover) >= 4.5, "hovered button of {hex}");
            }
        }
    }

    #[test]
    fn a_hostile_color_cannot_write_css() {
        let brand = Brand { accent_color: Some("red}body{display:none".into()), ..Brand::default() };
        assert_eq!(theme_css(&brand), theme_css(&Brand::default()));
    }

    #[test]
    fn the_grounds_are_those_of_the_style_sheet() {
        let css = include_str!("../assets/vestibule.css");
        for (name, color) in [
            ("paper", LIGHT.paper),
            ("surface", LIGHT.surface),
            ("ink", LIGHT_INK),
            ("paper", DARK.paper),
            ("surface", DARK.surface),
            ("ink", DARK_INK),
        ] {
            let line = format!("--{name}: {};", color.print());
            assert!(css.contains(&line), "{line} is not in vestibule.css");
        }
    }

    #[test]
    fn another_accent_has_another_address() {
        let brand = |hex: &str| Brand { accent_color: Some(hex.into()), ..Brand::default() };
        assert_ne!(theme_href(&brand("#123456")), theme_href(&brand("#654321")));
    }
}
