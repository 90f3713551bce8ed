//! Images built, measured and removed with the real engines.
//!
//! Every engine that responds is used. Where none does, the tests fail, unless the environment says
//! `JIGGER_TEST_ENGINE=none`; `docker` or `podman` there restricts them to that one.

#![expect(clippy::unwrap_used, reason = "a step that fails is a test that fails")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use jigger::image::{Engine, Image, Packing, describe, engine_line, measure, measure_saved};
use tempfile::TempDir;

/// The engines to test with; none only where the environment says so.
fn engines() -> Vec<Engine> {
    let choice = std::env::var("JIGGER_TEST_ENGINE").ok();
    if choice.as_deref() == Some("none") {
        eprintln!("no container engine is tested: JIGGER_TEST_ENGINE=none");
        return Vec::new();
    }
    let names: Vec<_> = choice.as_deref().map_or(vec!["docker", "podman"], |name| vec![name]);
    let engines: Vec<_> = names.iter().filter_map(|it| Engine::detect(Some(it)).ok()).collect();
    if engines.is_empty() {
        let why = Engine::detect(choice.as_deref()).unwrap_err();
        panic!("these tests need a container engine (JIGGER_TEST_ENGINE=none omits them): {why}");
    }
    engines
}

/// An image of the tests' own, removed at the end.
struct Fixture<'engine> {
    engine: &'engine Engine,
    tag: String,
    context: TempDir,
}

impl<'engine> Fixture<'engine> {
    /// Two layers from scratch: the second replaces a file of the first.
    fn new(engine: &'engine Engine, name: &str) -> Self {
        let context = tempfile::tempdir().unwrap();
        let tag = format!("jigger-test-{name}-{}:1", std::process::id());
        let files = context.path().join("files");
        fs::create_dir(&files).unwrap();
        // Different from test to test, so that no two images share a step that one of them removes.
        fs::write(files.join("big"), tag.clone() + &"b".repeat(70_000 - tag.len())).unwrap();
        fs::write(files.join("small"), "small").unwrap();
        std::os::unix::fs::symlink("small", files.join("link")).unwrap();
        fs::write(context.path().join("replacement"), "new").unwrap();
        // Files come first: podman keeps the steps before an image's first layer when it is removed.
        let dockerfile = "FROM scratch\nCOPY files/ /data/\nCOPY replacement /data/big\n\
                          ARG NOTE=none\nLABEL note=$NOTE\nCMD [\"/data/small\"]\n";
        fs::write(context.path().join("Image.dockerfile"), dockerfile).unwrap();
        Self { engine, tag, context }
    }

    /// Builds the image with a command as a suite has it.
    fn build(&self) {
        let file = ["--file", "Image.dockerfile", "--network", "host"];
        let build = ["docker", "build", "--tag", &self.tag];
        let words = [&build[..], &file, &["--build-arg", &format!("NOTE={}", self.note()), "."]];
        let words =
            self.engine.own_command(words.concat().into_iter().map(str::to_owned).collect());
        let mut command = Command::new(&words[0]);
        let built = command.args(&words[1..]).current_dir(self.context.path()).output().unwrap();
        assert!(built.status.success(), "{built:?}");
    }

    /// A build argument with spaces in it.
    fn note(&self) -> String {
        format!("made for {}", self.tag)
    }

    fn exists(&self) -> bool {
        self.run(&["image", "inspect", "--", &self.tag])
    }

    fn remove(&self) -> bool {
        self.run(&["image", "rm", "--", &self.tag])
    }

    /// Whether the engine did it.
    fn run(&self, arguments: &[&str]) -> bool {
        Command::new(&self.engine.path).args(arguments).output().unwrap().status.success()
    }

    fn measured(&self) -> Image {
        let engines = |_| Ok(vec![self.engine.clone()]);
        let mut images = measure(&self.tag, engines, &|_| {}).unwrap().images;
        assert_eq!(images.len(), 1);
        images.remove(0)
    }

    /// Saves the image with the engine's own command.
    fn save(&self, format: &[&str]) -> PathBuf {
        let path = self.context.path().join("saved.tar");
        let mut arguments = vec!["save", "--output", path.to_str().unwrap()];
        arguments.extend(format);
        arguments.push(&self.tag);
        let _ = fs::remove_file(&path);
        output(self.engine.program.name(), &arguments);
        path
    }
}

impl Drop for Fixture<'_> {
    fn drop(&mut self) {
        // A test that removed the image itself, or failed before it was there, leaves nothing.
        self.remove();
    }
}

/// What a command writes; it must succeed.
fn output(program: &str, arguments: &[&str]) -> Vec<u8> {
    let output = Command::new(program).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {errors}");
    output.stdout
}

fn text(program: &str, arguments: &[&str]) -> String {
    String::from_utf8(output(program, arguments)).unwrap()
}

