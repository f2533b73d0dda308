//! Where the stores lie: in the application's database, or in a file of their own.

use super::{Layer, Settings, Source, based_url};
use crate::environment::Environment;
use larder::path::AppFile;
use larder::{Error, ErrorKind, Result};
use larder_stores::{STORES, Store};
use std::collections::BTreeMap;

/// The store that lies in the user's configuration folder, unless something says otherwise: what it knows belongs to the
/// user, and not to the folder that a command runs in.
const OF_USER: &str = "registry";

/// The folder there, and the file's name.
const APP: &str = "larder";

/// Where a store lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In the application's database.
    App,
    /// In a database of its own.
    Own(String, Source),
    /// In its file among the user's configuration.
    User,
}

/// The parts of the settings file, by what they win over.
pub(super) struct Layers<'a> {
    /// What `--env` asked for: it wins over every variable.
    pub(super) asked: Option<Layer<'a>>,
    /// What `LARDER_ENV` asked for.
    pub(super) hinted: Option<Layer<'a>>,
    /// The top.
    pub(super) base: Option<Layer<'a>>,
}

impl Layers<'_> {
    /// The stores that `larder.toml` counts among the application's.
    pub(super) fn listed(&self) -> &[&'static str] {
        let layers = [&self.asked, &self.hinted, &self.base].into_iter().flatten();
        layers.filter_map(|layer| layer.values.stores.as_deref()).next().unwrap_or_default()
    }

    /// Where each store lies. `app` is the application's database, where anything named one.
    pub(super) fn places(
        &self,
        app: Option<&(String, Source)>,
        environment: &Environment,
    ) -> Result<BTreeMap<&'static str, Place>> {
        // These name the database of whatever a command is about.
        let for_all = matches!(app, Some((_, Source::Flag(_))))
            || self.asked.as_ref().is_some_and(|layer| layer.values.url.is_some())
            || environment.get("LARDER_URL")?.is_some();
        let asked = [&self.asked, &None, &None];
        let layers = [&self.asked, &self.hinted, &self.base];
        let flag = matches!(app, Some((_, Source::Flag(_))));
        let mut places = BTreeMap::new();
        for store in &STORES {
            let layers = if flag {
                &[][..]
            } else if for_all {
                &asked
            } else {
                &layers
            };
            let own = layers.iter().copied().flatten().find_map(|layer| layer.store_url(store.name));
            let place = match own.transpose()? {
                Some((url, _)) if app.is_some_and(|(app, _)| *app == url) => Place::App,
                Some((url, from)) => Place::Own(url, from),
                None if app.is_none() && store.name == OF_USER && !self.listed().contains(&OF_USER) => {
                    Place::User
                }
                None => Place::App,
            };
            places.insert(store.name, place);
        }
        Ok(places)
    }
}

impl Layer<'_> {
    fn store_url(&self, name: &str) -> Option<Result<(String, Source)>> {
        let url = self.values.store_urls.get(name)?;
        let source = Source::File(self.file.shown.clone(), self.env.cloned());
        Some(based_url(&self.file.base, url).map(|url| (url, source)))
    }
}

/// Those of the stores that lie in the application's database.
pub(super) fn in_database(
    listed: &[&'static str],
    places: &BTreeMap<&'static str, Place>,
) -> Vec<&'static str> {
    listed.iter().copied().filter(|name| places.get(name) == Some(&Place::App)).collect()
}

impl Settings {
    /// What holds where stores were asked for: `--store` joins their sets to the application's or, where they lie in a
    /// database of their own, leads there. Without any it is what holds anyway.
    ///
    /// # Errors
    /// [`ErrorKind::Config`] when they lie in different databases, when the user has no configuration folder, and when
    /// `LARDER_DB` names no file.
    pub(crate) fn with_stores(self, asked: &[&str]) -> Result<Self> {
        let mut all: Option<Self> = None;
        for name in asked {
            let one = self.clone().with_store(name)?;
            match &mut all {
                None => all = Some(one),
                Some(all) if all.url == one.url => {
                    let new = one.stores.iter().filter(|name| !all.stores.contains(name));
                    all.stores = all.stores.iter().chain(new).copied().collect();
                    let new = one.asked.iter().filter(|name| !all.asked.contains(name));
                    all.asked = all.asked.iter().chain(new).copied().collect();
                }
                Some(all) => {
                    let message = format!(
                        "the stores {} lie in different databases: {} and {}",
                        asked.join(", "),
                        all.url,
                        one.url
                    );
                    return Err(Error::new(ErrorKind::Config, message)
                        .with_help("name one of them at a time, or the database with --url"));
                }
            }
        }
        Ok(all.unwrap_or(self))
    }

    /// The command that migrates what these settings are about: `larder migrate --store forge`.
    pub(crate) fn migrate_command(&self) -> String {
        let flags = self.asked.iter().map(|name| format!(" --store {name}"));
        format!("larder migrate{}", flags.collect::<String>())
    }

