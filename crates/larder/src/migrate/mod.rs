//! Migrations: files, sets, the plan and the run.
