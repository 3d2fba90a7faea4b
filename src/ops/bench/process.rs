//! What the kernel says of a process: memory and processor time, from /proc. Elsewhere than on Linux there is nothing to
//! say, and the figures are left out.

/// The unit of times in /proc, which Linux has fixed for programs whatever its own clock does.
const USER_HZ: f64 = 100.0;

/// Bytes that are resident.
#[must_use]
pub(super) fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|l| l.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}

/// Seconds of processor time this process has used, all threads.
#[must_use]
pub(super) fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The name may hold spaces; the fields begin behind its closing parenthesis, with the state.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / USER_HZ)
}

/// Lets this process open as many files as the system allows it. Gives how many that is.
#[must_use]
pub(super) fn raise_open_files() -> u64 {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let now = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: now.maximum,
        maximum: now.maximum,
    };
    match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => now.maximum,
        Err(_) => now.current,
    }
    .unwrap_or(u64::MAX)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_has_memory_and_has_used_time() {
        assert!(resident().unwrap() > 1 << 20);
        assert!(cpu_seconds().unwrap() >= 0.0);
        assert!(raise_open_files() >= 256);
    }
}
