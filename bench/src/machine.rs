//! What the system says about processes and cores. Linux only: it is read from `/proc`.

use std::path::Path;
use std::process::{Child, Command};
use std::sync::OnceLock;
use std::time::Duration;

use core_affinity::{CoreId, set_for_current};

use crate::BenchError;

/// Which core works for whom.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cores {
    /// The server's.
    pub(crate) server: usize,
    /// The load's.
    pub(crate) load: usize,
}

/// Binds the thread that asks, and whatever it starts from now on, to one core.
pub(crate) fn pin(core: usize) -> Result<(), BenchError> {
    if set_for_current(CoreId { id: core }) {
        Ok(())
    } else {
        Err(BenchError::NoCore(core))
    }
}

/// Runs this on a thread of its own that is bound to a core: what it starts is bound to it as well.
pub(crate) fn on_core<T: Send>(
    core: usize,
    work: impl FnOnce() -> Result<T, BenchError> + Send,
) -> Result<T, BenchError> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            pin(core)?;
            work()
        });
        thread.join().unwrap_or_else(|_panic| {
            Err(BenchError::Unexpected(
                "a thread of the load ended early".to_owned(),
            ))
        })
    })
}

/// A process that is watched.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Process(u32);

impl Process {
    pub(crate) fn of(child: &Child) -> Self {
        Self(child.id())
    }

    /// The process that asks.
    pub(crate) fn own() -> Self {
        Self(std::process::id())
    }

    /// How much time on a core it has taken since it began, its threads and the system's work for it included.
    pub(crate) fn cpu(self) -> Result<Duration, BenchError> {
        let stat = self.read("stat")?;
        let ticks = cpu_ticks(&stat).ok_or_else(|| self.strange("stat"))?;
        let millis = ticks.saturating_mul(1_000) / ticks_per_second();
        Ok(Duration::from_millis(millis))
    }

    /// The most memory it has held since [`Self::forget_peak`], in KiB.
    pub(crate) fn peak(self) -> Result<u64, BenchError> {
        let status = self.read("status")?;
        kibibytes(&status, "VmHWM:").ok_or_else(|| self.strange("status"))
    }

    /// The memory it holds now, in KiB.
    pub(crate) fn memory(self) -> Result<u64, BenchError> {
        let status = self.read("status")?;
        kibibytes(&status, "VmRSS:").ok_or_else(|| self.strange("status"))
    }

    /// Begins a new peak with what it holds now.
    pub(crate) fn forget_peak(self) -> Result<(), BenchError> {
        let path = self.path("clear_refs");
        std::fs::write(&path, "5").map_err(|error| BenchError::File(path, error))
    }

    /// Asks it to stop.
    pub(crate) fn ask_to_stop(self) -> Result<(), BenchError> {
        let trouble = |error| BenchError::File("kill".to_owned(), error);
        let sent = Command::new("kill")
            .args(["-TERM", &self.0.to_string()])
            .status()
            .map_err(trouble)?;
        if sent.success() {
            Ok(())
        } else {
            Err(BenchError::Unexpected("the server is gone".to_owned()))
        }
    }

    fn path(self, file: &str) -> String {
        format!("/proc/{}/{file}", self.0)
    }

    fn read(self, file: &str) -> Result<String, BenchError> {
        let path = self.path(file);
        std::fs::read_to_string(&path).map_err(|error| BenchError::File(path, error))
    }

    fn strange(self, file: &str) -> BenchError {
        BenchError::Unexpected(format!("{} reads like nothing known", self.path(file)))
    }
}

/// In how many ticks the system counts a second.
fn ticks_per_second() -> u64 {
    static TICKS: OnceLock<u64> = OnceLock::new();
    *TICKS.get_or_init(|| {
        let said = Command::new("getconf").arg("CLK_TCK").output();
        let text = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
        let ticks = text.ok().and_then(|text| text.trim().parse().ok());
        ticks.filter(|ticks| *ticks > 0).unwrap_or(100)
    })
}

/// `utime` and `stime` of a line of `/proc/PID/stat`; the name before them may hold spaces and brackets.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut fields = after_name.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user.saturating_add(system))
}

fn kibibytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// The machine in a few words: its processor, cores, memory and kernel.
pub(crate) fn in_words() -> String {
    let read = |path: &str| std::fs::read_to_string(Path::new(path)).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let memory = kibibytes(&read("/proc/meminfo"), "MemTotal:").unwrap_or(0) / (1024 * 1024);
    let kernel = read("/proc/sys/kernel/osrelease");
    format!(
        "{model}, {cores} cores, {memory} GiB, Linux {}",
        kernel.trim()
    )
}

/// How busy the machine has been in the last minute, as the system says it.
pub(crate) fn load_average() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace()
        .next()
        .unwrap_or("unknown")
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_process_is_read_behind_its_name_whatever_that_is() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 100 1 1";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(cpu_ticks("nothing"), None);
    }

    #[test]
    fn memory_is_found_by_its_name() {
        let status = "Name:\tx\nVmHWM:\t  123456 kB\nVmRSS:\t  99 kB\n";
        assert_eq!(kibibytes(status, "VmHWM:"), Some(123_456));
        assert_eq!(kibibytes(status, "VmSwap:"), None);
    }

    #[test]
    fn this_process_has_memory() {
        assert!(Process::own().peak().unwrap() > 0);
        assert!(Process::own().memory().unwrap() > 0);
    }
}
