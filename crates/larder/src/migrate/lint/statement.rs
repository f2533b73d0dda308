//! The words of one statement.

use crate::sql::text::{Dialect, Token, TokenKind, tokens};

/// The tokens of a statement, or of a part of it, that are no comments.
#[derive(Clone, Debug)]
pub(super) struct Words<'a>(Vec<Token<'a>>);

impl<'a> Words<'a> {
    pub(super) fn of(sql: &'a str) -> Self {
        let means = |token: &Token<'_>| token.kind != TokenKind::Comment && !token.is_punct(";");
        Self(tokens(sql, Dialect::Postgres).filter(means).collect())
    }

    pub(super) fn at(&self, at: usize, word: &str) -> bool {
        self.0.get(at).is_some_and(|token| token.is(word))
    }

    pub(super) fn begin(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(at, word)| self.at(at, word))
    }

    pub(super) fn has(&self, word: &str) -> bool {
        self.0.iter().any(|token| token.is(word))
    }

    /// True where these words stand in it one after the other.
    pub(super) fn has_all(&self, words: &[&str]) -> bool {
        (0..self.0.len()).any(|at| words.iter().enumerate().all(|(n, word)| self.at(at + n, word)))
    }

    /// Without as many of these words as stand at the front, in this order.
    pub(super) fn skip(&self, words: &[&str]) -> Self {
        let mut rest = self.0.as_slice();
        for word in words {
            if let Some((first, behind)) = rest.split_first()
                && first.is(word)
            {
                rest = behind;
            }
        }
        Self(rest.to_vec())
    }

    /// What stands behind the first of this word.
    pub(super) fn behind(&self, word: &str) -> Self {
        Self(self.0.iter().skip_while(|token| !token.is(word)).skip(1).copied().collect())
    }

    /// Without parentheses at the front and what is in them: the options of VACUUM, REINDEX, ….
    pub(super) fn past_options(&self) -> Self {
        let mut depth = 0_u32;
        let options = self.0.iter().take_while(|token| {
            depth += u32::from(token.is_punct("("));
            let inside = depth > 0;
            depth = depth.saturating_sub(u32::from(token.is_punct(")")));
            inside
        });
        Self(self.0.iter().skip(options.count()).copied().collect())
    }

    /// The name at the front, as SQL names it, and what stands behind it.
    pub(super) fn name(&self) -> Option<(String, Self)> {
        let is_name = |token: &Token<'_>| matches!(token.kind, TokenKind::Word | TokenKind::Quoted);
        let mut name = self.0.first().filter(|token| is_name(token))?.text.to_owned();
        let mut at = 1;
        while self.0.get(at).is_some_and(|token| token.is_punct(".")) {
            name = format!("{name}.{}", self.0.get(at + 1)?.text);
            at += 2;
        }
        Some((name, Self(self.0.get(at..).unwrap_or_default().to_vec())))
    }

    /// The parts between the commas that stand in no parentheses.
    pub(super) fn parts(&self) -> Vec<Self> {
        let mut parts = vec![Vec::new()];
        let mut depth = 0_u32;
        for token in &self.0 {
            depth += u32::from(token.is_punct("("));
            depth = depth.saturating_sub(u32::from(token.is_punct(")")));
            if depth == 0 && token.is_punct(",") {
                parts.push(Vec::new());
            } else if let Some(part) = parts.last_mut() {
                part.push(*token);
            }
        }
        parts.into_iter().map(Self).collect()
    }

    /// The functions that are called.
    pub(super) fn calls(&self) -> impl Iterator<Item = &'a str> {
        self.0.windows(2).filter_map(|two| match two {
            [name, open] if name.kind == TokenKind::Word && open.is_punct("(") => Some(name.text),
            _ => None,
        })
    }
}
