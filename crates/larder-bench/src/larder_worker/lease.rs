//! Leases of the store forge, wanted by many threads.

use larder::{Database, ErrorKind};
use larder_bench_protocol::lease::{self, Tenant, Try};
use larder_bench_protocol::{Outcome, Round, Task};
use larder_stores::forge::{self, By, Held, Id, NewProject, NewRepository};

use super::open;

/// Threads that want the leases of a few repositories.
pub(crate) fn contend(task: &Task) -> Outcome<Round> {
    let database = open(task, "lease.db", &forge::MIGRATIONS)?;
    let (by, names) = (By::new("bench"), lease::repositories(task)?);
    database.write(|tx| {
        let project = forge::create_project(tx, by, NewProject { name: "bench", ..NewProject::default() })?;
        for name in &names {
            let new = NewRepository::named(project.id, name);
            forge::create_repository(tx, by, NewRepository { repository_id: Some(name.parse()?), ..new })?;
        }
        Ok(())
    })?;
    lease::round(task, move |thread| {
        Ok(Hands { database: database.clone(), name: format!("thread {thread}") })
    })
}

/// What one thread does with leases.
struct Hands {
    database: Database,
    name: String,
}

impl Tenant for Hands {
    fn acquire(&mut self, repository: &str) -> Outcome<Try> {
        let id: Id = repository.parse()?;
        match self.database.write(|tx| forge::acquire_lease(tx, By::new(&self.name), id, None)) {
            Ok(lease) => Ok(Try::Granted(lease.token)),
            Err(error) if error.kind() == ErrorKind::Refused && error.find::<Held>().is_some() => {
                Ok(Try::Held)
            }
            Err(error) => Err(error.into()),
        }
    }

    fn release(&mut self, repository: &str, token: i64) -> Outcome {
        let id: Id = repository.parse()?;
        self.database.write(|tx| forge::release_lease(tx, By::new(&self.name), id, token))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Up to what they return, whatever the white space.
    fn decision(statement: &str) -> Vec<&str> {
        statement.split_whitespace().take_while(|word| *word != "RETURNING").collect()
    }

    #[test]
    fn by_hand_a_lease_is_granted_and_returned_by_the_same_statements() {
        let all: Vec<_> = forge::QUERIES.iter().flat_map(|group| group.iter()).collect();
        for (name, by_hand) in [("lease::ACQUIRE", lease::ACQUIRE), ("lease::RELEASE", lease::RELEASE)] {
            let ours = all.iter().find(|(known, _)| *known == name).map(|(_, text)| decision(text));
            assert_eq!(ours, Some(decision(by_hand)), "{name}");
        }
    }
}
