//! PostgreSQL for tests: the server that all tests of a run share ([`Server`], asked by [`Place`](crate::Place)), and
//! throwaway ones ([`Cluster`]), also behind a [`Bouncer`].

#[cfg(feature = "place")]
mod bouncer;
mod cluster;
mod folder;
mod program;
#[cfg(feature = "place")]
mod server;
mod setting;

#[cfg(feature = "place")]
pub use ::postgres::{Client, Config, NoTls};
#[cfg(feature = "place")]
pub use bouncer::Bouncer;
pub use cluster::Cluster;
pub use program::{bouncer_program, missing, programs};
#[cfg(feature = "place")]
pub use server::{Server, client};
pub use setting::Setting;

/// The variable that names the server to use, by a URL.
pub const GIVEN: &str = "LARDER_TEST_POSTGRES";

/// The variable that puts a PgBouncer in transaction mode before the tests' databases.
pub const BOUNCED: &str = "LARDER_TEST_PGBOUNCER";
