//! An image's sizes as text for people.

use super::{Image, Layer, sum};

/// The image layer by layer: sizes, the command that made each, its biggest files, and what the
/// engine says beside it. Ends with a line feed.
///
/// Control characters in names and commands are shown escaped, since whoever made the image chose
/// them.
pub fn describe(image: &Image) -> String {
    let mut text = plain(&image.reference);
    if let Some(engine) = &image.engine {
        text += &format!(" ({engine})");
    }
    text.push('\n');
    for (name, bytes, meaning) in [
        ("unpacked", image.unpacked_bytes, "the files of all layers"),
        ("transfer", image.transfer_bytes, "each layer's tar, gzip level 6"),
        ("wasted", image.wasted_bytes, "removed or replaced by a later layer"),
    ] {
        text += &format!("  {name:<8}  {}: {meaning}\n", size(bytes));
    }
    if let Some(says) = engine_line(image) {
        text += &format!("  {says}\n");
    }
    for (index, layer) in image.layers.iter().enumerate() {
        add_layer(&mut text, layer, &format!("{}/{}", index + 1, image.layers.len()));
    }
    text
}

/// What the engine says of the image's size, and why it differs; None when no engine was asked or
/// it shows no size.
pub fn engine_line(image: &Image) -> Option<String> {
    let says = image.engine_says_bytes?;
    let engine = image.engine.as_deref().unwrap_or("the engine");
    Some(format!("{engine} says {}: {}", size(says), difference(image, says)))
}

/// Which of the known ways of counting leads to the engine's figure.
///
/// Docker's classic stores add up the files of each layer, links as the length of their target
/// (moby, pkg/directory); its containerd store adds the packed layers to the blocks of the unpacked
/// ones (moby, daemon/containerd/image_list.go). Podman adds up the layers' tar streams, headers and
/// padding included, and the image's documents (containers/storage, `ImageSize`).
fn difference(image: &Image, says: u64) -> String {
    let symlink_bytes = sum(&image.layers, |layer| layer.symlink_bytes);
    let tar_bytes = sum(&image.layers, |layer| layer.tar_bytes);
    let with_links = image.unpacked_bytes.saturating_add(symlink_bytes);
    if says == image.unpacked_bytes {
        "the same".to_owned()
    } else if says == with_links {
        format!("it adds the targets of symbolic links ({})", size(symlink_bytes))
    } else if image.engine.as_deref() == Some("podman") && says >= tar_bytes {
        format!(
            "it counts the layers' tar streams with their headers and padding ({}) and the \
             image's documents",
            size(tar_bytes)
        )
    } else if says >= with_links.saturating_add(image.transfer_bytes / 2) {
        "it keeps the packed layers beside the unpacked ones and counts both, in blocks of its \
         file system"
            .to_owned()
    } else {
        "it counts what its own store takes, which depends on how that store keeps files".to_owned()
    }
}

fn add_layer(text: &mut String, layer: &Layer, place: &str) {
    let digest: String = layer.digest.chars().take("sha256:".len() + 12).collect();
    let (unpacked, transfer) = (size(layer.unpacked_bytes), size(layer.transfer_bytes));
    let plural = if layer.files == 1 { "" } else { "s" };
    let files = format!("{} file{plural}", layer.files);
    *text += &format!(
        "\n  layer {place}  {digest}  {unpacked} unpacked, {transfer} transfer, {files}\n"
    );
    if layer.wasted_bytes > 0 {
        *text += &format!("    {} of it removed or replaced later\n", size(layer.wasted_bytes));
    }
    if !layer.created_by.is_empty() {
        *text += &format!("    {}\n", made_by(&layer.created_by));
    }
    for file in &layer.biggest {
        *text += &format!("    {:>9}  {}\n", size(file.bytes), plain(&file.path));
    }
}

/// The command that made a layer, without the shell that Docker's classic builder writes before it.
pub fn made_by(created_by: &str) -> String {
    let command = created_by.strip_prefix("/bin/sh -c #(nop) ").unwrap_or(created_by);
    plain(command.trim()).replace('\n', " ")
}

