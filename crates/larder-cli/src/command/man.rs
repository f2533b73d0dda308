//! `larder man [FOLDER]`

use crate::args::{self, Man};
use crate::exit::Exit;
use crate::output::{Output, Shape};
use clap::Command;
use clap_mangen::Man as Page;
use larder::{Error, ErrorKind, Result};
use serde::Serialize;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

#[derive(Serialize)]
struct Written {
    files: Vec<PathBuf>,
}

pub(crate) fn run(args: &Man, output: &mut Output) -> Result<Exit> {
    let command = args::command();
    let Some(folder) = &args.folder else {
        let text = page(&command).map_err(|error| failed("the manual page can't be made", error))?;
        output.raw(&String::from_utf8_lossy(&text));
        return Ok(Exit::Done);
    };
    fs::create_dir_all(folder)
        .map_err(|error| failed(format!("can't make the folder {}", folder.display()), error))?;
    let mut files = Vec::new();
    pages(folder, "larder", &command, &mut files)?;
    for file in &files {
        output.line(file.display().to_string());
    }
    output.json(&Shape::new("man", true, Written { files }));
    Ok(Exit::Done)
}

/// Writes the page of a command and those of the commands below it: larder.1, larder-workflow.1, larder-workflow-list.1.
fn pages(folder: &Path, name: &str, command: &Command, files: &mut Vec<PathBuf>) -> Result<()> {
    files.push(write(folder, format!("{name}.1"), command)?);
    for part in command.get_subcommands().filter(|part| !part.is_hide_set()) {
        pages(folder, &format!("{name}-{}", part.get_name()), part, files)?;
    }
    Ok(())
}

fn write(folder: &Path, name: String, command: &Command) -> Result<PathBuf> {
    let path = folder.join(name);
    page(command)
        .and_then(|text| fs::write(&path, text))
        .map_err(|error| failed(format!("can't write {}", path.display()), error))?;
    Ok(path)
}

fn page(command: &Command) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    Page::new(command.clone()).manual("Larder").render(&mut text)?;
    Ok(text)
}

fn failed(message: impl Into<String>, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, message).with_cause(error)
}
