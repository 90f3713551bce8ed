//! What the user named: an archive, a folder, standard input, or an image that an engine has.

use std::path::{Path, PathBuf};

use super::engine::Program;
use super::folder::is_layout;

/// What skopeo, podman and buildah write before the path of an archive (containers-transports(5)).
const SAVED_FORMS: [&str; 4] = ["oci-archive:", "docker-archive:", "oci:", "dir:"];

/// What they write before the name of an image that an engine has.
const ENGINES: [(&str, Program); 2] =
    [("docker-daemon:", Program::Docker), ("containers-storage:", Program::Podman)];

/// The endings of names that only files have.
const FILE_ENDINGS: [&str; 13] = [
    ".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst", ".tar.xz", ".txz", ".tar.bz2", ".tbz2", ".tbz",
    ".oci", ".gz", ".zst",
];

pub(super) enum Subject {
    StandardInput,
    /// A file or folder, and which of its images is meant, if not all.
    Saved {
        path: PathBuf,
        choice: Option<String>,
    },
    /// An image's name, and the engine to ask if only one is meant.
    Reference {
        name: String,
        engine: Option<Program>,
    },
    /// A registry's image, which has to be pulled first.
    Remote,
}

impl Subject {
    /// What begins with `/`, `./` or `../` can only be a path, and so can what ends as archives do
    /// or is no image's name.
    pub(super) fn of(text: &str) -> Self {
        let path = Path::new(text);
        if text == "-" {
            return Self::StandardInput;
        }
        if is_path(text) || is_layout(path) || (path.exists() && !path.is_dir()) {
            return Self::Saved { path: path.to_owned(), choice: None };
        }
        if let Some(rest) = SAVED_FORMS.iter().find_map(|form| text.strip_prefix(form)) {
            return Self::of_saved(rest);
        }
        if text.starts_with("docker://") || text.starts_with("oci://") {
            return Self::Remote;
        }
        for (form, program) in ENGINES {
            if let Some(name) = text.strip_prefix(form) {
                return Self::Reference { name: name.to_owned(), engine: Some(program) };
            }
        }
        if FILE_ENDINGS.iter().any(|ending| text.ends_with(ending)) || !may_be_reference(text) {
            return Self::Saved { path: path.to_owned(), choice: None };
        }
        Self::Reference { name: text.to_owned(), engine: None }
    }

    /// A path, and after a colon the image that is meant.
    fn of_saved(rest: &str) -> Self {
        match rest.split_once(':') {
            Some((path, choice)) if !Path::new(rest).exists() => {
                Self::Saved { path: path.into(), choice: Some(choice.to_owned()) }
            }
            _ => Self::Saved { path: rest.into(), choice: None },
        }
    }
}

/// Whether a name can only be a path: no reference begins so.
fn is_path(text: &str) -> bool {
    text == "." || text == ".." || ["/", "./", "../"].iter().any(|it| text.starts_with(it))
}

/// Whether an engine may know an image by that text: `[HOST[:PORT]/]PATH[:TAG][@DIGEST]`, the path
/// in lower case (distribution/reference), or the beginning of an id.
fn may_be_reference(text: &str) -> bool {
    let name = text.split_once('@').map_or(text, |(name, _)| name);
    let tag_begins = name.rfind(':').filter(|at| !name[*at..].contains('/'));
    let name = tag_begins.map_or(name, |at| &name[..at]);
    let (host, path) = match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
        _ => ("", name),
    };
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-/".contains(c);
    let of_host = |c: char| c.is_ascii_alphanumeric() || ".:-[]".contains(c);
    !path.is_empty()
        && path.split('/').all(|part| !part.is_empty())
        && path.chars().all(is_word)
        && host.chars().all(of_host)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        match Subject::of(text) {
            Subject::StandardInput => "stdin".to_owned(),
            Subject::Saved { path, choice } => format!("{} {choice:?}", path.display()),
            Subject::Reference { name, engine } => format!("{name} of {engine:?}"),
            Subject::Remote => "remote".to_owned(),
        }
    }

    #[test]
    fn names_of_images_are_told_from_those_of_files() {
        for name in
            ["pong", "pong/axum:1", "localhost:5000/a/b@sha256:00", "4c1fc2", "h.io/A-b.c/d"]
        {
            let expected =
                if name.contains('A') { format!("{name} None") } else { format!("{name} of None") };
            assert_eq!(shown(name), expected);
        }
        for path in ["saved.tar", "x/saved.tgz", "./pong", "/pong", "Saved", "my image", "a/", "~x"]
        {
            assert_eq!(shown(path), format!("{path} None"));
        }
    }

    #[test]
    fn prefixes_are_those_of_skopeo() {
        let cases = [
            ("-", "stdin"),
            ("oci:layout", "layout None"),
            ("oci:layout:app:1.0", "layout Some(\"app:1.0\")"),
            ("oci-archive:a.tar:t", "a.tar Some(\"t\")"),
            ("docker-archive:b.tar", "b.tar None"),
            ("dir:/some/where", "/some/where None"),
            ("docker-daemon:app:1", "app:1 of Some(Docker)"),
            ("containers-storage:app", "app of Some(Podman)"),
            ("docker://alpine", "remote"),
        ];
        for (text, expected) in cases {
            assert_eq!(shown(text), expected, "{text}");
        }
    }
}
