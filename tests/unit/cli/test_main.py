import subprocess
import sys
from argparse import Namespace
from types import SimpleNamespace

import pytest

from tomostream._version import __version__
from tomostream.cli import main as cli
from tomostream.cli import options
from tomostream.cli.main import COMMANDS, main
from tomostream.core.controls import LONGEST_PREFIX
from tomostream.core.errors import ConfigurationError, ConnectionLostError

HEAVY = {
    "numpy", "pvaccess", "epics", "softioc", "h5py", "pydantic", "yaml", "rich", "PIL",
    "imagecodecs", "p4p",
}  # fmt: skip


def test_the_version_is_printed(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out == f"tomostream {__version__}\n"


@pytest.mark.parametrize(
    "code",
    [
        "import tomostream",
        "from tomostream.cli.main import main; main([])",
    ],
)
def test_nothing_heavy_is_loaded_before_it_is_needed(code, tmp_path):
    shown = subprocess.run(
        [sys.executable, "-c", f"{code}; import sys; print(*sys.modules)"],
        capture_output=True, text=True, check=True, cwd=tmp_path, timeout=60,
    )  # fmt: skip
    assert not HEAVY & set(shown.stdout.splitlines()[-1].split())


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as end:
        main([command, "--help"])
    page = capsys.readouterr().out
    assert end.value.code == 0
    assert "examples:" in page
    assert f"tomostream {command}" in page


def test_help_fits_a_terminal(capsys):
    for command in COMMANDS:
        with pytest.raises(SystemExit):
            main([command, "--help"])
        lines = capsys.readouterr().out.splitlines()
        assert max(map(len, lines)) <= 88, command


@pytest.mark.parametrize(
    "arguments",
    [
        ["demo", "--size", "2"],
        ["demo", "--rate", "nan"],
        ["demo", "--rate", "0"],
        ["demo", "--replay", "none.h5"],
        ["demo", "--prefix", "two words"],
        ["ioc", "--prefix", "it's:"],
        ["ioc", "--prefix", "p" * (LONGEST_PREFIX + 1)],
        ["demo", "--snapshot", "/"],
        ["demo", "--json", "no/such/folder/x.json"],
        ["demo", "--center", "left"],
        ["serve"],
        ["serve", "--config", "a.yaml", "--prefix", "a:"],
        ["simulate", "--angles", "1"],
        ["simulate", "--rate", "1e9"],
        ["demo", "--threads", "257"],
        ["replay", "/"],
        ["doctor", "--channel", ""],
        ["conjure"],
    ],
)
def test_a_wrong_option_is_refused_with_status_2(arguments, capsys):
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    (sentence,) = capsys.readouterr().err.splitlines()
    command = arguments[0] if arguments[0] in COMMANDS else ""
    assert sentence.startswith(f"tomostream {command}".rstrip() + ": ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (
            ["demo", "--sise=4"],
            "tomostream demo: --sise: there is no such option, did ",
        ),
        (["demo", "--sise", "4"], "did you mean --size?"),
        (["demo", "more"], "not expected here: more"),
        (["--verison"], "did you mean --version?"),
        (["demo", "--scan", "up"], "--scan: invalid choice: 'up' (choose from "),
    ],
)
def test_what_was_meant_is_hinted_at(arguments, told, capsys):
    with pytest.raises(SystemExit):
        main(arguments)
    assert told in capsys.readouterr().err


def test_a_folder_that_cannot_be_written_into_is_told_at_the_start(capsys):
    with pytest.raises(SystemExit) as end:
        main(["demo", "--snapshot", "/proc/slices.png"])
    assert end.value.code == 2
    assert "cannot write /proc/slices.png" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (ConfigurationError("no such key: angels"), 2, "no such key: angels"),
        (ConnectionLostError("sim:Pva1:Image: gone"), 1, "sim:Pva1:Image: gone"),
        (OSError(28, "No space left", "out.png"), 1, "out.png: No space left"),
    ],
)
def test_an_expected_error_is_a_sentence(error, status, sentence, capsys, monkeypatch):
    def fail(options):
        raise error

    monkeypatch.setattr(cli.doctor, "run", fail)
    assert main(["doctor"]) == status
    said = capsys.readouterr().err
    assert said == f"tomostream: {sentence}\n"


