//! `larder repo list`

use crate::args::repo::List;
use crate::command::Context;
use crate::exit::Exit;
use crate::output::{Shape, Table, Tone};
use larder::{Error, ErrorKind, ReadTx, Result};
use larder_stores::forge::{self, Page, Project, Repository};
use serde::Serialize;

#[derive(Serialize)]
struct ListShape {
    projects: Vec<ProjectShape>,
}

#[derive(Serialize)]
struct ProjectShape {
    #[serde(flatten)]
    project: Project,
    repositories: Vec<Repository>,
}

pub(super) fn run(args: &List, mut context: Context<'_>) -> Result<Exit> {
    let database = context.store_for_reading("forge")?;
    let projects = database.read(|tx| {
        let projects = match &args.project {
            None => all(|after| {
                let page = forge::list_projects(tx, Page { after, ..Page::default() })?;
                Ok((page.last().map(|last| last.name.clone()), page))
            })?,
            Some(name) => vec![forge::find_project_named(tx, name)?.ok_or_else(|| {
                Error::new(ErrorKind::NotFound, format!("there is no project {name}"))
                    .with_help("`larder repo list` shows those there are")
            })?],
        };
        projects.into_iter().map(|project| with_repositories(tx, project)).collect::<Result<Vec<_>>>()
    })?;
    let output = context.output;
    let mut table = Table::new(["repository", "id", "branch", "description"]);
    for ProjectShape { project, repositories } in &projects {
        if repositories.is_empty() {
            table.row(
                Tone::Quiet,
                [format!("{}/", project.name), String::new(), String::new(), String::new()],
            );
        }
        for repository in repositories {
            let path = format!("{}/{}", project.name, repository.name);
            let description = repository.description.clone().unwrap_or_default();
            let id = repository.repository_id.to_string();
            table.row(Tone::Plain, [path, id, repository.default_branch.clone(), description]);
        }
    }
    if projects.is_empty() {
        output.line("there are no projects; `larder repo add PROJECT/NAME` makes one");
    } else {
        output.table(&table);
    }
    output.json(&Shape::new(context.command, true, ListShape { projects }));
    Ok(Exit::Done)
}

fn with_repositories(tx: &mut ReadTx<'_>, project: Project) -> Result<ProjectShape> {
    let repositories = all(|after| {
        let page = forge::list_repositories(tx, project.id, Page { after, ..Page::default() })?;
        Ok((page.last().map(|last| last.name.clone()), page))
    })?;
    Ok(ProjectShape { project, repositories })
}

/// All pages of a list. `page` gives what comes after a name, and the last name of it.
fn all<T>(mut page: impl FnMut(&str) -> Result<(Option<String>, Vec<T>)>) -> Result<Vec<T>> {
    let mut rows = Vec::new();
    let mut after = String::new();
    while let (Some(last), more) = page(&after)? {
        rows.extend(more);
        after = last;
    }
    Ok(rows)
}
