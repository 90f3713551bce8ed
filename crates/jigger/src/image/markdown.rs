//! Images and their differences as Markdown, for a pull request.

use super::describe::{
    change_text, counts, files_and_bytes, heading, made_by, plain, shared, signed, size, wasted_by,
};
use super::{Difference, Image, ImageReport};

/// The whole report. Ends with a line feed.
pub fn markdown(report: &ImageReport) -> String {
    let mut text = String::from(
        "| image | unpacked | transfer | stored | wasted |\n|---|---:|---:|---:|---:|\n",
    );
    for image in &report.images {
        let sizes =
            [image.unpacked_bytes, image.transfer_bytes, image.stored_bytes, image.wasted_bytes];
        text += &row(&[cell(&heading(image))], &sizes.map(size));
    }
    let differences = report.differences.iter().map(difference);
    let images = report.images.iter().map(layers);
    let exceeded = report.exceeded.iter().map(|it| format!("\n**{}**\n", cell(&it.message())));
    text.extend(differences.chain(images).chain(exceeded));
    text
}

fn difference(difference: &Difference) -> String {
    let (from, to) = (cell(&plain(&difference.from)), cell(&plain(&difference.to)));
    let mut text = format!("\n### {to} beside {from}\n\n| | |\n|---|---:|\n");
    for (name, bytes) in [
        ("unpacked", difference.unpacked_bytes),
        ("transfer", difference.transfer_bytes),
        ("stored", difference.stored_bytes),
        ("wasted", difference.wasted_bytes),
    ] {
        text += &row(&[name.to_owned()], &[signed(bytes)]);
    }
    text += &row(&["shared".to_owned()], &[shared(difference)]);
    for (name, count) in counts(difference) {
        text += &row(&[name.to_owned()], &[files_and_bytes(count)]);
    }
    for change in &difference.biggest {
        let name = format!("`{}`, {}", code(&change.path), change_text(change));
        text += &row(&[name], &[signed(change.bytes())]);
    }
    text
}

fn layers(image: &Image) -> String {
    let mut text = format!(
        "\n### {}\n\n| layer | made by | unpacked | transfer | stored | wasted |\n\
         |---:|---|---:|---:|---:|---:|\n",
        cell(&heading(image))
    );
    for (at, layer) in image.layers.iter().enumerate() {
        let sizes =
            [layer.unpacked_bytes, layer.transfer_bytes, layer.stored_bytes, layer.wasted_bytes];
        let made_by = format!("`{}`", code(&made_by(&layer.created_by)));
        text += &row(&[(at + 1).to_string(), made_by], &sizes.map(size));
    }
    let wasted = image.layers.iter().enumerate().flat_map(|(at, layer)| {
        layer.wasted_files.iter().map(move |file| {
            let (path, bytes) = (code(&file.path), size(file.bytes));
            format!("- `{path}` of layer {}: {bytes}, {}\n", at + 1, wasted_by(file))
        })
    });
    let wasted: String = wasted.collect();
    if !wasted.is_empty() {
        text += "\nWasted files:\n\n";
        text += &wasted;
    }
    text
}

fn row(texts: &[String], sizes: &[String]) -> String {
    let cells: Vec<_> = texts.iter().chain(sizes).map(String::as_str).collect();
    format!("| {} |\n", cells.join(" | "))
}

/// Text in which nothing is Markdown.
fn cell(text: &str) -> String {
    text.chars().fold(String::new(), |mut shown, character| {
        if "\\`*_[]<>|#~".contains(character) {
            shown.push('\\');
        }
        shown.push(character);
        shown
    })
}

/// Text that stands between backticks.
fn code(text: &str) -> String {
    let text = plain(text).replace('`', "'").replace('|', "\\|");
    if text.is_empty() { " ".to_owned() } else { text }
}
