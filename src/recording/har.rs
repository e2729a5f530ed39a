//! HAR 1.2 with the WebSocket frames that Chromium adds: `_webSocketMessages` of type, time, opcode and data.

use super::{Exchange, FramePayload, RecordedFrame, RecordedRequest, RecordedResponse, Recording, header};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use url::Url;

const MICROS: f64 = 1e6;
/// Opcodes of RFC 6455 §5.2.
const TEXT: i64 = 1;
const BINARY: i64 = 2;

#[derive(Deserialize, Serialize)]
struct Har<'a> {
    #[serde(borrow)]
    log: HarLog<'a>,
}

#[derive(Deserialize, Serialize)]
struct HarLog<'a> {
    #[serde(default, borrow)]
    version: Cow<'a, str>,
    #[serde(default)]
    creator: HarCreator,
    #[serde(default)]
    pages: Vec<serde_json::Value>,
    #[serde(borrow)]
    entries: Vec<HarEntry<'a>>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    comment: String,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct HarCreator {
    name: String,
    version: String,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct HarEntry<'a> {
    #[serde(borrow)]
    started_date_time: Cow<'a, str>,
    /// Milliseconds.
    #[serde(default)]
    time: f64,
    #[serde(borrow)]
    request: HarRequest<'a>,
    #[serde(borrow)]
    response: HarResponse<'a>,
    #[serde(default)]
    cache: HarEmpty,
    #[serde(default)]
    timings: HarTimings,
    #[serde(rename = "_resourceType", default, skip_serializing_if = "Option::is_none")]
    resource_type: Option<Cow<'a, str>>,
    #[serde(rename = "_webSocketMessages", default, skip_serializing_if = "Option::is_none")]
    messages: Option<Vec<HarMessage<'a>>>,
}

#[derive(Default, Deserialize, Serialize)]
struct HarEmpty {}

#[derive(Deserialize, Serialize)]
#[serde(default)]
struct HarTimings {
    send: f64,
    wait: f64,
    receive: f64,
}

impl Default for HarTimings {
    /// -1: not known.
    fn default() -> Self {
        Self { send: -1.0, wait: -1.0, receive: -1.0 }
    }
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct HarRequest<'a> {
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow)]
    url: Cow<'a, str>,
    #[serde(default)]
    http_version: Cow<'a, str>,
    #[serde(default)]
    cookies: Vec<serde_json::Value>,
    #[serde(default, borrow)]
    headers: Vec<HarPair<'a>>,
    #[serde(default)]
    query_string: Vec<HarPair<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    post_data: Option<HarPostData<'a>>,
    #[serde(default)]
    headers_size: i64,
    #[serde(default)]
    body_size: i64,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct HarPostData<'a> {
    #[serde(default, borrow)]
    mime_type: Cow<'a, str>,
    #[serde(default, borrow)]
    text: Cow<'a, str>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct HarResponse<'a> {
    #[serde(default)]
    status: i64,
    #[serde(default)]
    status_text: Cow<'a, str>,
    #[serde(default)]
    http_version: Cow<'a, str>,
    #[serde(default)]
    cookies: Vec<serde_json::Value>,
    #[serde(default, borrow)]
    headers: Vec<HarPair<'a>>,
    #[serde(default, borrow)]
    content: HarContent<'a>,
    #[serde(rename = "redirectURL", default)]
    redirect_url: Cow<'a, str>,
    #[serde(default)]
    headers_size: i64,
    #[serde(default)]
    body_size: i64,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(rename_all = "camelCase", default)]
struct HarContent<'a> {
    size: i64,
    mime_type: Cow<'a, str>,
    #[serde(borrow)]
    text: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<Cow<'a, str>>,
}

#[derive(Deserialize, Serialize)]
struct HarPair<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    value: Cow<'a, str>,
}

#[derive(Deserialize, Serialize)]
struct HarMessage<'a> {
    #[serde(rename = "type", borrow)]
    direction: Cow<'a, str>,
    /// Seconds since the Unix epoch.
    time: f64,
    opcode: i64,
    #[serde(borrow)]
    data: Cow<'a, str>,
}

/// Reads a HAR file of this program or of a browser's developer tools.
///
/// # Errors
/// One sentence: the text is no HAR.
pub fn read(text: &str) -> Result<Recording, String> {
    // Firefox and some editors begin a file with a byte order mark.
    let har: Har<'_> =
        serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|why| format!("no HAR: {why}"))?;
    let mut exchanges = har.log.entries.into_iter().map(exchange).collect::<Result<Vec<_>, _>>()?;
    exchanges.sort_by_key(|exchange| exchange.began_us);
    Ok(Recording { exchanges, left_out: har.log.comment })
}

