//! Who uses whom, read off the syntax tree: no modules stand in a circle, and those of the tool use
//! only what is declared before them.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};
use syn::{Attribute, File, Item, ItemMod, ItemUse, Macro, Path, UseTree};

use crate::source::Source;

/// The path of a module or an item below its crate.
type Place = Vec<String>;

/// The modules of one crate, and what each file's code names.
#[derive(Default)]
pub struct Crate {
    modules: BTreeSet<Place>,
    /// What a module has taken over by `use`, by the module and the name.
    taken: BTreeMap<(Place, String), Place>,
    /// Who names what.
    uses: Vec<(Place, Place)>,
}

impl Crate {
    /// Reads the shipped files below `folder`, such as `crates/jigger/src/`.
    pub fn read(sources: &[Source], folder: &str) -> Self {
        let mut found = Self::default();
        let files: Vec<(Place, File)> = sources
            .iter()
            .filter_map(|source| Some((module_of(source.path.strip_prefix(folder)?), source)))
            .map(|(place, source)| (place, syn::parse_file(&source.text).expect(&source.path)))
            .collect();
        found.modules.extend(files.iter().map(|(place, _)| place.clone()));
        for (place, file) in &files {
            let mut reader = Reader { place: place.clone(), found: &mut found };
            reader.visit_file(file);
        }
        found
    }

    /// Modules with the same parent that use each other, directly or through others.
    pub fn circles(&self) -> Vec<String> {
        let mut levels: BTreeMap<Place, BTreeSet<(String, String)>> = BTreeMap::new();
        for (level, user, used) in self.edges() {
            levels.entry(level).or_default().insert((user, used));
        }
        levels.iter().flat_map(|(level, edges)| circles_of(level, edges)).collect()
    }

    /// Top-level modules that use one that is declared after them in `order`.
    pub fn backward(&self, order: &[String]) -> Vec<String> {
        let at = |name: &str| order.iter().position(|other| other == name);
        let mut wrong: Vec<String> = self
            .edges()
            .into_iter()
            .filter(|(level, user, used)| level.is_empty() && at(user) < at(used))
            .map(|(_, user, used)| format!("{user} must not know {used}, which comes after it"))
            .collect();
        wrong.dedup();
        wrong
    }

    /// Each use of one module by another with the same parent: the parent, the user, the used.
    fn edges(&self) -> BTreeSet<(Place, String, String)> {
        let edge = |(user, named): &(Place, Place)| {
            let used = self.module_of_item(named);
            let same = user.iter().zip(&used).take_while(|(one, other)| one == other).count();
            Some((user[..same].to_vec(), user.get(same)?.clone(), used.get(same)?.clone()))
        };
        self.uses.iter().filter_map(edge).collect()
    }

    /// The module that declares what a path names, through all that was taken over.
    fn module_of_item(&self, named: &Place) -> Place {
        let (mut module, mut rest) = (Place::new(), named.clone());
        // A name that is taken over may be taken over there too; more steps than that are a circle.
        for _ in 0..100 {
            let Some(name) = rest.first().cloned() else { break };
            let below: Place = module.iter().chain([&name]).cloned().collect();
            if self.modules.contains(&below) {
                module = below;
                rest.remove(0);
            } else if let Some(from) = self.taken.get(&(module.clone(), name)) {
                rest = from.iter().chain(&rest[1..]).cloned().collect();
                module = Place::new();
            } else {
                break;
            }
        }
        module
    }
}

/// The names of the modules that a crate's root declares, in their order.
pub fn declared(root: &Source) -> Vec<String> {
    let file = syn::parse_file(&root.text).expect(&root.path);
    let name = |item: &Item| match item {
        Item::Mod(module) => Some(module.ident.to_string()),
        _ => None,
    };
    file.items.iter().filter_map(name).collect()
}

/// `a/b.rs` is the module `a::b`, the crate's root the empty path.
fn module_of(file: &str) -> Place {
    let path = file.trim_end_matches(".rs");
    let names = path.split('/').filter(|name| !["lib", "main", "mod"].contains(name));
    names.map(str::to_owned).collect()
}

fn circles_of(level: &Place, edges: &BTreeSet<(String, String)>) -> Vec<String> {
    let mut reached = edges.clone();
    loop {
        let further: BTreeSet<(String, String)> = reached
            .iter()
            .flat_map(|(from, by)| {
                let next = edges.iter().filter(move |(user, _)| user == by);
                next.map(move |(_, to)| (from.clone(), to.clone()))
            })
            .collect();
        let before = reached.len();
        reached.extend(further);
        if reached.len() == before {
            break;
        }
    }
    let in_circle = |from: &String, to: &String| {
        from != to
            && reached.contains(&(from.clone(), to.clone()))
            && reached.contains(&(to.clone(), from.clone()))
    };
    let wrong = edges.iter().filter(|(user, used)| in_circle(user, used));
    wrong.map(|(user, used)| format!("in {}: {user} uses {used}", shown(level))).collect()
}

fn shown(level: &Place) -> String {
    if level.is_empty() { "the crate".to_owned() } else { level.join("::") }
}

/// Collects the paths of one file.
struct Reader<'a> {
    place: Place,
    found: &'a mut Crate,
}

