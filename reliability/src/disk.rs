//! A disk that is full for a while: a file system in memory, small enough to be filled up.

use std::{
    env, fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use es_tests::server::{Server, is_root};

use crate::{
    rounds::{self, Fault},
    tally::Tally,
};

const MEGABYTES: u32 = 400;

/// A mounted file system, gone when it is dropped.
pub(crate) struct Mounted(pub(crate) PathBuf);

impl Mounted {
    /// One of so many megabytes; `None` where none can be mounted.
    pub(crate) fn new(megabytes: u32) -> Option<Self> {
        if !is_root() {
            eprintln!("left out: no file system can be mounted here");
            return None;
        }
        let folder = env::temp_dir().join(format!("es-disk-{}", uuid::Uuid::new_v4().simple()));
        fs::create_dir(&folder).ok()?;
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={megabytes}m,mode=755"), "tmpfs"]).arg(&folder);
        let mounted = mount.stderr(Stdio::null()).status().is_ok_and(|status| status.success());
        if !mounted {
            let _ = fs::remove_dir(&folder);
            eprintln!("left out: no file system can be mounted here");
            return None;
        }
        Some(Self(folder))
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            let _ = Command::new("umount").arg(&self.0).status();
            let _ = fs::remove_dir(&self.0);
        }
    }
}

/// Runs so many rounds in which the disk is full for a while; `None` where none can be mounted.
///
/// # Panics
/// At the first failure; the server's folder is kept then.
pub async fn run(rounds: u64, seed: u64) -> Option<Tally> {
    let mounted = Mounted::new(MEGABYTES)?;
    let server = Server::start_in(&mounted.0)?;
    Some(rounds::run_on(server, rounds, &[Fault::FullDisk], seed).await)
}

/// Takes all room of the disk that a server is on; gives the file that takes it.
pub(crate) fn fill(server: &Server) -> PathBuf {
    fill_up(server.folder().parent().unwrap_or(Path::new("/")))
}

/// Takes all room of the file system of a folder; gives the file that takes it.
pub(crate) fn fill_up(folder: &Path) -> PathBuf {
    let name = folder.join("full");
    let mut file = fs::File::create(&name).expect("a file");
    for size in [1 << 20, 1 << 12] {
        let zeros = vec![0_u8; size];
        while file.write_all(&zeros).is_ok() {}
    }
    name
}
