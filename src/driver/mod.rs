//! Drives one peer: the only place where socket, engine and timers meet the state machines.

mod alarm_clock;
mod arrival_clock;
mod guests;
mod id_exchange;
// Exported for the fuzzer.
#[doc(hidden)]
pub mod intake;
mod ports;
mod spec;
mod task;
mod unresolved;
mod virtual_peer;

pub use alarm_clock::{Alarm, AlarmClock};
pub use arrival_clock::ArrivalSource;
pub use id_exchange::IdExchange;
pub use ports::{Input, OutgoingFrame, Output};
pub use spec::PeerSpec;
pub use task::{COMMANDS_MORE, GOODBYES_MAX, PeerEnd, PeerTask};
pub use virtual_peer::VirtualPeer;