/// Text without control characters other than line feeds: escaped, tabs as spaces. Names and
/// commands are chosen by whoever made the image, and could make a terminal do anything.
pub(super) fn plain(text: &str) -> String {
    text.chars().fold(String::new(), |mut shown, character| {
        match character {
            '\t' => shown.push(' '),
            '\n' => shown.push('\n'),
            _ if character.is_control() => shown.extend(character.escape_default()),
            _ => shown.push(character),
        }
        shown
    })
}

/// Bytes with a decimal prefix and three digits, as `docker images` shows them.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1_000 {
        return format!("{bytes} B");
    }
    let mut unit_bytes = 1_000_u64;
    let mut unit = 0;
    // 999.5 of a unit would show as 1000.
    while unit + 1 < UNITS.len() && u128::from(bytes) * 2 >= u128::from(unit_bytes) * 1_999 {
        unit_bytes *= 1_000;
        unit += 1;
    }
    // Rounded once, to as many decimals as make three digits.
    let rounded = |decimals: u32| {
        (u128::from(bytes) * 10_u128.pow(decimals) + u128::from(unit_bytes) / 2)
            / u128::from(unit_bytes)
    };
    let decimals = (0..=2).rev().find(|decimals| rounded(*decimals) < 1_000).unwrap_or(0);
    let (value, scale) = (rounded(decimals), 10_u128.pow(decimals));
    let digits = match decimals {
        0 => value.to_string(),
        _ => format!("{}.{:0width$}", value / scale, value % scale, width = decimals as usize),
    };
    format!("{digits} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_are_shown_and_not_sent() {
        assert_eq!(plain("a\tb\n\u{1b}[2Jc \u{9b}é"), "a b\n\\u{1b}[2Jc \\u{9b}é");
    }

    #[test]
    fn sizes_have_three_digits_and_a_fitting_unit() {
        let cases = [
            (0, "0 B"),
            (999, "999 B"),
            (1_000, "1.00 kB"),
            (12_345, "12.3 kB"),
            (99_960, "100 kB"),
            (146_976_396, "147 MB"),
            (999_499, "999 kB"),
            (999_500, "1.00 MB"),
            (5_512_746_870, "5.51 GB"),
            (u64::MAX, "18.4 EB"),
        ];
        for (bytes, text) in cases {
            assert_eq!(size(bytes), text);
        }
    }

    /// An image with 1 kB of files, a link of 10 bytes, 3 kB of tar stream and 500 B packed.
    fn image(engine: &str, says: u64) -> Image {
        let layer = Layer {
            digest: "sha256:00".to_owned(),
            created_by: String::new(),
            unpacked_bytes: 1_000,
            transfer_bytes: 500,
            wasted_bytes: 0,
            tar_bytes: 3_000,
            symlink_bytes: 10,
            files: 1,
            biggest: Vec::new(),
        };
        Image {
            reference: "t".to_owned(),
            engine: Some(engine.to_owned()),
            unpacked_bytes: 1_000,
            transfer_bytes: 500,
            wasted_bytes: 0,
            engine_says_bytes: Some(says),
            layers: vec![layer],
        }
    }

    #[test]
    fn each_way_of_counting_is_told() {
        let cases = [
            ("docker", 1_000, "docker says 1.00 kB: the same"),
            ("docker", 1_010, "docker says 1.01 kB: it adds the targets of symbolic links (10 B)"),
            ("docker", 4_600, "it keeps the packed layers beside the unpacked ones"),
            ("docker", 1_020, "it counts what its own store takes"),
            ("podman", 4_000, "it counts the layers' tar streams with their headers and padding"),
        ];
        for (engine, says, text) in cases {
            let line = engine_line(&image(engine, says)).unwrap();
            assert!(line.contains(text), "{engine} {says}: {line}");
        }
        assert_eq!(engine_line(&Image { engine_says_bytes: None, ..image("docker", 0) }), None);
    }
}
