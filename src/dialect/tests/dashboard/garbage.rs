//! A conversation survives any frame, and understands the frames of other peers.

use super::*;
use crate::vocabulary::Candidate;
use proptest::prelude::*;

/// Valid frames, to be broken.
fn valid() -> Vec<String> {
    let mut frames = vec![user_joined("a", r#"{"id":"b","name":"Bea"}"#), participant_joined("a"), peer_ready("c")];
    frames.extend([list(&["a", "b", "c"]), list(&[])]);
    for signal in [Signal::Offer { sdp: "v=0".into() }, Signal::Answer { sdp: "v=0".into() }] {
        frames.extend(own_values(Fixture::entered(|me| me.id = "c".into()).tell(say("b", signal))));
    }
    frames
}

fn say(to: &str, signal: Signal) -> Input<'static> {
    Input::Say(Say::Signal { to: to.to_owned(), signal })
}

fn own_values(outputs: Vec<Output>) -> impl Iterator<Item = String> {
    outputs.into_iter().filter_map(|output| match output {
        Output::Send { text, .. } => Some(text),
        _ => None,
    })
}

fn signals() -> impl Strategy<Value = Signal> {
    let text = || "\\PC{0,80}|v=0\r\na=mid:0\r\n\"\\\\";
    let candidate = (".{1,80}", proptest::option::of(text()), any::<Option<u16>>(), proptest::option::of(text()))
        .prop_map(|(candidate, mid, line, ufrag)| Signal::Candidate(Candidate { candidate, mid, line, ufrag }));
    let sdp = || "\\PC{1,80}|v=0\r\na=mid:0\r\n\"\\\\";
    prop_oneof![sdp().prop_map(|sdp| Signal::Offer { sdp }), sdp().prop_map(|sdp| Signal::Answer { sdp }), candidate]
}

/// Handles the frame, which must be recorded exactly once, before its other outputs.
fn survive(frame: &str) -> Result<(), TestCaseError> {
    let outputs = Fixture::entered(|_| {}).tell(Input::Frame(frame));
    let booked = outputs.iter().filter(|output| matches!(output, Output::Frame { .. })).count();
    prop_assert!(booked == 1 && matches!(outputs[0], Output::Frame { .. }), "{:?}", outputs);
    Ok(())
}

proptest! {
    #[test]
    fn any_text_at_all_is_booked_once_and_harms_nobody(text in "\\PC*|[{}\\[\\]\":,a-z0-9 \\\\]*") {
        survive(&text)?;
    }

    #[test]
    fn a_valid_frame_with_a_piece_changed_is_booked_once_and_harms_nobody(
        which in any::<prop::sample::Index>(),
        at in any::<prop::sample::Index>(),
        length in 0..40_usize,
        piece in "\\PC{0,8}|\"|null|\\{|\\}|:|,|\\[\\]|9999999999999999999999",
    ) {
        let frames = valid();
        let mut letters: Vec<char> = which.get(&frames).chars().collect();
        let start = at.index(letters.len());
        let end = (start + length).min(letters.len());
        letters.splice(start..end, piece.chars());
        survive(&letters.into_iter().collect::<String>())?;
    }

    #[test]
    fn a_signal_said_is_the_signal_heard(signal in signals()) {
        let said = Fixture::entered(|me| me.id = "a".into()).tell(say("b", signal.clone()));
        let text = own_values(said).next().unwrap();
        let heard = Fixture::entered(|_| {}).tell(Input::Frame(&text));
        let expected = Heard::Signal { from: "a".into(), signal, polite: false };
        prop_assert_eq!(heard.last(), Some(&Output::Heard(expected)));
    }
}
