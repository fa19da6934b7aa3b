# shellcheck shell=bash
# The parts of ./release, which sources this file and sets version, arch, target, out, program, tools, build and scratch.
# shellcheck disable=SC2154

# Python's tools, in a folder of their own.
install_python_tools() {
  cmp -s packaging/requirements.txt "$tools/requirements.txt" && return
  need python3 "Python 3.10 or newer"
  rm -rf "$tools/python"
  python3 -m venv "$tools/python"
  "$tools/python/bin/pip" --quiet --disable-pip-version-check install --requirement packaging/requirements.txt
  cp packaging/requirements.txt "$tools/requirements.txt"
}

make_binary() {
  if [ -n "$binary" ]; then
    say "The program: $binary, as it is"
    install -m 755 "$binary" "$program"
    return
  fi
  need cargo "a Rust toolchain: https://rustup.rs"
  say "The tools of the build"
  install_python_tools
  export PATH="$tools/python/bin:$tools/bin:$PATH"
  command -v cargo-auditable >/dev/null || cargo install --quiet --locked --root "$tools" cargo-auditable
  rustup target add "$target" >/dev/null 2>&1 || true
  say "The program for glibc $GLIBC ($target)"
  CARGO_TARGET_DIR="$build" cargo auditable zigbuild --release --locked --bin vestibule --target "$target.$GLIBC"
  install -m 755 "$build/$target/release/vestibule" "$program"
  check_glibc
}

# The newest symbol version that the program needs must not be newer than what is promised.
check_glibc() {
  local newest
  need objdump "Debian: binutils"
  newest="$(objdump -T "$program" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -uV | tail -n 1)"
  [ "$(printf '%s\n' "$newest" "$GLIBC" | sort -V | tail -n 1)" = "$GLIBC" ] || fail "the program needs glibc $newest"
  say "It needs glibc $newest or newer"
}

# The least version of glibc that a program needs.
glibc_of() { objdump -T "$1" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -uV | tail -n 1; }

