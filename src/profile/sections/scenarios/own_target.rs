//! `[scenarios.target]`: the path of a scenario's peers at the target, and their tokens.

use crate::profile::secret::Secret;
use crate::profile::section::Section;
use crate::profile::syntax::document::Value;

/// The path and the tokens of a scenario's peers, as far as they differ from the run's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnTarget {
    /// Path and query in the place of the URL's, with the same placeholders.
    pub path: Option<Secret>,
    /// The path as reports show it: without query, and with `${NAME}` as written.
    pub path_shown: Option<String>,
    pub tokens: Option<TokensFile>,
}

/// A file of tokens for the peers of one scenario, one a line.
#[derive(Clone, Debug, PartialEq)]
pub struct TokensFile {
    pub path: String,
    /// Place of the path: `file:line`, or the option.
    pub at: String,
}

impl OwnTarget {
    /// `url` with this scenario's path.
    pub fn url(&self, url: &str) -> String {
        self.path.as_ref().map_or_else(|| url.to_owned(), |path| with_path(url, path.reveal()))
    }

    /// `url`, as reports show it, with this scenario's path.
    pub fn url_shown(&self, url: &str) -> String {
        self.path_shown.as_ref().map_or_else(|| url.to_owned(), |path| with_path(url, path))
    }
}

fn with_path(url: &str, path: &str) -> String {
    let host = url.find("://").map_or(0, |scheme| scheme + 3);
    let end = url[host..].find(['/', '?', '#', '\\']).map_or(url.len(), |end| host + end);
    format!("{}{path}", &url[..end])
}

pub(super) fn check(own: &Section<'_>, root: &Section<'_>) -> OwnTarget {
    let section = own.section("target");
    let path = section.text("path");
    if let Some(path) = &path {
        let is_visible = path.bytes().all(|byte| byte.is_ascii_graphic());
        if !path.starts_with('/') || path.contains('#') || !is_visible {
            section.problem("path", "a path begins with / and has visible ASCII characters, such as /large/?t={token}");
        }
        if root.section("target").node("url").is_none() {
            section.problem("path", "the embedded server has one path; name your server with target.url");
        }
    }
    let path_shown = match section.node("path").map(|node| &node.value) {
        Some(Value::Text(written)) => Some(written.split('?').next().unwrap_or_default().to_owned()),
        _ => None,
    };
    let tokens = section.text("tokens").map(|path| TokensFile { path, at: section.location("tokens") });
    OwnTarget { path: path.map(Secret::new), path_shown, tokens }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_takes_the_place_of_path_and_query() {
        let own = OwnTarget { path: Some(Secret::new("/large/?t={token}")), ..OwnTarget::default() };
        for (url, expected) in [
            ("ws://h:1/ws/?a=b", "ws://h:1/large/?t={token}"),
            ("wss://u:p@h", "wss://u:p@h/large/?t={token}"),
            ("ws://h?x", "ws://h/large/?t={token}"),
        ] {
            assert_eq!(own.url(url), expected);
            assert_eq!(OwnTarget::default().url(url), url);
        }
    }
}
