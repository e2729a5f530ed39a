//! The language on small protocols: one check over literals.

use super::*;

#[test]
fn every_built_in_reads() {
    for built_in in builtins() {
        if let Err(problems) = read(built_in.name, built_in.text) {
            let shown: Vec<String> = problems.iter().map(ToString::to_string).collect();
            panic!("{}:\n{}", built_in.name, shown.join("\n"));
        }
        assert_eq!(built_in.dialect().name(), built_in.name);
        assert!(!built_in.dialect().sample().is_empty() && !built_in.dialect().description().is_empty());
    }
}
