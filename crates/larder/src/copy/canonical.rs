//! A value in the one form that both sides have in common: what is the same in both gives the same bytes. What has no such
//! form does not fit.

use super::json;
use super::kind::{Affinity, Kind};
use super::misfit::Reason;
use crate::sql::ValueRef;
use crate::sql::civil::{NoDate, parse_date, parse_moment, parse_time};
use crate::sql::decimal::Decimal;
use serde::de::IgnoredAny;

/// Up to this tag what follows has a length of its own: nothing for NULL, eight bytes for the others.
const FIXED: u8 = 3;

/// A column, for the comparison.
#[derive(Clone, Debug)]
pub(super) struct Measure {
    pub(super) kind: Kind,
    /// The target's type, for people.
    pub(super) shown: String,
    /// The target takes no NULL.
    pub(super) not_null: bool,
    /// What the target does to values, where it is SQLite and the source is not.
    pub(super) affinity: Option<Affinity>,
    /// The target is PostgreSQL, whose text has no NUL.
    pub(super) no_nul: bool,
}

impl Measure {
    /// Adds a value that the source has, or says why the target can't hold it.
    pub(super) fn source(&self, value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<(), Reason> {
        match value {
            ValueRef::Null if self.not_null => return Err(Reason::Null),
            ValueRef::Text(text) if self.no_nul && text.contains('\0') => return Err(Reason::Nul),
            _ => {}
        }
        self.bytes(value, out)?;
        match self.affinity {
            Some(affinity) => self.kept(affinity, value),
            None => Ok(()),
        }
    }

    /// Adds a value of either side.
    pub(super) fn bytes(&self, value: ValueRef<'_>, out: &mut Vec<u8>) -> Result<(), Reason> {
        let mut exact = |tag: u8, bytes: &[u8]| {
            out.push(tag);
            // Numbers and times have one length; no text and no blob is longer than these bytes count.
            if tag > FIXED {
                out.extend(u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
            }
            out.extend(bytes);
            Ok(())
        };
        if value == ValueRef::Null {
            return exact(0, &[]);
        }
        match (&self.kind, value) {
            (Kind::Any, ValueRef::Integer(number)) => exact(1, &number.to_be_bytes()),
            (Kind::Any, ValueRef::Real(number)) => exact(2, &positive_zero(number).to_be_bytes()),
            (Kind::Any | Kind::Json, ValueRef::Text(text)) if self.kind == Kind::Any => {
                exact(4, text.as_bytes())
            }
            (Kind::Any | Kind::Bytes, ValueRef::Blob(bytes)) => exact(5, bytes),
            (Kind::Bool, ValueRef::Integer(number)) => {
                if matches!(number, 0 | 1) {
                    exact(1, &number.to_be_bytes())
                } else {
                    Err(self.range())
                }
            }
            (Kind::Int(bits), ValueRef::Integer(number)) => {
                if *bits < 64 && (number >> (bits - 1)) != 0 && (number >> (bits - 1)) != -1 {
                    return Err(self.range());
                }
                exact(1, &number.to_be_bytes())
            }
            (Kind::Float8, ValueRef::Real(number)) => exact(2, &positive_zero(number).to_be_bytes()),
            (Kind::Float8, ValueRef::Integer(number)) => {
                let real = number as f64;
                if real as i128 != i128::from(number) {
                    return Err(self.range());
                }
                exact(2, &positive_zero(real).to_be_bytes())
            }
            (Kind::Float4, ValueRef::Real(number)) => {
                let short = number as f32;
                if f64::from(short) != number && !number.is_nan() {
                    return Err(self.range());
                }
                exact(2, &positive_zero(number).to_be_bytes())
            }
            (Kind::Float4, ValueRef::Integer(number)) => {
                let short = number as f32;
                if short as i128 != i128::from(number) {
                    return Err(self.range());
                }
                exact(2, &f64::from(short).to_be_bytes())
            }
            (Kind::Numeric(limit), ValueRef::Integer(_) | ValueRef::Real(_) | ValueRef::Text(_)) => {
                let number = decimal(value).ok_or_else(|| match value {
                    ValueRef::Real(_) | ValueRef::Text("NaN" | "Infinity" | "-Infinity") => {
                        Reason::NotANumber
                    }
                    _ => self.type_of(value),
                })?;
                let (whole, scale) =
                    limit.map_or((131_072, 16_383), |(digits, scale)| (digits - scale, scale));
                if number.exponent > whole || number.needed_scale() > scale {
                    return Err(self.range());
                }
                let mut bytes = Vec::new();
                number.canonical(&mut bytes);
                exact(6, &bytes)
            }
            (Kind::Text(limit), ValueRef::Text(text)) => {
                if limit.is_some_and(|limit| text.len() > limit && text.chars().count() > limit) {
                    return Err(Reason::TooLong { column: self.shown.clone() });
                }
                exact(4, text.as_bytes())
            }
            (
                Kind::Timestamptz | Kind::Timestamp | Kind::Date,
                ValueRef::Text(text @ ("infinity" | "-infinity")),
            ) => exact(7, text.as_bytes()),
            (Kind::Timestamptz, ValueRef::Text(text)) => {
                let moment = parse_moment(text).map_err(|no| self.no_date(no))?;
                exact(3, &(moment.micros - i64::from(moment.offset.unwrap_or(0)) * 1_000_000).to_be_bytes())
            }
            (Kind::Timestamp, ValueRef::Text(text)) => {
                match parse_moment(text).map_err(|no| self.no_date(no))? {
                    // A clock without a zone can't tell the time of another one.
                    moment if moment.offset.unwrap_or(0) != 0 => Err(self.no_date(NoDate::Form)),
                    moment => exact(3, &moment.micros.to_be_bytes()),
                }
            }
            (Kind::Date, ValueRef::Text(text)) => {
                exact(3, &parse_date(text).map_err(|no| self.no_date(no))?.to_be_bytes())
            }
            (Kind::Time, ValueRef::Text(text)) => {
                exact(3, &parse_time(text).map_err(|no| self.no_date(no))?.to_be_bytes())
            }
            (Kind::Uuid, ValueRef::Blob(bytes)) if bytes.len() == 16 => exact(8, bytes),
            (Kind::Uuid, ValueRef::Text(text)) => exact(8, &uuid(text).ok_or(Reason::NotAUuid)?),
            // Kept as the text that it is.
            (Kind::Json, ValueRef::Text(text)) => {
                serde_json::from_str::<IgnoredAny>(text).map_err(|_| Reason::NotJson)?;
                exact(9, text.as_bytes())
            }
            (Kind::Json, ValueRef::Integer(_) | ValueRef::Real(_)) => exact(9, number(value)?.as_bytes()),
            (Kind::Jsonb, ValueRef::Text(text)) => {
                let mut bytes = Vec::new();
                json::canonical(text, &mut bytes).ok_or(Reason::NotJson)?;
                exact(9, &bytes)
            }
            (Kind::Jsonb, ValueRef::Integer(_) | ValueRef::Real(_)) => {
                let mut bytes = Vec::new();
                json::canonical(&number(value)?, &mut bytes).ok_or(Reason::NotJson)?;
                exact(9, &bytes)
            }
            _ => Err(self.type_of(value)),
        }
    }

    /// Whether SQLite keeps a value in a column of that affinity as what it is.
    fn kept(&self, affinity: Affinity, value: ValueRef<'_>) -> Result<(), Reason> {
        match (affinity, value) {
            (_, ValueRef::Real(number)) if number.is_nan() => Err(Reason::NotANumber),
            (Affinity::Text | Affinity::Blob, _) => Ok(()),
            (_, ValueRef::Text(text)) => {
                let Ok(number) = text.trim().parse::<f64>() else { return Ok(()) };
                match &self.kind {
                    // As a number it is the same if SQLite's has all of its digits.
                    Kind::Json if number.to_string() == text => Ok(()),
                    Kind::Numeric(_) | Kind::Jsonb => {
                        let same = text.parse::<i64>().is_ok()
                            || Decimal::parse(&number.to_string())
                                .is_some_and(|kept| same_worth(&kept, text));
                        if same { Ok(()) } else { Err(self.range()) }
                    }
                    // `inf` and `nan` are numbers to Rust and words to SQLite.
                    _ if text.bytes().all(|c| !c.is_ascii_digit()) => Ok(()),
                    _ => Err(Reason::BecomesNumber),
                }
            }
            (Affinity::Real, ValueRef::Integer(number)) if (number as f64) as i128 != i128::from(number) => {
                Err(self.range())
            }
            _ => Ok(()),
        }
    }

    fn type_of(&self, value: ValueRef<'_>) -> Reason {
        Reason::Type { found: value.kind(), column: self.shown.clone() }
    }

    fn range(&self) -> Reason {
        Reason::Range { column: self.shown.clone() }
    }

    fn no_date(&self, no: NoDate) -> Reason {
        match no {
            NoDate::Form => Reason::NotADate { column: self.shown.clone() },
            NoDate::Precise => Reason::Precise,
        }
    }
}

/// The text of a number of SQLite's, which has no type for JSON.
fn number(value: ValueRef<'_>) -> Result<String, Reason> {
    match value {
        ValueRef::Integer(number) => Ok(number.to_string()),
        ValueRef::Real(number) if number.is_finite() => Ok(number.to_string()),
        _ => Err(Reason::NotANumber),
    }
}

fn same_worth(kept: &Decimal, text: &str) -> bool {
    Decimal::parse(text).is_some_and(|given| {
        (given.negative, given.exponent, &given.digits) == (kept.negative, kept.exponent, &kept.digits)
    })
}

/// The two zeros are equal, and SQLite keeps one of them.
fn positive_zero(number: f64) -> f64 {
    if number == 0.0 {
        0.0
    } else if number.is_nan() {
        f64::NAN
    } else {
        number
    }
}

fn decimal(value: ValueRef<'_>) -> Option<Decimal> {
    match value {
        ValueRef::Integer(number) => Decimal::parse(&number.to_string()),
        ValueRef::Real(number) => Decimal::parse(&number.to_string()),
        ValueRef::Text(text) => Decimal::parse(text),
        _ => None,
    }
}

fn uuid(text: &str) -> Option<[u8; 16]> {
    let hyphens = [8, 13, 18, 23];
    let plain = text.len() == 36 && hyphens.iter().all(|at| text.as_bytes().get(*at) == Some(&b'-'));
    let digits: String = text.chars().filter(|c| *c != '-').collect();
    if digits.len() != 32 || !(plain || text.len() == 32) {
        return None;
    }
    u128::from_str_radix(&digits, 16).ok().map(u128::to_be_bytes)
}
