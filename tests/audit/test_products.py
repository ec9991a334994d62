"""The audit of single files: what is right is well, and every fault is named, in a sentence."""

import errno
import json
import os
import random
import shutil
import signal
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import sentinel1_demo_scenes as demo
import xarray as xr
from audit_products import Maker, aged, changed, hide_safe, hole, renamed
from safes import cut

from xsar_batch.audit import command, products, removal
from xsar_batch.batch import lock
from xsar_batch.conversion.layout import Layout
from xsar_batch.failures import ConfigError

# They are of xsar and what it calls.
pytestmark = pytest.mark.filterwarnings("ignore")

#: No multiple of 100 pixels, as with most real scenes.
SIZE = {"lines": 1230, "samples": 1560}

OWN = """
import xsar


def few(safe, resolution):
    ds = xsar.open_dataset(safe, resolution=resolution)
    return ds[["sigma0", "longitude", "latitude", "incidence"]].isel(line=slice(1, None))


def coarse(safe, resolution):
    ds = xsar.open_dataset(safe, resolution=resolution)
    return ds[["sigma0", "longitude", "latitude"]].coarsen(line=2, sample=2, boundary="trim").mean()
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory, land_source):
    """``made(how, scene)``: a product, made once; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("audit")
    (folder / "own.py").write_text(OWN)
    safes, products = {}, {}

    def make(how: str, resolution: str = "1000m", function: str = "", **scene: object) -> Path:
        of = tuple(sorted(scene.items()))
        if of not in safes:
            safes[of] = demo.make_safe(folder / str(len(safes)), **SIZE | scene)
        key = (how, resolution, function, of)
        if key not in products:
            maker = Maker(folder / f"products{len(products)}", land_source)
            more = {"function": f"{folder}/own.py:{function}"} if function else {}
            if how == "ours":
                more["resolution"] = resolution
            products[key] = getattr(maker, how)(safes[of], **more)
        return aged(products[key])

    return make


def bad(path: Path, **options: object) -> tuple[str, str]:
    """Kind and cause."""
    verdict = products.check(path, **options)
    assert verdict.state == "bad", verdict
    return verdict.kind, verdict.cause


# -- what is well ------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["ours", "notebook"])
def test_whole_products(made, how):
    verdict = products.check(made(how))
    assert verdict.state == "well", verdict
    assert verdict.made_by == {"ours": "xsar-batch"}.get(how, how)
    assert verdict.safe == made(how).stem


@pytest.mark.parametrize(
    "scene",
    [
        {"pols": ("HH",)},
        {"mode": "EW", "product": "GRDM"},
        {"longitude": 180.0, "latitude": 70.0, "orbit_pass": "Descending"},
    ],
    ids=["one polarisation", "EW", "across 180 degrees"],
)
def test_other_kinds(made, scene):
    verdict = products.check(made("ours", **scene))
    assert verdict.state == "well", verdict


@pytest.mark.parametrize("function", ["few", "coarse"])
def test_functions_of_users(made, function):
    """Fewer variables, cells cut off or averaged."""
    verdict = products.check(made("ours", function=function))
    assert verdict.state == "well", verdict
    assert verdict.made_by.startswith(f"own.py:{function} sha256:")


def test_without_its_safe_a_product_is_neither_well_nor_bad(made, tmp_path):
    path = changed(made("ours"), tmp_path / "a.nc", hide_safe)
    with netCDF4.Dataset(made("ours")) as file:
        place = file.getncattr("name").split(":")[1]
    assert products.check(path).state == "unknown"
    assert products.check(path, {Path(place).stem: place}.get).state == "well"
    # One of another name is another SAFE; one that is damaged by now says nothing.
    assert products.check(path, lambda name: place.replace("_1SDV", "_1SSV")).state == "unknown"
    empty = tmp_path / Path(place).name
    (empty / "annotation").mkdir(parents=True)
    (empty / "annotation" / "a.xml").write_text("<html/>")
    verdict = products.check(path, lambda name: str(empty))
    assert (verdict.state, verdict.cause) == (
        "unknown",
        "its SAFE was not found, so positions were not checked; say where: --safes FOLDER",
    )


