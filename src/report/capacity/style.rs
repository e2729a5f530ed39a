//! The page around the content: its style, and the policy that allows this style and nothing else.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

const STYLE: &str = include_str!("style.css");

/// A whole document. There is no script in it, and the policy forbids any (CSP Level 3 §6.1); `img-src data:` is for
/// the empty icon, without which browsers ask for one. `title` and `body` are markup already.
pub fn document(title: &str, body: &str) -> String {
    let hash = BASE64.encode(Sha256::digest(STYLE.as_bytes()));
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{hash}'; \
         img-src data:; base-uri 'none'; form-action 'none'\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <meta name=\"color-scheme\" content=\"light dark\"><meta name=\"referrer\" content=\"no-referrer\">\
         <link rel=\"icon\" href=\"data:,\"><title>{title}</title><style>{STYLE}</style></head><body>{body}</body></html>\n"
    )
}
