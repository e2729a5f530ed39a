//! Files of one room form no cycle.

use crate::imports::{ModulePath, Modules};
use crate::sources::{root, sources};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::Path;

/// A room is a top-level module, and within it the order of floors holds from file to file: each can be read, tested and
/// moved after those it imports.
///
/// An import is a path that leads from one file to what another defines, in a `use` or inline, with re-exports followed to
/// the defining file: `super::Name` imports mod.rs only if mod.rs defines `Name`. The declaration `mod x;` is no import, nor
/// is a `pub use` whose name the file itself does not mention: both say where things are, not what the file needs.
///
/// Not seen: methods and fields. A type whose `impl` blocks are spread over files may call from one into the other, and only
/// the block's import of its type counts. Code of tests is left out. Globs of our own modules and
/// inline modules of anything but constants are refused: they would hide imports.
#[test]
fn files_of_one_room_form_no_cycle() {
    let files = sources().into_iter().filter(|source| !source.of_tests);
    let modules = Modules::read(files.map(|source| (module_path(&source.path), source.text)));
    let cycles = modules.cycles();
    assert!(cycles.is_empty(), "\n{}\n", cycles.join("\n"));
}

#[test]
fn imports_are_followed_to_the_file_that_defines() {
    let imported = |code: &str| {
        let modules = modules_of(&[
            ("room", "mod a; mod b; mod c; pub use a::A; pub struct Own; fn own() -> Own { Own }"),
            ("room::a", code),
            ("room::b", "pub mod deep; pub struct B; pub use super::c::{C as Renamed};"),
            ("room::b::deep", "pub struct Deep;"),
            ("room::c", "pub struct C(crate::room::A);"),
            ("other", "pub struct Other;"),
        ]);
        let imports = modules.imports().into_keys();
        imports.filter(|(from, _)| from.join("::") == "room::a").map(|(_, to)| to.join("::")).collect::<Vec<_>>()
    };
    let nothing: [&str; 0] = [];
    assert_eq!(imported("pub struct A; // use super::b::B;"), nothing);
    assert_eq!(imported("use super::b::B;"), ["room::b"]);
    assert_eq!(
        imported("use crate::room::b::{self, deep}; fn f() -> b::B { deep::Deep }"),
        ["room::b", "room::b::deep"]
    );
    assert_eq!(imported("fn f() { assert!(super::b::deep::Deep) }"), ["room::b::deep"]);
    assert_eq!(imported("const fn b() {} fn f(g: fn(super::b::B)) {}"), ["room::b"]);
    assert_eq!(imported("use super::b::Renamed;"), ["room::c"], "a re-export under another name");
    assert_eq!(imported("use super::Own;"), ["room"], "mod.rs defines it");
    assert_eq!(imported("use super::b;"), nothing, "a module by itself is a place");
    assert_eq!(imported("pub(super) use super::b::B;"), nothing, "handed on");
    assert_eq!(imported("pub(super) use super::b::B; fn f() { B }"), ["room::b"], "handed on and used");
    assert_eq!(imported("#[cfg(test)] use super::b::B; #[cfg(test)] mod tests { use super::super::c::C; }"), nothing);
    assert_eq!(imported("use crate::other::Other; use std::b; fn f() { x.b(); b::B; Self::b::B }"), nothing);
}

#[test]
fn a_cycle_is_told_with_what_ties_it() {
    let modules = modules_of(&[
        ("room", "mod a; mod b;"),
        ("room::a", "use super::b::B; fn f() {}"),
        ("room::b", "pub struct B; fn f() { super::a::f() }"),
    ]);
    assert_eq!(modules.cycles(), ["room: a → b → a (b::B, a::f)"]);
}

impl Modules {
    /// The shortest cycle through each file that is on one, as `room: a → b → a (what a takes, what b takes)`.
    fn cycles(&self) -> Vec<String> {
        let imports = self.imports();
        let shortest: BTreeSet<Vec<&ModulePath>> = self.0.keys().filter_map(|start| cycle(&imports, start)).collect();
        let told = shortest.into_iter().map(|files| {
            let label = |file: &ModulePath| if file.len() == 1 { "mod".to_owned() } else { file[1..].join("/") };
            let ring: Vec<_> = files.iter().chain(&files[..1]).map(|file| (*file).clone()).collect();
            let ties = ring.windows(2).map(|pair| {
                let items: Vec<_> = imports[&(pair[0].clone(), pair[1].clone())].iter().map(String::as_str).collect();
                format!("{}::{}", label(&pair[1]), items.join("+"))
            });
            let ties: Vec<_> = ties.collect();
            let labels: Vec<_> = ring.iter().map(label).collect();
            format!("{}: {} ({})", files[0][0], labels.join(" → "), ties.join(", "))
        });
        told.collect()
    }
}

/// A shortest cycle through `start`, turned so that its first file is the least.
fn cycle<'a>(
    imports: &'a BTreeMap<(ModulePath, ModulePath), BTreeSet<String>>,
    start: &'a ModulePath,
) -> Option<Vec<&'a ModulePath>> {
    let mut came_from: BTreeMap<&ModulePath, &ModulePath> = BTreeMap::new();
    let mut queue = VecDeque::from([start]);
    while let Some(file) = queue.pop_front() {
        for (_, to) in imports.keys().filter(|(from, _)| from == file) {
            if !came_from.contains_key(to) {
                came_from.insert(to, file);
                queue.push_back(to);
            }
        }
    }
    let mut files = vec![start];
    let mut last = *came_from.get(start)?;
    while last != start {
        files.push(last);
        last = came_from[last];
    }
    files.reverse();
    let least = (0..files.len()).min_by_key(|at| files[*at]).unwrap();
    files.rotate_left(least);
    Some(files)
}

fn modules_of(files: &[(&str, &str)]) -> Modules {
    Modules::read(files.iter().map(|(path, text)| (path.split("::").map(str::to_owned).collect(), (*text).to_owned())))
}

fn module_path(path: &Path) -> ModulePath {
    let below = path.strip_prefix(root()).unwrap().with_extension("");
    let words = below.iter().map(|word| word.to_string_lossy().into_owned());
    words.filter(|word| word != "mod" && word != "lib").collect()
}
