//! Figures from repeated measurements.

use std::{error::Error, fs};

/// Whatever keeps a measurement from being made.
pub type Failure = Box<dyn Error + Send + Sync>;

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

/// The most memory that this process ever had, in kB.
///
/// # Errors
/// Where the system does not tell it as Linux does.
pub fn memory() -> Result<u64, Failure> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("no VmHWM")?;
    Ok(line.trim().trim_end_matches(" kB").parse()?)
}
