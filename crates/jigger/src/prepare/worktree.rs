//! Revisions of a git repository, each checked out in a folder of its own for a while.
//!
//! The program `git` does the work, so that attributes, filters and formats of the repository mean
//! what they mean elsewhere. The user's checkout, index and branches are left as they are.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The name by which the working tree is asked for.
pub const WORKING_TREE: &str = ".";

/// A git repository with a working tree.
#[derive(Debug, Clone)]
pub struct Repository {
    /// The folder at the top of its working tree, without links.
    pub root: PathBuf,
}

/// A commit, by the name that it was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    pub name: String,
    /// The commit's id, in hexadecimal.
    pub commit: String,
}

/// A revision in a folder, removed on drop.
#[derive(Debug)]
pub struct Worktree {
    repository: Repository,
    pub path: PathBuf,
}

/// Why git could not do it.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    #[error("git cannot be started: {0}\n  install git")]
    NoGit(std::io::Error),
    /// The folder is in no repository.
    #[error("{0} is not in a git repository with a working tree\n  run jigger ab within one")]
    NotARepository(String),
    /// The revision is not there.
    #[error(
        "'{name}' is not a revision of the repository {root}\n  name a branch, a tag or a commit, or \
         . for the working tree; a shallow clone may have to fetch it first"
    )]
    UnknownRevision { name: String, root: String },
    #[error("git {command} failed: {message}")]
    Failed {
        /// Its first words.
        command: String,
        message: String,
    },
    /// There is no place for an index.
    #[error("cannot make a temporary folder: {0}")]
    NoPlace(std::io::Error),
}

impl Repository {
    /// The repository that a folder is in.
    ///
    /// # Errors
    /// [`GitError::NoGit`], [`GitError::NotARepository`].
    pub fn containing(folder: &Path) -> Result<Self, GitError> {
        let not_one = || GitError::NotARepository(folder.display().to_string());
        let root = match git(folder, &["rev-parse", "--show-toplevel"], &[]) {
            Ok(root) if !root.is_empty() => PathBuf::from(root),
            Err(error @ GitError::NoGit(_)) => return Err(error),
            _ => return Err(not_one()),
        };
        Ok(Self { root: root.canonicalize().map_err(|_| not_one())? })
    }

    /// The commit of a revision; for [`WORKING_TREE`] one that holds the files as they are now,
    /// those that git does not ignore, changed or new.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn resolve(&self, name: &str) -> Result<Revision, GitError> {
        let commit = if name == WORKING_TREE { self.snapshot()? } else { self.commit_of(name)? };
        Ok(Revision { name: name.to_owned(), commit })
    }

    fn commit_of(&self, name: &str) -> Result<String, GitError> {
        let wanted = format!("{name}^{{commit}}");
        let arguments = ["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted];
        self.git(&arguments, &[]).map_err(|error| match error {
            GitError::Failed { .. } => GitError::UnknownRevision {
                name: name.to_owned(),
                root: self.root.display().to_string(),
            },
            other => other,
        })
    }

    /// Writes the working tree as a commit that no branch leads to, through an index of its own;
    /// git collects it some weeks later.
    fn snapshot(&self) -> Result<String, GitError> {
        let head = self.commit_of("HEAD")?;
        let place = tempfile::tempdir().map_err(GitError::NoPlace)?;
        let index = place.path().join("index");
        let mut environment = vec![("GIT_INDEX_FILE", index.as_os_str())];
        self.git(&["read-tree", &head], &environment)?;
        self.git(&["add", "--all", "--", "."], &environment)?;
        let tree = self.git(&["write-tree"], &environment)?;
        if tree == self.git(&["rev-parse", &format!("{head}^{{tree}}")], &[])? {
            return Ok(head);
        }
        let names = ["GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"];
        let addresses = ["GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"];
        environment.extend(names.map(|name| (name, OsStr::new("jigger"))));
        environment.extend(addresses.map(|name| (name, OsStr::new("jigger@localhost"))));
        self.git(&["commit-tree", &tree, "-p", &head, "-m", "working tree"], &environment)
    }

    /// Checks a revision out into a folder that does not exist yet. No hook runs.
    ///
    /// # Errors
    /// [`GitError`].
    pub fn check_out(&self, revision: &Revision, path: PathBuf) -> Result<Worktree, GitError> {
        let shown = path.display().to_string();
        // Made first: what a failing git left behind is removed too.
        let worktree = Worktree { repository: self.clone(), path };
        let arguments = [
            "-c",
            "core.hooksPath=/dev/null",
            "worktree",
            "add",
            "--detach",
            "--quiet",
            &shown,
            &revision.commit,
        ];
        self.git(&arguments, &[])?;
        Ok(worktree)
    }

    fn git(&self, arguments: &[&str], environment: &[(&str, &OsStr)]) -> Result<String, GitError> {
        git(&self.root, arguments, environment)
    }
}

impl Revision {
    /// The first digits of the commit.
    #[must_use]
    pub fn short(&self) -> &str {
        &self.commit[..self.commit.len().min(10)]
    }
}

impl Drop for Worktree {
    fn drop(&mut self) {
        let path = self.path.display().to_string();
        let _ = self.repository.git(&["worktree", "remove", "--force", "--force", &path], &[]);
        // Also what git refused to remove, such as files that a build made read-only.
        let _ = std::fs::remove_dir_all(&self.path);
        let _ = self.repository.git(&["worktree", "prune"], &[]);
    }
}

/// Variables by which a hook's git leads other gits to its own repository.
const OF_A_HOOK: [&str; 4] = ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"];

/// Runs git to its end; what it printed. It is in a process group of its own, so that a Ctrl-C
/// does not leave its work half done.
fn git(
    folder: &Path,
    arguments: &[&str],
    environment: &[(&str, &OsStr)],
) -> Result<String, GitError> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments).stdin(Stdio::null()).process_group(0);
    OF_A_HOOK.iter().for_each(|name| {
        command.env_remove(name);
    });
    command.envs(environment.iter().copied()).env("GIT_TERMINAL_PROMPT", "0");
    let output = command.output().map_err(GitError::NoGit)?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).trim_end().to_owned());
    }
    Err(GitError::Failed {
        command: arguments.iter().take(2).copied().collect::<Vec<_>>().join(" "),
        message: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    })
}
