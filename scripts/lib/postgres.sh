# shellcheck shell=bash
#
# A private PostgreSQL server for the scripts next to this folder; sourced, not run.
#
#   postgres_require psql           find the server programs, install them if they are missing
#   postgres_stop_at_exit           from here on, whatever happens, the server is stopped
#   postgres_start_temporary        a new cluster, removed when it is stopped
#   postgres_start_kept FOLDER      a cluster that stays; invocations at the same time share it
#   postgres_database NAME          make the database unless it is there, and point DATABASE_URL at it
#   postgres_run COMMAND..          run the command; signals that end this script reach it too
#
# Starting a server exports DATABASE_URL. The server listens on 127.0.0.1 and on a socket
# in its own folder and trusts whoever connects there. Nothing that makes PostgreSQL durable
# is turned off: tests about crashes would prove nothing otherwise.
#
# Written for bash 3.2 and later, because that is what macOS has.

POSTGRES_LEAST_MAJOR=14
POSTGRES_LEAST_MINOR=1

POSTGRES_BIN=           # the folder of initdb, pg_ctl and postgres
POSTGRES_OS_USER=       # who runs the server; PostgreSQL refuses to run as root
POSTGRES_SWITCH=none    # how to become that user
POSTGRES_FOLDER=        # holds data/, log and the socket; belongs to POSTGRES_OS_USER
POSTGRES_KIND=none      # none, temporary or kept
POSTGRES_WATCHER=       # the process that cleans up if this script is killed

# Started without any standard input, the next file to be opened would take its place.
if ! { true <&0; } 2>/dev/null; then exec </dev/null; fi

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/lib/install.sh
source "$here/install.sh"
# shellcheck source=scripts/lib/kept.sh
source "$here/kept.sh"
unset here

postgres_say() {
    printf '%s: %s\n' "scripts/${0##*/}" "$*" >&2
}

# The user that runs the server

postgres_as() (
    # The server's user may be unable to enter the folder that the caller stands in, and the
    # caller's settings for clients are none of the server's business.
    cd /
    unset PGDATA PGHOST PGHOSTADDR PGPORT PGUSER PGDATABASE PGPASSWORD PGOPTIONS PGSERVICE
    # English, because a failed start is told apart by its message.
    export LC_ALL=C
    # shellcheck disable=SC2016 # The shell that `su` starts expands it.
    case $POSTGRES_SWITCH in
        none) exec "$@" ;;
        runuser) exec runuser -u "$POSTGRES_OS_USER" -- "$@" ;;
        setpriv)
            exec setpriv --reuid="$(id -u "$POSTGRES_OS_USER")" --regid="$(id -g "$POSTGRES_OS_USER")" \
                --init-groups -- "$@"
            ;;
        su) exec su -s /bin/sh -c 'exec "$@"' -- "$POSTGRES_OS_USER" sh "$@" ;;
    esac
)

# postgres_choose_user [NAME]: who runs the server, and how this script becomes that user.
postgres_choose_user() {
    local switch
    POSTGRES_OS_USER=$(id -un)
    POSTGRES_SWITCH=none
    [ "$(id -u)" -eq 0 ] || return 0

    POSTGRES_OS_USER=${1:-postgres}
    if ! id "$POSTGRES_OS_USER" >/dev/null 2>&1; then
        if command -v useradd >/dev/null; then
            useradd --system --user-group --no-create-home --home-dir / --shell /bin/sh "$POSTGRES_OS_USER"
        elif command -v adduser >/dev/null; then
            adduser -S -D -H -h / -s /bin/sh "$POSTGRES_OS_USER"
        else
            postgres_say "PostgreSQL refuses to run as root. Make a user called $POSTGRES_OS_USER, or run this as an ordinary user."
            exit 1
        fi
    fi
    for switch in runuser setpriv su; do
        command -v "$switch" >/dev/null || continue
        POSTGRES_SWITCH=$switch
        # BusyBox has programs of these names that know fewer options.
        if postgres_as true >/dev/null 2>&1; then return 0; fi
    done
    postgres_say "PostgreSQL refuses to run as root, and none of runuser, setpriv and su can become $POSTGRES_OS_USER." \
        "Run this as an ordinary user."
    exit 1
}

