//! Arguments of `meshload record`.

use crate::profile::size;
use clap::Args;
use clap::builder::FalseyValueParser;
use std::net::SocketAddr;
use std::path::PathBuf;
use url::Url;

#[derive(Args, Debug)]
#[command(after_help = "Examples:
  meshload record --to ws://127.0.0.1:8080/ -o talk.har   point two tabs to the address that it prints
  meshload dialects learn talk.har -o mine.toml           then: a dialect from what they said

HTTP of the same server passes too, so a page that the server gives may be opened through the proxy. Ctrl-C ends it and
writes the file. Values of headers, queries and keys that are called token, password, cookie and the like are masked.")]
pub struct RecordArgs {
    /// Address and port to listen on; port 0 picks a free one, told on the first line of stdout
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0", env = "MESHLOAD_LISTEN")]
    pub listen: SocketAddr,
    /// The server's URL, ws(s) or http(s)
    #[arg(long, value_name = "URL", value_parser = server_url, env = "MESHLOAD_TO")]
    pub to: Url,
    /// The HAR file to write, which browsers' developer tools open [default: talk-TIME.har]
    #[arg(short, long, value_name = "FILE", env = "MESHLOAD_OUT")]
    pub out: Option<PathBuf>,
    /// Bytes of frames, bodies and heads that are kept; more passes and is not kept
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = bytes, env = "MESHLOAD_MAX")]
    pub max: usize,
    /// Keeps secrets as they are said
    #[arg(long, env = "MESHLOAD_UNMASKED", value_parser = FalseyValueParser::new())]
    pub unmasked: bool,
    /// Certificates, in PEM, that are trusted beside the machine's own
    #[arg(long, value_name = "FILE", env = "MESHLOAD_CA")]
    pub ca: Option<PathBuf>,
    /// Takes any certificate of the server
    #[arg(short = 'k', long, env = "MESHLOAD_INSECURE", value_parser = FalseyValueParser::new())]
    pub insecure: bool,
    /// Shows no frames
    #[arg(short, long, env = "MESHLOAD_QUIET", value_parser = FalseyValueParser::new())]
    pub quiet: bool,
}

/// Parses the server's URL; `http(s)` is read as `ws(s)`.
fn server_url(text: &str) -> Result<Url, String> {
    let websocket = match text.split_once("://") {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => format!("ws://{rest}"),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => format!("wss://{rest}"),
        _ => text.to_owned(),
    };
    let url = Url::parse(&websocket).map_err(|why| why.to_string())?;
    match url.scheme() {
        "ws" | "wss" if url.host_str().is_some() => Ok(url),
        _ => Err("expected a URL of ws, wss, http or https".to_owned()),
    }
}

fn bytes(text: &str) -> Result<usize, String> {
    size(text).map(|bytes| usize::try_from(bytes).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_named_by_any_of_four_schemes() {
        for (text, expected) in [("http://h:1/a", "ws://h:1/a"), ("HTTPS://h", "wss://h/"), ("ws://h", "ws://h/")] {
            assert_eq!(server_url(text).map(String::from), Ok(expected.to_owned()));
        }
        for wrong in ["h:1", "ftp://h", "/ws", "ws://"] {
            assert!(server_url(wrong).is_err(), "{wrong}");
        }
    }
}
