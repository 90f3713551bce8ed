//! The container images: what each is made of, and what it shares with the others.

use maud::{Markup, html};

use super::bars::{Bar, Part, bars};
use super::{figure, scrolling};
use crate::analysis::Analysis;
use crate::numbers::number;
use crate::record::{ImageRecord, LayerRecord};
use crate::report::{chart, units};

/// An image and whose it is.
type Named<'a> = (usize, &'a str, &'a ImageRecord);

/// Sizes of the images: a bar for each with the layers that others have too set apart, the
/// figures, and every layer.
pub fn body(analysis: &Analysis<'_>) -> Option<Markup> {
    let images: Vec<Named<'_>> = analysis
        .contenders
        .iter()
        .enumerate()
        .filter_map(|(at, c)| Some((at, c.record.name.as_str(), c.record.own_image()?)))
        .collect();
    if images.is_empty() {
        return None;
    }
    let sizes: Vec<Bar> = images.iter().map(bar).collect();
    let chart =
        bars("image-sizes", "Unpacked sizes of the images", "unpacked", &sizes, units::bytes);
    let caption = html! {
        "Each piece is a layer. Pale: layers that it shares with another contender's image. "
        "Solid: layers that no other has."
    };
    Some(html! {
        div.charts { (figure(&chart, &caption)) }
        (sizes_table(&images))
        @for image in &images { (layers(image)) }
    })
}

/// Small sizes to the byte.
fn size(bytes: u64) -> String {
    if bytes < 1_000 { format!("{bytes} B") } else { units::bytes(number(bytes)) }
}

fn bar((series, name, image): &Named<'_>) -> Bar {
    let text = format!("{} ({} its own)", size(image.unpacked_bytes), size(image.own_bytes));
    Bar { series: *series, name: (*name).to_owned(), text, parts: parts(image), ends: None }
}

/// What is shared comes first, as a base does. A record of an earlier program has sums alone.
fn parts(image: &ImageRecord) -> Vec<Part> {
    let part = |bytes, is_faint, title: &str| Part {
        value: number(bytes),
        is_faint,
        title: Some(format!("{}: {title}", size(bytes))),
    };
    let mut parts = match image.layers.is_empty() {
        true => vec![
            part(image.unpacked_bytes.saturating_sub(image.own_bytes), true, "shared layers"),
            part(image.own_bytes, false, "layers of its own"),
        ],
        false => {
            let of = |is_shared: bool| {
                let layers = image.layers.iter();
                layers.filter(move |layer| layer.shared_with.is_empty() != is_shared)
            };
            let layer = |layer: &LayerRecord| {
                let title = chart::shortened(command(layer), 80);
                part(layer.unpacked_bytes, !layer.shared_with.is_empty(), &title)
            };
            of(true).chain(of(false)).map(layer).collect()
        }
    };
    parts.retain(|part| part.value > 0.0);
    parts
}

fn command(layer: &LayerRecord) -> &str {
    if layer.created_by.is_empty() { "the image does not say" } else { &layer.created_by }
}

/// A heading for each column; those with texts instead of figures are marked.
fn heads(names: &[(&str, bool)]) -> Markup {
    html! {
        thead { tr {
            @for (name, is_text) in names { th scope="col" class=[is_text.then_some("wide")] { (name) } }
        } }
    }
}

