//! The whole program and the library's rooms over real sockets, as a user or a script sees them.

mod access;
mod action;
mod approval;
mod causes;
mod churn;
mod cli;
mod cli_contract;
mod common;
mod compare;
mod dialects;
mod documents;
mod engines;
mod fleet;
mod formats;
mod hostile;
mod html_report;
mod memory_limit;
mod outage;
mod pairs;
mod probe;
mod record;
mod repeat;
mod room;
mod run;
mod server;
mod told;
