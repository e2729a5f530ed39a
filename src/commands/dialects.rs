//! Lists the signaling dialects, or shows what one is.

use super::Exit;
use super::stdout::{complain, write};
use crate::cli::{ListAction, ListArgs};
use crate::profile::{DIALECTS, nearest};

const DASHBOARD: &str = "\
dashboard   rooms over a WebSocket relay with channels; the lower id offers

Every peer subscribes to four channels (webrtc-dashboard-rooms, webrtc-dashboard-chat,
webrtc-dashboard-access, webrtc-signaling), says that it joined its room, and trades
webrtc-offer, webrtc-answer and webrtc-ice with each other member of it.

  choices    handshake.trigger, handshake.initiator, handshake.trickle, handshake.settle
  servers    a relay, which forwards every frame, or a registry, which keeps the rooms
  sample     meshload serve --listen 127.0.0.1:9000
             meshload run --target ws://127.0.0.1:9000/ws/
";

pub fn dialects(args: &ListArgs) -> Exit {
    let first_line = DASHBOARD.split_inclusive('\n').next().unwrap_or_default();
    match &args.action {
        None => write(first_line),
        Some(ListAction::Show { name }) if name == "dashboard" => write(DASHBOARD),
        Some(ListAction::Show { name }) => {
            let near = nearest(name, DIALECTS.iter().copied());
            let hint = near.map_or_else(
                || format!("built in are {}", DIALECTS.join(", ")),
                |near| format!("did you mean {near}?"),
            );
            complain([format!("{}: no such dialect; {hint}", name.escape_debug())]);
            Exit::Usage
        }
    }
}
