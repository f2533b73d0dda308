//! A fresh, empty database for one test.

use crate::postgres::Server;
use crate::{Engine, need};
use std::path::Path;
use tempfile::TempDir;

/// A fresh, empty database on an engine, gone when this is dropped.
#[derive(Debug)]
pub struct Place {
    engine: Engine,
    url: String,
    /// On PostgreSQL its name, and where it is.
    database: Option<(String, &'static Server)>,
    folder: TempDir,
}

impl Place {
    /// A database of its own: a file that is not there yet, or an empty database on the server of this run.
    ///
    /// # Panics
    /// When there is no server to be had. It says what to install.
    #[track_caller]
    pub fn new(engine: Engine) -> Self {
        let folder = need(tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}")));
        match engine {
            Engine::Sqlite => {
                let url = folder.path().join("app.db").display().to_string();
                Self { engine, url, database: None, folder }
            }
            Engine::Postgres => {
                let server = need(Server::of_this_run());
                let name = need(server.create());
                let url = server.url_of(&name);
                Self { engine, url, database: Some((name, server)), folder }
            }
        }
    }

    /// The engine.
    pub fn engine(&self) -> Engine {
        self.engine
    }

    /// True on PostgreSQL.
    pub fn is_postgres(&self) -> bool {
        self.engine == Engine::Postgres
    }

    /// What to open: the path of a file that is not there yet, or a URL.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// A temporary folder of this test's own, on either engine.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// On PostgreSQL, the URL without a PgBouncer that stands in front.
    ///
    /// # Panics
    /// On SQLite.
    #[track_caller]
    pub fn direct_url(&self) -> String {
        let (name, server) = need(self.database.as_ref().ok_or_else(|| "a file has no server".to_owned()));
        server.direct_url_of(name)
    }

    /// On PostgreSQL, a client of another make: what it sees is there.
    ///
    /// # Panics
    /// On SQLite.
    #[track_caller]
    pub fn client(&self) -> postgres::Client {
        need(crate::postgres::client(&self.direct_url()))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some((name, server)) = &self.database {
            // Left behind on the server of a run it goes with that.
            let _ = server.drop(name);
        }
    }
}