# Gives a folder to the server's user: 0700, which PostgreSQL insists on for its data.
postgres_give_folder() {
    if [ "$POSTGRES_SWITCH" != none ]; then
        chown "$POSTGRES_OS_USER" "$1" || return 1
    fi
    chmod 0700 "$1" || return 1
    postgres_as test -w "$1"
}

# One cluster: make it, start it, stop it

postgres_make_cluster() {
    local data=$POSTGRES_FOLDER/data output
    # Under another name until it is whole, so that an interrupted run leaves nothing behind
    # that a later one would take for a cluster.
    postgres_as rm -rf "$data.new"
    if ! output=$(postgres_as "$POSTGRES_BIN/initdb" --pgdata="$data.new" --username=postgres --encoding=UTF8 \
        --locale=C --auth=trust 2>&1 </dev/null); then
        printf '%s\n' "$output" >&2
        postgres_say "initdb failed; its output is above."
        return 1
    fi
    postgres_as tee "$data.new/pg_hba.conf" >/dev/null <<'END'
# Only this machine. Who reaches the socket or 127.0.0.1 is trusted.
local all all trust
host all all 127.0.0.1/32 trust
END
    # shellcheck disable=SC2016 # The inner shell expands it.
    postgres_as sh -c 'echo "include '\''es.conf'\''" >>"$1/postgresql.conf"' sh "$data.new"
    postgres_as mv "$data.new" "$data"
}

# Written before every start: the port is another each time, and the folder may have moved.
postgres_write_configuration() {
    local port=$1 sockets=
    # A socket's path has room for 103 to 107 bytes, and the name that PostgreSQL appends
    # takes 16. Where it does not fit there is no socket; DATABASE_URL does not need it.
    if [ "$(printf '%s' "$POSTGRES_FOLDER" | LC_ALL=C wc -c)" -le 86 ]; then
        # In quotes, because the setting is a list.
        sockets="\"$(printf '%s' "$POSTGRES_FOLDER" | sed "s/'/''/g")\""
    fi
    postgres_as tee "$POSTGRES_FOLDER/data/es.conf" >/dev/null <<END
listen_addresses = '127.0.0.1'
port = $port
unix_socket_directories = '$sockets'
unix_socket_permissions = 0700
max_connections = 200
max_prepared_transactions = 20
log_line_prefix = '%m [%p] '
END
}

# Prints line N of the server's postmaster.pid, without the spaces that PostgreSQL pads it with.
postgres_pid_file_line() {
    sed -n "$1{s/[[:space:]]*\$//;p;}" "$POSTGRES_FOLDER/data/postmaster.pid" 2>/dev/null
}

postgres_command_line() {
    if [ -r "/proc/$1/cmdline" ]; then
        tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null
    else
        ps -o command= -p "$1" 2>/dev/null
    fi
}

# Whether a server runs on this folder's data. Its pid file alone does not say so: it outlives
# a server that was killed, and after a reboot its number may belong to any other program.
postgres_is_running() {
    local pid
    pid=$(postgres_pid_file_line 1) || return 1
    [[ $pid =~ ^[0-9]+$ ]] || return 1
    case "$(postgres_command_line "$pid")" in
        *postgres*"$POSTGRES_FOLDER/data"*) return 0 ;;
        *) return 1 ;;
    esac
}

# Waits for a server that another invocation was starting or stopping when it was killed.
postgres_is_ready() {
    local tries=0
    while postgres_is_running; do
        [ "$(postgres_pid_file_line 8)" != ready ] || return 0
        tries=$((tries + 1))
        [ "$tries" -lt 300 ] || return 1
        sleep 0.2
    done
    return 1
}

