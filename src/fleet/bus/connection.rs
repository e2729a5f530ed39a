//! The door to NATS: connects, asks and tells, claims slots by compare-and-set, and stores each piece of a part once.

use super::messages::{BusError, Claim};
use super::settings::{BusSettings, RunName};
use async_nats::connection::State;
use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind, PublishErrorKind};
use async_nats::jetstream::kv::{self, CreateErrorKind, UpdateErrorKind};
use async_nats::jetstream::stream::{self, DirectGetErrorKind, DiscardPolicy, StorageType};
use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectOptions, Message, ServerAddr, Subscriber};
use futures_util::StreamExt;
use percent_encoding::percent_decode_str;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};
use url::Url;

/// The pause before the connection is tried again; a server that was killed is back within seconds.
const RECONNECT_EVERY: Duration = Duration::from_millis(200);

/// The time for a server that can't make a store yet: one that has just started was seen to fail at it.
const CREATE_MAX: Duration = Duration::from_secs(3);

/// The time for an answer of the controller or the server.
const ANSWER_MAX: Duration = Duration::from_secs(3);

/// The age at which the server forgets a run that its controller did not clean up.
const AGE_MAX: Duration = Duration::from_secs(24 * 3_600);

/// Bytes of a message besides its payload that count against the server's limit.
const OVERHEAD_BYTES: usize = 4 << 10;

/// The most bytes of a file of credentials that are read.
const CREDENTIALS_BYTES_MAX: u64 = 64 << 10;

/// The port of a NATS server whose URL names none.
const PORT: u16 = 4222;

const PLAN_KEY: &str = "plan";

/// There from the first controller of the run's name on.
const RUN_KEY: &str = "run";

/// A connection to the bus, for one run. It is made again by itself when it breaks.
#[derive(Clone)]
pub(super) struct BusConnection {
    client: Client,
    jetstream: Context,
    run: RunName,
}

/// The messages of one subject of the run.
pub(super) struct Inbox(Subscriber);

/// A message that waits for its answer.
pub(super) struct BusMessage(Message);

