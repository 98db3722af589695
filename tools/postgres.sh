#!/bin/sh
# A PostgreSQL server of one's own, in a folder: for measurements, and for tests that are to share a server.
#
#   tools/postgres.sh start FOLDER [SETTING=VALUE …]    starts it and prints its URL
#   tools/postgres.sh restart FOLDER                    ends it as a crash would, and starts it again
#   tools/postgres.sh stop FOLDER                       stops it and deletes the folder
#
# It is reached through a socket in the folder alone. Without further settings it is as durable as PostgreSQL is; tests
# are faster with fsync=off. Run as root, the server runs as the user `postgres`.
set -eu

usage() {
    sed -n '2,10s/^# \{0,1\}//p' "$0" >&2
    exit 2
}

[ $# -ge 2 ] || usage
what=$1
folder=$2
shift 2

programs=$(dirname "$(command -v initdb || ls -d /usr/lib/postgresql/*/bin/initdb 2>/dev/null | sort -V | tail -n 1)")
[ -x "$programs/initdb" ] || {
    echo "initdb is neither in PATH nor in /usr/lib/postgresql; install a PostgreSQL server" >&2
    exit 1
}

as_server() {
    if [ "$(id -u)" = 0 ]; then
        setpriv --reuid postgres --regid postgres --clear-groups "$@"
    else
        "$@"
    fi
}

case $what in
start)
    mkdir -p "$folder"
    folder=$(cd "$folder" && pwd)
    chmod 700 "$folder"
    [ "$(id -u)" != 0 ] || chown postgres: "$folder"
    cd /
    as_server "$programs/initdb" -D "$folder/data" -U vitrine -E UTF8 --locale=C --auth=trust >"$folder.log" 2>&1 || {
        cat "$folder.log" >&2
        exit 1
    }
    rm -f "$folder.log"
    settings="-c listen_addresses= -c unix_socket_directories=$folder -c max_connections=300"
    for setting in "$@"; do
        settings="$settings -c $setting"
    done
    as_server "$programs/pg_ctl" start -w -s -D "$folder/data" -l "$folder/log" -o "$settings" >/dev/null
    echo "postgres://vitrine@$(printf %s "$folder" | sed 's:/:%2F:g')/postgres"
    ;;
restart)
    folder=$(cd "$folder" && pwd)
    cd /
    as_server "$programs/pg_ctl" restart -w -s -m immediate -D "$folder/data" -l "$folder/log" >/dev/null
    ;;
stop)
    folder=$(cd "$folder" && pwd)
    cd /
    as_server "$programs/pg_ctl" stop -s -m fast -D "$folder/data"
    rm -rf "$folder"
    ;;
*) usage ;;
esac
