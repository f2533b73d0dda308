//! What does the file lie on?

use super::exam::Exam;
use crate::error::Result;
use rustix::fs::statfs;

/// The numbers that Linux has for file systems that are shared between machines, or are not what they seem.
const SHARED: [(u32, &str); 16] = [
    (0x6969, "NFS"),
    (0x517b, "SMB"),
    (0xff53_4d42, "CIFS"),
    (0xfe53_4d42, "SMB2"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
    (0x5346_414f, "AFS"),
    (0x6b41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x564c, "NCP"),
    (0x00c3_6400, "Ceph"),
    (0x0bd0_0bd0, "Lustre"),
    (0x0116_1970, "GFS2"),
    (0x7461_636f, "OCFS2"),
    (0x4750_4653, "GPFS"),
    (0x786f_4256, "a VirtualBox shared folder"),
];

const TMPFS: u32 = 0x0102_1994;

pub(super) fn check(exam: &mut Exam<'_>) -> Result<()> {
    let Some(place) =
        exam.file.as_deref().and_then(|file| file.ancestors().skip(1).find(|folder| folder.is_dir()))
    else {
        return Ok(());
    };
    let Ok(found) = statfs(place) else { return Ok(()) };
    let number = found.f_type as u32;
    if let Some((_, name)) = SHARED.iter().find(|(shared, _)| *shared == number) {
        exam.warn(
            format!(
                "the database lies on {name}: WAL mode needs memory that all its users share, and file locks that hold, \
                 and file systems between machines rarely give both"
            ),
            "move it to a disk of this machine; where it must stay, let one process use it and set journal_mode to DELETE",
        );
    } else if number == TMPFS {
        exam.info("the database lies in memory (tmpfs) and is gone when the machine stops");
    }
    in_synced_folder(exam);
    Ok(())
}

/// Programs that copy folders to other machines copy a database in the middle of a write.
fn in_synced_folder(exam: &mut Exam<'_>) {
    const NAMES: [&str; 6] =
        ["Dropbox", "OneDrive", "Google Drive", "Nextcloud", "ownCloud", "Mobile Documents"];
    let Some(file) = exam.file.as_deref() else { return };
    let by_name = file.components().skip(1).find_map(|part| {
        let part = part.as_os_str().to_str()?;
        NAMES.into_iter().find(|name| *name == part)
    });
    let found = by_name.or_else(|| {
        file.ancestors().skip(1).any(|folder| folder.join(".stfolder").exists()).then_some("Syncthing")
    });
    if let Some(name) = found {
        exam.warn(
            format!("the database lies in a folder that {name} copies to other places, also in the middle of a write"),
            "keep it outside, and put backups (`larder backup`) there",
        );
    }
}
