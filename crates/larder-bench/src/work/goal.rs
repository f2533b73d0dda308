//! What Larder is to reach: a number of a round, compared with another's, and a bound.

use std::fmt;

use crate::number::{digits, grouped, rate, time};

/// A number that a round shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metric {
    /// The time of the round by its operations.
    Time,
    /// The same, told as operations a second: of several threads together.
    Rate,
    /// The median of the single operations.
    P50,
    /// What 99 of 100 single operations stay below.
    P99,
    /// What 999 of 1,000 single operations stay below.
    P999,
}

/// A case and a subject.
pub(crate) type At = (&'static str, &'static str);

/// What is looked at.
#[derive(Debug)]
pub(crate) enum What {
    /// The same number of two: `left` by `right`, round by round.
    Ratio {
        /// Which number.
        metric: Metric,
        /// Larder, mostly.
        left: At,
        /// What it is compared with.
        right: At,
    },
    /// A number by itself.
    Single {
        /// Which number.
        metric: Metric,
        /// Whose.
        at: At,
    },
    /// The instructions that an operation of each takes, by valgrind.
    Instructions {
        /// Larder, mostly.
        left: At,
        /// What it is compared with.
        right: At,
    },
    /// A count of all rounds together, such as of busy errors.
    Count {
        /// As the worker calls it.
        name: &'static str,
        /// Whose.
        at: At,
    },
}

/// What is looked at, and its bound.
#[derive(Debug)]
pub(crate) struct Goal {
    /// In words.
    pub text: &'static str,
    /// Two numbers, or a count.
    pub what: What,
    /// Where it must stay.
    pub bound: Bound,
    /// Another goal that does as well, where there is one.
    pub or: Option<&'static Goal>,
}

impl Goal {
    /// That a number of `left` keeps to a bound, compared with that of `right`.
    pub(crate) const fn new(text: &'static str, metric: Metric, left: At, right: At, bound: Bound) -> Self {
        Self::of(text, What::Ratio { metric, left, right }, bound)
    }

    /// That the instructions of `left` keep to a bound, compared with those of `right`.
    pub(crate) const fn instructions(text: &'static str, left: At, right: At, bound: Bound) -> Self {
        Self::of(text, What::Instructions { left, right }, bound)
    }

    /// That a number by itself keeps to a bound.
    pub(crate) const fn single(text: &'static str, metric: Metric, at: At, bound: Bound) -> Self {
        Self::of(text, What::Single { metric, at }, bound)
    }

    /// That this is met, or `other`.
    pub(crate) const fn or(self, other: &'static Self) -> Self {
        Self { or: Some(other), ..self }
    }

    const fn of(text: &'static str, what: What, bound: Bound) -> Self {
        Self { text, what, bound, or: None }
    }

    /// That a count is 0 in all rounds.
    pub(crate) const fn none(text: &'static str, name: &'static str, at: At) -> Self {
        Self::of(text, What::Count { name, at }, Bound::Zero)
    }

    /// The cases and subjects that it needs.
    pub(crate) fn needs(&self) -> Vec<At> {
        match self.what {
            What::Ratio { left, right, .. } | What::Instructions { left, right } => vec![left, right],
            What::Single { at, .. } | What::Count { at, .. } => vec![at],
        }
    }
}

/// Where a goal's number must stay. All metrics are times, so less is better; a bound says which way the ratio is told.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    /// The ratio of the times is at most this.
    AtMost(f64),
    /// The ratio of the times is below this.
    Below(f64),
    /// So many times as fast, or more: the ratio is turned round.
    AtLeast(f64),
    /// At most the so-manieth part.
    Part(f64),
    /// Less than so many nanoseconds.
    Within(f64),
    /// So many a second, or more.
    PerSecond(f64),
    /// Not one.
    Zero,
}

