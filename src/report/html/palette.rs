//! The colours of the charts, each with a variant for dark screens, and the dash patterns.

use maud::{Markup, html};
use std::fmt::Write;

/// The meaning of a colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ChartColour {
    /// Times counted from due; also the base of a comparison.
    Due,
    /// Times counted from began; also the new side of a comparison.
    Began,
    Joined,
    Opened,
    Failed,
    Sent,
    Received,
    Median,
    Tail,
    Connect,
    Join,
    Discovery,
    Negotiation,
    Ice,
    Dtls,
    Channel,
    OwnWork,
    /// A forecast beyond the measured range.
    Extrapolated,
    Grid,
    Label,
}

type Rgb = (u8, u8, u8);

impl ChartColour {
    pub(crate) const ALL: [Self; 20] = [
        Self::Due,
        Self::Began,
        Self::Joined,
        Self::Opened,
        Self::Failed,
        Self::Sent,
        Self::Received,
        Self::Median,
        Self::Tail,
        Self::Connect,
        Self::Join,
        Self::Discovery,
        Self::Negotiation,
        Self::Ice,
        Self::Dtls,
        Self::Channel,
        Self::OwnWork,
        Self::Extrapolated,
        Self::Grid,
        Self::Label,
    ];

    /// The colour on paper and on light screens; each is used once, so that a style rule can replace it.
    pub(crate) fn light(self) -> Rgb {
        self.light_and_dark().0
    }

    /// The colour of a phase, by its name.
    pub(crate) fn of_phase(phase: &str) -> Self {
        match phase {
            "connect" => Self::Connect,
            "join" => Self::Join,
            "discovery" => Self::Discovery,
            "negotiation" => Self::Negotiation,
            "ice" => Self::Ice,
            "dtls" => Self::Dtls,
            "channel" => Self::Channel,
            _ => Self::OwnWork,
        }
    }

    fn light_and_dark(self) -> (Rgb, Rgb) {
        match self {
            Self::Due => ((0x1F, 0x5F, 0xC8), (0x7C, 0xAE, 0xFF)),
            Self::Began => ((0x0B, 0x7F, 0x77), (0x4F, 0xD1, 0xC5)),
            Self::Joined => ((0x6D, 0x4F, 0xC4), (0xB0, 0x9C, 0xF2)),
            Self::Opened => ((0x1B, 0x7F, 0x4B), (0x5F, 0xD3, 0x94)),
            Self::Failed => ((0xC0, 0x26, 0x36), (0xFF, 0x7B, 0x86)),
            Self::Sent => ((0x8C, 0x95, 0xA1), (0x84, 0x8D, 0x99)),
            Self::Received => ((0x1E, 0x60, 0xC9), (0x7B, 0xAD, 0xFE)),
            Self::Median => ((0x12, 0x2B, 0x5C), (0xEA, 0xF1, 0xFF)),
            Self::Tail => ((0x9A, 0x2B, 0xA6), (0xE5, 0x9C, 0xF0)),
            Self::Connect => ((0x17, 0x3F, 0x8A), (0x4C, 0x7B, 0xD9)),
            Self::Join => ((0x2B, 0x63, 0xC6), (0x6B, 0x9A, 0xEF)),
            Self::Discovery => ((0x5A, 0x8F, 0xE6), (0x93, 0xB8, 0xF7)),
            Self::Negotiation => ((0x98, 0xBC, 0xF5), (0xBF, 0xD6, 0xFC)),
            Self::Ice => ((0xA6, 0x4B, 0x08), (0xD9, 0x7A, 0x24)),
            Self::Dtls => ((0xDB, 0x82, 0x18), (0xF0, 0xA2, 0x4A)),
            Self::Channel => ((0xF2, 0xB4, 0x60), (0xFA, 0xCB, 0x8D)),
            Self::OwnWork => ((0x9A, 0xA1, 0xAB), (0x7C, 0x85, 0x91)),
            Self::Extrapolated => ((0x6B, 0x74, 0x80), (0xA9, 0xB2, 0xBD)),
            Self::Grid => ((0xE1, 0xE5, 0xEA), (0x2C, 0x33, 0x3D)),
            Self::Label => ((0x56, 0x5F, 0x6B), (0xA3, 0xAD, 0xBA)),
        }
    }

    /// The CSS class of its samples in legends and tables.
    pub(crate) fn name(self) -> String {
        format!("{self:?}").to_lowercase()
    }
}

/// A legend: a sample of each colour beside its meaning.
pub(crate) fn legend(entries: &[(ChartColour, &str)]) -> Markup {
    html! {
        ul.legend {
            @for (role, meaning) in entries {
                li { span class={ "key " (role.name()) } aria-hidden="true" {} (meaning) }
            }
        }
    }
}

/// The style rules that replace every colour on dark screens. The charting library writes colours as attributes,
/// which a style rule overrides.
pub(super) fn style() -> String {
    let mut css = String::new();
    let mut dark = String::new();
    for role in ChartColour::ALL {
        let (on_light, on_dark) = (hex(role.light()), hex(role.light_and_dark().1));
        let name = role.name();
        let _ = writeln!(css, ".key.{name}{{color:{on_light}}}");
        let _ = writeln!(dark, ".key.{name}{{color:{on_dark}}}");
        let _ = writeln!(dark, "svg [fill=\"{on_light}\"]{{fill:{on_dark}}}");
        let _ = writeln!(dark, "svg [stroke=\"{on_light}\"]{{stroke:{on_dark}}}");
    }
    for (dashed, pattern) in [
        (ChartColour::Began, "10 7"),
        (ChartColour::Tail, "4 5"),
        (ChartColour::Joined, "14 5 3 5"),
        (ChartColour::Extrapolated, "12 8"),
    ] {
        let _ = writeln!(css, "svg [stroke=\"{}\"]{{stroke-dasharray:{pattern}}}", hex(dashed.light()));
    }
    // `screen`: a printed page stays light.
    let _ = writeln!(css, "@media screen and (prefers-color-scheme:dark){{\n{dark}}}");
    css
}

/// A colour in the charting library's notation: capital hex digits.
fn hex((red, green, blue): Rgb) -> String {
    format!("#{red:02X}{green:02X}{blue:02X}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_roles_share_a_colour_so_each_can_have_its_own_dark_variant() {
        let colours: BTreeSet<Rgb> = ChartColour::ALL.into_iter().map(ChartColour::light).collect();
        assert_eq!(colours.len(), ChartColour::ALL.len());
    }

    #[test]
    fn every_phase_of_an_edge_has_a_colour() {
        let phases = ["connect", "join", "discovery", "negotiation", "ice", "dtls", "channel"];
        assert!(phases.into_iter().all(|phase| ChartColour::of_phase(phase) != ChartColour::OwnWork));
    }
}