impl BusConnection {
    /// # Errors
    /// The settings are unfit, or no server answers.
    pub(super) async fn open(settings: &BusSettings, run: &RunName) -> Result<Self, BusError> {
        let urls = settings.checked_urls()?;
        let url = urls.iter().find(|url| !url.username().is_empty()).unwrap_or(&urls[0]);
        let mut options = ConnectOptions::new();
        // The client takes no login from a URL; a user without a password is a token.
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        options = match (url.username(), url.password()) {
            ("", _) => options,
            (token, None) => options.token(decoded(token)),
            (user, Some(password)) => options.user_and_password(decoded(user), decoded(password)),
        };
        options = options
            .name(format!("meshload {run}"))
            .require_tls(url.scheme() == "tls")
            // Servers that are no cluster would otherwise part the agents from their controller.
            .retain_servers_order()
            // A server's advice could lead to one that is not encrypted.
            .ignore_discovered_servers()
            .reconnect_delay_callback(|_| RECONNECT_EVERY);
        if let Some(ca) = &settings.ca {
            options = options.add_root_certificates(ca.clone());
        }
        if let Some((certificate, key)) = &settings.identity {
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
        if let Some(path) = &settings.credentials {
            options = with_credentials(options, path)
                .map_err(|why| BusError::Usage(format!("--bus-creds {}: {why}", path.display())))?;
        }
        let servers: Vec<String> = urls.iter().map(server).collect();
        let addresses = servers.iter().map(|server| format!("{}://{server}", url.scheme()).parse::<ServerAddr>());
        let addresses: Result<Vec<ServerAddr>, _> = addresses.collect();
        let addresses = addresses.map_err(|error| broken("the URL", &error))?;
        let client = options.connect(addresses).await.map_err(|error| {
            let (words, servers) = (in_words(&error), servers.join(", "));
            let hint = hint(&words, url.port().unwrap_or(PORT));
            BusError::Broken(format!("--bus: no connection to {servers}: {words}{hint}"))
        })?;
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(ANSWER_MAX);
        Ok(Self { client, jetstream, run: run.clone() })
    }

    pub(super) fn run(&self) -> &RunName {
        &self.run
    }

    pub(super) fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// The largest payload that the server takes, in bytes.
    pub(super) fn payload_max(&self) -> usize {
        self.client.max_payload().saturating_sub(OVERHEAD_BYTES)
    }

    /// Makes the store and the stream of the run.
    ///
    /// # Errors
    /// The server has no JetStream, or the name is taken.
    pub(super) async fn create_run(&self) -> Result<(), BusError> {
        let bucket = kv::Config { bucket: self.run.bucket(), history: 1, max_age: AGE_MAX, ..kv::Config::default() };
        let store = create(|| self.jetstream.create_key_value(bucket.clone())).await.map_err(|error| {
            let hint = if code_of(&error).is_none() { "; start nats-server with -js" } else { "" };
            BusError::Broken(format!("--bus: no key-value store: {}{hint}", in_words(&error)))
        })?;
        store.create(RUN_KEY, vec![].into()).await.map_err(|error| match error.kind() {
            CreateErrorKind::AlreadyExists => {
                BusError::Usage(format!("--run {}: this bus has had such a run; choose another name", self.run))
            }
            _ => broken("the run's store", &error),
        })?;
        // The second message of a subject is refused: a part is there once.
        let parts = stream::Config {
            name: self.run.stream(),
            subjects: vec![self.run.subject("res.>")],
            max_messages_per_subject: 1,
            discard: DiscardPolicy::New,
            discard_new_per_subject: true,
            allow_direct: true,
            max_age: AGE_MAX,
            storage: StorageType::File,
            ..stream::Config::default()
        };
        let created = create(|| self.jetstream.create_stream(parts.clone())).await;
        created.map(|_| ()).map_err(|error| broken("the stream of parts", &error))
    }

    /// Forgets the run. A server that is away forgets it by its age.
    pub(super) async fn delete_run(&self) {
        let _ = self.jetstream.delete_stream(self.run.stream()).await;
        let _ = self.jetstream.delete_key_value(self.run.bucket()).await;
    }

    /// Puts the plan of a round into the place of the one before.
    ///
    /// # Errors
    /// The plan is too long for a message, or the server does not answer.
    pub(super) async fn offer(&self, plan: &impl Serialize) -> Result<(), BusError> {
        let plan = json(plan);
        let (bytes, most) = (plan.len(), self.payload_max());
        if bytes > most {
            return Err(BusError::Usage(format!(
                "the plan has {bytes} bytes, and the bus takes {most}; raise max_payload of nats-server"
            )));
        }
        self.store().await?.put(PLAN_KEY, plan.into()).await.map(|_| ()).map_err(|error| broken("the plan", &error))
    }

    /// The plan of the run.
    ///
    /// # Errors
    /// There is no such run, or its plan can't be read.
    pub(super) async fn plan<T: DeserializeOwned>(&self) -> Result<T, BusError> {
        let entry = self.store().await?.get(PLAN_KEY).await.map_err(|error| broken("the plan", &error))?;
        let bytes = entry.ok_or_else(|| BusError::Over(format!("the bus has no plan of the run {}", self.run)))?;
        read(&bytes).ok_or_else(|| {
            BusError::Refused("the plan can't be read: the controller has another version of meshload".to_owned())
        })
    }

    /// Claims a slot by compare-and-set; `false` if this attempt, or a later one, has been made by another agent.
    ///
    /// # Errors
    /// The server does not answer.
    pub(super) async fn claim(&self, slot: u32, claim: &Claim) -> Result<bool, BusError> {
        let (store, key) = (self.store().await?, format!("slot.{slot}"));
        let before = store.entry(key.as_str()).await.map_err(|error| broken("the claim", &error))?;
        let value = json(claim).into();
        let Some(entry) = before else {
            return match store.create(&key, value).await {
                Ok(_) => Ok(true),
                Err(error) if error.kind() == CreateErrorKind::AlreadyExists => Ok(false),
                Err(error) => Err(broken("the claim", &error)),
            };
        };
        if read::<Claim>(&entry.value).is_some_and(|earlier| earlier.attempt >= claim.attempt) {
            return Ok(false);
        }
        match store.update(&key, value, entry.revision).await {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => Ok(false),
            Err(error) => Err(broken("the claim", &error)),
        }
    }

    async fn store(&self) -> Result<kv::Store, BusError> {
        self.jetstream.get_key_value(self.run.bucket()).await.map_err(|error| broken("the run's store", &error))
    }

    /// # Errors
    /// The client is closed.
    pub(super) async fn inbox(&self, subject: &str) -> Result<Inbox, BusError> {
        self.client.subscribe(self.run.subject(subject)).await.map(Inbox).map_err(|error| broken(subject, &error))
    }

    /// Sends a message that may be lost; `false` if it is longer than the server takes, or the client is closed.
    pub(super) async fn tell(&self, subject: &str, message: &impl Serialize) -> bool {
        self.client.publish(self.run.subject(subject), json(message).into()).await.is_ok()
    }

    /// Waits until all that was told is with the server; at most `ANSWER_MAX`.
    pub(super) async fn flush(&self) {
        let _ = tokio::time::timeout(ANSWER_MAX, self.client.flush()).await;
    }

    /// Asks the controller; `None` if it does not answer.
    pub(super) async fn ask<T: DeserializeOwned>(&self, subject: &str, question: &impl Serialize) -> Option<T> {
        let asked = self.client.request(self.run.subject(subject), json(question).into());
        let answer = tokio::time::timeout(ANSWER_MAX, asked).await.ok()?.ok()?;
        read(&answer.payload)
    }

    /// Stores `bytes` under a subject of the stream of parts, once: sent again, it must be the same.
    ///
    /// # Errors
    /// Other bytes are there, or the server stays away until then.
    pub(super) async fn store_once(&self, subject: &str, bytes: &[u8], until: Instant) -> Result<(), BusError> {
        loop {
            let sent = self.jetstream.publish(self.run.subject(subject), bytes.to_vec().into()).await;
            let error = match sent {
                Ok(acknowledged) => match acknowledged.await {
                    Ok(_) => return Ok(()),
                    Err(error) => error,
                },
                Err(error) => error,
            };
            // An acknowledgement may be lost with the connection; then the bytes are there.
            match self.stored(subject).await {
                Ok(Some(there)) if there == bytes => return Ok(()),
                Ok(Some(_)) => return Err(BusError::Over("another agent has reported this share".to_owned())),
                _ if Instant::now() > until => {
                    return Err(BusError::Over(format!("the part is not on the bus, only here: {}", in_words(&error))));
                }
                Ok(None) if error.kind() == PublishErrorKind::StreamNotFound => {
                    return Err(BusError::Over("the controller has ended the run".to_owned()));
                }
                _ => tokio::time::sleep(RECONNECT_EVERY).await,
            }
        }
    }

    /// The bytes under a subject of the stream of parts; `None` if there are none yet.
    ///
    /// # Errors
    /// The server does not answer.
    pub(super) async fn stored(&self, subject: &str) -> Result<Option<Vec<u8>>, BusError> {
        let stream = self.jetstream.get_stream_no_info(self.run.stream()).await;
        let stream = stream.map_err(|error| broken("the stream of parts", &error))?;
        match stream.direct_get_last_for_subject(self.run.subject(subject)).await {
            Ok(message) => Ok(Some(message.payload.to_vec())),
            Err(error) if error.kind() == DirectGetErrorKind::NotFound => Ok(None),
            Err(error) => Err(broken("the part", &error)),
        }
    }

    /// Answers a message.
    pub(super) async fn answer(&self, message: BusMessage, answer: &impl Serialize) {
        if let Some(reply) = message.0.reply {
            // The asker asks again.
            let _ = self.client.publish(reply, json(answer).into()).await;
        }
    }
}

impl Inbox {
    /// The next message; waits for ever once the client is closed.
    pub(super) async fn next(&mut self) -> BusMessage {
        match self.0.next().await {
            Some(message) => BusMessage(message),
            None => std::future::pending().await,
        }
    }
}

impl BusMessage {
    /// The message as a type; `None` for one that nobody of this version wrote.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        read(&self.0.payload)
    }