fn exchange(entry: HarEntry<'_>) -> Result<Exchange, String> {
    let began: Timestamp = entry
        .started_date_time
        .parse()
        .map_err(|why| format!("startedDateTime {:?}: {why}", entry.started_date_time))?;
    let began_us = u64::try_from(began.as_microsecond()).unwrap_or_default();
    let HarRequest { method, url, headers, post_data, .. } = entry.request;
    let HarResponse { status, status_text, headers: answered, content, .. } = entry.response;
    let body = match content.encoding.as_deref() {
        Some("base64") => BASE64.decode(content.text.as_bytes()).unwrap_or_default(),
        _ => content.text.into_owned().into_bytes(),
    };
    let frames = entry.messages.map(|messages| messages.into_iter().filter_map(frame).collect::<Vec<_>>());
    let last_us = frames.iter().flatten().map(|frame: &RecordedFrame| frame.at_us).max().unwrap_or(began_us);
    Ok(Exchange {
        began_us,
        ended_us: (began_us + (entry.time.max(0.0) * 1e3) as u64).max(last_us),
        request: RecordedRequest {
            method: method.into_owned(),
            url: url.into_owned(),
            headers: owned(headers),
            body: post_data.map(|data| data.text.into_owned().into_bytes()).unwrap_or_default(),
        },
        response: RecordedResponse {
            status: u16::try_from(status).unwrap_or_default(),
            status_text: status_text.into_owned(),
            headers: owned(answered),
            body,
        },
        frames,
    })
}

/// A data frame; `None` for a control frame.
fn frame(message: HarMessage<'_>) -> Option<RecordedFrame> {
    let payload = match message.opcode {
        TEXT => FramePayload::Text(message.data.into_owned()),
        BINARY => FramePayload::Binary(BASE64.decode(message.data.as_bytes()).ok()?),
        _ => return None,
    };
    Some(RecordedFrame { at_us: (message.time * MICROS).round() as u64, sent: message.direction == "send", payload })
}

fn owned(pairs: Vec<HarPair<'_>>) -> Vec<(String, String)> {
    pairs.into_iter().map(|pair| (pair.name.into_owned(), pair.value.into_owned())).collect()
}

/// The recording as the text of a HAR file.
pub fn write(recording: &Recording) -> String {
    let har = Har {
        log: HarLog {
            version: "1.2".into(),
            creator: HarCreator { name: "meshload".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() },
            pages: vec![],
            entries: recording.exchanges.iter().map(entry).collect(),
            comment: recording.left_out.clone(),
        },
    };
    serde_json::to_string_pretty(&har).expect("texts and finite numbers are JSON") + "\n"
}

fn entry(exchange: &Exchange) -> HarEntry<'_> {
    let Exchange { began_us, ended_us, request, response, frames } = exchange;
    let began = Timestamp::from_microsecond(i64::try_from(*began_us).unwrap_or(i64::MAX)).unwrap_or(Timestamp::MAX);
    let millis = ended_us.saturating_sub(*began_us) as f64 / 1e3;
    let query = Url::parse(&request.url).ok();
    let query = query.iter().flat_map(Url::query_pairs);
    let query_string =
        query.map(|(name, value)| HarPair { name: name.into_owned().into(), value: value.into_owned().into() });
    let body = String::from_utf8_lossy(&request.body);
    let mime_type = header(&request.headers, "content-type").unwrap_or_default().into();
    let post_data = (!body.is_empty()).then_some(HarPostData { mime_type, text: body });
    HarEntry {
        started_date_time: began.to_string().into(),
        time: millis,
        request: HarRequest {
            method: request.method.as_str().into(),
            url: request.url.as_str().into(),
            http_version: "HTTP/1.1".into(),
            cookies: vec![],
            headers: pairs(&request.headers),
            query_string: query_string.collect(),
            post_data,
            headers_size: -1,
            body_size: request.body.len() as i64,
        },
        response: HarResponse {
            status: response.status.into(),
            status_text: response.status_text.as_str().into(),
            http_version: "HTTP/1.1".into(),
            cookies: vec![],
            headers: pairs(&response.headers),
            content: content(response),
            redirect_url: header(&response.headers, "location").unwrap_or_default().into(),
            headers_size: -1,
            body_size: -1,
        },
        cache: HarEmpty {},
        timings: HarTimings { send: 0.0, wait: millis, receive: 0.0 },
        resource_type: Some(if frames.is_some() { "websocket" } else { "other" }.into()),
        messages: frames.as_ref().map(|frames| frames.iter().map(message).collect()),
    }
}

fn pairs(headers: &[(String, String)]) -> Vec<HarPair<'_>> {
    headers.iter().map(|(name, value)| HarPair { name: name.into(), value: value.into() }).collect()
}

fn content(response: &RecordedResponse) -> HarContent<'_> {
    let (text, encoding) = match std::str::from_utf8(&response.body) {
        Ok(text) => (text.into(), None),
        Err(_) => (BASE64.encode(&response.body).into(), Some("base64".into())),
    };
    let mime_type = header(&response.headers, "content-type").unwrap_or_default().into();
    HarContent { size: response.body.len() as i64, mime_type, text, encoding }
}

