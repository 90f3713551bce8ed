//! The paths of an archive's layers, each held once.

use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;

use super::Problem;

/// More distinct paths than any image of sense has: keeps a hostile one from filling the memory.
pub(super) const PATHS_MAX: usize = 4_000_000;

/// All names together, for the same reason; 16 bytes for each of that many paths.
const NAMES_MAX_BYTES: usize = 64 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PathId(u32);

impl PathId {
    /// The folder that all others are in.
    pub(super) const ROOT: Self = Self(0);

    /// The place of this path in a slice with one element for each path.
    pub(super) fn index(self) -> usize {
        self.0 as usize
    }
}

/// Every distinct path of an archive's layers, each held once.
///
/// An image of 2 GB may name hundreds of thousands of paths, most of them in several layers, and
/// the whole measurement is to stay below 64 MB. So a path is a number here: a node that knows its
/// parent and its last component, about 35 bytes together with its place in the hash table.
///
/// A leading `/`, empty components and `.` do not count, so `./a//b` and `/a/b` are one path; `..`
/// takes the component before it away. One with nothing before it is a name like any other: nothing
/// is ever written by these paths, so it cannot lead anywhere.
pub(super) struct PathTree {
    nodes: Vec<Node>,
    names: Vec<u8>,
    ids: HashTable<u32>,
    hasher: RandomState,
}

struct Node {
    parent: u32,
    name_start: u32,
    name_length: u32,
}

impl PathTree {
    /// The tree that holds the root alone.
    pub(super) fn new() -> Self {
        let root = Node { parent: 0, name_start: 0, name_length: 0 };
        Self {
            nodes: vec![root],
            names: Vec::new(),
            ids: HashTable::new(),
            hasher: RandomState::new(),
        }
    }

    /// How many paths there are, the root included: one more than the largest index.
    pub(super) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The folder that `path` is in; the root's is the root.
    pub(super) fn parent(&self, path: PathId) -> PathId {
        PathId(self.nodes[path.index()].parent)
    }

    /// The number of `path`, a new one when it was not met before.
    pub(super) fn insert(&mut self, path: &[u8]) -> Result<PathId, Problem> {
        let mut names = components(path).into_iter();
        names.try_fold(PathId::ROOT, |parent, name| self.child(parent, name))
    }

    /// The text of a path, without a leading `/`.
    pub(super) fn text(&self, path: PathId) -> Vec<u8> {
        let mut names = Vec::new();
        let mut at = path;
        while at != PathId::ROOT {
            names.push(name_of(&self.nodes[at.index()], &self.names));
            at = self.parent(at);
        }
        names.reverse();
        names.join(&b'/')
    }

    /// The number of the path `name` in the folder `parent`.
    pub(super) fn child(&mut self, parent: PathId, name: &[u8]) -> Result<PathId, Problem> {
        let Self { nodes, names, ids, hasher } = self;
        let hash = hasher.hash_one((parent.0, name));
        let same = |id: &u32| {
            let node = &nodes[*id as usize];
            node.parent == parent.0 && name_of(node, names) == name
        };
        if let Some(id) = ids.find(hash, same) {
            return Ok(PathId(*id));
        }
        if nodes.len() >= PATHS_MAX || names.len() + name.len() > NAMES_MAX_BYTES {
            return Err(Problem::TooManyPaths);
        }
        let small = |length: usize| u32::try_from(length).map_err(|_| Problem::TooManyPaths);
        let id = small(nodes.len())?;
        let (name_start, name_length) = (small(names.len())?, small(name.len())?);
        nodes.push(Node { parent: parent.0, name_start, name_length });
        names.extend_from_slice(name);
        let rehash = |id: &u32| {
            let node = &nodes[*id as usize];
            hasher.hash_one((node.parent, name_of(node, names)))
        };
        ids.insert_unique(hash, id, rehash);
        Ok(PathId(id))
    }
}

/// The components of a path as [`PathTree`] counts them: cleaned as Docker does it (Go's
/// `filepath.Clean`) before it looks at anything of a layer.
pub(super) fn components(path: &[u8]) -> Vec<&[u8]> {
    let is_absolute = path.starts_with(b"/");
    let mut names: Vec<&[u8]> = Vec::new();
    for name in path.split(|byte| *byte == b'/') {
        match name {
            b"" | b"." => {}
            b".." if names.last().is_some_and(|last| *last != b"..") => {
                names.pop();
            }
            b".." if is_absolute => {}
            name => names.push(name),
        }
    }
    names
}

fn name_of<'names>(node: &Node, names: &'names [u8]) -> &'names [u8] {
    let start = node.name_start as usize;
    &names[start..start + node.name_length as usize]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_path_are_one_path() {
        let mut tree = PathTree::new();
        let plain = tree.insert(b"usr/bin/env").unwrap();
        for spelling in [
            &b"/usr/bin/env"[..],
            b"./usr/bin/env",
            b"usr//bin/./env",
            b"usr/bin/env/",
            b"x/../usr/bin/y/../env",
            b"/../usr/bin/env",
        ] {
            assert_eq!(tree.insert(spelling).unwrap(), plain);
        }
        assert_eq!((tree.len(), tree.text(plain)), (4, b"usr/bin/env".to_vec()));
    }

    #[test]
    fn equal_names_in_other_folders_are_other_paths() {
        let mut tree = PathTree::new();
        let here = tree.insert(b"a/x").unwrap();
        let there = tree.insert(b"b/x").unwrap();
        assert_ne!(here, there);
        assert_eq!(tree.parent(here), tree.insert(b"a").unwrap());
        assert_eq!(tree.parent(PathId::ROOT), PathId::ROOT);
    }

    #[test]
    fn dots_and_bytes_outside_utf8_are_names() {
        let mut tree = PathTree::new();
        let escaping = tree.insert(b"../etc/passwd").unwrap();
        assert_ne!(escaping, tree.insert(b"etc/passwd").unwrap());
        assert_eq!(tree.insert(b"a/../../etc/passwd").unwrap(), escaping);
        assert_ne!(tree.insert(b"\xff").unwrap(), tree.insert(b"\xfe").unwrap());
    }

    #[test]
    fn many_paths_keep_their_numbers_while_the_table_grows() {
        let mut tree = PathTree::new();
        let mut insert = |i| tree.insert(format!("d{}/f{i}", i % 7).as_bytes()).unwrap();
        let ids: Vec<PathId> = (0..5_000).map(&mut insert).collect();
        for (i, id) in ids.into_iter().enumerate() {
            assert_eq!(insert(i), id);
        }
        assert_eq!(tree.len(), 1 + 7 + 5_000);
    }
}
