//! Options of the connection to the target: tokens, TLS trust, proxy, and the addresses that may be loaded.

use crate::vocabulary::{Cidr, shell_quoting};
use clap::Args;
use clap::builder::FalseyValueParser;
use std::path::PathBuf;
use url::Host;

#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "The way in")]
pub struct AccessArgs {
    /// A token for each peer, one a line; {token} in URL, headers and subprotocol is where it goes
    #[arg(long, value_name = "FILE", env = "MESHLOAD_TOKENS")]
    pub tokens: Option<PathBuf>,
    /// A row for each peer, in CSV with a line of names; {data.NAME} goes wherever {token} does, and into the dialect
    #[arg(long, value_name = "FILE", env = "MESHLOAD_DATA")]
    pub data: Option<PathBuf>,
    /// Use of the rows by more peers than there are rows: cycle begins again [default: a mistake]
    #[arg(long, value_name = "cycle", value_parser = ["cycle"], requires = "data", env = "MESHLOAD_DATA_REUSE")]
    pub data_reuse: Option<String>,
    /// Certificates, in PEM, that are trusted beside the machine's own
    #[arg(long, value_name = "FILE", env = "MESHLOAD_CA")]
    pub ca: Option<PathBuf>,
    /// The certificate, in PEM, to show a server that asks for one
    #[arg(long, value_name = "FILE", env = "MESHLOAD_CERT")]
    pub cert: Option<PathBuf>,
    /// The certificate's private key, in PEM [default: in --cert's file]
    #[arg(long, value_name = "FILE", requires = "cert", env = "MESHLOAD_KEY")]
    pub key: Option<PathBuf>,
    /// Takes any certificate of the server; every report says so
    #[arg(short = 'k', long, env = "MESHLOAD_INSECURE", value_parser = FalseyValueParser::new())]
    pub insecure: bool,
    /// Dials this in the place of the URL's host and port, which stay in the Host header and in TLS
    #[arg(long, value_name = "HOST:PORT", value_parser = host_and_port, env = "MESHLOAD_CONNECT_TO")]
    pub connect_to: Option<(String, u16)>,
    /// Goes without the proxy of http_proxy, https_proxy or all_proxy
    #[arg(long, env = "MESHLOAD_NO_PROXY", value_parser = FalseyValueParser::new())]
    pub no_proxy: bool,
    /// A target outside of this machine and private networks that may be put under load; repeatable
    #[arg(long, value_name = "HOST", value_delimiter = ',', env = "MESHLOAD_ALLOW_TARGET")]
    pub allow_target: Vec<String>,
    /// Addresses outside of this machine at which guests may be reached ([rooms] guests); repeatable
    #[arg(long, value_name = "CIDR", value_delimiter = ',', env = "MESHLOAD_ALLOW_CANDIDATES")]
    pub allow_candidates: Vec<Cidr>,
}

/// Parts of the target to look at each second, besides the process behind its socket.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "The target's resources")]
pub struct TargetWatchArgs {
    /// The target's process on this machine [default: the one that listens at its address]
    #[arg(long, value_name = "PID", env = "MESHLOAD_TARGET_PID")]
    pub target_pid: Option<u32>,
    /// The target's Prometheus metrics, http(s); prefixes after a # choose the series [default: process_]
    #[arg(long, value_name = "URL[#PREFIX,…]", env = "MESHLOAD_TARGET_METRICS", hide_env_values = true)]
    pub target_metrics: Option<String>,
    /// A header of the requests for metrics; repeatable
    #[arg(
        long,
        value_name = "K: V",
        requires = "target_metrics",
        value_delimiter = '\n',
        env = "MESHLOAD_TARGET_METRICS_HEADER",
        hide_env_values = true
    )]
    pub target_metrics_header: Vec<String>,
}

impl AccessArgs {
    /// Formats the options that reach the same server again, shell-quoted, each after a blank, files by absolute path.
    /// `--allow-target` and `--allow-candidates` are left out: consent is for each user to give.
    pub fn repro_options(&self) -> String {
        let files = [
            ("tokens", &self.tokens),
            ("data", &self.data),
            ("ca", &self.ca),
            ("cert", &self.cert),
            ("key", &self.key),
        ];
        let mut words = String::new();
        for (name, path) in files {
            if let Some(path) = path {
                let whole = std::path::absolute(path).unwrap_or_else(|_| path.clone());
                words += &format!(" --{name} {}", shell_quoting::word(&whole.display().to_string()));
            }
        }
        words += self.data_reuse.as_ref().map_or("", |_| " --data-reuse cycle");
        if let Some((host, port)) = &self.connect_to {
            words += &format!(" --connect-to {host}:{port}");
        }
        for (name, is_given) in [("insecure", self.insecure), ("no-proxy", self.no_proxy)] {
            if is_given {
                words += &format!(" --{name}");
            }
        }
        words
    }
}

/// Parses `10.0.0.1:9000`, `[::1]:9000` or `name:9000`.
fn host_and_port(text: &str) -> Result<(String, u16), String> {
    let unfit = || "expected HOST:PORT, such as 10.0.0.5:9000 or [::1]:9000".to_owned();
    let (host, port) = text.rsplit_once(':').ok_or_else(unfit)?;
    let port = port.parse::<u16>().ok().filter(|port| *port > 0).ok_or_else(unfit)?;
    let host = Host::parse(host).map_err(|_| unfit())?;
    Ok((host.to_string(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_in_is_told_as_a_shell_takes_it() {
        let mut args = AccessArgs { ca: Some("/keys/my ca's.pem".into()), ..AccessArgs::default() };
        assert_eq!(args.repro_options(), r" --ca '/keys/my ca'\''s.pem'");
        let here = std::env::current_dir().unwrap();
        args = AccessArgs {
            tokens: Some("tokens.txt".into()),
            cert: Some("/a.pem".into()),
            key: Some("/a.key".into()),
            insecure: true,
            connect_to: Some(("[::1]".to_owned(), 9_000)),
            no_proxy: true,
            allow_target: vec!["example.org".to_owned()],
            ..AccessArgs::default()
        };
        let tokens = shell_quoting::word(&here.join("tokens.txt").display().to_string());
        let rest = "--cert /a.pem --key /a.key --connect-to [::1]:9000 --insecure --no-proxy";
        assert_eq!(args.repro_options(), format!(" --tokens {tokens} {rest}"));
        assert_eq!(AccessArgs::default().repro_options(), "");
    }

    #[test]
    fn a_host_and_a_port_are_both_needed() {
        for (text, host, port) in
            [("10.0.0.5:9000", "10.0.0.5", 9_000), ("[::1]:1", "[::1]", 1), ("A.example:80", "a.example", 80)]
        {
            assert_eq!(host_and_port(text), Ok((host.to_owned(), port)));
        }
        for wrong in ["10.0.0.5", ":9000", "a:0", "a:65536", "a:b", "::1:9000", "ws://a:9000", ""] {
            assert!(host_and_port(wrong).is_err(), "{wrong}");
        }
    }
}
