//! The page at `/`: a browser client of the protocol, with script and style in one response.

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest, Sha256};

const HTML: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
/// Scripts in dependency order.
const SCRIPTS: [&str; 3] = [include_str!("protocol.js"), include_str!("link.js"), include_str!("view.js")];

/// Builds the HTTP response. Its Content-Security-Policy allows this script and this style only, and connections to this
/// server only (CSP Level 3 §6.1, §7.2: 'self' covers its WebSocket).
pub(super) fn response() -> Vec<u8> {
    let script = format!("\"use strict\";\n{}", SCRIPTS.concat());
    let [style_hash, script_hash] = [STYLE, &script].map(|text| BASE64.encode(Sha256::digest(text.as_bytes())));
    let page = HTML.replacen("{style}", STYLE, 1).replacen("{script}", &script, 1);
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\n\
         Content-Security-Policy: default-src 'none'; script-src 'sha256-{script_hash}'; \
         style-src 'sha256-{style_hash}'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; \
         frame-ancestors 'none'\r\n\
         X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\nCache-Control: no-store\r\n\
         Connection: close\r\n\r\n",
        page.len()
    );
    (head + &page).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_whole_and_asks_nobody_else_for_anything() {
        let response = String::from_utf8(response()).unwrap();
        let (head, page) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", page.len())), "{head}");
        for foreign in ["{style}", "{script}", "src=", "http:", "https://", "@import", "url("] {
            assert!(!page.contains(foreign), "{foreign}");
        }
    }

    #[test]
    fn the_policy_names_the_script_that_is_there() {
        let response = String::from_utf8(response()).unwrap();
        for tag in ["script", "style"] {
            let (_, rest) = response.split_once(&format!("<{tag}>")).unwrap();
            let (inside, _) = rest.split_once(&format!("</{tag}>")).unwrap();
            let hash = BASE64.encode(Sha256::digest(inside.as_bytes()));
            assert!(response.contains(&format!("{tag}-src 'sha256-{hash}'")), "{tag}");
        }
    }
}