impl Reader<'_> {
    /// The place that a path names, when it is one of the crate.
    fn resolved(&self, names: &[String]) -> Option<Place> {
        let mut base = self.place.clone();
        let mut rest = names;
        match names.first()?.as_str() {
            "crate" => {
                base.clear();
                rest = &names[1..];
            }
            "self" => rest = &names[1..],
            "super" => {
                while rest.first().is_some_and(|name| name == "super") {
                    base.pop();
                    rest = &rest[1..];
                }
            }
            child => {
                base.push(child.to_owned());
                if !self.found.modules.contains(&base) {
                    return None;
                }
                rest = &names[1..];
            }
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    fn add(&mut self, names: &[String]) {
        let named = self.resolved(names);
        self.found.uses.extend(named.map(|named| (self.place.clone(), named)));
    }

    fn take(&mut self, before: &[String], tree: &UseTree) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.take(&with(&path.ident), &path.tree),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.take(before, tree)),
            UseTree::Glob(_) => self.add(before),
            UseTree::Name(name) if name.ident == "self" => self.take_as(before, before.last()),
            UseTree::Name(name) => {
                self.take_as(&with(&name.ident), Some(&name.ident.to_string()));
            }
            UseTree::Rename(name) => {
                self.take_as(&with(&name.ident), Some(&name.rename.to_string()));
            }
        }
    }

    fn take_as(&mut self, names: &[String], name: Option<&String>) {
        self.add(names);
        if let (Some(named), Some(name)) = (self.resolved(names), name) {
            self.found.taken.insert((self.place.clone(), name.clone()), named);
        }
    }

    /// Macros are not parsed: paths in them are recognized by their beginning.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        for token in tokens {
            match token {
                TokenTree::Ident(name) => path.push(name.to_string()),
                TokenTree::Punct(sign) if sign.as_char() == ':' => {}
                other => {
                    self.begun_here(&std::mem::take(&mut path));
                    if let TokenTree::Group(group) = other {
                        self.tokens(group.stream());
                    }
                }
            }
        }
        self.begun_here(&path);
    }

    fn begun_here(&mut self, names: &[String]) {
        let begin = names.iter().position(|name| name == "crate" || name == "super");
        if let Some(begin) = begin {
            self.add(&names[begin..]);
        }
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.take(&[], &item.tree);
    }

    fn visit_path(&mut self, path: &'ast Path) {
        let names: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        if names.len() > 1 {
            self.add(&names);
        }
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, found: &'ast Macro) {
        self.tokens(found.tokens.clone());
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if module.content.is_some() && !module.attrs.iter().any(is_for_tests) {
            self.place.push(module.ident.to_string());
            self.found.modules.insert(self.place.clone());
            visit::visit_item_mod(self, module);
            self.place.pop();
        }
    }
}

fn is_for_tests(attribute: &Attribute) -> bool {
    attribute.path().is_ident("cfg")
        && attribute.parse_args::<Path>().is_ok_and(|path| path.is_ident("test"))
}

mod tests {
    use super::*;

    fn read(files: &[(&str, &str)]) -> Crate {
        let sources: Vec<Source> =
            files.iter().map(|(path, text)| Source::sample(&format!("src/{path}"), text)).collect();
        Crate::read(&sources, "src/")
    }

    #[test]
    fn a_circle_is_found_however_it_is_written() {
        let b = ("b.rs", "pub struct B;");
        let uses = [
            ("use crate::{b::B, c};", "use crate::a;"),
            ("fn f() -> crate::b::B { todo!() }", "fn g() { super::a::f() }"),
            ("fn f() { html! { @if x { (crate::b::g(1)) } } }", "use super::a::*;"),
        ];
        for (of_a, of_b) in uses {
            let found = read(&[("a.rs", of_a), ("b.rs", of_b), ("c.rs", "")]).circles();
            assert_eq!(found, ["in the crate: a uses b", "in the crate: b uses a"], "{of_a}");
            assert!(read(&[("a.rs", of_a), b, ("c.rs", "")]).circles().is_empty());
        }
    }

    #[test]
    fn a_longer_circle_and_one_below_are_found() {
        let three =
            [("a.rs", "use crate::b;"), ("b.rs", "use crate::c;"), ("c.rs", "use crate::a;")];
        assert_eq!(read(&three).circles().len(), 3);
        let below = [("p.rs", ""), ("p/a.rs", "use super::b::X;"), ("p/b.rs", "use super::a::Y;")];
        assert_eq!(read(&below).circles(), ["in p: a uses b", "in p: b uses a"]);
    }

    #[test]
    fn what_a_parent_takes_over_is_where_it_was_declared() {
        let parent = ("p.rs", "mod a; mod b; pub use b::X; pub struct Own;");
        let files = [parent, ("p/a.rs", "use super::{X, Own};"), ("p/b.rs", "use super::a::Y;")];
        assert_eq!(read(&files).circles(), ["in p: a uses b", "in p: b uses a"]);
        let files = [parent, ("p/a.rs", "use super::Own;"), ("p/b.rs", "use super::a::Y;")];
        assert!(read(&files).circles().is_empty());
    }

    #[test]
    fn tests_may_use_whom_they_like() {
        let a = ("a.rs", "use crate::b; #[cfg(test)] mod tests { use crate::b; }");
        let b = ("b.rs", "#[cfg(test)] mod tests { use crate::a; }");
        assert!(read(&[a, b]).circles().is_empty());
    }

    #[test]
    fn what_comes_later_is_not_used() {
        let root = Source::sample("src/lib.rs", "pub mod a; mod b;");
        let order = declared(&root);
        assert_eq!(order, ["a", "b"]);
        let files = [("a.rs", "use crate::b::X;"), ("b.rs", "")];
        assert_eq!(read(&files).backward(&order), ["a must not know b, which comes after it"]);
        assert!(read(&[("a.rs", ""), ("b.rs", "use crate::a;")]).backward(&order).is_empty());
    }
}
