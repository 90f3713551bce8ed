//! Images beside each other, their limits, and which files they waste.

use jigger::image::{
    Allowance, Difference, Image, ImageReport, Limits, Measured, describe_difference, markdown,
};

use crate::archives::{Tar, docker_legacy};
use crate::one;

fn base() -> Vec<u8> {
    Tar::new().file("base", vec![1; 1_000]).file("same", "same").bytes()
}

fn old() -> Image {
    let layer =
        Tar::new().file("kept", "one").file("gone", [0; 300]).file("grown", [0; 10]).bytes();
    one(&docker_legacy("app:1", &[base(), layer]))
}

fn new() -> Image {
    let layer = Tar::new()
        .file("kept", "two")
        .file("grown", [0; 60])
        .file("added|`", [0; 20])
        .file("base", "smaller")
        .bytes();
    one(&docker_legacy("app:2", &[base(), layer]))
}

fn report(limits: Limits) -> ImageReport {
    let of = |name: &str, image| {
        (name.to_owned(), Measured { images: vec![image], ..Measured::default() })
    };
    ImageReport::new(vec![of("old.tar", old()), of("new.tar", new())], limits)
}

#[test]
fn the_difference_is_in_sizes_layers_and_files() {
    let (old, new) = (old(), new());
    let difference = Difference::of(&old, &new);
    assert_eq!((difference.from.as_str(), difference.to.as_str()), ("app:1", "app:2"));
    assert_eq!(difference.unpacked_bytes, (3 + 60 + 20 + 7) - (3 + 300 + 10));
    assert_eq!(difference.wasted_bytes, 1_000);
    assert_eq!((difference.shared_layers, difference.shared_bytes), (1, 1_004));
    assert_eq!(difference.shared_transfer_bytes, old.layers[0].transfer_bytes);
    assert_eq!((difference.added.files, difference.added.bytes), (1, 20));
    assert_eq!((difference.removed.files, difference.removed.bytes), (1, -300));
    // `kept` has other content of the same length.
    assert_eq!((difference.changed.files, difference.changed.bytes), (3, 50 - 993));
    let biggest: Vec<_> = difference
        .biggest
        .iter()
        .map(|it| (it.path.as_str(), it.from_bytes, it.to_bytes))
        .collect();
    assert_eq!(
        biggest,
        [
            ("base", Some(1_000), Some(7)),
            ("gone", Some(300), None),
            ("grown", Some(10), Some(60)),
            ("added|`", None, Some(20)),
            ("kept", Some(3), Some(3)),
        ]
    );
    let same = Difference::of(&old, &old);
    assert_eq!((same.unpacked_bytes, same.shared_layers, same.biggest.len()), (0, 2, 0));
}

#[test]
fn the_difference_reads_well_as_text_and_as_markdown() {
    let text = describe_difference(&Difference::of(&old(), &new()));
    insta::assert_snapshot!("difference", text);
    insta::assert_snapshot!("markdown", markdown(&report(Limits::default())));
}

#[test]
fn wasted_files_tell_which_layer_hides_them() {
    let image = new();
    let wasted: Vec<_> = image.layers[0]
        .wasted_files
        .iter()
        .map(|file| (file.path.as_str(), file.bytes, file.by_layer, file.removed))
        .collect();
    assert_eq!(wasted, [("base", 1_000, 2, false)]);

    let layers = [
        Tar::new()
            .file("d/a", [0; 9])
            .file("d/b", [0; 8])
            .file("e", [0; 7])
            .file("e", [0; 6])
            .bytes(),
        Tar::new().file(".wh.d", "").bytes(),
        Tar::new().file("d/a", [0; 5]).file(".wh.e", "").bytes(),
    ];
    let image = one(&docker_legacy("t", &layers));
    let wasted: Vec<_> = image.layers[0]
        .wasted_files
        .iter()
        .map(|file| (file.path.as_str(), file.bytes, file.by_layer, file.removed))
        .collect();
    let expected =
        [("d/a", 9, 2, true), ("d/b", 8, 2, true), ("e", 7, 1, false), ("e", 6, 3, true)];
    assert_eq!(wasted, expected);
    assert_eq!(image.wasted_bytes, 30);
}

#[test]
fn limits_hold_or_are_exceeded() {
    let limits =
        Limits { size: Some(Allowance::Bytes(1_200)), wasted: Some("50%".parse().unwrap()) };
    let report = report(limits);
    let exceeded: Vec<_> =
        report.exceeded.iter().map(|it| (it.reference.as_str(), it.what, it.bytes)).collect();
    assert_eq!(exceeded, [("app:1", "unpacked_bytes", 1_317), ("app:2", "wasted_bytes", 1_000)]);
}

#[test]
fn images_of_one_name_are_told_apart_by_where_they_are_from() {
    let of =
        |name: &str| (name.to_owned(), Measured { images: vec![old()], ..Measured::default() });
    let report = ImageReport::new(vec![of("a.tar"), of("b.tar")], Limits::default());
    let names: Vec<_> = report.images.iter().map(|image| image.reference.as_str()).collect();
    assert_eq!(names, ["app:1 of a.tar", "app:1 of b.tar"]);
    assert_eq!(report.differences[0].to, "app:1 of b.tar");
}
