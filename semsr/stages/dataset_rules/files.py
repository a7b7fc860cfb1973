"""Rules of the assets: named and declared, addresses well-formed, checksums consistent."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from semsr.cards import Asset
from semsr.cards.asset import FileMirror, GdriveMirror, HfMirror, HttpsMirror, Mirror, PypiMirror
from semsr.cards.dataset import FileSource
from semsr.stages.dataset_rules.subject import Subject, Verdict, path_problem, says_nothing, used_assets

_OF_NOTHING = {
    "d41d8cd98f00b204e9800998ecf8427e": "MD5",
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855": "SHA-256",
}


def assets(it: Subject) -> Verdict:
    """Every asset named is declared, once; every asset declared is used."""
    used = used_assets(it.card)
    problems = [f"asset {name!r} is in no assets.yaml" for name in used if name not in it.assets]
    everywhere = {name for card in it.cards.values() for name in used_assets(card)}
    problems += [f"asset {asset.id!r} is used by no data set" for asset in it.declared if asset.id not in everywhere]
    problems += [
        f"asset {name!r} is declared more than once" for name in {asset.id for asset in it.declared} if len(it.assets[name]) > 1
    ]
    if isinstance(it.card.source, FileSource) and len(used) != len(it.card.source.assets):
        problems.append("an asset is named twice under 'source.assets'")
    if not used:
        return problems, "none: the user supplies the files" if isinstance(it.card.source, FileSource) else None
    return problems, f"{len(used)} used, {len(it.declared)} declared here"


def addresses(it: Subject) -> Verdict:
    """Every mirror is an address that others can reach, as far as its form tells."""
    mirrors = [(asset, mirror) for asset in it.concerned for mirror in asset.mirrors]
    problems, seen = [], dict[str, str]()
    for asset, mirror in mirrors:
        key = mirror.model_dump_json()
        if problem := _address_problem(mirror):
            problems.append(f"asset {asset.id!r}: {problem}")
        elif key in seen:
            problems.append(f"asset {asset.id!r}: the mirror {_where(mirror)} stands there twice (also in {seen[key]!r})")
        seen.setdefault(key, asset.id)
    return problems, f"{len(mirrors)} addresses, well-formed; not tried" if mirrors else None


def checksums(it: Subject) -> Verdict:
    """Every file is pinned, or there is a reason; no file goes by two ids."""
    problems = []
    for asset in it.concerned:
        if asset.sha256 is not None and asset.unpinned is not None:
            problems.append(f"asset {asset.id!r} has a 'sha256' and says 'unpinned'; one of the two")
        if asset.sha256 is None and says_nothing(asset.unpinned):
            problems.append(f"asset {asset.id!r}: 'unpinned' needs the reason why no SHA-256 is known")
        problems += [
            f"asset {asset.id!r}: this {_OF_NOTHING[value]} is that of an empty file"
            for value in (asset.sha256, asset.md5)
            if value in _OF_NOTHING
        ]
        for other in (other for others in it.assets.values() for other in others):
            if other.id != asset.id and (alike := _alike(asset, other)):
                problems.append(f"asset {asset.id!r} has the {alike} of {other.id!r}: refer to one of them by its id")
    pinned = sum(asset.sha256 is not None for asset in it.concerned)
    only_md5 = sum(asset.sha256 is None and asset.md5 is not None for asset in it.concerned)
    rest = len(it.concerned) - pinned - only_md5
    said = [(pinned, "by SHA-256"), (only_md5, "by MD5, then pinned here"), (rest, "pinned at the first download")]
    return problems, ", ".join(f"{count} {what}" for count, what in said if count) or None


def _address_problem(mirror: Mirror) -> str | None:
    match mirror:
        case HttpsMirror():
            return _url_problem(mirror.url)
        case HfMirror():
            if not re.fullmatch(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*", mirror.repo):
                return f"repository {mirror.repo!r} is not of the form owner/name"
            if not re.fullmatch(r"[\w.-]+(/[\w.-]+)*", mirror.revision):
                return f"revision {mirror.revision!r} is no name or hash of a commit"
            return path_problem(mirror.file)
        case GdriveMirror():
            if not re.fullmatch(r"[A-Za-z0-9_-]{20,80}", mirror.id):
                return f"{mirror.id!r} is no Google Drive id (20 or more letters, digits, '-' and '_'; not the whole link)"
            return None
        case PypiMirror():
            if not re.fullmatch(r"[A-Za-z0-9]([\w.-]*[A-Za-z0-9])?", mirror.package):
                return f"{mirror.package!r} is no package's name"
            if not re.fullmatch(r"\d[\w.!+]*", mirror.version):
                return f"version {mirror.version!r} of {mirror.package} is no single version"
            return path_problem(mirror.path)
        case FileMirror():
            return f"{mirror.path!r} lies on one machine only; a card needs an address that others can reach"


def _url_problem(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        return f"{url!r} is no address ({error})"
    if "@" in parts.netloc:  # not repeated: it may be a password
        return f"an address on {host!r} holds a user name or password; take it out"
    if re.search(r"\s", url) or not re.fullmatch(r"[a-z0-9-]+(\.[a-z0-9-]+)+", host):
        return f"{url!r} is no address: the host {host!r} is not a name with dots, or there is a space"
    if parts.path in ("", "/"):
        return f"{url!r} names a host, but no file"
    return f"{url!r}: a part after '#' is never sent; take it out" if parts.fragment else None


def _where(mirror: Mirror) -> str:
    return " ".join(str(value) for value in mirror.model_dump(exclude={"kind"}).values())


def _alike(one: Asset, other: Asset) -> str | None:
    if one.sha256 is not None and one.sha256 == other.sha256:
        return "SHA-256"
    return "MD5" if one.md5 is not None and one.md5 == other.md5 else None
