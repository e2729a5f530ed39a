//! Parses conditions such as `not registry and me in existing.id`.

use super::names::{Binding, Name, Scope};
use serde_json::Value;

/// The deepest nesting of brackets; bounds the recursion.
const DEPTH_MAX: usize = 16;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Expression {
    Constant(Value),
    Name(Name),
    Not(Box<Expression>),
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Compare(Box<Expression>, ComparisonOperator, Box<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ComparisonOperator {
    Equal,
    Unequal,
    Less,
    Greater,
    In,
}

impl Expression {
    /// # Errors
    /// The first syntax error or unknown name.
    pub(crate) fn parse(text: &str, scope: &Scope<'_>) -> Result<Self, String> {
        let mut reader = TokenReader { tokens: tokens(text)?, next: 0, scope, depth: 0 };
        let expression = reader.any()?;
        match reader.peek() {
            None => Ok(expression),
            Some(token) => Err(format!("\"{text}\": {} is one word too many", token.show())),
        }
    }

    /// The value depends on a binding for which `is_meant` holds.
    pub(crate) fn reads(&self, is_meant: &impl Fn(&Binding) -> bool) -> bool {
        match self {
            Self::Constant(_) => false,
            Self::Name(name) => is_meant(&name.place),
            Self::Not(inner) => inner.reads(is_meant),
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.reads(is_meant)),
            Self::Compare(left, _, right) => left.reads(is_meant) || right.reads(is_meant),
        }
    }

    /// The number of conditions `x in list.key` whose list is the local `slot`.
    pub(crate) fn searches(&self, slot: usize) -> usize {
        match self {
            Self::Constant(_) | Self::Name(_) => 0,
            Self::Not(inner) => inner.searches(slot),
            Self::All(parts) | Self::Any(parts) => parts.iter().map(|part| part.searches(slot)).sum(),
            Self::Compare(left, operator, right) => {
                let is_search = *operator == ComparisonOperator::In
                    && matches!(&**right, Self::Name(name) if name.local() == Some(slot) && name.item_key().is_some());
                usize::from(is_search) + left.searches(slot) + right.searches(slot)
            }
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Literal(Value),
    Sign(&'static str),
}

impl Token {
    fn show(&self) -> String {
        match self {
            Self::Word(word) => format!("\"{word}\""),
            Self::Literal(value) => value.to_string(),
            Self::Sign(sign) => format!("\"{sign}\""),
        }
    }
}

fn tokens(text: &str) -> Result<Vec<Token>, String> {
    let mut tokens = vec![];
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let length =
            if let Some(sign) = ["==", "!=", "<", ">", "(", ")"].into_iter().find(|sign| rest.starts_with(sign)) {
                tokens.push(Token::Sign(sign));
                sign.len()
            } else if first == '\'' || first == '"' {
                let end = rest[1..].find(first).ok_or_else(|| format!("\"{text}\": a quote is not closed"))?;
                tokens.push(Token::Literal(Value::from(&rest[1..=end])));
                end + 2
            } else {
                let word: String = rest.chars().take_while(|c| c.is_alphanumeric() || "._-".contains(*c)).collect();
                if word.is_empty() {
                    return Err(format!("\"{text}\": '{first}' has no meaning in a condition"));
                }
                let length = word.len();
                tokens.push(match word.parse::<i64>() {
                    Ok(number) => Token::Literal(Value::from(number)),
                    Err(_) if word == "true" || word == "false" => Token::Literal(Value::from(word == "true")),
                    Err(_) if word == "null" => Token::Literal(Value::Null),
                    Err(_) => Token::Word(word),
                });
                length
            };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

struct TokenReader<'a> {
    tokens: Vec<Token>,
    next: usize,
    scope: &'a Scope<'a>,
    depth: usize,
}

impl TokenReader<'_> {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn takes_word(&mut self, word: &str) -> bool {
        let hit = matches!(self.peek(), Some(Token::Word(found)) if found == word);
        self.next += usize::from(hit);
        hit
    }

    fn any(&mut self) -> Result<Expression, String> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return Err("a condition nested too deep".to_owned());
        }
        let mut parts = vec![self.all()?];
        while self.takes_word("or") {
            parts.push(self.all()?);
        }
        self.depth -= 1;
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::Any(parts) })
    }

    fn all(&mut self) -> Result<Expression, String> {
        let mut parts = vec![self.not()?];
        while self.takes_word("and") {
            parts.push(self.not()?);
        }
        Ok(if parts.len() == 1 { parts.remove(0) } else { Expression::All(parts) })
    }

    fn not(&mut self) -> Result<Expression, String> {
        let mut negated = false;
        while self.takes_word("not") {
            negated = !negated;
        }
        let inner = self.comparison()?;
        Ok(if negated { Expression::Not(Box::new(inner)) } else { inner })
    }

    fn comparison(&mut self) -> Result<Expression, String> {
        let left = self.term()?;
        let comparison = match self.peek() {
            Some(Token::Sign("==")) => ComparisonOperator::Equal,
            Some(Token::Sign("!=")) => ComparisonOperator::Unequal,
            Some(Token::Sign("<")) => ComparisonOperator::Less,
            Some(Token::Sign(">")) => ComparisonOperator::Greater,
            Some(Token::Word(word)) if word == "in" => ComparisonOperator::In,
            _ => return Ok(left),
        };
        self.next += 1;
        Ok(Expression::Compare(Box::new(left), comparison, Box::new(self.term()?)))
    }

    fn term(&mut self) -> Result<Expression, String> {
        let token = self.peek().cloned();
        self.next += 1;
        match token {
            Some(Token::Literal(value)) => Ok(Expression::Constant(value)),
            Some(Token::Word(word)) => self.scope.resolve(&word).map(Expression::Name),
            Some(Token::Sign("(")) => {
                let inner = self.any()?;
                self.next += 1;
                match self.tokens.get(self.next - 1) {
                    Some(Token::Sign(")")) => Ok(inner),
                    _ => Err("a bracket is not closed".to_owned()),
                }
            }
            Some(other) => Err(format!("{} where a name or a value belongs", other.show())),
            None => Err("the condition ends too early".to_owned()),
        }
    }
}
