//! Parses the command line, runs the command, exits with its code.

use meshload::cli::{self, Command};
use meshload::commands::{
    capacity, check, compare, completions, dialects, explain, man, probe, profiles, report, run, serve,
};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let exit = match cli::parse().command {
        Command::Check(args) => check::check(&args),
        Command::Profiles(args) => profiles::profiles(&args),
        Command::Dialects(args) => dialects::dialects(&args),
        Command::Compare(args) => compare::compare(&compare::CompareOptions::from(&args)),
        Command::Explain(args) => explain::explain(&args),
        Command::Completions(args) => completions::completions(&args),
        Command::Man => man::man(),
        Command::Run(args) => run::run(&args),
        Command::Probe(args) => probe::probe(&args),
        Command::Capacity(args) => capacity::capacity(&args),
        Command::Serve(args) => serve::serve(&args),
        Command::Report(args) => report::report(&args),
    };
    exit.into()
}