# PostgreSQL starts over the pid file of a server that was killed, unless its number is taken:
# by another program, or by the killed server itself where nobody has collected its exit code.
# Another number is written then, of a process that has just ended. The file stays, because
# PostgreSQL learns from it whether the dead server's last processes still use its memory, and
# two generations at work on one folder would destroy the data.
postgres_forget_dead_server() {
    local file=$POSTGRES_FOLDER/data/postmaster.pid dead
    if [ -e "$file" ]; then
        dead=$(sh -c 'echo $$')
        # shellcheck disable=SC2016 # The inner shell expands it.
        postgres_as sh -c 'content=$(sed "1s/.*/$2/" "$1") && printf "%s\n" "$content" >"$1"' sh "$file" "$dead"
    fi
    # shellcheck disable=SC2016
    postgres_as sh -c 'rm -f "$1"/.s.PGSQL.*' sh "$POSTGRES_FOLDER"
}

postgres_explain_failed_start() {
    echo "--- the end of $POSTGRES_FOLDER/log" >&2
    tail -n 20 "$POSTGRES_FOLDER/log" >&2 || true
    echo "---" >&2
    postgres_say "the private PostgreSQL server did not start; the end of its log is above." \
        "Mend what it names, or set DATABASE_URL to a PostgreSQL server that you run."
}

# Starts the server and waits until it takes connections; sets POSTGRES_PORT.
postgres_start_server() {
    local attempt log=$POSTGRES_FOLDER/log
    postgres_forget_dead_server
    for attempt in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        # Below the range from which systems choose ports for outgoing connections.
        POSTGRES_PORT=$((20000 + RANDOM % 12000))
        if (exec 3<>"/dev/tcp/127.0.0.1/$POSTGRES_PORT") 2>/dev/null; then
            continue
        fi
        postgres_write_configuration "$POSTGRES_PORT"
        if [ -e "$log" ]; then postgres_as mv "$log" "$log.old"; fi
        # The server must not inherit the locks of a kept cluster.
        if postgres_as "$POSTGRES_BIN/pg_ctl" start --pgdata="$POSTGRES_FOLDER/data" --log="$log" --wait --timeout=60 \
            --silent </dev/null >/dev/null 2>&1 8>&- 9>&-; then
            return 0
        fi
        if grep -q 'could not create any TCP/IP sockets' "$log" 2>/dev/null; then
            continue
        elif grep -q 'pre-existing shared memory block' "$log" 2>/dev/null && [ "$attempt" -lt 20 ]; then
            # The server was killed and its last processes have not noticed yet.
            sleep 0.5
            continue
        fi
        break
    done
    postgres_explain_failed_start
    return 1
}

postgres_stop_server() {
    local pid
    postgres_is_running || return 0
    pid=$(postgres_pid_file_line 1)
    postgres_as "$POSTGRES_BIN/pg_ctl" stop --pgdata="$POSTGRES_FOLDER/data" --mode=fast --wait --timeout=30 \
        --silent </dev/null >/dev/null 2>&1 && return 0
    postgres_is_running || return 0
    postgres_as "$POSTGRES_BIN/pg_ctl" stop --pgdata="$POSTGRES_FOLDER/data" --mode=immediate --wait --timeout=10 \
        --silent </dev/null >/dev/null 2>&1 && return 0
    postgres_is_running || return 0
    postgres_as kill -KILL "$pid"
}

postgres_export_url() {
    DATABASE_URL=postgres://postgres@127.0.0.1:$POSTGRES_PORT/${1:-postgres}
    export DATABASE_URL
}

# A temporary cluster