fn sizes_table(images: &[Named<'_>]) -> Markup {
    let names = [
        ("server", false),
        ("unpacked", false),
        ("its own", false),
        ("transfer (gzip)", false),
        ("wasted", false),
        ("the engine says", true),
        ("image", false),
    ];
    scrolling(
        "sizes of the images",
        &html! {
            table {
                caption { span { "sizes of the images" } }
                (heads(&names))
                tbody {
                    @for (_, name, image) in images {
                        tr {
                            th scope="row" { (name) }
                            td { (size(image.unpacked_bytes)) }
                            td { (size(image.own_bytes)) }
                            td { (size(image.transfer_bytes)) }
                            td { (size(image.wasted_bytes)) }
                            (engine_cell(image))
                            td { code { (image.reference) } }
                        }
                    }
                }
            }
        },
    )
}

/// The engine's own figure with why it is another one.
fn engine_cell(image: &ImageRecord) -> Markup {
    let says =
        image.engine_says_bytes.map(|bytes| format!("{} says {}", image.engine, size(bytes)));
    let text = image.engine_note.clone().or(says);
    html! { td.wide { (text.unwrap_or_else(|| "-".to_owned())) } }
}

/// Every layer of an image, folded.
fn layers((_, name, image): &Named<'_>) -> Markup {
    let shared = image.layers.iter().filter(|layer| !layer.shared_with.is_empty()).count();
    html! {
        @if !image.layers.is_empty() {
            details {
                summary {
                    (name) ": " (units::count(image.layers.len(), "layer")) ", "
                    (shared) " of them shared"
                }
                (scrolling(&format!("layers of {name}"), &layer_table(&image.layers)))
            }
        }
    }
}

fn layer_table(layers: &[LayerRecord]) -> Markup {
    let names = [
        ("layer", false),
        ("made by", true),
        ("unpacked", false),
        ("transfer (gzip)", false),
        ("wasted", false),
        ("biggest of its files", true),
        ("shared with", true),
    ];
    html! {
        table.layers {
            (heads(&names))
            tbody {
                @for (at, layer) in layers.iter().enumerate() { (layer_row(at + 1, layer)) }
            }
        }
    }
}

fn layer_row(place: usize, layer: &LayerRecord) -> Markup {
    html! {
        tr {
            th scope="row" { (place) }
            td.wide {
                code { (command(layer)) }
                span.interval { (layer.digest) }
            }
            td { (size(layer.unpacked_bytes)) }
            td { (size(layer.transfer_bytes)) }
            td { (size(layer.wasted_bytes)) }
            td.wide { (biggest(layer)) }
            td.wide { (if layer.shared_with.is_empty() { "-".to_owned() } else { layer.shared_with.join(", ") }) }
        }
    }
}

fn biggest(layer: &LayerRecord) -> Markup {
    let files = usize::try_from(layer.files).unwrap_or(usize::MAX);
    html! {
        @for file in &layer.biggest { span.file { (size(file.bytes)) " " code { (file.path) } } }
        span.interval { (units::count(files, "file")) " in all" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(bytes: u64, shared_with: &[&str]) -> LayerRecord {
        LayerRecord {
            digest: "sha256:0".to_owned(),
            created_by: format!("COPY {bytes}"),
            unpacked_bytes: bytes,
            transfer_bytes: bytes / 2,
            wasted_bytes: 0,
            files: 1,
            shared_with: shared_with.iter().map(|&name| name.to_owned()).collect(),
            biggest: Vec::new(),
        }
    }

    fn image(layers: Vec<LayerRecord>) -> ImageRecord {
        ImageRecord {
            reference: "a".to_owned(),
            engine: "docker".to_owned(),
            unpacked_bytes: 100,
            transfer_bytes: 50,
            own_bytes: 30,
            wasted_bytes: 0,
            engine_says_bytes: None,
            engine_note: None,
            layers,
        }
    }

    fn shown(image: &ImageRecord) -> Vec<(f64, bool)> {
        parts(image).iter().map(|part| (part.value, part.is_faint)).collect()
    }

    #[test]
    fn what_is_shared_stands_first_and_empty_layers_are_left_out() {
        let layers = vec![layer(30, &[]), layer(0, &[]), layer(60, &["b"]), layer(10, &["b"])];
        assert_eq!(shown(&image(layers)), [(60.0, true), (10.0, true), (30.0, false)]);
    }

    #[test]
    fn without_layers_there_are_two_sums() {
        assert_eq!(shown(&image(Vec::new())), [(70.0, true), (30.0, false)]);
    }
}
