//! A saved image of any bytes is images or an error with a message, never a panic.

#![no_main]

use jigger::image::measure_stream;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|archive: &[u8]| {
    match measure_stream("fuzz.tar", archive) {
        Ok(measured) => {
            for image in &measured.images {
                assert!(image.wasted_bytes <= image.unpacked_bytes);
            }
        }
        Err(error) => assert!(error.to_string().starts_with("cannot measure fuzz.tar: ")),
    }
});
