//! `Family`: all series of one metric, whatever the format that they leave in.

use crate::summary::SparseHistogram;
use std::borrow::Cow;

/// The series of one name. Units are seconds, bytes or plain numbers, as the name's end says.
#[derive(Clone, Debug)]
pub(in crate::report) struct Family<'a> {
    pub name: Cow<'static, str>,
    /// One line without a backslash.
    pub help: &'static str,
    pub series: Vec<Series<'a>>,
}

#[derive(Clone, Debug)]
pub(in crate::report) struct Series<'a> {
    pub labels: Vec<(Cow<'static, str>, String)>,
    pub value: MetricValue<'a>,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::report) enum MetricValue<'a> {
    /// The state at one moment.
    Gauge(f64),
    /// A total that only grows while the run goes on.
    Total(f64),
    /// The samples of a timer, of which a program wants percentiles.
    Samples(&'a SparseHistogram),
    /// The same samples, of which a program wants counts by latency.
    Buckets(&'a SparseHistogram),
}

impl<'a> Family<'a> {
    pub(crate) fn new(name: impl Into<Cow<'static, str>>, help: &'static str) -> Self {
        Self { name: name.into(), help, series: vec![] }
    }

    /// The family of one series without labels; of none for an absent value.
    pub(crate) fn single(
        name: impl Into<Cow<'static, str>>,
        help: &'static str,
        value: Option<MetricValue<'a>>,
    ) -> Self {
        let mut family = Self::new(name, help);
        value.into_iter().for_each(|value| family.add(&[], value));
        family
    }

    pub(crate) fn add(&mut self, labels: &[(&'static str, &str)], value: MetricValue<'a>) {
        let labels = labels.iter().map(|(name, text)| (Cow::Borrowed(*name), (*text).to_owned())).collect();
        self.series.push(Series { labels, value });
    }

    /// The family with a series for each of `series`.
    pub(crate) fn with<'l>(
        mut self,
        series: impl IntoIterator<Item = (Vec<(&'static str, &'l str)>, MetricValue<'a>)>,
    ) -> Self {
        series.into_iter().for_each(|(labels, value)| self.add(&labels, value));
        self
    }
}
