//! The forms of archives and folders that docker, podman, skopeo, buildah, oras, Bazel and
//! containerd write.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::Path;

use jigger::image::{Measured, Packing, Problem, measure, measure_saved, measure_stream};
use serde_json::{Value, json};
use sha2::{Digest, Sha512};

use crate::archives::{
    Layout, Packed, Tar, archive, config, digest, docker_legacy, docker_legacy_with, gzip, hex,
    named, oci_files, unpack, with,
};
use crate::{measured, one, refusal, two_layers, unstored};

const AMD64: &str = r#"{ "os": "linux", "architecture": "amd64" }"#;

fn platform(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn layer(bytes: usize) -> Vec<u8> {
    Tar::new().file("file", vec![b'f'; bytes]).bytes()
}

fn found(archive: &[u8]) -> Measured {
    measure_stream("saved.tar", archive).unwrap()
}

/// Names and unpacked bytes, and the notes.
fn told(archive: &[u8]) -> (Vec<(String, u64)>, String) {
    let found = found(archive);
    assert!(found.failures.is_empty(), "{:?}", found.failures);
    let images = found.images.iter().map(|it| (it.reference.clone(), it.unpacked_bytes));
    (images.collect(), found.notes.join("\n"))
}

#[test]
fn every_packing_is_read_outside_and_as_layers() {
    let layers = two_layers();
    let expected = unstored(&one(&docker_legacy("t", &layers)));
    let packings = [Packed::Gzip, Packed::Zstd, Packed::Xz, Packed::Bzip2];
    let names = [Packing::Gzip, Packing::Zstd, Packing::Xz, Packing::Bzip2];
    for (packed, name) in packings.into_iter().zip(names) {
        assert_eq!(
            unstored(&one(&packed.pack(&docker_legacy("t", &layers)))),
            expected,
            "{name:?}"
        );
        let image = one(&archive(&oci_files("t", &layers, packed, false)));
        assert_eq!(unstored(&image), expected, "{name:?}");
        let stored: Vec<_> = image.layers.iter().map(|it| (it.packing, it.stored_bytes)).collect();
        let sizes = layers.iter().map(|layer| (name, packed.pack(layer).len() as u64));
        assert_eq!(stored, sizes.collect::<Vec<_>>());
        assert_eq!(image.stored_bytes, stored.iter().map(|(_, bytes)| bytes).sum::<u64>());
    }
}

/// A zstd frame of one raw block that asks for a window of 2 to that exponent.
fn zstd_of_window(exponent: u8, content: &[u8]) -> Vec<u8> {
    let block = u32::try_from(content.len()).unwrap() << 3 | 1;
    let header = [0x28, 0xb5, 0x2f, 0xfd, 0, (exponent - 10) << 3];
    [&header[..], &block.to_le_bytes()[..3], content].concat()
}

#[test]
fn zstd_windows_of_any_size_that_zstd_writes_are_read() {
    let layer = layer(100);
    let archive = docker_legacy("t", &[layer]);
    for exponent in [25, 27, 31] {
        let packed = zstd_of_window(exponent, &archive);
        assert_eq!(one(&packed).unpacked_bytes, 100, "2^{exponent}");
    }
    let message = refusal(&zstd_of_window(32, &archive)).to_string();
    assert!(message.contains("packed with zstd, and its zstd window of 4294967296"), "{message}");
}

#[test]
fn what_follows_a_whole_stream_is_noted() {
    let archive = docker_legacy("t", &[layer(7)]);
    let (images, notes) = told(&[&gzip(&archive)[..], b"and more"].concat());
    assert_eq!(images, [("t".to_owned(), 7)]);
    assert!(
        notes.contains("has bytes that are not gzip after the end of its gzip stream"),
        "{notes}"
    );
    assert_eq!(told(&gzip(&archive)).1, "");
}

#[test]
fn what_is_attached_to_an_image_is_passed_over_and_said() {
    let mut layout = Layout::new();
    let image = layout.image(&platform(AMD64), &[layer(10)]);
    let empty =
        with(layout.blob(b"{}"), &json!({ "mediaType": "application/vnd.oci.empty.v1+json" }));
    let list = with(layout.blob(b"{\"a\":1}"), &json!({ "mediaType": "application/spdx+json" }));
    let attached =
        json!({ "artifactType": "application/spdx+json", "config": empty, "layers": [list] });
    let attached = layout.manifest(&attached);
    // cosign calls its configuration an image's, and so does BuildKit for its attestations.
    let image_config = json!({ "mediaType": "application/vnd.oci.image.config.v1+json" });
    let signing = "application/vnd.dev.cosign.simplesigning.v1+json";
    let signature = with(layout.blob(b"{\"critical\":{}}"), &json!({ "mediaType": signing }));
    let config = with(layout.blob(b"{\"rootfs\":{}}"), &image_config);
    let signature = layout.manifest(&json!({ "config": config, "layers": [signature] }));
    let unknown = json!({ "platform": { "os": "unknown", "architecture": "unknown" } });
    let attestation = with(layout.blob(b"{\"in-toto\":1}"), &unknown);
    let chart = json!({ "mediaType": "application/vnd.cncf.helm.config.v1+json" });
    let chart = json!({ "config": with(layout.blob(b"{\"name\":\"c\"}"), &chart) });
    let chart = layout.manifest(&chart);
    let first_schema =
        layout.manifest(&json!({ "schemaVersion": 1, "fsLayers": [{ "blobSum": "x" }] }));
    let listed = [attached, signature, attestation, chart, first_schema];
    let layout = listed.into_iter().fold(layout.list(named(image, "v1")), Layout::list);
    let (images, notes) = told(&layout.bytes());
    assert_eq!(images, [("v1".to_owned(), 10)]);
    for sort in ["application/spdx+json", signing, "no platform", "helm", "first schema"] {
        assert!(notes.contains(sort), "{sort}: {notes}");
    }
    assert_eq!(notes.lines().count(), 5, "{notes}");
}

#[test]
fn an_archive_of_other_things_alone_says_what_they_are() {
    let mut layout = Layout::new();
    let config = with(layout.blob(b"{}"), &json!({ "mediaType": "application/vnd.x" }));
    let other = layout.manifest(&json!({ "config": config, "layers": [] }));
    let message = refusal(&layout.list(other).bytes()).to_string();
    assert!(message.contains("not an image but application/vnd.x"), "{message}");
}

#[test]
fn platforms_that_are_not_there_are_passed_over() {
    let mut layout = Layout::new();
    let here = layout.image(&platform(AMD64), &[layer(10)]);
    let arm = json!({ "platform": { "os": "linux", "architecture": "arm", "variant": "v6" } });
    let absent = with(json!({ "digest": digest(b"absent") }), &arm);
    // Its manifest is there, its configuration is not.
    let hollow = json!({ "config": { "digest": digest(b"no config") }, "layers": [] });
    let hollow = layout.manifest(&hollow);
    // Its layers are not.
    let unlayered = json!({ "rootfs": { "diff_ids": [digest(b"none")] } }).to_string();
    let unlayered = layout.blob(unlayered.as_bytes());
    let unlayered = json!({ "config": unlayered, "layers": [{ "digest": digest(b"none") }] });
    let unlayered = layout.manifest(&unlayered);
    let index = layout.manifest(&json!({ "manifests": [absent, here, hollow, unlayered] }));
    let (images, notes) = told(&layout.list(named(index, "t:1")).bytes());
    assert_eq!(images, [("t:1".to_owned(), 10)]);
    assert!(notes.contains("ignored t:1 for linux/arm/v6"), "{notes}");
    for part in ["manifest", "configuration", "layer"] {
        assert!(notes.contains(&format!("its {part} is not in the archive")), "{part}: {notes}");
    }
}

#[test]
fn every_platform_is_shown_and_told_from_the_others() {
    let mut layout = Layout::new();
    let platforms = [
        r#"{ "os": "linux", "architecture": "arm", "variant": "v6" }"#,
        r#"{ "os": "linux", "architecture": "arm", "variant": "v7" }"#,
        r#"{ "os": "windows", "architecture": "amd64", "os.version": "10.0.17763.1" }"#,
        r#"{ "os": "windows", "architecture": "amd64", "os.version": "10.0.20348.1" }"#,
    ];
    let manifests: Vec<_> = platforms
        .iter()
        .zip(1..)
        .map(|(text, bytes)| layout.image(&platform(text), &[layer(bytes)]))
        .collect();
    let index = layout.manifest(&json!({ "manifests": manifests }));
    let (images, _) = told(&layout.list(named(index, "t")).bytes());
    let names: Vec<_> = images.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "t (linux/arm/v6)",
            "t (linux/arm/v7)",
            "t (windows/amd64 10.0.17763.1)",
            "t (windows/amd64 10.0.20348.1)"
        ]
    );
}

