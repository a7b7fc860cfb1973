import pytest

from semsr.leaderboard.collect_licences import licences_of, policy
from semsr.project import Project


@pytest.mark.parametrize(
    "licences, expected",
    [
        (["Apache-2.0"], "open"),
        (["BSD-3-Clause", "MIT", "Apache-2.0 (code); weights BSD"], "open"),
        (["CC BY 4.0"], "open"),
        (["CC BY-SA 4.0"], "open"),
        (["CC-BY-NC-4.0"], "non-commercial"),
        (["CC BY-NC-SA 4.0"], "non-commercial"),
        (["Apache-2.0", "PolyForm Noncommercial 1.0.0"], "non-commercial"),
        (["S-Lab License 1.0"], "non-commercial"),
        (["for non-commercial research only; code MIT"], "non-commercial"),
        (["none stated; not to be passed on"], "unknown"),
        (["Apache-2.0", "CreativeML Open RAIL++-M"], "unknown"),
        ([""], "unknown"),
        ([], "unknown"),
        (["submitted by a user"], "unknown"),
    ],
)
def test_the_strictest_of_several_licences(licences: list[str], expected: str) -> None:
    assert policy(licences) == expected


def test_weights_count(project: Project) -> None:
    """SeeSR's code is open here, but the weights it is published with are under OpenRAIL."""
    assert policy(licences_of(project, "real-esrgan")) == "open"
    assert policy(licences_of(project, "seesr", "published")) == "unknown"
    assert "CreativeML Open RAIL++-M" in licences_of(project, "seesr", "published")
