//! One test with many inputs, each in a database of its own.

use larder_kit::{Engine, Place};
use proptest::prelude::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

/// Tries `cases` inputs of `strategy`, each in a fresh database; a quarter of them on a server, where to make a database takes
/// longer than most tests.
pub(crate) fn many_times<S: Strategy>(
    engine: Engine,
    cases: u32,
    strategy: S,
    test: impl Fn(&Place, S::Value) -> Result<(), TestCaseError>,
) {
    let cases = if engine == Engine::Postgres { cases / 4 } else { cases };
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let tried = TestRunner::new(config).run(&strategy, |input| test(&Place::new(engine), input));
    tried.unwrap_or_else(|error| panic!("{error}"));
}
