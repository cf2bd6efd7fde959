# SPDX-License-Identifier: BSD-3-Clause
import logging

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pachon.datasets import DatasetRef
from pachon.datastore import DEFAULT_TEMPLATES, DataIdNotExpandedError, FileTemplate, TemplateError
from pachon.datastore.testing import ExampleData
from pachon.datastore.testing.strategies import template_texts
from pachon.dimensions import DataCoordinate
from pachon.dimensions.testing.strategies import data_ids

EXAMPLE = ExampleData()
ID = "01928f4e-0000-7000-8000-0000000000aa"


def ref(name="raw", dimensions=("instrument", "exposure", "detector"), storage_class="CCDData", **values):
    from uuid import UUID

    options = {"id": UUID(ID), "run": values.pop("run", "runs/one")}
    dataset_type = EXAMPLE.dataset_type(name, dimensions, storage_class)
    return EXAMPLE.ref(dataset_type, **options, **values)


def path(text, **values):
    return FileTemplate(text).format(ref(**values))


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        # fields
        ("{run}/{exposure}", {}, "runs_one/7"),
        ("{run:/}/{exposure}", {}, "runs/one/7"),
        ("{datasetType}/{exposure}_{run}", {}, "raw/7_runs_one"),
        ("x/{id}", {}, f"x/{ID}"),
        ("{run}/{exposure.obs_id}", {}, "runs_one/obs7"),
        ("{run}/{detector.full_name}", {"detector__full_name": "R 1/S01"}, "runs_one/R_1_S01"),
        ("{run}/{detector.full_name:/}", {"detector__full_name": "R1/S01"}, "runs_one/R1/S01"),
        # alternatives
        ("{run}/{visit|exposure}", {}, "runs_one/7"),
        ("{run}/{visit.name|exposure.obs_id}", {}, "runs_one/obs7"),
        ("{run}/{exposure}{visit|tract:?}", {}, "runs_one/7"),
        ("{run}/{day_obs|exposure.day_obs}/{exposure}", {}, "runs_one/20250301/7"),
        # optional fields and the text before them
        ("{run}/{exposure}_{visit:?}", {}, "runs_one/7"),
        ("{run}/{visit:?}/{exposure}", {}, "runs_one/7"),
        ("{run}/a{visit:?}/{exposure}", {}, "runs_one/a/7"),
        ("{run}/{exposure}_v{visit:?}_d{detector:?}", {}, "runs_one/7_d3"),
        ("{run}/{exposure.no_such_column:?}/{exposure}", {}, "runs_one/7"),
        ("{run}/{exposure.target_name:?}x{exposure}", {}, "runs_one/x7"),
        # format specifications and conversions
        ("{run}/{exposure:08d}", {}, "runs_one/00000007"),
        ("{run}/{exposure:?08d}", {}, "runs_one/00000007"),
        ("{run}/{exposure:>4}", {}, "runs_one/   7"),
        ("{run}/{instrument!r:/}{exposure}", {}, "runs_one/'Cam'7"),
        ("{run}/{exposure!s:/}", {}, "runs_one/7"),
        ("{run}/{{{exposure}}}", {}, "runs_one/{7}"),
        # characters
        ("{run}/{exposure}", {"run": 'a b<c>d:e"f|g?h*i\\j'}, "a_b_c_d_e_f_g_h_i_j/7"),
        ("{run}/{exposure}", {"run": "a\tb\0c%2F"}, "a_b_c_2F/7"),
        ("{run}.{exposure}", {"run": "v1.2"}, "v1_2_7"),
        ("{run:/}/{exposure}", {"run": "v1.2/b"}, "v1.2/b/7"),
        ("{run}/{instrument}#{exposure}", {"instrument": "C#1"}, "runs_one/CHASH1HASH7"),
        ("{run:/}/{exposure}", {"run": "a#b/c"}, "aHASHb/c/7"),
        # the path as a whole
        ("{visit:?}/{run}/{exposure}", {}, "runs_one/7"),
        ("{run:/}/{exposure}", {"run": "/a//b/"}, "a/b/7"),
        ("{run}/./{exposure}", {}, "runs_one/7"),
        ("{run}/{exposure}/{visit:?}", {}, "runs_one/7"),
    ],
)
def test_format(text, values, expected):
    assert path(text, **values) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("raw", "raw/raw_7"), ("raw.wcs", "raw.wcs/raw_wcs_7"), ("raw.a.b", "raw.a.b/raw_a_b_7")],
)
def test_components(name, expected):
    text = "{datasetType}.{component:?}/{datasetType}_{component:?}_{exposure}_{run:?}"
    assert path(text, name=name) == f"{expected}_runs_one"


