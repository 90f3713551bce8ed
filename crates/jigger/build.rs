//! Collects the compiled-in suites and contenders' sources into the binary.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

/// What builds leave behind, and what no build reads.
const LEFT_OUT: &[&str] = &["target", ".venv", "app", "__pycache__", "main"];

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
    for file in &files {
        println!("cargo::rerun-if-changed={}", file.display());
    }
    println!("cargo::rerun-if-changed={}", manifest.join("suites").display());
    Ok(())
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
        if name.is_some_and(|name| LEFT_OUT.contains(&name.as_str())) {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}
