//! Every query fits the schema, and the frequent ones find their rows by an index.

use crate::empty;
use crate::plan::{goes_by, query, understood};
use larder_kit::Place;
use larder_stores::registry::QUERIES;

larder_kit::engines! {
    fn every_query_prepares(place: &Place) {
        let count = understood(place, &empty(place), QUERIES.iter().copied());
        assert!(count > 25, "{count}");
    }

    fn the_frequent_queries_name_their_index(place: &Place) {
        let db = empty(place);
        for (name, sqlite, postgres) in [
            ("tool::BY_ID", "SEARCH tools USING INDEX sqlite_autoindex_tools_1 (id=?)", "tools_pkey"),
            ("tool::BY_NAME", "SEARCH tools USING INDEX tools_name (name=?)", "tools_name"),
            ("tool::BY_TYPE", "SEARCH tools USING INDEX tools_type (type=?)", "tools_type"),
            // A server takes it for half of all tools, and the key, by which they come in order, for no worse.
            ("tool::BY_STUB", "SEARCH tools USING INDEX tools_stub (stub=?)", "tools_"),
            (
                "dependency::OF_CONSUMER",
                "SEARCH dependencies USING INDEX sqlite_autoindex_dependencies_1 (consumer_id=?)",
                "dependencies_consumer_id_provider_id_type_source_key",
            ),
            (
                "dependency::OF_PROVIDER",
                "SEARCH dependencies USING INDEX dependencies_provider_id (provider_id=?)",
                "dependencies_provider_id",
            ),
            (
                "contract::OF_TOOL",
                "SEARCH contracts USING INDEX sqlite_autoindex_contracts_1 (tool_id=?)",
                "contracts_tool_id_name_key",
            ),
            (
                "verification::OF_CONTRACT",
                "SEARCH verifications USING INDEX verifications_contract_id (contract_id=?)",
                "verifications_",
            ),
            (
                "reliability::CHAIN",
                "SEARCH dependencies USING INDEX sqlite_autoindex_dependencies_1 (consumer_id=?)",
                "dependencies_consumer_id_provider_id_type_source_key",
            ),
        ] {
            let index = if place.is_postgres() { postgres } else { sqlite };
            goes_by(place, &db, query(place, QUERIES.iter().copied(), name), index, &["chain"]);
        }
    }
}
