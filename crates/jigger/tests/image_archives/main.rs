//! Images measured from saved archives and layouts, in every shape that engines write.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

#[path = "../fixtures/image/archives.rs"]
mod archives;
mod compared;
mod forms;
mod headers;
mod program;

use archives::{
    Packed, Tar, archive, config, digest, docker_legacy, docker_legacy_with, gzip, oci_files,
    podman_docker_archive, unpack,
};
use jigger::image::{
    Image, ImageReport, Limits, Measured, Packing, Problem, describe, measure, measure_saved,
    measure_stream, own_bytes,
};
use jigger::schema::Schema;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use serde_json::json;

fn measured(archive: &[u8]) -> Vec<Image> {
    let measured = measure_stream("saved.tar", archive).unwrap();
    assert!(measured.failures.is_empty(), "{:?}", measured.failures);
    measured.images
}

fn one(archive: &[u8]) -> Image {
    let mut images = measured(archive);
    assert_eq!(images.len(), 1);
    images.remove(0)
}

fn refusal(archive: &[u8]) -> Problem {
    measure_stream("saved.tar", archive).unwrap_err().problem
}

/// Two layers: the second replaces one file of the first and removes another.
fn two_layers() -> Vec<Vec<u8>> {
    let below = Tar::new()
        .folder("data/")
        .file("data/big", vec![b'x'; 5_000])
        .file("data/old", "old content")
        .file("data/kept", "kept")
        .symlink("data/link", "kept")
        .bytes();
    let above = Tar::new().file("./data/old", "new").file("data/.wh.big", "").bytes();
    vec![below, above]
}

/// The same image in all shapes.
fn all_shapes(tag: &str, layers: &[Vec<u8>]) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("docker before 25", docker_legacy(tag, layers)),
        ("docker from 25", archive(&oci_files(tag, layers, Packed::Not, true))),
        ("podman", podman_docker_archive(tag, layers)),
        ("OCI", archive(&oci_files(tag, layers, Packed::Not, false))),
        ("OCI, gzip", archive(&oci_files(tag, layers, Packed::Gzip, false))),
        ("OCI, zstd", archive(&oci_files(tag, layers, Packed::Zstd, false))),
        ("OCI, xz", archive(&oci_files(tag, layers, Packed::Xz, false))),
        ("OCI, bzip2", archive(&oci_files(tag, layers, Packed::Bzip2, false))),
        ("packed as a whole", gzip(&docker_legacy(tag, layers))),
    ]
}

/// How many shapes there are.
const SHAPES: usize = 9;

#[test]
fn sizes_are_those_of_the_layers() {
    let layers = two_layers();
    let image = one(&docker_legacy("bench/go:1", &layers));
    assert_eq!(image.reference, "bench/go:1");
    assert_eq!((image.engine, image.engine_says_bytes), (None, None));
    assert_eq!(image.unpacked_bytes, 5_000 + 11 + 4 + 3);
    assert_eq!(image.wasted_bytes, 5_000 + 11);
    assert_eq!(image.transfer_bytes, (gzip(&layers[0]).len() + gzip(&layers[1]).len()) as u64);

    let below = &image.layers[0];
    assert_eq!(below.digest, digest(&layers[0]));
    assert_eq!(below.created_by, "step 1");
    assert_eq!((below.unpacked_bytes, below.wasted_bytes, below.files), (5_015, 5_011, 3));
    assert_eq!((below.tar_bytes, below.symlink_bytes), (layers[0].len() as u64, 4));
    let biggest: Vec<_> = below.biggest.iter().map(|f| (f.path.as_str(), f.bytes)).collect();
    assert_eq!(biggest, [("data/big", 5_000), ("data/old", 11), ("data/kept", 4)]);

    let above = &image.layers[1];
    assert_eq!((above.unpacked_bytes, above.wasted_bytes, above.files), (3, 0, 1));
}

#[test]
fn every_shape_of_an_image_gives_the_same_figures() {
    let layers = two_layers();
    let expected = unstored(&one(&docker_legacy("bench/go:1", &layers)));
    for (shape, archive) in all_shapes("bench/go:1", &layers) {
        assert_eq!(unstored(&one(&archive)), expected, "{shape}");
    }
}

