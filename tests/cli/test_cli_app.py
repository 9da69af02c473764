import json

import pytest

from bocage import __version__
from bocage.cli import main


def call(capsys, *words):
    with pytest.raises(SystemExit) as ended:
        main([str(w) for w in words])
    out, err = capsys.readouterr()
    return ended.value.code, out, err


def test_version(capsys):
    code, out, _ = call(capsys, "--version")
    assert code == 0
    assert __version__ in out


COMMANDS = """
demo init simulate run ask status publish report superres generalize check accuracy survey compare
"""


@pytest.mark.parametrize("command", COMMANDS.split())
def test_every_command_explains_itself(capsys, command):
    code, out, _ = call(capsys, command, "--help")
    assert code == 0
    assert len(out.splitlines()) > 5


def test_unknown_options_are_usage_errors(capsys):
    code, out, err = call(capsys, "demo", "--colour", "red")
    assert code == 2
    assert "--colour" in err
    assert out == ""


def test_a_wrong_project_is_named_with_exit_code_2(capsys, tmp_path):
    path = tmp_path / "project.yaml"
    path.write_text("name: x\nlegendd: pa\n")
    code, out, err = call(capsys, "run", path)
    assert code == 2
    assert "project.yaml:2: legendd: unknown key" in err
    assert out == ""


def test_errors_are_json_on_request(capsys, tmp_path):
    code, out, _ = call(capsys, "status", tmp_path / "none.yaml", "--json")
    found = json.loads(out)
    assert (code, found["exit_code"]) == (2, 2)
    assert "no such file" in found["error"]


def test_a_fault_of_ours_is_not_taken_for_a_failed_check(capsys, monkeypatch):
    monkeypatch.setattr("bocage.workflow.init", lambda folder: 1 / 0)
    code, _, _ = call(capsys, "init", "x")
    assert code == 3
    code, out, _ = call(capsys, "init", "x", "--json")
    assert code == 3
    assert json.loads(out) == {"error": "ZeroDivisionError: division by zero", "exit_code": 3}


def test_interruption(capsys, monkeypatch):
    def stop(folder):
        raise KeyboardInterrupt

    monkeypatch.setattr("bocage.workflow.init", stop)
    code, _, err = call(capsys, "init", "x")
    assert code == 130
    assert "resumes" in err


def test_init_and_status(capsys, tmp_path):
    code, out, _ = call(capsys, "init", tmp_path / "new", "--json")
    assert code == 0
    assert json.loads(out)["project"].endswith("project.yaml")
    code, _, err = call(capsys, "status", tmp_path / "new" / "project.yaml")
    assert code == 2
    assert "sites.gpkg" in err


def test_legend_commands(capsys, tmp_path):
    assert "pa" in call(capsys, "legend", "list")[1]
    code, out, _ = call(capsys, "legend", "show", "pa", "--json")
    assert code == 0
    assert len(json.loads(out)["classes"]) == 59
    code, out, _ = call(capsys, "legend", "show", "pa")
    assert "Salt marshes" in out
    code, out, _ = call(capsys, "legend", "crosswalk", "clcplus", "pa", "--json")
    assert {"source", "name", "codes", "relation"} == set(json.loads(out)["pairs"][0])
    swapped = call(capsys, "legend", "crosswalk", "pa", "clcplus", "--json")[1]
    assert json.loads(swapped) == json.loads(out)
    assert call(capsys, "legend", "crosswalk", "clcplus")[0] == 0

    good = tmp_path / "good.csv"
    good.write_text("code_1,name_1\n1,Water\n2,Land\n")
    code, out, _ = call(capsys, "legend", "validate", good)
    assert code == 0
    assert "2 classes, 1 levels" in out
    bad = tmp_path / "bad.csv"
    bad.write_text("code_1,name_1\n1,Water\n1,Land\n")
    code, _, err = call(capsys, "legend", "validate", bad)
    assert code == 2
    assert "duplicate code 1" in err