    /// The last token of its subject.
    pub(super) fn last_token(&self) -> &str {
        self.0.subject.rsplit('.').next().unwrap_or_default()
    }
}

/// `HOST:PORT`
fn server(url: &Url) -> String {
    format!("{}:{}", url.host_str().unwrap_or_default(), url.port().unwrap_or(PORT))
}

/// Makes something on the server, again for `CREATE_MAX` while the server says that the fault is its own (code 500).
async fn create<T, E: Error + 'static, F: Future<Output = Result<T, E>>>(make: impl Fn() -> F) -> Result<T, E> {
    let until = Instant::now() + CREATE_MAX;
    loop {
        match make().await {
            Err(error) if code_of(&error) == Some(500) && Instant::now() < until => {
                tokio::time::sleep(RECONNECT_EVERY).await;
            }
            made => return made,
        }
    }
}

/// The code of JetStream's answer behind an error; `None` if it gave none, or has no such service.
fn code_of(error: &(dyn Error + 'static)) -> Option<usize> {
    let mut causes = std::iter::successors(Some(error), |error| <dyn Error>::source(*error));
    causes.find_map(|cause| match cause.downcast_ref::<CreateStreamError>()?.kind() {
        CreateStreamErrorKind::JetStream(answer) => {
            let is_absent = [ErrorCode::JETSTREAM_NOT_ENABLED, ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT];
            (!is_absent.contains(&answer.error_code())).then(|| answer.code())
        }
        _ => None,
    })
}

/// A likely cause of a connection that failed, or its cure; empty if there is none.
fn hint(words: &str, port: u16) -> String {
    let start =
        format!("; nothing listens there: start one with `nats-server -js -p {port}`, or name the port of yours");
    let hints = [
        ("Connection refused", start.as_str()),
        ("InvalidContentType", "; it does not begin with TLS, as a server of nats:// doesn't"),
        ("timed out", "; is it a NATS server?"),
        ("authorization violation", "; user and password stand in the URL, or --bus-creds names a file"),
    ];
    hints.iter().find(|(sign, _)| words.contains(sign)).map_or_else(String::new, |(_, hint)| (*hint).to_owned())
}

/// Adds the identity of a `.creds` file, or of a file with the seed of a user's nkey.
///
/// # Errors
/// The file can't be read, or is neither. No error shows its content.
fn with_credentials(options: ConnectOptions, path: &Path) -> Result<ConnectOptions, String> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(CREDENTIALS_BYTES_MAX).read_to_string(&mut text).map_err(|error| error.to_string())?;
    let is_seed = |line: &str| line.starts_with("SU") && line.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if is_seed(text.trim()) {
        return Ok(options.nkey(text.trim().to_owned()));
    }
    let neither = "neither a .creds file of NATS nor the seed of a user's nkey, SU…";
    options.credentials(&text).map_err(|_| neither.to_owned())
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("every message has a JSON form")
}

