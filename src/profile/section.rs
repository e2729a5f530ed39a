//! Typed access to the tree's values, which collects every problem instead of stopping at the first.

use super::syntax::document::{At, Node, Tree, Value};
use super::syntax::environment::{self, VariableLookup};
use super::syntax::keys::{self, Takes};
use super::syntax::units;
use crate::vocabulary::{Problem, problem::PROBLEMS_MAX, problem::nearest, problem::one_of, problem::quoted};
use std::cell::RefCell;
use std::time::Duration;

/// Functions of the caller's that the checks of a profile need.
#[derive(Clone, Copy)]
pub struct Checks<'a> {
    pub environment: VariableLookup<'a>,
    /// Checks the grammar of a gate's metric and expression, which a higher floor defines, and that its scenario is among
    /// the given names; an error is one sentence.
    pub gate: GateCheck<'a>,
}

/// A check of a metric and an expression, with the names of the profile's scenarios.
pub type GateCheck<'a> = &'a dyn Fn(&str, &str, &[String]) -> Result<(), String>;

/// The state that all sections of one profile share. A value that can't be read becomes a problem, and its reader
/// returns a fallback; a profile with problems is never returned, so no fallback is ever used.
pub(super) struct SectionReader<'a> {
    pub file: &'a str,
    pub checks: Checks<'a>,
    /// Each problem with its line as the sort key; `usize::MAX` for one without a line.
    problems: RefCell<Vec<(usize, Problem)>>,
}

impl<'a> SectionReader<'a> {
    pub(super) fn new(file: &'a str, checks: Checks<'a>, problems: Vec<Problem>) -> Self {
        let problems = problems.into_iter().map(|problem| (usize::MAX, problem)).collect();
        Self { file, checks, problems: RefCell::new(problems) }
    }

    /// All problems in the order of the text, at most [`PROBLEMS_MAX`] and the number of those left out.
    pub(super) fn problems(self) -> Vec<Problem> {
        let mut sorted = self.problems.into_inner();
        sorted.sort_by_key(|(line, _)| *line);
        let more = sorted.len().saturating_sub(PROBLEMS_MAX);
        let mut problems: Vec<_> = sorted.into_iter().take(PROBLEMS_MAX).map(|(_, problem)| problem).collect();
        if more > 0 {
            let message = format!("and {more} more");
            problems.push(Problem { path: String::new(), message, at: self.file.to_owned() });
        }
        problems
    }

    pub(super) fn problem(&self, path: &str, at: &At, message: impl Into<String>) {
        let problem = Problem { path: path.to_owned(), message: message.into(), at: at.show(self.file) };
        let line = match at {
            At::Line(line) => *line,
            At::Default | At::Option(_) => usize::MAX,
        };
        let mut problems = self.problems.borrow_mut();
        // A scenario is checked with the settings of the sections, whose mistakes are known already.
        let is_known = |(_, known): &(usize, Problem)| {
            let known_path = known.path.as_str();
            let inner = path.strip_suffix(known_path).is_some_and(|outer| outer.is_empty() || outer.ends_with('.'));
            inner && !known_path.is_empty() && (&known.at, &known.message) == (&problem.at, &problem.message)
        };
        if !problems.iter().any(is_known) {
            problems.push((line, problem));
        }
    }

    /// True if there are so many problems that a hint at a right name would not be read.
    fn is_full(&self) -> bool {
        self.problems.borrow().len() > PROBLEMS_MAX
    }

    /// A text with its references to the environment replaced; `None` if one of them has no value.
    pub(super) fn expand(&self, path: &str, at: &At, written: &str) -> Option<String> {
        match environment::expand(written, self.checks.environment) {
            Ok(text) => Some(text.into_owned()),
            Err(problems) => {
                problems.into_iter().for_each(|message| self.problem(path, at, message));
                None
            }
        }
    }
}

/// One table of the profile.
pub(super) struct Section<'a> {
    pub reader: &'a SectionReader<'a>,
    path: String,
    at: &'a At,
    tree: &'a Tree,
    /// Its keys, and what each takes.
    takes: &'static Takes,
}

impl<'a> Section<'a> {
    /// A table whose keys are checked against those that it may have.
    pub(super) fn new(
        reader: &'a SectionReader<'a>,
        path: String,
        at: &'a At,
        tree: &'a Tree,
        takes: &'static Takes,
    ) -> Self {
        let section = Self { reader, path, at, tree, takes };
        if let Some(names) = takes.names() {
            section.allow(&names);
        }
        section
    }

    /// A table merged from others, whose keys have been checked in each.
    pub(super) fn overlaid(reader: &'a SectionReader<'a>, path: String, at: &'a At, tree: &'a Tree) -> Self {
        Self { reader, path, at, tree, takes: &keys::ROOT }
    }

