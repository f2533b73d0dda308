//! The commit that a folder stands on, read from the files of git.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A reference that names another that names another … ends somewhere.
const MOST_NAMES: usize = 5;

/// The commit that is checked out in the work tree that `folder` lies in: 40 hexadecimal digits, or 64 in a repository with
/// SHA-256. `None` outside of one, and before its first commit.
///
/// No program is started, unless the repository keeps its references in a table (`reftable`): then `git` is asked, and the
/// answer is `None` where it is not installed.
pub fn git_commit(folder: impl AsRef<Path>) -> Option<String> {
    let folder = fs::canonicalize(folder).ok()?;
    let own = folder.ancestors().find_map(git_folder)?;
    let shared = match read(own.join("commondir")) {
        Ok(path) => own.join(path.trim_end()),
        Err(_) => own.clone(),
    };
    if shared.join("reftable").is_dir() || own.join("reftable").is_dir() {
        return ask(&folder);
    }
    let mut text = read(own.join("HEAD")).ok()?;
    for _ in 0..MOST_NAMES {
        let Some(name) = text.strip_prefix("ref:").map(str::trim) else { return commit(&text) };
        if !is_reference(name) {
            return None;
        }
        // What belongs to one work tree alone lies in its own folder.
        let loose = read(own.join(name)).or_else(|_| read(shared.join(name)));
        text = match loose {
            Ok(text) => text,
            Err(_) => return packed(&shared, name),
        };
    }
    None
}

/// The folder of git's files, if the work tree begins at `folder`: `.git`, or the one that a file `.git` names, as in a work
/// tree beside the first and in a submodule.
fn git_folder(folder: &Path) -> Option<PathBuf> {
    let git = folder.join(".git");
    let own = match read(&git) {
        Ok(text) => folder.join(text.strip_prefix("gitdir:")?.trim()),
        Err(_) => git,
    };
    own.join("HEAD").is_file().then_some(own)
}

/// The text of a file. A pipe of that name, which nobody writes to, would be waited for without end.
fn read(path: impl AsRef<Path>) -> io::Result<String> {
    let path = path.as_ref();
    if !fs::metadata(path)?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    fs::read_to_string(path)
}

fn packed(shared: &Path, name: &str) -> Option<String> {
    // The names need not be UTF-8.
    let lines =
        BufReader::new(File::open(shared.join("packed-refs")).ok()?).split(b'\n').map_while(Result::ok);
    for line in lines {
        let line = line.strip_suffix(b"\r").unwrap_or(&line);
        let found = line.strip_suffix(name.as_bytes()).and_then(|line| line.strip_suffix(b" "));
        if let Some(found) = found.and_then(|found| commit(std::str::from_utf8(found).ok()?)) {
            return Some(found);
        }
    }
    None
}

/// A name that stays inside the folder it is looked for in.
fn is_reference(name: &str) -> bool {
    name.starts_with("refs/") && !name.split('/').any(|part| part.is_empty() || part == "." || part == "..")
}

fn commit(text: &str) -> Option<String> {
    let text = text.trim();
    let is_commit = matches!(text.len(), 40 | 64) && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_commit.then(|| text.to_ascii_lowercase())
}

