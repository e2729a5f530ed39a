//! What people and machines read of a result: renderers, each a function of data alone.

pub mod compare;
pub mod html;
mod quantity;
