//! One run over NATS: agents claim slots, get ready, start at one time, and hand their parts to the controller.

mod agent;
mod clock;
mod connection;
mod coordinator;
mod messages;
mod pieces;
mod progress;
mod roster;
mod settings;

pub use agent::BusAgent;
pub use clock::ClockOffset;
pub use coordinator::{Coordinator, FleetRules};
pub use messages::{AgentMachine, BusError, PlanOffer, PlanRefusal};
pub use settings::{BusSettings, RunName};
