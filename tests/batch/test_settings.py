"""Settings: in step with the schema, and each mistake answered by the line as it should be."""

import dataclasses
import datetime as dt
from pathlib import Path

import pytest
import yaml

from xsar_batch.batch.settings import LISTS, SWITCHES, Settings
from xsar_batch.failures import ConfigError

ROOT = Path(__file__).parents[2]
SCHEMA_FILE = ROOT / "workflow" / "schemas" / "config.schema.yaml"
SCHEMA = yaml.safe_load(SCHEMA_FILE.read_text())

GOOD = {"safes": ["/archive"], "output_dir": "/products"}


def settings(**changes):
    return Settings.from_config({**GOOD, **changes}, SCHEMA_FILE)


def complaint(config):
    with pytest.raises(ConfigError) as error:
        Settings.from_config(config, SCHEMA_FILE)
    return str(error.value)


# -- in step with the schema -----------------------------------------------------------------


def test_fields_are_the_keys_of_the_schema():
    assert {field.name for field in dataclasses.fields(Settings)} == set(SCHEMA["properties"])
    assert SCHEMA["additionalProperties"] is False
    assert SCHEMA["properties"]["select"]["additionalProperties"] is False


@pytest.mark.parametrize("key", sorted(set(SCHEMA["properties"]) - {"safes", "output_dir"}))
def test_default_is_that_of_the_schema(key):
    # Jobs go by the dataclass alone, the README's table by the schema.
    assert getattr(settings(), key) == SCHEMA["properties"][key]["default"]


def test_every_key_is_described_and_has_an_example_that_validates():
    select = SCHEMA["properties"]["select"]["properties"]
    for key, about in SCHEMA["properties"].items():
        assert about["description"].endswith(".") and about["examples"], key
        if "$" not in str(about["examples"][0]):
            settings(**{key: about["examples"][0]})
    for key, about in select.items():
        assert about["description"].endswith("."), key
        settings(select={key: about["examples"][0]})


def test_keys_that_take_a_single_value_are_the_lists_of_the_schema():
    def arrays(properties, prefix=""):
        for key, about in properties.items():
            if about.get("type") == "array":
                yield prefix + key
            yield from arrays(about.get("properties", {}), f"{prefix}{key}.")

    assert set(LISTS) == set(arrays(SCHEMA["properties"]))


def test_shipped_config_sets_every_key_to_its_default(monkeypatch):
    monkeypatch.setenv("DATAWORK", "/home/datawork/me")
    shipped = yaml.safe_load((ROOT / "config" / "config.yaml").read_text())
    assert set(shipped) == set(SCHEMA["properties"])
    read = Settings.from_config(shipped, SCHEMA_FILE)
    assert read == Settings(
        safes=("/home/datawork/me/sentinel-1",), output_dir=Path("/home/datawork/me/l1b")
    )


# -- mistakes --------------------------------------------------------------------------------

