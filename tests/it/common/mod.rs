//! Shared by the modules of this binary: cases side by side, runs read to their end, seeded draws, summaries to render.

pub mod at_once;
pub mod draws;
pub mod hostile;
pub mod play;
pub mod sample;
pub mod websocket;
