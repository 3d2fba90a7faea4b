//! Is the database server one that we can rely on: version, durability, room for connections?

use serde_json::json;

use super::model::Finding;
use crate::kernel::Error;

/// The oldest PostgreSQL that `migrate` takes, as `server_version_num`.
const OLDEST: i32 = 140_000;
/// Transactions after which PostgreSQL refuses to write are two thousand millions; autovacuum begins at two hundred.
const FROZEN_LATE: i64 = 1_000_000_000;

/// What it says of itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Server {
    pub(super) version: String,
    pub(super) version_number: i32,
    pub(super) role: String,
    pub(super) is_standby: bool,
    pub(super) fsync: bool,
    pub(super) full_page_writes: bool,
    pub(super) synchronous_commit: String,
    pub(super) autovacuum: bool,
    pub(super) encoding: String,
    pub(super) connections_most: i32,
    pub(super) connections_used: i64,
    pub(super) frozen_age: i64,
}

/// `pool`: connections that a node of these settings opens at most, besides its listener.
pub(super) fn judge(server: &Server, pool: usize) -> Vec<Finding> {
    let mut findings = Vec::new();
    if server.version_number < OLDEST {
        findings.push(
            Finding::error(
                "server_too_old",
                "this PostgreSQL is too old: 14 or newer is needed",
            )
            .evidence(json!({"version": server.version}))
            .cure("# upgrade the server: https://www.postgresql.org/docs/current/upgrading.html"),
        );
    }
    if server.is_standby {
        findings.push(
            Finding::error(
                "server_read_only",
                "the database is a standby, and takes no writes",
            )
            .evidence(json!({"version": server.version}))
            .cure("# point DATABASE_URL at the primary, or promote this one: select pg_promote();"),
        );
    }
    if !(server.fsync && server.full_page_writes) || server.synchronous_commit == "off" {
        findings.push(durability(server));
    }
    if !server.autovacuum {
        findings.push(
            Finding::error(
                "autovacuum_off",
                "autovacuum is off on this server: the queue's tables will grow and slow down without end",
            )
            .evidence(json!({"autovacuum": false}))
            .cure("alter system set autovacuum = on;")
            .cure("alter system set track_counts = on;")
            .cure("select pg_reload_conf();"),
        );
    }
    if server.encoding != "UTF8" {
        findings.push(
            Finding::error(
                "encoding_wrong",
                "the database isn't in UTF-8: texts in some languages can't be stored",
            )
            .evidence(json!({"server_encoding": server.encoding}))
            .cure("# make a database with `encoding 'UTF8' template template0`, and move to it by pg_dump"),
        );
    }
    let free = i64::from(server.connections_most) - server.connections_used;
    let wanted = i64::try_from(pool).unwrap_or(i64::MAX).saturating_add(1);
    if free < wanted {
        findings.push(
            Finding::warning(
                "connections_few",
                "the server has fewer connections left than one more node of these settings may open",
            )
            .evidence(json!({
                "most": server.connections_most, "used": server.connections_used, "free": free, "a_node_opens": wanted,
            }))
            .cure("# smaller pools: NEUROLINK_DB_POOL_SIZE; or more connections, after a restart of the server:")
            .cure(format!("alter system set max_connections = {};", server.connections_most.saturating_add(100))),
        );
    }
    if server.frozen_age > FROZEN_LATE {
        findings.push(
            Finding::error(
                "wraparound_near",
                "this database is on its way to transaction wraparound, when PostgreSQL refuses all writes",
            )
            .evidence(json!({"age": server.frozen_age, "refused_at": 2_147_483_647_i64}))
            .cure("select * from neurolink_vacuum_pins;")
            .cure("vacuum (freeze, verbose);"),
        );
    }
    findings
}

fn durability(server: &Server) -> Finding {
    let what = "the server may lose what it has acknowledged: events that were answered with 201 can be gone after a crash";
    let finding = if server.fsync && server.full_page_writes {
        Finding::warning("durability_off", what)
    } else {
        Finding::error(
            "durability_off",
            "a crash of the machine can destroy the database: fsync or full_page_writes is off",
        )
    };
    finding
        .evidence(json!({
            "fsync": server.fsync, "full_page_writes": server.full_page_writes,
            "synchronous_commit": server.synchronous_commit,
        }))
        .cure("alter system set fsync = on;")
        .cure("alter system set full_page_writes = on;")
        .cure("alter system set synchronous_commit = on;")
        .cure("select pg_reload_conf();")
}

/// The database doesn't answer, or refuses us. `is_embedded`: it is our own, which a service starts.
pub(super) fn away(error: &Error, address: &str, is_embedded: bool) -> Finding {
    let finding = Finding::error(
        "database_away",
        format!("the database can't be used: {}", error.chain()),
    )
    .evidence(json!({"database": address}));
    if is_embedded {
        finding
            .cure("neurolink serve     # which starts its own database; its log says why it can't")
    } else {
        finding
            .cure("pg_isready -d \"$DATABASE_URL\"     # where it is set in this shell; neurolink config shows what is in force")
            .cure("psql \"$DATABASE_URL\" -c 'select 1'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound() -> Server {
        Server {
            version: "17.2".to_owned(),
            version_number: 170_002,
            role: "erp".to_owned(),
            fsync: true,
            full_page_writes: true,
            synchronous_commit: "on".to_owned(),
            autovacuum: true,
            encoding: "UTF8".to_owned(),
            connections_most: 97,
            connections_used: 5,
            frozen_age: 1_000,
            ..Server::default()
        }
    }

    #[test]
    fn a_sound_server_gives_nothing_to_say_and_each_fault_its_finding() {
        assert_eq!(judge(&sound(), 10), []);
        type Spoil = fn(&mut Server);
        let faulty: [(&str, Spoil); 9] = [
            ("server_too_old", |s| s.version_number = 130_010),
            ("server_read_only", |s| s.is_standby = true),
            ("durability_off", |s| s.fsync = false),
            ("durability_off", |s| s.full_page_writes = false),
            ("durability_off", |s| {
                s.synchronous_commit = "off".to_owned()
            }),
            ("autovacuum_off", |s| s.autovacuum = false),
            ("encoding_wrong", |s| s.encoding = "SQL_ASCII".to_owned()),
            ("connections_few", |s| s.connections_used = 90),
            ("wraparound_near", |s| s.frozen_age = 1_500_000_000),
        ];
        for (code, spoil) in faulty {
            let mut server = sound();
            spoil(&mut server);
            let findings = judge(&server, 10);
            assert_eq!(findings.len(), 1, "{code}");
            assert_eq!(findings[0].code, code);
            assert!(!findings[0].cure.is_empty());
        }
    }
}
