"""Generates the Python of the protos, beside them; the result is committed.

    python protos/generate.py            write it
    python protos/generate.py --check    write nothing; exit 1 and name each file that is stale

From every ``investiture/api/**/*.proto`` come ``*_pb2.py`` and ``*_pb2.pyi``, and where the file
declares a service ``*_pb2_grpc.py`` and ``*_pb2_grpc.pyi``. The vendored ``buf/validate`` options
go to ``investiture/api/_vendor``: the protovalidate package ships them only for a protobuf runtime
of its own, and as a top-level package ``buf`` they could collide with another distribution's.
``google/type`` and ``google/rpc`` are not generated: googleapis-common-protos brings their modules.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import google.rpc

PROTOS = Path(__file__).resolve().parent
THIRD_PARTY = PROTOS / "third_party"
API = Path("investiture/api")
VENDOR = API / "_vendor"
GENERATED = re.compile(r"(_pb2|_pb2_grpc)\.pyi?$")
BUF_IMPORT = re.compile(r"^from buf\.", re.MULTILINE)
INIT = "__init__.py"
MESSAGES = ("--python_out=", "--mypy_out=quiet:")
# Ours are grpc.aio everywhere: stubs for both kinds type every call as a union of the two.
SERVICES = ("--grpc_python_out=", "--mypy_grpc_out=quiet,only_async:")


class ProtocError(Exception):
    """protoc refused its input; its own message is already on stderr."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; answers the exit code."""
    parser = argparse.ArgumentParser(description="Generate the Python of the protos.")
    parser.add_argument("--check", action="store_true", help="write nothing, name what is stale")
    parser.add_argument(
        "--root", type=Path, default=PROTOS, help="folder that holds investiture/api (for tests)"
    )
    options = parser.parse_args(arguments)
    root: Path = options.root.resolve()
    try:
        wanted = generate(root)
    except ProtocError as error:
        print(f"protos: {error}", file=sys.stderr)
        return 1
    stale = stale_files(root, wanted)
    if options.check:
        for path, why in stale.items():
            print(f"{path}: {why}; run `make protos`", file=sys.stderr)
        return 1 if stale else 0
    write(root, wanted, stale)
    print(f"protos: {len(wanted)} files, {len(stale)} changed")
    return 0


def generate(root: Path) -> dict[Path, bytes]:
    """Generates everything for the protos below ``root``.

    Returns:
        The wanted content of each generated file, by its path relative to ``root``.

    Raises:
        ProtocError: protoc refused a file.
    """
    with tempfile.TemporaryDirectory(prefix="investiture-protos-") as folder:
        out = Path(folder)
        protos = sorted((root / API).rglob("*.proto"))
        services = [proto for proto in protos if declares_service(proto)]
        vendored = sorted((THIRD_PARTY / "buf").rglob("*.proto"))
        run_protoc(root, protos, out, MESSAGES)
        run_protoc(root, services, out, SERVICES)
        run_protoc(root, vendored, out / VENDOR, MESSAGES)
        files = {path.relative_to(out): rewritten(path) for path in out.rglob("*.py*")}
    for package in packages(files):
        files[package / INIT] = b""
    return dict(sorted(files.items()))


def declares_service(proto: Path) -> bool:
    """Whether the file declares a gRPC service."""
    return re.search(r"^service\s+\w+", proto.read_text(), re.MULTILINE) is not None


def run_protoc(root: Path, protos: Sequence[Path], out: Path, outputs: Sequence[str]) -> None:
    """Runs protoc with the given output options into ``out``."""
    if not protos:
        return
    out.mkdir(parents=True, exist_ok=True)
    # protoc finds its plugins on the PATH, where an interpreter that was not activated has none.
    plugins = [
        f"--plugin=protoc-gen-{name}={Path(sys.executable).parent / f'protoc-gen-{name}'}"
        for name in ("mypy", "mypy_grpc")
    ]
    command = [
        *(sys.executable, "-m", "grpc_tools.protoc"),
        *plugins,
        *(f"--proto_path={folder}" for folder in include_folders(root)),
        *(f"{option}{out}" for option in outputs),
        *(str(proto) for proto in protos),
    ]
    if subprocess.run(command, check=False).returncode != 0:
        raise ProtocError("protoc failed, see above")


def include_folders(root: Path) -> list[Path]:
    """The folders of imports; the first that holds a file names it, so the vendored ones lead."""
    common_protos = Path(next(iter(google.rpc.__path__))).parent.parent
    return [THIRD_PARTY, root, common_protos]


def rewritten(path: Path) -> bytes:
    """The generated file with the import of the vendored options pointed at our copy."""
    package = VENDOR.as_posix().replace("/", ".")
    return BUF_IMPORT.sub(f"from {package}.buf.", path.read_text()).encode()


def packages(files: dict[Path, bytes]) -> set[Path]:
    """Every package between ``investiture/api`` (whose own file is written by hand) and a file."""
    return {
        parent
        for path in files
        for parent in path.parents
        if parent.is_relative_to(API) and parent != API
    }


def stale_files(root: Path, wanted: dict[Path, bytes]) -> dict[Path, str]:
    """What differs from the wanted files, each with its reason."""
    stale: dict[Path, str] = {}
    for path, content in wanted.items():
        present = root / path
        if not present.is_file():
            stale[path] = "missing"
        elif present.read_bytes() != content:
            stale[path] = "differs from what its proto generates"
    for present in sorted((root / API).rglob("*.py*")):
        path = present.relative_to(root)
        if GENERATED.search(path.name) and path not in wanted:
            stale[path] = "has no proto any more"
    return stale


def write(root: Path, wanted: dict[Path, bytes], stale: dict[Path, str]) -> None:
    """Brings the stale files up to date and removes those without a proto."""
    for path in stale:
        if path in wanted:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(wanted[path])
        else:
            (root / path).unlink()


if __name__ == "__main__":
    sys.exit(main())
