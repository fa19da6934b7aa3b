#!/usr/bin/env python3
"""Prepares the documentation for MkDocs: the pages of docs/ with README.md as the home page, and llms.txt.

llms.txt lists every page with one sentence, and llms-full.txt holds all of them: https://llmstxt.org
"""

import re
import shutil
import sys
from pathlib import Path

# Order and names of the sections; each page of docs/ belongs to one.
SECTIONS = [
    (
        "Web apps",
        [
            "guides/web.md",
            "guides/nextjs.md",
            "guides/sveltekit.md",
            "guides/express.md",
            "guides/fastapi.md",
            "guides/go.md",
            "guides/promotion.md",
            "guides/branding.md",
        ],
    ),
    ("Mobile apps", ["guides/ios.md", "guides/android.md", "guides/flutter.md", "guides/react-native.md"]),
    (
        "Backends",
        [
            "guides/backend.md",
            "guides/sessions.md",
            "guides/third-party.md",
            "guides/events.md",
            "reference/admin-api.md",
        ],
    ),
    (
        "Operation",
        [
            "guides/run.md",
            "guides/proxies.md",
            "guides/portal.md",
            "guides/observe.md",
            "guides/backup.md",
            "guides/upgrade.md",
            "guides/scale.md",
            "benchmarks.md",
            "security.md",
            "conformance.md",
        ],
    ),
    ("Reference", []),
    ("Contributing", ["contributing.md", "architecture.md", "adding-an-endpoint.md", "testing.md", "costs.md", "glossary.md", "releasing.md"]),
    ("Decisions", []),
    ("Changelog", ["changelog.md"]),
]
# Files of the repository that are pages, too.
COPIES = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "SECURITY.md": "report.md"}
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s]+)\)")
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)\s]+)\)")
EXTERNAL = re.compile(r"[a-z]+:|#")


class Site:
    def __init__(self, repository, out):
        self.repository, self.out = repository, out
        self.pages = {}
        for path in sorted((repository / "docs").rglob("*.md")):
            self.pages[path] = path.relative_to(repository / "docs").as_posix()
        for source, page in COPIES.items():
            self.pages[repository / source] = page

    def rewrite(self, source, page, text):
        """Links between pages as MkDocs needs them. What is no page is named, not linked."""

        def target(link):
            path, _, anchor = link.partition("#")
            found = (source.parent / path).resolve()
            if found.is_dir():
                found = found / "README.md"
            up = "../" * page.count("/")
            if found in self.pages:
                return up + self.pages[found] + (f"#{anchor}" if anchor else "")
            docs = self.repository / "docs"
            if found.is_file() and found.is_relative_to(docs):
                return up + found.relative_to(docs).as_posix()
            if not found.exists():
                sys.exit(f"{source}: the link {link} leads nowhere")
            return None

        def link(match):
            label, address = match.groups()
            if EXTERNAL.match(address):
                return match.group()
            there = target(address)
            return f"[{label}]({there})" if there else label

        def image(match):
            label, address = match.groups()
            return f"![{label}]({target(address)})"

        parts = re.split(r"(^```.*?^```$)", text, flags=re.MULTILINE | re.DOTALL)
        return "".join(part if part.startswith("```") else IMAGE.sub(image, LINK.sub(link, part)) for part in parts)

    def write(self):
        shutil.rmtree(self.out, ignore_errors=True)
        shutil.copytree(self.repository / "docs", self.out / "docs", ignore=shutil.ignore_patterns("*.md"))
        texts = {}
        for source, page in self.pages.items():
            text = self.rewrite(source, page, source.read_text(encoding="utf-8"))
            texts[page] = text
            place = self.out / "docs" / page
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text, encoding="utf-8")
        sections = self.assign()
        (self.out / "mkdocs.yml").write_text(print_configuration(sections, texts), encoding="utf-8")
        (self.out / "docs/llms.txt").write_text(print_list(sections, texts), encoding="utf-8")
        whole = "\n\n".join(texts[page] for _, pages in sections for page in pages)
        (self.out / "docs/llms-full.txt").write_text(whole, encoding="utf-8")

    def assign(self):
        """The sections with all of their pages; the rest of each folder goes to its own section."""
        named = {page for _, pages in SECTIONS for page in pages} | {"index.md", "report.md"}
        rest = [page for page in self.pages.values() if page not in named]
        folders = {"Reference": "reference/", "Decisions": "adr/"}
        sections = [
            (name, pages + [page for page in sorted(rest) if name in folders and page.startswith(folders[name])])
            for name, pages in SECTIONS
        ]
        placed = {page for _, pages in sections for page in pages}
        lost = sorted(page for page in rest if page not in placed)
        if lost:
            sections.insert(-1, ("More guides", lost))
        missing = sorted(placed - set(self.pages.values()))
        if missing:
            sys.exit(f"packaging/site.py names pages that do not exist: {', '.join(missing)}")
        return sections


def title(text):
    return next((line[2:].strip() for line in text.splitlines() if line.startswith("# ")), "Untitled").replace('"', "'")


def first_sentence(text):
    for block in text.split("\n\n"):
        plain = LINK.sub(r"\1", " ".join(block.split()))
        if plain and not plain.startswith(("#", "<", "!", "|", "```", "- ")):
            return re.split(r"(?<=\.)\s", plain)[0]
    return ""


def print_configuration(sections, texts):
    lines = [
        "site_name: Vestibule",
        "docs_dir: docs",
        "use_directory_urls: false",
        "theme:",
        "  name: material",
        # Nothing is loaded from elsewhere.
        "  font: false",
        "  features: [content.code.copy, navigation.indexes, search.suggest, toc.follow]",
        "  palette:",
        '    - {media: "(prefers-color-scheme: light)", scheme: default, primary: deep orange}',
        '    - {media: "(prefers-color-scheme: dark)", scheme: slate, primary: deep orange}',
        "plugins: [search]",
        "markdown_extensions: [tables, fenced_code, attr_list, {toc: {permalink: true}}]",
        "validation: {links: {anchors: warn, not_found: warn}}",
        "nav:",
        "  - Vestibule: index.md",
    ]
    for name, pages in sections:
        lines.append(f"  - {name}:")
        lines.extend(f'    - "{title(texts[page])}": {page}' for page in pages)
    lines.append("not_in_nav: report.md")
    return "\n".join(lines) + "\n"


def print_list(sections, texts):
    lines = ["# Vestibule", "", f"> {first_sentence(texts['index.md'])}", ""]
    for name, pages in sections:
        lines.append(f"## {'Optional' if name == 'Decisions' else name}")
        lines.append("")
        for page in pages:
            sentence = first_sentence(texts[page])
            lines.append(f"- [{title(texts[page])}]({page})" + (f": {sentence}" if sentence else ""))
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    Site(Path(__file__).resolve().parent.parent, Path(sys.argv[1]).resolve()).write()
