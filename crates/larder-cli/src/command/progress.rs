//! What moves on the terminal while something takes its time.

use crate::output::{Output, measure};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use larder::migrate::{Phase, Progress};
use std::time::Duration;

/// How often the bar is drawn while one statement runs.
const TICK: Duration = Duration::from_millis(100);

const WHOLE: &str = "{spinner} {wide_msg} {elapsed}";
const PART: &str = "{spinner} {wide_msg} {bar:24} {percent:>3} % {elapsed}";

/// A bar on the standard error, or nothing where no person looks at it.
pub(crate) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    pub(crate) fn new(output: &Output) -> Self {
        if !output.draws() {
            return Self { bar: ProgressBar::hidden() };
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template(WHOLE) {
            bar.set_style(style);
        }
        // A thread of its own ticks on, so that a statement that takes minutes does not look dead.
        bar.enable_steady_tick(TICK);
        Self { bar }
    }

    pub(crate) fn tell(&self, progress: &Progress) {
        if !self.bar.is_hidden() {
            self.bar.set_message(text(progress));
        }
    }

    /// Says what happens now and, where it is known, how much of how much is done.
    pub(crate) fn say(&self, text: String, part: Option<(u64, u64)>) {
        if self.bar.is_hidden() {
            return;
        }
        let template = if part.is_some() { PART } else { WHOLE };
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        if let Some((done, all)) = part {
            self.bar.set_length(all);
            self.bar.set_position(done);
        }
        self.bar.set_message(text);
    }

    /// Takes it off the screen.
    pub(crate) fn clear(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.clear();
    }
}

fn text(progress: &Progress) -> String {
    let what = match progress.phase {
        Phase::Running if progress.statements > 0 => {
            format!("statement {} of {}", progress.statement, progress.statements)
        }
        Phase::Running => "running".to_owned(),
        Phase::Measuring => "measuring what it did".to_owned(),
        Phase::BackingUp => "making a backup".to_owned(),
        Phase::Committing => "committing".to_owned(),
        _ => String::new(),
    };
    let place = format!("{} of {}", progress.migration, measure::count(progress.migrations, "migration"));
    format!("{} ({place}): {what}", progress.id)
}
