//! A recorded talk between clients and their signaling server: HTTP exchanges, WebSocket frames, and HAR as their file.

mod har;
mod mask;

pub use har::{read, write};
pub use mask::{MASKED, Masker};

/// The exchanges of one recording, in the order in which they began.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    pub exchanges: Vec<Exchange>,
    /// The frames and bodies that were not kept, and why; empty if all were.
    pub left_out: String,
}

/// An HTTP request and its response; for a WebSocket, the upgrade and the frames that followed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Exchange {
    /// Microseconds since the Unix epoch.
    pub began_us: u64,
    /// Microseconds since the Unix epoch at which the response or the connection ended; `began_us` if it never did.
    pub ended_us: u64,
    pub request: RecordedRequest,
    pub response: RecordedResponse,
    /// The frames of a WebSocket; `None` for plain HTTP.
    pub frames: Option<Vec<RecordedFrame>>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordedRequest {
    pub method: String,
    /// The URL at the server, `ws:` or `wss:` for a WebSocket.
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct RecordedResponse {
    /// The HTTP status; 0 without a response.
    pub status: u16,
    pub status_text: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// A data frame of a WebSocket.
#[derive(Clone, Debug, PartialEq)]
pub struct RecordedFrame {
    /// Microseconds since the Unix epoch.
    pub at_us: u64,
    /// Sent by the client; otherwise received from the server.
    pub sent: bool,
    pub payload: FramePayload,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FramePayload {
    Text(String),
    Binary(Vec<u8>),
}

impl FramePayload {
    pub fn bytes(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::Binary(bytes) => bytes.len(),
        }
    }
}

/// The name of a connection for people: A, B … Z, A1, B1 …
pub fn letter(number: usize) -> String {
    let letter = char::from(b'A' + (number % 26) as u8);
    match number / 26 {
        0 => letter.to_string(),
        round => format!("{letter}{round}"),
    }
}

/// The first header of that name, compared without case.
pub fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_have_letters() {
        assert_eq!([0, 25, 26, 53].map(letter), ["A", "Z", "A1", "B2"]);
    }
}
