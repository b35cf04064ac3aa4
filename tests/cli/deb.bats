#!/usr/bin/env bats
# The Debian package: built, installed below a folder of its own, used there, removed.
load helper

@test "the package installs, records and judges, and leaves nothing behind" {
    command -v dpkg-shlibdeps >/dev/null || skip "no dpkg-dev"
    local libdir=/usr/lib/some-multiarch version
    version=$("$TIDEMARK" --version | cut -d' ' -f2)
    mkdir build root
    cp "$TIDEMARK" "$BUILD"/{libtrace.so,tidemark-writer} build/
    package=$(umask 077 && "$ROOT/scripts/deb" build $libdir "$version" 2>/dev/null)
    fails grep -v '^.......r' <(dpkg-deb -c "$package")
    [ "$(dpkg-deb -f "$package" Package Version | xargs)" = "Package: tidemark Version: $version" ]
    dpkg-deb -f "$package" Depends | grep -q 'libc6 '
    dpkg-deb --fsys-tarfile "$package" | tar -t >files
    fails grep -q "$libdir/libtrace.so" files
    grep -qx "./usr/share/man/man1/tidemark-run.1.gz" files
    grep -qx "./usr/share/zsh/vendor-completions/_tidemark" files

    under_root() { fakeroot_or_root dpkg --root="$PWD/root" --force-not-root --force-depends --force-script-chrootless "$@"; }
    fakeroot_or_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; elif command -v fakeroot >/dev/null; then fakeroot "$@"; else skip "not root"; fi; }
    mkdir -p root/var/lib/dpkg/{info,updates,triggers}
    : >root/var/lib/dpkg/status
    : >root/var/lib/dpkg/available
    PATH=$PATH:/usr/sbin:/sbin under_root -i "$package" >dpkg.log 2>&1 || { cat dpkg.log; false; }
    [ "$(readlink "root$libdir/libtrace.so")" = tidemark/libtrace.so ]
    gcc -O1 -g -Iroot/usr/include "$ROOT/samples/quickstart/quickstart.c" -o quickstart
    both root/usr/bin/tidemark run --preload "root$libdir/libtrace.so" -o t.tmk ./quickstart --leak
    expect_status 10
    expect_in remember_visitor "$errors"
    both env LD_PRELOAD="$PWD/root$libdir/libtrace.so" TIDEMARK_OUT=bare.tmk ./quickstart
    [ -s bare.tmk ]

    PATH=$PATH:/usr/sbin:/sbin under_root -r tidemark >dpkg.log 2>&1 || { cat dpkg.log; false; }
    [ -z "$(find root/usr \( -type f -o -type l \) 2>/dev/null)" ]
}

@test "a libtrace.so of another package stays" {
    command -v dpkg-shlibdeps >/dev/null || skip "no dpkg-dev"
    mkdir -p build root/usr/lib/x
    cp "$TIDEMARK" "$BUILD"/{libtrace.so,tidemark-writer} build/
    package=$("$ROOT/scripts/deb" build /usr/lib/x 1 2>/dev/null)
    echo theirs >root/usr/lib/x/libtrace.so
    dpkg-deb -e "$package" scripts
    DPKG_ROOT=$PWD/root sh scripts/postinst configure
    DPKG_ROOT=$PWD/root sh scripts/prerm remove
    [ "$(cat root/usr/lib/x/libtrace.so)" = theirs ]

    rm root/usr/lib/x/libtrace.so
    DPKG_ROOT=$PWD/root sh scripts/postinst configure
    [ "$(readlink root/usr/lib/x/libtrace.so)" = tidemark/libtrace.so ]
    ln -s libtrace.so.3 root/usr/lib/libtrace.so # by a package that comes later
    both env DPKG_ROOT="$PWD/root" sh scripts/postinst triggered
    expect_in "belongs to another package" "$errors"
    [ ! -L root/usr/lib/x/libtrace.so ]
}