WRONG_VALUES = [
    # what is set, where the complaint points, the line as it should be
    ({"safes": 5}, "safes", "write for example:  safes: [$DATAWORK/sentinel-1]"),
    ({"safes": [5]}, "safes", "write for example:  safes: [$DATAWORK/sentinel-1]"),
    ({"safes": []}, "safes", "write for example:  safes: [$DATAWORK/sentinel-1]"),
    ({"safes": ""}, "safes", "write for example:  safes: [$DATAWORK/sentinel-1]"),
    ({"safes": {"a": "/b"}}, "safes", "write for example:  safes: [$DATAWORK/sentinel-1]"),
    ({"output_dir": 5}, "output_dir", "write for example:  output_dir: $DATAWORK/l1b"),
    ({"output_dir": ""}, "output_dir", "write for example:  output_dir: $DATAWORK/l1b"),
    ({"output_dir": ["/a"]}, "output_dir", "write for example:  output_dir: $DATAWORK/l1b"),
    ({"select": "IW"}, "select", "write for example:  select: {mode: IW}"),
    ({"select": {"mission": 1}}, "select.mission", "write for example:  mission: S1A"),
    ({"select": {"mission": "s1b"}}, "select.mission", "write:  mission: S1B"),
    ({"select": {"mode": "iw"}}, "select.mode", "write:  mode: IW"),
    ({"select": {"mode": ["IW", "ew"]}}, "select.mode", "write:  mode: EW"),
    ({"select": {"product_type": "grdh"}}, "select.product_type", "write:  product_type: GRDH"),
    ({"select": {"product_type": "SLC"}}, "select.product_type", "write:  product_type: SLC_"),
    (
        {"select": {"polarisation": "VV"}},
        "select.polarisation",
        "write for example:  polarisation: DV",
    ),
    ({"select": {"start": 2024}}, "select.start", "write for example:  start: '2024-03-01'"),
    ({"select": {"start": "2024-3-1"}}, "select.start", "write for example:  start: '2024-03-01'"),
    ({"select": {"stop": "yesterday"}}, "select.stop", "write for example:  stop: '2024-03-31'"),
    ({"select": {"start": "2024-02-30"}}, "select.start", "write for example:  start: 2024-03-01"),
    (
        {"select": {"stop": "2024-02-28T25:00"}},
        "select.stop",
        "write for example:  stop: 2024-03-01",
    ),
    ({"select": {"state": "bad_safe"}}, "select.state", "write:  state: bad-safe"),
    ({"exclude": 5}, "exclude", "write for example:  exclude: ['*_0026', bad.txt]"),
    ({"select": {"name": 5}}, "select.name", "write for example:  name: '*_20240301T*'"),
    ({"select": {"name": ""}}, "select.name", "write for example:  name: '*_20240301T*'"),
    ({"duplicates": "Latest"}, "duplicates", "write:  duplicates: latest"),
    ({"duplicates": "ALL"}, "duplicates", "write:  duplicates: all"),
    ({"duplicates": "newest"}, "duplicates", "write for example:  duplicates: latest"),
    ({"resolution": 1000}, "resolution", "write:  resolution: 1000m"),
    ({"resolution": "1000"}, "resolution", "write:  resolution: 1000m"),
    ({"resolution": "1 km"}, "resolution", "write:  resolution: 1000m"),
    ({"resolution": "0.5km"}, "resolution", "write:  resolution: 500m"),
    ({"resolution": "400 m"}, "resolution", "write:  resolution: 400m"),
    ({"resolution": "fine"}, "resolution", "write for example:  resolution: 1000m"),
    ({"resolution": "0m"}, "resolution", "write for example:  resolution: 1000m"),
    ({"function": 5}, "function", "write for example:  function: xsar_batch.l1b:l1b"),
    ({"function": "l1b"}, "function", "write for example:  function: xsar_batch.l1b:l1b"),
    ({"function": "a.py:my l1b"}, "function", "write for example:  function: xsar_batch.l1b:l1b"),
    ({"land_mask": 5}, "land_mask", "write for example:  land_mask: null"),
    ({"land_mask": ""}, "land_mask", "write for example:  land_mask: null"),
    ({"threads": "2"}, "threads", "write:  threads: 2"),
    ({"threads": "two"}, "threads", "write for example:  threads: 1"),
    ({"threads": 0}, "threads", "write:  threads: 1"),
    ({"threads": 1000}, "threads", "write:  threads: 256"),
    ({"threads": 1.5}, "threads", "write for example:  threads: 1"),
    # YAML's `yes` is a number to Python.
    ({"threads": True}, "threads", "write for example:  threads: 1"),
    ({"warm": "perhaps"}, "warm", "write for example:  warm: true"),
    ({"remake": "please"}, "remake", "write for example:  remake: true"),
    ({"repairs": "no"}, "repairs", "write for example:  repairs: true"),
    ({"warm": 1}, "warm", "write for example:  warm: true"),
    ({"quicklooks": "no"}, "quicklooks", "write for example:  quicklooks: true"),
    ({"report": "html"}, "report", "write for example:  report: true"),
    ({"report_interval": -1}, "report_interval", "write:  report_interval: 0"),
    ({"compression": "9"}, "compression", "write:  compression: 9"),
    ({"compression": 10}, "compression", "write:  compression: 9"),
    ({"compression": -1}, "compression", "write:  compression: 0"),
    ({"compression": "-1"}, "compression", "write for example:  compression: 4"),
]