/// The length of a layer's tar stream and the sum of its regular files, by tar's own listing.
fn sizes_by_tar(layer: &[u8]) -> (u64, u64) {
    let mut tar = Command::new("tar")
        .args(["--list", "--verbose", "--file", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    tar.stdin.take().unwrap().write_all(layer).unwrap();
    let listing = String::from_utf8(tar.wait_with_output().unwrap().stdout).unwrap();
    let files = listing.lines().filter(|line| line.starts_with('-'));
    let size = |line: &str| line.split_whitespace().nth(2).unwrap().parse::<u64>().unwrap();
    (layer.len() as u64, files.map(size).sum())
}

/// The layers of a saved archive by tar and its manifest.
fn layers_by_tar(archive: &Path) -> Vec<(u64, u64)> {
    let archive = archive.to_str().unwrap();
    let manifest = text("tar", &["--extract", "--to-stdout", "--file", archive, "manifest.json"]);
    let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
    let names = manifest[0]["Layers"].as_array().unwrap().iter();
    let extract = |name: &serde_json::Value| {
        let name = name.as_str().unwrap();
        output("tar", &["--extract", "--to-stdout", "--file", archive, name])
    };
    names.map(|name| sizes_by_tar(&extract(name))).collect()
}

/// The image as it is without an engine and a name, and however an archive packs it.
fn figures(image: &Image) -> Image {
    let mut image = image.clone();
    image.reference.clear();
    image.names.clear();
    (image.engine, image.engine_says_bytes, image.stored_bytes) = (None, None, 0);
    for layer in &mut image.layers {
        (layer.stored_bytes, layer.packing) = (0, Packing::None);
    }
    image
}

#[test]
fn an_image_is_built_measured_and_removed() {
    for engine in &engines() {
        let fixture = Fixture::new(engine, "life");
        assert!(!fixture.exists());
        fixture.build();
        assert!(fixture.exists());

        let name = engine.program.name();
        let label = ["image", "inspect", "--format", "{{.Config.Labels.note}}", &fixture.tag];
        assert_eq!(text(name, &label).trim(), fixture.note());

        let image = fixture.measured();
        assert_eq!(image.reference, fixture.tag);
        assert_eq!(image.engine.as_deref(), Some(name));
        assert_eq!((image.unpacked_bytes, image.wasted_bytes), (70_000 + 5 + 3, 70_000));
        let files: Vec<_> = image.layers.iter().map(|l| l.files).filter(|f| *f > 0).collect();
        assert_eq!(files, [2, 1]);
        assert!(describe(&image).contains("data/big"));

        assert!(fixture.remove());
        let error = measure(&fixture.tag, |_| Ok(vec![engine.clone()]), &|_| {}).unwrap_err();
        let expected = format!("no such file or folder, and {name} has no image of that name");
        assert!(error.to_string().contains(&expected), "{error}");
    }
}

#[test]
fn sizes_agree_with_the_engine_and_with_tar() {
    for engine in &engines() {
        let fixture = Fixture::new(engine, "sizes");
        fixture.build();
        let image = fixture.measured();

        let question = ["image", "inspect", "--format", "{{.Size}}", &fixture.tag];
        let says: u64 = text(engine.program.name(), &question).trim().parse().unwrap();
        assert_eq!(image.engine_says_bytes, Some(says));
        // Whatever the store counts, it holds the files at least, and the reason is given.
        assert!(says >= image.unpacked_bytes);
        let why = engine_line(&image).unwrap();
        assert!(
            why.contains(": it adds") || why.contains(": it counts") || why.contains(": it keeps"),
            "{why}"
        );

        let saved = fixture.save(&[]);
        let layers: Vec<_> = image.layers.iter().map(|l| (l.tar_bytes, l.unpacked_bytes)).collect();
        assert_eq!(layers, layers_by_tar(&saved));
    }
}

#[test]
fn an_image_measures_the_same_wherever_it_is() {
    let engines = engines();
    let Some(first) = engines.first() else { return };
    let fixture = Fixture::new(first, "same");
    fixture.build();
    let image = figures(&fixture.measured());
    let saved = fixture.save(&[]);
    let from_file = measure_saved(&saved).unwrap().images;
    assert_eq!(from_file.len(), 1);
    assert_eq!(figures(&from_file[0]), image);

    for other in &engines[1..] {
        let loaded = text(other.program.name(), &["load", "--input", saved.to_str().unwrap()]);
        let tag = loaded.trim().rsplit(' ').next().unwrap().to_owned();
        let loaded = Fixture { engine: other, tag, context: tempfile::tempdir().unwrap() };
        assert_eq!(figures(&loaded.measured()), image, "{}", other.program);
        if other.program.name() == "podman" {
            let saved = loaded.save(&["--format", "oci-archive"]);
            assert_eq!(figures(&measure_saved(&saved).unwrap().images[0]), image);
        }
    }
}
