#!/bin/sh
# usage (as root): chroot.sh [--suite NAME] [--quick] [FOLDER]
# Shows that a clean clone builds, runs and passes on a bare system: debootstrap's minbase with git
# and nothing else. In turn, each from a clone of its own:
#   an ordinary user without the packages is told the one line to run, and gets exit status 1;
#   root: ./run (a node comes up and stops on Ctrl-C), ./run test;
#   an ordinary user, the packages now there: the same.
# --quick leaves ./run test out. FOLDER is kept and used again, a temporary one is removed.
# The mirror is the one apt uses here, or $CHITTY_MIRROR. With $CHITTY_DATA its folder goes along.
set -eu
suite=bookworm
quick=
folder=
while [ $# -gt 0 ]; do
    case $1 in
    --suite)
        suite=$2
        shift
        ;;
    --quick) quick=yes ;;
    *) folder=$1 ;;
    esac
    shift
done
[ "$(id -u)" = 0 ] || {
    echo 'chroot.sh: only root can make a chroot' >&2
    exit 2
}
root=$(cd "$(dirname "$0")/../.." && pwd)
keep=$folder
[ -n "$folder" ] || folder=$(mktemp -d)
mounted=

clean_up() {
    for point in $mounted; do
        umount "$folder/$point" || umount -l "$folder/$point"
    done
    [ -n "$keep" ] || rm -rf --one-file-system "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT TERM HUP

say() {
    printf '#### %s  %s\n' "$(date +%H:%M:%S)" "$*"
}

# The first archive of apt's lists, in either of the two forms these have.
mirror_of_apt() {
    cat /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list \
        /etc/apt/sources.list.d/* 2>/dev/null |
        sed -n -e 's/^URIs: *\([^ ]*\).*/\1/p' \
            -e 's/^deb  *\(\[[^]]*\] *\)\{0,1\}\([^ ]*\) .*/\2/p' | head -n 1
}

make_system() {
    components=main
    script=
    case $suite in jammy | noble)
        components=main,universe
        [ -e "/usr/share/debootstrap/scripts/$suite" ] ||
            script=/usr/share/debootstrap/scripts/jammy
        ;;
    esac
    say "debootstrap --variant=minbase --include=git $suite"
    # shellcheck disable=SC2086
    debootstrap --variant=minbase --include=git --components=$components "$suite" "$folder" \
        "${CHITTY_MIRROR:-$(mirror_of_apt)}" $script >"$folder-debootstrap.log" 2>&1 || {
        tail -n 20 "$folder-debootstrap.log" >&2
        exit 1
    }
    rm -f "$folder-debootstrap.log"
    chroot "$folder" useradd --shell /bin/sh someone
}

# clone USER: a clean clone for that user at /srv/clone-USER
clone() {
    rm -rf "$folder/srv/clone-$1" "$folder/srv/home-$1"
    mkdir "$folder/srv/home-$1"
    git clone --quiet --no-hardlinks "$root" "$folder/srv/clone-$1"
    chroot "$folder" chown -R "$1:$1" "/srv/clone-$1" "/srv/home-$1"
}

# as USER COMMAND: in that user's clone, with a clean environment and no terminal. The folder
# becomes the root of a mount namespace: in a mere chroot nobody may make a user namespace.
enter='mount --rbind "$0" "$0" && cd "$0" && pivot_root . mnt && umount -l /mnt && exec "$@"'
as() {
    unshare --mount sh -c "$enter" "$folder" \
        chroot --userspec="$1:$1" / /usr/bin/env -i HOME="/srv/home-$1" \
        PATH=/usr/sbin:/usr/bin:/sbin:/bin ${CHITTY_DATA:+CHITTY_DATA=/opt/data} \
        sh -c "cd /srv/clone-$1 && $2" </dev/null
}

# A node comes up in the foreground, prints its address, and Ctrl-C ends it well.
see_it_run() {
    say "$1: ./run"
    as "$1" 'export CHITTY_HOME=$PWD/home
        ./run --listen tcp://127.0.0.1:0 --no-discovery >out 2>&1 & node=$!
        tries=0
        until grep -q "tcp://127.0.0.1:" out || [ $tries -ge 600 ]; do
            kill -0 $node 2>/dev/null || break
            sleep 0.5
            tries=$((tries + 1))
        done
        build/cli/chitty-node status --json >status.json; asked=$?
        kill -INT $node 2>/dev/null
        wait $node; ended=$?
        cat out
        echo "status $asked, node ended with $ended"
        [ $asked = 0 ] && [ $ended = 0 ]'
}

see_it_pass() {
    [ -n "$quick" ] && return 0
    say "$1: ./run test"
    as "$1" './run test' >"$folder/srv/test.log" 2>&1 || {
        tail -n 60 "$folder/srv/test.log"
        exit 1
    }
    grep -E '^(==|skipped|FAILED)' "$folder/srv/test.log"
    tail -n 1 "$folder/srv/test.log"
}

[ -x "$folder/usr/bin/git" ] || make_system
mount -t proc proc "$folder/proc"
mounted=proc
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620,gid=5 devpts "$folder/dev/pts" &&
    mounted="dev/pts proc" # without terminals the tests of them are skipped
if [ -n "${CHITTY_DATA:-}" ]; then
    mkdir -p "$folder/opt/data"
    cp -R "$CHITTY_DATA/." "$folder/opt/data/"
fi

if ! chroot "$folder" dpkg-query -W libzmq3-dev >/dev/null 2>&1; then
    say "someone, without the packages: ./run"
    clone someone
    status=0
    as someone './run' >"$folder/srv/refused.log" 2>&1 || status=$?
    cat "$folder/srv/refused.log"
    [ $status = 1 ] && grep -q "^ *su -c 'apt-get install -y " "$folder/srv/refused.log" || {
        say "exit status $status, and no line to run"
        exit 1
    }
fi
for user in root someone; do
    clone $user
    see_it_run $user
    see_it_pass $user
done
say "all well on $suite"
