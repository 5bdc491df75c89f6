"""What `neuromosaic data` tells people of a data set."""

from pathlib import Path

from neuromosaic.core.brief import Brief
from neuromosaic.core.evaluation.data import describe, load_dataset
from neuromosaic.interfaces.showing_data import lines


def shown(path: Path | str, **more: str) -> list[str]:
    return [*lines(describe(load_dataset(Brief(data=str(path), **more))))]


def test_a_table_shows_each_column_by_a_line_and_texts_by_their_values(tmp_path: Path) -> None:
    rows = [f"{row % 9},{'red' if row % 3 else ''},{'ab'[row % 2]}" for row in range(60)]
    (tmp_path / "t.csv").write_text("\n".join(["size,colour,label", *rows]))
    told = shown(tmp_path / "t.csv")
    assert any(line.split()[:1] == ["size"] and line.split()[-2:] == ["0", "8"] for line in told)
    assert any("colour: one of (missing), red" in line for line in told)
    assert any(line.startswith("classes") and "a: " in line and "b: " in line for line in told)


def test_images_show_each_channel_and_the_classes() -> None:
    told = shown("digits")
    assert "input       float32 1 x 8 x 8" in told
    assert any("channel 0" in line for line in told)


def test_targets_that_are_numbers_are_shown() -> None:
    assert any(line.startswith("targets") and "mean 155" in line for line in shown("diabetes"))


def test_a_text_shows_its_characters(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text("the cat sat on the mat\n" * 200)
    told = shown(tmp_path / "t.txt")
    assert any(line.startswith("characters") and "acehmnost" in line for line in told)
    assert any("ids below 11" in line for line in told)


def test_of_many_columns_the_first_are_shown(tmp_path: Path) -> None:
    names = [f"c{place}" for place in range(30)]
    rows = [",".join(str((row * place) % 7) for place in range(30)) + f",{row % 2}" for row in range(60)]
    (tmp_path / "t.csv").write_text("\n".join([",".join([*names, "label"]), *rows]))
    told = shown(tmp_path / "t.csv")
    assert any(line.strip() == "and 10 more" for line in told)
    assert not any(line.split()[:1] == ["c25"] for line in told)
