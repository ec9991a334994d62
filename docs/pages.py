"""The pages of the documentation site are the documents of this repository, where they lie.

MkDocs calls this for the list of files. So links between documents are the same here and there.
"""

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

REPO = Path(__file__).parents[1]

#: Documents, and the files that they link to.
PATTERNS = (
    *("*.md", "config/*", "docs/*.md", "docs/pictures/*", "tests/README.md", "LICENSE"),
    *("profiles/*/config.yaml", "examples/*.ipynb"),
    *("demo_scenes/*.md", "plugins/*/*.md", "plugins/*/docs/*.md"),
)


def on_files(files: Files, config: Any) -> Files:
    """Replace what MkDocs found in docs/."""
    for file in list(files):
        if file.src_dir == config.docs_dir:
            files.remove(file)
    for path in sorted({path for pattern in PATTERNS for path in REPO.glob(pattern)}):
        uri = path.relative_to(REPO).as_posix()
        files.append(File(uri, str(REPO), config.site_dir, config.use_directory_urls))
    return files
