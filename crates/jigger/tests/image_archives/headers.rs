//! Tar headers that are read otherwise by the letter than by GNU tar and Docker, whose figures these
//! are.

use jigger::image::Image;
use tar::{EntryType, Header};

use crate::archives::{Tar, docker_legacy};
use crate::one;

/// The image with that layer, and 20 bytes of a file that comes last.
fn measured(tar: Tar) -> Image {
    let layer = tar.file("last", [b'z'; 20]).bytes();
    one(&docker_legacy("t", &[layer]))
}

fn sized(kind: EntryType) -> impl FnOnce(&mut Header) {
    move |header| {
        header.set_entry_type(kind);
        header.set_size(1_500);
    }
}

#[test]
fn a_size_in_the_header_of_what_has_no_content_means_nothing() {
    for kind in [
        EntryType::Directory,
        EntryType::Link,
        EntryType::Symlink,
        EntryType::Char,
        EntryType::Block,
        EntryType::Fifo,
    ] {
        let tar = Tar::new().file("f", [b'y'; 1_500]).header("d", b"", sized(kind));
        let image = measured(tar);
        assert_eq!((image.unpacked_bytes, image.layers[0].files), (1_520, 2), "{kind:?}");
    }
}

#[test]
fn old_headers_and_long_names_are_read() {
    let old = |header: &mut Header| header.as_mut_bytes()[257..].fill(0);
    let image = measured(Tar::new().header("v7", b"12345", old));
    assert_eq!((image.unpacked_bytes, image.layers[0].files), (25, 2));
    let mut layer = Tar::new().header("v7", b"12345", old).bytes();
    layer.truncate(1_024);
    assert_eq!(one(&docker_legacy("t", &[layer])).unpacked_bytes, 5);

    let long = "d/".repeat(200) + "file";
    let gnu = Tar::new().header("././@LongLink", format!("{long}\0").as_bytes(), |header| {
        header.set_entry_type(EntryType::GNULongName);
    });
    let image = measured(gnu.file("short", [0; 30]));
    assert_eq!(image.layers[0].biggest[0].path, long);
    let pax = Tar::new().pax(&[("path", &long), ("size", "30")]);
    let image = measured(pax.header("short", &[0; 30], |header| header.set_size(0)));
    assert_eq!((&image.layers[0].biggest[0].path, image.unpacked_bytes), (&long, 50));
}

/// A file of 3 MiB with "head" at its beginning and "tail" at 1 MiB.
const SPARSE_BYTES: &str = "3145728";

/// The pieces of that file, each padded as GNU tar pads them.
fn pieces() -> Vec<u8> {
    let mut pieces = vec![0; 1_024];
    pieces[..4].copy_from_slice(b"head");
    pieces[512..516].copy_from_slice(b"tail");
    pieces
}

/// The file in each form that GNU tar writes (`--sparse --format=pax --sparse-version=...`).
fn sparse_forms() -> Vec<(&'static str, Tar)> {
    let zero = [
        ("GNU.sparse.size", SPARSE_BYTES),
        ("GNU.sparse.numblocks", "2"),
        ("GNU.sparse.offset", "0"),
        ("GNU.sparse.numbytes", "512"),
        ("GNU.sparse.offset", "1048576"),
        ("GNU.sparse.numbytes", "512"),
    ];
    let one = [
        ("GNU.sparse.size", SPARSE_BYTES),
        ("GNU.sparse.numblocks", "2"),
        ("GNU.sparse.map", "0,512,1048576,512"),
        ("GNU.sparse.name", "sparse"),
    ];
    let two = [
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", "sparse"),
        ("GNU.sparse.realsize", SPARSE_BYTES),
    ];
    let mut with_map = b"2\n0\n512\n1048576\n512\n".to_vec();
    with_map.resize(512, 0);
    with_map.extend(pieces());
    let old = Tar::new().header("sparse", &pieces(), |header| {
        header.set_entry_type(EntryType::GNUSparse);
        let gnu = header.as_gnu_mut().unwrap();
        gnu.set_real_size(3 << 20);
        gnu.sparse[0].set_offset(0);
        gnu.sparse[0].set_length(512);
        gnu.sparse[1].set_offset(1 << 20);
        gnu.sparse[1].set_length(512);
    });
    vec![
        ("0.0", Tar::new().pax(&zero).file("sparse", pieces())),
        ("0.1", Tar::new().pax(&one).file("GNUSparseFile.1/sparse", pieces())),
        ("1.0", Tar::new().pax(&two).file("GNUSparseFile.1/sparse", with_map)),
        ("old", old),
    ]
}

