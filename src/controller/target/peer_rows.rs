//! The rows of `--data`: values of each peer's own, by column.

use crate::profile::Secret;
use serde_json::{Map, Value};

/// Rows for peers, by their index; an index beyond the last wraps around.
#[derive(Clone, Debug, Default)]
pub struct PeerRows {
    pub columns: Vec<String>,
    /// As many values each as there are columns.
    pub rows: Vec<Vec<Secret>>,
}

impl PeerRows {
    /// The values of a peer's row; empty without rows.
    fn row(&self, peer_index: u32) -> &[Secret] {
        let at = (peer_index as usize).checked_rem(self.rows.len());
        at.and_then(|at| self.rows.get(at)).map_or(&[], Vec::as_slice)
    }

    /// The row as an object; null without rows.
    pub fn value(&self, peer_index: u32) -> Value {
        let values = self.row(peer_index).iter().map(|value| Value::from(value.reveal()));
        let entries: Map<String, Value> = self.columns.iter().cloned().zip(values).collect();
        if entries.is_empty() { Value::Null } else { Value::Object(entries) }
    }

    /// Replaces `{data.column}` in a text by the peer's values, encoded by `encode`.
    pub fn fill(&self, text: &str, peer_index: u32, encode: &dyn Fn(&str) -> String) -> String {
        let values = self.columns.iter().zip(self.row(peer_index));
        values.fold(text.to_owned(), |text, (column, value)| {
            text.replace(&format!("{{data.{column}}}"), &encode(value.reveal()))
        })
    }

    /// Every value, each a secret.
    pub fn values(&self) -> impl Iterator<Item = &Secret> {
        self.rows.iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_row_goes_by_the_index_of_its_peer_and_begins_again() {
        let row = |user: &str, key: &str| vec![Secret::new(user), Secret::new(key)];
        let columns = ["user", "key"].map(str::to_owned).to_vec();
        let rows = PeerRows { columns, rows: vec![row("ann", "a/b"), row("bob", "c")] };
        let encode = |value: &str| value.replace('/', "%2F");
        assert_eq!(rows.fill("/{data.user}?k={data.key}", 0, &encode), "/ann?k=a%2Fb");
        assert_eq!(rows.value(3), json!({ "user": "bob", "key": "c" }));
        assert_eq!(
            (PeerRows::default().value(0), PeerRows::default().fill("{data.x}", 0, &encode)),
            (Value::Null, "{data.x}".to_owned())
        );
    }
}
