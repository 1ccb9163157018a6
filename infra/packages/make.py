"""From one binary to what Homeward is handed out as: see `infra/package`, which calls this.

Usage: make.py BINARY OUT
"""

import gzip
import hashlib
import io
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.model.license import LicenseExpression
from cyclonedx.output.json import JsonV1Dot6
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from packageurl import PackageURL

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).resolve().parent
SUMMARY = "Finds photos of missing people in advertisements, edited or not. The same photo, never a face."
# What Debian and Python call a processor.
PROCESSORS = {"x86_64": "amd64", "aarch64": "arm64"}
EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "1767225600"))  # one time for all files: the same bytes each time


def run(*command, **more):
    return subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE, **more).stdout


def metadata():
    flags = ["--locked", "--format-version", "1", "--filter-platform", f"{platform.machine()}-unknown-linux-gnu"]
    return json.loads(run("cargo", "metadata", *flags, cwd=ROOT))


def linked(meta):
    """The packages that the binary is made of, and what each leads to: all but what only tests need, or other programs
    of the workspace (metadata knows the features of all of them together, a tree those of one)."""
    tree = run("cargo", "tree", "--locked", "--package", "homeward", "--edges", "normal,build", "--prefix", "none",
               "--format", "{p}", cwd=ROOT)
    built = {tuple(line.split()[:2]) for line in tree.splitlines()}
    packages = {package["id"]: package for package in meta["packages"]}
    nodes = {node["id"]: node for node in meta["resolve"]["nodes"]}
    first = next(id for id, package in packages.items() if package["name"] == "homeward")
    leads_to, todo = {}, [first]
    while todo:
        at = todo.pop()
        if at not in leads_to:
            of = {dep["pkg"] for dep in nodes[at]["deps"] if any(kind["kind"] != "dev" for kind in dep["dep_kinds"])}
            leads_to[at] = [id for id in sorted(of) if (packages[id]["name"], f'v{packages[id]["version"]}') in built]
            todo += leads_to[at]
    return packages[first], {id: (packages[id], deps) for id, deps in sorted(leads_to.items())}


def checksums():
    """SHA-256 of the crates, as Cargo.lock has them."""
    lock = (ROOT / "Cargo.lock").read_text()
    entry = re.compile(r'name = "(.+?)"\nversion = "(.+?)"\nsource = ".+?"\nchecksum = "(.+?)"')
    return {(name, version): checksum for name, version, checksum in entry.findall(lock)}


def component(package, sums):
    key = (package["name"], package["version"])
    licence = (package["license"] or "").replace("/", " OR ")
    return Component(
        name=key[0], version=key[1], bom_ref=f"{key[0]}@{key[1]}",
        type=ComponentType.APPLICATION if key[0] == "homeward" else ComponentType.LIBRARY,
        purl=PackageURL("cargo", None, *key) if package["source"] else None,
        licenses=[LicenseExpression(licence)] if licence else [],
        hashes=[HashType(alg=HashAlgorithm.SHA_256, content=sums[key])] if key in sums else [],
    )


def bill_of_materials(homeward, packages):
    sums, bom = checksums(), Bom()
    components = {id: component(package, sums) for id, (package, _) in packages.items()}
    bom.metadata.component = components[homeward["id"]]
    bom.components.update(it for id, it in components.items() if id != homeward["id"])
    for id, (_, deps) in packages.items():
        bom.register_dependency(components[id], [components[dep] for dep in deps])
    text = JsonV1Dot6(bom).output_as_string(indent=1)
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    if fault:
        sys.exit(f"the bill of materials is not valid: {fault}")
    return text


def licences(packages):
    """The texts that others' licences ask to be handed on, each once."""
    by_text = {}
    for package, _ in packages.values():
        if package["source"] is None:
            continue  # ours
        folder = Path(package["manifest_path"]).parent
        name = f'{package["name"]} {package["version"]} ({package["license"] or "see its text"})'
        files = [path for path in sorted(folder.iterdir())
                 if re.match(r"(?i)(licen[sc]e|copying|notice|copyright)", path.name) and path.is_file()]
        for path in files:
            by_text.setdefault(path.read_text(errors="replace").strip(), []).append(name)
        if not files:
            by_text.setdefault("(its package holds no text of its licence)", []).append(name)
    rule = "\n" + "=" * 78 + "\n"
    return rule.join(", ".join(names) + "\n\n" + text for text, names in by_text.items()) + "\n"


def stripped(binary, into):
    shutil.copyfile(binary, into)
    into.chmod(0o755)
    run("strip", "--strip-all", str(into))
    return into


def glibc(binary):
    """The newest version of glibc that the binary asks for: where it runs."""
    text = run("readelf", "--version-info", "--wide", str(binary))
    versions = [tuple(map(int, found)) for found in re.findall(r"GLIBC_(\d+)\.(\d+)", text)]
    return max(versions, default=(2, 17))


def install(folder, files):
    """Writes files (name: text, or a path to copy, with the mode) below a folder, all of one time."""
    for name, (content, mode) in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, Path):
            shutil.copyfile(content, path)
        else:
            path.write_text(content)
        path.chmod(mode)
    for path in [folder, *folder.rglob("*")]:
        if path.is_dir():
            path.chmod(0o755)
        os.utime(path, (EPOCH, EPOCH))


def archive(folder, out):
    def plain(info):
        info.uid = info.gid = 0
        info.uname = info.gname = "root"
        info.mtime = EPOCH
        return info

    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in [folder, *sorted(folder.rglob("*"))]:
            tar.add(path, path.relative_to(folder.parent), recursive=False, filter=plain)
    with open(out, "wb") as file, gzip.GzipFile(fileobj=file, mode="wb", filename="", mtime=EPOCH) as packed:
        packed.write(raw.getbuffer())


