"""The data doctor: what is wrong with a cohort, before anything trains on it."""

from fuse_engine.data.doctor.cohort import cohort_findings, source_findings
from fuse_engine.data.doctor.displacement import displacement
from fuse_engine.data.doctor.passport import axes_code, oblique_degrees
from fuse_engine.data.doctor.roundtrip import RoundTrip, round_trips
from fuse_engine.data.doctor.samples import Doctor, Report
from fuse_engine.data.doctor.verdicts import Verdicts

__all__ = [
    "Doctor",
    "Report",
    "RoundTrip",
    "Verdicts",
    "axes_code",
    "cohort_findings",
    "displacement",
    "oblique_degrees",
    "round_trips",
    "source_findings",
]
