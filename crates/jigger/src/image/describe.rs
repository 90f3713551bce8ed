//! An image's sizes as text for people.

use super::compare::{Difference, FileChange, FileCount};
use super::packing::Packing;
use super::{Image, Layer, WastedFile, sum};

/// The image layer by layer: sizes, the command that made each, its biggest files, and what the
/// engine says beside it. Ends with a line feed.
///
/// Control characters in names and commands are shown escaped, since whoever made the image chose
/// them.
pub fn describe(image: &Image) -> String {
    let mut text = heading(image) + "\n";
    for (name, bytes, meaning) in [
        ("unpacked", image.unpacked_bytes, "the files of all layers"),
        ("transfer", image.transfer_bytes, "each layer's tar, gzip level 6"),
        ("stored", image.stored_bytes, stored_meaning(image)),
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

/// What an image is called: all its names, and the engine that it is from.
pub(super) fn heading(image: &Image) -> String {
    let others = image.names.iter().filter(|name| !is_told(&image.reference, name));
    let names: Vec<_> = [&image.reference].into_iter().chain(others).map(|it| plain(it)).collect();
    let engine = image.engine.as_ref().map_or(String::new(), |engine| format!(" ({engine})"));
    names.join(", ") + &engine
}

/// Whether a reference has the name in it: itself, or with what tells it from others after it.
fn is_told(reference: &str, name: &str) -> bool {
    reference
        .strip_prefix(name)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(" (") || rest.starts_with(" of "))
}

fn stored_meaning(image: &Image) -> &'static str {
    match image.layers.iter().any(|layer| layer.packing != Packing::None) {
        true => "the layers as the archive has them, packed",
        false => "the layers as the archive has them, not packed",
    }
}

/// How one image differs from another. Ends with a line feed.
pub fn describe_difference(difference: &Difference) -> String {
    let (from, to) = (plain(&difference.from), plain(&difference.to));
    let mut text = format!("{to} beside {from}\n");
    for (name, bytes) in [
        ("unpacked", difference.unpacked_bytes),
        ("transfer", difference.transfer_bytes),
        ("stored", difference.stored_bytes),
        ("wasted", difference.wasted_bytes),
    ] {
        text += &format!("  {name:<8}  {}\n", signed(bytes));
    }
    text += &format!("  shared    {}\n", shared(difference));
    for (name, count) in counts(difference) {
        text += &format!("  {name:<8}  {}\n", files_and_bytes(count));
    }
    for change in &difference.biggest {
        let sizes = change_text(change);
        text += &format!("    {:>10}  {} ({sizes})\n", signed(change.bytes()), plain(&change.path));
    }
    text
}

/// `2 layers of 5.02 kB (300 B transfer)`.
pub(super) fn shared(difference: &Difference) -> String {
    let layers = difference.shared_layers;
    if layers == 0 {
        return "no layer".to_owned();
    }
    let plural = if layers == 1 { "" } else { "s" };
    format!(
        "{layers} layer{plural} of {} ({} transfer)",
        size(difference.shared_bytes),
        size(difference.shared_transfer_bytes)
    )
}

pub(super) fn counts(difference: &Difference) -> [(&'static str, FileCount); 3] {
    [("added", difference.added), ("removed", difference.removed), ("changed", difference.changed)]
}

/// `3 files, +5.02 kB`.
pub(super) fn files_and_bytes(count: FileCount) -> String {
    format!("{}, {}", files(count.files), signed(count.bytes))
}

/// What a file was and is.
pub(super) fn change_text(change: &FileChange) -> String {
    match (change.from_bytes, change.to_bytes) {
        (Some(from), Some(to)) if from == to => format!("{}, other content", size(from)),
        (Some(from), Some(to)) => format!("{}, now {}", size(from), size(to)),
        (None, _) => "added".to_owned(),
        (_, None) => "removed".to_owned(),
    }
}

/// A difference of sizes, with its sign.
pub(super) fn signed(bytes: i64) -> String {
    let sign = match bytes {
        0 => "",
        1.. => "+",
        _ => "-",
    };
    format!("{sign}{}", size(bytes.unsigned_abs()))
}

fn files(count: u64) -> String {
    format!("{count} file{}", if count == 1 { "" } else { "s" })
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
    let files = files(layer.files);
    *text += &format!(
        "\n  layer {place}  {digest}  {unpacked} unpacked, {transfer} transfer, {}, {files}\n",
        stored(layer)
    );
    if !layer.created_by.is_empty() {
        *text += &format!("    {}\n", made_by(&layer.created_by));
    }
    for file in &layer.biggest {
        *text += &format!("    {:>9}  {}\n", size(file.bytes), plain(&file.path));
    }
    if layer.wasted_bytes > 0 {
        *text += &format!("    {} of it wasted, the biggest files:\n", size(layer.wasted_bytes));
    }
    for file in &layer.wasted_files {
        let why = wasted_by(file);
        *text += &format!("    {:>9}  {}, {why}\n", size(file.bytes), plain(&file.path));
    }
}

/// `184 B stored (gzip)`.
fn stored(layer: &Layer) -> String {
    match layer.packing {
        Packing::None => format!("{} stored", size(layer.stored_bytes)),
        packing => format!("{} stored ({})", size(layer.stored_bytes), packing.name()),
    }
}

/// `removed by layer 3`.
pub(super) fn wasted_by(file: &WastedFile) -> String {
    let how = if file.removed { "removed" } else { "replaced" };
    format!("{how} by layer {}", file.by_layer)
}

/// The command that made a layer, without the shell that Docker's classic builder writes before it.
pub fn made_by(created_by: &str) -> String {
    let command = created_by.strip_prefix("/bin/sh -c #(nop) ").unwrap_or(created_by);
    plain(&command.trim().replace(['\n', '\r'], " "))
}

/// One line of text in which nothing acts on a terminal: control characters, and those that turn
/// the order of writing or are not seen, are escaped; tabs are spaces. Names and commands are chosen
/// by whoever made the image.
pub fn plain(text: &str) -> String {
    text.chars().fold(String::new(), |mut shown, character| {
        match character {
            '\t' => shown.push(' '),
            '\n' => shown.push_str("\\n"),
            '\r' => shown.push_str("\\r"),
            _ if character.is_control() || is_unseen(character) => {
                shown.extend(character.escape_unicode());
            }
            _ => shown.push(character),
        }
        shown
    })
}

/// Characters that Unicode's security report (UTR 36) and its "trojan source" note warn of: marks
/// of direction, and those without width.
fn is_unseen(character: char) -> bool {
    matches!(
        character,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}'
    )
}

/// Bytes with a decimal prefix and three digits, as `docker images` shows them.
pub(super) fn size(bytes: u64) -> String {
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
        assert_eq!(plain("a\tb\n\u{1b}[2Jc \u{9b}é"), "a b\\n\\u{1b}[2Jc \\u{9b}é");
        assert_eq!(plain("abc\u{202e}gnp.exe"), "abc\\u{202e}gnp.exe");
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
        let layer = Layer { tar_bytes: 3_000, symlink_bytes: 10, ..Layer::default() };
        Image {
            engine: Some(engine.to_owned()),
            unpacked_bytes: 1_000,
            transfer_bytes: 500,
            engine_says_bytes: Some(says),
            layers: vec![layer],
            ..Image::default()
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