/// The image without what depends on how its layers are packed.
fn unstored(image: &Image) -> Image {
    let mut image = image.clone();
    image.stored_bytes = 0;
    for layer in &mut image.layers {
        (layer.stored_bytes, layer.packing) = (0, Packing::None);
    }
    image
}

#[test]
fn a_folder_is_as_good_as_an_archive() {
    let layers = two_layers();
    for docker_manifest in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        unpack(&oci_files("bench/go:1", &layers, Packed::Gzip, docker_manifest), folder.path());
        let images = measure_saved(folder.path()).unwrap().images;
        let packed = archive(&oci_files("bench/go:1", &layers, Packed::Gzip, docker_manifest));
        assert_eq!(images, measured(&packed));
        assert_eq!(unstored(&images[0]), unstored(&one(&docker_legacy("bench/go:1", &layers))));
    }
}

#[test]
fn a_saved_file_needs_no_engine() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("saved.tar");
    std::fs::write(&path, docker_legacy("bench/go:1", &two_layers())).unwrap();
    let asked = |path: &std::path::Path| {
        measure(path.to_str().unwrap(), |_| panic!("no engine is asked"), &|_| {})
    };
    assert_eq!(asked(&path).unwrap().images[0].reference, "bench/go:1");

    let absent = folder.path().join("absent.tar");
    let error = asked(&absent).unwrap_err();
    assert!(error.to_string().ends_with("no such file or folder"), "{error}");
}

/// What the layer `above` makes waste of: 30 bytes in three files, one of which has two names.
fn wasted_under(above: Tar) -> u64 {
    let below = Tar::new()
        .folder("d")
        .file("d/a", TEN)
        .file("d/sub/b", TEN)
        .file("e", TEN)
        .hard_link("e2", "e");
    one(&docker_legacy("t", &[below.bytes(), above.bytes()])).wasted_bytes
}

const TEN: &str = "0123456789";

#[test]
fn what_a_later_layer_replaces_is_wasted() {
    let cases = [
        ("nothing", Tar::new(), 0),
        ("the same folder again", Tar::new().folder("d/"), 0),
        ("a file beside", Tar::new().file("d/c", TEN), 0),
        ("the same file again", Tar::new().file("/d/a", TEN), 10),
        ("a link for a file", Tar::new().symlink("d/a", "e"), 10),
        ("a folder for a file", Tar::new().folder("d/a"), 10),
        ("a file for a folder", Tar::new().file("d", TEN), 20),
        ("twice in one layer", Tar::new().file("f", TEN).file("f", "n"), 10),
    ];
    for (what, above, expected) in cases {
        assert_eq!(wasted_under(above), expected, "{what}");
    }
}

#[test]
fn what_a_later_layer_removes_is_wasted() {
    let removing = |paths: &[&str]| paths.iter().fold(Tar::new(), |tar, path| tar.file(path, ""));
    let cases = [
        ("a file", removing(&["d/.wh.a"]), 10),
        ("a folder", removing(&[".wh.d"]), 20),
        ("all in a folder", removing(&["d/.wh..wh..opq"]), 20),
        ("all", removing(&[".wh..wh..opq"]), 30),
        ("what is not there", removing(&[".wh.x", "d/.wh.y"]), 0),
        ("nothing, but AUFS's bookkeeping", removing(&[".wh..wh.plnk/1.2"]), 0),
        ("one of two names", removing(&[".wh.e"]), 0),
        ("the other name", removing(&[".wh.e2"]), 0),
        ("both names", removing(&[".wh.e", ".wh.e2"]), 10),
        ("a folder written anew", removing(&["d/a", ".wh.d"]), 20),
    ];
    for (what, above, expected) in cases {
        assert_eq!(wasted_under(above), expected, "{what}");
    }
}

#[test]
fn what_comes_back_after_its_removal_is_not_wasted() {
    let layers = [
        Tar::new().file("a", "first").bytes(),
        Tar::new().file(".wh.a", "").bytes(),
        Tar::new().file("a", "third one").bytes(),
    ];
    let image = one(&docker_legacy("t", &layers));
    let wasted: Vec<_> = image.layers.iter().map(|layer| layer.wasted_bytes).collect();
    assert_eq!(wasted, [5, 0, 0]);
}

