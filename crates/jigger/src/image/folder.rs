//! The contents of a folder: an OCI image layout, what `skopeo copy ... dir:` or `podman save
//! --format docker-dir` writes, or what a saved archive was unpacked into.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::Problem;
use super::archive::{Contents, explained, linked_name};
use super::packing::Packing;

/// How deep an image's folder goes: `blobs/sha256/DIGEST`, and one more.
const FOLDERS_MAX: usize = 4;

/// The files of either of which an image archive has one at its top.
const MANIFESTS: [&str; 2] = ["manifest.json", "index.json"];

/// Folders of Bazel's output, whose links lead from one part of it to another: what holds the first
/// is Bazel's output base, where the sources of other repositories are too.
const BAZEL_FOLDERS: [&str; 2] = ["execroot", "bazel-out"];

/// Whether a folder has what an image's folder has at its top.
pub(super) fn is_layout(folder: &Path) -> bool {
    MANIFESTS.iter().any(|name| folder.join(name).is_file())
}

/// Reads a folder's files; `watched` stands between each and what reads it.
pub(super) fn contents_of_folder<R: Read>(
    folder: &Path,
    watched: &mut dyn FnMut(File) -> R,
) -> Result<Contents, Problem> {
    if !is_layout(folder) {
        return Err(Problem::no_layout());
    }
    let whole = folder.canonicalize().map_err(Problem::Unreadable)?;
    let tree = tree_of(&whole);
    let mut reader = FolderReader { whole, tree, contents: Contents::empty(), watched };
    reader.add_folder(folder, "", FOLDERS_MAX)?;
    Ok(reader.contents)
}

/// The tree that links may lead to: the folder's neighbours, as rules_oci lays them, and in Bazel's
/// output all of that. Neighbours at the root would be everything, so there it is the folder alone.
fn tree_of(folder: &Path) -> PathBuf {
    let is_bazel = |path: &&Path| {
        path.file_name().is_some_and(|name| BAZEL_FOLDERS.iter().any(|known| name == *known))
    };
    let bazel = folder.ancestors().filter(is_bazel).last();
    let above = bazel.unwrap_or(folder).parent().filter(|above| above.parent().is_some());
    above.unwrap_or(folder).to_owned()
}

struct FolderReader<'a, R> {
    /// The folder itself, and the tree that its links may lead to, without links in their own paths.
    whole: PathBuf,
    tree: PathBuf,
    contents: Contents,
    watched: &'a mut dyn FnMut(File) -> R,
}

impl<R: Read> FolderReader<'_, R> {
    fn add_folder(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<(), Problem> {
        let mut children = fs::read_dir(folder)
            .and_then(Iterator::collect::<io::Result<Vec<_>>>)
            .map_err(Problem::Unreadable)?;
        children.sort_by_key(fs::DirEntry::file_name);
        for child in children {
            let name = format!("{prefix}{}", child.file_name().to_string_lossy());
            let kind = child.file_type().map_err(Problem::Unreadable)?;
            if kind.is_dir() && depth > 0 {
                self.add_folder(&child.path(), &format!("{name}/"), depth - 1)?;
            } else if kind.is_file() {
                self.add_file(&child.path(), name)?;
            } else if kind.is_symlink() {
                self.add_link(&child.path(), name, depth)?;
            }
        }
        Ok(())
    }

    fn add_file(&mut self, path: &Path, name: String) -> Result<(), Problem> {
        let file = File::open(path).map_err(Problem::Unreadable)?;
        let size = file.metadata().map_err(Problem::Unreadable)?.len();
        let read = self.contents.add_blob(name.clone(), size, (self.watched)(file));
        read.map_err(|error| explained(error, Packing::None, Some(name)))
    }

    /// A link within the folder is another name; one to elsewhere in the tree is followed.
    fn add_link(&mut self, path: &Path, name: String, depth: usize) -> Result<(), Problem> {
        let target = fs::read_link(path).map_err(Problem::Unreadable)?;
        let Ok(end) = path.canonicalize() else {
            let reason = format!("it is a link that leads nowhere: {}", target.display());
            return self.contents.add_broken(name, reason);
        };
        let kind = end.metadata().map_err(Problem::Unreadable)?;
        if !end.starts_with(&self.tree) {
            let reason = format!(
                "it is a link to {}, which is not below {}; only what is there is read",
                target.display(),
                self.tree.display()
            );
            self.contents.add_broken(name, reason)
        } else if kind.is_dir() && depth > 0 {
            self.add_folder(&end, &format!("{name}/"), depth - 1)
        } else if end.starts_with(&self.whole) && target.is_relative() {
            let target = linked_name(&name, target.as_os_str().as_encoded_bytes());
            self.contents.add_link(name, target)
        } else if kind.is_file() {
            self.add_file(&end, name)
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_may_lead_to_neighbours_and_within_bazels_output() {
        for (folder, tree) in [
            ("/home/me/out", "/home/me"),
            ("/out", "/out"),
            ("/base/execroot/_main/bazel-out/k8/bin/image", "/base"),
            ("/home/me/bazel-out/k8/bin/image", "/home/me"),
        ] {
            assert_eq!(tree_of(Path::new(folder)), Path::new(tree), "{folder}");
        }
    }
}