def test_component_without_a_field_for_it():
    with pytest.raises(TemplateError, match=r"no \{component\}"):
        path("{run}/{exposure}", name="raw.wcs")


def test_skypix_is_an_alias_of_the_only_one():
    one = ref("ref_cat", ("htm7",), "ArrowAstropy", htm7=1234)
    assert FileTemplate("{run}/{skypix}").format(one) == "runs_one/1234"
    assert FileTemplate("{run}/{htm7}").format(one) == "runs_one/1234"
    two = ref("ref_cat", ("htm7", "healpix9"), "ArrowAstropy")
    assert FileTemplate("{run}/{htm7}{healpix9}{skypix:?}").format(two) == "runs_one/11"
    with pytest.raises(TemplateError, match="skypix"):
        FileTemplate("{run}/{htm7}{healpix9}{skypix}").format(two)


def test_missing_field():
    with pytest.raises(TemplateError, match=r"needs \{visit\}.*'raw'"):
        path("{run}/{visit}")
    with pytest.raises(TemplateError, match=r"needs \{visit\.name\}"):
        path("{run}/{visit.name|tract}")


def test_unknown_column_is_said_and_absent(caplog):
    with caplog.at_level(logging.INFO, logger="pachon.datastore.template"), pytest.raises(TemplateError):
        path("{run}/{exposure.colour}")
    assert "'exposure' has no column 'colour'" in caplog.text


def test_metadata_need_an_expanded_data_id():
    with pytest.raises(DataIdNotExpandedError, match="no dimension records") as caught:
        path("{run}/{exposure.obs_id}", expand=False)
    assert isinstance(caught.value, RuntimeError)
    assert path("{run}/{exposure}", expand=False) == "runs_one/7"
    assert path("{run}/{exposure}{visit.name:?}", expand=False) == "runs_one/7"


@pytest.mark.parametrize("run", ["..", "a/../../b", "../x", "a/..", "/.."])
def test_values_cannot_leave_the_root(run):
    with pytest.raises(TemplateError, match="no path below the root"):
        path("{run:/}/{exposure}", run=run)


def test_dots_in_the_file_name_are_harmless():
    assert path("{exposure}/{run}", run="a..b") == "7/a__b"
    assert path("{run:/}/{exposure}", run="a..b/.c") == "a..b/.c/7"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("{exposure}", "must contain {run} or {id}"),
        ("{run}/{datasetType}", "no dimension"),
        ("{run}/{datasetType}.{component:?}", "no dimension"),
        ("{collection}/{run}/{exposure}", "{collection}"),
        ("{run}/../{exposure}", "'..'"),
        ("{run}/..{exposure}/x", "'..'"),
        ("/data/{run}/{exposure}", "relative path"),
        ("~/{run}/{exposure}", "relative path"),
        ("s3://bucket/{run}/{exposure}", "relative path"),
        ("{run}\\{exposure}", "relative path"),
        ("{run}/a#b/{exposure}", "meaning in URIs"),
        ("{run}/a?b/{exposure}", "meaning in URIs"),
        ("{id}/{exposure}", "part of the file name"),
        ("{run}/{id:>40}", "part of the file name"),
        ("{run}/{exposure", "no format string"),
        ("{run}/{}", "is no name"),
        ("{run}/{exposure[0]}", "is no name"),
        ("{run}/{exposure.a.b}", "is no name"),
        ("{run}/{exposure:{detector}}", "another field"),
        ("{run}/{exposure!x}", "conversion"),
    ],
)
def test_wrong_templates(text, complaint):
    with pytest.raises(TemplateError) as caught:
        FileTemplate(text)
    assert complaint in str(caught.value)


def test_id_alone_is_enough():
    assert path("{datasetType}/{id}") == f"raw/{ID}"
    assert path("{datasetType}/x_{id}_{run:/}") == f"raw/x_{ID}_runs/one"


