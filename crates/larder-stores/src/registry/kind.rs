//! The words that columns of the registry take.

use larder::{Error, ErrorKind, Given, Result, ToValue, ValueRef};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// An enum whose variants are words of a column.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($(#[$each:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        #[non_exhaustive]
        pub enum $name { $($(#[$each])* $variant,)+ }

        impl $name {
            /// All of them, in the order of the schema.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The word that stands in the column.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl FromStr for $name {
            type Err = Error;
            fn from_str(text: &str) -> Result<Self> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(Error::new(ErrorKind::Config, format!("`{text}` is no {}", $what))
                        .with_help(concat!("take one of: ", words!(@list $($word),+)))),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl ToValue for $name {
            fn to_value(&self) -> Result<Given<'_>> {
                Ok(Given::Borrowed(ValueRef::Text(self.as_str())))
            }
        }
    };
    (@list $first:literal $(, $rest:literal)*) => { concat!($first $(, ", ", $rest)*) };
}

words! {
    /// What a tool is.
    ToolType, "type of a tool" {
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
    DependencyType, "type of a dependency" {
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
    ContractType, "type of a contract" {
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
    ContractStatus, "status of a contract" {
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
    VerificationStatus, "status of a verification" {
        /// The schema is as it was agreed.
        Pass = "pass",
        /// There is no schema, or it could not be read.
        Fail = "fail",
        /// The schema is another than was agreed.
        Drift = "drift",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_as_it_is_written_and_others_are_told_what_there_is() {
        for kind in ToolType::ALL {
            assert_eq!(kind.as_str().parse::<ToolType>().unwrap(), *kind);
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        for kind in ContractType::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        let error = "Cli".parse::<ToolType>().unwrap_err();
        assert_eq!(
            error.to_string(),
            "`Cli` is no type of a tool; take one of: cli, mcp, library, workflow, hook"
        );
    }
}
