//! Does somebody work, and does everybody who says so still live?

use std::collections::BTreeSet;

use serde_json::json;

use super::model::Finding;

/// A heartbeat this old is of a process that is dead or cut off.
const SILENT: f64 = 20.0;

/// A process, as it has entered itself.
#[derive(Debug, Clone)]
pub(super) struct Worker {
    pub(super) host: String,
    pub(super) pid: i32,
    pub(super) version: String,
    pub(super) works: bool,
    pub(super) silent_seconds: f64,
}

pub(super) fn judge(workers: &[Worker]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let (alive, silent): (Vec<_>, Vec<_>) = workers
        .iter()
        .partition(|worker| worker.silent_seconds < SILENT);
    if !alive.iter().any(|worker| worker.works) {
        findings.push(
            Finding::error(
                "workers_none",
                "no worker runs: events are stored, and nobody is told of them",
            )
            .evidence(json!({"alive": alive.len(), "silent": silent.len()}))
            .cure("systemctl start neurolink")
            .cure("neurolink serve     # or neurolink worker"),
        );
    }
    for worker in silent {
        findings.push(
            Finding::warning(
                "worker_silent",
                format!(
                    "{} (pid {}) was last heard of {} s ago: it is dead or cut off, and others take over its work",
                    worker.host,
                    worker.pid,
                    worker.silent_seconds.round()
                ),
            )
            .evidence(json!({"host": worker.host, "pid": worker.pid, "silent_seconds": worker.silent_seconds.round()}))
            .cure("# on that machine: systemctl status neurolink; journalctl -u neurolink -e")
            .cure("# its row goes by itself once another worker has taken over"),
        );
    }
    let versions: BTreeSet<&str> = alive.iter().map(|worker| worker.version.as_str()).collect();
    if versions.len() > 1 {
        findings.push(
            Finding::note(
                "versions_differ",
                "nodes of several versions run side by side, as during an upgrade",
            )
            .evidence(json!({"versions": versions}))
            .cure("select host, pid, version, started_at from neurolink_workers order by version;"),
        );
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn worker(works: bool, silent_seconds: f64, version: &str) -> Worker {
        Worker {
            host: "erp-1".to_owned(),
            pid: 17,
            version: version.to_owned(),
            works,
            silent_seconds,
        }
    }

    #[test]
    fn somebody_who_works_must_be_alive_and_the_silent_are_named() {
        let codes = |workers: &[Worker]| -> Vec<&str> {
            judge(workers).iter().map(|finding| finding.code).collect()
        };
        assert!(codes(&[worker(true, 0.5, "1.0.0")]).is_empty());
        assert_eq!(codes(&[]), ["workers_none"]);
        assert_eq!(codes(&[worker(false, 0.5, "1.0.0")]), ["workers_none"]);
        assert_eq!(
            codes(&[worker(true, 99.0, "1.0.0"), worker(true, 1.0, "1.0.0")]),
            ["worker_silent"]
        );
        assert_eq!(
            codes(&[worker(true, 1.0, "1.1.0"), worker(true, 1.0, "1.0.0")]),
            ["versions_differ"]
        );
    }
}
