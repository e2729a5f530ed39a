//! Quoting for command lines that the user pastes into a POSIX shell.

/// The text as one word of a POSIX shell, quoted only if it needs quotes.
pub fn word(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_./:=@,+%".contains(letter);
    match !text.is_empty() && text.chars().all(is_plain) {
        true => text.to_owned(),
        false => format!("'{}'", text.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_comes_out_of_a_shell_as_it_went_in() {
        for (text, expected) in [
            ("wss://a.example/ws/", "wss://a.example/ws/"),
            ("", "''"),
            ("two words", "'two words'"),
            ("$HOME", "'$HOME'"),
            ("ca's.pem", r"'ca'\''s.pem'"),
        ] {
            assert_eq!(word(text), expected);
        }
    }
}
