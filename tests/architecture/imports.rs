//! The imports between files of `src`, followed through re-exports to the file that defines.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::slice;

/// Re-exports in a row that an import is followed through.
const HOPS_MAX: usize = 8;

/// `commands::run` as its words.
pub type ModulePath = Vec<String>;

/// The files of `src`, by the modules they are.
pub struct Modules(pub BTreeMap<ModulePath, Module>);

/// One file's definitions, imports and paths, without its tests.
#[derive(Default)]
pub struct Module {
    /// Items of the top level, by name.
    defined: BTreeSet<String>,
    uses: Vec<Use>,
    /// Paths outside `use`, as written; a single name is a path of one word.
    paths: BTreeSet<Vec<String>>,
}

pub struct Use {
    /// The name it has here; `*` for a glob.
    name: String,
    /// As written.
    path: Vec<String>,
    is_public: bool,
}

impl Modules {
    pub fn read(files: impl Iterator<Item = (ModulePath, String)>) -> Self {
        Self(files.map(|(path, text)| (path, Module::read(&text))).collect())
    }

    /// Imports between files of one room, with the items that tie them.
    pub fn imports(&self) -> BTreeMap<(ModulePath, ModulePath), BTreeSet<String>> {
        let mut imports: BTreeMap<_, BTreeSet<String>> = BTreeMap::new();
        for (from, module) in &self.0 {
            for Use { path, .. } in module.uses.iter().filter(|used| used.name == "*") {
                let is_ours = ["crate", "self", "super"].contains(&path[0].as_str()) || self.is_child(from, &path[0]);
                assert!(!is_ours, "{}: use {}::* hides what is imported", from.join("::"), path.join("::"));
            }
            let private = module.uses.iter().filter(|used| !used.is_public).map(|used| &used.path);
            for path in private.chain(&module.paths) {
                if let Some((to, item)) = self.locate(from, path, HOPS_MAX)
                    && to != *from
                    && to.first() == from.first()
                {
                    imports.entry((from.clone(), to)).or_default().insert(item);
                }
            }
        }
        imports
    }

    fn is_child(&self, of: &[String], name: &String) -> bool {
        self.0.contains_key(&[of, slice::from_ref(name)].concat())
    }

    /// The file that defines what `path` leads to when written in `from`, and the item's name. `None`: an outer crate, a
    /// local name, or a module by itself.
    fn locate(&self, from: &[String], path: &[String], hops: usize) -> Option<(ModulePath, String)> {
        let mut here = from.to_vec();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => here.clear(),
            "super" | "self" => {}
            _ => {
                let module = self.0.get(from)?;
                let is_known = module.uses.iter().any(|used| used.name == path[0]) || module.defined.contains(&path[0]);
                if !is_known && !self.is_child(from, &path[0]) {
                    return None;
                }
            }
        }
        while let [word, more @ ..] = rest
            && ["crate", "self", "super"].contains(&word.as_str())
        {
            if word == "super" {
                here.pop()?;
            }
            rest = more;
        }
        // The last word is an item before it is a module: `pub use judge::judge`.
        while let [word, _, ..] = rest
            && self.is_child(&here, word)
        {
            here.push(word.clone());
            rest = &rest[1..];
        }
        let (word, more) = rest.split_first()?;
        let module = self.0.get(&here)?;
        let handed_on = module.uses.iter().find(|used| used.name == *word).filter(|_| hops > 0);
        match handed_on {
            Some(used) if !more.is_empty() || !module.defined.contains(word) => {
                self.locate(&here, &[&used.path, more].concat(), hops - 1)
            }
            _ if !module.defined.contains(word) && self.is_child(&here, word) => None,
            _ => Some((here, word.clone())),
        }
    }
}

impl Module {
    fn read(text: &str) -> Self {
        let mut module = Self::default();
        module.scan(text.parse().unwrap(), true);
        module
    }