#[test]
fn paths_that_lead_outside_are_counted_and_never_written() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().join("target");
    let path = target.to_str().unwrap();
    let layer = Tar::new()
        .file(&format!("../../../../../../../..{path}"), "written")
        .file(path, "written")
        .hard_link("passwd", "/etc/passwd")
        .hard_link("loop", "loop")
        .symlink("up", "..")
        .file("up/up/x", "written");
    let image = one(&docker_legacy("t", &[layer.bytes()]));
    assert_eq!((image.unpacked_bytes, image.layers[0].files), (21, 3));
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn a_layer_that_comes_twice_counts_twice() {
    let layer = Tar::new().file("a", "12345").bytes();
    let layers = [layer.clone(), layer];
    for (shape, archive) in all_shapes("t", &layers) {
        let image = one(&archive);
        assert_eq!((image.unpacked_bytes, image.wasted_bytes), (10, 5), "{shape}");
    }
}

#[test]
fn images_without_layers_or_history_are_images() {
    let empty = one(&docker_legacy("empty", &[]));
    assert_eq!((empty.unpacked_bytes, empty.layers.len()), (0, 0));

    let layers = two_layers();
    let mut silent = config(&layers);
    silent.as_object_mut().unwrap().remove("history");
    let image = one(&docker_legacy_with("t", &layers, &silent));
    assert!(image.layers.iter().all(|layer| layer.created_by.is_empty()));

    let nothing = vec![vec![0; 1_024]];
    assert_eq!(one(&docker_legacy("t", &nothing)).layers[0].files, 0);
}

#[test]
fn images_that_share_layers_own_the_rest() {
    let base = Tar::new().file("base", vec![1; 1_000]).bytes();
    let go = Tar::new().file("go", vec![2; 200]).bytes();
    let python = Tar::new().file("python", vec![3; 30]).bytes();
    let images = [
        one(&docker_legacy("go", &[base.clone(), go])),
        one(&docker_legacy("python", &[base.clone(), python])),
        one(&docker_legacy("base", &[base])),
    ];
    assert_eq!(own_bytes(&images), [200, 30, 0]);
    assert_eq!(own_bytes(&images[..1]), [1_200]);
    assert_eq!(own_bytes(&[]), [0_u64; 0]);
}

#[test]
fn platforms_of_one_name_are_told_apart() {
    let layers = two_layers();
    let mut files = oci_files("t", &layers, Packed::Not, false);
    let (_, index) = files.pop().unwrap();
    let mut index: serde_json::Value = serde_json::from_slice(&index).unwrap();
    let mut arm = config(&layers);
    arm["architecture"] = json!("arm64");
    let arm = arm.to_string();
    let manifest = json!({
        "config": { "digest": digest(arm.as_bytes()) },
        "layers": layers.iter().map(|l| json!({ "digest": digest(l) })).collect::<Vec<_>>()
    });
    let manifest = manifest.to_string();
    for document in [&arm, &manifest] {
        let name = digest(document.as_bytes()).replace(':', "/");
        files.push((format!("blobs/{name}"), document.clone().into_bytes()));
    }
    let manifests = index["manifests"].as_array_mut().unwrap();
    let absent = json!({ "digest": digest(b"a platform that was not saved") });
    let arm = json!({
        "digest": digest(manifest.as_bytes()),
        "annotations": { "io.containerd.image.name": "t" }
    });
    manifests.extend([absent, arm]);
    files.push(("index.json".to_owned(), index.to_string().into_bytes()));
    let images = measured(&archive(&files));
    let names: Vec<_> = images.iter().map(|image| image.reference.as_str()).collect();
    assert_eq!(names, ["t (linux/amd64)", "t (linux/arm64)"]);
}

#[test]
fn a_changed_layer_is_refused_by_name() {
    let layers = two_layers();
    let other = vec![layers[0].clone(), Tar::new().file("data/old", "NEW").bytes()];
    let swapped = docker_legacy_with("t", &other, &config(&layers));
    let error = measure_stream("saved.tar", &swapped[..]).unwrap_err();
    let Problem::DigestMismatch { part, name, expected, found } = &error.problem else {
        panic!("{error}");
    };
    assert_eq!((*part, name), ("layer", &format!("{:064}/layer.tar", 1)));
    assert_eq!((expected, found), (&digest(&layers[1]), &digest(&other[1])));
    assert!(error.to_string().starts_with("cannot measure saved.tar: the layer 0000"), "{error}");
}

