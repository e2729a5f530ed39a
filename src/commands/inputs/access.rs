//! Reads what connections to the target need: certificates and keys from files, the proxy from the environment.

use super::named_file::{file_problem, read, shown};
use super::tokens::{self, TokenLists};
use super::{peer_rows, variable};
use crate::cli::AccessArgs;
use crate::commands::Exit;
use crate::commands::terminal::write_stderr;
use crate::controller::Access;
use crate::profile::{Profile, Target};
use crate::signaling::{ClientTls, Connector, Proxy, TargetPolicy, TlsError, Trust};
use crate::vocabulary::{Identity, IdentityFile, identity::certificates};
use std::path::Path;
use url::Url;

/// Reads tokens, TLS settings and proxy for a run of `profile`; `peers` are those of each scenario, empty if no peer is
/// planned yet.
///
/// # Errors
/// `Usage`; stderr already has every problem.
pub(in crate::commands) fn access(
    args: &AccessArgs,
    profile: &Profile,
    dialect_columns: &[String],
    peers: &[u64],
) -> Result<Access, Exit> {
    let target = &profile.target;
    let tokens = tokens::read_all(args, profile, peers);
    let own_paths = profile.scenarios.iter().map(|scenario| scenario.target.path.as_ref());
    let mut columns = own_paths.flat_map(|path| target.data_columns(path)).collect::<Vec<_>>();
    columns.extend_from_slice(dialect_columns);
    let data = peer_rows::read(args, &columns, peers.iter().sum()).map_err(|why| vec![why]);
    let tls = client_tls(args);
    let proxy = proxy(args, target).map_err(|why| vec![why]);
    let connect_to = match (&args.connect_to, &target.url) {
        (Some(_), None) => Err(vec!["--connect-to: whose place does it take? name that with --target".to_owned()]),
        (connect_to, _) => Ok(connect_to.clone()),
    };
    // All are read before any fails, so that one run reports every problem.
    match (tokens, data, tls, proxy, connect_to) {
        (Ok(tokens), Ok(data), Ok(tls), Ok(proxy), Ok(connect_to)) => {
            let target_policy = TargetPolicy {
                allowed_hosts: args.allow_target.clone(),
                allowed_candidates: args.allow_candidates.clone(),
            };
            let route = Connector { target_policy, connect_to, proxy, tls, ..Connector::default() };
            let TokenLists { all, of_scenarios } = tokens;
            Ok(Access {
                route,
                tokens: all,
                scenario_tokens: of_scenarios,
                data: data.into(),
                options: args.repro_options(),
            })
        }
        (tokens, data, tls, proxy, connect_to) => {
            let all = [tokens.err(), data.err(), tls.err(), proxy.err(), connect_to.err()];
            write_stderr(all.into_iter().flatten().flatten());
            Err(Exit::Usage)
        }
    }
}

/// TLS to a server that is only recorded: its roots from `--ca`, or any certificate.
///
/// # Errors
/// `Usage`; stderr already has every problem.
pub(in crate::commands) fn server_trust(ca: Option<&Path>, insecure: bool) -> Result<ClientTls, Exit> {
    let args = AccessArgs { ca: ca.map(Path::to_owned), insecure, ..AccessArgs::default() };
    client_tls(&args).map_err(|problems| {
        write_stderr(problems);
        Exit::Usage
    })
}

/// Reads the TLS settings of `--ca`, `--cert`, `--key` and `--insecure`.
///
/// # Errors
/// One sentence for every file that can't be read, parsed or used.
fn client_tls(args: &AccessArgs) -> Result<ClientTls, Vec<String>> {
    ClientTls::new(trust(args)?).map_err(|unfit| vec![tls_problem(args, unfit)])
}

/// Reads the trusted roots and the client identity.
///
/// # Errors
/// One sentence for every file that can't be read or parsed.
fn trust(args: &AccessArgs) -> Result<Trust, Vec<String>> {
    let mut problems = vec![];
    let mut trust = Trust { insecure: args.insecure, ..Trust::default() };
    if let Some(path) = &args.ca {
        match read("--ca", path).and_then(|pem| certificates(&pem).map_err(|why| file_problem("--ca", path, &why))) {
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

/// Reads an identity from two files, or from one that holds certificate and key.
///
/// # Errors
/// One sentence for each unusable file, with its option.
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
            // One unreadable file is one problem, not two.
            problems.truncate(if key == certificate { 1 } else { 2 });
            return Err(problems);
        }
    };
    Identity::read(&chain, &private).map_err(|(part, why)| {
        vec![match part {
            IdentityFile::Certificate => file_problem(certificate_option, certificate, &why),
            IdentityFile::Key => file_problem(key_option, key, &why),
        }]
    })
}

fn tls_problem(args: &AccessArgs, unfit: TlsError) -> String {
    let shown = |path: &Option<_>| path.as_deref().map_or_else(String::new, shown);
    match unfit {
        TlsError::Root(why) => format!("--ca {}: {why}", shown(&args.ca)),
        TlsError::Identity(why) => format!("--cert {}: {why}", shown(&args.cert)),
    }
}

/// Chooses the proxy from the environment; the embedded server needs none.
fn proxy(args: &AccessArgs, target: &Target) -> Result<Option<Proxy>, String> {
    // The host has no placeholders, so the URL template can be parsed as it is.
    let url = target.url.as_ref().and_then(|url| Url::parse(url.reveal()).ok()).filter(|_| !args.no_proxy);
    url.map_or(Ok(None), |url| match &args.connect_to {
        Some((host, port)) => Proxy::choose(&dialled(url, host, *port), &variable),
        None => Proxy::choose(&url, &variable),
    })
}

/// URL of the host that is dialled, which `no_proxy` is matched against.
fn dialled(mut url: Url, host: &str, port: u16) -> Url {
    // Neither can fail: the option's parser accepted both as parts of a URL.
    let _ = url.set_host(Some(host));
    let _ = url.set_port(Some(port));
    url
}
