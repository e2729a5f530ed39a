//! `--otlp` and the OTEL_… variables: where, how often and with which headers metrics are exported.

use crate::profile::Secret;
use crate::vocabulary::problem::quoted;
use percent_encoding::percent_decode_str;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;
use url::Url;

/// The value of `--otlp` that leaves the URL to the environment.
pub const FROM_ENVIRONMENT: &str = "env";

/// The collector of this machine, where no variable names another (OTLP 1.x, "OTLP/HTTP Default Port").
const DEFAULT_ENDPOINT: &str = "http://localhost:4318";
/// The path of metrics below an endpoint (OTLP 1.x, "OTLP/HTTP Request").
const METRICS_PATH: &str = "v1/metrics";

/// A collector, and how it is spoken to.
#[derive(Clone, Debug)]
pub struct OtlpSettings {
    pub url: Url,
    /// Without userinfo and query.
    pub url_shown: String,
    pub headers: Vec<(String, Secret)>,
    /// The time between two exports.
    pub every: Duration,
    /// The most time for one.
    pub timeout: Duration,
    pub gzip: bool,
    /// Attributes of the resource beside the run's own.
    pub attributes: BTreeMap<String, String>,
}

impl OtlpSettings {
    /// Reads `--otlp URL|env` and the variables of the OpenTelemetry specification ("OTLP Exporter Configuration").
    ///
    /// # Errors
    /// One sentence about the first value that can't be used; it shows no header's value.
    pub fn read(option: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<Self, String> {
        // Those of metrics alone win over those of all signals; an empty one is none.
        let of = |name: &str| {
            let set = |name: String| variable(&name).filter(|text| !text.trim().is_empty()).map(|text| (name, text));
            set(format!("OTEL_EXPORTER_OTLP_METRICS_{name}")).or_else(|| set(format!("OTEL_EXPORTER_OTLP_{name}")))
        };
        let (at, url) = match option {
            FROM_ENVIRONMENT => of("ENDPOINT").unwrap_or_else(|| ("--otlp".to_owned(), DEFAULT_ENDPOINT.to_owned())),
            url => ("--otlp".to_owned(), url.to_owned()),
        };
        let is_whole = at == "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
        let url = metrics_url(&url, is_whole).map_err(|why| format!("{at}: {why}"))?;
        if let Some((name, protocol)) = of("PROTOCOL").filter(|(_, protocol)| protocol.trim() != "http/protobuf") {
            return Err(format!("{name}: {} is not spoken here; http/protobuf is", quoted(&protocol)));
        }
        let gzip = match of("COMPRESSION") {
            Some((_, word)) if word.trim() == "gzip" => true,
            Some((name, word)) if word.trim() != "none" => {
                return Err(format!("{name}: {} is neither gzip nor none", quoted(&word)));
            }
            _ => false,
        };
        let ms = |variable: Option<(String, String)>, default: u64| match variable {
            None => Ok(Duration::from_millis(default)),
            Some((name, text)) => match text.trim().parse() {
                Ok(ms @ 1..=86_400_000) => Ok(Duration::from_millis(ms)),
                _ => Err(format!("{name}: {} is no number of milliseconds", quoted(&text))),
            },
        };
        let headers = match of("HEADERS") {
            Some((name, text)) => pairs(&text).ok_or_else(|| format!("{name}: expected NAME=VALUE,NAME=VALUE"))?,
            None => vec![],
        };
        let mut attributes = BTreeMap::new();
        if let Some(text) = variable("OTEL_RESOURCE_ATTRIBUTES") {
            attributes.extend(pairs(&text).ok_or("OTEL_RESOURCE_ATTRIBUTES: expected NAME=VALUE,NAME=VALUE")?);
        }
        let service = variable("OTEL_SERVICE_NAME").filter(|name| !name.is_empty());
        attributes.extend(service.map(|name| ("service.name".to_owned(), name)));
        let authority = url.authority().rsplit('@').next().unwrap_or_default();
        Ok(Self {
            url_shown: format!("{}://{authority}{}", url.scheme(), url.path()),
            headers: headers.into_iter().map(|(name, value)| (name, Secret::new(value))).collect(),
            every: ms(
                variable("OTEL_METRIC_EXPORT_INTERVAL").map(|text| ("OTEL_METRIC_EXPORT_INTERVAL".to_owned(), text)),
                5_000,
            )?,
            timeout: ms(of("TIMEOUT"), 10_000)?,
            gzip,
            attributes,
            url,
        })
    }
}

/// The URL of metrics: `endpoint` as it is if it is `whole`, else the path below it.
fn metrics_url(endpoint: &str, is_whole: bool) -> Result<Url, String> {
    // The text is not shown: it may have a login.
    let example = "such as http://127.0.0.1:4318";
    let mut url = Url::parse(endpoint.trim()).map_err(|error| format!("not a URL ({error}); write one {example}"))?;
    if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none() {
        return Err(format!("metrics are exported over http or https, {example}"));
    }
    let path = url.path().trim_end_matches('/');
    if !is_whole && !path.ends_with(METRICS_PATH) {
        let path = format!("{path}/{METRICS_PATH}");
        url.set_path(&path);
    }
    Ok(url)
}

/// `a=b,c=d`, with values in percent-encoding (W3C Baggage §3.2); `None` if a pair is none.
fn pairs(text: &str) -> Option<Vec<(String, String)>> {
    let decoded = |text: &str| percent_decode_str(text.trim()).decode_utf8().ok().map(Cow::into_owned);
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        Some((decoded(name).filter(|name| !name.is_empty())?, decoded(value)?))
    };
    text.split(',').filter(|pair| !pair.trim().is_empty()).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(option: &str, variables: &[(&str, &str)]) -> Result<OtlpSettings, String> {
        let variable =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_owned());
        OtlpSettings::read(option, &variable)
    }

    #[test]
    fn the_url_of_metrics_lies_below_the_endpoint() {
        let check = |option: &str, variables: &[(&str, &str)], expected: &str| {
            assert_eq!(read(option, variables).map(|settings| settings.url.to_string()), Ok(expected.to_owned()));
        };
        check("http://127.0.0.1:9", &[], "http://127.0.0.1:9/v1/metrics");
        check("https://a.example/otlp/", &[], "https://a.example/otlp/v1/metrics");
        check("http://a/v1/metrics", &[], "http://a/v1/metrics");
        check("env", &[], "http://localhost:4318/v1/metrics");
        check("env", &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1")], "http://a:1/v1/metrics");
        let whole = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://a:2/push");
        check("env", &[whole, ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://a:1")], "http://a:2/push");
        check("http://b", &[whole], "http://b/v1/metrics");
    }

    #[test]
    fn headers_and_attributes_are_pairs_in_percent_encoding_and_no_secret_is_shown() {
        let settings = read(
            "http://user:pw@a/?key=k",
            &[
                ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20s3cret, x = y"),
                ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
                ("OTEL_METRIC_EXPORT_INTERVAL", "1000"),
                ("OTEL_RESOURCE_ATTRIBUTES", "team=web,service.name=one"),
                ("OTEL_SERVICE_NAME", "two"),
            ],
        )
        .unwrap();
        let headers: Vec<_> = settings.headers.iter().map(|(name, value)| (name.as_str(), value.reveal())).collect();
        assert_eq!(headers, [("authorization", "Bearer s3cret"), ("x", "y")]);
        assert_eq!(
            (settings.url_shown.as_str(), settings.gzip, settings.every.as_secs()),
            ("http://a/v1/metrics", true, 1)
        );
        assert_eq!(
            (settings.attributes["team"].as_str(), settings.attributes["service.name"].as_str()),
            ("web", "two")
        );
        assert!(!format!("{settings:?}").contains("s3cret"));
    }

    #[test]
    fn a_value_that_cannot_be_used_is_named() {
        let check = |option: &str, variables: &[(&str, &str)], expected: &str| {
            assert_eq!(read(option, variables).err().as_deref(), Some(expected));
        };
        check("a:4318", &[], "--otlp: metrics are exported over http or https, such as http://127.0.0.1:4318");
        let grpc = [("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")];
        check("env", &grpc, "OTEL_EXPORTER_OTLP_PROTOCOL: \"grpc\" is not spoken here; http/protobuf is");
        let headers = [("OTEL_EXPORTER_OTLP_METRICS_HEADERS", "secret")];
        check("env", &headers, "OTEL_EXPORTER_OTLP_METRICS_HEADERS: expected NAME=VALUE,NAME=VALUE");
        let zstd = [("OTEL_EXPORTER_OTLP_COMPRESSION", "zstd")];
        check("env", &zstd, "OTEL_EXPORTER_OTLP_COMPRESSION: \"zstd\" is neither gzip nor none");
        let soon = [("OTEL_METRIC_EXPORT_INTERVAL", "soon")];
        check("env", &soon, "OTEL_METRIC_EXPORT_INTERVAL: \"soon\" is no number of milliseconds");
    }
}
