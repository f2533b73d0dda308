//! When is what done about the log? Pure arithmetic.

use std::time::Duration;

/// What is due after a commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The thread moves what it can, beside the writers.
    Ask,
    /// The writer moves all that it can, as soon as the thread is not at it.
    Pass,
    /// The same, and it waits for those who read the log, so that it can begin anew.
    Move,
    /// Nothing now.
    Leave,
}

/// The log, as far as it is known, in pages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Log {
    /// From here on a checkpoint is due.
    pub(super) threshold: u32,
    /// How long it is.
    pub(super) pages: u32,
    /// How much of it is in the file.
    pub(super) moved: u32,
    /// Somebody reads a state that lies so far back that moving is of little use.
    pub(super) held: bool,
    /// The thread is moving now.
    pub(super) moving: bool,
    /// Nobody tries to begin the log anew before it is this long: trying did not work.
    pub(super) not_before: u32,
}

/// So many thresholds long, the log should begin anew. A saturating writer would else stay ahead of the thread for ever.
const ANEW: u32 = 4;
/// So many thresholds long, it must: the writer waits. The same number to which the log's file is cut.
pub(super) const BOUND: u32 = crate::driver::LOG_FILE;

/// How long the writer waits for those who read the log, so that it can begin anew. Short reads end within it.
const PATIENCE: Duration = Duration::from_millis(10);
const LONGEST: Duration = Duration::from_secs(1);

impl Log {
    /// What is due where a thread does most of it.
    pub(super) fn beside(&self) -> Step {
        let rest = self.pages.saturating_sub(self.moved);
        if self.may_begin_anew() && (self.is_over(BOUND) || !self.moving && rest <= self.threshold) {
            Step::Move
        } else if self.moving {
            Step::Leave
        } else {
            Step::Ask
        }
    }

    /// What is due where the writer does it.
    pub(super) fn between(&self) -> Step {
        if self.may_begin_anew() { Step::Move } else { Step::Pass }
    }

    fn may_begin_anew(&self) -> bool {
        // One who reads for long is in the way; but who knows how long? Past the bound it is worth a try.
        self.pages >= self.not_before && self.is_long() && (!self.held || self.is_over(BOUND))
    }

    /// How long those who read are waited for: the longer the log, the longer.
    pub(super) fn patience(&self) -> Duration {
        let thresholds = if self.is_over(BOUND) { self.pages / self.threshold.max(1) } else { 1 };
        (PATIENCE * thresholds).min(LONGEST)
    }

    /// It did not begin anew: somebody reads. Past the bound it must grow to twice its length before writers wait again, so
    /// that they seldom wait for one who reads for hours.
    pub(super) fn stays(&mut self) {
        let more = if self.is_over(BOUND) { self.pages } else { self.threshold };
        self.not_before = self.pages.saturating_add(more);
    }

    /// From how many pages on something is to be decided again, when something was decided just now.
    pub(super) fn next(&self, beside: bool) -> u32 {
        let later = self.pages.saturating_add(self.threshold);
        // Each time the thread waits for the disk it slows the writers down.
        if beside { later.max(self.threshold.saturating_mul(ANEW)) } else { later }
    }

    /// True when the thread does well to go on at once: the less it leaves to the writer, the shorter that waits.
    pub(super) fn is_worth_more(&self, pages: u32, before: Option<u32>) -> bool {
        let rest = pages.saturating_sub(self.moved);
        self.is_long() && !self.held && rest > self.threshold / 8 && before.is_none_or(|before| rest < before)
    }

    /// True when the log should begin anew.
    pub(super) fn is_long(&self) -> bool {
        self.is_over(ANEW)
    }

    fn is_over(&self, thresholds: u32) -> bool {
        self.pages >= self.threshold.saturating_mul(thresholds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: Log = Log { threshold: 1000, pages: 0, moved: 0, held: false, moving: false, not_before: 0 };

    #[test]
    fn the_thread_is_asked_first_and_the_writer_moves_only_a_short_rest() {
        for (pages, moved, moving, expected) in [
            (1000, 0, false, Step::Ask),
            (1500, 0, true, Step::Leave),
            (3999, 3990, false, Step::Ask),
            (4000, 3000, false, Step::Move),
            (4000, 2999, false, Step::Ask),
            (4000, 3000, true, Step::Leave),
            (8000, 0, false, Step::Move),
            (8000, 0, true, Step::Move),
        ] {
            assert_eq!(Log { pages, moved, moving, ..LOG }.beside(), expected, "{pages} {moved} {moving}");
        }
    }

    #[test]
    fn for_one_who_reads_for_long_writers_wait_seldom() {
        let mut log = Log { held: true, ..LOG };
        let mut waited = Vec::new();
        for pages in (1000..=100_000).step_by(100) {
            log.pages = pages;
            if log.beside() == Step::Move {
                waited.push((pages, log.patience().as_millis()));
                log.stays();
            }
        }
        assert_eq!(waited, [(8000, 80), (16_000, 160), (32_000, 320), (64_000, 640)]);
        log.pages = u32::MAX;
        assert_eq!(log.patience(), LONGEST);
    }

    #[test]
    fn before_the_bound_it_is_tried_again_a_threshold_later() {
        let mut log = Log { pages: 4000, moved: 4000, ..LOG };
        assert_eq!((log.beside(), log.patience()), (Step::Move, PATIENCE));
        log.stays();
        for (pages, step) in [(4999, Step::Ask), (5000, Step::Move)] {
            assert_eq!(Log { pages, moved: pages, ..log }.beside(), step);
            let other = if step == Step::Ask { Step::Pass } else { step };
            assert_eq!(Log { pages, ..log }.between(), other);
        }
    }

    #[test]
    fn the_thread_goes_on_as_long_as_it_gains_on_the_writer() {
        let log = Log { pages: 4000, moved: 4000, ..LOG };
        assert!(log.is_worth_more(4500, None));
        assert!(log.is_worth_more(4500, Some(501)));
        assert!(!log.is_worth_more(4500, Some(500)));
        assert!(!log.is_worth_more(4125, None));
        assert!(!Log { held: true, ..log }.is_worth_more(4500, None));
        assert!(!Log { pages: 3999, ..log }.is_worth_more(4500, None));
    }

    #[test]
    fn after_the_first_time_the_thread_is_asked_when_the_log_is_long() {
        for (pages, beside, expected) in
            [(1000, true, 4000), (3500, true, 4500), (1000, false, 2000), (9000, true, 10_000)]
        {
            assert_eq!(Log { pages, ..LOG }.next(beside), expected);
        }
    }

    #[test]
    fn a_threshold_near_the_end_of_the_numbers_is_no_trouble() {
        let log = Log { threshold: u32::MAX, pages: u32::MAX, ..LOG };
        assert_eq!(log.beside(), Step::Move);
    }
}
