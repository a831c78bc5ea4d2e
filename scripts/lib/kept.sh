# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # Its variables are those of postgres.sh.
#
# A cluster that stays between runs, and that runs at the same time share; a part of postgres.sh.
#
# Two locks, both released by the operating system when their holders die:
#   gate.lock    held while an invocation looks at, makes, starts or stops the server
#   users.lock   shared by all who use the server; who gets it alone may stop the server
# The command that is run inherits users.lock: if only the script is killed, the server is
# not stopped under the command.

# postgres_lock DESCRIPTOR exclusive|shared|try|free
postgres_lock() {
    local option number
    case $2 in
        exclusive) option=-x number=2 ;;
        shared) option=-s number=1 ;;
        try) option=-xn number=6 ;;
        free) option=-u number=8 ;;
    esac
    if command -v flock >/dev/null; then
        flock "$option" "$1"
    elif command -v perl >/dev/null; then
        # macOS has no program flock, but it has the call.
        # shellcheck disable=SC2016 # Perl's variable.
        perl -e 'open(my $f, "<&=", $ARGV[0]) or exit 2; exit(flock($f, $ARGV[1]) ? 0 : 1)' "$1" "$number"
    else
        postgres_say "neither flock nor perl is installed, and one is needed to share a server between two runs."
        return 1
    fi
}

postgres_start_kept() {
    local base=$1 first=no owner=
    if ! mkdir -p "$base" 2>/dev/null || [ ! -w "$base" ]; then
        postgres_say "cannot write to $base"
        return 1
    fi
    base=$(cd "$base" && pwd -P)
    if [ -d "$base/server" ]; then
        # Made by root or by an ordinary user: the server's files belong to who ran it then.
        # shellcheck disable=SC2012 # `stat` has other options on macOS; there is one name, made here.
        owner=$(ls -ld "$base/server" | awk '{ print $3 }')
        if [ "$owner" = root ]; then owner=; fi
        if [ "$(id -u)" -ne 0 ] && [ ! -O "$base/server" ]; then
            postgres_say "$base/server belongs to $owner"
            return 1
        fi
    fi
    postgres_choose_user "$owner"

    exec 8>>"$base/gate.lock" 9>>"$base/users.lock"
    postgres_lock 8 exclusive
    postgres_lock 9 shared
    POSTGRES_FOLDER=$base/server POSTGRES_KIND=kept

    mkdir -p "$POSTGRES_FOLDER"
    if ! postgres_give_folder "$POSTGRES_FOLDER"; then
        postgres_say "the user $POSTGRES_OS_USER, who runs the server, cannot reach $POSTGRES_FOLDER:" \
            "a folder above it is closed to others"
        return 1
    fi
    [ -d "$POSTGRES_FOLDER/data" ] || first=yes
    if [ "$first" = yes ]; then
        postgres_say "first run: making a PostgreSQL cluster in $base; remove that folder to start over"
        postgres_make_cluster
    fi
    if postgres_is_ready; then
        POSTGRES_PORT=$(postgres_pid_file_line 4)
    else
        postgres_match_data "$(postgres_as cat "$POSTGRES_FOLDER/data/PG_VERSION")"
        postgres_start_server
    fi
    exec 8>&-
    postgres_export_url
}

# A newer PostgreSQL does not read an older one's data.
postgres_match_data() {
    local version
    version=$(postgres_version_in "$POSTGRES_BIN")
    [ "${version% *}" -ne "$1" ] || return 0
    postgres_find "$1" && return
    postgres_say_how_to_install "$1"
    postgres_say "or move $POSTGRES_FOLDER away to start over"
    return 1
}

postgres_leave_kept() {
    exec 8>>"${POSTGRES_FOLDER%/server}/gate.lock"
    postgres_lock 8 exclusive
    if postgres_lock 9 try; then
        postgres_stop_server || true
    fi
    postgres_lock 9 free || true
    exec 8>&- 9>&-
}