fn read<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    serde_json::from_slice(bytes).ok()
}

fn broken(what: &str, error: &dyn Error) -> BusError {
    BusError::Broken(format!("--bus: {what}: {}", in_words(error)))
}

/// An error with its causes, in one line.
fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let inner_words = inner.to_string();
        if !words.contains(&inner_words) {
            words += &format!(": {inner_words}");
        }
        cause = inner.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    fn refusal(code: usize, error_code: u64) -> CreateStreamError {
        let answer = serde_json::json!({ "code": code, "err_code": error_code, "description": "no" });
        CreateStreamError::new(CreateStreamErrorKind::JetStream(serde_json::from_value(answer).unwrap()))
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_server_fails_at_by_its_own_fault_is_tried_again() {
        let calls = async |fails: usize, code, error_code| {
            let calls = Cell::new(0);
            let made = create(|| {
                calls.set(calls.get() + 1);
                let made = if calls.get() > fails { Ok(()) } else { Err(refusal(code, error_code)) };
                std::future::ready(made)
            })
            .await;
            (made.is_ok(), calls.get())
        };
        assert_eq!(calls(2, 500, 10_049).await, (true, 3));
        assert_eq!(calls(1, 400, 10_058).await, (false, 1));
        assert_eq!(calls(1, 503, 10_039).await, (false, 1));
    }

    #[test]
    fn a_server_without_jetstream_gives_no_code() {
        assert_eq!([code_of(&refusal(500, 10_049)), code_of(&refusal(503, 10_076))], [Some(500), None]);
    }
}
