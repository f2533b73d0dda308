//! `larder schema`

use super::Context;
use crate::args::{Schema, SchemaForm};
use crate::exit::Exit;
use crate::output::Shape;
use larder::Result;
use larder::driver::Access;
use larder::schema::{self, Catalogue};
use serde::Serialize;

#[derive(Serialize)]
struct Shown {
    database: String,
    form: &'static str,
    text: String,
}

pub(crate) fn run(args: &Schema, context: Context<'_>) -> Result<Exit> {
    let database = context.readable()?;
    let mut connection = database.driver().connect(Access::Read)?;
    let (form, text) = match args.form {
        SchemaForm::Dump => ("dump", schema::dump(&mut *connection)?),
        SchemaForm::Diagram => ("diagram", schema::diagram(&Catalogue::read(&mut *connection)?)),
    };
    context.output.line(text.trim_end());
    context.output.json(&Shape::new(context.command, true, Shown { database: context.shown(), form, text }));
    Ok(Exit::Done)
}
