//! The back ends: one for each format for people, and JUnit, over the same document.

mod html;
mod junit;
mod markdown;
mod text;

pub use text::TextOptions;
