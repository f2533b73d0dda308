//! The words that columns of the registry take.

use crate::word::words;

words! {
    /// What a tool is.
    #[non_exhaustive]
    ToolType("type of a tool") {
        /// A program for the command line.
        Cli = "cli",
        /// A server of the Model Context Protocol.
        Mcp = "mcp",
        /// Code that others build upon.
        Library = "library",
        /// A series of steps that runs as one.
        Workflow = "workflow",
        /// Something that is called when an event happens.
        Hook = "hook",
    }
}

words! {
    /// How a consumer uses its provider.
    #[non_exhaustive]
    DependencyType("type of a dependency") {
        /// It runs the provider's program.
        Cli = "cli",
        /// It calls the provider's server.
        Mcp = "mcp",
        /// It is built with the provider.
        Library = "library",
        /// Both use one database.
        Database = "database",
        /// It relies on something that stands nowhere.
        Implicit = "implicit",
    }
}

words! {
    /// What a contract is about.
    #[non_exhaustive]
    ContractType("type of a contract") {
        /// What a program prints.
        CliOutput = "cli_output",
        /// What a server's tool takes and gives.
        McpTool = "mcp_tool",
        /// What a library gives out.
        LibraryExport = "library_export",
        /// The tables of a database.
        DbSchema = "db_schema",
    }
}

words! {
    /// Whether a contract still holds.
    #[non_exhaustive]
    ContractStatus("status of a contract") {
        /// The schema is as it was agreed.
        Valid = "valid",
        /// The schema is another than was agreed.
        Drift = "drift",
        /// There is no schema any more, or what is there is none.
        Broken = "broken",
        /// Nobody has looked, or nobody could.
        Unknown = "unknown",
    }
}

words! {
    /// What a verification found.
    #[non_exhaustive]
    VerificationStatus("status of a verification") {
        /// The schema is as it was agreed.
        Pass = "pass",
        /// There is no schema, or it could not be read.
        Fail = "fail",
        /// The schema is another than was agreed.
        Drift = "drift",
    }
}
