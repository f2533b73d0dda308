//! The server of PostgreSQL that is measured: one for the run, which waits for its disk as any other does.

use larder::Database;
use larder_bench_protocol::Outcome;
use larder_kit::postgres::Cluster;

use crate::work::{Case, Way};

/// A server, or why there is none.
#[derive(Debug)]
pub(crate) struct Server(Result<Cluster, String>);

impl Server {
    /// None, because no work needs one.
    pub(crate) fn none() -> Self {
        Self(Err("no server was started".to_owned()))
    }

    /// Starts one, where PostgreSQL is on this machine. It ends when this is dropped.
    pub(crate) fn start() -> Self {
        Self(larder_kit::postgres::programs().map_err(|_| missing()).and_then(|_| {
            // All that is read stays in memory; and nothing that the server does now and then falls into one's round.
            let setting =
                Cluster::with().safe().on_disk().set("shared_buffers", "256MB").set("max_wal_size", "1GB");
            setting.set("checkpoint_timeout", "1h").set("autovacuum", "off").try_start()
        }))
    }

    /// Why there is none.
    pub(crate) fn absence(&self) -> Option<&str> {
        self.0.as_ref().err().map(String::as_str)
    }

    /// A new database for a worker of a case, as its setting `url=`; nothing for a case without a server.
    pub(crate) fn place(&self, case: &Case, name: &str) -> Outcome<Option<String>> {
        let Some(way) = case.server else { return Ok(None) };
        let cluster = self.0.as_ref().map_err(String::as_str)?;
        let maintenance = Database::options(cluster.url()).connections(1).open()?;
        maintenance.execute(&format!("CREATE DATABASE \"{name}\""), &[])?;
        maintenance.close()?;
        let url = match way {
            Way::Tcp => cluster.tcp_url_of(name),
            Way::Socket => cluster.url_of(name),
        };
        Ok(Some(format!("url={url}")))
    }
}

fn missing() -> String {
    "there is no PostgreSQL on this machine (`apt-get install postgresql`, or LARDER_PG_BIN names the folder of initdb and postgres)"
        .to_owned()
}