@pytest.mark.parametrize(
    ("text", "name", "dimensions", "complaint"),
    [
        ("{run}/{exposure}_{detector}_{instrument}", "raw", ("exposure", "detector"), None),
        ("{run}/{exposure}_{detector}", "raw", ("exposure", "detector"), "lacks {instrument}"),
        ("{run}/{exposure.obs_id}_{detector.full_name}_{instrument:?}", "raw", ("exposure", "detector"), None),
        ("{run}/{id}", "raw", ("exposure", "detector"), None),
        ("{run}/{visit}_{exposure}_{detector}_{instrument}", "raw", ("exposure", "detector"), "{visit} is not one"),
        ("{run}/{visit|exposure}_{detector}_{instrument}", "raw", ("exposure", "detector"), None),
        ("{run}/{visit:?}_{exposure}_{detector}_{instrument}", "raw", ("exposure", "detector"), None),
        ("{run}/{exposure}_{detector}_{instrument}", "raw.wcs", ("exposure", "detector"), "needs {component}"),
        ("{run}/{component}_{exposure}_{detector}_{instrument}", "raw.wcs", ("exposure", "detector"), None),
        ("{run}/{component}_{exposure}_{detector}_{instrument}", "raw", ("exposure", "detector"), "not optional"),
        ("{run}/{skypix}", "cat", ("htm7",), None),
        ("{run}/{htm7}", "cat", ("htm7",), None),
        ("{run}/{skypix}", "cat", ("htm7", "htm6"), "{skypix} is not one"),
        ("{run}/{skypix:?}{htm7}", "cat", ("htm7", "htm6"), "lacks {htm6}"),
    ],
)
def test_check_dataset_type(text, name, dimensions, complaint):
    dataset_type = EXAMPLE.dataset_type(name, dimensions, "CCDData")
    if complaint is None:
        FileTemplate(text).check_dataset_type(dataset_type)
    else:
        with pytest.raises(TemplateError) as caught:
            FileTemplate(text).check_dataset_type(dataset_type)
        assert complaint in str(caught.value)


def test_default_template_of_raws():
    text = DEFAULT_TEMPLATES["physical_filter+detector+exposure"]
    assert path(text) == "runs/one/raw/20250301/obs7/raw_Cam_Cam-R_obs7_S03_runs_one"


@pytest.mark.parametrize(
    ("name", "dimensions", "expected"),
    [
        ("packages", (), "runs/one/packages/packages_runs_one"),
        ("bias", ("instrument", "detector"), "runs/one/bias/bias_Cam_S03_runs_one"),
        (
            "flat",
            ("instrument", "physical_filter", "detector"),
            "runs/one/flat/r/Cam-R/flat_Cam_r_Cam-R_S03_runs_one",
        ),
        (
            "pvi",
            ("instrument", "visit", "detector"),
            "runs/one/pvi/20250301/r/Cam-R/7/pvi_Cam_r_Cam-R_7_S03_runs_one",
        ),
        (
            "pvi.wcs",
            ("instrument", "visit", "detector"),
            "runs/one/pvi.wcs/20250301/r/Cam-R/7/pvi_wcs_Cam_r_Cam-R_7_S03_runs_one",
        ),
        (
            "deep_coadd",
            ("skymap", "tract", "patch", "band"),
            "runs/one/deep_coadd/9/4/r/deep_coadd_9_4_r_sky_runs_one",
        ),
        ("ref_cat", ("htm7",), "runs/one/ref_cat/ref_cat_1_runs_one"),
    ],
)
def test_default_template(name, dimensions, expected):
    dataset_type = EXAMPLE.dataset_type(name, dimensions, "CCDData")
    template = FileTemplate(DEFAULT_TEMPLATES["default"])
    template.check_dataset_type(dataset_type)
    assert template.format(EXAMPLE.ref(dataset_type)) == expected


@given(st.data())
def test_any_suitable_template_gives_a_path_below_the_root(data):
    dataset_type = EXAMPLE.dataset_type("thing", ("instrument", "physical_filter", "detector"), "int")
    group = dataset_type.dimensions
    text = data.draw(template_texts(group.required))
    data_id = data.draw(data_ids(group))
    run = data.draw(st.text("ab/.# é%", min_size=1, max_size=12))
    template = FileTemplate(text)
    template.check_dataset_type(dataset_type)
    ref = DatasetRef(dataset_type, DataCoordinate(group, data_id.values), run)
    if any(part == ".." for part in run.split("/")) or not set(run) - set("/."):
        return  # such runs may be refused
    found = template.format(ref)
    parts = found.split("/")
    assert all(part not in ("", ".", "..") for part in parts)
    assert not found.startswith("/")
    assert not set("#%\0 \\") & set(found)
    assert "." not in parts[-1]