def test_scripts_get_the_line_in_one_piece(monkeypatch):
    # What others print at the same time would come between the pieces.
    pieces = []
    output = SimpleNamespace(write=pieces.append, flush=lambda: None)
    monkeypatch.setattr("sys.stdout", output)
    options.announcer(Namespace(ready_json=True), "IOC")({"prefix": "a:"})
    assert pieces == ['{"ready": "IOC", "prefix": "a:"}\n']


def test_people_are_not_told_what_is_not_known(capsys):
    announce = options.announcer(Namespace(ready_json=False), "simulator")
    announce({"n_x": 640, "center": None})
    told = capsys.readouterr().out
    assert told == "simulator is there; Ctrl-C ends it\n  n_x         640\n"


def test_a_configuration_that_is_wrong_ends_with_status_2(tmp_path, capsys):
    (tmp_path / "t.yaml").write_text("angels: {}")
    assert main(["serve", "--config", str(tmp_path / "t.yaml")]) == 2
    assert "did you mean angles?" in capsys.readouterr().err


def test_macros_without_settings_are_refused(capsys):
    assert main(["serve", "--prefix", "a:", "--macros", "P=b:"]) == 2
    assert "--macros: only with --settings" in capsys.readouterr().err


def test_files_that_generate_would_write_are_told_from_those_that_differ(
    tmp_path, capsys
):
    assert main(["generate", "--check", str(tmp_path / "none")]) == 2
    assert "none: there is no such folder" in capsys.readouterr().err
    (tmp_path / "adl").mkdir()
    (tmp_path / "adl" / "tomoStream.adl").touch()
    assert main(["generate", "--check", str(tmp_path)]) == 1
    told = capsys.readouterr().err
    assert f"{tmp_path}/adl/tomoStream.adl: differs" in told
    assert f"{tmp_path}/iocBoot/db/tomoStream.template: is not there" in told


def test_the_example_configuration_is_printed(capsys):
    assert main(["serve", "--example"]) == 0
    assert "prefix:" in capsys.readouterr().out


def test_help_names_every_command(capsys):
    assert main([]) == 0
    page = capsys.readouterr().out
    assert all(name in page for name in COMMANDS)


def test_a_plot_without_a_sweep_is_refused(capsys, tmp_path):
    assert main(["bench", "--plot", str(tmp_path / "a.svg")]) == 2
    assert "--sweep" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "kind"),
    [
        (["--sizes", "64"], "sweep"), (["--batches", "1"], "sweep"),
        (["--reconfigure", "--sizes", "64"], "sweep"), (["--rate", "9"], "reconfigure"),
        (["--sweep", "--rate", "9"], "reconfigure"),
    ],
)  # fmt: skip
def test_bench_takes_no_option_of_another_kind(arguments, kind, capsys):
    assert main(["bench", *arguments]) == 2
    assert f"only with --{kind}" in capsys.readouterr().err


def test_bench_sweeps(capsys, tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    pytest.importorskip("scipy")
    monkeypatch.setattr("tomostream.bench.throughput._ROUND_S", 0.01)
    files = tmp_path / "a.json", tmp_path / "a.svg"
    options = "--size 16 --angles 8 --batch 2 --sizes 16 --batches 1 --rounds 1"
    arguments = [*options.split(), "--json", str(files[0]), "--plot", str(files[1])]
    assert main(["bench", "--sweep", *arguments]) == 0
    assert '"points"' in files[0].read_text()
    assert files[1].exists()
    assert "sizes and batches" in capsys.readouterr().out
