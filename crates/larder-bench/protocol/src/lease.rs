//! Threads that want the lease of the same few repositories, and what must never happen to them.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use crate::{Outcome, Random, Round, Task};

/// The tables of the store forge, as its migrations make them.
pub const FORGE: &str = include_str!("../../../larder-stores/migrations/forge/0001_init.sqlite.sql");

/// The project of all repositories.
pub const PROJECT: &str = "01JCZ7Y0G4N5V8Q2W3E4R5T6Y7";

/// Adds the project.
pub const ADD_PROJECT: &str = "INSERT INTO projects(id, name) VALUES (:id, 'bench')";

/// Adds a repository, with the parameters in this order.
pub const ADD_REPOSITORY: &str =
    "INSERT INTO repositories(repository_id, project_id, name) VALUES (:repository_id, :project_id, :name)";

/// Grants a lease that is free, in one statement: a row with its token, or none when somebody holds it. The parameters in
/// this order.
pub const ACQUIRE: &str =
    "INSERT INTO leases (repository_id, holder, token, status, acquired_at, expires_at, created_at, updated_at)
    VALUES (:repository_id, :holder, 1, 'held', :now, :until, :now, :now)
    ON CONFLICT (repository_id) DO UPDATE SET
        taken_from = CASE WHEN leases.status = 'held' THEN leases.holder END,
        holder = excluded.holder, token = leases.token + 1, status = 'held', acquired_at = excluded.acquired_at,
        expires_at = excluded.expires_at, released_at = NULL, updated_at = excluded.updated_at
    WHERE leases.status = 'released' OR leases.expires_at <= excluded.acquired_at
    RETURNING token";

/// Gives a lease back, with the parameters in this order: a row, or none where another holds it.
pub const RELEASE: &str = "UPDATE leases SET status = 'released', released_at = :now,
        expires_at = CASE WHEN expires_at < :now THEN expires_at ELSE :now END, updated_at = :now
    WHERE repository_id = :repository_id AND status = 'held' AND holder = :holder AND token = :token
    RETURNING token";

/// When leases by hand are granted and returned: the same text for all, so that no clock is read and nothing written anew.
pub const NOW: &str = "2026-01-01T00:00:00.000000Z";

/// Until when they last, which no round does.
pub const UNTIL: &str = "2026-01-04T00:00:00.000000Z";

/// How many repositories the threads of a task want, one each at a time: `repositories=`.
pub fn repositories(task: &Task) -> Outcome<Vec<String>> {
    // The last four letters count; all are of Crockford's alphabet.
    Ok((0..task.number("repositories")?).map(|number| format!("01JCZ7Y0G4N5V8Q2W3E4R5{number:04}")).collect())
}

/// How one try to get a lease ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Try {
    /// Granted, with its token.
    Granted(i64),
    /// Somebody else holds it.
    Held,
}

/// What one thread does with leases.
pub trait Tenant {
    /// Tries once to get the lease of a repository.
    fn acquire(&mut self, repository: &str) -> Outcome<Try>;
    /// Gives back what was granted with that token.
    fn release(&mut self, repository: &str, token: i64) -> Outcome;
}

/// What is known of one repository beside the database.
#[derive(Debug, Default)]
struct Watch {
    /// The thread that has the lease (from 1), or 0.
    tenant: AtomicU64,
    /// The largest token that was granted.
    token: AtomicI64,
}

/// What went wrong in a round, of all threads together.
#[derive(Debug, Default)]
struct Faults {
    overlaps: AtomicU64,
    duplicates: AtomicU64,
    errors: AtomicU64,
    held: AtomicU64,
}

