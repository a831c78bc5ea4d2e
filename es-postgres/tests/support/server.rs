//! A server that belongs to one test, to be stopped and started as it likes.

use std::{
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A server with a folder of its own, which goes when this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Server {
    /// Starts one; `None`, with a line that says so, where PostgreSQL's programs are not installed.
    pub(crate) fn start() -> Option<Self> {
        let found = Command::new("pg_config").arg("--bindir").output().ok();
        let programs = found.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
        let Some(programs) = programs.filter(|programs| programs.join("initdb").exists()) else {
            eprintln!("left out: `pg_config --bindir` names no folder with PostgreSQL's server programs");
            return None;
        };
        let folder = std::env::temp_dir().join(format!("es_server_{}", uuid::Uuid::new_v4().simple()));
        std::fs::create_dir(&folder).expect("a folder");
        if is_root() {
            run(Command::new("chown").arg("postgres").arg(&folder));
        }
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
        let server = Self { programs, folder, port };
        let data = server.folder.join("data");
        let initdb = ["--username=postgres", "--encoding=UTF8", "--locale=C", "--auth=trust", "--no-sync", "-D"];
        run(server.program("initdb").args(initdb).arg(&data));
        server.control("start");
        Some(server)
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// As after a crash: nothing is finished or said to anybody.
    pub(crate) fn stop_at_once(&self) {
        self.control("stop");
    }

    pub(crate) fn start_again(&self) {
        self.control("start");
    }

    fn control(&self, action: &str) {
        let mut command = self.program("pg_ctl");
        command.args([action, "--wait", "--silent", "--timeout=60", "-D"]).arg(self.folder.join("data"));
        if action == "stop" {
            command.arg("--mode=immediate");
        } else {
            let settings = format!("-c listen_addresses=127.0.0.1 -c port={} -c unix_socket_directories=''", self.port);
            command.arg("--log").arg(self.folder.join("log")).args(["-o", &settings]);
        }
        run(&mut command);
    }

    /// PostgreSQL refuses to run as root.
    fn program(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        if !is_root() {
            return Command::new(program);
        }
        let mut command = Command::new("runuser");
        command.args(["-u", "postgres", "--"]).arg(program).current_dir("/");
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let data = self.folder.join("data");
        let mut stop = self.program("pg_ctl");
        let _ = stop.args(["stop", "--wait", "--silent", "--mode=immediate", "-D"]).arg(&data).status();
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    Path::new("/proc/self").metadata().is_ok_and(|metadata| metadata.uid() == 0)
}

fn run(command: &mut Command) {
    // The server would keep a pipe open for as long as it runs.
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    assert!(status.as_ref().is_ok_and(std::process::ExitStatus::success), "{command:?}: {status:?}");
}
