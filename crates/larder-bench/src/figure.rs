//! What a round of one subject showed, and what several rounds say together.

use std::collections::BTreeMap;

use larder_bench_protocol::Outcome;
use serde_json::Value;

use crate::work::Metric;

/// What one round of one subject showed.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Figures {
    /// Nanoseconds of wall time.
    ns: f64,
    /// Operations.
    ops: f64,
    /// Nanoseconds of single operations, where they were timed.
    p50: Option<f64>,
    p99: Option<f64>,
    p999: Option<f64>,
    /// What else the worker counted.
    pub counts: BTreeMap<String, f64>,
}

impl Figures {
    /// Reads what a worker said.
    pub(crate) fn read(said: &Value) -> Outcome<Self> {
        let find = |key: &str| said.get(key).and_then(Value::as_f64);
        let number = |key: &str| find(key).ok_or_else(|| format!("no {key} in {said}"));
        let counts = said.get("counts").and_then(Value::as_object).into_iter().flatten();
        Ok(Self {
            ns: number("ns")?,
            ops: number("ops")?,
            p50: find("p50"),
            p99: find("p99"),
            p999: find("p999"),
            counts: counts.filter_map(|(name, count)| Some((name.clone(), count.as_f64()?))).collect(),
        })
    }

    /// One number of it, in nanoseconds; `None` when it was not taken or nothing was done.
    pub(crate) fn get(&self, metric: Metric) -> Option<f64> {
        match metric {
            Metric::Time | Metric::Rate => (self.ops > 0.0).then(|| self.ns / self.ops),
            Metric::P50 => self.p50,
            Metric::P99 => self.p99,
            Metric::P999 => self.p999,
        }
    }

    /// Of processes that did the same one after another: the median of each number.
    pub(crate) fn middle(all: &[Self]) -> Option<Self> {
        let middle = |number: &dyn Fn(&Self) -> Option<f64>| {
            Some(Spread::of(all.iter().filter_map(number).collect())?.middle)
        };
        Some(Self {
            ns: middle(&|one| Some(one.ns / one.ops))?,
            ops: 1.0,
            p50: middle(&|one| one.p50),
            p99: middle(&|one| one.p99),
            p999: middle(&|one| one.p999),
            counts: added(all),
        })
    }

    /// Of processes that worked at once: the longest time, all operations, and of the percentiles the worst.
    pub(crate) fn together(all: &[Self]) -> Self {
        let most =
            |number: &dyn Fn(&Self) -> Option<f64>| all.iter().filter_map(number).max_by(f64::total_cmp);
        Self {
            ns: most(&|one| Some(one.ns)).unwrap_or_default(),
            ops: all.iter().map(|one| one.ops).sum(),
            p50: most(&|one| one.p50),
            p99: most(&|one| one.p99),
            p999: most(&|one| one.p999),
            counts: added(all),
        }
    }
}

/// The counts of several, added up by name.
pub(crate) fn added(all: &[Figures]) -> BTreeMap<String, f64> {
    let mut sums = BTreeMap::new();
    for (name, count) in all.iter().flat_map(|one| &one.counts) {
        *sums.entry(name.clone()).or_default() += count;
    }
    sums
}

/// A middle and the middle half around it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    /// The lower quartile.
    pub low: f64,
    /// The median.
    pub middle: f64,
    /// The upper quartile.
    pub high: f64,
}

impl Spread {
    /// Of numbers in any order; `None` of none.
    pub(crate) fn of(mut numbers: Vec<f64>) -> Option<Self> {
        numbers.sort_by(f64::total_cmp);
        let last = numbers.len().checked_sub(1)?;
        let at = |share: f64| {
            let place = share * last as f64;
            let below = numbers.get(place.floor() as usize)?;
            let above = numbers.get(place.ceil() as usize)?;
            Some(below + (above - below) * place.fract())
        };
        Some(Self { low: at(0.25)?, middle: at(0.5)?, high: at(0.75)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(text: &str) -> Figures {
        Figures::read(&serde_json::from_str(text).unwrap()).unwrap()
    }

    #[test]
    fn a_spread_is_the_median_and_the_quartiles() {
        let spread = Spread::of(vec![5.0, 1.0, 3.0, 2.0, 4.0]).unwrap();
        assert_eq!(spread, Spread { low: 2.0, middle: 3.0, high: 4.0 });
        assert_eq!(Spread::of(vec![1.0, 2.0]).unwrap().middle, 1.5);
        assert_eq!(Spread::of(Vec::new()), None);
    }

    #[test]
    fn what_a_worker_says_is_read() {
        let read = figures(r#"{"ns":100,"ops":4,"p50":20,"p999":60,"counts":{"busy":3}}"#);
        assert_eq!(read.get(Metric::Time), Some(25.0));
        assert_eq!(read.get(Metric::P999), Some(60.0));
        assert_eq!(read.get(Metric::P99), None);
        assert_eq!(read.counts.get("busy"), Some(&3.0));
        assert_eq!(figures(r#"{"ns":100,"ops":0}"#).get(Metric::Rate), None);
        assert!(Figures::read(&Value::Null).is_err());
    }

    #[test]
    fn processes_at_once_add_up_and_those_in_turn_have_a_median() {
        let all = [
            figures(r#"{"ns":100,"ops":4,"p50":20,"counts":{"busy":3}}"#),
            figures(r#"{"ns":80,"ops":1,"p50":40,"counts":{"busy":1}}"#),
        ];
        let together = Figures::together(&all);
        assert_eq!((together.get(Metric::Rate), together.p50), (Some(20.0), Some(40.0)));
        assert_eq!(together.counts.get("busy"), Some(&4.0));
        let middle = Figures::middle(&all).unwrap();
        assert_eq!((middle.get(Metric::Time), middle.p50), (Some(52.5), Some(30.0)));
        assert_eq!(Figures::middle(&[]), None);
    }
}
