//! Expansion of `${NAME}` and `${NAME:-default}` with the values of environment variables.

use std::borrow::Cow;

/// Looks a variable up; the caller provides the environment.
pub type VariableLookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Replaces every reference in `written`. As in a shell, the default of `:-` also replaces an empty value.
///
/// # Errors
/// One sentence for each reference without a value.
pub fn expand<'a>(written: &'a str, environment: VariableLookup<'_>) -> Result<Cow<'a, str>, Vec<String>> {
    if !has_reference(written) {
        return Ok(Cow::Borrowed(written));
    }
    let mut expanded = String::new();
    let mut problems = vec![];
    let mut rest = written;
    while let Some(start) = rest.find("${") {
        expanded.push_str(&rest[..start]);
        let Some(length) = rest[start..].find('}') else {
            problems.push("\"${\" has no closing \"}\"".to_owned());
            break;
        };
        let reference = &rest[start + 2..start + length];
        match look_up(reference, environment) {
            Ok(value) => expanded.push_str(&value),
            Err(problem) => problems.push(problem),
        }
        rest = &rest[start + length + 1..];
    }
    expanded.push_str(rest);
    if problems.is_empty() { Ok(Cow::Owned(expanded)) } else { Err(problems) }
}

/// True if `written` has a reference.
pub(crate) fn has_reference(written: &str) -> bool {
    written.contains("${")
}

/// The literal part of `written`: references are left out, and their defaults kept.
pub(crate) fn literal_part(written: &str) -> String {
    let mut literal = String::new();
    let mut rest = written;
    while let Some(start) = rest.find("${") {
        literal.push_str(&rest[..start]);
        let Some(length) = rest[start..].find('}') else { break };
        if let Some((_, default)) = rest[start..start + length].split_once(":-") {
            literal.push_str(default);
        }
        rest = &rest[start + length + 1..];
    }
    literal.push_str(rest);
    literal
}

fn look_up(reference: &str, environment: VariableLookup<'_>) -> Result<String, String> {
    let (name, default) = match reference.split_once(":-") {
        Some((name, default)) => (name, Some(default)),
        None => (reference, None),
    };
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty();
    if !is_name {
        return Err(format!("${{{}}} names no environment variable", name.escape_debug()));
    }
    match (environment(name), default) {
        (Some(value), None) => Ok(value),
        (Some(value), Some(_)) if !value.is_empty() => Ok(value),
        (_, Some(default)) => Ok(default.to_owned()),
        (None, None) => Err(format!("the environment variable {name} is not set")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(written: &str, expected: Result<&str, &[&str]>) {
        let environment = |name: &str| match name {
            "TOKEN" => Some("s3cret".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        let expanded = expand(written, &environment).map(Cow::into_owned);
        let expected = expected.map(str::to_owned).map_err(|lines| lines.iter().map(|&line| line.to_owned()).collect());
        assert_eq!(expanded, expected, "{written}");
    }

    #[test]
    fn references_give_way_to_values_and_defaults() {
        check("plain $TOKEN {x}", Ok("plain $TOKEN {x}"));
        check("Bearer ${TOKEN}!", Ok("Bearer s3cret!"));
        check("${NONE:-a}${TOKEN:-b}${EMPTY:-c}${EMPTY}", Ok("as3cretc"));
        check("${NONE:-}", Ok(""));
    }

    #[test]
    fn every_reference_that_stands_for_nothing_is_named() {
        check(
            "${NONE} ${OTHER}",
            Err(&["the environment variable NONE is not set", "the environment variable OTHER is not set"]),
        );
        check("${TOKEN", Err(&["\"${\" has no closing \"}\""]));
        check("${a b}", Err(&["${a b} names no environment variable"]));
    }

    #[test]
    fn what_a_text_says_itself_includes_its_defaults() {
        for (written, expected) in [
            ("Bearer ${TOKEN}", "Bearer "),
            ("${TOKEN}", ""),
            ("Bearer ${TOKEN:-abc}!", "Bearer abc!"),
            ("plain", "plain"),
            ("${TOKEN", "${TOKEN"),
        ] {
            assert_eq!(literal_part(written), expected, "{written}");
        }
    }
}
