//! `meshload run` against targets that are absent, broken or hostile, and users who press Ctrl-C.

mod files;
mod hostile;
mod limits;
mod play;
mod reach;
#[path = "../fixtures/serving.rs"]
mod serving;
mod signals;
mod targets;
