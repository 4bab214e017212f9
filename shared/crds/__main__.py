"""Write the CustomResourceDefinitions, and raise their revision when the schema has changed."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import yaml

from shared.crds.definitions import custom_resource_definition, kinds
from shared.crds.revision import (
    REVISION_ANNOTATION,
    REVISION_FILE,
    SCHEMA_DIGEST,
    SCHEMA_REVISION,
    schema_digest,
)

FOLDER = Path(__file__).parents[2] / "charts/postgregent/files/crds"
_HEADER = "# Written by `make crds` from the models in shared/resources. Do not edit.\n"


class _Plain(yaml.SafeDumper):
    """Without anchors, and with texts on one line each."""

    def ignore_aliases(self, data: object) -> bool:  # noqa: ARG002 - the signature is PyYAML's
        return True


def rendered(revision: int) -> dict[str, str]:
    """The files by name."""
    files = {}
    for kind in kinds():
        crd = custom_resource_definition(kind)
        crd["metadata"]["annotations"][REVISION_ANNOTATION] = str(revision)
        text = yaml.dump(crd, Dumper=_Plain, sort_keys=False, width=100, allow_unicode=True)
        files[f"{crd['metadata']['name']}.yaml"] = _HEADER + text
    return files


def current_digest() -> str:
    """The digest of the schemas as the models make them now."""
    return schema_digest(
        {
            kind: custom_resource_definition(kind)["spec"]["versions"][0]["schema"]
            for kind in kinds()
        }
    )


def main() -> int:
    """Write what changed; say what was written."""
    digest, revision = current_digest(), SCHEMA_REVISION
    if digest != SCHEMA_DIGEST:
        revision += 1 if SCHEMA_DIGEST else 0
        REVISION_FILE.write_text(json.dumps({"revision": revision, "digest": digest}) + "\n")
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in rendered(revision).items():
        path = FOLDER / name
        if not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, "utf-8")
            print(f"written: {path.relative_to(Path.cwd())}")  # noqa: T201 - a command's answer
    return 0


if __name__ == "__main__":
    sys.exit(main())
