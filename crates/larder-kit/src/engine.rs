//! The engines, and tests that run on each from one source.

use std::fmt::Debug;

/// An engine that Larder works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    /// One file.
    Sqlite,
    /// A server.
    Postgres,
}

/// How a test's function may end: with nothing, or with a result that is `Ok`.
pub trait Ending {
    /// Fails the test where it ended with an error.
    fn check(self);
}

impl Ending for () {
    fn check(self) {}
}

impl<E: Debug> Ending for Result<(), E> {
    #[allow(clippy::panic, reason = "this is how a test fails")]
    fn check(self) {
        if let Err(error) = self {
            panic!("{error:?}");
        }
    }
}

/// Makes two tests of each function, `name::sqlite` and `name::postgres`, each with a fresh, empty database:
///
/// ```text
/// larder_kit::engines! {
///     fn a_row_comes_back(place: &Place) -> larder::Result<()> {
///         let db = Database::open(place.url())?;
///         …
///     }
/// }
/// ```
///
/// The function stays one that can be called. Attributes go to it and to its tests. The test on PostgreSQL is there when the crate under test has its
/// feature `postgres`.
#[macro_export]
macro_rules! engines {
    ($($(#[$attribute:meta])* fn $name:ident($place:ident: $sort:ty) $(-> $ending:ty)? $body:block)*) => {
        $(
            $(#[$attribute])*
            fn $name($place: $sort) $(-> $ending)? $body

            $(#[$attribute])*
            mod $name {
                #[test]
                fn sqlite() {
                    $crate::Ending::check(super::$name(&$crate::Place::new($crate::Engine::Sqlite)));
                }

                #[cfg(feature = "postgres")]
                #[test]
                fn postgres() {
                    $crate::Ending::check(super::$name(&$crate::Place::new($crate::Engine::Postgres)));
                }
            }
        )*
    };
}