# What the program says of itself. It runs only where the machine is of its kind.
write_manuals() {
  "$program" man --dir "$1/usr/share/man/man1"
  gzip -9n "$1"/usr/share/man/man1/*.1
  mkdir -p "$1/usr/share/bash-completion/completions" "$1/usr/share/zsh/vendor-completions" "$1/usr/share/fish/vendor_completions.d"
  "$program" completions bash >"$1/usr/share/bash-completion/completions/vestibule"
  "$program" completions zsh >"$1/usr/share/zsh/vendor-completions/_vestibule"
  "$program" completions fish >"$1/usr/share/fish/vendor_completions.d/vestibule.fish"
}

write_documentation() {
  mkdir -p "$1"
  cat >"$1/copyright" <<TEXT
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: Vestibule

Files: *
Copyright: 2026 The Vestibule developers
License: Apache-2.0
 On Debian systems, the license is in /usr/share/common-licenses/Apache-2.0.
TEXT
  gzip -9nc CHANGELOG.md >"$1/CHANGELOG.md.gz"
  # The form that Debian's tools read.
  printf 'vestibule (%s) stable; urgency=medium\n\n  * See CHANGELOG.md.gz.\n\n -- The Vestibule developers <vestibule@localhost.invalid>  %s\n' \
    "$version" "$(date --utc --date="@$SOURCE_DATE_EPOCH" --rfc-email)" | gzip -9nc >"$1/changelog.gz"
  install -m 644 docs/prometheus/vestibule.rules.yml docs/grafana/vestibule.json "$1/"
}

make_deb() {
  say "The Debian package"
  need dpkg-deb "Debian: dpkg"
  [ -x "$program" ] || fail "no program yet: ./release binary"
  local root="$scratch/deb" name
  umask 022
  install -D -m 755 "$program" "$root/usr/bin/vestibule"
  install -D -m 644 packaging/vestibule.service "$root/lib/systemd/system/vestibule.service"
  install -D -m 600 packaging/vestibule.env "$root/etc/vestibule/vestibule.env"
  write_manuals "$root"
  write_documentation "$root/usr/share/doc/vestibule"
  mkdir -p "$root/DEBIAN"
  cp packaging/debian/conffiles "$root/DEBIAN/"
  for name in postinst prerm postrm; do install -m 755 "packaging/debian/$name" "$root/DEBIAN/$name"; done
  sed -e "s/@VERSION@/$version/" -e "s/@ARCH@/$arch/" -e "s/@GLIBC@/$(glibc_of "$program")/" \
    -e "s/@SIZE@/$(du -sk --exclude=DEBIAN "$root" | cut -f1)/" packaging/debian/control.in >"$root/DEBIAN/control"
  (cd "$root" && find . -path ./DEBIAN -prune -o -type f -printf '%P\0' | sort -z | xargs -0 md5sum >DEBIAN/md5sums)
  dpkg-deb --root-owner-group -Zxz --build "$root" "$out/vestibule_${version}_$arch.deb"
}

# The root of the image: the program, glibc, and nothing that could be run beside it.
make_image() {
  say "The container image"
  [ -x "$program" ] || fail "no program yet: ./release binary"
  need apt-get "Debian's packages of glibc"
  local root="$scratch/root" packages="$scratch/packages" package
  mkdir -p "$root" "$packages" "$root/etc" "$root/tmp" "$root/var/lib/dpkg/status.d"
  # As the user that may read the folder; Debian's own drops its rights.
  (cd "$packages" && apt-get -o APT::Sandbox::User=root download "libc6:$arch" "libgcc-s1:$arch" "ca-certificates") >/dev/null
  for package in "$packages"/*.deb; do
    dpkg-deb --extract "$package" "$scratch/extracted"
    # For scanners: which packages the files are from.
    dpkg-deb --field "$package" >"$root/var/lib/dpkg/status.d/$(dpkg-deb --field "$package" Package)"
  done
  copy_libraries "$scratch/extracted" "$root"
  install -D -m 755 "$program" "$root/usr/bin/vestibule"
  printf 'root:x:0:0:root:/:/usr/sbin/nologin\nvestibule:x:10001:10001::/data:/usr/sbin/nologin\n' >"$root/etc/passwd"
  printf 'root:x:0:\nvestibule:x:10001:\n' >"$root/etc/group"
  printf 'hosts: files dns\n' >"$root/etc/nsswitch.conf"
  install -d -m 700 "$root/data"
  chmod 1777 "$root/tmp"
  packaging/image.py --root "$root" --layout "$out/vestibule-$version-image-$arch" --tar "$out/vestibule-$version-image-$arch.tar" \
    --version "$version" --arch "$arch"
}

copy_libraries() {
  local from="$1" to="$2" folder
  for folder in lib lib64 usr/lib; do
    [ ! -d "$from/$folder" ] || { mkdir -p "$to/$folder" && cp -a "$from/$folder/." "$to/$folder/"; }
  done
  # Character sets that nothing here converts, and audit modules.
  find "$to" -type d -name gconv -prune -exec rm -rf {} +
  find "$to" -type d -name audit -prune -exec rm -rf {} +
  mkdir -p "$to/etc/ssl/certs"
  find "$from/usr/share/ca-certificates" -name '*.crt' -print0 | sort -z | xargs -0 cat >"$to/etc/ssl/certs/ca-certificates.crt"
}

make_sbom() {
  say "The SBOM"
  packaging/sbom.py "$target" Cargo.lock >"$out/vestibule-$version-$arch.cdx.json"
}

make_checksums() {
  say "The checksums"
  (cd "$out" && find . -maxdepth 1 -type f ! -name SHA256SUMS -printf '%P\0' | sort -z | xargs -0 sha256sum) >"$scratch/sums"
  mv "$scratch/sums" "$out/SHA256SUMS"
  cat "$out/SHA256SUMS"
}

# The list of crates inside the program, as cargo auditable writes it.
check_crates() {
  if ! objcopy --dump-section ".dep-v0=$scratch/crates" "$program" "$scratch/copy" 2>/dev/null || [ ! -s "$scratch/crates" ]; then
    [ -n "$binary" ] || fail "the program has no list of its crates"
    say "The program that was given has no list of its crates"
    return
  fi
  python3 - "$scratch/crates" <<'PYTHON'
import json, sys, zlib
with open(sys.argv[1], "rb") as file:
    crates = json.loads(zlib.decompress(file.read()))["packages"]
assert any(crate["name"] == "vestibule-server" for crate in crates), "the list is of another program"
print(f"Program: lists its {len(crates)} crates")
PYTHON
}

make_check() {
  install_python_tools
  check_crates
  (cd "$out" && sha256sum --quiet --check SHA256SUMS)
  packaging/check-sbom "$out/vestibule-$version-$arch.cdx.json"
  packaging/check-image "$out/vestibule-$version-image-$arch" "$out/vestibule-$version-image-$arch.tar"
  packaging/check-deb "$out/vestibule_${version}_$arch.deb"
}