MISSPELT = [
    ({"safe": ["/a"]}, "safe", "write:  safes: [/a]"),
    ({"selects": {"mode": "IW"}}, "selects", "write:  select: {mode: IW}"),
    ({"landmask": "/a.shp"}, "landmask", "write:  land_mask: /a.shp"),
    ({"thread": 2}, "thread", "write:  threads: 2"),
    ({"select": {"modes": ["IW", "EW"]}}, "select.modes", "write:  mode: [IW, EW]"),
    ({"select": {"startt": "2024-03-01"}}, "select.startt", "write:  start: '2024-03-01'"),
    ({"qqq": 1}, "qqq", f"the keys are: {', '.join(SCHEMA['properties'])}"),
    (
        {"select": {"qqq": 1}},
        "select.qqq",
        f"the keys are: {', '.join(SCHEMA['properties']['select']['properties'])}",
    ),
]


@pytest.mark.parametrize(("changes", "where", "corrected"), WRONG_VALUES + MISSPELT)
def test_mistake_is_named_and_corrected(changes, where, corrected):
    first, *rest = complaint({**GOOD, **changes}).splitlines()
    assert first.startswith(f"{where}: ")
    # The value as the user wrote it, so that the sentence is about it.
    if (changes, where, corrected) in MISSPELT:
        assert first == f"{where}: there is no such key."
    assert rest == [f"    {corrected}"]
    # What is offered must itself be right.
    if corrected.startswith("write") and "$" not in corrected:
        line = yaml.safe_load(corrected.split(":  ", 1)[1])
        if isinstance(line, dict):
            settings(**({"select": line} if "." in where else line))


def test_each_key_of_the_schema_is_among_the_mistakes():
    keys = set(SCHEMA["properties"])
    keys |= {f"select.{key}" for key in SCHEMA["properties"]["select"]["properties"]}
    assert keys == {where for _, where, _ in WRONG_VALUES}


@pytest.mark.parametrize("key", ["safes", "output_dir"])
def test_missing_key(key):
    example = {"safes": "[$DATAWORK/sentinel-1]", "output_dir": "$DATAWORK/l1b"}[key]
    config = {k: v for k, v in GOOD.items() if k != key}
    expected = f"{key}: is missing.\n    write for example:  {key}: {example}"
    assert complaint(config) == expected
    assert complaint({**GOOD, key: None}) == expected


def test_all_mistakes_are_said_at_once():
    assert [line for line in complaint({}).splitlines() if "missing" in line] == [
        "safes: is missing.",
        "output_dir: is missing.",
    ]
    text = complaint({**GOOD, "threads": "2", "thread": 2, "select": {"mode": "iw"}})
    for part in ("threads: '2' is not of type integer", "thread: there is no", "select.mode: 'iw'"):
        assert part in text


