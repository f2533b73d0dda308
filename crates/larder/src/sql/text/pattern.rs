//! Patterns that are given as parameters.

use super::{Dialect, TokenKind, tokens};

/// True where the pattern of a LIKE or a GLOB is a parameter by itself (`name LIKE :p`, `glob(:p, name)`). One that is made
/// from a parameter (`name LIKE :p || '%'`) is none: no engine looks into it while it plans.
pub fn has_bound_pattern(sql: &str) -> bool {
    let mentioned = |word: &[u8]| sql.as_bytes().windows(word.len()).any(|at| at.eq_ignore_ascii_case(word));
    // Reading the tokens takes longer.
    if !mentioned(b"LIKE") && !mentioned(b"GLOB") {
        return false;
    }
    let mut tokens = tokens(sql, Dialect::Sqlite).filter(|token| token.kind != TokenKind::Comment).peekable();
    while let Some(token) = tokens.next() {
        if !token.is("LIKE") && !token.is("GLOB") {
            continue;
        }
        while tokens.next_if(|token| token.is_punct("(")).is_some() {}
        if tokens.next_if(|token| token.kind == TokenKind::Parameter).is_some()
            && tokens.peek().is_none_or(|after| !after.is_punct("||"))
        {
            return true;
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_pattern_that_is_a_parameter_counts() {
        for sql in [
            "SELECT 1 FROM t WHERE name LIKE :p",
            "SELECT 1 FROM t WHERE name not like /* so */ (:p) AND n = 1",
            "SELECT 1 FROM t WHERE name GLOB\n:p",
            "SELECT 1 FROM t WHERE like(:p, name)",
            "SELECT 1 FROM t WHERE a LIKE :p || '%' OR b LIKE ((:p)) ESCAPE '\\'",
        ] {
            assert!(has_bound_pattern(sql), "{sql}");
        }
        for sql in [
            "SELECT 1 FROM t WHERE name LIKE 'a%' AND n = :n",
            "SELECT 1 FROM t WHERE name LIKE :p || '%'",
            "SELECT 1 FROM t WHERE name LIKE '%' || :p",
            "SELECT ':p LIKE :p', \"like\" FROM t -- LIKE :p",
            "SELECT likely(:p)",
            "SELECT 1",
        ] {
            assert!(!has_bound_pattern(sql), "{sql}");
        }
    }
}
