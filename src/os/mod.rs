//! The machine and its processes as the kernel shows them: `/proc`, cgroups, resource limits. Linux only.

mod cgroup;
mod connections;
mod limits;
mod listener;
mod machine;
mod process;
mod receive_stamp;
mod screen;
mod target_watch;
mod terminal;

pub use connections::connections;
pub use limits::{machine_limits, memory_share, raise_descriptors};
pub use machine::{host_name, machine};
pub use process::{OtherProcess, other_process, own_process, thread_id};
pub use receive_stamp::{StampedRead, enable_receive_stamps, read_stamped, receive_stamped};
pub use screen::{
    Keyboard, Screen, hold_screen, kept_lines, release_screen, release_screen_soon, screen_is_held, tell,
};
pub use target_watch::{TargetSample, TargetWatch};
pub use terminal::terminal_columns;

use std::fs;

/// A value of `/proc/meminfo`, in bytes; `key` is the name without its colon.
fn meminfo(key: &str) -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'))?;
    let kib: u64 = value.split_ascii_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}