@pytest.mark.parametrize(
    "written", ["/out/{wild}", "/out/}", "${HOME}/{a}", "$BRACES/out", "{out}"]
)
@pytest.mark.parametrize("schema", [SCHEMA_FILE, None])
def test_braces_in_output_dir(monkeypatch, written, schema):
    # Snakemake would take them for a wildcard, and fail with a text about its own affairs.
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("BRACES", "/{a}")
    with pytest.raises(ConfigError) as error:
        Settings.from_config({**GOOD, "output_dir": written}, schema)
    path = written.replace("${HOME}", "/home/me").replace("$BRACES", "/{a}")
    assert str(error.value).splitlines() == [
        f"output_dir: {path} contains braces, which mean something to Snakemake.",
        "    write a path without { and }",
    ]


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("a\\b", "contains a backslash, which netCDF takes for a slash"),
        ("a!b", "contains an exclamation mark, which means an archive to fiona"),
        ("a\nb", "contains a control character"),
        ("a\tb", "contains a control character"),
        ("a\x07b", "contains a control character"),
        # What no locale can read.
        ("a\udcffb", "contains a control character"),
    ],
)
def test_names_of_output_dir_that_nothing_can_be_written_to(name, said, tmp_path, monkeypatch):
    first, second = complaint({**GOOD, "output_dir": f"/products/{name}"}).splitlines()
    assert first.startswith("output_dir: ") and said in first
    assert second.startswith("    write a path without ")
    folder = tmp_path / name
    folder.mkdir()
    monkeypatch.chdir(folder)
    assert said in complaint({**GOOD, "output_dir": "out"})
    for harmless in ("/elsewhere", "/été 海面/no\u00a0break"):
        assert settings(output_dir=harmless).output_dir == Path(harmless)


def test_braces_elsewhere_mean_themselves(monkeypatch):
    monkeypatch.setenv("SCRATCH", "/scratch")
    read = settings(safes="/archive/{a}", output_dir="${SCRATCH}/l1b", function="/{a}/b.py:f")
    assert read.safes == ("/archive/{a}",)
    assert read.output_dir == Path("/scratch/l1b")
    assert read.function == "/{a}/b.py:f"


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        ("2024-03-02", "2024-03-01"),
        ("2024-03-01T06:00:01", "2024-03-01T06:00"),
        ("2024-03-01 12:00", "2024-03-01T06:00"),
        ("2024-03-02", "2024-03-01T23:59"),
        ("2024-03-02 00:00", "2024-03-01"),
        (dt.date(2024, 3, 2), dt.date(2024, 3, 1)),
    ],
)
def test_start_after_stop(start, stop):
    text = complaint({**GOOD, "select": {"start": start, "stop": stop}})
    assert text.splitlines() == [
        f"select: start {start} is after stop {stop}.",
        f"    write:  start: {stop}",
        f"            stop: {start}",
    ]


@pytest.mark.parametrize(
    ("start", "stop"),
    [
        ("2024-03-01", "2024-03-01"),  # the day
        ("2024-03-01", "2024-03-01T06:00"),
        # A day without a time counts whole.
        ("2024-03-01T06:00", "2024-03-01"),
        ("2024-03-01T06:00", "2024-03-01 12:00:30"),
    ],
)
def test_start_before_stop(start, stop):
    assert settings(select={"start": start, "stop": stop}).select == {"start": start, "stop": stop}


# -- values ----------------------------------------------------------------------------------


def test_environment_variables_and_home_are_expanded(monkeypatch):
    monkeypatch.setenv("SCRATCH", "/scratch/me")
    monkeypatch.setenv("HOME", "/home/me")
    read = settings(
        safes=["$SCRATCH/a/*.SAFE", "${SCRATCH}b", "~/c"],
        output_dir="~/l1b",
        land_mask="$SCRATCH/land.shp",
        function="$SCRATCH/mine.py:l1b",
    )
    assert read.safes == ("/scratch/me/a/*.SAFE", "/scratch/meb", "/home/me/c")
    assert read.output_dir == Path("/home/me/l1b")
    assert read.land_mask == Path("/scratch/me/land.shp")
    assert read.function == "/scratch/mine.py:l1b".replace("/scratch", "/scratch/me")


@pytest.mark.parametrize("key", ["safes", "output_dir", "land_mask", "function"])
@pytest.mark.parametrize("written", ["$NO_SUCH_PLACE/a.py:f", "${NO_SUCH_PLACE}/a.py:f"])
def test_unset_variable_is_named(monkeypatch, key, written):
    monkeypatch.delenv("NO_SUCH_PLACE", raising=False)
    text = complaint({**GOOD, key: written})
    assert text.startswith(f"{key}: the environment variable $NO_SUCH_PLACE in {written!r} is not")
    assert "    set it first:  export NO_SUCH_PLACE=/a/folder\n" in text
    assert f"    or write the path itself:  {key}: /" in text


