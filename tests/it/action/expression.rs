//! The expressions of a workflow, as far as action.yml uses them: every value is a text, false and null are empty.

use std::iter::Peekable;
use std::vec::IntoIter;

/// The value of an expression; `context` knows the values of names such as `inputs.out`.
pub fn evaluate(expression: &str, context: &dyn Fn(&str) -> String) -> String {
    let mut tokens = tokens(expression).into_iter().peekable();
    let value = either(&mut tokens, context);
    assert_eq!(tokens.next(), None, "{expression}");
    value
}

/// A text with the values of its `${{ … }}`.
pub fn filled(text: &str, context: &dyn Fn(&str) -> String) -> String {
    let mut parts = text.split("${{");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (expression, rest) = part.split_once("}}").expect("an end");
        filled += &evaluate(expression, context);
        filled += rest;
    }
    filled
}

type Tokens = Peekable<IntoIter<String>>;

fn tokens(expression: &str) -> Vec<String> {
    let mut tokens = vec![];
    let mut letters = expression.chars().peekable();
    while let Some(letter) = letters.next() {
        let mut token = letter.to_string();
        match letter {
            ' ' => continue,
            '\'' => token.extend(letters.by_ref().take_while(|letter| *letter != '\'')),
            '=' | '!' | '&' | '|' => token.extend(letters.next_if(|next| "=&|".contains(*next))),
            '(' | ')' | ',' => {}
            _ => {
                while let Some(next) = letters.next_if(|next| next.is_alphanumeric() || "._-".contains(*next)) {
                    token.push(next);
                }
            }
        }
        tokens.push(token);
    }
    tokens
}

fn truth(holds: bool) -> String {
    if holds { "true".to_owned() } else { String::new() }
}

fn either(tokens: &mut Tokens, context: &dyn Fn(&str) -> String) -> String {
    let mut value = both(tokens, context);
    while tokens.next_if_eq("||").is_some() {
        let other = both(tokens, context);
        value = if value.is_empty() { other } else { value };
    }
    value
}

fn both(tokens: &mut Tokens, context: &dyn Fn(&str) -> String) -> String {
    let mut value = equal(tokens, context);
    while tokens.next_if_eq("&&").is_some() {
        let other = equal(tokens, context);
        value = if value.is_empty() { value } else { other };
    }
    value
}

fn equal(tokens: &mut Tokens, context: &dyn Fn(&str) -> String) -> String {
    let value = one(tokens, context);
    match tokens.next_if(|token| token == "==" || token == "!=") {
        Some(operator) => truth((value == one(tokens, context)) == (operator == "==")),
        None => value,
    }
}

fn one(tokens: &mut Tokens, context: &dyn Fn(&str) -> String) -> String {
    let token = tokens.next().expect("a value");
    if let Some(text) = token.strip_prefix('\'') {
        return text.to_owned();
    }
    if token == "(" {
        let value = either(tokens, context);
        assert_eq!(tokens.next().as_deref(), Some(")"));
        return value;
    }
    if tokens.next_if_eq("(").is_none() {
        return context(&token);
    }
    let mut arguments = vec![];
    while tokens.next_if_eq(")").is_none() {
        arguments.push(either(tokens, context));
        tokens.next_if_eq(",");
    }
    match (token.as_str(), arguments.as_slice()) {
        ("fromJSON", [text]) => text.clone(),
        ("contains", [list, item]) => {
            truth(serde_json::from_str::<Vec<String>>(list).expect("a list").iter().any(|listed| listed == item))
        }
        ("always", []) => "true".to_owned(),
        _ => panic!("{token} is not known here"),
    }
}

#[test]
fn expressions_are_read_as_a_runner_does() {
    let context = |name: &str| match name {
        "inputs.out" => "folder".to_owned(),
        "github.event_name" => "push".to_owned(),
        _ => String::new(),
    };
    let check = |expression: &str, value: &str| assert_eq!(evaluate(expression, &context), value, "{expression}");
    check("inputs.out == 'folder' && github.event_name != 'pull_request'", "true");
    check("github.base_ref || inputs.out", "folder");
    check("contains(fromJSON('[\"0\", \"99\"]'), '9')", "");
    check("(inputs.none || 'a') == 'a' && always()", "true");
    assert_eq!(filled("${{ inputs.out }}-base ${{ inputs.none }}.", &context), "folder-base .");
}
