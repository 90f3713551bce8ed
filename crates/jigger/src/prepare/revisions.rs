//! A suite and two checkouts to one suite for each contender: its base against its head. Pure but
//! for looking whether folders are there.

use std::io;
use std::path::{Path, PathBuf};

use crate::server::Diagnostic;
use crate::suite::{Contender, Limit, Suite, Threshold};

/// Two checkouts of one repository.
#[derive(Debug)]
pub struct Checkouts<'a> {
    /// The top of the repository's own working tree, without links.
    pub root: &'a Path,
    /// Where the base is, and its name.
    pub base: (&'a Path, &'a str),
    /// Where the head is, and its name.
    pub head: (&'a Path, &'a str),
}

/// Why a contender is not compared.
#[derive(Debug, thiserror::Error)]
pub enum NotComparable {
    #[error("it has no start command, so jigger cannot start two of it")]
    NoStart,
    #[error("its folder {} cannot be read", .0.display())]
    Unreadable(PathBuf, #[source] io::Error),
    #[error("its folder {} is outside the repository {}", .folder.display(), .root.display())]
    Outside { folder: PathBuf, root: PathBuf },
    #[error("{label} has no folder {}", .folder.display())]
    NoFolder { label: String, folder: PathBuf },
}

impl Diagnostic for NotComparable {}

/// One suite for each contender of which both revisions are there; and who was left out.
#[must_use]
pub fn split<'a>(
    suite: &'a Suite,
    checkouts: &Checkouts<'_>,
) -> (Vec<Suite>, Vec<(&'a str, NotComparable)>) {
    let mut suites = Vec::new();
    let mut left_out = Vec::new();
    for contender in &suite.contenders {
        match pair(contender, checkouts) {
            Ok(contenders) => suites.push(Suite {
                name: format!("ab-{}", contender.name),
                baseline: 0,
                placebo: true,
                thresholds: thresholds(suite, contender, &contenders),
                published: Vec::new(),
                contenders: contenders.into(),
                // The two are the same program but for the change in question.
                measure_closing: false,
                ..suite.clone()
            }),
            Err(reason) => left_out.push((contender.name.as_str(), reason)),
        }
    }
    (suites, left_out)
}

/// The contender at the base and at the head.
fn pair(contender: &Contender, checkouts: &Checkouts<'_>) -> Result<[Contender; 2], NotComparable> {
    if contender.start.is_none() {
        return Err(NotComparable::NoStart);
    }
    let inside = folder_within(&contender.directory, checkouts.root)?;
    let at = |(checkout, label): (&Path, &str)| {
        let directory = checkout.join(&inside);
        if !directory.is_dir() {
            return Err(NotComparable::NoFolder {
                label: label.to_owned(),
                folder: inside.clone(),
            });
        }
        let name = format!("{}@{label}", contender.name);
        Ok(Contender { name, directory, image: None, ..contender.clone() })
    };
    Ok([at(checkouts.base)?, at(checkouts.head)?])
}

fn folder_within(folder: &Path, root: &Path) -> Result<PathBuf, NotComparable> {
    let folder = folder
        .canonicalize()
        .map_err(|error| NotComparable::Unreadable(folder.to_owned(), error))?;
    let inside = folder.strip_prefix(root).map(Path::to_path_buf);
    inside.map_err(|_| NotComparable::Outside { folder, root: root.to_owned() })
}

/// The contender's own thresholds: its head is held to them. One that is relative to the contender
/// itself is relative to its base; those relative to others have no place here.
fn thresholds(
    suite: &Suite,
    contender: &Contender,
    [base, head]: &[Contender; 2],
) -> Vec<Threshold> {
    let own = suite.thresholds.iter().filter(|threshold| threshold.contender == contender.name);
    let moved = |threshold: &Threshold| {
        let limit = match &threshold.limit {
            Limit::Amount(amount) => Limit::Amount(*amount),
            Limit::Times { factor, contender: other } if *other == contender.name => {
                Limit::Times { factor: *factor, contender: base.name.clone() }
            }
            Limit::Times { .. } => return None,
        };
        let text = match &limit {
            Limit::Amount(_) => threshold.text.clone(),
            Limit::Times { factor, contender } => format!("{factor} x {contender}"),
        };
        Some(Threshold { contender: head.name.clone(), limit, text, ..threshold.clone() })
    };
    own.filter_map(moved).collect()
}

/// Two labels for revisions, without what a file's name cannot hold; the commits where the names
/// are the same.
#[must_use]
pub fn labels(base: (&str, &str), head: (&str, &str)) -> (String, String) {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-_+.~^".contains(c) { c } else { '-' };
    let label = |name: &str| match name {
        "." => "worktree".to_owned(),
        id if is_commit_id(id) => id[..10].to_owned(),
        name => name.chars().map(plain).collect(),
    };
    let (first, second): (String, String) = (label(base.0), label(head.0));
    if first == second { (base.1.to_owned(), head.1.to_owned()) } else { (first, second) }
}

/// Whether it is a commit's whole id, which says no more than its beginning.
fn is_commit_id(name: &str) -> bool {
    name.len() >= 40 && name.chars().all(|c| c.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUITE: &str = r#"
        [suite]
        name = "s"
        placebo = false
        [[contender]]
        name = "api"
        dir = "services/api"
        start = "./app"
        url = "http://127.0.0.1:{port}/"
        [[contender]]
        name = "new"
        dir = "services/new"
        start = "./app"
        url = "http://127.0.0.1:{port}/"
        [[contender]]
        name = "far"
        dir = "/"
        start = "./app"
        url = "http://127.0.0.1:{port}/"
        [[contender]]
        name = "running"
        url = "http://127.0.0.1:8080/"
        [[scenario]]
        name = "q"
        requests = 1
        [[threshold]]
        metric = "q.requests_per_second"
        contender = "api"
        at_least = "0.95 x api"
        [[threshold]]
        metric = "q.requests_per_second"
        contender = "api"
        at_least = "2 x new"
        [[threshold]]
        metric = "startup_ms"
        contender = "new"
        at_most = "1s"
    "#;

    #[test]
    fn each_contender_is_compared_with_itself_and_the_rest_is_left_out() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().canonicalize().unwrap();
        for folder in [
            "repo/services/api",
            "repo/services/new",
            "base/services/api",
            "head/services/api",
            "head/services/new",
        ] {
            std::fs::create_dir_all(root.join(folder)).unwrap();
        }
        let (repo, base, head) = (root.join("repo"), root.join("base"), root.join("head"));
        let suite = Suite::parse(SUITE, "s", &repo).unwrap();
        let checkouts = Checkouts { root: &repo, base: (&base, "main"), head: (&head, "HEAD") };
        let (suites, left_out) = split(&suite, &checkouts);

        let [api] = &suites[..] else { panic!("{suites:#?}") };
        let names: Vec<&str> = api.contenders.iter().map(|c| c.name.as_str()).collect();
        assert_eq!((api.name.as_str(), &names[..]), ("ab-api", &["api@main", "api@HEAD"][..]));
        assert_eq!(api.contenders[0].directory, base.join("services/api"));
        assert_eq!(api.contenders[1].directory, head.join("services/api"));
        assert!(api.placebo, "whatever the suite says");
        let [threshold] = &api.thresholds[..] else { panic!("{:#?}", api.thresholds) };
        assert_eq!(threshold.contender, "api@HEAD");
        let of_base = Limit::Times { factor: 0.95, contender: "api@main".to_owned() };
        assert_eq!((&threshold.limit, threshold.text.as_str()), (&of_base, "0.95 x api@main"));

        let reasons: Vec<String> = left_out.iter().map(|(_, reason)| reason.in_full()).collect();
        assert_eq!(reasons[0], "main has no folder services/new");
        assert!(reasons[1].starts_with("its folder / is outside the repository"), "{reasons:?}");
        assert!(reasons[2].starts_with("it has no start command"), "{reasons:?}");
    }

    #[test]
    fn labels_are_plain_and_differ() {
        let of = |base, head| labels((base, "aaaa"), (head, "bbbb"));
        assert_eq!(of("origin/main", "."), ("origin-main".to_owned(), "worktree".to_owned()));
        assert_eq!(of("HEAD~1", "HEAD"), ("HEAD~1".to_owned(), "HEAD".to_owned()));
        assert_eq!(of("a/b", "a-b"), ("aaaa".to_owned(), "bbbb".to_owned()));
        let id = "0123456789abcdef".repeat(3);
        assert_eq!(of(&id[..40], "HEAD").0, "0123456789");
    }
}
