//! Why an error came about.

use larder::Error;
use larder::migrate::{Failed, Refused, Report};
use std::error::Error as StdError;

/// The causes that say more than what stands above them.
pub(super) fn causes(error: &Error) -> Vec<String> {
    let mut said = error.message().to_owned();
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        let text = match cause.downcast_ref::<Error>() {
            Some(cause) => cause.message().to_owned(),
            None => cause.to_string(),
        };
        if !cause.is::<Refused>() && !said.contains(&text) {
            said.push_str(&text);
            causes.push(text);
        }
        next = cause.source();
    }
    causes
}

/// What a run had done before it stopped.
pub(crate) fn stopped(error: &Error) -> Option<&Report> {
    let refused = error.find::<Refused>().map(|refused| &refused.report);
    refused.or_else(|| error.find::<Failed>().map(|failed| &failed.report))
}