    fn scan(&mut self, tokens: TokenStream, is_top: bool) {
        const ITEMS: &[&str] = &["const", "enum", "fn", "mod", "static", "struct", "trait", "type", "union"];
        let tokens = without_tests(tokens);
        let mut at = 0;
        while at < tokens.len() {
            let words = words(&tokens[at..]);
            match (&tokens[at], words.first().map(String::as_str)) {
                (TokenTree::Group(group), _) => self.scan(group.stream(), false),
                // `impl Trait + use<'a>` is no import.
                (_, Some("use")) if !is_punct(tokens.get(at + 1), '<') => {
                    let end = (at..tokens.len()).find(|end| is_punct(tokens.get(*end), ';')).unwrap();
                    let before = tokens[..at].iter().rev().find(|token| !matches!(token, TokenTree::Group(_)));
                    let is_public = before.is_some_and(|token| token.to_string() == "pub");
                    use_tree(&tokens[at + 1..end], &[], is_public, &mut self.uses);
                    at = end;
                }
                // The name of an item is no path; of `const fn`, the next turn finds it, and `fn(T)` has none.
                (_, Some(word)) if ITEMS.contains(&word) => {
                    if let Some(TokenTree::Ident(name)) = tokens.get(at + 1)
                        && name != "fn"
                    {
                        let inline = tokens.get(at + 2).filter(|_| word == "mod");
                        let inline = inline.filter(|token| matches!(token, TokenTree::Group(_)));
                        assert!(
                            inline.is_none_or(holds_constants_alone),
                            "mod {name}: give it a file; paths inside an inline module are not followed"
                        );
                        if is_top && (word != "mod" || inline.is_some()) {
                            self.defined.insert(name.to_string());
                        }
                        at += 1;
                    }
                }
                (_, Some(_)) => {
                    let dots = tokens[..at].iter().rev().take_while(|token| is_punct(Some(token), '.')).count();
                    let colons = tokens[..at].iter().rev().take_while(|token| is_punct(Some(token), ':')).count();
                    // A method or a field, or the end of a path with type arguments.
                    let is_inner = dots == 1 || colons == 2;
                    at += 3 * (words.len() - 1);
                    if !is_inner {
                        self.paths.insert(words);
                    }
                }
                _ => {}
            }
            at += 1;
        }
    }
}

/// An inline module of numbers has no paths to follow: `mod ppid { pub const BINARY: u32 = 53; }`.
fn holds_constants_alone(module: &TokenTree) -> bool {
    let TokenTree::Group(group) = module else { return false };
    let is_path = |token: TokenTree| match token {
        TokenTree::Ident(word) => {
            ["use", "fn", "crate", "super", "self", "struct", "enum", "impl"].contains(&word.to_string().as_str())
        }
        _ => false,
    };
    !group.stream().into_iter().any(is_path)
}

/// The path that `tokens` open with: no word if they open with none.
fn words(tokens: &[TokenTree]) -> Vec<String> {
    let mut words = vec![];
    let mut at = 0;
    while let Some(TokenTree::Ident(word)) = tokens.get(at) {
        words.push(word.to_string());
        if !(is_punct(tokens.get(at + 1), ':') && is_punct(tokens.get(at + 2), ':')) {
            break;
        }
        at += 3;
    }
    words
}

/// The imports of `use` and `;`'s between.
fn use_tree(tokens: &[TokenTree], prefix: &[String], is_public: bool, uses: &mut Vec<Use>) {
    for branch in tokens.split(|token| is_punct(Some(token), ',')).filter(|branch| !branch.is_empty()) {
        let words = branch.iter().filter(|token| matches!(token, TokenTree::Ident(_))).map(ToString::to_string);
        let mut path: Vec<String> = prefix.iter().cloned().chain(words).collect();
        if let Some(TokenTree::Group(group)) = branch.last() {
            let inner: Vec<_> = group.stream().into_iter().collect();
            use_tree(&inner, &path, is_public, uses);
            continue;
        }
        let renamed = path.iter().position(|word| word == "as").map(|at| path.split_off(at));
        if path.len() > 1 && path.last().is_some_and(|word| word == "self") {
            path.pop();
        }
        let name = match branch.last() {
            Some(TokenTree::Punct(_)) => "*".to_owned(),
            _ => renamed.as_ref().unwrap_or(&path).last().unwrap().clone(),
        };
        uses.push(Use { name, path, is_public });
    }
}

/// Drops what is compiled for tests only.
fn without_tests(tokens: TokenStream) -> Vec<TokenTree> {
    let mut kept: Vec<TokenTree> = vec![];
    let mut tokens = tokens.into_iter();
    while let Some(token) = tokens.next() {
        let is_of_tests = matches!(&token, TokenTree::Group(group) if group.stream().to_string() == "cfg (test)")
            && is_punct(kept.last(), '#');
        if is_of_tests {
            // To the end of an item, a variant or an arm.
            let ends = |token: &TokenTree| match token {
                TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                _ => is_punct(Some(token), ';') || is_punct(Some(token), ','),
            };
            tokens.find(ends);
        } else {
            kept.push(token);
        }
    }
    kept
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == wanted)
}
