//! Metrics as OTLP's protobuf: what grew since the last export (delta temporality), and the state of everything else.

use crate::report::machine::metrics::family::{Family, MetricValue, Series};
use crate::report::machine::metrics::{MetricsSnapshot, families};
use crate::summary::{SparseHistogram, wall_time::from_rfc3339};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue, any_value};
use opentelemetry_proto::tonic::metrics::v1::exponential_histogram_data_point::Buckets;
use opentelemetry_proto::tonic::metrics::v1::{
    AggregationTemporality, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge, Metric, NumberDataPoint,
    ResourceMetrics, ScopeMetrics, Sum, metric::Data, number_data_point,
};
use opentelemetry_proto::tonic::resource::v1::Resource;
use prost::Message;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::SystemTime;

/// 32 buckets a doubling, so that a sample is found again within 2.2 %.
const SCALE: i32 = 5;

/// Everything that an exporter has sent of one run.
#[derive(Clone, Debug, Default)]
pub struct OtlpDeltas {
    run: String,
    sent: BTreeMap<String, Sent>,
    /// The end of the last export, in nanoseconds since 1970; 0 before the first.
    until_ns: u64,
}

#[derive(Clone, Debug)]
enum Sent {
    Total(f64),
    Samples(SparseHistogram),
}

impl OtlpDeltas {
    /// The body of an export at `now`, and the state after it, which holds once the collector has taken it. Another run
    /// begins anew. `attributes` are the resource's, beside those of the run; they win.
    pub fn export(
        &self,
        snapshot: &MetricsSnapshot,
        attributes: &BTreeMap<String, String>,
        now: SystemTime,
    ) -> (Vec<u8>, Self) {
        let summary = &snapshot.summary;
        let mut next = if self.run == summary.run.id { self.clone() } else { Self::default() };
        next.run.clone_from(&summary.run.id);
        let began = from_rfc3339(&summary.run.started_at).map_or(0, unix_ns);
        let span =
            ExportInterval { from_ns: if next.until_ns > 0 { next.until_ns } else { began }, until_ns: unix_ns(now) };
        let metrics = families(snapshot).iter().flat_map(|family| next.metrics(family, span)).collect();
        next.until_ns = span.until_ns;
        let version = summary.meshload.version.clone();
        let scope = InstrumentationScope { name: "meshload".to_owned(), version, ..InstrumentationScope::default() };
        let scope_metrics = vec![ScopeMetrics { scope: Some(scope), metrics, schema_url: String::new() }];
        let resource = Resource { attributes: resource(snapshot, attributes), ..Resource::default() };
        let resource_metrics = ResourceMetrics { resource: Some(resource), scope_metrics, schema_url: String::new() };
        (ExportMetricsServiceRequest { resource_metrics: vec![resource_metrics] }.encode_to_vec(), next)
    }