def test_unknown_home_is_left_as_it_is():
    # The path is then said not to be there, by whoever looks for it.
    assert settings(safes="~no_such_user_/a").safes == ("~no_such_user_/a",)


def test_single_string_stands_for_a_list():
    select = {"mission": "S1A", "mode": "IW", "product_type": "GRDH", "polarisation": "DV"}
    read = settings(safes="/one", select=select)
    assert read.safes == ("/one",)
    assert read.select == {key: [value] for key, value in select.items()}


def test_the_given_config_is_left_as_it_was():
    # It is Snakemake's: what is put into it goes on to the jobs.
    config = {**GOOD, "safes": "/one", "select": {"mode": "IW", "start": dt.date(2024, 3, 1)}}
    before = {**config, "select": dict(config["select"])}
    Settings.from_config(config, SCHEMA_FILE)
    assert config == before


def test_yaml_dates_are_text_again():
    select = yaml.safe_load("{start: 2024-03-01, stop: 2024-03-01 12:30:00}")
    assert isinstance(select["start"], dt.date) and isinstance(select["stop"], dt.datetime)
    assert settings(select=select).select == {"start": "2024-03-01", "stop": "2024-03-01T12:30:00"}


@pytest.mark.parametrize("key", sorted(set(SCHEMA["properties"]) - {"safes", "output_dir"}))
def test_null_stands_for_the_default(key):
    expected = Settings(safes=("/archive",), output_dir=Path("/products"))
    assert settings() == settings(**{key: None}) == expected


@pytest.mark.parametrize("key", sorted(SCHEMA["properties"]["select"]["properties"]))
def test_null_in_select_asks_for_nothing(key):
    assert settings(select={key: None}) == settings()


def test_a_job_reads_the_same_without_the_schema():
    config = {**GOOD, "select": {"mode": "IW", "start": dt.date(2024, 3, 1)}, "threads": 2}
    assert Settings.from_config(config) == Settings.from_config(config, SCHEMA_FILE)


def test_a_job_leaves_alone_what_it_does_not_need(monkeypatch):
    # The variables may be set only where snakemake was started.
    monkeypatch.delenv("NO_SUCH_PLACE", raising=False)
    monkeypatch.setenv("SCRATCH", "/scratch")
    config = {
        "safes": ["$NO_SUCH_PLACE/archive"],
        "output_dir": "$SCRATCH/l1b",
        "land_mask": "$NO_SUCH_PLACE/land.shp",
        "function": "$NO_SUCH_PLACE/mine.py:l1b",
        "threads": 2,
        "resolution": "500.0m",
    }
    read = Settings.from_config(config, in_job=True)
    assert read.safes == ()
    assert read.output_dir == Path("/scratch/l1b")
    assert (read.threads, read.resolution) == (2, "500m")
    # Nothing is made up for what was not read: it is as it was written.
    assert (read.land_mask, read.function) == (config["land_mask"], config["function"])
    with pytest.raises(ConfigError, match=r"^safes: the environment variable \$NO_SUCH_PLACE in"):
        Settings.from_config(config)
    # Where it writes must be known.
    with pytest.raises(ConfigError, match=r"^output_dir: the environment variable \$NO_SUCH_PLACE"):
        Settings.from_config({**config, "output_dir": "$NO_SUCH_PLACE/l1b"}, in_job=True)


@pytest.mark.parametrize("text", ["true", "True", True])
@pytest.mark.parametrize("key", SWITCHES)
def test_truth_of_the_command_line_is_text(text, key):
    assert getattr(settings(**{key: text}), key) is True
    assert getattr(settings(**{key: "false"}), key) is False
