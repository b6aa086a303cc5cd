"""Where packages may come from, and how much of them one person may have."""

from __future__ import annotations

import pytest

from analyticspro.errors import DefinitionError, RetriableError, SettingError
from analyticspro.packages import Index, Rations, project_of
from analyticspro.packages.page import files_of, page_of

PYPI = Index("https://pypi.org/simple/", frozenset({"files.pythonhosted.org"}))


@pytest.mark.parametrize(
    "index",
    [
        "pypi.org", "ftp://pypi.org/", "https://", "https://me:secret@pypi.org/simple",
        "https://pypi.org/simple?x=1", "https://pypi.org\\@evil.example/", "https://a b/",
        "https://[::1]/", "https://pypi.org/simple#x",
    ],
)  # fmt: skip
def test_an_index_is_a_plain_address(index: str):
    with pytest.raises(SettingError, match="Setting package_index"):
        Index.parse(index, "")


@pytest.mark.parametrize("hosts", ["https://x.example", "*", "x.example/path", "a@b", "-"])
def test_hosts_are_hosts(hosts: str):
    with pytest.raises(SettingError, match="Setting package_hosts"):
        Index.parse("", hosts)


def test_without_an_index_there_is_none():
    assert Index.parse("", "files.pythonhosted.org") is None
    found = Index.parse("https://pypi.org/simple", " files.pythonhosted.org  ")
    assert found == PYPI


@pytest.mark.parametrize(
    "url",
    [
        "https://pypi.org/simple/x/x.whl", "https://PyPI.org:443/x", "https://files.pythonhosted.org",
        "https://files.pythonhosted.org/x.whl?signed=a%20b&c=/d",
    ],
)  # fmt: skip
def test_what_is_there_is_fetched(url: str):
    assert PYPI.refuses(url) == ""


@pytest.mark.parametrize(
    "url",
    [
        "http://pypi.org/simple/x.whl", "http://files.pythonhosted.org/x.whl",
        "https://pypi.org:8443/x", "https://pypi.org.evil.example/x", "https://evil.example/pypi.org",
        "https://pypi.org@evil.example/", "https://pypi.org:443@evil.example/",
        "https://evil.example\\@pypi.org/", "https://evil.example#@pypi.org/", "//evil.example/x",
        "https://127.0.0.1/x", "https://[::1]/x", "https://localhost/x", "https://2130706433/x",
        "file:///etc/passwd", "gopher://pypi.org/", "https://pypi.org\n/x", "https://pypi.org/a b",
        "https://files.pythonhosted.org./x", "", "x.whl",
    ],
)  # fmt: skip
def test_what_is_elsewhere_is_not(url: str):
    assert PYPI.refuses(url)


@pytest.mark.parametrize("name", ["..", "", "-", "a/b", "a b", "a\r\nx", "%2e", "é", "a" * 101])
def test_what_is_no_project_is_not_asked_for(name: str):
    with pytest.raises(DefinitionError, match="is no name of a project"):
        project_of(name)


def test_a_page_is_told_as_it_is():
    page = """<a href="../../f/x-1.0-py3-none-any.whl#sha256=ab12" data-requires-python="&gt;=3.9"
      data-yanked="broken">x</a><a href="x-1.0.tar.gz" data-yanked>x</a><a>none</a>
      <a href="../">up</a><a href="x-2.exe">x</a><a href="https://[/x-3.zip">x</a>
      <a href="x-1.0.tar.gz#sha256=cc">again</a>"""
    found = files_of(page, "https://pypi.org/simple/x/")
    assert [file.url for file in found] == [
        "https://pypi.org/f/x-1.0-py3-none-any.whl", "https://pypi.org/simple/x/x-1.0.tar.gz"
    ]  # fmt: skip
    assert page_of("x", [(file, "there") for file in found])["files"] == [
        {"filename": "x-1.0-py3-none-any.whl", "url": "there", "hashes": {"sha256": "ab12"},
         "requires-python": ">=3.9", "yanked": "broken"},
        {"filename": "x-1.0.tar.gz", "url": "there", "hashes": {}, "requires-python": None,
         "yanked": True},
    ]  # fmt: skip


def test_each_person_has_a_ration():
    rations = Rations(files=3, size=100, at_once=1)
    with rations.one("ada", 0.0), pytest.raises(RetriableError, match="fetched already"):
        rations.one("ada", 0.0).__enter__()
    with rations.one("ada", 1.0):
        rations.took("ada", 100)
    with pytest.raises(RetriableError, match="in this hour"):
        rations.one("ada", 2.0).__enter__()
    with rations.one("grace", 2.0):
        pass
    with rations.one("ada", 3601.0):
        pass
    for _ in range(2):
        with rations.one("ada", 3602.0):
            pass
    with pytest.raises(RetriableError, match="in this hour"):
        rations.one("ada", 3603.0).__enter__()
