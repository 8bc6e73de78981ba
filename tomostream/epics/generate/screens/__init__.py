"""Operator's screens for MEDM and Phoebus, laid out once and written twice."""

from tomostream.epics.generate.screens.adl import adl_text
from tomostream.epics.generate.screens.bob import bob_text
from tomostream.epics.generate.screens.content import SCREENS
from tomostream.epics.generate.screens.layout import laid_out

__all__ = ["SCREENS", "adl_text", "bob_text", "laid_out"]
