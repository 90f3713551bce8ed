//! Collects the compiled-in suites and contenders' sources into the binary.
//!
//! `contenders` holds a link to each source and to nothing that builds leave behind: cargo follows
//! links when it looks whether a folder has changed, and would build anew after every build of a
//! contender.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(env::var("CARGO_MANIFEST_DIR").map_err(io::Error::other)?);
    let output = PathBuf::from(env::var("OUT_DIR").map_err(io::Error::other)?);
    let contenders = manifest.join("contenders");
    let mut files = Vec::new();
    collect(&contenders, &mut files)?;
    files.sort();
    let mut table = String::from(
        "/// Path below `contenders/` and content of each source file.\n\
         const CONTENDER_FILES: &[(&str, &[u8])] = &[\n",
    );
    for file in &files {
        let name = file.strip_prefix(&contenders).map_err(io::Error::other)?;
        // `cargo package` leaves out every folder below the crate that has a Cargo.toml of its
        // own, so the Rust contender's is linked in under another name.
        let written = name.display().to_string().replace("Cargo.toml.in", "Cargo.toml");
        writeln!(table, "    ({written:?}, include_bytes!({:?})),", file.display().to_string())
            .map_err(io::Error::other)?;
    }
    table.push_str("];\n");
    fs::write(output.join("contender_files.rs"), table)?;
    fs::create_dir_all(output.join("suites"))?;
    for entry in fs::read_dir(manifest.join("suites"))? {
        let path = entry?.path();
        if let Some(name) = path.file_name() {
            fs::copy(&path, output.join("suites").join(name))?;
        }
    }
    for folder in ["contenders", "suites"] {
        println!("cargo::rerun-if-changed={}", manifest.join(folder).display());
    }
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