#[test]
fn a_changed_configuration_is_refused_by_name() {
    let mut files = oci_files("t", &two_layers(), Packed::Not, false);
    let config = files.iter_mut().find(|(_, content)| content.starts_with(b"{\"arch")).unwrap();
    config.1 = String::from_utf8(config.1.clone()).unwrap().replace("step 1", "step 9").into();
    let problem = refusal(&archive(&files));
    assert!(matches!(&problem, Problem::DigestMismatch { part: "configuration", .. }), "{problem}");
}

#[test]
fn what_is_no_image_is_refused_with_the_remedy() {
    let cases: [(&str, Vec<u8>); 6] = [
        ("empty", Vec::new()),
        ("text", b"root:x:0:0:root:/root:/bin/bash\n".repeat(40)),
        ("a tar of other things", Tar::new().file("a", "b").file("c/d", "{}").bytes()),
        ("an empty tar", Tar::new().bytes()),
        ("no images", Tar::new().file("manifest.json", "[]").bytes()),
        ("gzip of text", gzip(b"hello")),
    ];
    for (what, bytes) in cases {
        let error = measure_stream("it", &bytes[..]).unwrap_err();
        assert!(matches!(error.problem, Problem::NotAnImage(_)), "{what}: {error}");
        assert!(error.to_string().contains("`docker save`"), "{what}: {error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let error = measure_saved(folder.path()).unwrap_err();
    assert!(error.to_string().contains("neither index.json nor manifest.json"), "{error}");
}

#[test]
fn what_is_missing_or_malformed_is_named() {
    let layers = two_layers();
    let files = oci_files("t", &layers, Packed::Gzip, false);
    for (name, part) in [(&files[1].0, "layer"), (&files[3].0, "configuration")] {
        let rest: Vec<_> = files.iter().filter(|(other, _)| other != name).cloned().collect();
        let problem = refusal(&archive(&rest));
        let Problem::Missing { part: missing, name: absent } = &problem else {
            panic!("{problem}");
        };
        assert_eq!((*missing, absent), (part, name));
    }
    let mut not_tar = docker_legacy("t", &[b"not a tar archive".to_vec()]);
    assert!(refusal(&not_tar).to_string().contains("it is not a tar archive"));
    let digits = gzip(b"packed, but no tar archive");
    not_tar = docker_legacy("t", &[digits]);
    assert!(matches!(refusal(&not_tar), Problem::Malformed { part: "layer", .. }));

    let mut short = config(&layers);
    short["rootfs"]["diff_ids"].as_array_mut().unwrap().pop();
    let problem = refusal(&docker_legacy_with("t", &layers, &short));
    assert!(problem.to_string().contains("it has 1 layers, the manifest 2"), "{problem}");
    let problem = refusal(&Tar::new().file("manifest.json", "[{]").bytes());
    assert!(problem.to_string().contains("manifest manifest.json cannot be used"), "{problem}");
}

#[test]
fn the_report_has_the_published_shape() {
    let layers = vec![Tar::new().file("a", "12345").bytes()];
    let image = one(&docker_legacy("bench/go", &layers));
    let (transfer_bytes, stored_bytes) = (gzip(&layers[0]).len(), layers[0].len());
    let expected = json!({
        "version": 1,
        "images": [{
            "reference": "bench/go", "names": ["bench/go"], "platform": "linux/amd64",
            "engine": null, "unpacked_bytes": 5, "transfer_bytes": transfer_bytes,
            "stored_bytes": stored_bytes, "wasted_bytes": 0, "engine_says_bytes": null,
            "layers": [{
                "digest": digest(&layers[0]), "created_by": "step 1", "unpacked_bytes": 5,
                "transfer_bytes": transfer_bytes, "stored_bytes": stored_bytes,
                "packing": "none", "wasted_bytes": 0, "tar_bytes": layers[0].len(),
                "symlink_bytes": 0, "files": 1, "biggest": [{ "path": "a", "bytes": 5 }],
                "wasted_files": []
            }]
        }],
        "differences": [], "exceeded": [], "failures": [], "notes": []
    });
    let measured = Measured { images: vec![image], ..Measured::default() };
    let report = ImageReport::new(vec![("saved.tar".to_owned(), measured)], Limits::default());
    assert_eq!(serde_json::to_value(report).unwrap(), expected);
    let validator = jsonschema::validator_for(&Schema::Image.value()).unwrap();
    assert!(validator.is_valid(&expected));
    for field in ["engine", "layers"] {
        let mut spoilt = expected.clone();
        spoilt["images"][0].as_object_mut().unwrap().remove(field);
        assert!(!validator.is_valid(&spoilt), "{field}");
    }
}

#[expect(clippy::cast_precision_loss, reason = "some kilobytes")]
fn kilobytes(bytes: u64) -> String {
    let kilobytes = bytes as f64 / 1_000.0;
    if kilobytes < 9.995 { format!("{kilobytes:.2} kB") } else { format!("{kilobytes:.1} kB") }
}

#[test]
fn the_description_tells_each_layer() {
    let mut image = one(&docker_legacy("bench/go:\u{1b}[2J1", &two_layers()));
    image.engine = Some("docker".to_owned());
    image.engine_says_bytes = Some(image.unpacked_bytes + 4);
    let text = describe(&image);
    let below = &image.layers[0];
    let beginning = format!(
        "bench/go:\\u{{1b}}[2J1 (docker)\n\
         \x20 unpacked  5.02 kB: the files of all layers\n\
         \x20 transfer  {} B: each layer's tar, gzip level 6\n\
         \x20 stored    {}: the layers as the archive has them, not packed\n\
         \x20 wasted    5.01 kB: removed or replaced by a later layer\n\
         \x20 docker says 5.02 kB: it adds the targets of symbolic links (4 B)\n\
         \n\
         \x20 layer 1/2  {}  5.02 kB unpacked, {} B transfer, {} stored, 3 files\n\
         \x20   step 1\n\
         \x20     5.00 kB  data/big\n\
         \x20        11 B  data/old\n\
         \x20         4 B  data/kept\n\
         \x20   5.01 kB of it wasted, the biggest files:\n\
         \x20     5.00 kB  data/big, removed by layer 2\n\
         \x20        11 B  data/old, replaced by layer 2\n",
        image.transfer_bytes,
        kilobytes(image.stored_bytes),
        &below.digest[..19],
        below.transfer_bytes,
        kilobytes(below.stored_bytes)
    );
    assert!(text.starts_with(&beginning), "{text}\nshould begin\n{beginning}");
    assert!(text.contains("3 B unpacked") && text.contains("1 file\n"), "{text}");
}

proptest! {
    // The same cases every time, and none written into the sources.
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20),
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_truncated_archive_is_refused_or_whole(shape in 0..SHAPES, cut in 0.0..1.0_f64) {
        let (name, archive) = all_shapes("t", &two_layers()).swap_remove(shape);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 <= cut < 1")]
        let length = (archive.len() as f64 * cut) as usize;
        // A tar ends in empty blocks, so one that lost only those is whole.
        if let Ok(found) = measure_stream("cut", &archive[..length]) {
            prop_assert_eq!(found.images, measured(&archive), "{} cut at {}", name, length);
        }
    }

    #[test]
    fn a_changed_byte_never_changes_a_layer(
        shape in 0..SHAPES, place in any::<prop::sample::Index>(), byte in any::<u8>(),
    ) {
        let (name, mut archive) = all_shapes("t", &two_layers()).swap_remove(shape);
        let expected = one(&archive);
        let place = place.index(archive.len());
        archive[place] = byte;
        for image in measure_stream("changed", &archive[..]).unwrap_or_default().images {
            let sizes = image.layers.iter().zip(&expected.layers);
            for (found, expected) in sizes {
                prop_assert_eq!(&found.digest, &expected.digest, "{} byte {}", name, place);
                prop_assert_eq!(found.unpacked_bytes, expected.unpacked_bytes);
                prop_assert_eq!(found.transfer_bytes, expected.transfer_bytes);
            }
        }
    }

    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        prop_assert!(measure_stream("noise", &bytes[..]).is_err());
        let image = docker_legacy("t", &[bytes]);
        let _ = measure_stream("noise in a layer", &image[..]);
    }
}
