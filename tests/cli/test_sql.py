"""`analyticspro sql`: a person's own SELECT on the terminal, and for programs."""

from __future__ import annotations

from analyticspro.config import Home
from tests.cli.terminal import run

COUNT = "SELECT country, count(*) AS n FROM events WHERE country = $of GROUP BY country"


def test_as_a_table_csv_and_json(shop_home: Home):
    done = run("sql", COUNT, "--value", "of=Italy", "--format", "json", home=shop_home.path)
    assert (done.code, done.err) == (0, "")
    [row] = done.json["rows"]
    assert row["country"] == "Italy"
    assert done.json["provenance"]["policy"] == "owner"
    done = run("sql", COUNT, "--value", "of=Italy", "--format", "csv", home=shop_home.path)
    assert done.out == f"country,n\nItaly,{row['n']}\n"
    done = run("sql", COUNT, "--value", "of=Italy", home=shop_home.path)
    assert done.out.split() == ["country", "n", "Italy", str(row["n"])]


def test_a_value_is_a_number_where_it_reads_like_one(shop_home: Home):
    done = run("sql", "SELECT $a + 1 AS a, $b AS b, $c IS NULL AS c", "--value", "a=41",
               "--value", "b=4x=1", "--value", "c=null", "--format", "csv",
               home=shop_home.path)  # fmt: skip
    assert done.out == "a,b,c\n42,4x=1,True\n"


def test_what_is_refused_ends_with_the_code_of_its_kind(shop_home: Home):
    done = run("sql", "DROP TABLE hot", home=shop_home.path)
    assert (done.code, done.out) == (6, "")
    assert "Only SELECT" in done.err
    done = run("sql", "SELECT * FROM hot", home=shop_home.path)
    assert (done.code, done.out) == (2, "")
    assert "No view 'hot'" in done.err


def test_an_answer_that_is_cut_says_so(shop_home: Home):
    done = run("sql", "FROM range(100001)", "--format", "csv", home=shop_home.path)
    assert len(done.out.splitlines()) == 100_001
    assert "first 100,000 rows" in done.err
