//! Walking over the tokens that mean something to the engine.

use super::Dialect;
use super::token::{Token, TokenKind, Tokens, tokens};

/// A place in a statement, with one token of look-ahead. Comments are stepped over.
#[derive(Clone)]
pub(super) struct Cursor<'a> {
    tokens: Tokens<'a>,
    next: Option<Token<'a>>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(sql: &'a str, dialect: Dialect) -> Self {
        let mut cursor = Self { tokens: tokens(sql, dialect), next: None };
        cursor.advance();
        cursor
    }

    /// Steps over the next token, whatever it is.
    pub(super) fn advance(&mut self) -> Option<Token<'a>> {
        std::mem::replace(&mut self.next, self.tokens.find(|token| token.kind != TokenKind::Comment))
    }

    /// Steps over this keyword if it is next.
    pub(super) fn eat(&mut self, word: &str) -> bool {
        let is_next = self.next.is_some_and(|token| token.is(word));
        if is_next {
            self.advance();
        }
        is_next
    }

    /// Steps over these keywords if all of them are next, in this order.
    pub(super) fn eat_all(&mut self, words: &[&str]) -> bool {
        let before = self.clone();
        let all = words.iter().all(|word| self.eat(word));
        if !all {
            *self = before;
        }
        all
    }

    /// Steps over this separator if it is next.
    pub(super) fn eat_punct(&mut self, text: &str) -> bool {
        let is_next = self.next.is_some_and(|token| token.is_punct(text));
        if is_next {
            self.advance();
        }
        is_next
    }

    /// The name that is next, in lower case, with the schema before it if there is one.
    pub(super) fn qualified_name(&mut self) -> Option<(Option<String>, String)> {
        let first = self.name()?;
        if self.eat_punct(".") { Some((Some(first), self.name()?)) } else { Some((None, first)) }
    }

    fn name(&mut self) -> Option<String> {
        let token = self.next?;
        let is_name = matches!(token.kind, TokenKind::Word | TokenKind::Quoted | TokenKind::String);
        is_name.then(|| {
            self.advance();
            token.name().to_ascii_lowercase()
        })
    }
}