postgres_start_temporary() {
    local parent folder
    postgres_choose_user
    for parent in "${TMPDIR:-/tmp}" /tmp /var/tmp; do
        folder=$(mktemp -d "$parent/es-postgres.XXXXXX" 2>/dev/null) || continue
        folder=$(cd "$folder" && pwd -P)
        # A root whose TMPDIR is closed to others is common.
        if postgres_give_folder "$folder"; then break; fi
        rm -rf "$folder"
        folder=
    done
    if [ -z "$folder" ]; then
        postgres_say "there is no folder for temporary files in which $POSTGRES_OS_USER may write; set TMPDIR to one."
        return 1
    fi
    POSTGRES_FOLDER=$folder POSTGRES_KIND=temporary
    postgres_watch
    postgres_make_cluster
    postgres_start_server
    postgres_export_url
}

postgres_remove_temporary() {
    postgres_stop_server || true
    rm -rf "$POSTGRES_FOLDER"
}

# Traps do not run for SIGKILL, and some supervisors send nothing else. A process of its own
# waits for this script to be gone and removes what it left.
postgres_watch() {
    local script=$$
    # A process group of its own, so that a signal to the script's group leaves it alone.
    set -m
    (
        trap '' INT TERM HUP
        # A killed process can be signalled until somebody collects its exit code.
        while kill -0 "$script" 2>/dev/null && ! grep -q '^State:.Z' "/proc/$script/status" 2>/dev/null; do
            sleep 1
        done
        postgres_remove_temporary
    ) </dev/null >/dev/null 2>&1 &
    POSTGRES_WATCHER=$!
    disown "$POSTGRES_WATCHER"
    set +m
}

postgres_database() {
    local name=$1 psql
    psql=$(postgres_program psql)
    # Two first runs at the same time may both find it missing; then one CREATE fails, and
    # the second look says that all is well.
    postgres_database_exists "$psql" "$name" ||
        "$psql" -X -q -d "$DATABASE_URL" -c "CREATE DATABASE \"$name\"" >/dev/null 2>&1 ||
        postgres_database_exists "$psql" "$name" ||
        { postgres_say "cannot create the database $name"; return 1; }
    postgres_export_url "$name"
}

postgres_database_exists() {
    [ "$("$1" -X -A -t -d "$DATABASE_URL" -c "SELECT count(*) FROM pg_database WHERE datname = '$2'")" = 1 ]
}

# Running a command and leaving

postgres_stop_at_exit() {
    trap 'postgres_exit $?' EXIT
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
}

postgres_exit() {
    # An impatient second Ctrl-C must not leave the server behind.
    trap '' HUP INT TERM
    trap - EXIT
    set +e
    case $POSTGRES_KIND in
        temporary)
            postgres_remove_temporary
            kill -KILL "$POSTGRES_WATCHER" 2>/dev/null
            ;;
        kept) postgres_leave_kept ;;
    esac
    exit "$1"
}

# Runs the command in the background, because bash would otherwise keep a SIGTERM to itself
# until the command ends, and `bank serve` does not end. Its input and its terminal are the
# script's all the same. Returns the command's exit code.
postgres_run() {
    local child status known
    (
        # bash has its background commands ignore SIGINT; this one is for a person to stop.
        trap - INT
        exec "$@"
    ) <&0 &
    child=$!
    # A terminal sends SIGINT to the command too; it decides what becomes of it.
    # shellcheck disable=SC2064 # The child is known now.
    trap "kill -INT $child 2>/dev/null || true" INT
    # shellcheck disable=SC2064
    trap "kill -TERM $child 2>/dev/null || true" TERM
    # shellcheck disable=SC2064
    trap "kill -HUP $child 2>/dev/null || true" HUP
    while :; do
        status=0
        wait "$child" || status=$?
        # A signal ends `wait` before the command has ended.
        kill -0 "$child" 2>/dev/null || break
    done
    if [ "$status" -gt 128 ]; then
        # Or at the same moment as the command, whose own exit code bash then still knows.
        known=0
        wait "$child" 2>/dev/null || known=$?
        [ "$known" -eq 127 ] || status=$known
    fi
    trap 'exit 129' HUP
    trap 'exit 130' INT
    trap 'exit 143' TERM
    return "$status"
}