#[test]
fn sparse_files_have_the_size_that_they_have_when_unpacked() {
    for (form, tar) in sparse_forms() {
        let image = measured(tar);
        assert_eq!(image.unpacked_bytes, (3 << 20) + 20, "{form}");
        assert_eq!(image.layers[0].biggest[0].path, "sparse", "{form}");
    }
}

/// A saved image that was packed again with `tar --sparse`.
#[test]
fn an_archives_own_blobs_may_be_sparse() {
    let layer = Tar::new().file("f", vec![0; 20_000]).bytes();
    let archive = docker_legacy("t", std::slice::from_ref(&layer));
    let expected = one(&archive);
    let length = layer.len().to_string();
    let at = archive.windows(512).position(|block| block == &layer[..512]).unwrap();
    // Only the layer's first block, its header, is no zeros.
    let pieces = [("GNU.sparse.size", length.as_str()), ("GNU.sparse.map", "0,512")];
    let sparse =
        Tar::new().pax(&pieces).file(&format!("{:064}/layer.tar", 0), &layer[..512]).bytes();
    let before = &archive[..at - 512];
    let sparse = &sparse[..sparse.len() - 1_024];
    let again = [before, sparse, &archive[at + layer.len()..]].concat();
    assert_eq!(one(&again), expected);
}

#[test]
fn maps_that_cannot_be_are_refused_and_cost_nothing() {
    let refused = |records: &[(&str, &str)]| {
        let layer = Tar::new().pax(records).file("f", [0; 512]).bytes();
        let error = jigger::image::measure_stream("t", &docker_legacy("t", &[layer])[..]);
        error.unwrap_err().to_string()
    };
    let size = ("GNU.sparse.size", "1000");
    for map in ["0", "5,5,0,5", "0,2000", "18446744073709551615,2"] {
        let message = refused(&[size, ("GNU.sparse.map", map)]);
        assert!(message.contains("map is wrong"), "{map}: {message}");
    }
    let message = refused(&[size, ("GNU.sparse.map", "0,900")]);
    assert!(message.contains("more bytes than it has"), "{message}");
    // Its holes are as long as the longest file can be, and are not read.
    let huge = [("GNU.sparse.size", "9223372036854775807"), ("GNU.sparse.map", "0,512")];
    let image = measured(Tar::new().pax(&huge).file("f", [0; 512]));
    assert_eq!(image.unpacked_bytes, i64::MAX as u64 + 20);
}

#[test]
fn headers_that_would_fill_the_memory_are_refused() {
    for kind in [EntryType::GNULongName, EntryType::GNULongLink, EntryType::XHeader] {
        let layer = Tar::new()
            .file("first", "1")
            .header("long", &vec![b'a'; 2 << 20], |header| header.set_entry_type(kind))
            .file("second", "2")
            .bytes();
        let error = jigger::image::measure_stream("t", &docker_legacy("t", &[layer])[..]);
        let message = error.unwrap_err().to_string();
        assert!(message.contains("header is longer than 1048576 bytes"), "{kind:?}: {message}");
    }
}

#[test]
fn dots_in_names_lead_where_docker_leads_them() {
    let below = Tar::new().file("y", [b'y'; 100]).file("d/z", [b'z'; 10]).bytes();
    let above = Tar::new().file("x/../y", "new").file("d/e/../.wh.z", "").bytes();
    let image = one(&docker_legacy("t", &[below, above]));
    assert_eq!((image.unpacked_bytes, image.wasted_bytes), (113, 110));
    assert_eq!(image.layers[1].biggest[0].path, "y");
}
