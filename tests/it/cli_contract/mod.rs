//! `meshload run` against targets that are absent, broken or hostile, and users who press Ctrl-C.

mod files;
mod foreign;
mod hostile;
mod limits;
mod reach;
mod signals;
mod targets;
