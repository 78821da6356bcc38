#!/bin/bash
# Puts the Autobahn|Testsuite's server (wstest) into the folder $1. It needs Python 2.7, which Debian 12 no longer has:
# Debian 11's is unpacked there, beside the system, and nothing is installed. Needs root's apt-get, a C compiler, and as $2
# a Python that has pip.
set -euo pipefail

into=$(realpath -m "$1")
python=$(realpath -s "$2")
rm -rf "$into.part" && mkdir -p "$into.part" && cd "$into.part"
mkdir -p apt/parts apt/lists/partial apt/cache/archives/partial debs wheels

unpack_python() {
    # The same mirror as the system's own Debian packages, one release back.
    apt-get -q update
    # shellcheck disable=SC2016 # apt-get fills it in.
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' | head -n 1)
    keys=/usr/share/keyrings/debian-archive-keyring.gpg
    echo "deb [signed-by=$keys] ${mirror:?no Debian mirror is known to apt-get} bullseye main" > apt/parts/bullseye.list
    cat > apt/conf <<EOF
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$PWD/apt/parts";
Dir::State::lists "$PWD/apt/lists";
Dir::Cache "$PWD/apt/cache";
APT::Sandbox::User "root";
Acquire::Retries "3";
EOF
    APT_CONFIG=$PWD/apt/conf apt-get -q update
    (cd debs && APT_CONFIG=../apt/conf apt-get -q download python2.7 python2.7-minimal python2.7-dev libpython2.7 \
        libpython2.7-minimal libpython2.7-stdlib libpython2.7-dev libssl1.1 libffi7)
    local package
    for package in debs/*.deb; do
        dpkg -x "$package" root
    done
}

# Both find everything relative to themselves, so that the folder can be moved.
write_starters() {
    cat > python2 <<'EOF'
#!/bin/sh
here=$(dirname "$(realpath "$0")")
export LD_LIBRARY_PATH="$here/root/usr/lib/x86_64-linux-gnu" PYTHONHOME="$here/root/usr"
export PYTHONPATH="$here/site${PYTHONPATH:+:$PYTHONPATH}"
exec "$here/root/usr/bin/python2.7" "$@"
EOF
    cat > wstest <<'EOF'
#!/bin/sh
exec "$(dirname "$(realpath "$0")")/python2" -c 'import sys; sys.argv[0] = "wstest"
from autobahntestsuite.wstest import run; run()' "$@"
EOF
    chmod +x python2 wstest
}

install_wstest() {
    # The last of each that know Python 2.7; this pip runs out of its own wheel.
    "$python" -m pip download -q --no-deps -d wheels pip==20.3.4 setuptools==44.1.1 wheel==0.37.1
    export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_PYTHON_VERSION_WARNING=1
    export CFLAGS="-I$PWD/root/usr/include/python2.7 -I$PWD/root/usr/include"
    pip2 wheels/setuptools*.whl wheels/wheel*.whl
    # autobahn brings an old part of twisted with it, which the real Twisted has to replace: hence this order.
    pip2 --no-deps autobahn==0.10.9 txaio==2.1.0 autobahntestsuite==25.10.1
    pip2 --upgrade Twisted==19.10.0 zope.interface==4.6.0 incremental==16.10.1 klein==17.10.0 Werkzeug==1.0.1 \
        Jinja2==2.11.3 MarkupSafe==1.1.1 pyOpenSSL==19.1.0 service-identity==18.1.0 six==1.16.0 unittest2==1.1.0 \
        cryptography==3.3.2 ujson==2.0.3
    # An installation into a folder of one's own leaves this file out.
    touch site/zope/__init__.py
}

pip2() {
    PYTHONPATH=$(echo "$PWD"/wheels/pip-*.whl) ./python2 -m pip install -q --target site "$@"
}

unpack_python
write_starters
install_wstest
./wstest --autobahnversion
rm -rf apt debs wheels
rm -rf "$into" && mv "$into.part" "$into"