def test_the_safe_is_found_by_the_record_of_the_conversion(made, tmp_path):
    path = changed(made("ours"), tmp_path / made("ours").name, hide_safe)
    with netCDF4.Dataset(made("ours")) as file:
        safe = file.getncattr("name").split(":")[1]
    assert products.check(path).state == "unknown"
    record = Layout(tmp_path).outcome(path.stem)
    record.parent.mkdir()
    record.write_text(json.dumps({"safe": safe}))
    assert products.check(path).state == "well"


# -- what the notebook's users have --------------------------------------------------------------


def test_variables_that_are_mixed_up(made):
    """All the same array, as with dask 2025.9 and later (umr-lops/xsar#261)."""
    kind, cause = bad(made("mixed_up"))
    assert kind == "positions"
    assert cause.startswith("positions are up to ")


@pytest.mark.parametrize("how", ["failed", "killed"])
def test_writes_that_never_ended(made, how):
    with netCDF4.Dataset(made(how)) as file:
        assert len(file.variables) >= 31, "it opens, and looks whole"
    kind, cause = bad(made(how))
    assert kind == "empty" and " is all NaN, and " in cause


def test_labels_that_drift(made):
    """1230 by 1560 pixels in 12 by 15 cells: the last ones end 300 and 600 m farther out."""
    kind, cause = bad(made("drifted"))
    assert kind == "labels"
    # 30 and 60 pixels, but for half a cell's share.
    assert cause.startswith("the farthest cells are of pixels 288 m along and 580 m across")
    assert cause.endswith("xsar was asked for '1000m'")


def test_labels_that_do_not_drift(made):
    """The same call is right where the image is a whole number of cells."""
    verdict = products.check(made("drifted", lines=1200, samples=1500))
    assert verdict.state == "well", verdict


# -- faults one by one ---------------------------------------------------------------------------


def add(name: str, amount: float, at: object = ...):
    def change(file: netCDF4.Dataset) -> None:
        values = file[name][...]
        values[at] += amount
        file[name][...] = values

    return change


def assign(name: str, by):
    def change(file: netCDF4.Dataset) -> None:
        file[name][...] = by(file)

    return change


def swap(file: netCDF4.Dataset) -> None:
    longitude, latitude = file["longitude"][...], file["latitude"][...]
    file["longitude"][...], file["latitude"][...] = latitude, longitude


#: Positions or incidence that are wrong.
MOVED = {
    "20 m north": add("latitude", 20 / 111_195),
    "two cells north": add("latitude", 2000 / 111_195),
    "one cell 5 km north": add("latitude", 5 / 111.2, (5, 7)),
    "one row 5 km north": add("latitude", 5 / 111.2, 6),
    "all far away": add("longitude", 3),
    "swapped": swap,
    "a cell without": add("latitude", np.nan, (0, 0)),
    "all the same": assign("latitude", lambda file: 48 + 0 * file["latitude"][...]),
    "upside down": assign("latitude", lambda file: file["latitude"][...][::-1].copy()),
    "radians": assign("incidence", lambda file: np.radians(file["incidence"][...])),
}


@pytest.mark.parametrize("fault", MOVED)
@pytest.mark.parametrize("how", ["ours", "notebook"])
def test_positions(made, how, fault, tmp_path):
    path = changed(made(how), tmp_path / "a.nc", MOVED[fault])
    assert bad(path)[0] == "positions"


MISSING = "incomplete: variables are missing: "
POLARISATION = "incomplete: polarisations are ['VV'], the SAFE's"