    /// The section of that name. An absent one is empty.
    pub(super) fn section(&self, name: &str) -> Section<'a> {
        static NOTHING: Tree = Tree::new();
        let takes = self.takes.of(name);
        match self.node(name) {
            Some(Node { at, value: Value::Table(tree) }) => {
                Section::new(self.reader, self.path_of(name), at, tree, takes)
            }
            other => {
                if let Some(other) = other {
                    self.problem(name, format!("expected a table, not {}", other.value.kind()));
                }
                Section::new(self.reader, self.path_of(name), self.at, &NOTHING, takes)
            }
        }
    }

    /// The table of a range, such as `example`; an end that is missing is a problem.
    pub(super) fn range(&self, key: &str, example: &str) -> Section<'a> {
        let limits = self.section(key);
        for end in ["min", "max"].into_iter().filter(|end| limits.node(end).is_none()) {
            self.problem(key, format!("{end} is missing; write {example}"));
        }
        limits
    }

    /// True if the value is a table.
    pub(super) fn is_table(&self, key: &str) -> bool {
        matches!(self.node(key).map(|node| &node.value), Some(Value::Table(_)))
    }

    /// Reports every key that is none of `keys`, with the nearest right name.
    fn allow(&self, keys: &[&str]) {
        for key in self.tree.keys().filter(|key| !keys.contains(&key.as_str())) {
            let right = if self.reader.is_full() { None } else { keys::right_name(key, keys) };
            let hint = match right {
                Some(right) => format!("did you mean {right}?"),
                None => format!("known are {}", keys.join(", ")),
            };
            let what = if self.path.is_empty() { "no such key or section" } else { "no such key" };
            self.problem(key, format!("{what}; {hint}"));
        }
    }

    /// The values that a key takes.
    pub(super) fn takes(&self, key: &str) -> &'static Takes {
        self.takes.of(key)
    }

    pub(super) fn path_of(&self, key: &str) -> String {
        // A key may have any characters, line ends included.
        let key: String = key.chars().take(80).flat_map(char::escape_debug).collect();
        match (self.path.as_str(), key.as_str()) {
            (path, "") => path.to_owned(),
            ("", key) => key.to_owned(),
            (path, key) => format!("{path}.{key}"),
        }
    }

    pub(super) fn problem(&self, key: &str, message: impl Into<String>) {
        self.reader.problem(&self.path_of(key), self.at(key), message);
    }

    /// The place of the value, for problems that are found after the profile is read.
    pub(super) fn location(&self, key: &str) -> String {
        self.at(key).show(self.reader.file)
    }

    fn at(&self, key: &str) -> &'a At {
        self.tree.get(key).map_or(self.at, |node| &node.at)
    }

    pub(super) fn node(&self, key: &str) -> Option<&'a Node> {
        self.tree.get(key)
    }

    pub(super) fn tree(&self) -> &'a Tree {
        self.tree
    }

    pub(super) fn is_given(&self, key: &str) -> bool {
        self.tree.get(key).is_some_and(|node| node.at != At::Default)
    }

    pub(super) fn text(&self, key: &str) -> Option<String> {
        let node = self.node(key)?;
        match &node.value {
            Value::Text(written) => self.reader.expand(&self.path_of(key), &node.at, written),
            other => {
                self.problem(key, format!("expected a text in quotes, not {}", other.kind()));
                None
            }
        }
    }

    /// The meaning of one of `words`; an absent or wrong value falls back to the first.
    pub(super) fn word<T: Copy>(&self, key: &str, words: &[(&'static str, T)]) -> T {
        let names: Vec<_> = words.iter().map(|(name, _)| *name).collect();
        debug_assert!(matches!(self.takes.of(key), Takes::Words(known) if *known == names), "{key}: {names:?}");
        let Some(text) = self.text(key) else { return words[0].1 };
        if let Some((_, meaning)) = words.iter().find(|(name, _)| *name == text) {
            return *meaning;
        }
        let hint =
            nearest(&text, names.iter().copied()).map_or(String::new(), |near| format!("; did you mean {near}?"));
        let shown = self.shown(key);
        self.problem(key, format!("{shown} is none of {}{hint}", one_of(&names)));
        words[0].1
    }

    pub(super) fn flag(&self, key: &str) -> bool {
        debug_assert!(matches!(self.takes.of(key), Takes::Flag), "{key}");
        match self.node(key).map(|node| &node.value) {
            None => false,
            Some(Value::Flag(flag)) => *flag,
            Some(other) => {
                self.problem(key, format!("expected true or false, not {}", other.kind()));
                false
            }
        }
    }

    /// A whole number within its limits, also from a reference to the environment; `why` completes "3 is too small; …".
    pub(super) fn whole(&self, key: &str, why: &str) -> u64 {
        let (Takes::Whole(min, max) | Takes::OneOrRange(Takes::Whole(min, max))) = self.takes.of(key) else {
            unreachable!("{key} takes no whole number")
        };
        let limits = *min..=*max;
        let fallback = *limits.start();
        let number = match self.node(key).map(|node| &node.value) {
            None => return fallback,
            Some(Value::Whole(number)) => *number,
            Some(Value::Text(written)) if environment::has_reference(written) => {
                let Some(text) = self.text(key) else { return fallback };
                match text.trim().parse() {
                    Ok(number) => number,
                    Err(_) => {
                        self.problem(key, format!("what {} stands for is no whole number", quoted(written)));
                        return fallback;
                    }
                }
            }
            Some(Value::Text(written)) => {
                self.problem(key, format!("expected a whole number, not {}", quoted(written)));
                return fallback;
            }
            Some(Value::Decimal(number)) => {
                self.problem(key, format!("expected a whole number, not {number}"));
                return fallback;
            }
            Some(other) => {
                self.problem(key, format!("expected a whole number, not {}", other.kind()));
                return fallback;
            }
        };
        match u64::try_from(number) {
            Ok(number) if limits.contains(&number) => number,
            _ => {
                let fault = if number < i128::from(fallback) { "small" } else { "large" };
                self.problem(key, format!("{number} is too {fault}; {why}"));
                fallback
            }
        }
    }

    /// A duration within its limits.
    pub(super) fn duration(&self, key: &str) -> Duration {
        let Takes::Time(min, max) = self.takes.of(key) else { unreachable!("{key} takes no duration") };
        let limits = *min..=*max;
        let duration = self.measured(key, "a time", "ms", units::duration).unwrap_or(*limits.start());
        if !limits.contains(&duration) {
            let (fault, bound) = match duration < *limits.start() {
                true => ("short; at least", limits.start()),
                false => ("long; at most", limits.end()),
            };
            self.problem(key, format!("{} is too {fault} {bound:?}", self.shown(key)));
        }
        duration
    }

    /// A rate from 1/h to 1,000,000/s, in events per second; with `or_zero` also 0.
    pub(super) fn rate(&self, key: &str, or_zero: bool) -> f64 {
        const RATE_MAX: f64 = 1e6;
        const RATE_MIN: f64 = 1.0 / 3600.0;
        let Some(rate) = self.measured(key, "a rate", "/s", units::rate) else { return RATE_MIN };
        let fault = match rate {
            0.0 if or_zero => return 0.0,
            rate if rate > RATE_MAX => "too high; at most 1000000/s",
            rate if rate >= RATE_MIN => return rate,
            _ => "too low; at least 1/h",
        };
        self.problem(key, format!("{} is {fault}", self.shown(key)));
        RATE_MIN
    }

    /// A share from 0% to 100%, as a fraction from 0 to 1.
    pub(super) fn share(&self, key: &str) -> f64 {
        self.measured(key, "a share", "%", units::share).unwrap_or(0.0)
    }

    /// A value with a unit, parsed by `read`. A number without a unit is ambiguous, and therefore a problem.
    pub(super) fn measured<T>(
        &self,
        key: &str,
        expected: &str,
        unit: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let node = self.node(key)?;
        let message = match &node.value {
            Value::Text(written) => {
                let text = self.text(key)?;
                match read(&text) {
                    Ok(value) => return Some(value),
                    // The value of a variable is not printed: it may be a secret.
                    Err(_) if environment::has_reference(written) => {
                        format!("what {} stands for is not {expected}", quoted(written))
                    }
                    Err(message) => message,
                }
            }
            Value::Whole(number) => missing_unit(&number.to_string(), unit),
            Value::Decimal(number) if number.is_finite() => missing_unit(&number.to_string(), unit),
            Value::Decimal(number) => format!("{number} is not {expected}"),
            other => format!("expected {expected}, not {}", other.kind()),
        };
        self.problem(key, message);
        None
    }

    /// The value as written, for a message.
    pub(super) fn shown(&self, key: &str) -> String {
        match self.node(key).map(|node| &node.value) {
            Some(Value::Text(written)) => quoted(written),
            Some(Value::Whole(number)) => number.to_string(),
            Some(Value::Decimal(number)) => number.to_string(),
            Some(other) => other.kind().to_owned(),
            None => "nothing".to_owned(),
        }
    }
}

fn missing_unit(number: &str, unit: &str) -> String {
    match unit {
        "ms" => units::missing_time_unit(number),
        unit => format!("{number} of what? write {number}{unit}"),
    }
}
