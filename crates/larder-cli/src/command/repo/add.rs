//! `larder repo add`

use crate::args::repo::Add;
use crate::command::Context;
use crate::command::actor;
use crate::environment::Environment;
use crate::exit::Exit;
use crate::output::Shape;
use larder::{Error, ErrorKind, Result};
use larder_stores::forge::{self, By, Id, NewProject, NewRepository, Repository};
use serde::Serialize;

#[derive(Serialize)]
struct Added<'a> {
    path: &'a str,
    repository: &'a Repository,
    /// The project was made for it.
    project_made: bool,
}

pub(super) fn run(args: &Add, environment: &Environment, mut context: Context<'_>) -> Result<Exit> {
    let (project, name) = place(args)?;
    let id = args.id.as_deref().map(str::parse::<Id>).transpose()?;
    let who = actor::named(args.by.as_deref(), environment)?;
    let by = By::new(&who);
    let database = context.store("forge")?;
    let (repository, project_made) = database.write(|tx| {
        let (project_id, made) = match forge::find_project_named(tx, project)? {
            Some(found) => (found.id, false),
            None => {
                let new = NewProject { name: project, ..NewProject::default() };
                (forge::create_project(tx, by, new)?.id, true)
            }
        };
        let new = NewRepository {
            repository_id: id,
            description: args.description.as_deref(),
            default_branch: Some(&args.branch),
            ..NewRepository::named(project_id, name)
        };
        Ok((forge::create_repository(tx, by, new)?, made))
    })?;
    let path = format!("{project}/{name}");
    let made = if project_made { ", with its project" } else { "" };
    context.output.line(format!("added {path} {}{made}", repository.repository_id));
    let added = Added { path: &path, repository: &repository, project_made };
    context.output.json(&Shape::new(context.command, true, added));
    Ok(Exit::Done)
}

/// The project and the name.
fn place(args: &Add) -> Result<(&str, &str)> {
    match (&args.project, args.name.split_once('/')) {
        (Some(project), _) => Ok((project, &args.name)),
        (None, Some(both)) => Ok(both),
        (None, None) => Err(Error::new(ErrorKind::Config, format!("{} has no project", args.name))
            .with_help("write PROJECT/NAME, or add --project NAME")),
    }
}
