//! The style sheet's colours: they stand out, and stay apart for those who see fewer of them.

use super::STYLE;

/// Red, green and blue, linear, 0..1.
type Color = [f64; 3];

/// How a colour looks with a kind of receptor missing: Machado, Oliveira & Fernandes 2009, "A
/// physiologically-based model for simulation of color vision deficiency", severity 1.0; the
/// first is full sight.
const SIGHTS: [(&str, [[f64; 3]; 3]); 4] = [
    ("full sight", [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
    (
        "protanopia",
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
    ),
];

/// A difference in CIELAB that is seen at a glance; 2.3 is the least that is seen at all.
const APART: f64 = 15.0;

/// The style sheet's colours by name: light, dark, printed.
fn schemes() -> Vec<Vec<(String, Color)>> {
    STYLE.split(":root{").skip(1).map(colors).collect()
}

fn colors(scheme: &str) -> Vec<(String, Color)> {
    let block = &scheme[scheme.find("--background").unwrap()..];
    let color = |declaration: &str| {
        let (name, value) = declaration.trim().strip_prefix("--")?.split_once(":#")?;
        let part = |at: usize| u8::from_str_radix(&value[at..at + 2], 16).unwrap();
        Some((name.to_owned(), [part(0), part(2), part(4)].map(linear)))
    };
    block.split_once('}').unwrap().0.split(';').filter_map(color).collect()
}

/// From sRGB (IEC 61966-2-1).
fn linear(part: u8) -> f64 {
    match f64::from(part) / 255.0 {
        part if part <= 0.04045 => part / 12.92,
        part => ((part + 0.055) / 1.055).powf(2.4),
    }
}

fn weighted(weights: [f64; 3], color: Color) -> f64 {
    weights.iter().zip(color).map(|(weight, part)| weight * part).sum()
}

fn luminance(color: Color) -> f64 {
    weighted([0.2126, 0.7152, 0.0722], color)
}

/// WCAG 2.2, contrast ratio.
fn contrast(one: Color, other: Color) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// CIELAB for daylight (D65).
fn lab(color: Color) -> [f64; 3] {
    let curved = |part: f64| {
        if part > 0.008856 { part.cbrt() } else { 7.787 * part + 16.0 / 116.0 }
    };
    let x = curved(weighted([0.4124, 0.3576, 0.1805], color) / 0.9505);
    let y = curved(luminance(color));
    let z = curved(weighted([0.0193, 0.1192, 0.9505], color) / 1.089);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

fn distance(one: Color, other: Color) -> f64 {
    let (one, other) = (lab(one), lab(other));
    one.iter().zip(other).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
}

fn named(colors: &[(String, Color)], name: &str) -> Color {
    colors.iter().find(|color| color.0 == name).unwrap_or_else(|| panic!("no colour {name}")).1
}

fn series(colors: &[(String, Color)]) -> Vec<Color> {
    (0..8).map(|at| named(colors, &format!("s{at}"))).collect()
}

#[test]
fn every_colour_stands_out_light_dark_and_printed() {
    assert_eq!(schemes().len(), 3);
    for colors in schemes() {
        for text in ["text", "muted", "link", "warn"] {
            for ground in ["background", "soft", "warn-soft"] {
                let found = contrast(named(&colors, text), named(&colors, ground));
                assert!(found >= 4.5, "{text} on {ground}: {found:.2}");
            }
        }
        for (at, color) in series(&colors).into_iter().enumerate() {
            let found = contrast(color, named(&colors, "background"));
            assert!(found >= 3.0, "series {at}: {found:.2}");
        }
    }
}

#[test]
fn series_stay_apart_whatever_colours_one_sees() {
    for colors in schemes() {
        for (sight, matrix) in SIGHTS {
            let seen = |color: Color| matrix.map(|row| weighted(row, color).clamp(0.0, 1.0));
            let series: Vec<Color> = series(&colors).into_iter().map(seen).collect();
            for (at, one) in series.iter().enumerate() {
                for (other, color) in series.iter().enumerate().skip(at + 1) {
                    let found = distance(*one, *color);
                    assert!(found >= APART, "{sight}: series {at} and {other}: {found:.1}");
                }
            }
        }
    }
}