def wheel(folder, binary, version, texts, out):
    """A wheel that holds the program as a script: `pip install` puts it on the path."""
    major, minor = glibc(binary)
    tag = f"py3-none-manylinux_{major}_{minor}_{platform.machine()}"
    info = f"homeward-{version}.dist-info"
    about = [
        "Metadata-Version: 2.4", "Name: homeward", f"Version: {version}", f"Summary: {SUMMARY}",
        "License-Expression: Apache-2.0", "License-File: LICENSE", "License-File: THIRD-PARTY-LICENSES",
        "Requires-Python: >=3.8", "Description-Content-Type: text/markdown", "", (ROOT / "README.md").read_text(),
    ]
    install(folder, {
        f"homeward-{version}.data/scripts/homeward": (binary, 0o755),
        f"{info}/METADATA": ("\n".join(about), 0o644),
        f"{info}/WHEEL": (f"Wheel-Version: 1.0\nGenerator: infra/package\nRoot-Is-Purelib: false\nTag: {tag}\n", 0o644),
        f"{info}/licenses/LICENSE": (ROOT / "LICENSE", 0o644),
        f"{info}/licenses/THIRD-PARTY-LICENSES": (texts["licences"], 0o644),
        f"{info}/sboms/homeward.cdx.json": (texts["bill"], 0o644),
    })
    run(sys.executable, "-m", "wheel", "pack", str(folder), "--dest-dir", str(out),
        env=dict(os.environ, SOURCE_DATE_EPOCH=str(EPOCH)))


def debian(folder, binary, version, texts, out):
    architecture = PROCESSORS[platform.machine()]
    major, minor = glibc(binary)
    doc = "usr/share/doc/homeward"
    completions = {
        "usr/share/bash-completion/completions/homeward": texts["bash"],
        "usr/share/zsh/vendor-completions/_homeward": texts["zsh"],
        "usr/share/fish/vendor_completions.d/homeward.fish": texts["fish"],
    }
    install(folder, {
        "usr/bin/homeward": (binary, 0o755),
        "usr/lib/systemd/system/homeward.service": (HERE / "homeward.service", 0o644),
        f"{doc}/README.md": (ROOT / "README.md", 0o644),
        f"{doc}/copyright": (texts["copyright"], 0o644),
        f"{doc}/homeward.cdx.json": (texts["bill"], 0o644),
        f"{doc}/examples/homeward-upload.service": (HERE / "homeward-upload.service", 0o644),
        f"{doc}/examples/homeward-upload.timer": (HERE / "homeward-upload.timer", 0o644),
        **{name: (text, 0o644) for name, text in completions.items()},
    })
    size_kib = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) // 1024
    control = [
        "Package: homeward", f"Version: {version}", f"Architecture: {architecture}", "Section: utils",
        "Priority: optional", "Maintainer: Homeward <homeward@homeward.example>", f"Installed-Size: {size_kib}",
        f"Depends: libc6 (>= {major}.{minor}), libgcc-s1", f"Description: {SUMMARY}",
        " One program: it uploads folders of ads, compares folders, and serves the whole system",
        " on one machine. The unit homeward.service is not started by the installation.", "",
    ]
    install(folder / "DEBIAN", {"control": ("\n".join(control), 0o644)})
    name = out / f"homeward_{version}_{architecture}.deb"
    run("dpkg-deb", "--root-owner-group", "-Zxz", "-z1", "--build", str(folder), str(name),
        env=dict(os.environ, SOURCE_DATE_EPOCH=str(EPOCH)))


def main(binary, out):
    homeward, packages = linked(metadata())
    version = homeward["version"]
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as work:
        work = Path(work)
        binary = stripped(binary, work / "homeward")
        own = (ROOT / "LICENSE").read_text()
        texts = {
            "bill": bill_of_materials(homeward, packages),
            "licences": licences(packages),
            **{shell: run(str(binary), "completions", shell) for shell in ("bash", "zsh", "fish")},
        }
        texts["copyright"] = f'Homeward\n\n{own}\n\nWhat it is made of:\n\n{texts["licences"]}'
        name = f"homeward-{version}-linux-{platform.machine()}"
        (work / "archive").mkdir()
        install(work / "archive" / name, {
            "homeward": (binary, 0o755),
            "README.md": (ROOT / "README.md", 0o644),
            "LICENSE": (ROOT / "LICENSE", 0o644),
            "THIRD-PARTY-LICENSES": (texts["licences"], 0o644),
            "homeward.cdx.json": (texts["bill"], 0o644),
            **{f"completions/homeward.{shell}": (texts[shell], 0o644) for shell in ("bash", "zsh", "fish")},
        })
        archive(work / "archive" / name, out / f"{name}.tar.gz")
        wheel(work / f"homeward-{version}", binary, version, texts, out)
        debian(work / "debian", binary, version, texts, out)
        (out / "homeward.cdx.json").write_text(texts["bill"])
        shutil.copyfile(HERE / "Containerfile", out / "Containerfile")
        size, (major, minor) = binary.stat().st_size, glibc(binary)
    files = sorted(path for path in out.iterdir())
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (out / "SHA256SUMS").write_text("".join(sums))
    print(f"the program: {size / 1e6:.1f} MB; runs on Linux, {platform.machine()}, glibc {major}.{minor} or newer")
    for path in files:
        print(f"{path.stat().st_size / 1e6:8.1f} MB  {path}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]))
