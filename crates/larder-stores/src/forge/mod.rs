//! The store `forge`: projects, repositories and the leases on them, what lies in the repositories, where they are mirrored,
//! what they are to each other, and the trail of every change.
//!
//! Every function takes the transaction, so that several, and the application's own statements, are one commit. What changes
//! something takes [`By`] too: who does it. Each change is noted in the trail, in the same transaction.
//!
//! ```
//! use larder::Database;
//! use larder_stores::forge::{self, By, Held, NewProject, NewRepository};
//!
//! # fn main() -> larder::Result<()> {
//! # let db = Database::open(":memory:")?;
//! db.migrate(&[&forge::MIGRATIONS])?;
//! let ada = By::new("ada@desk");
//!
//! let repository = db.write(|tx| {
//!     let project = forge::create_project(tx, ada, NewProject { name: "pantry", ..NewProject::default() })?;
//!     forge::create_repository(tx, ada, NewRepository::named(project.id, "shelf"))
//! })?;
//! let id = repository.repository_id;
//!
//! let lease = db.write(|tx| forge::acquire_lease(tx, ada, id, None))?;
//! let error = db.write(|tx| forge::acquire_lease(tx, By::new("grace@lab"), id, None)).unwrap_err();
//! assert_eq!(error.find::<Held>().unwrap().holder, "ada@desk");
//!
//! db.write(|tx| {
//!     forge::check_token(tx, ada, id, lease.token)?; // what is guarded by the lease follows in the same transaction
//!     forge::release_lease(tx, ada, id, lease.token)
//! })?;
//! # Ok(())
//! # }
//! ```

mod by;
mod client;
mod cycle;
mod id;
mod import;
mod in_use;
mod lease;
mod mirror;
mod missing;
mod name;
mod object;
mod page;
mod project;
mod relationship;
mod remote;
mod repository;
mod trail;

pub use by::By;
pub use client::{Client, Prepared};
pub use cycle::Cycle;
pub use id::{Id, InvalidId};
pub use import::{BadLine, ImportRefused, Imported, LeaseFile, import_leases};
pub use in_use::InUse;
pub(crate) use lease::LeaseCheck;
pub use lease::{
    Held, InvalidTerm, LEASE_TERM, Lease, LeaseStatus, NotHolder, StaleToken, acquire_lease, check_token,
    find_lease, list_expired_leases, list_leases, list_live_leases, release_lease,
};
pub use mirror::{
    Direction, IllegalMirrorMove, Mirror, MirrorStatus, NewMirror, begin_sync, create_mirror, delete_mirror,
    fail_sync, find_mirror, find_mirror_named, finish_sync, list_mirrors, list_mirrors_by_status,
    pause_mirror, point_mirror, rename_mirror, resume_mirror,
};
pub use missing::Missing;
pub use name::{InvalidName, Taken};
pub use object::{
    InvalidOid, NewObject, Object, ObjectDiffers, ObjectKind, Put, delete_objects, find_object,
    list_object_holders, list_objects, put_objects,
};
pub use page::Page;
pub use project::{
    NewProject, Project, create_project, delete_project, describe_project, find_project, find_project_named,
    list_projects, rename_project,
};
pub use relationship::{
    NewRelationship, Relationship, RelationshipKind, SelfRelated, create_relationship, delete_relationship,
    find_relationship, list_relationships, list_relationships_to,
};
pub use remote::SecretInUrl;
pub use repository::{
    IdUsed, NewRepository, Repository, UpdateRepository, create_repository, delete_repository,
    find_repository, find_repository_named, list_repositories, move_repository, rename_repository,
    repository_path, resolve_repository, update_repository,
};
pub use trail::{Action, AuditEntry, TRAIL, list_audit_entries};

use larder::MigrationSet;

/// The migrations of this store.
pub static MIGRATIONS: MigrationSet = larder::migrations!("migrations/forge", name = "forge");

/// Every query of this store, in groups, by its name.
#[doc(hidden)]
pub static QUERIES: &[&[(&str, &str)]] = &[
    import::QUERIES,
    lease::QUERIES,
    mirror::QUERIES,
    object::QUERIES,
    project::QUERIES,
    relationship::QUERIES,
    repository::QUERIES,
    trail::QUERIES,
];
