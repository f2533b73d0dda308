//! Directives: comments in the head of a migration that tell Larder how to run it.

use super::token::{Token, TokenKind, tokens};
use super::{Dialect, TextError};

/// One line `-- larder: word rest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Directive<'a> {
    /// What it asks for.
    pub word: DirectiveWord,
    /// What follows the word, trimmed.
    pub rest: &'a str,
    /// Where in the script the word begins, in bytes.
    pub offset: usize,
}

impl<'a> Directive<'a> {
    /// The items of [`Directive::rest`], which commas separate.
    pub fn items(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.rest.split(',').map(str::trim).filter(|item| !item.is_empty())
    }
}

/// What a [`Directive`] asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DirectiveWord {
    /// `no-transaction`: run it outside a transaction.
    NoTransaction,
    /// `destructive`: what it loses is approved; with a list, only what the list names.
    Destructive,
}

const WORDS: [(&str, DirectiveWord); 2] =
    [("no-transaction", DirectiveWord::NoTransaction), ("destructive", DirectiveWord::Destructive)];

/// The directives in the head of `script`, which ends with the first statement.
///
/// Whatever looks like a directive and would have no effect is an error: an unknown word, one in a block comment, one
/// after the first statement.
pub fn directives(script: &str, dialect: Dialect) -> Result<Vec<Directive<'_>>, TextError> {
    let (mut found, mut in_head) = (Vec::new(), true);
    for token in tokens(script, dialect) {
        if token.kind != TokenKind::Comment {
            in_head &= token.is_punct(";");
            continue;
        }
        let Some(body) = body(token.text) else { continue };
        let whole = |message: &str| TextError::new(message, token.offset, token.text.len());
        if !token.text.starts_with("--") {
            return Err(whole("a directive stands in a block comment").with_help(EXPECTED));
        }
        if !in_head {
            return Err(whole("a directive stands after the first statement")
                .with_help("move it to the head of the file"));
        }
        found.push(read(token, body)?);
    }
    Ok(found)
}

const EXPECTED: &str = "write it on a line of its own, as in -- larder: destructive";

/// What follows `larder:` in a comment that begins with it.
fn body(comment: &str) -> Option<&str> {
    let text = match comment.strip_prefix("--") {
        Some(text) => text,
        None => comment.strip_prefix("/*")?.strip_suffix("*/")?.trim_start_matches('*'),
    };
    let (name, rest) = text.split_once(':')?;
    name.trim().eq_ignore_ascii_case("larder").then_some(rest.trim())
}

fn read<'a>(token: Token<'a>, body: &'a str) -> Result<Directive<'a>, TextError> {
    let known = "known are no-transaction and destructive";
    let word = body.split(|c: char| c.is_whitespace() || c == ':').next().unwrap_or_default();
    let rest = body.get(word.len()..).unwrap_or_default();
    // `body` is trimmed, so it ends where the comment's last visible character does.
    let offset = token.offset + token.text.trim_end().len() - body.len();
    if word.is_empty() {
        return Err(
            TextError::new("a directive without a word", token.offset, token.text.len()).with_help(known)
        );
    }
    let Some((_, kind)) = WORDS.iter().find(|(name, _)| word.eq_ignore_ascii_case(name)) else {
        return Err(TextError::new(format!("unknown directive {word}"), offset, word.len()).with_help(known));
    };
    let rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ':');
    if *kind == DirectiveWord::NoTransaction && !rest.is_empty() {
        let message = "the directive no-transaction takes nothing after it";
        let start = token.offset + token.text.trim_end().len() - rest.len();
        return Err(
            TextError::new(message, start, rest.len()).with_help("put remarks in a comment of their own")
        );
    }
    Ok(Directive { word: *kind, rest, offset })
}

#[cfg(test)]
mod tests {
    use super::*;
    use DirectiveWord::{Destructive, NoTransaction};

    fn sqlite(script: &str) -> Result<Vec<Directive<'_>>, TextError> {
        directives(script, Dialect::Sqlite)
    }

    fn found(script: &str) -> Vec<(DirectiveWord, &str)> {
        sqlite(script).unwrap().iter().map(|directive| (directive.word, directive.rest)).collect()
    }

    #[test]
    fn the_head_is_read_up_to_the_first_statement() {
        let script = "\u{feff}-- larder tidies up: see the notes\r\n--larder:no-transaction\r\n/* x */\r\n\
            --  Larder :  destructive  column users.email, table \"old, one\"  \r\n\r\nDROP TABLE old; -- done: yes\n";
        assert_eq!(
            found(script),
            [(NoTransaction, ""), (Destructive, "column users.email, table \"old, one\"")]
        );
        for directive in sqlite(script).unwrap() {
            let at = &script[directive.offset..];
            assert!(at.starts_with("no-transaction") || at.starts_with("destructive"), "{at}");
        }
        assert_eq!(found("-- larder: destructive: table old"), [(Destructive, "table old")]);
        assert_eq!(found("-- larder: DESTRUCTIVE"), [(Destructive, "")]);
        assert_eq!(found("SELECT '-- larder: x', \"-- larder: y\""), []);
        assert_eq!(found(""), []);
    }

    #[test]
    fn a_list_is_taken_apart_at_its_commas() {
        let script = "-- larder: destructive column users.email , table old,,";
        let items: Vec<_> = sqlite(script).unwrap()[0].items().collect();
        assert_eq!(items, ["column users.email", "table old"]);
    }

    #[test]
    fn what_would_have_no_effect_is_an_error() {
        for (script, offset, message) in [
            ("-- larder: no-transactions\nSELECT 1", 11, "unknown directive no-transactions"),
            ("-- x\n-- larder: größe y", 16, "unknown directive größe"),
            ("-- larder:\nSELECT 1", 0, "a directive without a word"),
            ("SELECT 1;\n-- larder: destructive\n", 10, "a directive stands after the first statement"),
            ("SELECT 1 -- larder: destructive\n", 9, "a directive stands after the first statement"),
            ("/* larder: destructive */ SELECT 1", 0, "a directive stands in a block comment"),
            ("/** larder: destructive */", 0, "a directive stands in a block comment"),
            (
                "-- larder: no-transaction since VACUUM\r\n",
                26,
                "the directive no-transaction takes nothing after it",
            ),
        ] {
            let error = sqlite(script).unwrap_err();
            assert_eq!((error.offset, error.message.as_str()), (offset, message), "{script}");
            assert!(error.help.is_some());
            assert!(script.get(error.offset..error.offset + error.length).is_some());
        }
    }
}
