//! A PostgreSQL server of a test's own, for what would disturb others: crashes, standbys, settings.

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

/// A server, stopped and removed when it is dropped.
pub(crate) struct Server {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Server {
    /// A new cluster, started; `None`, and a line that says so, where the server's programs are not to be found.
    pub(crate) fn start() -> Option<Self> {
        let server = Self::prepare()?;
        let data = server.data();
        let made = server.run(
            "initdb",
            &["--pgdata", &data, "--username=postgres", "--encoding=UTF8", "--locale=C", "--auth=trust", "--no-sync"],
        );
        assert!(made, "initdb failed");
        server.go();
        Some(server)
    }

    /// A standby of this server, started.
    pub(crate) fn standby(&self) -> Self {
        let standby = Self::prepare().expect("the programs are there");
        let (data, port) = (standby.data(), self.port.to_string());
        let arguments = [
            "--pgdata",
            &data,
            "--host=127.0.0.1",
            "--port",
            &port,
            "--username=postgres",
            "--write-recovery-conf",
            "--checkpoint=fast",
            "--no-sync",
        ];
        assert!(standby.run("pg_basebackup", &arguments), "pg_basebackup failed");
        standby.go();
        standby
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    pub(crate) async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.expect("the server is there")
    }

    /// As after a power failure: no checkpoint, no good-bye.
    pub(crate) fn crash_and_start(&self) {
        assert!(self.control(&["stop", "--mode=immediate"]), "the server does not stop");
        self.go();
    }

    pub(crate) fn promote(&self) {
        assert!(self.control(&["promote"]), "the standby does not take over");
    }

    fn prepare() -> Option<Self> {
        let Some(programs) = programs() else {
            eprintln!("left out: initdb of PostgreSQL is not to be found; set PATH so that pg_config is");
            return None;
        };
        let folder = env::temp_dir().join(format!("es-test-{}", Uuid::new_v4().simple()));
        fs::create_dir(&folder).expect("a folder for temporary files");
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").port();
        if is_root() {
            let given = Command::new("chown").arg("postgres").arg(&folder).status().expect("chown runs");
            assert!(given.success(), "the server's user gets no folder");
        }
        Some(Self { programs, folder, port })
    }

    fn go(&self) {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_prepared_transactions=10",
            self.port
        );
        let log = self.folder.join("log").display().to_string();
        assert!(self.control(&["start", "--log", &log, "--options", &options]), "the server does not start: {log}");
    }

    fn control(&self, arguments: &[&str]) -> bool {
        let data = self.data();
        self.run("pg_ctl", &[&["--pgdata", &data, "--wait", "--silent"], arguments].concat())
    }

    fn data(&self) -> String {
        self.folder.join("data").display().to_string()
    }

    /// PostgreSQL refuses to run as root.
    fn run(&self, program: &str, arguments: &[&str]) -> bool {
        let program = self.programs.join(program);
        let mut command = if is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.args(arguments).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null());
        command.status().expect("the program runs").success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.control(&["stop", "--mode=immediate"]);
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

/// The folder of initdb: as `pg_config` says, or where Debian keeps it.
fn programs() -> Option<PathBuf> {
    let told = Command::new("pg_config").arg("--bindir").output().ok();
    let told = told.and_then(|told| String::from_utf8(told.stdout).ok()).map(|folder| PathBuf::from(folder.trim()));
    let mut folders: Vec<_> = told.into_iter().collect();
    for version in fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten() {
        folders.push(version.path().join("bin"));
    }
    folders.into_iter().find(|folder| Path::new(folder).join("initdb").exists())
}
