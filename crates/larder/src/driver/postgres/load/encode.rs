//! A value on its way into a column, in the binary form of the column's type.

use super::numeric;
use crate::driver::postgres::oid;
use crate::sql::ValueRef;
use crate::sql::civil::{self, Moment, parse_date, parse_moment, parse_time};
use crate::sql::decimal::Decimal;

/// From 1970 to 2000, where the server's times begin.
pub(super) const EPOCH_DAYS: i64 = 10_957;
const DAY: i64 = 86_400_000_000;
pub(super) const EPOCH: i64 = EPOCH_DAYS * DAY;

/// How values get into columns of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Bool,
    Int2,
    Int4,
    Int8,
    Float4,
    Float8,
    Numeric,
    /// Its binary form is its text.
    Text,
    Bytes,
    Timestamptz,
    Timestamp,
    Date,
    Time,
    Uuid,
    Jsonb,
}

impl Form {
    /// `None` for a type that is sent and fetched as text.
    pub(super) fn of(kind: u32) -> Option<Self> {
        Some(match kind {
            oid::BOOL => Self::Bool,
            oid::INT2 => Self::Int2,
            oid::INT4 => Self::Int4,
            oid::INT8 => Self::Int8,
            oid::FLOAT4 => Self::Float4,
            oid::FLOAT8 => Self::Float8,
            oid::NUMERIC => Self::Numeric,
            oid::TEXT | oid::VARCHAR | oid::BPCHAR | oid::NAME | oid::JSON | oid::XML => Self::Text,
            oid::BYTEA => Self::Bytes,
            oid::TIMESTAMPTZ => Self::Timestamptz,
            oid::TIMESTAMP => Self::Timestamp,
            oid::DATE => Self::Date,
            oid::TIME => Self::Time,
            oid::UUID => Self::Uuid,
            oid::JSONB => Self::Jsonb,
            _ => return None,
        })
    }

    /// Adds the field of a value: its length, and the value. `None` where the value does not fit.
    pub(super) fn field(self, value: ValueRef<'_>, out: &mut Vec<u8>) -> Option<()> {
        if value == ValueRef::Null {
            out.extend((-1_i32).to_be_bytes());
            return Some(());
        }
        let from = out.len();
        out.extend([0; 4]);
        self.bytes(value, out)?;
        let length = i32::try_from(out.len() - from - 4).ok()?;
        out.get_mut(from..from + 4)?.copy_from_slice(&length.to_be_bytes());
        Some(())
    }

    fn bytes(self, value: ValueRef<'_>, out: &mut Vec<u8>) -> Option<()> {
        match (self, value) {
            (Self::Int8, ValueRef::Integer(number)) => out.extend(number.to_be_bytes()),
            (Self::Int4, ValueRef::Integer(number)) => out.extend(i32::try_from(number).ok()?.to_be_bytes()),
            (Self::Int2, ValueRef::Integer(number)) => out.extend(i16::try_from(number).ok()?.to_be_bytes()),
            (Self::Bool, ValueRef::Integer(number @ 0..=1)) => out.push(u8::from(number == 1)),
            (Self::Float8, ValueRef::Real(number)) => out.extend(number.to_be_bytes()),
            (Self::Float8, ValueRef::Integer(number)) => out.extend((number as f64).to_be_bytes()),
            (Self::Float4, ValueRef::Real(number)) => out.extend((number as f32).to_be_bytes()),
            (Self::Float4, ValueRef::Integer(number)) => out.extend((number as f32).to_be_bytes()),
            (Self::Numeric, ValueRef::Integer(number)) => {
                return numeric::encode(&Decimal::parse(&number.to_string())?, out);
            }
            (Self::Numeric, ValueRef::Real(number)) => {
                return numeric::encode(&Decimal::parse(&number.to_string())?, out);
            }
            (Self::Numeric, ValueRef::Text(text)) => return numeric::encode(&Decimal::parse(text)?, out),
            (Self::Text, ValueRef::Text(text)) => out.extend(text.as_bytes()),
            (Self::Text, ValueRef::Integer(number)) => out.extend(number.to_string().as_bytes()),
            (Self::Text, ValueRef::Real(number)) => out.extend(number.to_string().as_bytes()),
            (Self::Jsonb, value) => {
                out.push(1);
                return Self::Text.bytes(value, out);
            }
            (Self::Bytes, ValueRef::Blob(bytes)) => out.extend(bytes),
            (Self::Uuid, ValueRef::Blob(bytes)) if bytes.len() == 16 => out.extend(bytes),
            (Self::Uuid, ValueRef::Text(text)) => out.extend(uuid(text)?),
            (Self::Timestamptz | Self::Timestamp, ValueRef::Text("infinity")) => {
                out.extend(i64::MAX.to_be_bytes())
            }
            (Self::Timestamptz | Self::Timestamp, ValueRef::Text("-infinity")) => {
                out.extend(i64::MIN.to_be_bytes())
            }
            (Self::Timestamptz, ValueRef::Text(text)) => {
                let Moment { micros, offset } = parse_moment(text).ok()?;
                let micros = micros - i64::from(offset.unwrap_or(0)) * 1_000_000;
                out.extend((micros - EPOCH).to_be_bytes());
            }
            (Self::Timestamp, ValueRef::Text(text)) => {
                out.extend((parse_moment(text).ok()?.micros - EPOCH).to_be_bytes());
            }
            (Self::Date, ValueRef::Text("infinity")) => out.extend(i32::MAX.to_be_bytes()),
            (Self::Date, ValueRef::Text("-infinity")) => out.extend(i32::MIN.to_be_bytes()),
            (Self::Date, ValueRef::Text(text)) => {
                let days = parse_date(text).ok()? - EPOCH_DAYS;
                out.extend(i32::try_from(days).ok()?.to_be_bytes());
            }
            (Self::Time, ValueRef::Text(text)) => out.extend(parse_time(text).ok()?.to_be_bytes()),
            _ => return None,
        }
        Some(())
    }

