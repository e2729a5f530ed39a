//! Documents as JUnit XML, in the strictest schema (Ant's): a test case for each check, the terminal's report as output.
//!
//! quick-junit 0.6 is not used: it gives `testsuites` a name and totals, and `testsuite` a `disabled`, none of which the
//! schema allows.

use super::text::TextOptions;
use crate::report::document::{Block, Document, StyledText, TestCase, TestOutcome};
use crate::report::escape::xml;
use jiff::civil::DateTime;

impl Document {
    /// A suite of one case for each check.
    pub fn junit(&self) -> String {
        let name = xml(&format!("meshload.{}", self.name));
        let count = |is: fn(&TestOutcome) -> bool| self.checks.iter().filter(|check| is(&check.outcome)).count();
        let failures = count(|outcome| matches!(outcome, TestOutcome::Failed { .. }));
        let skipped = count(|outcome| matches!(outcome, TestOutcome::Skipped(_)));
        let cases: String = self.checks.iter().map(|check| case(&name, check)).collect();
        format!(
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n  <testsuite id=\"0\" package=\"meshload\" \
             name=\"{name}\" tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"{:.3}\" \
             timestamp=\"{}\" hostname=\"localhost\">\n    <properties>\n{}    </properties>\n{cases}    \
             <system-out>{}</system-out>\n    <system-err/>\n  </testsuite>\n</testsuites>\n",
            self.checks.len(),
            self.duration_us as f64 / 1e6,
            to_the_second(&self.started_at),
            self.properties(),
            self.text(TextOptions::default()).lines().map(|line| xml(line) + "\n").collect::<String>(),
        )
    }

    /// The facts, and the verdicts, for a reader who has only this file.
    fn properties(&self) -> String {
        let line =
            |name: &str, value: &str| format!("      <property name=\"{}\" value=\"{}\"/>\n", xml(name), xml(value));
        let own = self.known_facts().map(|(name, value)| line(name, &value.text));
        let verdicts = self.cards.iter().map(|card| {
            let name = if card.label.is_empty() { "result" } else { card.label };
            line(name, &card.verdict)
        });
        let mut others = vec![];
        self.blocks.iter().for_each(|block| facts(block, &mut others));
        let others = others.into_iter().map(|(name, value)| line(&name.text, &value.text));
        own.chain(verdicts).chain(others).collect()
    }
}

/// All facts in a block.
fn facts<'a>(block: &'a Block, found: &mut Vec<&'a (StyledText, StyledText)>) {
    if let Block::Facts(facts) = block {
        found.extend(facts);
    }
    block.inner().iter().for_each(|block| facts(block, found));
}

fn case(classname: &str, check: &TestCase) -> String {
    let open = format!("    <testcase classname=\"{classname}\" name=\"{}\" time=\"0\"", xml(&check.name));
    match &check.outcome {
        TestOutcome::Passed => format!("{open}/>\n"),
        TestOutcome::Failed { kind, message } => {
            format!("{open}>\n      <failure type=\"{kind}\" message=\"{}\"/>\n    </testcase>\n", xml(message))
        }
        TestOutcome::Skipped(why) => {
            format!("{open}>\n      <skipped message=\"{}\"/>\n    </testcase>\n", xml(why))
        }
    }
}

/// The time without fraction and zone, as the schema demands; 1970-01-01 for a text that is no time.
fn to_the_second(stamp: &str) -> String {
    let time = stamp.get(..19).and_then(|time| time.parse::<DateTime>().ok()).filter(|time| time.year() > 0);
    let time = time.unwrap_or(jiff::civil::datetime(1970, 1, 1, 0, 0, 0, 0));
    time.strftime("%Y-%m-%dT%H:%M:%S").to_string()
}