/// Each operation is one try of a thread to get the lease of a repository at random, and its return when it was granted.
/// Counted are: overlaps (two had the same lease), duplicates (a token that is not larger than all before it), errors (other
/// than that somebody holds it), and how often somebody held it. `tenant` gives a thread of that number, from 1, its hands.
///
/// # Errors
/// When the task does not say how many threads, or a thread could not start.
pub fn round<T: Tenant>(task: &Task, tenant: impl Fn(u64) -> Outcome<T> + Sync + 'static) -> Outcome<Round> {
    let (crowd, names) = (task.crowd()?, repositories(task)?);
    let watches: Vec<Watch> = names.iter().map(|_| Watch::default()).collect();
    let mut round = 0;
    Ok(Box::new(move || {
        round += 1;
        let faults = Faults::default();
        let sample = crowd.run(|thread| {
            let (mut tenant, faults) = (tenant(thread + 1)?, &faults);
            let (watches, names) = (&watches, &names);
            let mut random = Random::new(round * 1000 + thread);
            Ok(move || {
                let place = usize::try_from(random.key(names.len() as u64) - 1)?;
                let (watch, name) = watches.get(place).zip(names.get(place)).ok_or("no repository")?;
                if let Err(error) = visit(&mut tenant, thread + 1, name, watch, faults)
                    && faults.errors.fetch_add(1, Ordering::Relaxed) == 0
                {
                    crate::complain(&*error);
                }
                Ok(())
            })
        })?;
        let said = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Ok(sample
            .with_count("held", said(&faults.held))
            .with_count("overlaps", said(&faults.overlaps))
            .with_count("duplicates", said(&faults.duplicates))
            .with_count("errors", said(&faults.errors)))
    }))
}

fn visit(tenant: &mut impl Tenant, number: u64, name: &str, watch: &Watch, faults: &Faults) -> Outcome {
    let Try::Granted(token) = tenant.acquire(name)? else {
        faults.held.fetch_add(1, Ordering::Relaxed);
        return Ok(());
    };
    if watch.tenant.swap(number, Ordering::AcqRel) != 0 {
        faults.overlaps.fetch_add(1, Ordering::Relaxed);
    }
    if watch.token.fetch_max(token, Ordering::AcqRel) >= token {
        faults.duplicates.fetch_add(1, Ordering::Relaxed);
    }
    // Whoever has it is gone before the database can know that it is free.
    watch.tenant.store(0, Ordering::Release);
    tenant.release(name, token)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Default)]
    struct Desk {
        tokens: Vec<i64>,
        held: Vec<bool>,
    }

    /// Grants as the rule says, or always and with the same token.
    struct Hands {
        desk: Arc<Mutex<Desk>>,
        careless: bool,
    }

    impl Tenant for Hands {
        fn acquire(&mut self, repository: &str) -> Outcome<Try> {
            let place: usize = repository.get(22..).unwrap().parse()?;
            if self.careless {
                return Ok(Try::Granted(1));
            }
            let mut desk = self.desk.lock().unwrap();
            if std::mem::replace(&mut desk.held[place], true) {
                return Ok(Try::Held);
            }
            desk.tokens[place] += 1;
            Ok(Try::Granted(desk.tokens[place]))
        }

        fn release(&mut self, repository: &str, token: i64) -> Outcome {
            let place: usize = repository.get(22..).unwrap().parse()?;
            if token == 3 {
                return Err("no".into());
            }
            self.desk.lock().unwrap().held[place] = false;
            Ok(())
        }
    }

    fn counts(careless: bool) -> Vec<(&'static str, u64)> {
        let words = ["a", "lease", "threads=4", "ops=40", "repositories=1"].map(str::to_owned);
        let desk = Arc::new(Mutex::new(Desk { tokens: vec![0], held: vec![false] }));
        let task = Task::from_arguments(words.into_iter()).unwrap();
        let mut round = round(&task, move |_| Ok(Hands { desk: Arc::clone(&desk), careless })).unwrap();
        round().unwrap().counts
    }

    #[test]
    fn a_rule_that_is_kept_leaves_nothing_to_count_but_its_errors() {
        let counts = counts(false);
        assert_eq!(counts.get(1..3), Some([("overlaps", 0), ("duplicates", 0)].as_slice()));
        assert_eq!(counts.last(), Some(&("errors", 1)), "the third could not be released");
    }

    #[test]
    fn a_token_that_is_granted_twice_is_counted() {
        assert_eq!(counts(true).get(2), Some(&("duplicates", 39)));
    }

    #[test]
    fn two_at_once_are_an_overlap() {
        let (watch, faults) = (Watch::default(), Faults::default());
        watch.tenant.store(2, Ordering::Relaxed);
        let desk = Arc::new(Mutex::new(Desk { tokens: vec![0], held: vec![false] }));
        visit(&mut Hands { desk, careless: true }, 1, "01JCZ7Y0G4N5V8Q2W3E4R50000", &watch, &faults).unwrap();
        assert_eq!(faults.overlaps.into_inner(), 1);
    }
}
