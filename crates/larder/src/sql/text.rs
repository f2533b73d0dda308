//! Reading SQL text: tokens, statements, named parameters.
