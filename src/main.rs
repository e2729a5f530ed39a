//! Parses the command line, runs the command, exits with its code.

use meshload::cli::{self, Command};
use meshload::commands::{self, CompareOptions};
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let exit = match cli::parse().command {
        Command::Check(args) => commands::check(&args),
        Command::Profiles(args) => commands::profiles(&args),
        Command::Dialects(args) => commands::dialects(&args),
        Command::Compare(args) => commands::compare(&CompareOptions::from(&args)),
        Command::Explain(args) => commands::explain(&args),
        Command::Schema(args) => commands::print_schema(&args),
        Command::Completions(args) => commands::completions(&args),
        Command::Man(args) => commands::man(&args),
        Command::Run(args) => commands::run(&args),
        Command::Agent(args) => commands::agent(&args),
        Command::Manifest(args) => commands::manifest(&args),
        Command::Merge(args) => commands::merge(&args),
        Command::Probe(args) => commands::probe(&args),
        Command::Capacity(args) => commands::capacity(&args),
        Command::Serve(args) => commands::serve(&args),
        Command::Record(args) => commands::record(&args),
        Command::Report(args) => commands::report(&args),
    };
    exit.into()
}