fn message(frame: &RecordedFrame) -> HarMessage<'_> {
    let (opcode, data) = match &frame.payload {
        FramePayload::Text(text) => (TEXT, text.into()),
        FramePayload::Binary(bytes) => (BINARY, BASE64.encode(bytes).into()),
    };
    let direction = if frame.sent { "send" } else { "receive" }.into();
    HarMessage { direction, time: frame.at_us as f64 / MICROS, opcode, data }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording() -> Recording {
        let frame = |at_us, sent, payload| RecordedFrame { at_us, sent, payload };
        let headers = vec![("Content-Type".to_owned(), "text/plain".to_owned())];
        Recording {
            exchanges: vec![
                Exchange {
                    began_us: 1_795_511_065_000_001,
                    ended_us: 1_795_511_065_020_001,
                    request: RecordedRequest {
                        method: "POST".to_owned(),
                        url: "http://127.0.0.1:9000/login?a=b%20c".to_owned(),
                        headers: headers.clone(),
                        body: b"user=me".to_vec(),
                    },
                    response: RecordedResponse {
                        status: 200,
                        status_text: "OK".to_owned(),
                        headers,
                        body: vec![0xff, 0],
                    },
                    frames: None,
                },
                Exchange {
                    began_us: 1_795_511_065_979_970,
                    ended_us: 1_795_511_068_979_970,
                    request: RecordedRequest {
                        method: "GET".to_owned(),
                        url: "ws://127.0.0.1:9000/ws/".to_owned(),
                        ..RecordedRequest::default()
                    },
                    response: RecordedResponse { status: 101, ..RecordedResponse::default() },
                    frames: Some(vec![
                        frame(1_795_511_066_123_456, true, FramePayload::Text("{\"a\":\"\u{1F600}\"}".to_owned())),
                        frame(1_795_511_066_123_457, false, FramePayload::Binary(vec![1, 2, 255])),
                    ]),
                },
            ],
            left_out: String::new(),
        }
    }

    #[test]
    fn a_recording_is_read_as_it_was_written() {
        assert_eq!(read(&write(&recording())), Ok(recording()));
    }

    #[test]
    fn frames_are_written_as_chromium_does() {
        let har: serde_json::Value = serde_json::from_str(&write(&recording())).unwrap();
        let entries = &har["log"]["entries"];
        assert_eq!(
            (har["log"]["version"].as_str(), entries[1]["_resourceType"].as_str()),
            (Some("1.2"), Some("websocket"))
        );
        let expected =
            serde_json::json!({ "type": "receive", "time": 1_795_511_066.123_457, "opcode": 2, "data": "AQL/" });
        assert_eq!(entries[1]["_webSocketMessages"][1], expected);
        assert_eq!(entries[0]["request"]["queryString"][0], serde_json::json!({ "name": "a", "value": "b c" }));
        assert_eq!(entries[0]["response"]["content"]["encoding"], "base64");
    }

    /// Fields as Chromium 156 saves them ("Save all as HAR with content"), those that this room does not read left in.
    #[test]
    fn what_chromium_saves_is_read() {
        let text = r#"{"log":{"version":"1.2","creator":{"name":"WebInspector","version":"537.36"},"pages":[],"entries":[{
            "_connectionId":"41","_initiator":{"type":"script"},"_priority":"High","_resourceType":"websocket",
            "_webSocketMessages":[{"type":"send","time":1795511066.5,"opcode":1,"data":"{}"},{"type":"receive","time":1795511066.6,"opcode":-1,"data":"x"}],
            "cache":{},"connection":"80","request":{"method":"GET","url":"ws://h/","httpVersion":"HTTP/1.1","headers":[],"queryString":[],"cookies":[],"headersSize":400,"bodySize":0},
            "response":{"status":101,"statusText":"Switching Protocols","httpVersion":"HTTP/1.1","headers":[],"cookies":[],"content":{"size":0,"mimeType":"x-unknown"},"redirectURL":"","headersSize":160,"bodySize":0,"_transferSize":0,"_error":null},
            "serverIPAddress":"127.0.0.1","startedDateTime":"2026-11-28T10:00:00.123Z","time":1500.5,"timings":{"blocked":1,"dns":-1,"send":0.1,"wait":3,"receive":0,"_blocked_queueing":1}}]}}"#;
        let recording = read(text).unwrap();
        let frames = recording.exchanges[0].frames.as_ref().unwrap();
        assert_eq!(frames.len(), 1, "an error of the tools is no frame");
        assert!(frames[0].sent && recording.exchanges[0].response.status == 101);
    }

    #[test]
    fn what_is_no_har_is_said_to_be_none() {
        for text in ["", "[]", "{}", "{\"log\":{\"entries\":[{}]}}"] {
            assert!(read(text).unwrap_err().starts_with("no HAR: "), "{text}");
        }
    }
}
