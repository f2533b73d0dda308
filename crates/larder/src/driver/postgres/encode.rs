//! Values on their way to the server: as the type that the statement declares. Numbers, truth values and bytes go in the
//! server's own form; everything else as text, which the server converts, and of which it says what is wrong with it.

use super::message::{self, Format};
use super::oid;
use crate::error::{Error, ErrorKind, Result};
use crate::sql::ValueRef;
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
pub(super) fn write(out: &mut Vec<u8>, name: &str, value: ValueRef<'_>, declared: u32) -> Result<()> {
    match (value, format(value, declared)) {
        (ValueRef::Null, _) => message::null(out),
        (ValueRef::Integer(n), Format::Binary) => integer(out, name, n, declared)?,
        (ValueRef::Integer(n), Format::Text) => text(out, |out| write!(out, "{n}")),
        (ValueRef::Real(x), Format::Binary) => {
            message::value(out, |out| out.extend_from_slice(&x.to_be_bytes()));
        }
        (ValueRef::Real(x), Format::Text) => text(out, |out| write!(out, "{x}")),
        (ValueRef::Text(it), _) => {
            if it.contains('\0') {
                let message = format!(
                    "the parameter :{name} holds a NUL character, which PostgreSQL can't store in text"
                );
                return Err(Error::new(ErrorKind::Parameter, message)
                    .with_help("take it out, or store the bytes in a column of type bytea"));
            }
            message::value(out, |out| out.extend_from_slice(it.as_bytes()));
        }
        (ValueRef::Blob(bytes), Format::Binary) => message::value(out, |out| out.extend_from_slice(bytes)),
        // A domain over bytea, perhaps.
        (ValueRef::Blob(bytes), Format::Text) if declared >= oid::FIRST_OF_USERS => {
            text(out, |out| {
                bytes.iter().try_fold(out.write_str("\\x")?, |(), byte| write!(out, "{byte:02x}"))
            });
        }
        (ValueRef::Blob(_), Format::Text) => {
            let message =
                format!("the parameter :{name} is a blob, and the statement takes {}", oid::name(declared));
            return Err(Error::new(ErrorKind::Parameter, message)
                .with_help("give a value of that type, or use a column of type bytea"));
        }
    }
    Ok(())
}

fn integer(out: &mut Vec<u8>, name: &str, n: i64, declared: u32) -> Result<()> {
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
            message::value(out, |out| out.extend_from_slice(&n.to_be_bytes()));
        }
        oid::INT4 => {
            let n = i32::try_from(n).map_err(|_| misfit("-2147483648 to 2147483647"))?;
            message::value(out, |out| out.extend_from_slice(&n.to_be_bytes()));
        }
        oid::BOOL => {
            let byte = u8::try_from(n).ok().filter(|n| *n < 2).ok_or_else(|| misfit("0 and 1"))?;
            message::value(out, |out| out.push(byte));
        }
        #[allow(clippy::cast_precision_loss, reason = "as the server itself converts a bigint")]
        oid::FLOAT8 => message::value(out, |out| out.extend_from_slice(&(n as f64).to_be_bytes())),
        _ => message::value(out, |out| out.extend_from_slice(&n.to_be_bytes())),
    }
    Ok(())
}

/// Writes a value as text. Writing to memory does not fail.
fn text(out: &mut Vec<u8>, write: impl FnOnce(&mut Utf8<'_>) -> std::fmt::Result) {
    message::value(out, |out| {
        let _ = write(&mut Utf8(out));
    });
}

struct Utf8<'b>(&'b mut Vec<u8>);

impl std::fmt::Write for Utf8<'_> {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: ValueRef<'_>, declared: u32) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        write(&mut out, "n", value, declared)?;
        Ok(out.split_off(4))
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
