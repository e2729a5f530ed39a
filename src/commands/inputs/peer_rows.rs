//! Reads `--data`: a CSV file (RFC 4180) with a line of names and a row for each peer.

use super::named_file::{file_problem, read as read_file};
use crate::cli::AccessArgs;
use crate::controller::PeerRows;
use crate::profile::{Secret, nearest};

/// The rows for `peers` peers, of which `columns` are read.
///
/// # Errors
/// One sentence: the file is no such CSV, lacks a column, or has too few rows.
pub(super) fn read(args: &AccessArgs, columns: &[String], peers: u64) -> Result<PeerRows, String> {
    let Some(path) = &args.data else {
        return match columns.first() {
            Some(column) => Err(format!("{{data.{column}}} stands for nothing: --data FILE has a row a peer")),
            None => Ok(PeerRows::default()),
        };
    };
    let problem = |why: String| file_problem("--data", path, &why);
    let bytes = read_file("--data", path)?;
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes.as_slice());
    let names = reader.headers().map_err(|error| problem(error.to_string()))?;
    let names: Vec<String> = names.iter().map(str::to_owned).collect();
    let is_name =
        |name: &String| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if let Some(name) = names.iter().find(|name| !is_name(name)) {
        let why = "a name has letters, digits and _";
        return Err(problem(format!(
            "the first line has the names of the columns, and \"{}\" is none: {why}",
            name.escape_debug()
        )));
    }
    if let Some(column) = columns.iter().find(|column| !names.contains(column)) {
        let near = nearest(column, names.iter().map(String::as_str));
        let near = near.map_or_else(|| format!("it has {}", names.join(", ")), |near| format!("did you mean {near}?"));
        return Err(problem(format!("{{data.{column}}} is read, and there is no such column; {near}")));
    }
    let mut rows = vec![];
    for row in reader.records() {
        // A value is a secret, so the error names the line and shows no value.
        let row = row.map_err(|error| problem(error.to_string()))?;
        rows.push(row.iter().map(Secret::new).collect());
    }
    let count = rows.len() as u64;
    if count == 0 && peers > 0 || count < peers && args.data_reuse.is_none() {
        let again = "each has one of its own, unless --data-reuse cycle begins again";
        return Err(problem(format!("{count} rows are too few for {peers} peers; {again}")));
    }
    Ok(PeerRows { columns: names, rows })
}
