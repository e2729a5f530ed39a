//! `meshload serve`: runs the reference server in the foreground until a signal.

use super::Exit;
use super::inputs::access::identity;
use super::inputs::faults;
use super::terminal::write_stderr;
use crate::cli::{self, ServeArgs, ServerKind};
use crate::os::raise_descriptors;
use crate::server::{Config, Counters, RoomModel, Routing, Server, ServerTls, Snapshot};
use crate::vocabulary::Seed;
use std::future::pending;
use std::io::{self, Write};
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// Serves until a signal; exits with 1 if the address can't be bound.
pub fn serve(args: &ServeArgs) -> Exit {
    let kind = match args.kind {
        ServerKind::Relay => RoomModel::Relay,
        ServerKind::Registry => RoomModel::Registry,
    };
    let routing = match args.routing {
        cli::RoutingArg::All => Routing::All,
        cli::RoutingArg::Room => Routing::Room,
    };
    let faults = match faults::read(args.fault.iter().map(|rule| (rule.as_str(), "--fault"))) {
        Ok(faults) => faults,
        Err(exit) => return exit,
    };
    let tls = match tls(args) {
        Ok(tls) => tls,
        Err(problems) => {
            write_stderr(problems);
            return Exit::Usage;
        }
    };
    let (list_interval, seed) = (args.list_interval, Seed(args.seed));
    let config = Config { listen: args.listen, kind, routing, list_interval, faults, seed, tls };
    match serve_until_signal(config, args.verbose > 0) {
        Ok(()) => Exit::Passed,
        Err(error) => {
            write_stderr([format!("{}: {error}", args.listen)]);
            Exit::Broken
        }
    }
}

/// Reads the TLS settings of `--tls-cert` and `--tls-key`.
///
/// # Errors
/// One sentence for each unusable file.
fn tls(args: &ServeArgs) -> Result<Option<ServerTls>, Vec<String>> {
    let Some(certificate) = &args.tls_cert else { return Ok(None) };
    let identity = identity("--tls-cert", certificate, "--tls-key", args.tls_key.as_deref())?;
    ServerTls::new(identity).map(Some).map_err(|why| vec![format!("--tls-cert {}: {why}", certificate.display())])
}

/// Serves until SIGINT or SIGTERM. Prints its URL as the first line on stdout and, if `verbose`, its counters on
/// stderr each second.
///
/// # Errors
/// The address can't be bound, or stdout is closed.
fn serve_until_signal(config: Config, verbose: bool) -> io::Result<()> {
    raise_descriptors();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // Handlers come before the first line, so that a script that waits for it may send a signal at once.
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut terminate = signal(SignalKind::terminate())?;
        let server = Server::bind(config).await?;
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "listening on {}", server.url())?;
        stdout.flush()?;
        drop(stdout);
        let counters = server.counters();
        let counted = counters.clone();
        let stop = async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
                () = print_counters(&counters, verbose) => {}
            }
        };
        server.run(stop).await;
        write_stderr(limits_met(counted.snapshot()));
        Ok(())
    })
}

/// The limits that the clients met, in a sentence each.
fn limits_met(counted: Snapshot) -> Vec<String> {
    let kib = counted.longest_frame.div_ceil(1024);
    let refused = (counted.refused > 0).then(|| {
        format!(
            "{} subscriptions, rooms, joins or delays refused: names over 256 B, or too much to list or hold",
            counted.refused
        )
    });
    let long = (kib > 256).then(|| {
        format!("the longest frame had {kib} KiB, sent whole; peers of `meshload run` accept 256 KiB, or [target] message_max")
    });
    refused.into_iter().chain(long).collect()
}

/// Prints the counters each second if `verbose`; never returns.
async fn print_counters(counters: &Counters, verbose: bool) {
    if !verbose {
        return pending().await;
    }
    const SECOND: Duration = Duration::from_secs(1);
    let mut seconds = interval_at(Instant::now() + SECOND, SECOND);
    seconds.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut before = counters.snapshot();
    loop {
        seconds.tick().await;
        let now = counters.snapshot();
        // A closed stderr does not stop the server.
        let _ = writeln!(io::stderr(), "{}", line(before, now));
        before = now;
    }
}

fn line(before: Snapshot, now: Snapshot) -> String {
    format!(
        "{} connections, {} frames in/s, {} deliveries/s, {} dropped as too slow",
        now.connections,
        now.received - before.received,
        now.delivered - before.delivered,
        now.dropped_slow
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_told_only_if_they_were_met() {
        let told = |refused: u64, longest_frame: u64| {
            limits_met(Snapshot { refused, longest_frame, ..Snapshot::default() }).len()
        };
        assert_eq!([told(0, 256 * 1024), told(1, 0), told(0, 256 * 1024 + 1), told(9, 1 << 20)], [0, 1, 1, 2]);
    }

    #[test]
    fn a_line_tells_rates_and_totals() {
        let before =
            Snapshot { connections: 9, received: 100, delivered: 1_000, dropped_slow: 1, ..Snapshot::default() };
        let now = Snapshot { connections: 10, received: 150, delivered: 3_000, dropped_slow: 2, ..Snapshot::default() };
        assert_eq!(line(before, now), "10 connections, 50 frames in/s, 2000 deliveries/s, 2 dropped as too slow");
    }
}