    /// Adds the text of a value that was fetched, or gives it where it needs none. `None` for bytes of another form.
    pub(super) fn value(self, bytes: &[u8], text: &mut String) -> Option<Decoded> {
        Some(match self {
            Self::Bool => Decoded::Integer((*bytes.first()?).into()),
            Self::Int2 => Decoded::Integer(i16::from_be_bytes(bytes.try_into().ok()?).into()),
            Self::Int4 => Decoded::Integer(i32::from_be_bytes(bytes.try_into().ok()?).into()),
            Self::Int8 => Decoded::Integer(i64::from_be_bytes(bytes.try_into().ok()?)),
            Self::Float4 => Decoded::Real(f32::from_be_bytes(bytes.try_into().ok()?).into()),
            Self::Float8 => Decoded::Real(f64::from_be_bytes(bytes.try_into().ok()?)),
            Self::Text => Decoded::Text,
            Self::Bytes => Decoded::Blob,
            Self::Jsonb => Decoded::TextFrom(1),
            Self::Numeric => {
                numeric::decode(bytes, text)?;
                Decoded::Written
            }
            Self::Uuid => {
                let bytes: [u8; 16] = bytes.try_into().ok()?;
                for (at, byte) in bytes.into_iter().enumerate() {
                    if matches!(at, 4 | 6 | 8 | 10) {
                        text.push('-');
                    }
                    for digit in [byte >> 4, byte & 15] {
                        text.push(char::from_digit(digit.into(), 16)?);
                    }
                }
                Decoded::Written
            }
            Self::Timestamptz | Self::Timestamp => {
                match i64::from_be_bytes(bytes.try_into().ok()?) {
                    i64::MAX => text.push_str("infinity"),
                    i64::MIN => text.push_str("-infinity"),
                    micros => {
                        // The last years that the server knows are beyond the microseconds since 1970.
                        civil::write_date(micros.div_euclid(DAY) + EPOCH_DAYS, text);
                        text.push('T');
                        civil::write_time(micros.rem_euclid(DAY), text);
                        if self == Self::Timestamptz {
                            text.push('Z');
                        }
                    }
                }
                Decoded::Written
            }
            Self::Date => {
                match i32::from_be_bytes(bytes.try_into().ok()?) {
                    i32::MAX => text.push_str("infinity"),
                    i32::MIN => text.push_str("-infinity"),
                    days => civil::write_date(i64::from(days) + EPOCH_DAYS, text),
                }
                Decoded::Written
            }
            Self::Time => {
                civil::write_time(i64::from_be_bytes(bytes.try_into().ok()?), text);
                Decoded::Written
            }
        })
    }
}

/// What a fetched field is.
pub(super) enum Decoded {
    Integer(i64),
    Real(f64),
    /// The bytes are the text.
    Text,
    /// They are, from here on.
    TextFrom(usize),
    Blob,
    /// The text was written.
    Written,
}

/// The bytes of a UUID as people write it, with hyphens or without.
fn uuid(text: &str) -> Option<[u8; 16]> {
    let digits: Vec<u8> = text.bytes().filter(|c| *c != b'-').collect();
    let mut bytes = [0; 16];
    if digits.len() != 32 {
        return None;
    }
    for (byte, [high, low]) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
        let digit = |c: u8| char::from(c).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    Some(bytes)
}
