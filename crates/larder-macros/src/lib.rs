//! The macro behind `larder::migrations!`.
