//! Fetches what the way in is made of: certificates, keys and tokens from their files, the proxy from the environment.

use super::variable;
use crate::cli::AccessArgs;
use crate::commands::Exit;
use crate::commands::terminal::complain;
use crate::controller::Access;
use crate::profile::{Secret, Target};
use crate::signaling::{ClientTls, Connector, Proxy, TargetPolicy, TlsError, Trust};
use crate::vocabulary::identity::{Identity, IdentityFile, certificates};
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use url::Url;

/// More is no file of certificates or tokens.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// A header takes no longer one.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// How `peers` peers get in to `target`. What is wrong has been told on stderr when this fails.
pub(in crate::commands) fn access(args: &AccessArgs, target: &Target, peers: u64) -> Result<Access, Exit> {
    let tokens = tokens(args, target, peers);
    let tls = trust(args).and_then(|trust| ClientTls::new(trust).map_err(|unfit| vec![blame(args, unfit)]));
    let proxy = proxy(args, target).map_err(|why| vec![why]);
    let connect_to = match (&args.connect_to, &target.url) {
        (Some(_), None) => Err(vec!["--connect-to: whose place does it take? name that with --target".to_owned()]),
        (connect_to, _) => Ok(connect_to.clone()),
    };
    // All are asked before any is complained about, so that all is told at once.
    match (tokens, tls, proxy, connect_to) {
        (Ok(tokens), Ok(tls), Ok(proxy), Ok(connect_to)) => {
            let reach = TargetPolicy {
                allowed_hosts: args.allow_target.clone(),
                allowed_candidates: args.allow_candidates.clone(),
            };
            let route = Connector { reach, connect_to, proxy, tls, ..Connector::default() };
            Ok(Access { route, tokens: tokens.into(), again: args.again() })
        }
        (tokens, tls, proxy, connect_to) => {
            let all = [tokens.err(), tls.err(), proxy.err(), connect_to.err()];
            complain(all.into_iter().flatten().flatten());
            Err(Exit::Usage)
        }
    }
}

/// What TLS believes and shows. Errors: every file that can't be read or understood.
fn trust(args: &AccessArgs) -> Result<Trust, Vec<String>> {
    let mut problems = vec![];
    let mut trust = Trust { insecure: args.insecure, ..Trust::default() };
    if let Some(path) = &args.ca {
        match read("--ca", path).and_then(|pem| certificates(&pem).map_err(|why| named("--ca", path, &why))) {
            Ok(roots) => trust.roots = roots,
            Err(why) => problems.push(why),
        }
    }
    if let Some(path) = &args.cert {
        match identity("--cert", path, "--key", args.key.as_deref()) {
            Ok(identity) => trust.identity = Some(identity),
            Err(why) => problems.extend(why),
        }
    }
    if problems.is_empty() { Ok(trust) } else { Err(problems) }
}

/// The identity of two files, or of one that holds both. Errors: what is wrong with which.
pub(in crate::commands) fn identity(
    certificate_option: &str,
    certificate: &Path,
    key_option: &str,
    key: Option<&Path>,
) -> Result<Identity, Vec<String>> {
    let key = key.unwrap_or(certificate);
    let (chain, private) = match (read(certificate_option, certificate), read(key_option, key)) {
        (Ok(chain), Ok(private)) => (chain, private),
        (chain, private) => {
            let mut problems: Vec<_> = chain.err().into_iter().chain(private.err()).collect();
            // One file that can't be read is one problem.
            problems.truncate(if key == certificate { 1 } else { 2 });
            return Err(problems);
        }
    };
    Identity::read(&chain, &private).map_err(|(part, why)| {
        vec![match part {
            IdentityFile::Certificate => named(certificate_option, certificate, &why),
            IdentityFile::Key => named(key_option, key, &why),
        }]
    })
}

fn blame(args: &AccessArgs, unfit: TlsError) -> String {
    let shown = |path: &Option<_>| path.as_deref().map_or_else(String::new, shown);
    match unfit {
        TlsError::Root(why) => format!("--ca {}: {why}", shown(&args.ca)),
        TlsError::Identity(why) => format!("--cert {}: {why}", shown(&args.cert)),
    }
}

/// The proxy of the environment; the embedded server needs none.
fn proxy(args: &AccessArgs, target: &Target) -> Result<Option<Proxy>, String> {
    // The host has no holes to fill in, so the template will do.
    let url = target.url.as_ref().and_then(|url| Url::parse(url.reveal()).ok()).filter(|_| !args.no_proxy);
    url.map_or(Ok(None), |url| match &args.connect_to {
        Some((host, port)) => Proxy::choose(&dialled(url, host, *port), &variable),
        None => Proxy::choose(&url, &variable),
    })
}

/// What `no_proxy` is held against: the host that is dialled.
fn dialled(mut url: Url, host: &str, port: u16) -> Url {
    // Both have been read as parts of a URL before.
    let _ = url.set_host(Some(host));
    let _ = url.set_port(Some(port));
    url
}

/// The tokens, enough for all peers. Errors: what is wrong with them, with file and line.
fn tokens(args: &AccessArgs, target: &Target, peers: u64) -> Result<Vec<Secret>, Vec<String>> {
    let Some(path) = &args.tokens else {
        let wanted =
            target.wants_tokens().then(|| "{token} stands for nothing: --tokens FILE has one a peer".to_owned());
        return wanted.map_or(Ok(vec![]), |why| Err(vec![why]));
    };
    let text = read("--tokens", path).map_err(|why| vec![why])?;
    let text = String::from_utf8(text).map_err(|_| vec![named("--tokens", path, "not UTF-8")])?;
    let (mut tokens, mut problems) = (vec![], vec![]);
    for (number, line) in text.lines().enumerate() {
        let token = line.trim();
        if token.is_empty() {
            continue;
        }
        if token.len() > TOKEN_BYTES_MAX || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            // The token itself is not told.
            let why = "a token has visible ASCII characters only, at most 8 KiB";
            problems.push(format!("--tokens {}:{}: {why}", shown(path), number + 1));
        }
        tokens.push(Secret::new(token));
    }
    if (tokens.len() as u64) < peers {
        let why = format!("{} tokens are too few for {peers} peers; each has one of its own", tokens.len());
        problems.push(named("--tokens", path, &why));
    }
    problems.truncate(20);
    if problems.is_empty() { Ok(tokens) } else { Err(problems) }
}

fn read(option: &str, path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = vec![];
    let read = File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes));
    let read = read.and_then(|count| match count as u64 > FILE_BYTES_MAX {
        true => Err(io::Error::other("more than 64 MiB")),
        false => Ok(bytes),
    });
    read.map_err(|error| named(option, path, &error.to_string()))
}

fn named(option: &str, path: &Path, why: &str) -> String {
    format!("{option} {}: {why}", shown(path))
}

fn shown(path: &Path) -> String {
    path.display().to_string().escape_debug().to_string()
}
