//! A suite file of any content is a suite or an error with a message, never a panic.

#![no_main]

use std::path::Path;

use jigger::suite::Suite;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    match Suite::parse(text, "fuzz.toml", Path::new("/fuzz")) {
        Ok(suite) => {
            assert!(suite.baseline < suite.contenders.len());
            assert!(!suite.scenarios.is_empty());
            assert!(suite.rounds.min <= suite.rounds.max);
        }
        Err(error) => assert!(error.to_string().starts_with("fuzz.toml:")),
    }
});
