//! Figures from repeated measurements.

/// The median, with the lowest and the highest, each with `decimals` digits after the point.
///
/// # Panics
/// On no values.
pub fn spread(mut values: Vec<f64>, decimals: usize) -> String {
    values.sort_by(f64::total_cmp);
    let (lowest, highest) = (values[0], values[values.len() - 1]);
    let median = values[(values.len() - 1) / 2];
    format!("{median:.decimals$} ({lowest:.decimals$} to {highest:.decimals$})")
}
