//! Values on their way to the server: as the type that the statement declares. Numbers, truth values and bytes go in the
//! server's own form; everything else as text, which the server converts, and of which it says what is wrong with it.

use super::message::Format;
use super::oid;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::ValueRef;
use bytes::{BufMut, BytesMut};
use postgres_protocol::IsNull;
use std::fmt::Write as _;

/// In which form a value goes to a parameter of that type.
pub(super) fn format(value: ValueRef<'_>, declared: u32) -> Format {
    let binary = match value {
        ValueRef::Null => false,
        ValueRef::Integer(_) => {
            matches!(declared, oid::INT2 | oid::INT4 | oid::INT8 | oid::BOOL | oid::FLOAT8)
        }
        ValueRef::Real(_) => matches!(declared, oid::FLOAT8),
        ValueRef::Text(_) => false,
        ValueRef::Blob(_) => declared == oid::BYTEA,
    };
    if binary { Format::Binary } else { Format::Text }
}

/// The type that a value has by itself, where the server can't find one.
pub(super) fn own_type(value: ValueRef<'_>) -> u32 {
    match value {
        ValueRef::Null => oid::ANY,
        ValueRef::Integer(_) => oid::INT8,
        ValueRef::Real(_) => oid::FLOAT8,
        ValueRef::Text(_) => oid::TEXT,
        ValueRef::Blob(_) => oid::BYTEA,
    }
}

/// Writes the value of the parameter `name`, in its [`format`].
pub(super) fn write(out: &mut BytesMut, name: &str, value: ValueRef<'_>, declared: u32) -> Result<IsNull> {
    match (value, format(value, declared)) {
        (ValueRef::Null, _) => return Ok(IsNull::Yes),
        (ValueRef::Integer(n), Format::Binary) => integer(out, name, n, declared)?,
        (ValueRef::Integer(n), Format::Text) => fmt(out, format_args!("{n}")),
        (ValueRef::Real(x), Format::Binary) => out.put_f64(x),
        (ValueRef::Real(x), Format::Text) => fmt(out, format_args!("{x}")),
        (ValueRef::Text(it), _) => {
            if it.contains('\0') {
                let message = format!(
                    "the parameter :{name} holds a NUL character, which PostgreSQL can't store in text"
                );
                return Err(Error::new(ErrorKind::Parameter, message)
                    .with_help("take it out, or store the bytes in a column of type bytea"));
            }
            out.put_slice(it.as_bytes());
        }
        (ValueRef::Blob(bytes), Format::Binary) => out.put_slice(bytes),
        // A domain over bytea, perhaps.
        (ValueRef::Blob(bytes), Format::Text) if declared >= oid::FIRST_OF_USERS => {
            out.put_slice(b"\\x");
            bytes.iter().for_each(|byte| fmt(out, format_args!("{byte:02x}")));
        }
        (ValueRef::Blob(_), Format::Text) => {
            let message =
                format!("the parameter :{name} is a blob, and the statement takes {}", oid::name(declared));
            return Err(Error::new(ErrorKind::Parameter, message)
                .with_help("give a value of that type, or use a column of type bytea"));
        }
    }
    Ok(IsNull::No)
}

fn integer(out: &mut BytesMut, name: &str, n: i64, declared: u32) -> Result<()> {
    let misfit = |range: &str| {
        let message = format!(
            "the parameter :{name} does not fit the type {}, which holds {range}",
            oid::name(declared)
        );
        Error::new(ErrorKind::Parameter, message).with_help("give a value of that range, or widen the column")
    };
    match declared {
        oid::INT2 => {
            let n = i16::try_from(n).map_err(|_| misfit("-32768 to 32767"))?;
            out.put_i16(n);
        }
        oid::INT4 => {
            let n = i32::try_from(n).map_err(|_| misfit("-2147483648 to 2147483647"))?;
            out.put_i32(n);
        }
        oid::BOOL => {
            let byte = u8::try_from(n).ok().filter(|n| *n < 2).ok_or_else(|| misfit("0 and 1"))?;
            out.put_u8(byte);
        }
        #[allow(clippy::cast_precision_loss, reason = "as the server itself converts a bigint")]
        oid::FLOAT8 => out.put_f64(n as f64),
        _ => out.put_i64(n),
    }
    Ok(())
}

/// Writes a value as text. Writing to memory does not fail.
fn fmt(out: &mut BytesMut, value: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(value);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: ValueRef<'_>, declared: u32) -> Result<Vec<u8>> {
        let mut out = BytesMut::new();
        write(&mut out, "n", value, declared)?;
        Ok(out.to_vec())
    }

    #[test]
    fn a_number_that_the_type_does_not_hold_is_refused_without_being_shown() {
        for (declared, largest, range) in [
            (oid::INT2, i64::from(i16::MAX), "smallint, which holds -32768 to 32767"),
            (oid::INT4, i64::from(i32::MAX), "integer, which holds -2147483648 to 2147483647"),
            (oid::BOOL, 1, "boolean, which holds 0 and 1"),
        ] {
            assert!(written(ValueRef::Integer(largest), declared).is_ok());
            let error = written(ValueRef::Integer(largest + 1), declared).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Parameter);
            assert_eq!(error.message(), format!("the parameter :n does not fit the type {range}"));
        }
    }

    #[test]
    fn values_go_as_the_type_that_is_declared() {
        assert_eq!(written(ValueRef::Integer(5), oid::INT2).unwrap(), [0, 5]);
        assert_eq!(written(ValueRef::Integer(5), oid::TEXT).unwrap(), b"5");
        assert_eq!(written(ValueRef::Real(0.5), 1700).unwrap(), b"0.5");
        assert_eq!(written(ValueRef::Blob(&[1, 255]), oid::BYTEA).unwrap(), [1, 255]);
        assert_eq!(written(ValueRef::Blob(&[1, 255]), 99_999).unwrap(), b"\\x01ff");
        assert_eq!(written(ValueRef::Blob(&[1]), oid::INT8).unwrap_err().kind(), ErrorKind::Parameter);
        assert_eq!(written(ValueRef::Text("a\0"), oid::TEXT).unwrap_err().kind(), ErrorKind::Parameter);
    }
}