impl Bound {
    /// The number that people read, of the ratio of two times, or of one time in nanoseconds.
    pub(crate) fn told(self, ratio: f64) -> f64 {
        match self {
            Self::AtLeast(_) | Self::Part(_) => 1.0 / ratio,
            Self::PerSecond(_) => 1e9 / ratio,
            Self::AtMost(_) | Self::Below(_) | Self::Within(_) | Self::Zero => ratio,
        }
    }

    /// Whether a number, as it is told, keeps to it.
    pub(crate) fn holds(self, told: f64) -> bool {
        match self {
            Self::AtMost(most) => told <= most,
            Self::Below(limit) | Self::Within(limit) => told < limit,
            Self::AtLeast(least) | Self::Part(least) | Self::PerSecond(least) => told >= least,
            Self::Zero => told == 0.0,
        }
    }

    /// A number, as it is told, in the words of the bound.
    pub(crate) fn show(self, told: f64) -> String {
        match self {
            Self::AtMost(_) | Self::Below(_) => format!("{told:.2}"),
            Self::AtLeast(_) => format!("{} ×", digits(told)),
            Self::Part(_) if told < 1.0 => format!("{} ×", digits(1.0 / told)),
            Self::Part(_) => format!("1/{}", digits(told)),
            Self::Within(_) => time(told),
            Self::PerSecond(_) => format!("{}/s", rate(1e9 / told)),
            Self::Zero => format!("{told:.0}"),
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtMost(most) => write!(f, "≤ {most:.2}"),
            Self::Below(limit) => write!(f, "< {limit:.2}"),
            Self::AtLeast(least) => write!(f, "≥ {least} ×"),
            Self::Part(part) => write!(f, "≤ 1/{part}"),
            Self::Within(limit) => write!(f, "< {}", time(*limit)),
            Self::PerSecond(least) => write!(f, "≥ {}/s", grouped(*least)),
            Self::Zero => write!(f, "0"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_tells_a_ratio_as_people_read_it() {
        // Larder takes an eighth of the time.
        let ratio = 0.125;
        for (bound, wanted, told) in [
            (Bound::AtMost(0.2), "≤ 0.20", "0.12"),
            (Bound::Below(1.0), "< 1.00", "0.12"),
            (Bound::AtLeast(8.0), "≥ 8 ×", "8.00 ×"),
            (Bound::AtLeast(1.6), "≥ 1.6 ×", "8.00 ×"),
            (Bound::Part(8.0), "≤ 1/8", "1/8.00"),
        ] {
            assert_eq!((bound.to_string().as_str(), bound.show(bound.told(ratio)).as_str()), (wanted, told));
            assert!(bound.holds(bound.told(ratio)), "{bound}");
        }
        assert!(!Bound::AtLeast(8.0).holds(Bound::AtLeast(8.0).told(0.2)));
        assert!(!Bound::Part(5.0).holds(Bound::Part(5.0).told(0.5)));
        assert!(Bound::Zero.holds(0.0) && !Bound::Zero.holds(1.0));
    }

    #[test]
    fn a_bound_tells_a_number_by_itself_as_a_time_or_a_rate() {
        let within = Bound::Within(5e8);
        assert_eq!((within.to_string(), within.show(within.told(2e8))), ("< 500 ms".into(), "200 ms".into()));
        assert!(within.holds(within.told(2e8)) && !within.holds(within.told(5e8)));
        let rate = Bound::PerSecond(1e6);
        assert_eq!(
            (rate.to_string(), rate.show(rate.told(800.0))),
            ("≥ 1,000,000/s".into(), "1,250,000/s".into())
        );
        assert!(rate.holds(rate.told(800.0)) && !rate.holds(rate.told(1250.0)));
    }

    #[test]
    fn a_part_that_is_more_than_the_whole_is_told_as_a_multiple() {
        let bound = Bound::Part(8.0);
        assert_eq!(bound.show(bound.told(2.5)), "2.50 ×");
        assert!(!bound.holds(bound.told(2.5)));
    }
}
