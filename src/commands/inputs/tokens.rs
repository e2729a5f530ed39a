//! Reads the tokens of `--tokens` and of scenarios: one a peer, one a line.

use super::named_file::{file_problem, read, shown};
use crate::cli::AccessArgs;
use crate::profile::{Profile, Scenario, Secret, TokensFile};
use std::path::Path;
use std::sync::Arc;

/// Longest token, in bytes, so that it fits into a header.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// The tokens of a run.
pub(super) struct TokenLists {
    /// Those of `--tokens`, one for each peer of the plan.
    pub all: Arc<[Secret]>,
    /// By scenario, one for each of its peers; `None` for a scenario without a file of its own.
    pub of_scenarios: Vec<Option<Arc<[Secret]>>>,
}

/// Reads all tokens; `peers` are those of each scenario, empty if no peer is planned yet.
///
/// # Errors
/// At most 20 sentences, with file and line.
pub(super) fn read_all(args: &AccessArgs, profile: &Profile, peers: &[u64]) -> Result<TokenLists, Vec<String>> {
    let mut problems = vec![];
    let mut of_scenarios = vec![];
    for (index, scenario) in profile.scenarios.iter().enumerate() {
        let own = scenario.target.tokens.as_ref();
        let own = own.map(|file| read_own(file, scenario, peers.get(index).copied().unwrap_or(0)));
        of_scenarios.push(own.transpose().unwrap_or_else(|why| {
            problems.extend(why);
            None
        }));
    }
    let all = read_common(args, profile, peers.iter().sum()).unwrap_or_else(|why| {
        problems.extend(why);
        Arc::default()
    });
    problems.truncate(20);
    if problems.is_empty() { Ok(TokenLists { all, of_scenarios }) } else { Err(problems) }
}

/// The tokens of one scenario's `peers`.
fn read_own(file: &TokensFile, scenario: &Scenario, peers: u64) -> Result<Arc<[Secret]>, Vec<String>> {
    let TokensFile { path, at } = file;
    let why = |why: String| vec![format!("scenario {}: {why} ({at})", scenario.name)];
    let text = read("tokens", Path::new(path)).map_err(why)?;
    of_lines("tokens", Path::new(path), text, peers)
}

/// The tokens of `--tokens`, one for each of all `peers`.
fn read_common(args: &AccessArgs, profile: &Profile, peers: u64) -> Result<Arc<[Secret]>, Vec<String>> {
    let Some(path) = &args.tokens else {
        let lacks = |scenario: &Scenario| {
            scenario.target.tokens.is_none() && profile.target.needs_tokens(scenario.target.path.as_ref())
        };
        let why = "{token} stands for nothing: --tokens FILE has one a peer";
        return match profile.scenarios.iter().any(lacks) {
            true => Err(vec![why.to_owned()]),
            false => Ok(Arc::default()),
        };
    };
    let text = read("--tokens", path).map_err(|why| vec![why])?;
    of_lines("--tokens", path, text, peers)
}

fn of_lines(option: &str, path: &Path, text: Vec<u8>, peers: u64) -> Result<Arc<[Secret]>, Vec<String>> {
    let text = String::from_utf8(text).map_err(|_| vec![file_problem(option, path, "not UTF-8")])?;
    let (mut tokens, mut problems) = (vec![], vec![]);
    for (number, line) in text.lines().enumerate() {
        let token = line.trim();
        if token.is_empty() {
            continue;
        }
        if token.len() > TOKEN_BYTES_MAX || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            // The token is a secret, so the message does not show it.
            let why = "a token has visible ASCII characters only, at most 8 KiB";
            problems.push(format!("{option} {}:{}: {why}", shown(path), number + 1));
        }
        tokens.push(Secret::new(token));
    }
    if (tokens.len() as u64) < peers {
        let why = format!("{} tokens are too few for {peers} peers; each has one of its own", tokens.len());
        problems.push(file_problem(option, path, &why));
    }
    if problems.is_empty() { Ok(tokens.into()) } else { Err(problems) }
}
