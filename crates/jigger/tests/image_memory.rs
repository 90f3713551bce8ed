//! The memory that a measurement takes, in a process of its own: the peak is the whole process's.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::io::{self, Read};

use jigger::image::measure_stream;
use tar::{EntryType, Header};

const LAYER_FILES: u64 = 18_000;
const LAYER_FILE_BYTES: u64 = 112 << 10;

/// The bytes that a large image's layer would have, made as they are read.
struct LargeLayer {
    files: u64,
    block: Vec<u8>,
    read: usize,
}

impl LargeLayer {
    fn bytes() -> u64 {
        LAYER_FILES * (512 + LAYER_FILE_BYTES)
    }
}

impl Read for LargeLayer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.read == self.block.len() {
            if self.files == LAYER_FILES {
                return Ok(0);
            }
            let path = format!("opt/package-{}/lib/module-{}", self.files % 300, self.files);
            self.block = header(&path, LAYER_FILE_BYTES);
            self.block.resize(512 + usize::try_from(LAYER_FILE_BYTES).unwrap(), 0);
            self.files += 1;
            self.read = 0;
        }
        let count = (&self.block[self.read..]).read(buffer)?;
        self.read += count;
        Ok(count)
    }
}

fn header(path: &str, bytes: u64) -> Vec<u8> {
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::Regular);
    header.set_path(path).unwrap();
    header.set_size(bytes);
    header.set_mode(0o644);
    header.set_cksum();
    header.as_bytes().to_vec()
}

/// The largest amount of memory that this process has had.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches("kB").trim().parse::<u64>().unwrap() * 1_024
}

/// About 14 s of processor time, most of it gzip's; the profile `dev` builds what does it for speed.
#[test]
fn two_gigabytes_are_streamed() {
    assert!(LargeLayer::bytes() > 2_000_000_000);
    let layer = LargeLayer { files: 0, block: Vec::new(), read: 0 };
    let archive = io::Cursor::new(header("layer.tar", LargeLayer::bytes())).chain(layer);
    // The archive ends after its layer, without a manifest: what remains is to say so.
    let error = measure_stream("large", archive).unwrap_err();
    assert!(error.to_string().contains("neither manifest.json nor index.json"), "{error}");
    let peak = peak_bytes();
    assert!(peak < 64 << 20, "the peak was {peak} bytes");
}
