//! The one parser of shares, for profiles, gates, faults and options.

use crate::vocabulary::problem::quoted;

/// Parses a share into a fraction: `5%`, or a bare `0.05`, from 0 to `most`. A bare number of 1 or more might mean
/// either, and is refused.
///
/// # Errors
/// One sentence without a subject.
pub fn share(written: &str, most: f64) -> Result<f64, String> {
    let text = written.trim();
    let (number, is_percent) = text.strip_suffix('%').map_or((text, false), |number| (number.trim_end(), true));
    let is_number = number.starts_with(|letter: char| letter.is_ascii_digit())
        && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value = number.parse::<f64>().ok().filter(|value| is_number && value.is_finite());
    match value {
        None => Err(format!("{} is no share; write 5%", quoted(written))),
        Some(bare) if !is_percent && bare >= 1.0 => Err(format!("{number} of what? write {number}%")),
        Some(value) => {
            let fraction = if is_percent { value / 100.0 } else { value };
            let range = || format!("{} is not between 0% and {:.0}%", quoted(written), most * 100.0);
            if fraction <= most { Ok(fraction) } else { Err(range()) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_a_percentage_or_a_fraction_below_one() {
        let check = |written: &str, expected: Result<f64, &str>| {
            assert_eq!(share(written, 1.0), expected.map_err(str::to_owned), "{written}");
        };
        check("5%", Ok(0.05));
        check(" 12.5 % ", Ok(0.125));
        check("0.05", Ok(0.05));
        check("0", Ok(0.0));
        check("100%", Ok(1.0));
        check("5", Err("5 of what? write 5%"));
        check("1", Err("1 of what? write 1%"));
        check("100.1%", Err("\"100.1%\" is not between 0% and 100%"));
        for none in ["", "%", "-5%", "NaN", "inf%", "1e2%", "+1%", "5 percent", "."] {
            check(none, Err(format!("{} is no share; write 5%", quoted(none)).as_str()));
        }
        assert_eq!(share("1000%", 10.0), Ok(10.0));
    }
}
