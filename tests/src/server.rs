//! A PostgreSQL server of a test's own, for what would disturb others: crashes, standbys, pauses, settings.
//!
//! Nothing that makes PostgreSQL durable is turned off: tests about crashes would prove nothing otherwise.

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use sqlx::{Connection as _, PgConnection};
use uuid::Uuid;

/// A server, stopped when it is dropped; its folder is removed then, unless the thread panics.
#[derive(Debug)]
pub struct Server {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
}

impl Server {
    /// A new cluster, started; `None`, and a line that says so, where the server's programs are not to be found.
    ///
    /// # Panics
    /// When it does not start, or the programs are not to be found and `ES_REQUIRE_SERVER` is set to 1, as `scripts/test`
    /// does where it starts a server itself.
    pub fn start() -> Option<Self> {
        Self::start_in(&env::temp_dir())
    }

    /// As [`start`](Self::start), with the cluster within that folder.
    ///
    /// # Panics
    /// As [`start`](Self::start).
    pub fn start_in(parent: &Path) -> Option<Self> {
        let server = Self::prepare(parent)?;
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
    ///
    /// # Panics
    /// When it cannot be made or does not start.
    #[must_use]
    pub fn standby(&self) -> Self {
        let standby = Self::prepare(&env::temp_dir()).expect("the programs are there");
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

    /// Where to connect to.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// A connection of the test's own.
    ///
    /// # Panics
    /// When the server is not there.
    pub async fn connect(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.expect("the server is there")
    }

    /// Puts a file beside its data, which it alone can read; and says where.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn place(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, content).expect("the file can be written");
        let mine = Command::new("chmod").arg("600").arg(&path).status().expect("chmod runs");
        let given =
            !is_root() || Command::new("chown").arg("postgres").arg(&path).status().expect("chown runs").success();
        assert!(mine.success() && given, "the server's user gets no file");
        path
    }

    /// Where its files are.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What `postgres --version` says.
    ///
    /// # Panics
    /// When it says nothing.
    pub fn version(&self) -> String {
        let output = Command::new(self.programs.join("postgres")).arg("--version").output().expect("it runs");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }

    /// As after a power failure: no checkpoint, no good-bye.
    ///
    /// # Panics
    /// When it does not stop, or not start again.
    pub fn crash_and_start(&self) {
        assert!(self.control(&["stop", "--mode=immediate"]), "the server does not stop");
        self.go();
    }

    /// As an operator would: connections are ended, and what they had under way is rolled back.
    ///
    /// # Panics
    /// When it does not stop, or not start again.
    pub fn restart(&self) {
        assert!(self.control(&["stop", "--mode=fast"]), "the server does not stop");
        self.go();
    }

    /// Kills all of its processes where they stand.
    ///
    /// # Panics
    /// When they cannot be killed.
    pub fn kill(&self) {
        self.signal("-KILL");
        // Its number stays taken where nobody collects its exit code, and PostgreSQL would take it for a server that
        // runs. It gets that of a process that has ended; the file stays, because PostgreSQL learns from it whether the
        // last processes still use the memory that they shared.
        let file = self.folder.join("data/postmaster.pid");
        let content = fs::read_to_string(&file).expect("a server ran");
        let (_, rest) = content.split_once('\n').expect("several lines");
        let ended = Command::new("true").spawn().and_then(|mut child: Child| child.wait().map(|_| child.id()));
        fs::write(&file, format!("{}\n{rest}", ended.expect("a process"))).expect("the file can be written");
    }

    /// Starts it again after a [`kill`](Self::kill).
    ///
    /// # Panics
    /// When it does not start.
    pub fn go(&self) {
        assert!(self.try_go(), "the server does not start: {}", self.folder.join("log").display());
    }

    /// Whether it starts.
    pub fn try_go(&self) -> bool {
        let options = format!(
            "-p {} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c max_prepared_transactions=20",
            self.port
        );
        let log = self.folder.join("log").display().to_string();
        // The last processes of a server that was killed may not have noticed yet.
        (0..20).any(|attempt| {
            if attempt > 0 {
                thread::sleep(Duration::from_millis(200));
            }
            self.control(&["start", "--log", &log, "--options", &options])
        })
    }

    /// Whether it takes connections, now or as soon as it has recovered; else it has ended.
    pub fn is_up(&self) -> bool {
        while self.control(&["status"]) {
            let file = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
            if file.lines().nth(7).is_some_and(|state| state.trim() == "ready") {
                return true;
            }
            thread::sleep(Duration::from_millis(100));
        }
        false
    }

    /// Lets none of its processes do anything until [`resume`](Self::resume): they hold all that they have, and answer
    /// nobody.
    ///
    /// # Panics
    /// When they cannot be stopped.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    /// Lets them go on.
    ///
    /// # Panics
    /// When they cannot.
    pub fn resume(&self) {
        self.signal("-CONT");
    }

    /// Makes a standby the primary.
    ///
    /// # Panics
    /// When it does not.
    pub fn promote(&self) {
        assert!(self.control(&["promote"]), "the standby does not take over");
    }

    /// The postmaster first, so that it starts no further one.
    fn signal(&self, signal: &str) {
        let file = fs::read_to_string(self.folder.join("data/postmaster.pid")).expect("the server runs");
        let postmaster = file.lines().next().unwrap_or_default().trim();
        let send = |pids: &[&str]| Command::new("kill").arg(signal).args(pids).stderr(Stdio::null()).status();
        let children = || {
            let all = Command::new("ps").args(["-A", "-o", "pid=,ppid="]).output().expect("ps runs").stdout;
            let all = String::from_utf8_lossy(&all).into_owned();
            let mut pids = Vec::new();
            for line in all.lines() {
                if let Some((pid, parent)) = line.trim().split_once(char::is_whitespace)
                    && parent.trim() == postmaster
                {
                    pids.push(pid.to_owned());
                }
            }
            pids
        };
        // Afterwards they would be the children of another.
        let before = if signal == "-KILL" { children() } else { Vec::new() };
        assert!(
            send(&[postmaster]).is_ok_and(|status| status.success()),
            "the server's process {postmaster} is not there"
        );
        let children = if signal == "-KILL" { before } else { children() };
        let children: Vec<&str> = children.iter().map(String::as_str).collect();
        // Some may have ended by themselves.
        let _ = send(&children);
    }

    fn prepare(parent: &Path) -> Option<Self> {
        let Some(programs) = programs() else {
            let missing = "initdb of PostgreSQL is not to be found; put its folder into PATH";
            assert!(env::var("ES_REQUIRE_SERVER").as_deref() != Ok("1"), "ES_REQUIRE_SERVER is set, but {missing}");
            eprintln!("left out: {missing}");
            return None;
        };
        let folder = parent.join(format!("es-test-{}", Uuid::new_v4().simple()));
        fs::create_dir(&folder).expect("a folder for temporary files");
        let port = TcpListener::bind("127.0.0.1:0").expect("a free port").local_addr().expect("an address").port();
        if is_root() {
            let given = Command::new("chown").arg("postgres").arg(&folder).status().expect("chown runs");
            assert!(given.success(), "the server's user gets no folder");
        }
        Some(Self { programs, folder, port })
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
        command.args(arguments).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().expect("the program runs").success()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if self.folder.join("data/postmaster.pid").exists() {
            self.control(&["stop", "--mode=immediate"]);
        }
        if thread::panicking() {
            eprintln!("the server's files are kept: {}", self.folder.display());
        } else {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

/// Whether this process may do everything.
pub fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0")
}

/// The folder of initdb: as `pg_config` says, where Debian keeps it, or in PATH.
fn programs() -> Option<PathBuf> {
    let told = Command::new("pg_config").arg("--bindir").output().ok();
    let told = told.and_then(|told| String::from_utf8(told.stdout).ok());
    let mut folders: Vec<_> = told.into_iter().map(|folder| PathBuf::from(folder.trim())).collect();
    for version in fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten() {
        folders.push(version.path().join("bin"));
    }
    folders.extend(env::var_os("PATH").iter().flat_map(env::split_paths));
    folders.into_iter().find(|folder| ["initdb", "pg_ctl", "postgres"].iter().all(|name| folder.join(name).exists()))
}
