#!/bin/sh
# Install the system libraries that Qt, OpenGL and the tests need, where this is Debian or Ubuntu and we are root.
# Usage: system_packages.sh PYTHON [more Debian packages]
set -eu
python=$1
shift

major=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])') || {
    echo "FuseGUI needs Python 3.11 or newer as '$python'; set PYTHON=... to use another." >&2
    exit 1
}
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
    echo "FuseGUI needs Python 3.11 or newer, '$python' is $major; set PYTHON=... to use another." >&2
    exit 1
}

wanted="xvfb xauth libgl1 libegl1 libglib2.0-0 libdbus-1-3 libfontconfig1 libxcb-icccm4 libxcb-image0
    libxcb-keysyms1 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libxcb-cursor0 libxkbcommon-x11-0 $*"
"$python" -c 'import ensurepip' 2>/dev/null || wanted="$wanted python3-venv"

if ! command -v dpkg-query >/dev/null; then
    echo "This is not Debian or Ubuntu: please see that the equivalents of these are installed: $wanted" >&2
    exit 0
fi
missing=""
for package in $wanted; do
    dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
        dpkg-query -W -f '${Status}' "${package}t64" 2>/dev/null | grep -q 'ok installed' ||
        missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" != 0 ]; then
    echo "These system packages are missing; please run once: sudo apt-get install$missing" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update -q >/dev/null
# shellcheck disable=SC2086
apt-get install -y -q --no-install-recommends $missing >/dev/null