    fn with_store(mut self, name: &str) -> Result<Self> {
        let Some(store) = Store::named(name) else {
            return Err(Error::new(ErrorKind::Config, format!("there is no store `{name}`")));
        };
        let place = match self.places.get(store.name) {
            Some(Place::Own(url, from)) => Some((url.clone(), from.clone())),
            Some(Place::User) => Some((of_user()?, Source::User)),
            Some(Place::App) | None => None,
        };
        if let Some((url, from)) = place {
            (self.url, self.url_from) = (url, from);
            self.stores.clear();
            self.is_of_store = true;
        }
        if !self.stores.contains(&store.name) {
            self.stores.push(store.name);
        }
        self.asked.push(store.name);
        Ok(self)
    }
}

fn of_user() -> Result<String> {
    let path = AppFile::config(APP).path()?;
    // The library takes it for tests; here whatever a command writes would be gone with it, and nobody told.
    if path.as_os_str() == ":memory:" {
        let message = "LARDER_DB is `:memory:`, and what is written there is gone when the command ends";
        return Err(
            Error::new(ErrorKind::Config, message).with_help("set it to the path of a file, or unset it")
        );
    }
    path.into_os_string().into_string().map_err(|path| {
        Error::new(ErrorKind::Config, format!("the path {} is not UTF-8", path.display()))
            .with_help("set LARDER_DB to another path")
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{Case, env, flags};
    use crate::args::Global;
    use crate::settings::Settings;

    const FILE: &str = "stores = [\"forge\", \"workflow\"]\n[store.workflow]\nurl = \"work.db\"\n\
        [env.test]\nurl = \"test.db\"\n[env.split]\nstore.workflow.url = \"split.db\"\nstores = [\"journal\"]\n";

    fn at(settings: &Settings, store: &str) -> (String, bool, Vec<&'static str>) {
        let at = settings.clone().with_stores(&[store]).unwrap();
        (at.url, at.is_of_store, at.stores)
    }

    #[test]
    fn a_store_lies_in_the_applications_database_unless_it_has_a_file_of_its_own() {
        let settings = Case::with(FILE).resolve(&flags(), &[]).unwrap();
        assert_eq!((settings.url.as_str(), &settings.stores[..]), ("data/app.db", &["forge"][..]));
        assert_eq!(at(&settings, "forge"), ("data/app.db".into(), false, vec!["forge"]));
        assert_eq!(at(&settings, "journal"), ("data/app.db".into(), false, vec!["forge", "journal"]));
        assert_eq!(at(&settings, "workflow"), ("work.db".into(), true, vec!["workflow"]));
        let from = settings.with_stores(&["workflow"]).unwrap().url_from.to_string();
        assert_eq!(from, "larder.toml");
    }

    #[test]
    fn what_is_more_precise_than_the_stores_own_table_wins_over_it() {
        let case = Case::with(FILE);
        let url = |flags: &Global, variables: &[(&str, &str)]| {
            let (url, own, _) = at(&case.resolve(flags, variables).unwrap(), "workflow");
            (url, own)
        };
        let by_flag = Global { url: Some("flag.db".into()), ..flags() };
        assert_eq!(url(&by_flag, &[("LARDER_URL", "own.db")]), ("flag.db".into(), false));
        assert_eq!(url(&env("test"), &[("LARDER_URL", "own.db")]), ("test.db".into(), false));
        assert_eq!(url(&env("split"), &[("LARDER_URL", "own.db")]), ("split.db".into(), true));
        assert_eq!(url(&flags(), &[("LARDER_URL", "own.db")]), ("own.db".into(), false));
        assert_eq!(url(&flags(), &[("DATABASE_URL", "general.db")]), ("work.db".into(), true));
        assert_eq!(url(&flags(), &[("LARDER_ENV", "split")]), ("split.db".into(), true));
        assert_eq!(url(&flags(), &[("LARDER_ENV", "test")]), ("work.db".into(), true));
        let flag_and_env = Global { url: Some("flag.db".into()), ..env("split") };
        assert_eq!(url(&flag_and_env, &[]), ("flag.db".into(), false));
    }

    #[test]
    fn an_environment_says_which_stores_there_are() {
        let settings = Case::with(FILE).resolve(&env("split"), &[]).unwrap();
        assert_eq!(settings.stores, ["journal"]);
    }

    #[test]
    fn the_registry_is_the_users_own_only_where_nothing_else_is_said() {
        let user = |text: &str, variables: &[(&str, &str)]| {
            let settings = Case::with(text).resolve(&flags(), variables).unwrap();
            settings.places.get("registry") == Some(&super::Place::User)
        };
        assert!(user("dir = \"m\"", &[]));
        assert!(!user("url = \"a.db\"", &[]));
        assert!(!user("stores = [\"registry\"]", &[]));
        assert!(!user("", &[("DATABASE_URL", "a.db")]));
        assert!(!user("", &[("LARDER_URL", "a.db")]));
        assert!(!user("store.registry.url = \"r.db\"", &[]));
    }

    #[test]
    fn stores_in_different_databases_are_told() {
        let settings = Case::with(FILE).resolve(&flags(), &[]).unwrap();
        assert_eq!(
            settings.clone().with_stores(&["forge", "workflow"]).unwrap_err().to_string(),
            "the stores forge, workflow lie in different databases: data/app.db and work.db; name one of them at a \
             time, or the database with --url"
        );
        let twice = settings.with_stores(&["forge", "journal", "forge"]).unwrap();
        assert_eq!(twice.stores, ["forge", "journal"]);
    }
}
