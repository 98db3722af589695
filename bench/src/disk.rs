//! How long the disk itself takes to make something durable.

use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::BenchError;

const APPENDS: usize = 200;
const BYTES: usize = 4_096;

/// The median time of `fdatasync` after appending 4 KiB to a file in `folder`.
pub(crate) fn sync_time(folder: &Path) -> Result<Duration, BenchError> {
    let trouble = |error| BenchError::File(folder.display().to_string(), error);
    let mut file = tempfile::tempfile_in(folder).map_err(trouble)?;
    let mut times = Vec::with_capacity(APPENDS);
    for _ in 0..APPENDS {
        file.write_all(&[7; BYTES]).map_err(trouble)?;
        let start = Instant::now();
        file.sync_data().map_err(trouble)?;
        times.push(start.elapsed());
    }
    Ok(percentile(&mut times, 50))
}

/// The time that `percent` of them do not exceed.
pub(crate) fn percentile(times: &mut [Duration], percent: usize) -> Duration {
    times.sort_unstable();
    let index = times.len().saturating_mul(percent) / 100;
    times
        .get(index.min(times.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_and_the_last_percentile_at_the_end() {
        let mut times: Vec<_> = (1..=100).rev().map(Duration::from_millis).collect();
        assert_eq!(percentile(&mut times, 50), Duration::from_millis(51));
        assert_eq!(percentile(&mut times, 99), Duration::from_millis(100));
        assert_eq!(percentile(&mut [], 50), Duration::ZERO);
    }
}