#: What is left of a product, and what is said of ours and of a notebook's. Nothing: it is well, for
#: nobody knows what a notebook left out on purpose.
LEFT = {
    **{
        f"no {name}": (lambda ds, name=name: ds.drop_vars(name), *2 * [MISSING + name])
        for name in ("sigma0", "longitude", "latitude", "incidence")
    },
    "no nesz": (lambda ds: ds.drop_vars("nesz"), MISSING + "nesz", ""),
    "one polarisation": (lambda ds: ds.isel(pol=[0]), POLARISATION, POLARISATION),
    "fewer samples": (lambda ds: ds.isel(sample=slice(-3)), "labels: sample ", ""),
    "fewer lines": (lambda ds: ds.isel(line=slice(1, -1)), "labels: line ", ""),
}


@pytest.mark.parametrize("kind", LEFT)
@pytest.mark.parametrize("how", ["ours", "notebook"])
def test_what_is_left_of_a_product(made, how, kind, tmp_path):
    change, of_ours, of_notebook = LEFT[kind]
    with xr.open_dataset(made(how), decode_times=False) as ds:
        change(ds).to_netcdf(tmp_path / "a.nc")
    verdict = products.check(tmp_path / "a.nc")
    said = of_ours if how == "ours" else of_notebook
    assert verdict.state == ("bad" if said else "well")
    assert f"{verdict.kind}: {verdict.cause}".startswith(said)


@pytest.mark.parametrize("name", ["sigma0", "gamma0_raw", "altitude", "time", "digital_number"])
@pytest.mark.parametrize("how", ["ours", "notebook"])
def test_a_variable_without_values(made, how, name, tmp_path):
    def empty(file: netCDF4.Dataset) -> None:
        variable = file[name]
        layer = (1, ...) if "pol" in variable.dimensions else ...
        variable[layer] = np.nan if variable.dtype.kind == "f" else 0

    path = changed(made(how), tmp_path / "a.nc", empty)
    if how == "notebook" and name == "time":
        assert products.check(path).state == "well", "nanoseconds as integers: zero is a time"
        return
    layer = " VH" if name in ("sigma0", "gamma0_raw", "digital_number") else ""
    what = "zero" if name == "digital_number" else "NaN"
    assert bad(path) == ("empty", f"{name}{layer} is all {what}")


def test_a_name_of_another_safe(made, tmp_path):
    path = made("ours")
    other = shutil.copyfile(path, tmp_path / f"{path.stem[:-4]}0000.nc")
    assert bad(other) == ("name", f"this is a product of {path.stem}")


@pytest.mark.parametrize(
    ("at_least", "cause"),
    [
        ({"xsar": "2020.1"}, ""),
        ({"xsar": "2090.1"}, r"made by xsar \S+, not 2090.1 or later"),
        ({"xsar-batch": "0.0.1"}, ""),
        ({"xsar_batch": "90"}, r"made by xsar_batch \S+, not 90 or later"),
        ({"gdal": "3"}, "it does not say by which gdal it was made"),
    ],
)
def test_versions(made, at_least, cause, tmp_path):
    verdict = products.check(made("ours"), at_least=at_least)
    assert verdict.state == ("bad" if cause else "well")
    assert verdict.kind == ("version" if cause else "")
    assert products.re.fullmatch(cause, verdict.cause)
    assert bad(made("notebook"), at_least={"xsar": "1"}) == (
        "version",
        "it does not say by which xsar it was made",
    )


# -- damage ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["ours", "notebook"])
def test_files_that_are_cut_short(made, how, tmp_path):
    for keep in (0.999, 0.7, 0.2, 2000, 100, 40, 7):
        path = Path(shutil.copyfile(made(how), tmp_path / made(how).name))
        cut(path, keep)
        assert bad(path)[0] == "unreadable"
    os.truncate(path, 0)
    assert bad(path)[0] == "unreadable"
    path.write_text("<html>404 Not Found</html>")
    assert bad(path) == ("unreadable", "damaged: NetCDF: Unknown file format")


