//! The numbers of the server's own types, as far as they matter here.

pub(super) const BOOL: u32 = 16;
pub(super) const BYTEA: u32 = 17;
pub(super) const INT8: u32 = 20;
pub(super) const INT2: u32 = 21;
pub(super) const INT4: u32 = 23;
pub(super) const TEXT: u32 = 25;
pub(super) const OID: u32 = 26;
pub(super) const FLOAT4: u32 = 700;
pub(super) const FLOAT8: u32 = 701;
pub(super) const DATE: u32 = 1082;
pub(super) const TIMESTAMP: u32 = 1114;
pub(super) const TIMESTAMPTZ: u32 = 1184;
pub(super) const NAME: u32 = 19;
pub(super) const JSON: u32 = 114;
pub(super) const XML: u32 = 142;
pub(super) const BPCHAR: u32 = 1042;
pub(super) const VARCHAR: u32 = 1043;
pub(super) const TIME: u32 = 1083;
pub(super) const NUMERIC: u32 = 1700;
pub(super) const UUID: u32 = 2950;
pub(super) const JSONB: u32 = 3802;
/// The server finds out the type itself.
pub(super) const ANY: u32 = 0;
/// From here on types are made by those who use the server.
pub(super) const FIRST_OF_USERS: u32 = 16384;

/// The name of a type, for messages.
pub(super) fn name(oid: u32) -> &'static str {
    match oid {
        BOOL => "boolean",
        BYTEA => "bytea",
        INT8 => "bigint",
        INT2 => "smallint",
        INT4 => "integer",
        TEXT => "text",
        OID => "oid",
        FLOAT4 => "real",
        FLOAT8 => "double precision",
        DATE => "date",
        TIMESTAMP => "timestamp",
        TIMESTAMPTZ => "timestamp with time zone",
        JSON => "json",
        JSONB => "jsonb",
        BPCHAR => "char",
        VARCHAR => "varchar",
        TIME => "time",
        1186 => "interval",
        NUMERIC => "numeric",
        UUID => "uuid",
        _ => "another type",
    }
}