    /// The metrics of a family: one of all that grows, one of all samples, and one for each other state. A state beside totals has
    /// its label's word in its name, since a metric has one kind.
    fn metrics(&mut self, family: &Family<'_>, span: ExportInterval) -> Vec<Metric> {
        let (mut totals, mut samples) = (vec![], vec![]);
        let mut gauges: BTreeMap<String, Vec<NumberDataPoint>> = BTreeMap::new();
        let is_mixed = family.series.iter().any(|series| matches!(series.value, MetricValue::Total(_)));
        for series in &family.series {
            match series.value {
                MetricValue::Total(total) => totals.extend(self.total(family, series, total, span)),
                MetricValue::Samples(histogram) => samples.extend(self.samples(family, series, histogram, span)),
                MetricValue::Gauge(value) => {
                    let word = series.labels.last().filter(|_| is_mixed).map(|(_, word)| format!("_{word}"));
                    let name = format!("{}{}", family.name, word.unwrap_or_default());
                    let kept = series.labels.len() - usize::from(is_mixed && !series.labels.is_empty());
                    let labels = attributes(&series.labels[..kept]);
                    gauges.entry(name.clone()).or_default().push(number(
                        &name,
                        labels,
                        value,
                        ExportInterval { from_ns: 0, ..span },
                    ));
                }
                // The exponential histogram of the same samples has them.
                MetricValue::Buckets(_) => {}
            }
        }
        let delta = AggregationTemporality::Delta as i32;
        let metric = |name: &str, data: Data| Metric {
            name: name.to_owned(),
            description: family.help.to_owned(),
            unit: unit(name).to_owned(),
            data: Some(data),
            ..Metric::default()
        };
        let sum = Sum { data_points: totals, aggregation_temporality: delta, is_monotonic: true };
        let sum = (!sum.data_points.is_empty()).then(|| metric(&family.name, Data::Sum(sum)));
        let histogram = ExponentialHistogram { data_points: samples, aggregation_temporality: delta };
        let histogram =
            (!histogram.data_points.is_empty()).then(|| metric(&family.name, Data::ExponentialHistogram(histogram)));
        let gauges = gauges.into_iter().map(|(name, data_points)| metric(&name, Data::Gauge(Gauge { data_points })));
        sum.into_iter().chain(histogram).chain(gauges).collect()
    }

    /// The growth of a total; `None` if it did not grow.
    fn total(
        &mut self,
        family: &Family<'_>,
        series: &Series<'_>,
        total: f64,
        span: ExportInterval,
    ) -> Option<NumberDataPoint> {
        let sent = self.sent.entry(key(family, series)).or_insert(Sent::Total(0.0));
        let Sent::Total(before) = sent else { return None };
        let more = total - *before;
        (more > 0.0).then(|| {
            *before = total;
            number(&family.name, attributes(&series.labels), more, span)
        })
    }

    /// The samples that came since the last export; `None` if none did.
    fn samples(
        &mut self,
        family: &Family<'_>,
        series: &Series<'_>,
        samples: &SparseHistogram,
        span: ExportInterval,
    ) -> Option<ExponentialHistogramDataPoint> {
        let nothing = Sent::Samples(SparseHistogram::default());
        let Sent::Samples(before) = self.sent.entry(key(family, series)).or_insert(nothing) else {
            return None;
        };
        let grown = samples.since(before);
        let mut more: BTreeMap<i32, u64> = BTreeMap::new();
        grown.recorded().for_each(|(us, count)| *more.entry(bucket(us)).or_default() += count);
        let (offset, last) = (*more.first_key_value()?.0, *more.last_key_value()?.0);
        let point = ExponentialHistogramDataPoint {
            attributes: attributes(&series.labels),
            start_time_unix_nano: span.from_ns,
            time_unix_nano: span.until_ns,
            count: grown.count(),
            sum: Some(grown.sum_us() as f64 / 1e6),
            scale: SCALE,
            positive: Some(Buckets {
                offset,
                bucket_counts: (offset..=last).map(|bucket| more.get(&bucket).copied().unwrap_or(0)).collect(),
            }),
            ..ExponentialHistogramDataPoint::default()
        };
        before.clone_from(samples);
        Some(point)
    }
}

#[derive(Clone, Copy)]
struct ExportInterval {
    from_ns: u64,
    until_ns: u64,
}

fn key(family: &Family<'_>, series: &Series<'_>) -> String {
    let labels = series.labels.iter().map(|(name, text)| format!("{name}={text:?}"));
    [family.name.to_string()].into_iter().chain(labels).collect::<Vec<_>>().join(",")
}

fn number(name: &str, attributes: Vec<KeyValue>, value: f64, span: ExportInterval) -> NumberDataPoint {
    // A series keeps its type: only times and shares have fractions.
    let is_whole = !matches!(unit(name), "s" | "1") && value.fract() == 0.0 && !name.starts_with("meshload_gate_");
    let value = if is_whole {
        number_data_point::Value::AsInt(value as i64)
    } else {
        number_data_point::Value::AsDouble(value)
    };
    NumberDataPoint {
        attributes,
        start_time_unix_nano: span.from_ns,
        time_unix_nano: span.until_ns,
        value: Some(value),
        ..NumberDataPoint::default()
    }
}