def test_damage_inside_of_compressed_values(made, tmp_path):
    """Whatever changes a compressed value is found: single bits, holes, and a length made up again.

    What hits an attribute or the few values that are not compressed, cannot be.
    """
    whole = made("ours", resolution="50m", lines=1200, samples=1500)
    data = whole.read_bytes()
    names = ("sigma0", "sigma0_raw", "incidence", "longitude", "nesz", "land_mask")
    with netCDF4.Dataset(whole) as file:
        assert all(file[name].filters()["zlib"] for name in names)
    random_ = random.Random(0)
    path = tmp_path / whole.name
    found = 0
    for kind in ("bit", "hole", "cut") * 8:
        at = random_.randrange(len(data) // 4, len(data) * 3 // 4)
        if kind == "bit":
            damaged = data[:at] + bytes([data[at] ^ 1 << random_.randrange(8)]) + data[at + 1 :]
        elif kind == "hole":
            damaged = data[:at] + bytes(4096) + data[at + 4096 :]
        else:
            damaged = data[:at] + bytes(len(data) - at)
        path.write_bytes(damaged)
        state = products.check(path).state
        if state == "well":
            xr.testing.assert_equal(*(xr.load_dataset(one) for one in (path, whole)))
        else:
            found += 1
    assert found >= 20


def test_a_hole_in_values_that_are_not_compressed(made, tmp_path):
    """sigma0 may be zero; but next to it are variables that never are, and positions."""
    whole = made("notebook")
    with netCDF4.Dataset(whole) as file:
        values = {name: file[name][...].data for name in ("sigma0_lut", "slant_range_time")}
    for name, one in values.items():
        path = Path(shutil.copyfile(whole, tmp_path / f"{name}.nc"))
        hole(path, one)
        assert bad(path) == (
            "incomplete",
            f"{name} is zero in {one.size} cells: a part of the file is gone",
        )


# -- what is not ours, or not there --------------------------------------------------------------


def test_what_is_not_ours(made, tmp_path):
    xr.Dataset({"wind": ("x", [1.0, 2.0])}).to_netcdf(tmp_path / "wind.nc")
    assert products.check(tmp_path / "wind.nc").state == "other"
    # Without anything inside, a name that is no SAFE's proves nothing.
    path = shutil.copyfile(made("ours"), tmp_path / "orbit.nc")
    cut(Path(path), 0.5)
    assert products.check(Path(path)).state == "other"
    # By the name of a SAFE it is one that should be a product of it.
    path = tmp_path / made("ours").name
    shutil.copyfile(tmp_path / "wind.nc", path)
    assert bad(path)[0] == "incomplete"


def test_what_is_gone_or_cannot_be_read(tmp_path, monkeypatch):
    assert products.check(tmp_path / "gone.nc") is None
    (tmp_path / "link.nc").symlink_to("nowhere")
    assert products.check(tmp_path / "link.nc") is None

    def denied(*anything):
        raise PermissionError(errno.EACCES, "Permission denied")

    (tmp_path / "a.nc").write_text("x")
    # root may read everything.
    monkeypatch.setattr(Path, "open", denied)
    verdict = products.check(tmp_path / "a.nc")
    assert (verdict.state, verdict.cause) == ("unknown", "cannot be read: Permission denied")


# -- many of them ----------------------------------------------------------------------------------


def _crash_or_check(path: Path, **options: object):
    if path.name.startswith("crash"):
        os.kill(os.getpid(), signal.SIGSEGV)
    return products.Verdict(path, "well")


@pytest.mark.parametrize("jobs", [1, 3])
def test_a_file_on_which_the_library_crashes(tmp_path, jobs):
    names = [f"{number:02d}.nc" for number in range(40)]
    names[3:3], names[30:30] = ["crash1.nc"], ["crash2.nc", "crash3.nc"]
    files = [tmp_path / name for name in names]
    for path in files:
        path.touch()
    found = list(command.verdicts(files, lambda name: None, {}, jobs, _crash_or_check))
    assert [verdict.path for verdict in found] == files
    crashed = {verdict.path.name: verdict.cause for verdict in found if verdict.state != "well"}
    assert set(crashed) == {"crash1.nc", "crash2.nc", "crash3.nc"}
    assert set(crashed.values()) == {"damaged: the netCDF library crashed on it"}


# -- taking away ---------------------------------------------------------------------------------


@pytest.fixture
def broken(made, tmp_path) -> Path:
    """One that is cut short, in a folder of its own."""
    path = renamed(made("notebook"), tmp_path / "products", 1)
    cut(path, 0.5)
    return aged(path)


def test_deleting(broken):
    removal.remove(products.check(broken))
    assert not broken.exists()
    verdict = products.Verdict(broken, "bad", (0, 0, 0))
    # Somebody else did: that is all right.
    removal.remove(verdict)


def test_moving(broken, tmp_path):
    verdict, to = products.check(broken), tmp_path / "aside"
    removal.remove(verdict, to)
    assert not broken.exists() and (to / broken.name).exists()
    shutil.copy2(to / broken.name, broken)
    with pytest.raises(removal.Kept, match="there is one of its name in"):
        removal.remove(products.check(broken), to)
    assert broken.exists()


def kept(verdict: products.Verdict) -> str:
    with pytest.raises(removal.Kept) as why:
        removal.remove(verdict)
    assert verdict.path.exists()
    return str(why.value)


def test_what_is_never_deleted(made, broken, tmp_path):
    well = renamed(made("notebook"), tmp_path, 2)
    assert kept(products.check(well)) == "it was not found to be bad"
    link = tmp_path / broken.name
    link.symlink_to(broken)
    assert kept(products.check(link)).startswith("it is a link")
    verdict = products.check(broken)
    shutil.copyfile(well, broken)
    assert kept(verdict) == "it was written anew meanwhile"
    cut(broken, 0.5)
    assert kept(products.check(broken)) == "it was written less than 5 minutes ago"


def test_the_second_name_goes_too(broken):
    """A run that was killed while it made the product again left one; the next run would give the
    bad product back its first name, should the conversion fail."""
    second = Layout(broken.parent).previous / broken.name
    second.parent.mkdir(parents=True)
    os.link(broken, second)
    other = second.with_name("other.nc")
    other.touch()
    removal.remove(products.check(broken))
    assert not second.exists() and other.exists()


def test_not_while_a_run_is_at_work(broken, capsys):
    layout = Layout(broken.parent)
    layout.internal.mkdir()
    lock.acquire(layout.lock)
    words = [str(broken.parent), "--delete"]
    assert command.main(words) == 78
    assert f"a run is at work in {broken.parent}: process {os.getpid()}" in capsys.readouterr().err
    assert broken.exists()
    # One that was killed holds up nobody.
    layout.lock.write_text(f'{{"host": "{os.uname().nodename}", "pid": {2**22 + 1}}}')
    assert command.main(words) == 1
    assert not broken.exists() and layout.lock.exists()


def test_a_place_that_is_not_there(tmp_path, capsys):
    assert command.main([str(tmp_path / "nowhere")]) == 78
    assert "nowhere is not there" in capsys.readouterr().err
    with pytest.raises(ConfigError, match="the folder"):
        command._safes([str(tmp_path / "nowhere")])


def test_which_files_are_looked_at(tmp_path):
    for name in ("a.nc", "2024/b.nc", ".c.nc.host-1.part", ".d.nc", ".own/e.nc", "f.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "aside").mkdir()
    (tmp_path / "aside" / "g.nc").touch()
    outside = tmp_path / "2024"
    (tmp_path / "aside" / "link").symlink_to(outside)
    assert list(command.find([tmp_path]).values()) == ["a", "2024/b", "aside/g"]
    assert list(command.find([tmp_path], tmp_path / "aside").values()) == ["a", "2024/b"]
    assert list(command.find([tmp_path / "f.json"]).values()) == ["f.json"]
