//! `larder repo`

use clap::{Args as ClapArgs, Subcommand};

/// What to do with repositories.
#[derive(Debug, Subcommand)]
pub(crate) enum Repo {
    /// Add a repository, and its project where that is missing
    Add(Add),
    /// List projects and their repositories
    List(List),
}

#[derive(Debug, ClapArgs)]
pub(crate) struct Add {
    /// Its name; or PROJECT/NAME
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The project that it belongs to; it is made when missing
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// The branch that is shown first
    #[arg(long, value_name = "NAME", default_value = "main")]
    pub(crate) branch: String,
    /// Its id, a ULID; made unless given
    #[arg(long, value_name = "ID")]
    pub(crate) id: Option<String>,
    /// Who does it, for the trail; LARDER_HOLDER unless given, else user@host
    #[arg(long, value_name = "WHO")]
    pub(crate) by: Option<String>,
}

#[derive(Debug, ClapArgs)]
pub(crate) struct List {
    /// Only those of this project
    #[arg(long, value_name = "NAME")]
    pub(crate) project: Option<String>,
}
