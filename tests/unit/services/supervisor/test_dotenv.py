"""`.env` as people write it."""

from pathlib import Path

import pytest

from services.supervisor import dotenv


@pytest.mark.parametrize(("line", "value"), [
    ("KEY=plain", "plain"),
    ("export KEY=plain", "plain"),
    ("  KEY = spaced  ", "spaced"),
    ("KEY=", ""),
    ("KEY=a=b", "a=b"),
    ("KEY=two words # comment", "two words"),
    ("KEY=a#b", "a#b"),
    ("KEY=# only a comment", ""),
    ("KEY='single # $HOME \\n'", "single # $HOME \\n"),
    ('KEY="double # value" # comment', "double # value"),
    (r'KEY="say \"hi\"\n\\ \$x"', 'say "hi"\n\\ $x'),
    ("KEY=it's", "it's"),
    ("KEY=$HOME/x", "$HOME/x"),
])
def test_reads_a_line(line: str, value: str) -> None:
    assert dotenv.parse(line) == {"KEY": value}


def test_skips_comments_and_blank_lines_and_takes_the_last_of_several() -> None:
    assert dotenv.parse("# A=1\n\n   \nB=1\r\nB=2\n  # end") == {"B": "2"}


@pytest.mark.parametrize("line", ["no equals sign", "1KEY=x", "KEY='open", 'KEY="open', "KEY='a' b"])
def test_names_the_line_but_never_its_text(line: str) -> None:
    with pytest.raises(dotenv.BadLine, match="line 2") as caught:
        dotenv.parse(f"# first\n{line}")
    assert line not in str(caught.value)


def test_a_missing_file_sets_nothing(tmp_path: Path) -> None:
    assert dotenv.load(tmp_path / "absent") == {}
