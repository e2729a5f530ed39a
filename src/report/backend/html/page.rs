//! The HTML document around the content: its style, and a content security policy that allows only this style.

use super::inert::class;
use crate::report::document::ChartColour;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest, Sha256};
use std::fmt::Write;

/// A whole document. It has no script, and its policy forbids any (CSP Level 3 §6.1);
/// `img-src data:` admits the empty icon.
pub(super) fn page(title: &str, body: &Markup) -> String {
    let style = format!("{}\n{}", include_str!("style.css"), colours());
    let hash = BASE64.encode(Sha256::digest(style.as_bytes()));
    let policy =
        format!("default-src 'none'; style-src 'sha256-{hash}'; img-src data:; base-uri 'none'; form-action 'none'");
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                // An empty icon, so that no browser requests one.
                link rel="icon" href="data:,";
                title { (title) }
                style { (PreEscaped(&style)) }
            }
            body { (body) }
        }
    };
    page.into_string()
}

/// One class for each colour of the charts, which keys, lines and areas take as their current colour.
fn colours() -> String {
    let (mut css, mut dark) = (String::new(), String::new());
    for (colour, on_light, on_dark) in ChartColour::ALL {
        let _ = writeln!(css, ".{}{{color:{on_light}}}", class(*colour));
        let _ = writeln!(dark, ".{}{{color:{on_dark}}}", class(*colour));
    }
    // `screen`: a printed page stays light.
    format!("{css}@media screen and (prefers-color-scheme:dark){{\n{dark}}}\n")
}