#[test]
fn the_variant_may_stand_in_the_index_alone_and_equal_platforms_have_their_ids() {
    let mut layout = Layout::new();
    let mut arm = |variant: &str, bytes| {
        let text = r#"{ "os": "linux", "architecture": "arm" }"#;
        let image = layout.image(&platform(text), &[layer(bytes)]);
        with(image, &json!({ "platform": { "variant": variant } }))
    };
    let listed = [arm("v6", 1), arm("v7", 2), arm("v7", 3)];
    let images = measured(&listed.into_iter().fold(layout, Layout::list).bytes());
    assert_eq!(images[0].reference, "saved.tar (linux/arm/v6)");
    assert!(images[1].reference.starts_with("saved.tar (linux/arm/v7) sha256:"));
    assert_ne!(images[1].reference, images[2].reference);
}

/// What containerd and Docker from version 25 on write: Docker's manifest names one platform, the
/// index all.
#[test]
fn both_manifests_of_an_archive_are_read() {
    let mut layout = Layout::new();
    let layers = [layer(88)];
    let amd = layout.image(&platform(AMD64), &layers);
    let arm =
        layout.image(&platform(r#"{ "os": "linux", "architecture": "arm64" }"#), &[layer(77)]);
    let index = layout.manifest(&json!({ "manifests": [amd, arm] }));
    let names = json!({ "annotations": {
        "io.containerd.image.name": "docker.io/library/multi:1",
        "org.opencontainers.image.ref.name": "1"
    }});
    let mut files = layout.list(with(index, &names)).files();
    let config = with(config(&layers), &platform(AMD64)).to_string();
    let saved = json!([{
        "Config": format!("blobs/sha256/{}", hex(config.as_bytes())),
        "RepoTags": ["multi:1", "multi:latest"],
        "Layers": [format!("blobs/sha256/{}", hex(&layers[0]))]
    }]);
    files.push(("manifest.json".to_owned(), saved.to_string().into_bytes()));
    let images = measured(&archive(&files));
    let told: Vec<_> = images.iter().map(|it| (it.reference.as_str(), it.unpacked_bytes)).collect();
    assert_eq!(told, [("multi:1 (linux/amd64)", 88), ("multi:1 (linux/arm64)", 77)]);
    assert_eq!(images[0].names, ["multi:1", "multi:latest"]);
    assert_eq!(images[1].names, ["multi:1"]);
}

#[test]
fn an_image_with_two_names_is_one_image() {
    let mut layout = Layout::new();
    let image = layout.image(&platform(AMD64), &[layer(5)]);
    let layout = layout.list(named(image.clone(), "app:1.0")).list(named(image, "app:latest"));
    let images = measured(&layout.bytes());
    assert_eq!(images.len(), 1);
    assert_eq!(images[0].names, ["app:1.0", "app:latest"]);
    assert!(jigger::image::describe(&images[0]).starts_with("app:1.0, app:latest\n"));
}

#[test]
fn one_bad_image_does_not_hide_the_others_of_its_archive() {
    let mut layout = Layout::new();
    let good = layout.image(&platform(AMD64), &[layer(5)]);
    let config = config(&[layer(6)]).to_string();
    let config = layout.blob(config.as_bytes());
    let swapped = layout.blob(&layer(7));
    let bad = layout.manifest(&json!({ "config": config, "layers": [swapped] }));
    let layout = layout.list(named(bad, "bad")).list(named(good, "good"));
    let found = found(&layout.bytes());
    assert_eq!(found.images[0].reference, "good");
    let message = found.failures[0].to_string();
    assert!(message.starts_with("cannot measure bad of saved.tar: the layer"), "{message}");
    assert!(message.contains("does not match its digest"), "{message}");
}

#[test]
fn digests_may_be_sha512() {
    let sha512 = |bytes: &[u8]| -> String {
        Sha512::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    };
    let layer = layer(9);
    let config = json!({ "rootfs": { "diff_ids": [format!("sha512:{}", sha512(&layer))] } });
    let config = config.to_string();
    let digest_of = |bytes: &[u8]| format!("sha512:{}", sha512(bytes));
    let manifest = json!({
        "config": { "digest": digest_of(config.as_bytes()) },
        "layers": [{ "digest": digest_of(&layer) }]
    });
    let manifest = manifest.to_string();
    let index = json!({ "manifests": [{ "digest": digest_of(manifest.as_bytes()) }] });
    let blob = |bytes: &[u8]| (format!("blobs/sha512/{}", sha512(bytes)), bytes.to_vec());
    let mut files = vec![blob(&layer), blob(config.as_bytes()), blob(manifest.as_bytes())];
    files.push(("index.json".to_owned(), index.to_string().into_bytes()));
    let image = one(&archive(&files));
    assert_eq!((image.unpacked_bytes, &image.layers[0].digest), (9, &digest(&layer)));

    files[1].1.push(b' ');
    let problem = refusal(&archive(&files));
    assert!(matches!(problem, Problem::DigestMismatch { part: "configuration", .. }), "{problem}");
    let other = json!({ "manifests": [{ "digest": format!("md5:{}", "0".repeat(32)) }] });
    let files = [
        ("index.json".to_owned(), other.to_string().into_bytes()),
        (format!("blobs/md5/{}", "0".repeat(32)), b"{}".to_vec()),
    ];
    let message = refusal(&archive(&files)).to_string();
    assert!(message.contains("neither sha256 nor sha512"), "{message}");
}

#[test]
fn a_configuration_not_named_by_its_digest_is_taken_and_noted() {
    let layer = layer(5);
    let config = config(std::slice::from_ref(&layer)).to_string();
    let name = format!("{}.json", "0".repeat(64));
    let saved = json!([{ "Config": name, "RepoTags": ["t"], "Layers": ["layer.tar"] }]).to_string();
    let archive = Tar::new()
        .file("layer.tar", &layer)
        .file(&name, &config)
        .file("manifest.json", saved)
        .bytes();
    let (images, notes) = told(&archive);
    assert_eq!(images, [("t".to_owned(), 5)]);
    assert!(notes.contains(&format!("which is {}", digest(config.as_bytes()))), "{notes}");
}

#[test]
fn layers_without_bytes_are_layers() {
    let image = one(&docker_legacy("t", &[layer(5), Vec::new()]));
    assert_eq!((image.layers.len(), image.unpacked_bytes, image.layers[1].files), (2, 5, 0));
}

/// As podman's zstd:chunked leaves them out.
#[test]
fn a_layer_may_lack_zeros_at_its_end_and_nothing_else() {
    let mut layer = layer(5);
    let config = config(std::slice::from_ref(&layer));
    layer.truncate(layer.len() - 512);
    let image = one(&docker_legacy_with("t", std::slice::from_ref(&layer), &config));
    assert_eq!(image.layers[0].digest, config["rootfs"]["diff_ids"][0]);
    layer[512] = b'g';
    let problem = measure_stream("t", &docker_legacy_with("t", &[layer], &config)[..]).unwrap_err();
    assert!(matches!(problem.problem, Problem::DigestMismatch { part: "layer", .. }), "{problem}");
}

#[test]
fn a_layer_that_is_elsewhere_or_encrypted_is_told_so() {
    let mut layout = Layout::new();
    let layers = [layer(5), layer(6)];
    let config = layout.blob(config(&layers).to_string().as_bytes());
    let here = layout.blob(&layers[1]);
    let foreign = json!({ "digest": digest(&layers[0]), "urls": ["https://example.org/layer"] });
    let manifest = layout.manifest(&json!({ "config": config, "layers": [foreign, here] }));
    let message = refusal(&layout.list(manifest).bytes()).to_string();
    assert!(message.contains("available only from https://example.org/layer"), "{message}");
    assert!(!message.contains("Save the image again"), "{message}");

    let mut layout = Layout::new();
    let config = layout.blob(crate::archives::config(&layers[..1]).to_string().as_bytes());
    let sort = json!({ "mediaType": "application/vnd.oci.image.layer.v1.tar+gzip+encrypted" });
    let encrypted = with(layout.blob(b"no one can read this"), &sort);
    let manifest = layout.manifest(&json!({ "config": config, "layers": [encrypted] }));
    let message = refusal(&layout.list(manifest).bytes()).to_string();
    assert!(message.contains("is encrypted; decrypt the image first"), "{message}");
}

/// `skopeo copy ... dir:FOLDER`, `podman save --format docker-dir`: a manifest and blobs at the top.
#[test]
fn the_folders_of_skopeo_and_podman_are_read() {
    let layers = two_layers();
    let expected = unstored(&one(&docker_legacy("t", &layers)));
    for packed in [Packed::Not, Packed::Gzip] {
        let folder = tempfile::tempdir().unwrap();
        for (name, content) in oci_files("t", &layers, packed, false) {
            let is_manifest = content.starts_with(br#"{"schemaVersion":2,"config""#);
            let name = name.strip_prefix("blobs/sha256/").filter(|_| !is_manifest);
            match name {
                Some(name) => fs::write(folder.path().join(name), content).unwrap(),
                None if is_manifest => {
                    fs::write(folder.path().join("manifest.json"), content).unwrap();
                }
                None => {}
            }
        }
        fs::write(folder.path().join("version"), "Directory Transport Version: 1.1\n").unwrap();
        let image = measure_saved(folder.path()).unwrap().images.remove(0);
        assert_eq!(image.layers.len(), 2);
        assert_eq!(unstored(&image).layers, expected.layers);
    }
}

/// `skopeo copy --all ... dir:FOLDER`: the index as the manifest, each manifest with an ending.
#[test]
fn such_a_folder_may_have_all_platforms() {
    let mut layout = Layout::new();
    let arm = layout.image(&platform(r#"{ "os": "linux", "architecture": "arm64" }"#), &[layer(1)]);
    let amd = layout.image(&platform(AMD64), &[layer(2)]);
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in layout.list(arm).list(amd).files() {
        let name = match name.strip_prefix("blobs/sha256/") {
            Some(digits) if content.starts_with(br#"{"config""#) => {
                format!("{digits}.manifest.json")
            }
            Some(digits) => digits.to_owned(),
            None => "manifest.json".to_owned(),
        };
        fs::write(folder.path().join(name), content).unwrap();
    }
    let images = measure_saved(folder.path()).unwrap().images;
    let bytes: Vec<_> = images.iter().map(|image| image.unpacked_bytes).collect();
    assert_eq!(bytes, [1, 2]);
}

/// A layout in `folder` whose blobs are links to files in `store`.
fn linked(folder: &Path, store: &Path, relative: &str) {
    let files = oci_files("t", &two_layers(), Packed::Gzip, false);
    unpack(&files, folder);
    fs::create_dir_all(store).unwrap();
    for (name, content) in files.iter().filter(|(name, _)| name.starts_with("blobs/")) {
        let (blob, file) = (folder.join(name), Path::new(name).file_name().unwrap());
        fs::write(store.join(file), content).unwrap();
        fs::remove_file(&blob).unwrap();
        let target = match relative {
            "" => store.join(file),
            relative => Path::new(relative).join(file),
        };
        symlink(target, blob).unwrap();
    }
}

#[test]
fn blobs_may_be_links_to_the_folders_neighbours() {
    let tree = tempfile::tempdir().unwrap();
    let (out, store) = (tree.path().join("out"), tree.path().join("external/blobs"));
    linked(&out, &store, "../../../external/blobs");
    assert_eq!(measure_saved(&out).unwrap().images[0].wasted_bytes, 5_011);
    // Absolute ones, as Bazel's cache has them.
    let (out, store) = (tree.path().join("out2"), tree.path().join("external2"));
    linked(&out, &store, "");
    assert_eq!(measure_saved(&out).unwrap().images[0].wasted_bytes, 5_011);
}

#[test]
fn in_bazels_output_links_may_lead_to_all_of_it() {
    let tree = tempfile::tempdir().unwrap();
    let out = tree.path().join("execroot/_main/bazel-out/k8/bin/image");
    linked(&out, &tree.path().join("external/base"), "");
    assert_eq!(measure_saved(&out).unwrap().images[0].wasted_bytes, 5_011);
}

#[test]
fn links_that_leave_the_tree_or_lead_nowhere_are_refused() {
    let tree = tempfile::tempdir().unwrap();
    let out = tree.path().join("a/out");
    linked(&out, &tree.path().join("outside"), "");
    let message = measure_saved(&out).unwrap_err().to_string();
    assert!(message.contains("which is not below"), "{message}");

    fs::remove_dir_all(tree.path().join("outside")).unwrap();
    let message = measure_saved(&out).unwrap_err().to_string();
    assert!(message.contains("it is a link that leads nowhere"), "{message}");
}

#[test]
fn prefixes_name_the_form_and_choose_an_image() {
    let folder = tempfile::tempdir().unwrap();
    let layout = folder.path().join("layout");
    let mut images = Layout::new();
    let (one, two) =
        (images.image(&platform(AMD64), &[layer(1)]), images.image(&platform(AMD64), &[layer(2)]));
    let files = images.list(named(one, "app:1")).list(named(two, "2")).files();
    unpack(&files, &layout);
    let saved = folder.path().join("saved.tar");
    fs::File::create(&saved).unwrap().write_all(&archive(&files)).unwrap();
    let (layout, saved) = (layout.display(), saved.display());
    let bytes = |subject: String| {
        let measured = measure(&subject, |_| panic!("no engine is asked"), &|_| {});
        measured.map(|it| it.images.iter().map(|it| it.unpacked_bytes).collect::<Vec<_>>())
    };
    let cases = [
        (format!("oci:{layout}"), &[1, 2][..]),
        (format!("oci:{layout}:app:1"), &[1]),
        (format!("oci:{layout}:2"), &[2]),
        (format!("oci:{layout}:@1"), &[2]),
        (format!("oci-archive:{saved}:1"), &[1]),
        (format!("docker-archive:{saved}"), &[1, 2]),
    ];
    for (subject, expected) in cases {
        assert_eq!(bytes(subject.clone()).unwrap(), expected, "{subject}");
    }
    let message = bytes(format!("oci:{layout}:3")).unwrap_err().to_string();
    assert!(message.ends_with("it has no image named 3; it has app:1, 2"), "{message}");
    let message = bytes(format!("dir:{layout}/none")).unwrap_err().to_string();
    assert!(message.ends_with("no such file or folder"), "{message}");
    let message = bytes("docker://alpine".to_owned()).unwrap_err().to_string();
    assert!(message.contains("pull it first"), "{message}");
}

#[test]
fn no_word_of_a_library_is_in_a_message() {
    for (name, text) in [
        ("manifest.json", "[{]"),
        ("manifest.json", "[1, 2]"),
        ("manifest.json", "{\"config\": 5}"),
        ("index.json", "{\"manifests\": {}}"),
        ("index.json", "[\"manifests\"]"),
        ("index.json", "{"),
    ] {
        let message = refusal(&Tar::new().file(name, text).bytes()).to_string();
        assert!(message.contains(&format!("{name} cannot be used: line 1, column")), "{message}");
        for word in ["expected", "invalid type", "sequence", "map", "EOF", "struct"] {
            assert!(!message.contains(word), "{message}");
        }
    }
}
