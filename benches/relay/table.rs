//! Medians, and tables of them.

use std::io::Write;

/// Prints, at once.
pub(crate) fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    // Ignored on purpose: who has stopped reading has seen enough.
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

/// The middle one; NaN of none.
pub(crate) fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// `median (min..max)`.
pub(crate) fn spread(values: &[f64]) -> String {
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!("{:.2} ({least:.2}..{most:.2})", median(values))
}

/// The median of ratios of each round.
pub(crate) fn paired(values: &[f64], base: &[f64]) -> String {
    let ratios: Vec<f64> = values
        .iter()
        .zip(base)
        .map(|(value, base)| value / base)
        .collect();
    format!("{:.2}", median(&ratios))
}

/// A table's row.
pub(crate) fn row(cells: &[String]) -> String {
    format!("| {} |", cells.join(" | "))
}

/// A table's head.
pub(crate) fn head(cells: &[&str]) -> String {
    format!("| {} |\n|{}", cells.join(" | "), "---|".repeat(cells.len()))
}