/// The unit of a metric in UCUM, by the end of its name.
fn unit(name: &str) -> &'static str {
    let ends = |end: &str| name.ends_with(end);
    match () {
        () if ends("_seconds") => "s",
        () if ends("_ratio") => "1",
        () if ends("_bytes") || ends("_bytes_max") || ends("_bytes_per_edge") => "By",
        () => "",
    }
}

/// The bucket of a latency in seconds: base^i < latency <= base^(i + 1), of base 2^(2^-SCALE).
fn bucket(us: u64) -> i32 {
    ((us as f64 / 1e6).log2() * f64::from(1 << SCALE)).ceil() as i32 - 1
}

fn attributes(labels: &[(Cow<'static, str>, String)]) -> Vec<KeyValue> {
    labels.iter().map(|(name, text)| attribute(name, text)).collect()
}

fn attribute(key: &str, text: &str) -> KeyValue {
    let value = Some(AnyValue { value: Some(any_value::Value::StringValue(text.to_owned())) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

fn resource(snapshot: &MetricsSnapshot, attributes: &BTreeMap<String, String>) -> Vec<KeyValue> {
    let summary = &snapshot.summary;
    let run = &summary.run;
    let seed = run.seed.to_string();
    let slot = snapshot.scope.slot().map(|slot| slot.to_string());
    // The shares of a run are instances of their own.
    let instance = slot.as_ref().map_or_else(|| run.id.clone(), |slot| format!("{}-{slot}", run.id));
    let own = [
        ("service.name", "meshload"),
        ("service.version", &summary.meshload.version),
        ("service.instance.id", &instance),
        ("meshload.run", &run.id),
        ("meshload.profile", &run.name),
        ("meshload.target", &run.target),
        ("meshload.dialect", &run.dialect),
        ("meshload.engine", &run.engine),
        ("meshload.seed", &seed),
    ];
    let own = own.into_iter().chain(slot.iter().map(|slot| ("meshload.slot", slot.as_str())));
    let own = own.map(|(key, text)| (key.to_owned(), text.to_owned()));
    let tags = summary.tags.iter().map(|(key, text)| (format!("meshload.tag.{key}"), text.clone()));
    let mut all: BTreeMap<String, String> = own.chain(tags).collect();
    all.extend(attributes.clone());
    all.iter().map(|(key, text)| attribute(key, text)).collect()
}

fn unix_ns(time: SystemTime) -> u64 {
    time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::SnapshotScope;
    use crate::report::tests::sample::run;
    use crate::summary::{Histogram, TimerSamples};
    use rand::{Rng, RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;
    use std::time::Duration;

    /// The totals and sample counts of some exports added up, by name and attributes.
    fn added_up(exports: &[Vec<u8>]) -> BTreeMap<String, u64> {
        let mut sums: BTreeMap<String, u64> = BTreeMap::new();
        for body in exports {
            let request = ExportMetricsServiceRequest::decode(body.as_slice()).unwrap();
            let metrics = request.resource_metrics.iter().flat_map(|of| &of.scope_metrics).flat_map(|of| &of.metrics);
            for metric in metrics {
                let mut add = |attributes: &[KeyValue], more: u64| {
                    let words = attributes.iter().map(|pair| format!("{:?}", pair.value));
                    *sums.entry(format!("{}{}", metric.name, words.collect::<String>())).or_default() += more;
                };
                match metric.data.as_ref().unwrap() {
                    Data::Sum(sum) => sum.data_points.iter().for_each(|point| match point.value {
                        Some(number_data_point::Value::AsInt(more)) => add(&point.attributes, more as u64),
                        _ => assert_eq!(metric.unit, "s", "{}", metric.name),
                    }),
                    Data::ExponentialHistogram(histogram) => histogram.data_points.iter().for_each(|point| {
                        let counts = &point.positive.as_ref().unwrap().bucket_counts;
                        assert_eq!(counts.iter().sum::<u64>(), point.count, "{}", metric.name);
                        add(&point.attributes, point.count);
                    }),
                    _ => {}
                }
            }
        }
        sums
    }

    #[test]
    fn the_deltas_of_any_course_add_up_to_its_end() {
        for seed in 0..40 {
            let mut random = ChaCha8Rng::seed_from_u64(seed);
            let mut dense = Histogram::default();
            let mut snapshot = MetricsSnapshot::of(run());
            snapshot.summary.counts = Default::default();
            let (mut state, mut exports) = (OtlpDeltas::default(), vec![]);
            for second in 0..20_u64 {
                for _ in 0..random.random_range(0..50) {
                    dense.record_us(u64::from(random.next_u32() % 20_000_000));
                }
                snapshot.summary.counts.edges.opened += random.random_range(0..9);
                let due = SparseHistogram::of(&dense);
                snapshot.samples.timers.insert("ice".to_owned(), TimerSamples { due, ..TimerSamples::default() });
                let now = SystemTime::UNIX_EPOCH + Duration::from_secs(2_000_000_000 + second);
                let (body, next) = state.export(&snapshot, &BTreeMap::new(), now);
                // An export that fails is part of the next one.
                if second == 19 || random.random_bool(0.7) {
                    (state, exports) = (next, [exports, vec![body]].concat());
                }
            }
            let whole = OtlpDeltas::default().export(&snapshot, &BTreeMap::new(), SystemTime::UNIX_EPOCH).0;
            assert_eq!(added_up(&exports), added_up(&[whole]), "seed {seed}");
            assert!(dense.count() > 0);
        }
    }

    #[test]
    fn another_run_begins_anew() {
        let (one, mut other) = (MetricsSnapshot::of(run()), MetricsSnapshot::of(run()));
        other.summary.run.id = "m2".to_owned();
        let (first, state) = OtlpDeltas::default().export(&one, &BTreeMap::new(), SystemTime::now());
        let again = state.export(&one, &BTreeMap::new(), SystemTime::now()).0;
        let anew = state.export(&other, &BTreeMap::new(), SystemTime::now()).0;
        assert!(added_up(&[again]).is_empty());
        assert_eq!(added_up(&[anew]), added_up(&[first]));
    }

    #[test]
    fn a_sample_lies_in_its_bucket() {
        for us in (0..30).flat_map(|power| [1, 3].map(|odd| odd << power)) {
            let upper = |bucket: i32| (f64::from(bucket + 1) / 32.0).exp2() * 1e6;
            let (at, us) = (bucket(us), us as f64);
            assert!(upper(at - 1) < us * 1.000_001 && us <= upper(at) * 1.000_001, "{us}");
        }
    }

    #[test]
    fn the_resource_has_the_run_and_its_tags_and_the_users_own_words_win() {
        let mut summary = run();
        summary.tags = [("env".to_owned(), "ci".to_owned())].into();
        let snapshot = MetricsSnapshot { scope: SnapshotScope::Slot(2), ..MetricsSnapshot::of(summary) };
        let own = [("service.name".to_owned(), "shop".to_owned())].into();
        let words: Vec<_> = resource(&snapshot, &own).into_iter().map(|pair| (pair.key, pair.value.unwrap())).collect();
        let text = |key: &str| {
            let found = words.iter().find(|(known, _)| known == key).and_then(|(_, value)| value.value.clone());
            match found {
                Some(any_value::Value::StringValue(text)) => text,
                _ => String::new(),
            }
        };
        let keys = ["service.name", "meshload.tag.env", "meshload.run", "meshload.slot", "service.instance.id"];
        assert_eq!(keys.map(text), ["shop", "ci", "m3f9c", "2", "m3f9c-2"]);
    }
}
