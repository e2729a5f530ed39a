//! The summary itself.

use crate::summary::Summary;

pub(super) fn render(summary: &Summary) -> String {
    summary.to_json()
}
