import re
from pathlib import Path

import pytest

from tomostream.core.controls import CONTROLS, LENS_CHANGE
from tomostream.epics.generate import generated_files
from tomostream.epics.generate.beamlines import BEAMLINES

ROOT = Path(__file__).parents[3]
FILES = generated_files()


@pytest.mark.parametrize("name", FILES)
def test_a_committed_file_is_the_one_that_is_made(name):
    assert (ROOT / name).read_text(encoding="utf-8") == FILES[name]


def test_scripts_may_be_executed():
    scripts = [ROOT / name for name in FILES if "/start_" in name]
    assert scripts
    assert all(path.stat().st_mode & 0o111 for path in scripts)


def test_the_templates_have_all_records():
    text = FILES["iocBoot/db/tomoStream.template"]
    names = re.findall(r'^record\(\S+, "\$\(P\)\$\(R\)(\w+)"\)', text, re.MULTILINE)
    assert set(names) == {c.name for c in CONTROLS} | {
        "StartReconHoldA", "StartReconHoldB",
    }  # fmt: skip
    text = FILES["iocBoot/db/tomoStream_2BM.template"]
    assert all(f'"$(P)$(R){c.name}"' in text for c in LENS_CHANGE)


def test_substitutions_give_every_macro_that_a_template_wants():
    for beamline in BEAMLINES:
        text = FILES[f"iocBoot/{beamline.folder}/tomoStream.substitutions"]
        for template in re.findall(r'file "\.\./db/(\S+)"', text):
            wanted = set(re.findall(r"\$\((\w+)\)", FILES[f"iocBoot/db/{template}"]))
            block = text.split(template, 1)[1]
            given = re.findall(r"\w+", block.split("pattern\n{", 1)[1].split("}")[0])
            assert wanted == set(given), (beamline.name, template)


def test_fault_37_request_files_name_only_files_that_exist():
    for beamline in BEAMLINES:
        text = FILES[f"iocBoot/{beamline.folder}/auto_settings.req"]
        names = re.findall(r'^file "\.\./db/(\S+)"', text, re.MULTILINE)
        assert names
        assert all((ROOT / "iocBoot" / "db" / name).is_file() for name in names)


@pytest.mark.parametrize("beamline", BEAMLINES, ids=lambda b: b.name)
def test_fault_37_what_st_cmd_names_is_there(beamline):
    folder = ROOT / "iocBoot" / beamline.folder
    text = (folder / "st.cmd").read_text(encoding="utf-8")
    # Autosave makes no folder to save into.
    (saves,) = re.findall(r'^set_savefile_path\("(.*)"\)', text, re.MULTILINE)
    requests = re.findall(r'^set_requestfile_path\("(.*)"\)', text, re.MULTILINE)
    assert all((folder / path).is_dir() for path in (saves, *requests))
    (request,) = re.findall(r'^create_monitor_set\("(.*?)"', text, re.MULTILINE)
    (loaded,) = re.findall(r'^dbLoadTemplate\("(.*)"\)', text, re.MULTILINE)
    assert (folder / request).is_file()
    templates = re.findall(r'file "(.*)"', (folder / loaded).read_text("utf-8"))
    assert templates
    assert all((folder / template).is_file() for template in templates)
    restored = re.findall(r'^set_pass._restoreFile\("(.*)"\)', text, re.MULTILINE)
    assert restored == [request.replace(".req", ".sav")] * 2


@pytest.mark.parametrize("beamline", BEAMLINES, ids=lambda b: b.name)
def test_fault_35_and_36_records_daemon_and_screen_share_one_prefix(beamline):
    folder = f"iocBoot/{beamline.folder}"
    assert f"--prefix {beamline.prefix} " in FILES[f"{folder}/start_records"]
    daemon = FILES[f"{folder}/start_tomostream"]
    named = [f"--prefix {beamline.prefix} ", f"--macros P={beamline.p},R={beamline.r} "]
    assert [name in daemon for name in named].count(True) == 1
    assert f'"P={beamline.p},R={beamline.r},' in FILES[f"{folder}/start_medm"]
    assert f'{{"{beamline.p}"' in FILES[f"{folder}/tomoStream.substitutions"]
    # What it reads is of the same beamline.
    sources = {n: v for n, v in beamline.macros().items() if n not in {"P", "R"}}
    assert all(name.startswith(beamline.p) for name in sources.values()), sources
    start = (ROOT / folder / "st.cmd").read_text(encoding="utf-8")
    assert f'epicsEnvSet("P", "{beamline.p}")' in start
    assert f'epicsEnvSet("R", "{beamline.r}")' in start


@pytest.mark.parametrize("beamline", BEAMLINES, ids=lambda b: b.name)
def test_the_main_screen_is_there_and_has_all_macros_that_it_hands_on(beamline):
    script = FILES[f"iocBoot/{beamline.folder}/start_medm"]
    macros, screen = re.findall(r'-macro "(\S+)" \.\./\.\./(\S+)', script)[0]
    given = {part.partition("=")[0] for part in macros.split(",")}
    assert set(re.findall(r"\$\((\w+)\)", FILES[screen])) <= given


def test_the_lens_is_followed_where_there_is_one():
    for beamline in BEAMLINES:
        script = FILES[f"iocBoot/{beamline.folder}/start_tomostream"]
        asks_for_it = "../db/tomoStream_2BM_settings.req" in script
        assert asks_for_it == bool(beamline.lens_change)


def test_the_prefixes_are_those_in_use():
    assert {b.prefix for b in BEAMLINES} == {
        "2bmb:TomoStream:", "7bmtomo:TomoStream:", "7bmtomo:EncoderStream:",
        "32id:TomoStream:", "sim:TomoStream:",
    }  # fmt: skip


def test_autosave_saves_what_the_operator_sets_and_nothing_else():
    lines = FILES["iocBoot/db/tomoStream_settings.req"].splitlines()
    saved = {re.sub(r"\.VAL\$$", "", s) for s in lines if s.startswith("$(P)")}
    assert saved == {f"$(P)$(R){c.name}" for c in CONTROLS if c.is_saved}
    used = {s.split()[1] for s in lines if s.startswith("#controlPV ")}
    assert used == {f"$(P)$(R){c.name}" for c in CONTROLS if not c.is_saved}