fn ask(folder: &Path) -> Option<String> {
    let answer = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(["rev-parse", "--verify", "--quiet", "HEAD"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    commit(&String::from_utf8(answer.stdout).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use tempfile::TempDir;

    const ONE: &str = "0123456789abcdef0123456789abcdef01234567";
    const TWO: &str = "89abcdef0123456789abcdef0123456789abcdef";

    /// A folder with these files, each with its text.
    fn folder(files: &[(&str, &str)]) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn a_branch_is_followed_from_a_folder_below_to_its_loose_reference() {
        let head = format!("{}\n", ONE.to_uppercase());
        let at = folder(&[
            (".git/HEAD", "ref: refs/heads/feature/x\n"),
            (".git/refs/heads/feature/x", &head),
            (".git/packed-refs", &format!("{TWO} refs/heads/feature/x\n")),
            ("a/b/c.txt", ""),
        ]);
        assert_eq!(git_commit(at.path().join("a/b")).unwrap(), ONE);
        assert_eq!(git_commit(at.path()).unwrap(), ONE);
    }

    #[test]
    fn a_packed_reference_is_found_among_others_that_end_like_it() {
        let packed = format!(
            "# pack-refs with: peeled fully-peeled sorted\n{ONE} refs/heads/refs/heads/main\n{TWO} refs/heads/main\n^{ONE}\n"
        );
        let at = folder(&[(".git/HEAD", "ref: refs/heads/main\n"), (".git/packed-refs", &packed)]);
        assert_eq!(git_commit(at.path()).unwrap(), TWO);
    }

    #[test]
    fn a_name_that_is_not_utf_8_hides_none_of_those_behind_it() {
        let at = folder(&[(".git/HEAD", "ref: refs/heads/main\n")]);
        let packed = [TWO.as_bytes(), b" refs/heads/\xff\n", ONE.as_bytes(), b" refs/heads/main\n"].concat();
        fs::write(at.path().join(".git/packed-refs"), packed).unwrap();
        assert_eq!(git_commit(at.path()).unwrap(), ONE);
    }

    #[test]
    fn a_detached_head_is_the_commit_itself_also_with_sha_256() {
        let long = format!("{ONE}{}", &TWO[..24]);
        for commit in [ONE, &long] {
            let at = folder(&[(".git/HEAD", &format!("{commit}\n"))]);
            assert_eq!(git_commit(at.path()).unwrap(), commit);
        }
    }

    #[test]
    fn a_work_tree_beside_the_first_has_its_own_head_and_shares_the_branches() {
        let at = folder(&[
            ("main/.git/HEAD", "ref: refs/heads/main\n"),
            ("main/.git/refs/heads/main", ONE),
            ("main/.git/refs/heads/side", TWO),
            ("main/.git/worktrees/side/HEAD", "ref: refs/heads/side\n"),
            ("main/.git/worktrees/side/commondir", "../..\n"),
            ("side/.git", "gitdir: ../main/.git/worktrees/side\n"),
        ]);
        assert_eq!(git_commit(at.path().join("main")).unwrap(), ONE);
        assert_eq!(git_commit(at.path().join("side")).unwrap(), TWO);
    }

    #[test]
    fn a_submodule_is_a_repository_of_its_own() {
        let at = folder(&[
            (".git/HEAD", ONE),
            (".git/modules/sub/HEAD", TWO),
            ("sub/.git", "gitdir: ../.git/modules/sub\n"),
        ]);
        assert_eq!(git_commit(at.path().join("sub")).unwrap(), TWO);
    }

    #[test]
    fn nothing_is_made_up() {
        for files in [
            // A branch without a commit.
            &[(".git/HEAD", "ref: refs/heads/main\n")][..],
            &[(".git/HEAD", "ref: ../../etc/hostname\n")],
            &[(".git/HEAD", "ref: refs/../../secret\n"), ("secret", ONE)],
            &[(".git/HEAD", "ref: refs/a\n"), (".git/refs/a", "ref: refs/a\n")],
            &[(".git/HEAD", "0123\n")],
            &[(".git/HEAD", "")],
        ] {
            let at = folder(files);
            assert_eq!(git_commit(at.path()), None, "{files:?}");
            assert_eq!(git_commit(at.path().join("missing")), None);
        }
    }

    #[cfg(unix)]
    #[test]
    fn nobody_waits_for_a_pipe() {
        let at =
            folder(&[(".git/HEAD", "ref: refs/heads/pipe\n"), (".git/refs/heads/main", ONE), ("a/b", "")]);
        for pipe in ["a/.git", ".git/refs/heads/pipe"] {
            assert!(Command::new("mkfifo").arg(at.path().join(pipe)).status().unwrap().success());
        }
        assert_eq!(git_commit(at.path().join("a")), None);
    }

    #[test]
    fn where_references_are_kept_in_a_table_git_is_asked() {
        // A table that git itself can't read: whether it is installed or not, there is no answer, and above all not the
        // placeholder that stands in HEAD.
        let at = folder(&[
            (".git/HEAD", "ref: refs/heads/.invalid\n"),
            (".git/refs/heads/.invalid", ONE),
            (".git/reftable/tables.list", "broken\n"),
        ]);
        assert_eq!(git_commit(at.path()), None);
    }

    #[test]
    fn the_repository_of_this_crate_is_read_as_git_reads_it() {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        // Unpacked from an archive, or where git is not installed, there is nothing to compare with; the tests above hold.
        if let Some(commit) = ask(here) {
            assert_eq!(git_commit(here), Some(commit));
        }
    }
}
